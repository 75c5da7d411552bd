import { type CpuTrainer, type ModelSpec, Stepper, stepperAllocationPlan } from 'bptt';
import {
  embeddedNextSymbols,
  embeddedReberWord,
  inGrammar,
  nextSymbols,
  REBER_SYMBOLS,
  reberWord,
  sineData,
  wordToIds,
} from 'bptt/data';
import { spectralInit } from 'bptt/layers';
import { sgd } from 'bptt/optim';
import { type FloatArray, RandomState } from 'bptt/tensor';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';
import {
  type Arrays,
  compareArrays,
  given,
  givenParameters,
  gradientsOf,
  type Layout,
  parametersOf,
  setParameters,
  statesOf,
  swapFirstAxes,
  trainerOf,
  trainOn,
} from './layout.ts';

export const layout: Layout = {
  W_ih: { parameter: 'weight_ih_l0', transposed: true },
  W_hh: { parameter: 'weight_hh_l0', transposed: true },
  b_h: { parameter: 'bias_ih_l0' },
  W_ho: { parameter: 'weight_ho', transposed: true },
  b_o: { parameter: 'bias_ho' },
  h0: { parameter: 'h0_l0' },
};

interface Sizes {
  n_in: number;
  n_hid: number;
  n_out: number;
}

export type Task = 'classification' | 'regression';

export function spec(task: Task, { n_in, n_hid, n_out }: Sizes): ModelSpec {
  return {
    cell: 'elman',
    input: task === 'classification' ? 'ids' : 'dense',
    inputSize: n_in,
    hiddenSize: n_hid,
    outputSize: n_out,
    bias: 'input',
    initialState: 'learned',
    loss: task === 'classification' ? 'sigmoidCrossEntropy' : 'squaredError',
    reduction: 'mean',
  };
}

/** Notebook 001: `nb001_elman*.json`. */
export function replay(file: Fields, check: Check): void {
  for (const fields of file.cases()) {
    const task = fields.text('task');
    const sizes = { n_in: fields.whole('n_in', 1), n_hid: fields.whole('n_hid', 1), n_out: fields.whole('n_out', 1) };
    if (task === 'classification') replayClassification(fields, sizes, check);
    else if (task === 'regression') replayRegression(fields, sizes, check);
    else throw fields.error('task', `is '${task}', expected classification or regression`);
  }
}

/** A word as the library reads it: ids [T] and 0/1 targets [T,7]. */
interface Example {
  inputs: Int32Array;
  targets: FloatArray;
}

export function example(word: string, embedded: boolean): Example {
  const next = embedded ? embeddedNextSymbols(word) : nextSymbols(word);
  const targets = next.flatMap((may) => Array.from(REBER_SYMBOLS, (symbol) => (may.includes(symbol) ? 1 : 0)));
  return { inputs: wordToIds(word.slice(0, -1)), targets: Float64Array.from(targets) };
}

function replayClassification(fields: Fields, sizes: Sizes, check: Check): void {
  const { values } = check.tolerances.elman;
  const embedded = fields.flag('embedded');
  const updates = fields.whole('updates', 1);
  const drawn = drawClassification(fields, sizes, embedded, updates);
  const words = fields.texts('words');
  if (drawn) check.sameData(fields, 'words', drawn.words);
  if (drawn) check.compareData(fields.golden('update_indices'), drawn.indices);
  const examples = words.map((word) => {
    const { inputs, targets } = example(word, embedded);
    return { inputs, targets: check.floats(targets) };
  });
  const indices = fields.ids('update_indices', words.length);
  if (indices.length !== updates) throw fields.error('update_indices', `has ${indices.length}, expected ${updates}`);
  const steps = Math.max(...words.map((word) => word.length)) - 1;
  const options = { steps, batch: 1, optimizer: sgd({ lr: fields.number('lr') }) };
  const model = spec('classification', sizes);
  const params = givenParameters(check, model, layout, fields.object('params'), drawn?.params ?? null, values);
  const trainer = trainerOf(check, model, options, layout, params);

  replayFirstWord(fields.optional('first_word'), words[0], trainer, examples[0], check);
  const { losses, afterFirst } = trainOn(trainer, layout, updates, (i) => examples[indices[i]]);
  check.compareLosses(fields.golden('losses_before_each_update'), losses, values);
  compareArrays(check, fields.optional('params_after_1'), afterFirst, values);
  compareArrays(check, fields.optional('params_after_all'), parametersOf(trainer, layout), values);
  trainer.lossOf(examples[0]);
  check.compare(fields.golden('predictions_first_word_after_all'), trainer.model.outputs(), values);
  replaySamples(fields, trainer, check);
}

function replayFirstWord(
  golden: Fields | null,
  word: string,
  trainer: CpuTrainer,
  example: Example,
  check: Check,
): void {
  if (!golden) return;
  const { values } = check.tolerances.elman;
  check.sameData(golden, 'word', word);
  const cost = trainer.lossAndGradients(example);
  check.compare(golden.golden('h_vals'), statesOf(trainer, example.inputs.length), values);
  check.compare(golden.golden('o_vals'), trainer.model.outputs(), values);
  check.compare(golden.golden('cost'), cost, values);
  compareArrays(check, golden.optional('grads'), gradientsOf(trainer, layout), values);
}

/** Words from the trained net. The parameters are the file's, where it has them in full, so that no draw can tip over. */
function replaySamples(fields: Fields, trainer: CpuTrainer, check: Check): void {
  const count = fields.whole('n_samples');
  const golden = count > 0 ? fields.optional('samples') : null;
  if (!golden) return;
  const trained = parametersOf(trainer, layout);
  const source = golden.has('params') ? golden.optional('params') : null;
  compareArrays(check, source, trained, check.tolerances.elman.values);
  const params: Arrays = source ? arraysOf(source) : trained;
  setParameters(trainer, layout, params);
  const stepper = stepperOf(trainer, check);
  const rng = new RandomState(golden.whole('seed'));
  const words = Array.from({ length: count }, () => sampleWord(stepper, rng));
  check.same(golden, 'words', words);
  check.same(golden, 'in_grammar', words.map(inGrammar));
}

function arraysOf(fields: Fields): Arrays {
  return Object.fromEntries(Object.keys(layout).map((name) => [name, fields.array(name)]));
}

function stepperOf({ model: { parameters, spec } }: CpuTrainer, check: Check): Stepper {
  const tensors = Object.fromEntries(parameters.layout.map(({ name }) => [name, parameters.get(name)!]));
  return new Stepper(
    check.engineFor(() => stepperAllocationPlan(spec), spec),
    spec,
    tensors,
  );
}

/** B first, then outputs divided by their sum, one drawn and read back, until E. */
function sampleWord(stepper: Stepper, rng: RandomState, longest = 10000): string {
  stepper.reset();
  const id = new Int32Array([REBER_SYMBOLS.indexOf('B')]);
  let word = 'B';
  for (let step = 0; step < longest && !word.endsWith('E'); step++) {
    const outputs = Array.from(stepper.read(id));
    const sum = outputs.reduce((a, b) => a + b);
    const drawn = rng.multinomial(
      1,
      outputs.map((o) => o / sum),
    );
    id[0] = drawn.indexOf(1);
    word += REBER_SYMBOLS[id[0]];
  }
  return word;
}

function drawParameters(rng: RandomState, { n_in, n_hid, n_out }: Sizes): Arrays {
  const matrix = (rows: number, cols: number): Float64Array => {
    const w = new Float64Array(rows * cols);
    spectralInit(w, rng, rows, cols);
    return w;
  };
  return {
    W_ih: matrix(n_in, n_hid),
    W_hh: matrix(n_hid, n_hid),
    W_ho: matrix(n_hid, n_out),
    b_h: new Float64Array(n_hid),
    b_o: new Float64Array(n_out),
    h0: new Float64Array(n_hid),
  };
}

/** From the seed: parameters, words, then the word of each update. */
function drawClassification(
  fields: Fields,
  sizes: Sizes,
  embedded: boolean,
  updates: number,
): { params: Arrays; words: string[]; indices: Float64Array } | null {
  const seed = fields.seed();
  if (seed === null) return null;
  const rng = new RandomState(seed);
  const params = drawParameters(rng, sizes);
  const minLength = fields.whole('min_len');
  const count = fields.whole('n_words', 1);
  const word = embedded ? embeddedReberWord : reberWord;
  const words = Array.from({ length: count }, () => word(rng, minLength));
  return { params, words, indices: rng.randint(0, count, updates) };
}

function replayRegression(fields: Fields, sizes: Sizes, check: Check): void {
  const { values } = check.tolerances.elman;
  const { n_in, n_hid, n_out } = sizes;
  const seed = fields.seed();
  const data = fields.raw('step') === null ? null : sineData(fields.number('step'));
  const shape = fields.golden('S')?.shape;
  if (shape?.length !== 3) throw fields.error('S', `has shape [${shape ?? []}], expected [N,T,n_in]`);
  const [N, T] = shape;
  const S = given(check, fields, 'S', data?.S ?? null, [N, T, n_in], values);
  const targets = given(check, fields, 'T', data?.T ?? null, [N, T, n_out], values);
  const batch = {
    inputs: check.floats(swapFirstAxes(S, N, T, n_in)),
    targets: check.floats(swapFirstAxes(targets, N, T, n_out)),
  };
  const options = { steps: T, batch: N, optimizer: sgd({ lr: fields.number('lr') }) };
  const model = spec('regression', sizes);
  const drawn = seed === null ? null : drawParameters(new RandomState(seed), sizes);
  const params = givenParameters(check, model, layout, fields.object('params'), drawn, values);
  const trainer = trainerOf(check, model, options, layout, params);

  const cost = trainer.lossAndGradients(batch);
  const outputs = (): Float64Array => swapFirstAxes(trainer.model.outputs(), T, N, n_out);
  check.compare(fields.golden('h_vals', [N, T, n_hid]), swapFirstAxes(statesOf(trainer, T), T, N, n_hid), values);
  check.compare(fields.golden('O_vals', [N, T, n_out]), outputs(), values);
  check.compare(fields.golden('cost'), cost, values);
  compareArrays(check, fields.optional('grads'), gradientsOf(trainer, layout), values);
  const { losses, afterFirst } = trainOn(trainer, layout, fields.whole('updates', 1), () => batch);
  for (const row of fields.rows('loss_before_update', ['index', 'loss'])) {
    check.compare(row.golden('loss'), losses[row.whole('index')], values);
  }
  compareArrays(check, fields.optional('params_after_1'), afterFirst, values);
  compareArrays(check, fields.optional('params_after_all'), parametersOf(trainer, layout), values);
  check.compare(fields.golden('cost_after_all'), trainer.lossOf(batch), values);
  const differences = outputs().map((o, i) => o - targets[i]);
  check.compare(fields.golden('P_minus_T_after_all', [N, T, n_out]), differences, values);
}
