/**
 * Everything that the way through time asks of an engine: the public functions of `tensor/` and `layers/` themselves.
 * An engine offers the same functions under the same names on buffers of its own.
 */
export {
  binaryCrossEntropyOfSoftmaxBackward,
  binaryCrossEntropyOfSoftmaxForward,
} from '../layers/binaryCrossEntropyOfSoftmax.ts';
export { elmanStepBackward, elmanStepForward, elmanWeightBackward } from '../layers/elman.ts';
export { gruStepBackward, gruStepForward, gruWeightBackward } from '../layers/gru.ts';
export {
  gruResetBeforeStepBackward,
  gruResetBeforeStepForward,
  gruResetBeforeWeightBackward,
} from '../layers/gruResetBefore.ts';
export { linearBackward, linearForward, oneHotLinearBackward, oneHotLinearForward } from '../layers/linear.ts';
export { lstmStepBackward, lstmStepForward, lstmWeightBackward } from '../layers/lstm.ts';
export { sigmoidCrossEntropyBackward, sigmoidCrossEntropyForward } from '../layers/sigmoidCrossEntropy.ts';
export { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from '../layers/softmaxCrossEntropy.ts';
export { squaredErrorBackward, squaredErrorForward } from '../layers/squaredError.ts';
export {
  clearRows,
  holdStateBackward,
  holdStateForward,
  startStateBackward,
  startStateForward,
} from '../layers/state.ts';
export { add } from '../tensor/add.ts';
export { placeColumns, takeColumns } from '../tensor/columns.ts';
export { multiply } from '../tensor/multiply.ts';
export { scale } from '../tensor/scale.ts';
export { sigmoid, sigmoidBackward } from '../tensor/sigmoid.ts';
export { sumAxis } from '../tensor/sum.ts';
