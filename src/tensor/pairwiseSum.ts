import { describe } from '../check/describe.ts';
import { assertNumbers } from '../check/values.ts';

const BLOCK = 128;

/**
 * The sum of `n` elements of `x`, from `start` on, `stride` apart, added in the order of NumPy's `np.sum`, so that
 * float64 sums agree with NumPy to the last bit. Partial sums are float64 whatever the type of `x`.
 *
 * Fewer than 8 elements are added from left to right, up to 128 in eight interleaved columns, more by halves: the rounding
 * error grows with log n instead of n.
 *
 * @param n by default as many as there are from `start` on
 * @throws {RangeError} when start, n or stride is not a whole number or an element would lie outside `x`.
 */
export function pairwiseSum(x: ArrayLike<number>, start = 0, n?: number, stride = 1): number {
  assertNumbers('pairwiseSum', 'x', x);
  assertInteger('start', start);
  const count = n === undefined ? x.length - start : n;
  assertInteger('n', count);
  assertInteger('stride', stride);
  const last = start + Math.max(count - 1, 0) * stride;
  const inside = count === 0 || (start >= 0 && start < x.length && last >= 0 && last < x.length);
  if (count < 0 || !inside) {
    throw new RangeError(
      `pairwiseSum: start ${start}, n ${count}, stride ${stride} do not fit x, expected indices 0 to ${x.length - 1}`,
    );
  }
  return count === 0 ? 0 : sum(x, start, count, stride);
}

function assertInteger(arg: string, value: unknown): void {
  if (Number.isSafeInteger(value)) return;
  throw new RangeError(`pairwiseSum: ${arg} is ${describe(value)}, expected a whole number`);
}

function sum(x: ArrayLike<number>, start: number, n: number, stride: number): number {
  if (n < 8) {
    let s = -0; // the only start that leaves a lone -0 as it is
    for (let i = 0; i < n; i++) s += x[start + i * stride];
    return s;
  }
  if (n > BLOCK) {
    const half = Math.floor(n / 2);
    const n0 = half - (half % 8);
    return sum(x, start, n0, stride) + sum(x, start + n0 * stride, n - n0, stride);
  }
  const columns = n - (n % 8);
  const at = (i: number): number => x[start + i * stride];
  let [r0, r1, r2, r3, r4, r5, r6, r7] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
  for (let i = 8; i < columns; i += 8) {
    r0 += at(i);
    r1 += at(i + 1);
    r2 += at(i + 2);
    r3 += at(i + 3);
    r4 += at(i + 4);
    r5 += at(i + 5);
    r6 += at(i + 6);
    r7 += at(i + 7);
  }
  let s = r0 + r1 + (r2 + r3) + (r4 + r5 + (r6 + r7));
  for (let i = columns; i < n; i++) s += at(i);
  return s;
}
