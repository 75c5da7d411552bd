import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder } from '../cli/files.ts';
import { createCommand, runCommand } from '../cli/options.ts';
import { gpuEnvironment } from '../scripts/softwareGpu.ts';
import { bundleGpuRun } from './gpu/bundle.ts';

const command = createCommand(
  'npm run bench:gpu --',
  'Puts all that is to be seen on a GPU into one file, and runs it.',
)
  .option('--bundle <folder>', 'only make the file there, for a machine with a GPU and no network')
  .option('--out <folder>', 'where gpu.json and gpu.md are written', 'bench/out')
  .option('--small', 'a trial of everything at small sizes')
  .action(run);

await runCommand(command);

async function run({ bundle, out, small }: { bundle?: string; out: string; small?: boolean }): Promise<void> {
  const folder = bundle === undefined ? fileURLToPath(new URL('out/gpu', import.meta.url)) : resolve(bundle);
  makeFolder(folder);
  const file = await bundleGpuRun(folder);
  if (bundle !== undefined) {
    console.log(`${file}: run it with node, beside the package webgpu`);
    return;
  }
  const env = { ...(await gpuEnvironment()), ...(small && { BPTT_GPU_EFFORT: 'small' }) };
  const { status } = spawnSync(process.execPath, [file, out], { env, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
