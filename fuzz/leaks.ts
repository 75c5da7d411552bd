import { readdirSync } from 'node:fs';
import { createTrainer, type EngineName, type Trainer } from 'bptt';
import { adam } from 'bptt/optim';
import { commandGpu } from '../cli/commandGpu.ts';
import { createCommand, fail, runCommand, wholeNumber } from '../cli/options.ts';

const SPEC = { cell: 'lstm', inputSize: 8, hiddenSize: 16, outputSize: 8, loss: 'softmaxCrossEntropy' } as const;
const SIZES = { steps: 8, batch: 4 };
const BATCH = { inputs: new Int32Array(32), targets: new Int32Array(32) };

/** What a process holds: threads, handles that keep it alive, bytes. */
interface Held {
  readonly threads: number;
  readonly handles: number;
  readonly rss: number;
}

const { gc } = globalThis as { gc?: () => void };

async function held(): Promise<Held> {
  for (let i = 0; i < 5; i++) {
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    threads: readdirSync('/proc/self/task').length,
    handles: process.getActiveResourcesInfo().length,
    rss: process.memoryUsage.rss(),
  };
}

const ENGINES: readonly { readonly name: string; readonly engine: EngineName; readonly threads: number }[] = [
  { name: 'ts', engine: 'ts', threads: 1 },
  { name: 'wasm', engine: 'wasm', threads: 1 },
  { name: 'wasm ×2', engine: 'wasm', threads: 2 },
  { name: 'webgpu', engine: 'webgpu', threads: 1 },
];

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

const command = createCommand(
  'npm run leaks --',
  'Makes trainers and disposes of them, and prints threads, handles and memory before and after (Linux).',
)
  .option('--trainers <n>', 'how many', wholeNumber(100_000), 300)
  .option('--steps <n>', 'updates of one more trainer, during which the memory is to stay', wholeNumber(1e7), 50_000)
  .option('--engine <name>', 'one of them only: ts, wasm, wasm ×2, webgpu')
  .action(async ({ trainers, steps, engine: only }: { trainers: number; steps: number; engine?: string }) => {
    const grown: string[] = [];
    for (const { name, engine, threads } of ENGINES.filter((one) => only === undefined || one.name === only)) {
      const webgpu = await commandGpu(engine);
      const make = (): Promise<Trainer> =>
        createTrainer(SPEC, { ...SIZES, optimizer: adam(), engine, threads, ...webgpu });
      const round = async (): Promise<void> => {
        const trainer = await make();
        await trainer.train([BATCH]);
        trainer.dispose();
      };
      for (let n = 0; n < 10; n++) await round();
      const before = await held();
      for (let n = 0; n < trainers; n++) await round();
      const after = await held();
      print(`${name}: ${trainers} trainers`, before, after);
      if (after.threads > before.threads || after.handles > before.handles) grown.push(name);
      const trainer = await make();
      const many = engine === 'webgpu' ? Math.min(steps, 2000) : steps;
      const train = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n += 100) await trainer.train(Array(100).fill(BATCH));
      };
      await train(Math.ceil(many / 10));
      const warm = await held();
      await train(many);
      print(`${name}: ${many} updates`, warm, await held());
      trainer.dispose();
    }
    if (grown.length > 0) fail(`threads or handles are left by ${grown.join(', ')}`);
    process.exit(0);
  });

function print(what: string, before: Held, after: Held): void {
  console.log(
    `${what.padEnd(24)} threads ${before.threads} → ${after.threads}, handles ${before.handles} → ${after.handles}, RSS ${mebibytes(before.rss)} → ${mebibytes(after.rss)}`,
  );
}

await runCommand(command);
