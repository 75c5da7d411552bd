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
import { medianOf } from './measure.ts';
import { WORKLOADS } from './workloads.ts';

/** The nets that the bench samples from, by the names of its workloads. */
const NETS = new Map(WORKLOADS.flatMap(({ id, task }) => (task.kind === 'sampling' ? [[id, task] as const] : [])));

interface Options {
  sessions: number;
  net?: string;
  cell: CellName;
  hidden: number;
  symbols: number;
  steps: number;
  seed: number;
}

/** Rounds in which the ways of reading take turns, so that a machine which is slow for a while is so for all of them. */
const ROUNDS = 7;

/** What reads: `count` characters at each call. */
interface Way {
  readonly count: number;
  read(step: number): void;
}

/**
 * Characters for each second of a core's time, which is that of a clock where nothing else runs: for each way those of every
 * round.
 */
function rates<W extends string>(ways: Readonly<Record<W, Way>>, steps: number): Record<W, number[]> {
  const measured = Object.fromEntries(Object.keys(ways).map((name) => [name, []])) as unknown as Record<W, number[]>;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { count, read }] of Object.entries<Way>(ways)) {
      const calls = Math.ceil(steps / ROUNDS / count);
      const start = process.cpuUsage();
      for (let call = 0; call < calls; call++) read(round * calls + call);
      const { user, system } = process.cpuUsage(start);
      measured[name as W].push((1e6 * calls * count) / (user + system));
    }
  }
  return measured;
}

async function main(options: Options): Promise<void> {
  const { sessions: n, net, steps, seed } = options;
  const {
    cell,
    H: hidden,
    V: symbols,
  } = NETS.get(net!) ?? { cell: options.cell, H: options.hidden, V: options.symbols };
  const spec: ModelSpec = {
    cell,
    inputSize: symbols,
    hiddenSize: hidden,
    outputSize: symbols,
    loss: 'softmaxCrossEntropy',
  };
  const rng = new RandomState(seed);
  const weights = initialParameters(spec, 'float32', 'orthogonal', rng);
  const model: InferenceModel = await createModel(spec, weights);
  const halfModel = await createModel(spec, weights, { weights: 'bf16' });
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

  const half = halfModel.session();
  half.read(0);
  const ids = new Array<number>(n);
  const measured = rates(
    {
      alone: { count: 1, read: (i) => one.read(at(i)) },
      half: { count: 1, read: (i) => half.read(at(i)) },
      inTurn: {
        count: n,
        read(step) {
          for (let i = 0; i < n; i++) sessions[i].read(at(step + i));
        },
      },
      together: {
        count: n,
        read(step) {
          for (let i = 0; i < n; i++) ids[i] = at(step + i);
          model.readAll(sessions, ids);
        },
      },
    },
    steps,
  );
  const { alone } = measured;
  const timesAlone = (values: readonly number[]): string =>
    `${medianOf(values.map((value, round) => value / alone[round])).toFixed(2)} × one session`;

  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  const perSecond = (values: readonly number[]): string =>
    `${Math.round(medianOf(values)).toLocaleString('en')} chars/s`.padEnd(20);
  const rows = [
    ['model', `${cell} of ${hidden} units over ${symbols} symbols, ${model.description}`],
    ['weights, held once', kib(4 * parameterCount(resolveSpec(spec)))],
    [`each of ${n} sessions`, `${kib(perSession)}, of it state ${kib(state)}`],
    ['one session', perSecond(alone).trimEnd()],
    ['one session, bf16 weights', `${perSecond(measured.half)}${timesAlone(measured.half)}`],
    [`${n} in turn, session.read`, `${perSecond(measured.inTurn)}${timesAlone(measured.inTurn)}`],
    [`${n} together, model.readAll`, `${perSecond(measured.together)}${timesAlone(measured.together)}`],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(30)}${value}`);
}

const command = createCommand(
  'sessions',
  'many sessions over one model: memory of each, and characters read in a second of a core',
)
  .option('--sessions <n>', 'how many', wholeNumber(100_000), 500)
  .addOption(
    new Option('--net <name>', 'cell, units and symbols of a workload of npm run bench').choices([...NETS.keys()]),
  )
  .addOption(new Option('--cell <name>', 'the cell').choices(CELL_NAMES).default('lstm'))
  .option('--hidden <n>', 'units', wholeNumber(4096), 128)
  .option('--symbols <n>', 'symbols', wholeNumber(10_000, 2), 65)
  .option('--steps <n>', 'characters that each way reads at least', wholeNumber(100_000_000), 200_000)
  .option('--seed <n>', 'seeds weights and text', wholeNumber(2 ** 31, 0), 0)
  .action((options: Options) => main(options));
await runCommand(command);
