import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CELL_NAMES, type CellName, createTrainer, type ModelSpec, type Trainer, type TrainingBatch } from 'bptt';
import { ADDING_BASELINE, addingProblem, copyingBaseline, copyingProblem, copyingSteps } from 'bptt/data';
import { adam } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { lineChart } from '../chart.ts';
import { writeAtomic } from '../files.ts';
import { createCommand, numberBetween, wholeNumber } from '../options.ts';
import { createProgress } from '../progress.ts';

/** A task that only a net with a long memory can do better than its baseline. */
interface Problem {
  title: string;
  lossName: string;
  /** The loss of the best answer that remembers nothing. */
  baseline: number;
  /** The number of steps of a sequence. */
  steps: number;
  spec(cell: CellName, hidden: number): ModelSpec;
  /** Buffers for a batch, and what fills them with fresh sequences. */
  makeBatch(batch: number): { batch: TrainingBatch; fill(rng: RandomState): void };
}

interface Options {
  length: number;
  symbols: number;
  cells: CellName[];
  hidden: number;
  batch: number;
  lr: number;
  clipNorm: number;
  iterations: number;
  seed: number;
  out: string;
}

/** The mean of that many last losses counts as the result. */
const AVERAGED = 50;

function adding({ length }: Options): Problem {
  return {
    title: `The adding problem over ${length} steps`,
    lossName: 'mean squared error',
    baseline: ADDING_BASELINE,
    steps: length,
    spec: (cell, hidden) => ({
      cell,
      input: 'dense',
      inputSize: 2,
      hiddenSize: hidden,
      outputSize: 1,
      loss: 'squaredError',
      lossAt: 'last',
      reduction: 'mean',
    }),
    makeBatch(size) {
      const inputs = new Float32Array(length * size * 2);
      const targets = new Float32Array(size);
      return { batch: { inputs, targets }, fill: (rng) => addingProblem(inputs, targets, rng, length, size) };
    },
  };
}

function copying({ length, symbols }: Options): Problem {
  const steps = copyingSteps(length, symbols);
  return {
    title: `The copying problem: ${symbols} symbols over ${length} steps`,
    lossName: 'cross-entropy a step, nats',
    baseline: copyingBaseline(length, symbols),
    steps,
    spec: (cell, hidden) => ({
      cell,
      inputSize: 10,
      hiddenSize: hidden,
      outputSize: 10,
      loss: 'softmaxCrossEntropy',
      reduction: 'mean',
    }),
    makeBatch(size) {
      const inputs = new Int32Array(steps * size);
      const targets = new Int32Array(steps * size);
      const sizes = { delay: length, B: size, symbols };
      return { batch: { inputs, targets }, fill: (rng) => copyingProblem(inputs, targets, rng, sizes) };
    },
  };
}

export const command: Command = createCommand(
  'memory',
  'Trains cells on tasks that need a long memory, beside the baseline of none.',
)
  .addArgument(new Argument('<problem>', 'which task').choices(['adding', 'copying']))
  .option('--length <n>', 'steps to remember over (default: adding 100, copying 20)', wholeNumber(10_000))
  .option('--symbols <n>', 'symbols to copy', wholeNumber(1000), 5)
  .option('--cells <names>', `cells, separated by commas: ${CELL_NAMES.join(', ')}`, cellsOf, ['elman', 'lstm'])
  .option('--hidden <n>', 'hidden units (default: adding 32, copying 64)', wholeNumber(4096))
  .option('--batch <n>', 'sequences of an update', wholeNumber(10_000), 20)
  .option('--lr <x>', "Adam's learning rate", numberBetween(0, 10), 0.01)
  .option('--clip-norm <x>', 'the largest norm of the gradient', numberBetween(0, 1e9, { positive: true }), 1)
  .option('--iterations <n>', 'updates', wholeNumber(1e9), 3000)
  .option('--seed <n>', 'of weights and sequences', wholeNumber(2 ** 32 - 1, 0), 0)
  .option('--out <folder>', 'where the picture goes', 'runs')
  .action(async (name: 'adding' | 'copying', given: Partial<Options>) => {
    const sizes = name === 'adding' ? { length: 100, hidden: 32 } : { length: 20, hidden: 64 };
    const options = { ...sizes, ...given } as Options;
    const problem = name === 'adding' ? adding(options) : copying(options);
    const losses: { name: string; values: Float64Array }[] = [];
    for (const cell of options.cells) losses.push({ name: cell, values: await train(problem, cell, options) });
    console.log(
      `${problem.title}, ${problem.lossName}; the best answer without memory: ${problem.baseline.toFixed(4)}`,
    );
    for (const { name: cell, values } of losses) {
      const result = mean(values.subarray(-AVERAGED));
      const verdict = result < problem.baseline / 2 ? 'remembers' : 'does not remember';
      console.log(`${cell.padEnd(16)}${result.toFixed(4)}  ${verdict}`);
    }
    mkdirSync(options.out, { recursive: true });
    const file = join(options.out, `memory-${name}-${options.length}.svg`);
    writeAtomic(file, picture(problem, losses, options));
    console.log(`picture: ${file}`);
  });

function cellsOf(text: string): CellName[] {
  const cells = text.split(',');
  const unknown = cells.find((cell) => !(CELL_NAMES as readonly string[]).includes(cell));
  if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is none of ${CELL_NAMES.join(', ')}.`);
  return cells as CellName[];
}

/** Trains one cell; gives the loss of every update. */
async function train(problem: Problem, cell: CellName, options: Options): Promise<Float64Array> {
  const { batch: size, hidden, lr, clipNorm, iterations, seed } = options;
  const trainer: Trainer = await createTrainer(problem.spec(cell, hidden), {
    steps: problem.steps,
    batch: size,
    optimizer: adam({ lr }),
    clip: { norm: clipNorm },
    seed,
  });
  const { batch, fill } = problem.makeBatch(size);
  const rng = new RandomState(seed);
  const losses = new Float64Array(iterations);
  const progress = createProgress({ unit: 'update', total: iterations, stream: process.stderr });
  for (let i = 0; i < iterations; i++) {
    fill(rng);
    [losses[i]] = await trainer.train([batch]);
    progress.update(i + 1, { cell, loss: mean(losses.subarray(Math.max(0, i + 1 - AVERAGED), i + 1)) });
  }
  progress.stop();
  trainer.dispose();
  return losses;
}

function picture(problem: Problem, losses: { name: string; values: Float64Array }[], options: Options): string {
  const x = Array.from({ length: Math.floor(options.iterations / 10) }, (_, i) => (i + 1) * 10);
  const series = losses.map(({ name, values }) => ({
    name,
    x,
    y: x.map((end) => mean(values.subarray(Math.max(0, end - AVERAGED), end))),
  }));
  const highest = Math.max(problem.baseline, ...series.flatMap(({ y }) => y));
  return lineChart({
    title: problem.title,
    subtitle: `${options.hidden} hidden units · batch ${options.batch} · Adam ${options.lr} · mean of ${AVERAGED} updates`,
    xLabel: 'updates',
    yLabel: problem.lossName,
    yRange: [0, Math.ceil(highest * 10) / 10],
    series,
    annotations: [{ text: 'without memory', y: problem.baseline }],
  });
}

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
