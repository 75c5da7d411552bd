import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What one import may weigh in a page, minified and gzipped, without what `import()` loads later: in bytes. */
export const limits: readonly { name: string; from: string; limit: number }[] = [
  { name: 'createTrainer', from: 'bptt', limit: 24_000 },
  { name: 'createTrainer', from: 'bptt/static', limit: 60_000 },
  { name: 'softmax', from: 'bptt/tensor', limit: 4500 },
  { name: 'oneHot', from: 'bptt/data', limit: 2000 },
  { name: 'seriesWindows', from: 'bptt/data', limit: 2000 },
  { name: 'Standardizer', from: 'bptt/data', limit: 2000 },
  { name: 'splitInTime', from: 'bptt/data', limit: 2000 },
  { name: 'padSequences', from: 'bptt/data', limit: 2000 },
];

/**
 * The size of one import in an app that has the package. What `import()` loads is left out of the bundle, so that this is the
 * code that is needed before; a bundler that splits by files, as esbuild does, puts more than that into the page's first chunk.
 */
export async function sizeOf(app: string, { name, from }: { name: string; from: string }): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${name} } from '${from}';`, resolveDir: app },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'loaded later',
        setup({ onResolve }) {
          onResolve({ filter: /./ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : null));
        },
      },
    ],
  });
  return gzipSync(outputFiles[0].contents).length;
}
