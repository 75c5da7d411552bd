import { productOf } from './doubleDouble.ts';
import { expOf, expOfSum } from './exp.ts';
import { logLow, logOfSum } from './log.ts';

/**
 * xʸ of a number x ≥ 0, in float64: the same bits on every host, which `**` does not promise. NaN for x < 0.
 *
 * It is e^(y·ln x) with some 61 bits of ln x: within 0.6 ulp for results from e⁻⁵⁰ to e⁵⁰, exact where such a result is a
 * float64, and within 3 ulp up to the ends.
 */
export function powOf(x: number, y: number): number {
  if (y === 0) return 1;
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return powAtTheEnds(x, y);
  const first = x < 2 ** -1022 ? logOfSum(x * 2 ** 54, 0, -54) : logOfSum(x, 0, 0);
  const log = first + logLow[0];
  const logRest = first - log + logLow[0];
  if (!(Math.abs(y * log) < 800)) return expOf(y * log);
  const { high, low } = productOf(y, log);
  return expOfSum(high, low + y * logRest);
}

function powAtTheEnds(x: number, y: number): number {
  if (!(x >= 0) || Number.isNaN(y)) return Number.NaN;
  return y > 0 === x > 0 ? Number.POSITIVE_INFINITY : 0;
}
