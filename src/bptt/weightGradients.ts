import type { Kernels } from './engine.ts';
import type { RecurrenceInput } from './recurrence.ts';

/**
 * A sum over the R rows of a window that a pass adds to a parameter's gradient:
 *
 *     dW[O,D] += dyᵀ·x            with `x` [R,D]
 *     dW[·,ids[r]] += dy[r,·]     with `ids` [R], the product with one-hot rows
 *     db[O] += Σ_r dy[r,·]        with neither: `dW` is then db
 */
export interface WeightGradient<F, I> {
  readonly dW: F;
  /** [R,O] */
  readonly dy: F;
  readonly x: F | null;
  readonly ids: I | null;
  readonly R: number;
  readonly O: number;
  readonly D: number;
}

/** Adds the gradients one after another. */
export function addWeightGradients<F, I>(k: Kernels<F, I>, gradients: readonly WeightGradient<F, I>[]): void {
  for (const { dW, dy, x, ids, R, O, D } of gradients) {
    if (x !== null) k.matmulTN(dW, dy, x, O, R, D, true);
    else if (ids !== null) k.oneHotLinearBackward(dW, null, dy, ids, R, D, O);
    else k.addRowBackward(dW, dy, R, O);
  }
}

/** The gradients of y = W·x + b for all rows: of W and, where there is one, of b. */
export function linearGradients<F, I>(
  dW: F,
  db: F | null,
  dy: F,
  input: RecurrenceInput<F, I>,
  R: number,
  O: number,
  D: number,
): WeightGradient<F, I>[] {
  const x = 'x' in input ? input.x : null;
  const ids = 'ids' in input ? input.ids : null;
  const ofW = { dW, dy, x, ids, R, O, D };
  return db === null ? [ofW] : [ofW, { dW: db, dy, x: null, ids: null, R, O, D: 0 }];
}
