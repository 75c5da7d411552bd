/** Bundles `cli/` with the notebooks that it runs into `cli/package/dist/`: the package `bptt-cli`, apart from what it depends on. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const cli = fileURLToPath(new URL('../cli', import.meta.url));
const outdir = join(cli, 'package/dist');
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: ['bptt.ts', 'trainingThread.ts'].map((file) => join(cli, file)),
  outdir,
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
});
cpSync(join(cli, 'torch'), join(outdir, 'torch'), { recursive: true });
