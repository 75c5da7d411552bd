/**
 * Everything that the loops through time ask of an engine beside its stages: the public functions of `tensor/` and
 * `layers/` themselves. An engine offers the same functions under the same names on buffers of its own.
 */
export { linearForward, oneHotLinearBackward, oneHotLinearForward } from '../layers/linear.ts';
export {
  clearRows,
  holdStateBackward,
  holdStateForward,
  startStateBackward,
  startStateForward,
} from '../layers/state.ts';
export { add, addRowBackward } from '../tensor/add.ts';
export { placeColumns, takeColumns } from '../tensor/columns.ts';
export { gatherRows, gatherRowsBackward } from '../tensor/gather.ts';
export { layerNorm, layerNormBackward } from '../tensor/layerNorm.ts';
export { matmulNN, matmulTN } from '../tensor/matmul.ts';
export { multiply } from '../tensor/multiply.ts';
export { relu, reluBackward } from '../tensor/relu.ts';
export { sigmoid, sigmoidBackward } from '../tensor/sigmoid.ts';
export { sumAxis } from '../tensor/sum.ts';
export { tanh, tanhBackward } from '../tensor/tanh.ts';
