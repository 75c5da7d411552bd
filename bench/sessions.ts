import {
  CELL_NAMES,
  type CellName,
  createModel,
  type InferenceModel,
  type InferenceSession,
  initialParameters,
  type ModelSpec,
  parameterCount,
  resolveSpec,
} from 'bptt';
import { RandomState } from 'bptt/tensor';
import { Option } from 'commander';
import { createCommand, runCommand, wholeNumber } from '../cli/options.ts';
import { bytesHeld } from './held.ts';

interface Options {
  sessions: number;
  cell: CellName;
  hidden: number;
  symbols: number;
  steps: number;
  seed: number;
}

/**
 * Steps for each second of a core's time, which is that of a clock where nothing else runs; `read` does `count` of them at
 * each call.
 */
function rate(steps: number, count: number, read: (step: number) => void): number {
  const start = process.cpuUsage();
  for (let done = 0; done < steps; done += count) read(done / count);
  const { user, system } = process.cpuUsage(start);
  return (1e6 * Math.ceil(steps / count) * count) / (user + system);
}

async function main(options: Options): Promise<void> {
  const { sessions: n, cell, hidden, symbols, steps, seed } = options;
  const spec: ModelSpec = {
    cell,
    inputSize: symbols,
    hiddenSize: hidden,
    outputSize: symbols,
    loss: 'softmaxCrossEntropy',
  };
  const rng = new RandomState(seed);
  const model: InferenceModel = await createModel(spec, initialParameters(spec, 'float32', 'orthogonal', rng));
  const text = Int32Array.from(rng.randint(0, symbols, 1024));
  const at = (i: number): number => text[i % text.length];

  // What is made once, by the first of each kind of step, is the model's.
  const one = model.session();
  one.read(0);
  const sessions: InferenceSession[] = [];
  const many = Array.from({ length: n }, () => model.session());
  model.readAll(
    many,
    Array.from(many, (_, i) => at(i)),
  );
  many.length = 0;
  const before = bytesHeld('bench:sessions');
  for (let i = 0; i < n; i++) {
    sessions.push(model.session());
    sessions[i].read(at(i));
  }
  const perSession = (bytesHeld('bench:sessions') - before) / n;
  const state = Object.values(one.state()).reduce((sum, { byteLength }) => sum + byteLength, 0);

  const alone = rate(steps, 1, (i) => one.read(at(i)));
  const inTurn = rate(steps, n, (step) => {
    for (let i = 0; i < n; i++) sessions[i].read(at(step + i));
  });
  const ids = new Array<number>(n);
  const together = rate(steps, n, (step) => {
    for (let i = 0; i < n; i++) ids[i] = at(step + i);
    model.readAll(sessions, ids);
  });

  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')} chars/s`;
  const rows = [
    ['model', `${cell} of ${hidden} units over ${symbols} symbols, ${model.description}`],
    ['weights, held once', kib(4 * parameterCount(resolveSpec(spec)))],
    [`each of ${n} sessions`, `${kib(perSession)}, of it state ${kib(state)}`],
    ['one session', perSecond(alone)],
    [`${n} in turn, session.read`, perSecond(inTurn)],
    [`${n} together, model.readAll`, perSecond(together)],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(30)}${value}`);
}

const command = createCommand(
  'sessions',
  'many sessions over one model: memory of each, and characters read in a second of a core',
)
  .option('--sessions <n>', 'how many', wholeNumber(100_000), 500)
  .addOption(new Option('--cell <name>', 'the cell').choices(CELL_NAMES).default('lstm'))
  .option('--hidden <n>', 'units', wholeNumber(4096), 128)
  .option('--symbols <n>', 'symbols', wholeNumber(10_000, 2), 65)
  .option('--steps <n>', 'characters that each measurement reads at least', wholeNumber(100_000_000), 200_000)
  .option('--seed <n>', 'seeds weights and text', wholeNumber(2 ** 31, 0), 0)
  .action((options: Options) => main(options));
await runCommand(command);
