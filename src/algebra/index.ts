export type { Algebra } from './algebra.ts';
export { numberAlgebra } from './numbers.ts';
export { RowAlgebra } from './rows.ts';
