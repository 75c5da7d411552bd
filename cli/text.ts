import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { decodeUtf8 } from 'bptt/data';
import { readBytes } from './files.ts';
import { printable } from './printable.ts';
import { shellWord } from './shellWord.ts';

/** How the bytes of a text may be written. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'latin1'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** A text as valid UTF-8 without a byte order mark. */
export interface NamedText {
  /** For titles: the file's name, or what the text is. */
  name: string;
  bytes: Uint8Array;
}

const STDIN = 'standard input';

const root = fileURLToPath(new URL('..', import.meta.url));
const sourceFolders = ['bench', 'cli', 'docs', 'examples', 'proofs', 'src'];

/**
 * Reads text files, one after the other as they are; `-` is standard input. Without files the text is the repository's own
 * sources and documentation, in a clone of it. Bytes of another encoding and an empty text are errors that name the file.
 *
 * @param encoding of all files
 */
export async function readText(files: readonly string[], encoding: Encoding = 'utf-8'): Promise<NamedText> {
  if (files.length === 0) return ownSources();
  if (files.filter((file) => file === '-').length > 1) throw new Error('standard input (-) can be read only once');
  const texts: Uint8Array[] = [];
  for (const file of files) {
    const name = file === '-' ? STDIN : file;
    const text = utf8(file === '-' ? await buffer(process.stdin) : readBytes(file), name, encoding);
    if (text.length === 0) throw new Error(`${name}: the text is empty`);
    texts.push(text);
  }
  const names = files.map((file) => (file === '-' ? STDIN : basename(file)));
  const name = names.length > 2 ? `${names[0]} and ${names.length - 1} more` : names.join(' and ');
  return {
    name: printable(name).replaceAll(/\s+/g, ' '),
    bytes: texts.length === 1 ? texts[0] : Buffer.concat(texts),
  };
}

/** TypeScript and Markdown files of the repository, those of its root first, in the order of their paths. */
function ownSources(): NamedText {
  if (!existsSync(join(root, 'src/index.ts'))) throw new Error('which text? Name a file, or - for standard input');
  const inFolders = sourceFolders.flatMap((folder) => list(folder, true));
  const paths = [...list('.', false).filter((path) => path.endsWith('.md')), ...inFolders];
  return { name: 'its own source code', bytes: Buffer.concat(paths.map((path) => readBytes(join(root, path)))) };
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

/** @throws {Error} naming the encoding that the bytes seem to have, and how to read them. */
function utf8(bytes: Uint8Array, name: string, encoding: Encoding): Uint8Array {
  const utf16 = utf16Of(bytes);
  if (encoding === 'utf-16le' || encoding === 'utf-16be') {
    if (utf16 && utf16 !== encoding) throw new Error(`${name}: it is ${utf16}, --encoding is ${encoding}`);
    if (isUtf8(bytes) && !bytes.includes(0)) throw new Error(`${name}: it is UTF-8, --encoding is ${encoding}`);
    if (bytes.length % 2 === 1)
      throw new Error(`${name}: it has ${bytes.length} bytes, an odd number, which is no UTF-16`);
  }
  if (encoding !== 'utf-8') {
    try {
      return Buffer.from(new TextDecoder(encoding, { fatal: true }).decode(bytes));
    } catch {
      throw new Error(`${name}: it is no text in ${encoding}`);
    }
  }
  if (utf16) throw new Error(`${name}: it is UTF-16, not UTF-8; ${remedy(utf16, name)}`);
  if (!isUtf8(bytes)) {
    const why = withoutFunction(() => decodeUtf8(bytes));
    throw new Error(`${name}: ${why}; if it is Latin-1: ${remedy('latin1', name)}`);
  }
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return mark ? bytes.subarray(3) : bytes;
}

function remedy(encoding: Encoding, name: string): string {
  const convert = `convert it: iconv -f ${encoding} -t utf-8`;
  return `--encoding ${encoding} reads it, or ${convert}${name === STDIN ? '' : ` ${shellWord(name)}`} > utf8.txt`;
}

/** UTF-16 by its byte order mark, or by zeros in most places of one parity, as a text in a Latin script has them. */
function utf16Of(bytes: Uint8Array): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const looked = Math.min(bytes.length & ~1, 2000);
  const zeros = [0, 0];
  for (let i = 0; i < looked; i++) if (bytes[i] === 0) zeros[i % 2]++;
  if (looked === 0 || Math.max(...zeros) < looked / 4) return undefined;
  return zeros[1] > zeros[0] ? 'utf-16le' : 'utf-16be';
}

/** What a call of the library complains of, without its own name before it. */
function withoutFunction(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message.replace(/^[\w.]+: /, '');
  }
  return '';
}
