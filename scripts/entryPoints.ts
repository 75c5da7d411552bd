import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The entry points of the package: the name that one imports, and its source. */
export function entryPoints(): readonly (readonly [name: string, source: string])[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { 'bptt-source': string } | string>;
  };
  return Object.entries(exports).flatMap(([entry, source]) =>
    typeof source === 'string' ? [] : [[`bptt${entry.slice(1)}`, join(root, source['bptt-source'])] as const],
  );
}
