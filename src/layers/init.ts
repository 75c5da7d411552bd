import { assertFloats, assertLength } from '../check/arrays.ts';
import { assertRange } from '../check/numbers.ts';
import { assertAttached, assertStream } from '../check/values.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { sumOfSquares } from '../tensor/sum.ts';
import { singularValues } from '../tensor/svd.ts';
import { haarVectors, type MakeTiles } from './haar.ts';

/** Uniform in ±limit: the notebooks' `'uni'` with 0.1; PyTorch's recurrent layers with 1/√H. */
export function uniformInit(w: FloatArray, rng: RandomState, limit = 0.1): void {
  assertDrawn('uniformInit', w, rng);
  assertRange('uniformInit', 'limit', limit, 0, Number.MAX_VALUE / 2);
  w.set(rng.uniform(-limit, limit, w.length));
}

/**
 * Glorot & Bengio (2010), the notebooks' `'unishape'`: uniform in ±√(6/(rows + cols)).
 *
 * @param w [rows,cols], overwritten
 */
export function glorotInit(w: FloatArray, rng: RandomState, rows: number, cols: number): void {
  assertDrawn('glorotInit', w, rng);
  assertLength('glorotInit', 'w', w, '[rows,cols]', rows, cols);
  const limit = Math.sqrt(6 / (rows + cols));
  w.set(rng.uniform(-limit, limit, w.length));
}

/**
 * The notebooks' `'svd'`: uniform in ±1, then divided by the largest singular value, so that the spectral norm is 1 and
 * the gradient through tanh neither explodes nor, at first, vanishes (Pascanu et al. 2013).
 *
 * @param w [rows,cols], overwritten
 */
export function spectralInit(w: FloatArray, rng: RandomState, rows: number, cols: number): void {
  assertDrawn('spectralInit', w, rng);
  assertLength('spectralInit', 'w', w, '[rows,cols]', rows, cols);
  const values = rng.uniform(-1, 1, w.length);
  const largest = singularValues(values, rows, cols)[0];
  for (let i = 0; i < w.length; i++) w[i] = values[i] / largest;
}

/** Normal with the given standard deviation: min-char-rnn's `randn * 0.01`, the char-RNN's `randn / √D`. */
export function normalInit(w: FloatArray, rng: RandomState, deviation: number): void {
  assertDrawn('normalInit', w, rng);
  assertRange('normalInit', 'deviation', deviation, 0);
  const values = rng.randn(w.length);
  for (let i = 0; i < w.length; i++) w[i] = values[i] * deviation;
}

/** Zeros, as every bias of the notebooks. */
export function zeroInit(w: FloatArray): void {
  assertFloats('zeroInit', 'w', w);
  assertAttached('zeroInit', 'w', w);
  w.fill(0);
}

function assertDrawn(fn: string, w: FloatArray, rng: RandomState): void {
  assertFloats(fn, 'w', w);
  assertAttached(fn, 'w', w);
  assertStream(fn, 'rng', rng);
}

/** Elements times vectors of what is made by Gram–Schmidt: up to 256 × 256. */
const GRAM_SCHMIDT_WORK = 2 ** 24;

/**
 * Orthogonal (Saxe et al. 2014): the shorter side's vectors are orthonormal, all singular values are `gain`. They are
 * uniformly distributed (Haar).
 *
 * Up to short²·long = 2²⁴, of the shorter and the longer side (256 × 256), by Gram–Schmidt on normal draws, each vector made
 * orthogonal twice, which leaves nothing but rounding. Larger ones by random reflections, see `haarVectors`: a third
 * of the arithmetic, in blocks that fit into the cache, from other draws.
 *
 * @param w [rows,cols], overwritten
 * @param makeTiles who multiplies; the loops without it
 * @throws {RangeError} on a length that does not fit; nothing is drawn then.
 */
export function orthogonalInit(
  w: FloatArray,
  rng: RandomState,
  rows: number,
  cols: number,
  gain = 1,
  makeTiles?: MakeTiles,
): void {
  assertDrawn('orthogonalInit', w, rng);
  assertLength('orthogonalInit', 'w', w, '[rows,cols]', rows, cols);
  assertRange('orthogonalInit', 'gain', gain);
  const count = Math.min(rows, cols);
  const length = Math.max(rows, cols);
  const small = count * count * length <= GRAM_SCHMIDT_WORK;
  const at = small ? gramSchmidtVectors(rng, count, length) : haarVectors(rng, count, length, makeTiles);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) w[r * cols + c] = gain * (rows <= cols ? at(r, c) : at(c, r));
  }
}

/** `count` orthonormal vectors of `length` elements; the returned function gives element i of vector j. */
function gramSchmidtVectors(rng: RandomState, count: number, length: number): (j: number, i: number) => number {
  const q = rng.randn(count * length);
  for (let i = 0; i < count; i++) {
    const v = q.subarray(i * length, (i + 1) * length);
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += v[k] * q[j * length + k];
        for (let k = 0; k < length; k++) v[k] -= dot * q[j * length + k];
      }
    }
    const norm = Math.sqrt(sumOfSquares(v));
    for (let k = 0; k < length; k++) v[k] /= norm;
  }
  return (j, i) => q[j * length + i];
}
