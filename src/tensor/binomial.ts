import { expOf } from './exp.ts';
import { logOf } from './log.ts';

/**
 * One draw of the number of successes in `n` trials of probability `p`, from uniforms in [0, 1) in the order in which
 * NumPy's legacy generator takes them: by inversion while n·min(p, 1-p) ≤ 30, else by the rejection algorithm BTPE.
 * Nothing is drawn when n or p is 0.
 *
 * Source: Kachitvichyanukul & Schmeiser, Binomial random variate generation, CACM 31 (1988).
 */
export function binomial(n: number, p: number, uniform: () => number): number {
  if (n === 0 || p === 0) return 0;
  if (p > 0.5) return n - few(n, 1 - p, uniform);
  return few(n, p, uniform);
}

/** {@link binomial} for p ≤ 1/2. */
function few(n: number, p: number, uniform: () => number): number {
  return n * p <= 30 ? inversion(n, p, uniform) : btpe(n, p, uniform);
}

/** Walks up the probabilities of 0, 1, 2, … successes until they have used up one uniform. */
function inversion(n: number, p: number, uniform: () => number): number {
  const q = 1 - p;
  const p0 = expOf(n * logOf(q));
  const bound = Math.min(n, Math.floor(n * p + 10 * Math.sqrt(n * p * q + 1)));
  let x = 0;
  let px = p0;
  let u = uniform();
  while (u > px) {
    x++;
    if (x > bound) {
      // rounding has left a rest beyond all that can happen: try anew
      x = 0;
      px = p0;
      u = uniform();
    } else {
      u -= px;
      px = ((n - x + 1) * p * px) / (x * q);
    }
  }
  return x;
}

/** BTPE: a triangle, a parallelogram and two exponential tails cover the histogram; a point under it is accepted. */
function btpe(n: number, p: number, uniform: () => number): number {
  const q = 1 - p;
  const npq = n * p * q;
  const mode = n * p + p;
  const m = Math.floor(mode);
  const p1 = Math.floor(2.195 * Math.sqrt(npq) - 4.6 * q) + 0.5; // half the triangle's base, and its area
  const xm = m + 0.5;
  const xl = xm - p1;
  const xr = xm + p1;
  const c = 0.134 + 20.5 / (15.3 + m); // the parallelogram's height
  const al = (mode - xl) / (mode - xl * p);
  const lambdaL = al * (1 + al / 2);
  const ar = (xr - mode) / (xr * q);
  const lambdaR = ar * (1 + ar / 2);
  const p2 = p1 * (1 + 2 * c);
  const p3 = p2 + c / lambdaL;
  const p4 = p3 + c / lambdaR;

  for (;;) {
    const u = uniform() * p4;
    let v = uniform();
    let y: number;
    if (u <= p1) return Math.floor(xm - p1 * v + u); // the triangle lies wholly under the histogram
    if (u <= p2) {
      const x = xl + (u - p1) / c;
      v = v * c + 1 - Math.abs(m - x + 0.5) / p1;
      if (v > 1) continue;
      y = Math.floor(x);
    } else if (u <= p3) {
      y = Math.floor(xl + logOf(v) / lambdaL);
      if (y < 0) continue;
      v = v * (u - p2) * lambdaL;
    } else {
      y = Math.floor(xr - logOf(v) / lambdaR);
      if (y > n) continue;
      v = v * (u - p3) * lambdaR;
    }
    if (underHistogram(y, v, n, p, m, npq)) return y;
  }
}

/** Whether v ≤ P(y) / P(m): by the product of ratios near the mode m, else by squeezes and Stirling's series. */
function underHistogram(y: number, v: number, n: number, p: number, m: number, npq: number): boolean {
  const q = 1 - p;
  const k = Math.abs(y - m);
  if (k <= 20 || k >= npq / 2 - 1) {
    const s = p / q;
    const a = s * (n + 1);
    let f = 1;
    for (let i = m + 1; i <= y; i++) f *= a / i - s;
    for (let i = y + 1; i <= m; i++) f /= a / i - s;
    return v <= f;
  }
  const rho = (k / npq) * ((k * (k / 3 + 0.625) + 0.16666666666666666) / npq + 0.5);
  const t = (-k * k) / (2 * npq);
  const logV = logOf(v);
  if (logV < t - rho) return true;
  if (logV > t + rho) return false;
  const x1 = y + 1;
  const f1 = m + 1;
  const z = n + 1 - m;
  const w = n - y + 1;
  return (
    logV <=
    (m + 0.5) * logOf(f1 / x1) +
      (n - m + 0.5) * logOf(z / w) +
      (y - m) * logOf((w * p) / (x1 * q)) +
      stirling(f1) +
      stirling(z) +
      stirling(x1) +
      stirling(w)
  );
}

function stirling(x: number): number {
  const x2 = x * x;
  return (13680 - (462 - (132 - (99 - 140 / x2) / x2) / x2) / x2) / x / 166320;
}
