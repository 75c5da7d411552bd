import { elman, gru, lstm } from 'bptt/layers';
import { RandomState } from 'bptt/tensor';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';
import { recipesOf } from './tensor.ts';

export const LAYER_SIGNATURES: readonly string[] = [
  'holdStateForward h[B,H] hPrev[B,H] mask[B] B H',
  'holdStateBackward dhPrev[B,H] dh[B,H] mask[B] B H',
  'clearRows y[B,n] mask[B] B n',
  'startStateForward h[B,H] given[B,H] h0[H] keep[B] B H',
  'startStateBackward dgiven[B,H] dh0[H] dh[B,H] keep[B] B H',
  'linearForward y[R,O] x[R,D] W[O,D] b[O] R D O',
  'linearBackward dx[R,D] dW[O,D] db[O] dy[R,O] x[R,D] W[O,D] R D O',
  'oneHotLinearForward y[R,O] ids[R]<D W[O,D] b[O] R D O',
  'oneHotLinearBackward dW[O,D] db[O] dy[R,O] ids[R]<D R D O',
  'squaredErrorForward losses[R] o[R,V] targets[R,V] w[R] R V',
  'squaredErrorBackward dout[R,V] o[R,V] targets[R,V] w[R] R V',
  'sigmoidCrossEntropyForward losses[R] o[R,V] z[R,V] targets[R,V] w[R] R V',
  'sigmoidCrossEntropyBackward dz[R,V] o[R,V] targets[R,V] w[R] R V',
  'softmaxCrossEntropyForward losses[R] p[R,V] z[R,V] targets[R]<V w[R] R V',
  'softmaxCrossEntropyBackward dz[R,V] p[R,V] targets[R]<V w[R] R V',
];

/** A bias, or the gradient of an input, that there is none of. */
const NONE = /\[\d\] = null/;

/** S labels of V − 1 symbols, V − 1 being the blank; T steps are enough for them. */
function ctcSizes(r: Random): { T: number; B: number; V: number; S: number; labels: Int32Array } {
  const [B, V, S] = [r.whole(1, 3), r.whole(2, 5), r.whole(0, 3)];
  return { T: 2 * S + 1, B, V, S, labels: Int32Array.from({ length: B * S }, () => r.whole(0, V - 2)) };
}

const floats = (r: Random, length: number): Float64Array => Float64Array.from({ length }, () => r.between(-2, 2));

/** The state of a stream of random numbers among the arguments: a call that throws has drawn nothing. */
const ofStream =
  (index: number) =>
  (args: unknown[]): unknown =>
    (args[index] as RandomState).getState();

const init = (more: unknown[]): Recipe => ({
  args: (r) => [r.chance(0.5) ? new Float32Array(12) : new Float64Array(12), new RandomState(1), 4, 3, ...more],
  state: ofStream(1),
});

const slope: Recipe = { leftOut: 'a part of formulas: an interpreter calls it' };

/** The sizes of a CTC loss, and the arguments that its forward and its backward both end with. */
function ctcEnd(r: Random) {
  const { T, B, V, S, labels } = ctcSizes(r);
  const lengths = [new Int32Array(B).fill(S), new Int32Array(B).fill(T), new Float64Array(B).fill(1)];
  return { T, B, V, wide: 2 * S + 1, end: [labels, ...lengths, V - 1, T, B, V, S] };
}

export const layers: Recipes = {
  ...recipesOf(LAYER_SIGNATURES, { loose: NONE }),
  ctc: { args: () => [{ blank: 0 }], subject: /^(ctc|loss)\b/ },
  ctcForward: {
    args(r) {
      const { T, B, V, wide, end } = ctcEnd(r);
      return [new Float64Array(B), floats(r, T * B * V), floats(r, T * B * wide), floats(r, T * B * V), ...end];
    },
    // a sequence too short for its labels has an infinite loss, and alpha holds logarithms of 0
    unbounded: true,
  },
  ctcBackward: {
    args(r) {
      const { T, B, V, wide, end } = ctcEnd(r);
      return [floats(r, T * B * V), floats(r, 2 * wide), floats(r, T * B * V), floats(r, T * B * wide), ...end];
    },
    unbounded: true,
  },
  ctcGreedyDecode: {
    args(r) {
      const { T, B, V } = ctcSizes(r);
      return [floats(r, T * B * V), new Int32Array(B).fill(T), V - 1, T, B, V];
    },
  },
  ctcTooShort: {
    args(r) {
      const { T, B, S, labels } = ctcSizes(r);
      return [labels, new Int32Array(B).fill(S), new Int32Array(B).fill(T), B, S];
    },
  },
  drawDropoutMask: {
    args: () => [new Float32Array(6), 0.3, new RandomState(1)],
    state: ofStream(2),
  },
  zeroInit: { args: () => [new Float32Array(4)] },
  uniformInit: { args: () => [new Float32Array(6), new RandomState(1), 0.5], state: ofStream(1) },
  normalInit: { args: () => [new Float32Array(6), new RandomState(1), 0.5], state: ofStream(1) },
  glorotInit: init([]),
  orthogonalInit: init([]),
  spectralInit: init([]),
  tanhSlope: slope,
  sigmoidSlope: slope,
  formulaCell: {
    args(r) {
      const {
        forward: _f,
        backward: _b,
        innerForward: _i,
        innerBackward: _n,
        ...cell
      } = r.pick([elman.tanh, gru, lstm]);
      return [{ ...cell }];
    },
    subject: /^cell\b/,
  },
};
