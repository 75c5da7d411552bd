import { assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { softmax } from '../tensor/softmax.ts';
import { ctcBackward, ctcForward, ctcTooShort } from './ctc.ts';
import type { Loss, LossSizes, LossWindow } from './loss.ts';

/** What {@link ctc} takes. */
export interface CtcOptions {
  /** The symbol that stands for no label. Default 0. */
  blank?: number;
}

/**
 * Connectionist temporal classification (Graves et al. 2006) as the loss of a model: of each sequence −ln P(labels | logits),
 * see {@link ctcForward}. Targets are labels `[batch,S]` with `targetLengths`; outputs are the softmax of the logits.
 *
 * A batch is refused where a sequence that counts has a blank among its labels, or fewer steps than its labels need: one for
 * each, and one for the blank between two equal labels.
 */
export function ctc(options: CtcOptions = {}): Loss {
  assertOptions('ctc', options, ['blank']);
  const { blank = 0 } = options;
  assertWhole('ctc', 'blank', blank, 0);
  return {
    name: 'ctc',
    targets: 'labels',
    per: 'sequence',
    leastOutputs: Math.max(2, blank + 1),
    // ln y and α for backward, β as scratch.
    scratchSize: ({ T, B, V, S }) => T * B * V + (T * B + 2) * (2 * S + 1),

    assertLabels(labels, targetLengths, lengths, B, S) {
      for (let b = 0; b < B; b++) {
        for (let k = b * S; k < b * S + targetLengths[b]; k++) {
          if (labels[k] === blank) {
            throw new RangeError(`batch.targets[${k}] is ${blank}, the blank of loss ctc, which is no label`);
          }
        }
      }
      const [short] = ctcTooShort(labels, targetLengths, lengths, B, S);
      if (short === undefined) return;
      const needed = `loss ctc needs one for each of its ${targetLengths[short]} labels and one between equal ones`;
      throw new RangeError(`batch.lengths[${short}] is ${lengths[short]}: ${needed}`);
    },

    outputs: softmax,

    forward(w) {
      const { logProbs, alpha } = parts(w);
      const { losses, logits, targetIds, targetLengths, lengths, weights, T, B, V, S } = w;
      ctcForward(losses, logProbs, alpha, logits, targetIds, targetLengths, lengths, weights, blank, T, B, V, S);
      softmax(w.outputs, logits, T * B, V);
    },

    backward(w) {
      const { logProbs, alpha, beta } = parts(w);
      const { dlogits, targetIds, targetLengths, lengths, weights, T, B, V, S } = w;
      ctcBackward(dlogits, beta, logProbs, alpha, targetIds, targetLengths, lengths, weights, blank, T, B, V, S);
    },
  };
}

/** The arrays of a window in its scratch, which has room for the longest. */
function parts({ scratch, T, B, V, S }: LossWindow & LossSizes) {
  const states = 2 * S + 1;
  const afterProbs = T * B * V;
  const afterAlpha = afterProbs + T * B * states;
  return {
    logProbs: scratch.subarray(0, afterProbs),
    alpha: scratch.subarray(afterProbs, afterAlpha),
    beta: scratch.subarray(afterAlpha, afterAlpha + 2 * states),
  };
}
