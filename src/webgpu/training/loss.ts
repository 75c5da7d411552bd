import {
  type Loss,
  type LossWindow,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from '../../layers/loss.ts';
import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { dispatchElementwise } from '../device/elementwise.ts';
import { memoize } from '../device/memoize.ts';
import { type LossPart, lossKernel, type NamedLossWgsl } from '../kernels/lossKernel.ts';
import { SIGMOID_CROSS_ENTROPY } from '../kernels/sigmoidCrossEntropy.ts';
import { SOFTMAX_CROSS_ENTROPY } from '../kernels/softmaxCrossEntropy.ts';
import { SQUARED_ERROR, SQUARED_ERROR_OF_SIGMOID } from '../kernels/squaredError.ts';

/** The bundled losses are known as objects, so that no other loss is mistaken for one of them by its name. */
const BUNDLED: ReadonlyMap<Loss, NamedLossWgsl> = new Map([
  [softmaxCrossEntropy, SOFTMAX_CROSS_ENTROPY],
  [sigmoidCrossEntropy, SIGMOID_CROSS_ENTROPY],
  [squaredError, SQUARED_ERROR],
  [squaredErrorOfSigmoid, SQUARED_ERROR_OF_SIGMOID],
]);

/** @throws {RangeError} unless engine webgpu can compute the loss. */
export const lossWgslOf: (loss: Loss) => NamedLossWgsl = memoize(
  (loss) => loss,
  (loss) => {
    const { name, targets, per, wgsl } = loss;
    const bundled = BUNDLED.get(loss);
    if (bundled) return bundled;
    if (!wgsl) throw new RangeError(`spec.loss ${name} has no wgsl, which engine webgpu needs`);
    if (per !== 'row') {
      throw new RangeError(`spec.loss ${name} is per ${per}, engine webgpu needs a loss per row`);
    }
    return { name, targets, ...wgsl };
  },
);

/** What logits mean as outputs, by the statements of the loss: one dispatch. */
export function lossOutputs(loss: Loss, outputs: FloatBuffer, logits: FloatBuffer, R: number, V: number): void {
  dispatchElementwise(lossKernel(lossWgslOf(loss))('outputs'), { o: outputs, z: logits }, R, { V });
}

/** A part of a loss over a window, in one dispatch. */
export function lossPart(loss: Loss, part: Exclude<LossPart, 'outputs'>, w: LossWindow<FloatBuffer, IntBuffer>): void {
  const target = loss.targets === 'classes' ? { target_id: w.targetIds } : { target_value: w.targetValues };
  const tensors = { o: w.outputs, loss: w.losses, dz: w.dlogits, z: w.logits, weight: w.weights, ...target };
  dispatchElementwise(lossKernel(lossWgslOf(loss))(part), tensors, w.R, { V: w.V });
}
