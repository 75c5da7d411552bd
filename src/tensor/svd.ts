import { assertFinite, assertFloats, assertLength } from '../check/arrays.ts';
import { exponentOf } from './exponent.ts';
import { powerOfTwo } from './powerOfTwo.ts';
import type { FloatArray } from './shape.ts';
import { sumOfSquares } from './sum.ts';

/**
 * The singular values of A `[rows,cols]`, largest first, by one-sided Jacobi rotations (Hestenes 1958): pairs of
 * columns are rotated until all are orthogonal; their lengths are the singular values. Exact to a few ulp.
 *
 * @param a [rows,cols], left as it is
 * @returns min(rows, cols) values
 * @throws {RangeError} on a length that does not fit or an element that is not finite.
 */
export function singularValues(a: FloatArray, rows: number, cols: number): Float64Array {
  assertFloats('singularValues', 'a', a);
  assertLength('singularValues', 'a', a, '[rows,cols]', rows, cols);
  assertFinite('singularValues', 'a', a);
  // Work on the longer side as columns' length: u holds min(rows,cols) vectors, each contiguous, divided by a
  // power of two near the largest element so that no square overflows or vanishes.
  const count = Math.min(rows, cols);
  const length = Math.max(rows, cols);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]));
  const scale = largest > 0 ? powerOfTwo(exponentOf(largest)) : 1;
  const u = new Float64Array(count * length);
  for (let c = 0; c < count; c++) {
    for (let i = 0; i < length; i++) u[c * length + i] = (rows <= cols ? a[c * cols + i] : a[i * cols + c]) / scale;
  }
  // Below this cosine two columns count as orthogonal: what rounding leaves of a product of such columns.
  const tiny = Number.EPSILON * Math.sqrt(length);
  for (let rotated = true, sweep = 0; rotated && sweep < 60; sweep++) {
    rotated = false;
    for (let p = 0; p < count - 1; p++) {
      for (let q = p + 1; q < count; q++) {
        let pp = 0;
        let qq = 0;
        let pq = 0;
        for (let i = 0; i < length; i++) {
          const x = u[p * length + i];
          const y = u[q * length + i];
          pp += x * x;
          qq += y * y;
          pq += x * y;
        }
        if (Math.abs(pq) <= tiny * Math.sqrt(pp * qq)) continue;
        rotated = true;
        const zeta = (qq - pp) / (2 * pq);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + hypotenuse(zeta));
        const cos = 1 / hypotenuse(t);
        const sin = cos * t;
        for (let i = 0; i < length; i++) {
          const x = u[p * length + i];
          const y = u[q * length + i];
          u[p * length + i] = cos * x - sin * y;
          u[q * length + i] = sin * x + cos * y;
        }
      }
    }
  }
  const values = new Float64Array(count);
  for (let c = 0; c < count; c++) values[c] = scale * Math.sqrt(sumOfSquares(u.subarray(c * length, (c + 1) * length)));
  return values.sort().reverse();
}

/** √(1 + x²), where beyond 10⁸ the 1 is lost and x² might overflow. */
function hypotenuse(x: number): number {
  return Math.abs(x) < 1e8 ? Math.sqrt(1 + x * x) : Math.abs(x);
}
