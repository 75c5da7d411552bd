import { mkdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a file of that name exists',
  EISDIR: 'it is a folder',
};

/** Why a file operation failed, in words. */
export function reason(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}

/**
 * Makes a folder and those above it that are missing; all of them or, on an error, none. (Node's own recursive mkdir never
 * returns where the file system answers ENOENT for a folder in one that exists, as /proc does.)
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  let folder = resolve(path);
  for (; !isFolder(folder); folder = dirname(folder)) missing.push(folder);
  const made: string[] = [];
  try {
    for (const next of missing.reverse()) {
      mkdirSync(next);
      made.push(next);
    }
  } catch (error) {
    for (const empty of made.reverse()) rmdirSync(empty);
    throw error;
  }
}

/** @throws where there is a file, or a part of the path is one. */
function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw Object.assign(new Error(`${path} is a file`), { code: 'EEXIST' });
  return found !== undefined;
}

/** Writes a file so that a reader, or a stop halfway, finds either the old content or the new, never a part. */
export function writeAtomic(path: string, content: string | Uint8Array): void {
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(unfinished, content);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
