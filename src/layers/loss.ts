import type { FloatArray } from '../tensor/shape.ts';
import { sigmoid, sigmoidBackward } from '../tensor/sigmoid.ts';
import { softmax } from '../tensor/softmax.ts';
import { sigmoidCrossEntropyBackward, sigmoidCrossEntropyForward } from './sigmoidCrossEntropy.ts';
import { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from './softmaxCrossEntropy.ts';
import { squaredErrorBackward, squaredErrorForward } from './squaredError.ts';

/**
 * A loss over a window of logits `[T,B,V]`: a loss for each step and sequence, or one for each sequence. Rows and sequences
 * whose weight is 0 (padding) must have loss 0 and gradient 0, whatever their targets are: 0 (class 0) where the batch holds a
 * NaN, an infinity or no class there. So `weight·(o/t)` will not do, where t = 0 makes it NaN: leave out rows of weight 0.
 *
 * A loss that is not one of the bundled objects runs as these functions on engines `ts` and `wasm`; engine `webgpu` needs
 * its {@link LossWgsl}.
 */
export interface Loss {
  readonly name: string;
  /** An id for each row; V numbers for each row; or a sequence of ids (labels) for each sequence. */
  readonly targets: 'classes' | 'values' | 'labels';
  /** Whether there is a loss for each row (step and sequence) or for each sequence. */
  readonly per: 'row' | 'sequence';
  /** Whether reduction `mean` divides by V, too, since the outputs of a row are compared one by one. Default false. */
  readonly meanOverOutputs?: boolean;
  /** The smallest V. Default 1. */
  readonly leastOutputs?: number;
  /** Floats that forward may use and leave for backward. Default 0. */
  scratchSize?(sizes: LossSizes): number;
  /**
   * Throws where labels `[B,S]` cannot be had from so many steps, or are none: called when a batch is read. Labels from
   * `targetLengths[b]` on are not to be read; sequences of weight 0 come with none.
   */
  assertLabels?(labels: Int32Array, targetLengths: Int32Array, lengths: Int32Array, B: number, S: number): void;
  /** What logits [R,V] mean as outputs (probabilities, values), for whoever predicts. */
  outputs(outputs: FloatArray, logits: FloatArray, R: number, V: number): void;
  /** Overwrites `losses` (weights included) and `outputs`. */
  forward(window: LossWindow): void;
  /** Overwrites `dlogits` with the gradient of Σ losses, from what forward left. */
  backward(window: LossWindow): void;
  readonly wgsl?: LossWgsl;
}

/** The sizes of a window. */
export interface LossSizes {
  readonly T: number;
  readonly B: number;
  readonly V: number;
  /** The most labels of a sequence; 0 where targets are no labels. */
  readonly S: number;
}

/** What a loss reads and writes: R = T·B rows (B where the loss is at the last step, then T is 1). */
export interface LossWindow<F = FloatArray, I = Int32Array> extends LossSizes {
  readonly R: number;
  /** [R] or, of a loss per sequence, [B]. */
  readonly losses: F;
  /** [R,V] each. */
  readonly outputs: F;
  readonly dlogits: F;
  readonly logits: F;
  /** Classes [R] or labels [B,S]; else empty. */
  readonly targetIds: I;
  /** Values [R,V]; else empty. */
  readonly targetValues: F;
  /** As many as losses: the weight of each, 0 for padding. */
  readonly weights: F;
  /** Of a loss per sequence: [B], the steps of each sequence, and the labels of each; else empty. */
  readonly lengths: I;
  readonly targetLengths: I;
  readonly scratch: F;
}

/**
 * A loss per row in WGSL: statements that handle row `i`, whose numbers begin at `start` = i·V. They read `z(at)`,
 * `target_id(i)` or `target_value(at)`, `weight(i)` and `args.V`; `forward` writes `set_loss(i, …)` and `set_o(at, …)`,
 * `backward` reads `o(at)` and writes `set_dz(at, …)`.
 */
export interface LossWgsl {
  readonly forward: string;
  readonly backward: string;
  /** Functions that both may call. */
  readonly functions?: string;
}

/** −ln of the probability of the target class, p = softmax(logits). */
export const softmaxCrossEntropy: Loss = {
  name: 'softmaxCrossEntropy',
  targets: 'classes',
  per: 'row',
  outputs: softmax,
  forward: (w) => softmaxCrossEntropyForward(w.losses, w.outputs, w.logits, w.targetIds, w.weights, w.R, w.V),
  backward: (w) => softmaxCrossEntropyBackward(w.dlogits, w.outputs, w.targetIds, w.weights, w.R, w.V),
};

/** −Σ_j (y ln o + (1 − y) ln(1 − o)), o = σ(logits). */
export const sigmoidCrossEntropy: Loss = {
  name: 'sigmoidCrossEntropy',
  targets: 'values',
  per: 'row',
  meanOverOutputs: true,
  outputs: (o, z) => sigmoid(o, z),
  forward: (w) => sigmoidCrossEntropyForward(w.losses, w.outputs, w.logits, w.targetValues, w.weights, w.R, w.V),
  backward: (w) => sigmoidCrossEntropyBackward(w.dlogits, w.outputs, w.targetValues, w.weights, w.R, w.V),
};

/** Σ_j (o − y)², o = logits. */
export const squaredError: Loss = {
  name: 'squaredError',
  targets: 'values',
  per: 'row',
  meanOverOutputs: true,
  outputs: (o, z) => o.set(z),
  forward(w) {
    w.outputs.set(w.logits);
    squaredErrorForward(w.losses, w.outputs, w.targetValues, w.weights, w.R, w.V);
  },
  backward: (w) => squaredErrorBackward(w.dlogits, w.outputs, w.targetValues, w.weights, w.R, w.V),
};

/** Σ_j (o − y)², o = σ(logits): the squared error of `outputActivation: 'sigmoid'`. */
export const squaredErrorOfSigmoid: Loss = {
  name: 'squaredError',
  targets: 'values',
  per: 'row',
  meanOverOutputs: true,
  outputs: (o, z) => sigmoid(o, z),
  forward(w) {
    sigmoid(w.outputs, w.logits);
    squaredErrorForward(w.losses, w.outputs, w.targetValues, w.weights, w.R, w.V);
  },
  backward(w) {
    squaredErrorBackward(w.dlogits, w.outputs, w.targetValues, w.weights, w.R, w.V);
    sigmoidBackward(w.dlogits, w.dlogits, w.outputs);
  },
};
