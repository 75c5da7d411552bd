import * as l from 'bptt/layers';
import { l2Backward, l2Forward } from 'bptt/optim';
import type { RandomState } from 'bptt/tensor';
import { cellStep, lengthOf, type Shape } from 'bptt/testing';
import { defineCase, type GradcheckCase, operation, repeatingIds } from './gradcheckCase.ts';

/** Every cell of `bptt/layers`, the Elman cell with each of its nonlinearities. */
export const bundledCells: readonly (readonly [name: string, cell: l.Cell])[] = [
  ...Object.entries(l.elman).map(([f, value]) => [`elman, ${f}`, value] as const),
  ...[l.gru, l.gruResetBefore, l.lstm, l.lstmPeephole, l.minGru].map((value) => [value.name, value] as const),
];

/** A scratch buffer that comes with garbage, as it would after an earlier step. */
function scratch(n: number): Float64Array {
  return new Float64Array(n).fill(Number.NaN);
}

/** Weights of the rows of a loss: one of them 0, as padding has. */
function rowWeights(random: RandomState, R: number): Float64Array {
  const w = random.uniform(0.5, 1.5, R);
  if (R > 1) w[R - 1] = 0;
  return w;
}

/** [n], about half of them 1, the others 0; the first is 1. */
function coins(random: RandomState, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => (i === 0 ? 1 : random.randint(2)));
}

const times = (x: Float64Array, y: Float64Array) => x.map((v, i) => v * y[i]);

/** The parameters of a case without those that are null. */
function present<K extends string>(params: Record<K, Float64Array | null>): Record<K, Float64Array> {
  const entries = Object.entries(params).filter(([, values]) => values !== null);
  return Object.fromEntries(entries) as Record<K, Float64Array>;
}

/**
 * A loss per row, weighted by `w`. The backward functions start from the loss itself; the probe's random weights of the
 * rows are therefore handed to them as part of `w`.
 */
function loss(name: string, value: l.Loss): GradcheckCase {
  return defineCase(name, { R: 1, V: value.leastOutputs ?? 1 }, ({ R, V }, random) => {
    const ids = value.targets === 'classes' ? repeatingIds(random, R, V) : new Int32Array(0);
    const targets = value.targets === 'values' ? random.uniform(0, 1, R * V) : new Float64Array(0);
    const w = rowWeights(random, R);
    const none = { lengths: new Int32Array(0), targetLengths: new Int32Array(0) };
    const window = {
      ...{ R, T: R, B: 1, V, S: 0, targetIds: ids, targetValues: targets, ...none },
      outputs: scratch(R * V),
      scratch: scratch(value.scratchSize?.({ T: R, B: 1, V, S: 0 }) ?? 0),
    };
    return operation({
      params: { z: random.randn(R * V) },
      outputs: R,
      forward: (losses, { z }) => value.forward({ ...window, losses, logits: z, weights: w, dlogits: scratch(R * V) }),
      backward: (d, dlosses, { z }) =>
        value.backward({ ...window, losses: scratch(R), logits: z, weights: times(w, dlosses), dlogits: d.z }),
    });
  });
}

/** One step of a cell, its second product included where it has one. */
function cell(name: string, value: l.Cell): GradcheckCase {
  const step = cellStep(value);
  const { B: _B, H: _H, ...fixed } = step.sizes;
  const own = Object.fromEntries(Object.entries(fixed).map(([letter, [size]]) => [letter, size]));
  return defineCase(`${name}, a step`, { B: 1, H: 1 }, (free, random) => {
    const sizes = { ...own, ...free };
    type Shapes = Readonly<Record<string, Shape<string>>>;
    const tensors = (shapes: Shapes, make: (n: number) => Float64Array) =>
      Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, make(lengthOf(shape, sizes))]));
    const parameters = Object.keys(step.parameters ?? {});
    const caches = tensors(step.caches ?? {}, scratch);
    const outputs = tensors(step.outputs, scratch);
    const length = Object.values(outputs).reduce((sum, values) => sum + values.length, 0);
    return operation({
      params: tensors({ ...step.inputs, ...step.parameters }, (n) => random.randn(n)),
      outputs: length,
      adds: parameters,
      forward: (out, params) => {
        step.forward(outputs, caches, params, params, sizes);
        out.set(Object.values(outputs).flatMap((values) => [...values]));
      },
      backward: (d, dout, params) => {
        let end = 0;
        const doutputs = Object.fromEntries(
          Object.entries(outputs).map(([key, values]) => {
            end += values.length;
            return [key, dout.slice(end - values.length, end)];
          }),
        );
        step.backward(d, d, doutputs, caches, params, params, outputs, sizes);
      },
    });
  });
}

function linear(bias: boolean, addToDx: boolean): GradcheckCase {
  const name = `linear${bias ? '' : ', no bias'}${addToDx ? ', adding to dx' : ''}`;
  return defineCase(name, { R: 1, D: 1, O: 1 }, ({ R, D, O }, random) =>
    operation({
      params: present({ x: random.randn(R * D), W: random.randn(O * D), b: bias ? random.randn(O) : null }),
      outputs: R * O,
      adds: addToDx ? ['x', 'W', 'b'] : ['W', 'b'],
      forward: (y, { x, W, b }) => l.linearForward(y, x, W, b ?? null, R, D, O),
      backward: (d, dy, { x, W }) => l.linearBackward(d.x, d.W, d.b ?? null, dy, x, W, R, D, O, addToDx),
    }),
  );
}

function oneHotLinear(bias: boolean): GradcheckCase {
  return defineCase(`oneHotLinear${bias ? '' : ', no bias'}`, { R: 1, V: 1, O: 1 }, ({ R, V, O }, random) => {
    const ids = repeatingIds(random, R, V);
    return operation({
      params: present({ W: random.randn(O * V), b: bias ? random.randn(O) : null }),
      outputs: R * O,
      adds: ['W', 'b'],
      forward: (y, { W, b }) => l.oneHotLinearForward(y, ids, W, b ?? null, R, V, O),
      backward: (d, dy) => l.oneHotLinearBackward(d.W, d.b ?? null, dy, ids, R, V, O),
    });
  });
}

/** Every layer and loss of `bptt/layers`, and the L2 penalty of `bptt/optim`. */
export const layerCases: GradcheckCase[] = [
  linear(true, false),
  linear(false, false),
  linear(true, true),
  oneHotLinear(true),
  oneHotLinear(false),
  ...bundledCells.map(([name, value]) => cell(name, value)),
  defineCase('startState', { B: 1, H: 1 }, ({ B, H }, random) => {
    const keep = coins(random, B);
    return operation({
      params: { given: random.randn(B * H), h0: random.randn(H) },
      outputs: B * H,
      adds: ['h0'],
      forward: (h, { given, h0 }) => l.startStateForward(h, given, h0, keep, B, H),
      backward: (d, dh) => l.startStateBackward(d.given, d.h0, dh, keep, B, H),
    });
  }),
  defineCase('holdState', { B: 1, H: 1 }, ({ B, H }, random) => {
    const mask = coins(random, B);
    return operation({
      params: { step: random.randn(B * H), hPrev: random.randn(B * H) },
      outputs: B * H,
      forward: (h, { step, hPrev }) => {
        h.set(step);
        l.holdStateForward(h, hPrev, mask, B, H);
      },
      backward: (d, dh) => {
        d.step.set(dh);
        l.clearRows(d.step, mask, B, H);
        d.hPrev.fill(0);
        l.holdStateBackward(d.hPrev, dh, mask, B, H);
      },
    });
  }),
  loss('softmaxCrossEntropy', l.softmaxCrossEntropy),
  loss('sigmoidCrossEntropy', l.sigmoidCrossEntropy),
  loss('squaredError', l.squaredError),
  loss('squaredError of a sigmoid', l.squaredErrorOfSigmoid),
  defineCase('ctc', { T: 1, B: 1, V: 2, S: 1 }, ({ T: spare, B, V, S }, random) => {
    const value = l.ctc();
    // A step for each label and for each blank between equal ones, and some to spare.
    const T = spare + 2 * S - 1;
    const [targetIds, weights] = [Int32Array.from(random.randint(1, V, B * S)), rowWeights(random, B)];
    const window = {
      ...{ R: T * B, T, B, V, S, targetIds, targetValues: new Float64Array(0), outputs: scratch(T * B * V) },
      lengths: Int32Array.from({ length: B }, () => T - random.randint(spare)),
      targetLengths: Int32Array.from({ length: B }, () => random.randint(S + 1)),
      scratch: scratch(value.scratchSize!({ T, B, V, S })),
    };
    return operation({
      params: { z: random.randn(T * B * V) },
      outputs: B,
      forward: (losses, { z }) => value.forward({ ...window, losses, logits: z, weights, dlogits: scratch(T * B * V) }),
      backward: (d, dlosses, { z }) => {
        const own = { ...window, losses: scratch(B), logits: z, weights: times(weights, dlosses), dlogits: d.z };
        value.backward(own);
      },
    });
  }),
  defineCase('l2', { N: 1 }, ({ N }, random) =>
    operation({
      params: { w: random.randn(N) },
      outputs: 1,
      adds: ['w'],
      forward: (out, { w }) => {
        out[0] = l2Forward(w, 0.3);
      },
      backward: (d, dout, { w }) => l2Backward(d.w, w, 0.3 * dout[0]),
    }),
  ),
];
