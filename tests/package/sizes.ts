import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundle, eagerScripts } from './bundlers.ts';

/** What one import may weigh in a page, minified and gzipped, without what is loaded later: in bytes. */
export const limits: readonly { name: string; from: string; limit: number }[] = [
  { name: 'createTrainer', from: 'bptt', limit: 24_000 },
  { name: 'softmax', from: 'bptt/tensor', limit: 4500 },
  { name: 'oneHot', from: 'bptt/data', limit: 2000 },
  { name: 'seriesWindows', from: 'bptt/data', limit: 2000 },
  { name: 'Standardizer', from: 'bptt/data', limit: 2000 },
  { name: 'splitInTime', from: 'bptt/data', limit: 2000 },
  { name: 'padSequences', from: 'bptt/data', limit: 2000 },
];

/** The size of one import in an app that has the package, built by esbuild. */
export function sizeOf(app: string, { name, from }: { name: string; from: string }): number {
  const outdir = `size-${name}`;
  const contents = `export { ${name} } from '${from}';`;
  bundle(app, { stdin: { contents, resolveDir: app }, minify: true, format: 'esm', splitting: true, outdir });
  const folder = join(app, outdir);
  const sizes = [...eagerScripts(folder, ['stdin.js'])].map(
    (file) => gzipSync(readFileSync(join(folder, file))).length,
  );
  return sizes.reduce((total, size) => total + size, 0);
}
