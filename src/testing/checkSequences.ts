import type { Batch } from '../bptt/batch.ts';
import { tsEngine } from '../bptt/engine.ts';
import { formatGradcheck, gradcheck, type Params } from '../bptt/gradcheck.ts';
import { SequenceModel } from '../bptt/model.ts';
import type { ModelSpec } from '../bptt/spec.ts';
import type { Cell } from '../layers/cell.ts';
import { RandomState } from '../tensor/random.ts';

/** A net made with a cell, a batch for it, and every number of both. */
interface Setup {
  spec: ModelSpec;
  T: number;
  B: number;
  /** [T,B,D] and [T,B,V] */
  x: Float64Array;
  targets: Float64Array;
  lengths: readonly number[];
  /** [B], 1 where a sequence goes on from its initial state. */
  carry: readonly number[];
  parameters: Params;
  /** [B,H] by the state's name (`h_l0`). */
  initial: Params;
  /** [B,H] by the state's name: what each final state weighs in the loss. */
  finalWeights: Params;
  backSteps: number;
}

/** Everything that a pass computes. */
interface Results {
  loss: number;
  parameters: Params;
  initial: Params;
  dx: Float64Array;
  finals: Params;
  outputs: Float64Array;
}

type Model = SequenceModel<Float64Array, Int32Array>;

/** So far may two ways to the same number lie apart, relative to the largest number compared and at least 1. */
const CLOSE = 1e-10;

/**
 * The properties of whole sequences on nets made with a cell: see {@link checkCell}.
 *
 * @throws {Error} naming the property that does not hold.
 */
export function checkSequences(
  cell: Cell,
  { runs, seed, tolerance }: { runs: number; seed: number; tolerance: number },
): { sequences: number; gradients: number } {
  const rng = new RandomState(seed);
  let gradients = 0;
  for (let run = 0; run < runs; run++) {
    const setup = drawSetup(cell, rng, run);
    const from = `run ${run} of seed ${seed}: ${describe(setup)}`;
    try {
      gradients += agreesWithDifferences(setup, tolerance, rng.randint(2 ** 31));
      agreesOneByOne(setup);
      paddingDoesNotMatter(setup, rng);
      const oneWay = drawSetup(cell, rng, run, false);
      agreesWithWindows(oneWay, 1 + rng.randint(oneWay.T));
      reverseIsReversedTime(cell, rng);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n  (${from})`, { cause: error });
    }
  }
  return { sequences: runs, gradients };
}

function describe({ spec, T, B, lengths }: Setup): string {
  const { inputSize, hiddenSize, layers, bidirectional } = spec;
  return JSON.stringify({ T, B, D: inputSize, H: hiddenSize, layers, bidirectional, lengths });
}

function newModel(spec: ModelSpec, T: number, B: number): Model {
  return new SequenceModel(tsEngine('float64'), spec, { steps: T, batch: B, inputGradient: true }) as unknown as Model;
}

function drawSetup(cell: Cell, rng: RandomState, run: number, mayReverse = true): Setup {
  const T = 1 + rng.randint(5);
  const B = 1 + rng.randint(3);
  const spec: ModelSpec = {
    ...{ cell, input: 'dense', loss: 'squaredError' },
    ...{ inputSize: 1 + rng.randint(3), hiddenSize: 1 + rng.randint(4), outputSize: 1 + rng.randint(2) },
    // The first nets are plain ones.
    layers: run < 2 ? 1 : 1 + rng.randint(2),
    bidirectional: mayReverse && run >= 2 && rng.randint(2) === 1,
    bias: (['both', 'input', 'none'] as const)[rng.randint(3)],
    initialState: rng.randint(2) === 1 ? 'learned' : 'zero',
  };
  const model = newModel(spec, T, B);
  const parameters: Params = {};
  for (const { name, length } of model.parameters.layout) parameters[name] = rng.normal(0, 0.6, length);
  const initial: Params = {};
  const finalWeights: Params = {};
  model.eachState((name) => {
    initial[name] = rng.uniform(-1, 1, B * model.spec.hiddenSize);
    finalWeights[name] = rng.randn(B * model.spec.hiddenSize);
  });
  const padded = rng.randint(2) === 1;
  return {
    ...{ spec, T, B, parameters, initial, finalWeights, backSteps: Number.POSITIVE_INFINITY },
    x: rng.randn(T * B * spec.inputSize),
    targets: rng.randn(T * B * spec.outputSize),
    lengths: Array.from({ length: B }, (_, b) => (padded && b > 0 ? rng.randint(T + 1) : T)),
    carry: Array.from({ length: B }, () => rng.randint(2)),
  };
}

/** Loads everything and runs forward: the loss, with the weighted final states. */
function forward(setup: Setup, model: Model): number {
  const { T, B, x, targets, lengths, carry } = setup;
  const batch: Batch = { inputs: x, targets, steps: T, batch: B };
  if (lengths.some((length) => length < T)) batch.lengths = lengths;
  for (const { name } of model.parameters.layout) model.parameters.get(name)!.set(setup.parameters[name]);
  model.eachState((name, layer, d, index) => {
    model.stack.initial(layer, d)[index].set(setup.initial[name]);
    model.stack.dfinal(layer, d)[index].set(setup.finalWeights[name]);
  });
  model.load(batch, carry);
  model.forward();
  let [loss] = model.loss;
  model.eachState((name, layer, d, index) => {
    const final = model.stack.recurrence(model.window, layer, d).final[index];
    for (let i = 0; i < final.length; i++) loss += setup.finalWeights[name][i] * final[i];
  });
  return loss;
}

/** One pass, on a model of the setup's own or on a given one. */
function runSetup(setup: Setup, given?: Model): Results {
  const model = given ?? newModel(setup.spec, setup.T, setup.B);
  const { stack, gradients } = model;
  const loss = forward(setup, model);
  gradients.flat.fill(0);
  model.backward(setup.backSteps);
  const copy = (values: Float64Array) => values.slice();
  const initial: Params = {};
  const finals: Params = {};
  model.eachState((name, layer, d, index) => {
    initial[name] = copy(stack.dinitial(layer, d)![index]);
    finals[name] = copy(stack.recurrence(model.window, layer, d).final[index]);
  });
  return {
    ...{ loss, initial, finals },
    parameters: Object.fromEntries(gradients.layout.map(({ name }) => [name, copy(gradients.get(name)!)])),
    dx: copy(stack.dx.subarray(0, setup.x.length)),
    outputs: copy(model.outputs()),
  };
}

function agreesWithDifferences(setup: Setup, tolerance: number, seed: number): number {
  const model = newModel(setup.spec, setup.T, setup.B);
  const names = Object.keys(setup.parameters);
  const states = Object.keys(setup.initial);
  const own = (all: Params): Setup => ({
    ...setup,
    x: all.x,
    parameters: Object.fromEntries(names.map((name) => [name, all[name]])),
    initial: Object.fromEntries(states.map((name) => [name, all[`initial ${name}`]])),
  });
  const prefixed = (of: Params) => Object.fromEntries(states.map((name) => [`initial ${name}`, of[name]]));
  const report = gradcheck(
    {
      loss: (all) => forward(own(all), model),
      gradients(all) {
        const { parameters, initial, dx } = runSetup(own(all), model);
        return { ...parameters, ...prefixed(initial), x: dx };
      },
    },
    { ...setup.parameters, ...prefixed(setup.initial), x: setup.x } as Params,
    { mode: 'sampled', samples: 3, seed, tolerance, maxInconclusive: 0.1 },
  );
  if (!report.passed) {
    throw new Error(`gradients through time differ from central differences\n${formatGradcheck(report)}`);
  }
  return report.checked;
}

/** Rows [steps,B,width] of one sequence, from step `first`: [count,width]. */
function rowsOf(values: Float64Array, B: number, b: number, width: number, first: number, count: number): Float64Array {
  const rows = new Float64Array(count * width);
  for (let t = 0; t < count; t++) {
    const at = ((first + t) * B + b) * width;
    rows.set(values.subarray(at, at + width), t * width);
  }
  return rows;
}

function agreesOneByOne(setup: Setup): void {
  const { spec, B, lengths } = setup;
  const { inputSize: D, hiddenSize: H, outputSize: V } = spec;
  const whole = runSetup(setup);
  let loss = 0;
  const sums: Params = {};
  for (let b = 0; b < B; b++) {
    const T = lengths[b];
    const ofSequence = (of: Params) =>
      Object.fromEntries(Object.entries(of).map(([name, values]) => [name, values.slice(b * H, (b + 1) * H)]));
    if (T === 0) {
      // Its final states are its first ones; they are in the loss, and their gradient goes straight to those.
      const [finals, weights] = [ofSequence(whole.finals), ofSequence(setup.finalWeights)];
      for (const [name, values] of Object.entries(finals)) {
        for (let i = 0; i < values.length; i++) loss += values[i] * weights[name][i];
        const learned = setup.carry[b] === 1 ? undefined : whole.parameters[startOf(name)];
        if (learned) addInto(sums, { [startOf(name)]: weights[name] });
        const direct = setup.carry[b] === 1 ? weights[name] : weights[name].map(() => 0);
        assertClose(`the gradient of the initial ${name} of sequence ${b}`, ofSequence(whole.initial)[name], direct);
      }
      continue;
    }
    const one = runSetup({
      ...{ ...setup, T, B: 1, lengths: [T], carry: [setup.carry[b]], initial: ofSequence(setup.initial) },
      finalWeights: ofSequence(setup.finalWeights),
      x: rowsOf(setup.x, B, b, D, 0, T),
      targets: rowsOf(setup.targets, B, b, V, 0, T),
    });
    loss += one.loss;
    addInto(sums, one.parameters);
    const what = `of sequence ${b} alone`;
    assertClose(`dx ${what}`, one.dx, rowsOf(whole.dx, B, b, D, 0, T));
    assertClose(`outputs ${what}`, one.outputs, rowsOf(whole.outputs, B, b, V, 0, T));
    for (const [name, values] of Object.entries(ofSequence(whole.initial))) {
      assertClose(`the gradient of the initial ${name} ${what}`, one.initial[name], values);
    }
    for (const [name, values] of Object.entries(ofSequence(whole.finals))) {
      assertClose(`the final ${name} ${what}`, one.finals[name], values);
    }
  }
  assertClose('the sum of the sequences’ losses', [loss], [whole.loss]);
  for (const [name, values] of Object.entries(sums)) {
    assertClose(`the sum of the sequences’ gradients of ${name}`, values, whole.parameters[name]);
  }
}

/** A gradient cut every `size` steps is that of windows of `size` steps, each from the states that the one before left. */
function agreesWithWindows(setup: Setup, size: number): void {
  const { spec, T, B, lengths } = setup;
  const { inputSize: D, outputSize: V } = spec;
  const whole = runSetup({ ...setup, backSteps: size });
  let loss = 0;
  const sums: Params = {};
  let { initial } = setup;
  let { carry } = setup;
  const H = spec.hiddenSize;
  for (let from = 0; from < T; from += size) {
    const steps = Math.min(size, T - from);
    // A final state counts in the window of its sequence's last step.
    const isLast = lengths.map((length) => Math.floor(Math.max(0, length - 1) / size) * size === from);
    const finalWeights = Object.fromEntries(
      Object.entries(setup.finalWeights).map(([name, w]) => [
        name,
        w.map((v, i) => (isLast[Math.floor(i / H)] ? v : 0)),
      ]),
    );
    const own = lengths.map((length) => Math.max(0, Math.min(steps, length - from)));
    if (own.every((length) => length === 0)) break;
    const part = runSetup({
      ...{ ...setup, T: steps, lengths: own, carry, initial, finalWeights, backSteps: Number.POSITIVE_INFINITY },
      x: setup.x.subarray(from * B * D, (from + steps) * B * D),
      targets: setup.targets.subarray(from * B * V, (from + steps) * B * V),
    });
    loss += part.loss;
    addInto(sums, part.parameters);
    const what = `of the window from step ${from}`;
    assertClose(`dx ${what}`, part.dx, whole.dx.subarray(from * B * D, (from + steps) * B * D));
    if (from === 0) {
      for (const [name, values] of Object.entries(part.initial)) {
        assertClose(`the gradient of the initial ${name} ${what}`, values, whole.initial[name]);
      }
    }
    initial = part.finals;
    carry = carry.map(() => 1);
  }
  assertClose('the sum of the windows’ losses', [loss], [whole.loss]);
  for (const [name, values] of Object.entries(sums)) {
    assertClose(`the sum of the windows’ gradients of ${name}`, values, whole.parameters[name]);
  }
  for (const [name, values] of Object.entries(initial)) {
    assertClose(`the final ${name} of the last window`, values, whole.finals[name]);
  }
}

/** Other numbers in padding, and another batch through the same buffers before, leave every bit as it is. */
function paddingDoesNotMatter(setup: Setup, rng: RandomState): void {
  const { spec, T, B, lengths } = setup;
  const wanted = runSetup(setup);
  const model = newModel(spec, T, B);
  runSetup({ ...setup, x: rng.normal(0, 9, setup.x.length), lengths: lengths.map(() => T) }, model);
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, -1e300, 7];
  const spoilt = (values: Float64Array, width: number) =>
    values.map((value, i) => {
      const row = Math.floor(i / width);
      return Math.floor(row / B) < lengths[row % B] ? value : odd[rng.randint(odd.length)];
    });
  const got = runSetup(
    { ...setup, x: spoilt(setup.x, spec.inputSize), targets: spoilt(setup.targets, spec.outputSize) },
    model,
  );
  const all = (r: Results): Params => ({ ...r.parameters, loss: Float64Array.of(r.loss), dx: r.dx, ...r.finals });
  for (const [name, values] of Object.entries(all(wanted))) {
    const at = values.findIndex((v, i) => !Object.is(v, all(got)[name][i]));
    if (at >= 0) {
      throw new Error(
        `${name}[${at}] is ${values[at]}, and ${all(got)[name][at]} after another batch and with other numbers in the padding`,
      );
    }
  }
}

/** The second half of the outputs of both directions is the forward direction's on reversed time. */
function reverseIsReversedTime(cell: Cell, rng: RandomState): void {
  const [T, B, D, H] = [1 + rng.randint(5), 1 + rng.randint(2), 1 + rng.randint(2), 1 + rng.randint(3)];
  const spec: ModelSpec = {
    ...{ cell, input: 'dense', loss: 'squaredError', inputSize: D, hiddenSize: H, outputSize: 0 },
    bidirectional: true,
  };
  const both = newModel(spec, T, B);
  for (const { name, length } of both.parameters.layout) both.parameters.get(name)!.set(rng.normal(0, 0.6, length));
  const forward = newModel({ ...spec, bidirectional: false }, T, B);
  for (const { name } of forward.parameters.layout) {
    forward.parameters.get(name)!.set(both.parameters.get(`${name}_reverse`)!);
  }
  const x = rng.randn(T * B * D);
  const reversed = new Float64Array(x.length);
  for (let t = 0; t < T; t++) reversed.set(x.subarray(t * B * D, (t + 1) * B * D), (T - 1 - t) * B * D);
  both.loadInputs({ inputs: x, steps: T, batch: B });
  both.predict();
  forward.loadInputs({ inputs: reversed, steps: T, batch: B });
  forward.predict();
  const [got, wanted] = [both.outputs(), forward.outputs()];
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      const at = (t * B + b) * 2 * H + H;
      const from = ((T - 1 - t) * B + b) * H;
      assertClose('the reverse direction', got.subarray(at, at + H), wanted.subarray(from, from + H));
    }
  }
}

/** The name of a state's learned start: `h0_l0` of `h_l0`. */
function startOf(state: string): string {
  return state.replace(/(?=_l\d+(_reverse)?$)/, '0');
}

function addInto(sums: Params, gradients: Params): void {
  for (const [name, values] of Object.entries(gradients)) {
    sums[name] = sums[name]?.map((v, i) => v + values[i]) ?? values;
  }
}

function assertClose(what: string, got: ArrayLike<number>, wanted: ArrayLike<number>): void {
  let scale = 1;
  for (let i = 0; i < wanted.length; i++) scale = Math.max(scale, Math.abs(wanted[i]));
  for (let i = 0; i < wanted.length; i++) {
    if (!(Math.abs(got[i] - wanted[i]) <= CLOSE * scale)) {
      throw new Error(`${what}: [${i}] is ${got[i]}, in the whole batch ${wanted[i]}`);
    }
  }
}
