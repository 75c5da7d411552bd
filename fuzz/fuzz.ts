import { createCommand, fail, numberBetween, runCommand, wholeNumber } from '../cli/options.ts';
import { gpuOrSoftware } from '../scripts/softwareGpu.ts';
import { watch } from './watch.ts';

interface Options {
  minutes?: number;
  cases?: number;
  seed: number;
  only?: string;
  files: boolean;
  device: boolean;
}

const command = createCommand(
  'npm run fuzz --',
  'Calls everything that the package exports with good and bad arguments and altered files.',
)
  .option('--minutes <n>', 'how long', numberBetween(0, 10_000, { positive: true }))
  .option('--cases <n>', 'how many calls', wholeNumber(1e9))
  .option('--seed <n>', 'which', wholeNumber(2 ** 32 - 1, 0), 1)
  .option('--only <name>', 'only what has this in its name, as in "bptt/tensor softmax"')
  .option('--files', 'only readers of files, with altered ones', false)
  .option('--device', 'on a device of WebGPU as well, which is slow without a GPU', false)
  .action(async (options: Options) => {
    const { minutes = options.cases === undefined ? 1 : 10_000, cases = 1e9, ...rest } = options;
    // Here, since a thread has an environment of its own, and the driver is looked for in the process's.
    if (options.device) await gpuOrSoftware();
    const { tried, right, named, wrong } = await watch({ ...rest, cases, milliseconds: minutes * 60_000 });
    for (const [what, { count, example }] of [...wrong].sort(([, a], [, b]) => b.count - a.count)) {
      console.log(`${count} × ${what}\n    ${example}`);
    }
    const told = `tried ${tried}, right ${right}, named errors ${named}, wrong ${tried - right - named}`;
    console.log(`${told}, seed ${options.seed}`);
    if (wrong.size > 0) fail(`${wrong.size} kinds of call went wrong`);
    process.exit(0);
  });

await runCommand(command);
