import {
  type CpuTrainer,
  type ModelSpec,
  type NamedTensors,
  Sampler,
  stepperAllocationPlan,
  type TrainerOptions,
  type TrainingBatch,
} from 'bptt';
import { CharVocabulary, CharWindows } from 'bptt/data';
import { adagrad, clipByValue } from 'bptt/optim';
import { type FloatArray, RandomState } from 'bptt/tensor';
import { numberClipped } from './charRnn.ts';
import type { Check } from './check.ts';
import type { Fields, Golden } from './fields.ts';
import {
  type Arrays,
  compareArrays,
  fromModel,
  givenParameters,
  gradientsOf,
  type Layout,
  parametersOf,
  setParameters,
  statesOf,
  trainerOf,
} from './layout.ts';

export const layout: Layout = {
  Wxh: { parameter: 'weight_ih_l0' },
  Whh: { parameter: 'weight_hh_l0' },
  Why: { parameter: 'weight_ho' },
  bh: { parameter: 'bias_ih_l0' },
  by: { parameter: 'bias_ho' },
};

const CLIP = 5;
const rowColumns = ['n', 'p', 'reset', 'loss', 'smooth_loss'] as const;

export function spec(V: number, H: number): ModelSpec {
  return {
    cell: 'elman',
    inputSize: V,
    hiddenSize: H,
    outputSize: V,
    bias: 'input',
    loss: 'softmaxCrossEntropy',
  };
}

interface Sizes {
  V: number;
  H: number;
  L: number;
}

/** How far off may be what is computed before training, the loss of an update, and what training ends with. */
interface Bounds {
  before: number;
  loss: (update: number) => number;
  end: number;
}

/** Notebook 004, second part: `nb004b_min_char_rnn*.json`. */
export async function replay(file: Fields, check: Check): Promise<void> {
  for (const fields of file.cases()) await replayCase(fields, check);
}

async function replayCase(fields: Fields, check: Check): Promise<void> {
  const [V, H, L] = ['V', 'H', 'L'].map((name) => fields.whole(name, 1));
  const drawn = draw(fields, { V, H, L });
  const data = replayData(fields, drawn?.data ?? null, V, check);
  const model = spec(V, H);
  const bounds = boundsOf(fields.object('params').golden('Wxh'), check);
  const params = givenParameters(check, model, layout, fields.object('params'), drawn?.params ?? null, bounds.before);
  const options: TrainerOptions = {
    steps: L,
    batch: 1,
    optimizer: adagrad({ lr: fields.number('lr') }),
    clip: { value: CLIP },
  };
  check.compareData(fields.golden('initial_smooth_loss'), Math.log(V) * L, bounds.before);
  const untrained = trainerOf(check, model, options, layout, params);
  replaySample(
    fields,
    'sample_before_training',
    model,
    await untrained.parameters(),
    check.floats(new Float64Array(H)),
    data,
    check,
  );
  const variants = fields.object('variants');
  for (const name of ['as_written_no_dby', 'with_dby']) {
    const golden = variants.optional(name);
    if (!golden) continue;
    // The notebook's backward lacks `dby += dy`: by never learns.
    const frozen = name === 'as_written_no_dby' ? ['bias_ho'] : [];
    const trainer = trainerOf(check, model, { ...options, frozen }, layout, params);
    await replayVariant(fields, golden, trainer, data, { V, H, L }, bounds, check);
  }
}

/** The true size, whose arrays are checksums, drifts; see `Tolerances`. */
function boundsOf(golden: Golden | null, check: Check): Bounds {
  const { values, beforeTraining, firstLosses, late } = check.tolerances.minCharRnn;
  if (golden && 'values' in golden.content) return { before: values, loss: () => values, end: values };
  return { before: beforeTraining, loss: (update) => (update < 5 ? firstLosses : late), end: late };
}

/** The symbols to learn, [N], from the text, or drawn from the seed after the parameters. */
function replayData(fields: Fields, drawn: Float64Array | null, V: number, check: Check): Int32Array {
  if (fields.has('text') || fields.has('chars')) {
    const vocabulary = CharVocabulary.fromText(fields.text('text'), 'sorted');
    check.sameData(fields, 'chars', vocabulary.chars);
    check.compareData(fields.golden('V'), vocabulary.size);
    check.compareData(fields.golden('data'), vocabulary.encode(fields.text('text')));
  } else if (drawn) check.compareData(fields.golden('data'), drawn);
  return fields.ids('data', V);
}

async function replayVariant(
  fields: Fields,
  golden: Fields,
  trainer: CpuTrainer,
  data: Int32Array,
  sizes: Sizes,
  bounds: Bounds,
  check: Check,
): Promise<void> {
  const { L } = sizes;
  const first = { inputs: data.subarray(0, L), targets: data.subarray(1, L + 1) };
  const chunk = golden.optional('first_chunk');
  if (chunk) {
    check.compareData(chunk.golden('inputs'), first.inputs);
    check.compareData(chunk.golden('targets'), first.targets);
    replayFirstChunk(chunk, trainer, first, sizes, bounds, check);
  }
  await replayGivenState(golden.optional('first_chunk_with_hprev_0.25'), trainer, first, bounds, check);
  const afterFirst = train(fields, golden, trainer, data, sizes, bounds, check);
  compareArrays(check, golden.optional('params_after_1'), afterFirst, bounds.before);
  await replayEnd(golden, trainer, data, sizes, bounds, check);
}

/** What training ends with, and a sample from it. */
async function replayEnd(
  golden: Fields,
  trainer: CpuTrainer,
  data: Int32Array,
  { V, H }: Sizes,
  bounds: Bounds,
  check: Check,
): Promise<void> {
  const { parameters, optimizerMemory, states } = await trainer.state();
  compareArrays(check, golden.optional('params_after_all'), parametersOf(trainer, layout), bounds.end);
  const memory = fromModel(optimizerMemory[0], trainer.model.parameters.layout, layout);
  compareArrays(check, golden.optional('adagrad_memory_after_all'), memory, bounds.end);
  const hprev = golden.golden('hprev_after_all', [H, 1]);
  check.compare(hprev, states.h_l0, bounds.end);

  // The sample starts from the file's own numbers, where it has them in full, so that no draw can tip over.
  const own = fullArrays(golden.optional('params_after_all'));
  if (own && hprev && 'values' in hprev.content) {
    setParameters(trainer, layout, own);
    const h = check.floats(hprev.content.values);
    replaySample(golden, 'sample_after_training', spec(V, H), await trainer.parameters(), h, data, check);
  } else replaySample(golden, 'sample_after_training', spec(V, H), parameters, states.h_l0, data, check);
}

/** All arrays of a layout, or null where there are none or only checksums. */
function fullArrays(fields: Fields | null): Arrays | null {
  const arrays: Arrays = {};
  for (const name of Object.keys(layout)) {
    const golden = fields?.golden(name);
    if (!golden || !('values' in golden.content)) return null;
    arrays[name] = golden.content.values;
  }
  return arrays;
}

function clippedGradients({ model: { gradients } }: CpuTrainer): Arrays {
  const clipped = gradients.flat.slice();
  clipByValue(clipped, CLIP);
  return fromModel(clipped, gradients.layout, layout);
}

function replayFirstChunk(
  golden: Fields,
  trainer: CpuTrainer,
  batch: TrainingBatch,
  { V, H, L }: Sizes,
  { before }: Bounds,
  check: Check,
): void {
  const { model } = trainer;
  check.compare(golden.golden('loss'), trainer.lossAndGradients(batch), before);
  const hs = statesOf(trainer, L);
  check.compare(golden.golden('hs', [L, H]), hs, before);
  check.compare(golden.golden('ys', [L, V]), model.logits(), before);
  check.compare(golden.golden('ps', [L, V]), model.outputs(), before);
  check.compare(golden.golden('hprev_out', [H, 1]), hs.subarray((L - 1) * H), before);
  const gradients = gradientsOf(trainer, layout);
  compareArrays(check, golden.optional('grads_unclipped'), gradients, before);
  compareArrays(check, golden.optional('grads_clipped'), clippedGradients(trainer), before);
  compareArrays(check, golden.optional('number_clipped'), numberClipped(gradients, CLIP));
}

/** The first chunk once more, from a state whose entries are all 0.25. */
async function replayGivenState(
  golden: Fields | null,
  trainer: CpuTrainer,
  batch: TrainingBatch,
  { before }: Bounds,
  check: Check,
): Promise<void> {
  if (!golden) return;
  const state = await trainer.state();
  const h_l0 = state.states.h_l0.slice().fill(0.25);
  await trainer.setState({ ...state, states: { h_l0 } });
  const loss = trainer.lossAndGradients({ ...batch, carry: true });
  await trainer.setState(state);
  check.compare(golden.golden('loss'), loss, before);
  compareArrays(check, golden.optional('grads_clipped'), clippedGradients(trainer), before);
}

/** The notebook's loop; gives the parameters after the first update. */
function train(
  fields: Fields,
  golden: Fields,
  trainer: CpuTrainer,
  data: Int32Array,
  { L, V }: Sizes,
  bounds: Bounds,
  check: Check,
): Arrays {
  const rows = golden.indexedRows('rows', rowColumns);
  const windows = new CharWindows(data, L);
  const batch = { inputs: new Int32Array(L), targets: new Int32Array(L) };
  let smooth = Math.log(V) * L;
  let afterFirst = parametersOf(trainer, layout);
  const updates = fields.whole('updates', 1);
  for (let n = 0; n < updates; n++) {
    const reset = windows.next(batch.inputs, batch.targets);
    const loss = trainer.update({ ...batch, carry: !reset });
    smooth = smooth * 0.999 + loss * 0.001;
    if (n === 0) afterFirst = parametersOf(trainer, layout);
    const row = rows.get(n);
    if (!row) continue;
    check.compareData(row.golden('p'), windows.position - L);
    check.sameData(row, 'reset', reset);
    const bound = bounds.loss(n);
    check.compare(row.golden('loss'), loss, bound);
    check.compare(row.golden('smooth_loss'), smooth, bound);
    rows.delete(n);
  }
  const [beyond] = rows.keys();
  if (beyond !== undefined) throw golden.error('rows', `has update ${beyond}, of ${updates}`);
  return afterFirst;
}

function replaySample(
  fields: Fields,
  name: string,
  model: ModelSpec,
  parameters: NamedTensors,
  hprev: FloatArray,
  data: Int32Array,
  check: Check,
): void {
  const golden = fields.optional(name);
  if (!golden) return;
  const sampler = new Sampler(
    model,
    parameters,
    check.engineFor(() => stepperAllocationPlan(model), model),
  );
  sampler.setState({ h_l0: hprev });
  check.sameData(golden, 'hprev', name === 'sample_before_training' ? 'zeros' : 'hprev_after_all');
  const seed = golden.whole('seed_ix');
  check.compareData(golden.golden('seed_ix'), data[0]);
  const ixes = sampler.sample([seed], golden.whole('n'), new RandomState(golden.whole('seed')));
  check.compare(golden.golden('ixes'), ixes);
}

/** From the seed: Wxh, Whh, Why, and the data where they are not a text. */
function draw(fields: Fields, { V, H }: Sizes): { params: Arrays; data: Float64Array | null } | null {
  const seed = fields.seed();
  if (seed === null) return null;
  const rng = new RandomState(seed);
  const scale = fields.number('scale');
  const matrix = (size: number) => rng.randn(size).map((v) => v * scale);
  const Wxh = matrix(V * H);
  const Whh = matrix(H * H);
  const Why = matrix(V * H);
  const params = { Wxh, Whh, Why, bh: new Float64Array(H), by: new Float64Array(V) };
  const isText = fields.has('text') || fields.has('chars');
  return { params, data: isText ? null : rng.randint(0, V, fields.whole('n_data', 1)) };
}
