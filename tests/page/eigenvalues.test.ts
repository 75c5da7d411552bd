import { expect, test } from 'vitest';
import { eigenvalues } from '../../page/eigenvalues.ts';
import { RandomState } from '../../src/tensor/random.ts';

/** The eigenvalues as text, rounded, sorted: conjugate pairs come in either order. */
function spectrum(a: ArrayLike<number>, n: number, digits = 9): string[] {
  const { re, im } = eigenvalues(a, n);
  const text = (x: number) => (Math.abs(x) < 10 ** -digits ? 0 : x).toFixed(digits);
  return Array.from(re, (r, i) => `${text(r)} ${text(im[i])}`).sort();
}

test('known spectra', () => {
  expect(spectrum([3], 1, 3)).toEqual(['3.000 0.000']);
  expect(spectrum([0, -1, 1, 0], 2, 3)).toEqual(['0.000 -1.000', '0.000 1.000']);
  expect(spectrum([2, 1, 0, 0, 2, 1, 0, 0, 2], 3, 3)).toEqual(['2.000 0.000', '2.000 0.000', '2.000 0.000']);
  expect(spectrum(new Float64Array(9), 3, 3)).toEqual(['0.000 0.000', '0.000 0.000', '0.000 0.000']);
  // (x − 1)(x − 2)(x − 3)(x² + 1) = x⁵ − 6x⁴ + 12x³ − 12x² + 11x − 6, its companion
  const companion = [6, -12, 12, -11, 6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
  expect(spectrum(companion, 5, 6)).toEqual(
    ['0.000000 -1.000000', '0.000000 1.000000', '1.000000 0.000000', '2.000000 0.000000', '3.000000 0.000000'].sort(),
  );
});

test('a cyclic permutation has the roots of unity', () => {
  const n = 12;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + ((i + 1) % n)] = 1;
  const roots = Array.from({ length: n }, (_, k) => [Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n)]);
  const { re, im } = eigenvalues(a, n);
  for (const [x, y] of roots) {
    expect(Math.min(...Array.from(re, (r, i) => Math.hypot(r - x, im[i] - y)))).toBeLessThan(1e-13);
  }
});

test('of random matrices: the traces of A and of A², largest first, conjugate pairs', () => {
  for (const n of [2, 3, 7, 40]) {
    const a = new RandomState(n).randn(n * n);
    const { re, im } = eigenvalues(a, n);
    let [trace, square] = [0, 0];
    for (let i = 0; i < n; i++) {
      trace += a[i * n + i];
      for (let j = 0; j < n; j++) square += a[i * n + j] * a[j * n + i];
    }
    const sum = (f: (r: number, i: number) => number) =>
      Array.from(re, (r, i) => f(r, im[i])).reduce((s, x) => s + x, 0);
    // backward stable: an error of some n·ε of ‖A‖ ≈ n in each of n eigenvalues, of which those of A² are ≈ √n
    const tolerance = 1e-14 * n ** 2;
    expect(Math.abs(sum((r) => r) - trace)).toBeLessThan(tolerance);
    expect(Math.abs(sum((_, i) => i))).toBeLessThan(tolerance);
    expect(Math.abs(sum((r, i) => r * r - i * i) - square)).toBeLessThan(tolerance * Math.sqrt(n));
    for (let i = 1; i < n; i++) expect(Math.hypot(re[i], im[i])).toBeLessThanOrEqual(Math.hypot(re[i - 1], im[i - 1]));
  }
});

test('refuses NaN', () => {
  expect(() => eigenvalues([1, Number.NaN, 0, 1], 2)).toThrow('a[1] is NaN');
});
