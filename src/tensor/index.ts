export { type SimdMode, setSimd, simdCounts } from '../simd/choice.ts';
export { exp } from '../simd/exp.ts';
export {
  matmulNN,
  matmulNNBackward,
  matmulNT,
  matmulNTBackward,
  matmulTN,
  matmulTNBackward,
  matvec,
  matvecBackward,
  outer,
  outerBackward,
} from '../simd/products.ts';
export { sigmoid } from '../simd/sigmoid.ts';
export { softmax } from '../simd/softmax.ts';
export { tanh } from '../simd/tanh.ts';
export { add, addRow, addRowBackward } from './add.ts';
export { clip, clipBackward } from './clip.ts';
export { placeColumns, takeColumns } from './columns.ts';
export { expBackward, expOf } from './exp.ts';
export { gatherColumns, gatherColumnsBackward, gatherRows, gatherRowsBackward } from './gather.ts';
export { layerNorm, layerNormBackward } from './layerNorm.ts';
export { log, log1pOf, logBackward, logOf } from './log.ts';
export { logSoftmax, logSoftmaxBackward } from './logSoftmax.ts';
export { logSumExp, logSumExpBackward, logSumExpOf } from './logSumExp.ts';
export { maxAxis, maxAxisBackward } from './max.ts';
export { multiply, multiplyBackward, multiplyRow, multiplyRowBackward } from './multiply.ts';
export { pairwiseSum } from './pairwiseSum.ts';
export { powOf } from './pow.ts';
export { type ChoiceOptions, type MutableArrayLike, RandomState, type RandomStateSnapshot } from './random.ts';
export { relu, reluBackward } from './relu.ts';
export { addScaled, scale, scaleBackward, scaleRows, scaleRowsBackward } from './scale.ts';
export { type Dtype, dtypeOf, type FloatArray, zeros } from './shape.ts';
export { logistic, sigmoidBackward } from './sigmoid.ts';
export { softmaxBackward } from './softmax.ts';
export { sumAxis, sumAxisBackward, sumOfSquares } from './sum.ts';
export { singularValues } from './svd.ts';
export { tanhBackward, tanhOf } from './tanh.ts';
