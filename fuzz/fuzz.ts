import { createCommand, fail, numberBetween, runCommand, wholeNumber } from '../cli/options.ts';
import { watch } from './watch.ts';

const command = createCommand(
  'npm run fuzz --',
  'Calls everything that the package exports with good and bad arguments and altered files.',
)
  .option('--minutes <n>', 'how long', numberBetween(0, 10_000, { positive: true }))
  .option('--cases <n>', 'how many calls', wholeNumber(1e9))
  .option('--seed <n>', 'which', wholeNumber(2 ** 32 - 1, 0), 1)
  .option('--only <name>', 'only what has this in its name, as in "bptt/tensor softmax"')
  .option('--device', 'on a device of WebGPU as well, which is slow without a GPU', false)
  .action(async (options: { minutes?: number; cases?: number; seed: number; only?: string; device: boolean }) => {
    const { minutes = options.cases === undefined ? 1 : 10_000, cases = 1e9, seed, only, device } = options;
    const { tried, right, named, wrong } = await watch({ seed, cases, milliseconds: minutes * 60_000, only, device });
    for (const [what, { count, example }] of [...wrong].sort(([, a], [, b]) => b.count - a.count)) {
      console.log(`${count} × ${what}\n    ${example}`);
    }
    console.log(`tried ${tried}, right ${right}, named errors ${named}, wrong ${tried - right - named}, seed ${seed}`);
    if (wrong.size > 0) fail(`${wrong.size} kinds of call went wrong`);
    process.exit(0);
  });

await runCommand(command);
