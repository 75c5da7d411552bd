import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that the addresses of documents start from. */
export const ROOT: string = fileURLToPath(new URL('..', import.meta.url));

/** The TypeScript of a document, a block each. */
export function codeOf(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return Array.from(text.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code);
}
