/**
 * The eigenvalues of a real matrix A [n,n]: Householder reflections bring it to Hessenberg form, then complex QR steps with
 * Wilkinson's shift deflate one eigenvalue after another (Golub & Van Loan, Matrix Computations, 7.4 and 7.5).
 *
 * @returns real and imaginary parts by falling magnitude
 * @throws {RangeError} where an element is not finite, or an eigenvalue takes more than 60 steps.
 */
export function eigenvalues(a: ArrayLike<number>, n: number): { re: Float64Array; im: Float64Array } {
  const h = Float64Array.from(a);
  for (let i = 0; i < n * n; i++) {
    if (!Number.isFinite(h[i])) throw new RangeError(`eigenvalues: a[${i}] is ${h[i]}, expected a finite number`);
  }
  toHessenberg(h, n);
  const g = new Float64Array(n * n);
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  // Rotations of a step: real cosine, complex sine.
  const [cos, sinRe, sinIm] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  let high = n - 1;
  for (let iteration = 0; high >= 0; ) {
    // The active block begins below the last subdiagonal element that counts as zero.
    let low = high;
    for (; low > 0; low--) {
      const [at, above] = [low * n + low, (low - 1) * n + low - 1];
      const size = Math.abs(h[at]) + Math.abs(g[at]) + Math.abs(h[above]) + Math.abs(g[above]);
      if (Math.abs(h[at - 1]) + Math.abs(g[at - 1]) <= Number.EPSILON * size) break;
    }
    if (low === high) {
      re[high] = h[high * n + high];
      im[high] = g[high * n + high];
      high--;
      iteration = 0;
      continue;
    }
    if (++iteration > 60) throw new RangeError(`eigenvalues: no convergence at eigenvalue ${high}`);
    const [shiftRe, shiftIm] = iteration % 20 === 0 ? [h[high * n + high - 1], 0] : wilkinson(h, g, n, high);
    for (let i = low; i <= high; i++) {
      h[i * n + i] -= shiftRe;
      g[i * n + i] -= shiftIm;
    }
    for (let k = low; k < high; k++) {
      // The rotation that takes (x, y) of column k to (r, 0).
      const [top, below] = [k * n + k, (k + 1) * n + k];
      const x = Math.hypot(h[top], g[top]);
      const r = Math.hypot(x, h[below], g[below]);
      if (r === 0) {
        cos[k] = 1;
        sinRe[k] = sinIm[k] = 0;
        continue;
      }
      // With the phase p = x/|x|: c = |x|/r, s = p·conj(y)/r.
      const [pRe, pIm] = x === 0 ? [1, 0] : [h[top] / x, g[top] / x];
      cos[k] = x / r;
      sinRe[k] = (pRe * h[below] + pIm * g[below]) / r;
      sinIm[k] = (pIm * h[below] - pRe * g[below]) / r;
      for (let j = k; j <= high; j++) {
        const [p, q] = [k * n + j, (k + 1) * n + j];
        const [a0, a1, b0, b1] = [h[p], g[p], h[q], g[q]];
        h[p] = cos[k] * a0 + sinRe[k] * b0 - sinIm[k] * b1;
        g[p] = cos[k] * a1 + sinRe[k] * b1 + sinIm[k] * b0;
        h[q] = cos[k] * b0 - sinRe[k] * a0 - sinIm[k] * a1;
        g[q] = cos[k] * b1 - sinRe[k] * a1 + sinIm[k] * a0;
      }
    }
    for (let k = low; k < high; k++) {
      for (let i = low; i <= Math.min(k + 1, high); i++) {
        const [p, q] = [i * n + k, i * n + k + 1];
        const [a0, a1, b0, b1] = [h[p], g[p], h[q], g[q]];
        h[p] = cos[k] * a0 + sinRe[k] * b0 + sinIm[k] * b1;
        g[p] = cos[k] * a1 + sinRe[k] * b1 - sinIm[k] * b0;
        h[q] = cos[k] * b0 - sinRe[k] * a0 + sinIm[k] * a1;
        g[q] = cos[k] * b1 - sinRe[k] * a1 - sinIm[k] * a0;
      }
    }
    for (let i = low; i <= high; i++) {
      h[i * n + i] += shiftRe;
      g[i * n + i] += shiftIm;
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => Math.hypot(re[j], im[j]) - Math.hypot(re[i], im[i]) || im[j] - im[i],
  );
  return { re: Float64Array.from(order, (i) => re[i]), im: Float64Array.from(order, (i) => im[i]) };
}

/** A := QᵀAQ, zero below the subdiagonal. */
function toHessenberg(a: Float64Array, n: number): void {
  const v = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    let squares = 0;
    for (let i = k + 1; i < n; i++) squares += a[i * n + k] ** 2;
    const alpha = Math.sqrt(squares) * (a[(k + 1) * n + k] > 0 ? -1 : 1);
    if (alpha === 0) continue;
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k];
    v[k + 1] -= alpha;
    let length = 0;
    for (let i = k + 1; i < n; i++) length += v[i] * v[i];
    for (let j = 0; j < n; j++) {
      let dot = 0;
      for (let i = k + 1; i < n; i++) dot += v[i] * a[i * n + j];
      dot *= 2 / length;
      for (let i = k + 1; i < n; i++) a[i * n + j] -= dot * v[i];
    }
    for (let i = 0; i < n; i++) {
      let dot = 0;
      for (let j = k + 1; j < n; j++) dot += a[i * n + j] * v[j];
      dot *= 2 / length;
      for (let j = k + 1; j < n; j++) a[i * n + j] -= dot * v[j];
    }
    for (let i = k + 2; i < n; i++) a[i * n + k] = 0;
  }
}

/** The eigenvalue of the last 2×2 block that is nearer to its last element. */
function wilkinson(h: Float64Array, g: Float64Array, n: number, high: number): [number, number] {
  const [p, q] = [(high - 1) * n + high - 1, high * n + high];
  // (a − d)/2 = m, and λ = d + m ∓ √(m² + bc)
  const [m0, m1] = [(h[p] - h[q]) / 2, (g[p] - g[q]) / 2];
  const [b0, b1, c0, c1] = [h[p + 1], g[p + 1], h[q - 1], g[q - 1]];
  const s0 = m0 * m0 - m1 * m1 + b0 * c0 - b1 * c1;
  const s1 = 2 * m0 * m1 + b0 * c1 + b1 * c0;
  const size = Math.hypot(s0, s1);
  let r0 = Math.sqrt(Math.max(0, (size + s0) / 2));
  let r1 = Math.sqrt(Math.max(0, (size - s0) / 2)) * (s1 < 0 ? -1 : 1);
  if (m0 * r0 + m1 * r1 > 0) [r0, r1] = [-r0, -r1];
  return [h[q] + m0 + r0, g[q] + m1 + r1];
}
