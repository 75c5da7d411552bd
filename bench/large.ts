import { spawnSync } from 'node:child_process';
import {
  type CreateTrainerOptions,
  createTrainer,
  type EngineName,
  type ModelSpec,
  parameterCount,
  resolveSpec,
} from 'bptt';
import { sgd } from 'bptt/optim';
import { Option } from 'commander';
import { commandGpu } from '../cli/commandGpu.ts';
import { createCommand, fail, runCommand, wholeNumber } from '../cli/options.ts';

/** One size that is far beyond what a lesson has, the others small. */
interface Large {
  readonly what: string;
  readonly spec: ModelSpec;
  readonly steps: number;
  readonly updates: number;
  readonly init?: CreateTrainerOptions['init'];
}

const net = (cell: 'elman' | 'lstm', V: number, H: number): ModelSpec => ({
  ...{ cell, inputSize: V, hiddenSize: H, outputSize: V, loss: 'softmaxCrossEntropy' },
});

const CASES: readonly Large[] = [
  { what: 'T = 1,000,000 steps in a window', spec: net('elman', 8, 8), steps: 1_000_000, updates: 1 },
  { what: 'V = 5,000,000 symbols', spec: net('elman', 5_000_000, 4), steps: 2, updates: 1 },
  {
    what: 'H = 2,048 units, orthogonal weights',
    spec: net('lstm', 64, 2048),
    steps: 4,
    updates: 1,
    init: 'orthogonal',
  },
  { what: '100,000 updates', spec: net('elman', 8, 16), steps: 8, updates: 100_000 },
];

const ENGINES = ['ts', 'wasm', 'webgpu'] as const satisfies readonly EngineName[];
/** Without one named: a device that is a program takes minutes for some. */
const USUAL: readonly EngineName[] = ['ts', 'wasm'];

/** What a process of its own says of its case. */
interface Measured {
  readonly madeSeconds: number;
  readonly seconds: number;
  readonly loss: number;
  /** The most that the process ever held. */
  readonly bytes: number;
}

interface Options {
  engine?: EngineName;
  only: string;
  one?: number;
}

async function measure({ spec, steps, updates, init }: Large, engine: EngineName): Promise<Measured> {
  const gpu = await commandGpu(engine);
  const begin = performance.now();
  const more = init === undefined ? {} : { init };
  const trainer = await createTrainer(spec, { steps, batch: 1, optimizer: sgd({ lr: 1e-3 }), engine, ...more, ...gpu });
  const made = performance.now();
  const ids = Int32Array.from({ length: steps + 1 }, (_, t) => (t * t) % spec.inputSize);
  const window = { inputs: ids.subarray(0, steps), targets: ids.subarray(1) };
  let loss = 0;
  for (let left = updates; left > 0; left -= 1000) {
    [loss] = await trainer.train(Array(Math.min(left, 1000)).fill(window));
  }
  const seconds = (performance.now() - made) / 1000;
  const bytes = 1024 * process.resourceUsage().maxRSS;
  return { madeSeconds: (made - begin) / 1000, seconds, loss: loss / steps, bytes };
}

/** In a process of its own: what the others hold does not count, and one that ends for want of memory ends alone. */
function measureApart(index: number, engine: EngineName): Measured | string {
  const args = [...process.execArgv, import.meta.filename, '--one', String(index), '--engine', engine];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout) as Measured;
  return stderr.trim().split('\n').at(-1) || `ended by ${signal ?? status}`;
}

function row(engine: EngineName, got: Measured | string): string {
  if (typeof got === 'string') return `  ${engine.padEnd(8)}${got}`;
  const { madeSeconds, seconds, loss, bytes } = got;
  const times = `${madeSeconds.toFixed(1).padStart(6)} s to begin, ${seconds.toFixed(1).padStart(6)} s`;
  return `  ${engine.padEnd(8)}${times}, ${String(Math.round(bytes / 2 ** 20)).padStart(6)} MiB, ${loss.toFixed(4)} nats a symbol`;
}

const command = createCommand(
  'npm run bench:large --',
  'Trains nets of which one size is very large, each in a process of its own, and prints time and the most memory held.',
)
  .addOption(new Option('--engine <name>', 'this one alone (default: ts and wasm)').choices([...ENGINES]))
  .option('--only <text>', 'only cases with this in their name', '')
  .addOption(new Option('--one <index>', 'measures it in this process').argParser(wholeNumber(99, 0)).hideHelp())
  .action(async ({ engine: only, only: text, one }: Options) => {
    if (one !== undefined) {
      console.log(JSON.stringify(await measure(CASES[one], only ?? 'ts')));
      process.exit(0);
    }
    const chosen = [...CASES.entries()].filter(([, { what }]) => what.includes(text));
    if (chosen.length === 0) fail(`no case has "${text}" in its name: ${CASES.map(({ what }) => what).join('; ')}`);
    for (const [index, large] of chosen) {
      const { cell, inputSize, hiddenSize } = large.spec;
      const count = parameterCount(resolveSpec(large.spec)).toLocaleString('en-US');
      console.log(`${large.what}: ${cell} ${hiddenSize}, ${inputSize} symbols, ${count} parameters`);
      for (const engine of only ? [only] : USUAL) {
        console.log(row(engine, measureApart(index, engine)));
      }
    }
  });

await runCommand(command);
