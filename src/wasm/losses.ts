import type { Stages } from '../bptt/engine.ts';
import {
  type Loss,
  type LossWindow,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from '../layers/loss.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { copyKernels } from './copy.ts';
import type { WasmMemory } from './memory.ts';
import { sigmoidKernels } from './sigmoid.ts';
import { sigmoidCrossEntropyKernels } from './sigmoidCrossEntropy.ts';
import { softmaxCrossEntropyKernels } from './softmaxCrossEntropy.ts';
import { squaredErrorKernels } from './squaredError.ts';

type LossFunctions = Pick<Loss, 'outputs' | 'forward' | 'backward'>;

/**
 * The losses on kernels. They are chosen by the object, never by its name: any other loss runs its own functions on the
 * same memory.
 */
export function lossStages(
  w: WasmMemory,
): Pick<Stages<FloatArray, Int32Array>, 'lossOutputs' | 'lossForward' | 'lossBackward'> {
  const { softmax, softmaxCrossEntropyForward, softmaxCrossEntropyBackward } = softmaxCrossEntropyKernels(w);
  const { sigmoidCrossEntropyForward, sigmoidCrossEntropyBackward } = sigmoidCrossEntropyKernels(w);
  const { squaredErrorForward, squaredErrorBackward } = squaredErrorKernels(w);
  const { sigmoid, sigmoidBackward } = sigmoidKernels(w);
  const { copy } = copyKernels(w);
  const twins = new Map<Loss, LossFunctions>([
    [
      softmaxCrossEntropy,
      {
        outputs: softmax,
        forward: (l) => softmaxCrossEntropyForward(l.losses, l.outputs, l.logits, l.targetIds, l.weights, l.R, l.V),
        backward: (l) => softmaxCrossEntropyBackward(l.dlogits, l.outputs, l.targetIds, l.weights, l.R, l.V),
      },
    ],
    [
      sigmoidCrossEntropy,
      {
        outputs: sigmoid,
        forward: (l) => sigmoidCrossEntropyForward(l.losses, l.outputs, l.logits, l.targetValues, l.weights, l.R, l.V),
        backward: (l) => sigmoidCrossEntropyBackward(l.dlogits, l.outputs, l.targetValues, l.weights, l.R, l.V),
      },
    ],
    [
      squaredError,
      {
        outputs: copy,
        forward(l) {
          copy(l.outputs, l.logits);
          squaredErrorForward(l.losses, l.outputs, l.targetValues, l.weights, l.R, l.V);
        },
        backward: (l) => squaredErrorBackward(l.dlogits, l.outputs, l.targetValues, l.weights, l.R, l.V),
      },
    ],
    [
      squaredErrorOfSigmoid,
      {
        outputs: sigmoid,
        forward(l) {
          sigmoid(l.outputs, l.logits);
          squaredErrorForward(l.losses, l.outputs, l.targetValues, l.weights, l.R, l.V);
        },
        backward(l) {
          squaredErrorBackward(l.dlogits, l.outputs, l.targetValues, l.weights, l.R, l.V);
          sigmoidBackward(l.dlogits, l.dlogits, l.outputs);
        },
      },
    ],
  ]);
  const either = (loss: Loss, run: (functions: LossFunctions) => void): void => {
    const twin = twins.get(loss);
    if (twin) run(twin);
    else w.recorder.callback(() => run(loss));
  };
  return {
    lossOutputs: (loss, outputs, logits, R, V) => either(loss, (own) => own.outputs(outputs, logits, R, V)),
    lossForward: (loss, window: LossWindow) => either(loss, (own) => own.forward(window)),
    lossBackward: (loss, window: LossWindow) => either(loss, (own) => own.backward(window)),
  };
}

/** Whether a loss is one of those that run on kernels. */
export function hasLossKernels(loss: Loss): boolean {
  return [softmaxCrossEntropy, sigmoidCrossEntropy, squaredError, squaredErrorOfSigmoid].includes(loss);
}
