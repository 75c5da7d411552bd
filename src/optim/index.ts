export { type AdagradOptions, adagrad } from './adagrad.ts';
export { type AdamOptions, adam, adamw } from './adam.ts';
export { clipByNorm, clipByValue, gradientNorm } from './clip.ts';
export { l2Backward, l2Forward } from './l2.ts';
export {
  formulaOptimizer,
  type LearningRate,
  learningRateAt,
  makeMemory,
  type Optimizer,
  optimizerOf,
  type StepNumbers,
  signOf,
  type UpdateFormula,
  whereNonZero,
} from './optimizer.ts';
export { type RmspropOptions, rmsprop } from './rmsprop.ts';
export { type NotebookRpropOptions, notebookRprop, type RpropOptions, rprop } from './rprop.ts';
export { cosineDecay, type Schedule, type ScheduleData, stepDecay, warmUp } from './schedule.ts';
export { type SgdOptions, sgd } from './sgd.ts';
