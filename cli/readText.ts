import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeUtf8 } from 'bptt/data';
import { reason } from './files.ts';

export interface NamedText {
  /** For titles: the file's name, or what the text is. */
  name: string;
  text: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const sourceFolders = ['bench', 'cli', 'docs', 'examples', 'proofs', 'src'];

/**
 * Reads text files, one after the other as they are; `-` is standard input. Without files the text is the repository's own
 * sources and documentation, in a clone of it. Bytes that are not UTF-8 and an empty text are errors that name the file.
 */
export async function readText(files: readonly string[]): Promise<NamedText> {
  if (files.length === 0) return ownSources();
  if (files.filter((file) => file === '-').length > 1) throw new Error('standard input (-) can be read only once');
  const texts: string[] = [];
  for (const file of files) {
    const name = file === '-' ? 'standard input' : file;
    const text = decode(file === '-' ? await readStdin() : readFile(file), name);
    if (text === '') throw new Error(`${name}: the text is empty`);
    texts.push(text);
  }
  const names = files.map((file) => (file === '-' ? 'standard input' : basename(file)));
  const name = names.length > 2 ? `${names[0]} and ${names.length - 1} more` : names.join(' and ');
  return { name, text: texts.join('') };
}

/** TypeScript and Markdown files of the repository, those of its root first, in the order of their paths. */
function ownSources(): NamedText {
  if (!existsSync(join(root, 'src/index.ts'))) throw new Error('which text? Name a file, or - for standard input');
  const inFolders = sourceFolders.flatMap((folder) => list(folder, true));
  const paths = [...list('.', false).filter((path) => path.endsWith('.md')), ...inFolders];
  return {
    name: 'its own source code',
    text: paths.map((path) => decode(readFile(join(root, path)), path)).join(''),
  };
}

function list(folder: string, recursive: boolean): string[] {
  let names: string[];
  try {
    names = readdirSync(join(root, folder), { recursive, encoding: 'utf8' });
  } catch {
    return [];
  }
  return names
    .filter((name) => /\.(ts|md)$/.test(name))
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .sort();
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`cannot read ${path}: ${reason(error)}`, { cause: error });
  }
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
