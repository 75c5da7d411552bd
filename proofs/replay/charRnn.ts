import { allocationPlan, CpuTrainer, type ModelSpec, type TrainerOptions } from 'bptt';
import { clipByValue, l2Forward, sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';
import {
  type Arrays,
  compareArrays,
  fromModel,
  givenParameters,
  gradientsOf,
  type Layout,
  parametersOf,
  statesOf,
  trainerOf,
  trainOn,
} from './layout.ts';

/** Whh stands before a column h, as in the library; Wxh and Why after a row. */
export const layout: Layout = {
  Wxh: { parameter: 'weight_ih_l0', transposed: true },
  Whh: { parameter: 'weight_hh_l0' },
  bh: { parameter: 'bias_ih_l0' },
  Why: { parameter: 'weight_ho', transposed: true },
  by: { parameter: 'bias_ho' },
};

const CLIP = 5;

export function spec(D: number, H: number): ModelSpec {
  return {
    cell: 'elman',
    inputSize: D,
    hiddenSize: H,
    outputSize: D,
    bias: 'input',
    loss: 'softmaxCrossEntropy',
  };
}

interface Sizes {
  D: number;
  H: number;
  L: number;
  N: number;
}

/** Notebook 002: `nb002_char_rnn_l2*.json`. */
export function replay(file: Fields, check: Check): void {
  for (const fields of file.cases()) replayCase(fields, check);
}

function replayCase(fields: Fields, check: Check): void {
  const { values } = check.tolerances.charRnn;
  const [D, H, L, N] = ['D', 'H', 'L', 'N'].map((name) => fields.whole(name, 1));
  const sizes = { D, H, L, N };
  const lmbda = fields.number('lmbda');
  const options: TrainerOptions = {
    steps: L,
    batch: 1,
    optimizer: sgd({ lr: fields.number('lr') }),
    clip: { value: CLIP },
    l2: lmbda,
  };
  const drawn = draw(fields, sizes);
  if (drawn) check.compareData(fields.golden('data', [N]), drawn.data);
  const data = fields.ids('data', D);
  const params = givenParameters(check, spec(D, H), layout, fields.object('params'), drawn?.params ?? null, values);
  const trainer = trainerOf(check, spec(D, H), options, layout, params);
  check.compareData(fields.golden('x', [L]), data.subarray(0, L));
  check.compareData(fields.golden('y', [L]), data.subarray(1, L + 1));
  replayFirstWindow(fields, trainer, { inputs: fields.ids('x', D), targets: fields.ids('y', D) }, sizes, check);
  replayZeros(fields.optional('zeros_test'), trainer, sizes, check);

  const starts = windowStarts(fields.whole('updates', 1), sizes);
  check.compareData(fields.golden('window_starts'), starts);
  const { losses, afterFirst } = trainOn(trainer, layout, starts.length, (i) => ({
    inputs: data.subarray(starts[i], starts[i] + L),
    targets: data.subarray(starts[i] + 1, starts[i] + 1 + L),
  }));
  check.compareLosses(fields.golden('losses_before_each_update'), losses, values);
  comparePrints(fields, losses, starts, sizes, check);
  compareArrays(check, fields.optional('params_after_1'), afterFirst, values);
  compareArrays(check, fields.optional('params_after_all'), parametersOf(trainer, layout), values);
}

function replayFirstWindow(
  fields: Fields,
  trainer: CpuTrainer,
  batch: { inputs: Int32Array; targets: Int32Array },
  { D, H, L }: Sizes,
  check: Check,
): void {
  const { values } = check.tolerances.charRnn;
  const { model } = trainer;
  const loss = trainer.lossAndGradients(batch);
  const last = model.outputs().subarray((L - 1) * D);
  check.compare(fields.golden('h_vals', [L, H]), statesOf(trainer, L), values);
  check.compare(fields.golden('probs', [L, D]), model.outputs(), values);
  check.compare(fields.golden('data_loss'), model.loss[0], values);
  check.compare(fields.golden('reg_loss'), penalty(trainer), values);
  check.compare(fields.golden('loss'), loss, values);
  check.compare(fields.golden('predict_prob', [D]), last, values);
  check.compare(fields.golden('predict'), last.indexOf(Math.max(...last)));
  const gradients = gradientsOf(trainer, layout);
  compareArrays(check, fields.optional('grads'), gradients, values);
  const clipped = model.gradients.flat.slice();
  clipByValue(clipped, CLIP);
  const { layout: places } = model.gradients;
  compareArrays(check, fields.optional('grads_clipped'), fromModel(clipped, places, layout), values);
  compareArrays(check, fields.optional('number_clipped'), numberClipped(gradients, CLIP));
}

/** How many elements of each array lie outside ±limit. */
export function numberClipped(gradients: Arrays, limit: number): Arrays {
  const outside = (g: ArrayLike<number>): number => Array.from(g).filter((v) => Math.abs(v) > limit).length;
  return Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, [outside(g)]]));
}

/** Σ w² over the three matrices. */
function penalty({ model: { parameters } }: CpuTrainer): number {
  return ['weight_ih_l0', 'weight_hh_l0', 'weight_ho'].reduce((sum, w) => sum + l2Forward(parameters.get(w)!, 1), 0);
}

/** The symbol 0 after the symbol 0; `uniform_loss` is that of a net whose parameters are all zero. */
function replayZeros(golden: Fields | null, trainer: CpuTrainer, { D, H, L }: Sizes, check: Check): void {
  if (!golden) return;
  const { values } = check.tolerances.charRnn;
  const zeros = { inputs: new Int32Array(L), targets: new Int32Array(L) };
  check.compare(golden.golden('loss'), trainer.lossAndGradients(zeros), values);
  check.compare(golden.golden('data_loss'), trainer.model.loss[0], values);
  const options = { steps: L, batch: 1, optimizer: sgd({ lr: 1 }) };
  const blank = new CpuTrainer(
    check.engineFor(() => allocationPlan(spec(D, H), options)[0], spec(D, H)),
    spec(D, H),
    options,
  );
  check.compare(golden.golden('uniform_loss'), blank.lossOf(zeros), values);
}

/** Back to the start where another window, counted as the notebook counts, would not fit. */
function windowStarts(updates: number, { L, N }: Sizes): number[] {
  const starts: number[] = [];
  let ichar = 0;
  for (let iseq = 0; iseq < updates; iseq++) {
    starts.push(ichar);
    ichar = isLastWindow(ichar, L, N) ? 0 : ichar + L;
  }
  return starts;
}

function isLastWindow(start: number, L: number, N: number): boolean {
  return start + L + 1 + L >= N;
}

/** What the notebook prints at the end of each pass; its mean divides by N/L, though fewer windows ran. */
function comparePrints(fields: Fields, losses: Float64Array, starts: number[], { L, N }: Sizes, check: Check): void {
  if (fields.raw('prints') === null) return;
  const prints = fields.objects('prints');
  const ends = Array.from(starts.keys()).filter((iseq) => isLastWindow(starts[iseq], L, N));
  const count = {
    caseName: fields.caseName,
    quantity: 'prints',
    shape: [],
    content: { values: Float64Array.of(prints.length) },
  };
  check.compareData(count, ends.length);
  let total = 0;
  let begin = 0;
  for (const [i, iseq] of ends.slice(0, prints.length).entries()) {
    for (const loss of losses.subarray(begin, iseq + 1)) total += loss;
    check.compareData(prints[i].golden('iteration'), i + 1);
    check.compareData(prints[i].golden('iseq'), iseq);
    check.compareData(prints[i].golden('ichar'), 0);
    check.compare(prints[i].golden('loss'), total / (N / L), check.tolerances.charRnn.values);
    total = 0;
    begin = iseq + 1;
  }
}

/** From the seed: Wxh, Whh, Why, then the data. */
function draw(fields: Fields, { D, H, N }: Sizes): { params: Arrays; data: Float64Array } | null {
  const seed = fields.seed();
  if (seed === null) return null;
  const rng = new RandomState(seed);
  const scale = fields.number('scale');
  const matrix = (size: number, rows: number) => rng.randn(size).map((v) => (v / Math.sqrt(rows)) * scale);
  const Wxh = matrix(D * H, D);
  const Whh = matrix(H * H, H);
  const Why = matrix(H * D, H);
  const params = { Wxh, Whh, Why, bh: new Float64Array(H), by: new Float64Array(D) };
  return { params, data: rng.randint(0, D, N) };
}
