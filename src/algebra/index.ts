export type { Algebra } from './algebra.ts';
export { type Dual, dualAlgebra } from './dual.ts';
export { numberAlgebra } from './numbers.ts';
export {
  exactly,
  type FunctionError,
  float32Precision,
  isWithin,
  type Precision,
  type Radius,
  radiusAlgebra,
} from './radius.ts';
export { RowAlgebra } from './rows.ts';
