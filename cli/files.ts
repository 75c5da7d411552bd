import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
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
  EDQUOT: 'the quota of disk space is used up',
};

/** Why a file operation failed, in words. */
export function reason(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}

/** @throws {Error} saying what cannot be done, and why. */
export function orSay<T>(cannot: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${cannot}: ${reason(error)}`, { cause: error });
  }
}

/** The bytes of a file. @throws {Error} naming it and why not. */
export function readBytes(path: string): Uint8Array {
  return orSay(`cannot read ${path}`, () => readFileSync(path));
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

/** What {@link writeAtomic} and {@link saveAtomic} call a file that is not whole yet. */
const UNFINISHED = /\.(\d+)\.tmp$/;

/**
 * Writes a file so that a reader, or a stop halfway, finds either the old content or the new, never a part. A link stays one,
 * and what it points to is written; so do devices and pipes, which are written to as they are.
 */
export function writeAtomic(path: string, content: string | Uint8Array): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isFile()) {
    writeFileSync(path, content);
    return;
  }
  const target = found ? realpathSync(path) : path;
  const unfinished = `${target}.${process.pid}.tmp`;
  try {
    writeFileSync(unfinished, content);
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** As {@link writeAtomic}, while the caller goes on; the bytes are on the disk before the file has its name. */
export async function saveAtomic(path: string, content: Uint8Array): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(unfinished, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Removes the unfinished files that killed processes left in a folder, or, of one process, its own. */
export function removeUnfinished(folder: string, pid?: number): void {
  for (const name of readdirSync(folder)) {
    const [, by] = UNFINISHED.exec(name) ?? [];
    if (by !== undefined && (pid === undefined || Number(by) === pid)) rmSync(`${folder}/${name}`, { force: true });
  }
}
