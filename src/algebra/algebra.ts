/**
 * The operations that a pointwise formula is written in: one unit of one sequence of a cell, or one parameter of an update
 * rule. A formula is a function over any `V`; each interpreter gives `V` a meaning.
 *
 * | `V` | interpreter | gives |
 * | --- | --- | --- |
 * | number | `numberAlgebra` | a value in float64 |
 * | a row of float64 | `RowAlgebra` | the loops of engine `ts` |
 * | an expression of the assembler | `wasm/formulas.ts` | SIMD, four units at a time |
 * | a name in WGSL | `webgpu/training/formulas.ts` | the gates inside a kernel |
 * | value and derivative | `dualAlgebra` | the exact derivative of a forward formula along a direction |
 * | value and error radius | `radiusAlgebra` | the bound that a float32 twin is held to |
 *
 * Nothing is differentiated for the user: the backward formula is written by hand. Dual numbers only check it.
 */
export interface Algebra<V> {
  constant(value: number): V;
  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  mul(a: V, b: V): V;
  div(a: V, b: V): V;
  neg(a: V): V;
  abs(a: V): V;
  /** √a, for a ≥ 0. */
  sqrt(a: V): V;
  exp(a: V): V;
  /** ln a, for a > 0. */
  log(a: V): V;
  tanh(a: V): V;
  /** σ(a) = 1/(1 + e^−a) */
  sigmoid(a: V): V;
  /** The larger of the two; a NaN in `a` stays. */
  max(a: V, b: V): V;
  /** The smaller of the two; a NaN in `a` stays. */
  min(a: V, b: V): V;
  /** `x` where a > b, else `y` (also where either is NaN). */
  whereGreater(a: V, b: V, x: V, y: V): V;
}
