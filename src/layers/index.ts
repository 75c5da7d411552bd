export { orthogonalInit } from '../simd/orthogonalInit.ts';
export {
  type Cell,
  type CellBackward,
  type CellDescription,
  type CellFormula,
  type CellForward,
  type ExtraParameter,
  formulaCell,
  sigmoidSlope,
  tanhSlope,
  type UnitBackward,
  type UnitForward,
} from './cell.ts';
export { ctcBackward, ctcForward, ctcGreedyDecode, ctcTooShort } from './ctc.ts';
export { type CtcOptions, ctc } from './ctcLoss.ts';
export { drawDropoutMask } from './dropout.ts';
export { elman, type Nonlinearity } from './elman.ts';
export { gru } from './gru.ts';
export { gruResetBefore } from './gruResetBefore.ts';
export { glorotInit, normalInit, spectralInit, uniformInit, zeroInit } from './init.ts';
export { linearBackward, linearForward, oneHotLinearBackward, oneHotLinearForward } from './linear.ts';
export {
  type Loss,
  type LossSizes,
  type LossWgsl,
  type LossWindow,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from './loss.ts';
export { lstm, lstmPeephole } from './lstm.ts';
export { minGru } from './minGru.ts';
export { sigmoidCrossEntropyBackward, sigmoidCrossEntropyForward } from './sigmoidCrossEntropy.ts';
export { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from './softmaxCrossEntropy.ts';
export { squaredErrorBackward, squaredErrorForward } from './squaredError.ts';
export {
  clearRows,
  holdStateBackward,
  holdStateForward,
  startStateBackward,
  startStateForward,
} from './state.ts';
