import * as l from 'bptt/layers';
import { l2Backward, l2Forward } from 'bptt/optim';
import type { RandomState } from 'bptt/tensor';
import { defineCase, type GradcheckCase, operation, repeatingIds } from './gradcheckCase.ts';

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
 * The loss of every row, weighted by `w`. The backward functions start from the loss itself; the probe's random weights of
 * the rows are therefore handed to them as part of `w`.
 */
function loss<T>(
  name: string,
  V: number,
  drawTargets: (random: RandomState, R: number, V: number) => T,
  forward: (
    losses: Float64Array,
    o: Float64Array,
    z: Float64Array,
    targets: T,
    w: Float64Array,
    R: number,
    V: number,
  ) => void,
  backward: (dz: Float64Array, o: Float64Array, targets: T, w: Float64Array, R: number, V: number) => void,
): GradcheckCase {
  return defineCase(name, { R: 1, V }, ({ R, V }, random) => {
    const targets = drawTargets(random, R, V);
    const w = rowWeights(random, R);
    const o = scratch(R * V);
    return operation({
      params: { z: random.randn(R * V) },
      outputs: R,
      forward: (losses, { z }) => forward(losses, o, z, targets, w, R, V),
      backward: (d, dlosses) => backward(d.z, o, targets, times(w, dlosses), R, V),
    });
  });
}

const values = (random: RandomState, R: number, V: number) => random.randn(R * V);
const probabilities = (random: RandomState, R: number, V: number) => random.uniform(0, 1, R * V);

function elman(f: l.Nonlinearity, bias: boolean): GradcheckCase {
  return defineCase(`elmanStep, ${f}${bias ? '' : ', no bias'}`, { B: 1, H: 1 }, ({ B, H }, random) => {
    const cache = scratch(B * H);
    return operation({
      params: present({
        zx: random.randn(B * H),
        hPrev: random.randn(B * H),
        Whh: random.randn(H * H),
        bhh: bias ? random.randn(H) : null,
      }),
      outputs: B * H,
      adds: ['Whh', 'bhh'],
      forward: (h, { zx, hPrev, Whh, bhh }) => {
        l.elmanStepForward(h, zx, hPrev, Whh, bhh ?? null, f, B, H);
        cache.set(h);
      },
      backward: (d, dh, { hPrev, Whh }) => {
        l.elmanStepBackward(d.zx, d.hPrev, dh, cache, Whh, f, B, H);
        l.elmanWeightBackward(d.Whh, d.bhh ?? null, d.zx, hPrev, B, H);
      },
    });
  });
}

function gru(bias: boolean): GradcheckCase {
  return defineCase(`gruStep${bias ? '' : ', no bias'}`, { B: 1, H: 1 }, ({ B, H }, random) => {
    const cache = scratch(B * 4 * H);
    const dzh = scratch(B * 3 * H);
    return operation({
      params: present({
        zx: random.randn(B * 3 * H),
        hPrev: random.randn(B * H),
        Whh: random.randn(3 * H * H),
        bhh: bias ? random.randn(3 * H) : null,
      }),
      outputs: B * H,
      adds: ['Whh', 'bhh'],
      forward: (h, { zx, hPrev, Whh, bhh }) =>
        l.gruStepForward(h, cache, scratch(B * 3 * H), zx, hPrev, Whh, bhh ?? null, B, H),
      backward: (d, dh, { hPrev, Whh }) => {
        l.gruStepBackward(d.zx, dzh, d.hPrev, dh, cache, hPrev, Whh, B, H);
        l.gruWeightBackward(d.Whh, d.bhh ?? null, dzh, hPrev, B, H);
      },
    });
  });
}

function gruResetBefore(bias: boolean): GradcheckCase {
  return defineCase(`gruResetBeforeStep${bias ? '' : ', no bias'}`, { B: 1, H: 1 }, ({ B, H }, random) => {
    const cache = scratch(B * 3 * H);
    const rh = scratch(B * H);
    const dzh = scratch(B * 3 * H);
    const dan = scratch(B * H);
    return operation({
      params: present({
        zx: random.randn(B * 3 * H),
        hPrev: random.randn(B * H),
        Whh: random.randn(3 * H * H),
        bhh: bias ? random.randn(3 * H) : null,
      }),
      outputs: B * H,
      adds: ['Whh', 'bhh'],
      forward: (h, { zx, hPrev, Whh, bhh }) =>
        l.gruResetBeforeStepForward(h, cache, rh, scratch(B * 3 * H), zx, hPrev, Whh, bhh ?? null, B, H),
      backward: (d, dh, { hPrev, Whh }) => {
        l.gruResetBeforeStepBackward(d.zx, dzh, dan, d.hPrev, scratch(B * H), dh, cache, hPrev, Whh, B, H);
        l.gruResetBeforeWeightBackward(d.Whh, d.bhh ?? null, d.zx, dzh, dan, hPrev, rh, B, H);
      },
    });
  });
}

function lstm(bias: boolean, peepholes: boolean): GradcheckCase {
  const name = `lstmStep${peepholes ? ', peepholes' : ''}${bias ? '' : ', no bias'}`;
  return defineCase(name, { B: 1, H: 1 }, ({ B, H }, random) => {
    const cache = scratch(B * 5 * H);
    const cell = scratch(B * H);
    return operation({
      params: present({
        zx: random.randn(B * 4 * H),
        hPrev: random.randn(B * H),
        cPrev: random.randn(B * H),
        Whh: random.randn(4 * H * H),
        bhh: bias ? random.randn(4 * H) : null,
        p: peepholes ? random.randn(3 * H) : null,
      }),
      // h and c: the step after this one sends a gradient to both.
      outputs: 2 * B * H,
      adds: ['Whh', 'bhh', 'p'],
      forward: (out, { zx, hPrev, cPrev, Whh, bhh, p }) => {
        const h = out.subarray(0, B * H);
        l.lstmStepForward(h, cell, cache, scratch(B * 4 * H), zx, hPrev, cPrev, Whh, bhh ?? null, p ?? null, B, H);
        out.set(cell, B * H);
      },
      backward: (d, dout, { hPrev, cPrev, Whh, p }) => {
        const dh = dout.subarray(0, B * H);
        const dc = dout.subarray(B * H);
        l.lstmStepBackward(d.zx, d.hPrev, d.cPrev, dh, dc, cache, cPrev, Whh, p ?? null, B, H);
        l.lstmWeightBackward(d.Whh, d.bhh ?? null, d.p ?? null, d.zx, hPrev, cPrev, cell, B, H);
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

/** CTC at random lengths, each with labels that its steps can hold; the last weight is 0. */
function ctc(): GradcheckCase {
  return defineCase('ctc', { T: 1, B: 1, V: 2, S: 0 }, ({ T, B, V, S }, random) => {
    const blank = random.randint(V);
    const labels = repeatingIds(random, B * S, V - 1).map((id) => (id < blank ? id : id + 1));
    const lengths = Int32Array.from({ length: B }, () => random.randint(T + 1));
    const labelLengths = Int32Array.from({ length: B }, () => random.randint(S + 1));
    for (;;) {
      const tooShort = l.ctcTooShort(labels, labelLengths, lengths, B, S);
      if (tooShort.length === 0) break;
      for (const b of tooShort) labelLengths[b]--;
    }
    const w = rowWeights(random, B);
    const logProbs = scratch(T * B * V);
    const alpha = scratch(T * B * (2 * S + 1));
    return operation({
      params: { logits: random.randn(T * B * V) },
      outputs: B,
      forward: (losses, { logits }) =>
        l.ctcForward(losses, logProbs, alpha, logits, labels, labelLengths, lengths, w, blank, T, B, V, S),
      backward: (d, dlosses) => {
        const beta = scratch(2 * (2 * S + 1));
        const weights = times(w, dlosses);
        l.ctcBackward(d.logits, beta, logProbs, alpha, labels, labelLengths, lengths, weights, blank, T, B, V, S);
      },
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
  ...(['tanh', 'sigmoid', 'relu', 'identity'] as const).map((f) => elman(f, true)),
  elman('tanh', false),
  gru(true),
  gru(false),
  gruResetBefore(true),
  gruResetBefore(false),
  lstm(true, false),
  lstm(false, false),
  lstm(true, true),
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
  loss('softmaxCrossEntropy', 1, repeatingIds, l.softmaxCrossEntropyForward, l.softmaxCrossEntropyBackward),
  loss('sigmoidCrossEntropy', 1, probabilities, l.sigmoidCrossEntropyForward, l.sigmoidCrossEntropyBackward),
  loss(
    'binaryCrossEntropyOfSoftmax',
    2,
    values,
    l.binaryCrossEntropyOfSoftmaxForward,
    l.binaryCrossEntropyOfSoftmaxBackward,
  ),
  ctc(),
  loss(
    'squaredError',
    1,
    values,
    (losses, o, z, targets, w, R, V) => {
      o.set(z);
      l.squaredErrorForward(losses, o, targets, w, R, V);
    },
    l.squaredErrorBackward,
  ),
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
