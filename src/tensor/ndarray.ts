/**
 * The operations of `bptt/tensor` on ndarray views of any stride: transposed, sliced, reversed, broadcast.
 *
 * Destination first, as in ndarray-ops; sizes come from the views. Every operation reads its views into row-major
 * arrays, calls the flat function of the same name, whose documentation holds, and assigns the results back. So the
 * numbers are the flat ones, bit for bit; elements that a view skips are left alone; a destination may overlap a source
 * in any way. A view that reaches past its data is refused with a RangeError.
 *
 * ndarray and ndarray-ops compile code at run time. This is the only file that loads them, at an entry point of its own.
 */
import ndarray, { type NdArray } from 'ndarray';
import ops from 'ndarray-ops';
import { describe } from '../check/describe.ts';
import * as flat from './index.ts';
import type { FloatArray } from './shape.ts';
import { assertInside, assertView } from './viewExtent.ts';

/** A view on floats, of any shape and stride. */
export type View = NdArray<FloatArray>;

/** A view on whole numbers: ids of rows, positions of maxima. */
export type IdView = NdArray<Int32Array>;

/** A view on an array: the type of the package ndarray. */
export type { NdArray };
/** `ndarray(data, shape, stride?, offset?)` makes a view: the package ndarray. */
/** Elementwise operations on views, destination first: the package ndarray-ops. */
export { ndarray, ops };

// matrix products

/** C = A·B, or C += A·B: c `[M,N]`, a `[M,K]`, b `[K,N]`. */
export function matmulNN(c: View, a: View, b: View, accumulate = false): void {
  const [m, k, n] = sizes('matmulNN', 'M,K,N', { c: [c, 'M,N'], a: [a, 'M,K'], b: [b, 'K,N'] });
  into([c], [a, b], ([c], [a, b]) => flat.matmulNN(c, a, b, m, k, n, accumulate));
}

/** dA = dC·Bᵀ and dB = Aᵀ·dC, overwritten or added to. */
export function matmulNNBackward(da: View, db: View, dc: View, a: View, b: View, accumulate = false): void {
  const shapes = { da: [da, 'M,K'], db: [db, 'K,N'], dc: [dc, 'M,N'], a: [a, 'M,K'], b: [b, 'K,N'] } as const;
  const [m, k, n] = sizes('matmulNNBackward', 'M,K,N', shapes);
  into([da, db], [dc, a, b], ([da, db], [dc, a, b]) => flat.matmulNNBackward(da, db, dc, a, b, m, k, n, accumulate));
}

/** C = A·Bᵀ, or C += A·Bᵀ: c `[M,N]`, a `[M,K]`, b `[N,K]`. */
export function matmulNT(c: View, a: View, b: View, accumulate = false): void {
  const [m, k, n] = sizes('matmulNT', 'M,K,N', { c: [c, 'M,N'], a: [a, 'M,K'], b: [b, 'N,K'] });
  into([c], [a, b], ([c], [a, b]) => flat.matmulNT(c, a, b, m, k, n, accumulate));
}

/** dA = dC·B and dB = dCᵀ·A, overwritten or added to. */
export function matmulNTBackward(da: View, db: View, dc: View, a: View, b: View, accumulate = false): void {
  const shapes = { da: [da, 'M,K'], db: [db, 'N,K'], dc: [dc, 'M,N'], a: [a, 'M,K'], b: [b, 'N,K'] } as const;
  const [m, k, n] = sizes('matmulNTBackward', 'M,K,N', shapes);
  into([da, db], [dc, a, b], ([da, db], [dc, a, b]) => flat.matmulNTBackward(da, db, dc, a, b, m, k, n, accumulate));
}

/** C = Aᵀ·B, or C += Aᵀ·B: c `[M,N]`, a `[K,M]`, b `[K,N]`. */
export function matmulTN(c: View, a: View, b: View, accumulate = false): void {
  const [m, k, n] = sizes('matmulTN', 'M,K,N', { c: [c, 'M,N'], a: [a, 'K,M'], b: [b, 'K,N'] });
  into([c], [a, b], ([c], [a, b]) => flat.matmulTN(c, a, b, m, k, n, accumulate));
}

/** dA = B·dCᵀ and dB = A·dC, overwritten or added to. */
export function matmulTNBackward(da: View, db: View, dc: View, a: View, b: View, accumulate = false): void {
  const shapes = { da: [da, 'K,M'], db: [db, 'K,N'], dc: [dc, 'M,N'], a: [a, 'K,M'], b: [b, 'K,N'] } as const;
  const [m, k, n] = sizes('matmulTNBackward', 'M,K,N', shapes);
  into([da, db], [dc, a, b], ([da, db], [dc, a, b]) => flat.matmulTNBackward(da, db, dc, a, b, m, k, n, accumulate));
}

/** y = A·x, or y += A·x: y `[M]`, a `[M,K]`, x `[K]`. */
export function matvec(y: View, a: View, x: View, accumulate = false): void {
  const [m, k] = sizes('matvec', 'M,K', { y: [y, 'M'], a: [a, 'M,K'], x: [x, 'K'] });
  into([y], [a, x], ([y], [a, x]) => flat.matvec(y, a, x, m, k, accumulate));
}

/** dA = dy·xᵀ and dx = Aᵀ·dy, overwritten or added to. */
export function matvecBackward(da: View, dx: View, dy: View, a: View, x: View, accumulate = false): void {
  const shapes = { da: [da, 'M,K'], dx: [dx, 'K'], dy: [dy, 'M'], a: [a, 'M,K'], x: [x, 'K'] } as const;
  const [m, k] = sizes('matvecBackward', 'M,K', shapes);
  into([da, dx], [dy, a, x], ([da, dx], [dy, a, x]) => flat.matvecBackward(da, dx, dy, a, x, m, k, accumulate));
}

/** C = x·yᵀ, or C += x·yᵀ: c `[M,N]`, x `[M]`, y `[N]`. */
export function outer(c: View, x: View, y: View, accumulate = false): void {
  const [m, n] = sizes('outer', 'M,N', { c: [c, 'M,N'], x: [x, 'M'], y: [y, 'N'] });
  into([c], [x, y], ([c], [x, y]) => flat.outer(c, x, y, m, n, accumulate));
}

/** dx = dC·y and dy = dCᵀ·x, overwritten or added to. */
export function outerBackward(dx: View, dy: View, dc: View, x: View, y: View, accumulate = false): void {
  const shapes = { dx: [dx, 'M'], dy: [dy, 'N'], dc: [dc, 'M,N'], x: [x, 'M'], y: [y, 'N'] } as const;
  const [m, n] = sizes('outerBackward', 'M,N', shapes);
  into([dx, dy], [dc, x, y], ([dx, dy], [dc, x, y]) => flat.outerBackward(dx, dy, dc, x, y, m, n, accumulate));
}

// sums, products, factors; rows broadcast over `[R,n]`

/** z = x + y. */
export function add(z: View, x: View, y: View): void {
  sameShape('add', { z, x, y });
  into([z], [x, y], ([z], [x, y]) => flat.add(z, x, y));
}

/** y[r,·] = x[r,·] + b: y and x `[R,n]`, b `[n]`. */
export function addRow(y: View, x: View, b: View): void {
  const [rows, n] = sizes('addRow', 'R,n', { y: [y, 'R,n'], x: [x, 'R,n'], b: [b, 'n'] });
  into([y], [x, b], ([y], [x, b]) => flat.addRow(y, x, b, rows, n));
}

/** db += Σ_r dy[r,·]: db `[n]`, dy `[R,n]`. */
export function addRowBackward(db: View, dy: View): void {
  const [rows, n] = sizes('addRowBackward', 'R,n', { db: [db, 'n'], dy: [dy, 'R,n'] });
  into([db], [dy], ([db], [dy]) => flat.addRowBackward(db, dy, rows, n));
}

/** z = x ⊙ y. */
export function multiply(z: View, x: View, y: View): void {
  sameShape('multiply', { z, x, y });
  into([z], [x, y], ([z], [x, y]) => flat.multiply(z, x, y));
}

/** dx = dz ⊙ y and dy = dz ⊙ x. */
export function multiplyBackward(dx: View, dy: View, dz: View, x: View, y: View): void {
  sameShape('multiplyBackward', { dx, dy, dz, x, y });
  into([dx, dy], [dz, x, y], ([dx, dy], [dz, x, y]) => flat.multiplyBackward(dx, dy, dz, x, y));
}

/** y[r,·] = x[r,·] ⊙ s: y and x `[R,n]`, s `[n]`. */
export function multiplyRow(y: View, x: View, s: View): void {
  const [rows, n] = sizes('multiplyRow', 'R,n', { y: [y, 'R,n'], x: [x, 'R,n'], s: [s, 'n'] });
  into([y], [x, s], ([y], [x, s]) => flat.multiplyRow(y, x, s, rows, n));
}

/** dx[r,·] = dy[r,·] ⊙ s and ds += Σ_r dy[r,·] ⊙ x[r,·]. */
export function multiplyRowBackward(dx: View, ds: View, dy: View, x: View, s: View): void {
  const shapes = { dx: [dx, 'R,n'], ds: [ds, 'n'], dy: [dy, 'R,n'], x: [x, 'R,n'], s: [s, 'n'] } as const;
  const [rows, n] = sizes('multiplyRowBackward', 'R,n', shapes);
  into([dx, ds], [dy, x, s], ([dx, ds], [dy, x, s]) => flat.multiplyRowBackward(dx, ds, dy, x, s, rows, n));
}

/** y = αx. */
export function scale(y: View, x: View, alpha: number): void {
  sameShape('scale', { y, x });
  into([y], [x], ([y], [x]) => flat.scale(y, x, alpha));
}

/** dx = α·dy; returns dα = Σ dy·x. */
export function scaleBackward(dx: View, dy: View, x: View, alpha: number): number {
  sameShape('scaleBackward', { dx, dy, x });
  return into([dx], [dy, x], ([dx], [dy, x]) => flat.scaleBackward(dx, dy, x, alpha));
}

/** y += αx. */
export function addScaled(y: View, x: View, alpha: number): void {
  sameShape('addScaled', { y, x });
  into([y], [x], ([y], [x]) => flat.addScaled(y, x, alpha));
}

/** y[r,·] = s[r]·x[r,·]: y and x `[R,n]`, s `[R]`. */
export function scaleRows(y: View, x: View, s: View): void {
  const [rows, n] = sizes('scaleRows', 'R,n', { y: [y, 'R,n'], x: [x, 'R,n'], s: [s, 'R'] });
  into([y], [x, s], ([y], [x, s]) => flat.scaleRows(y, x, s, rows, n));
}

/** dx[r,·] = s[r]·dy[r,·] and ds[r] = Σ_j dy[r,j]·x[r,j]. */
export function scaleRowsBackward(dx: View, ds: View, dy: View, x: View, s: View): void {
  const shapes = { dx: [dx, 'R,n'], ds: [ds, 'R'], dy: [dy, 'R,n'], x: [x, 'R,n'], s: [s, 'R'] } as const;
  const [rows, n] = sizes('scaleRowsBackward', 'R,n', shapes);
  into([dx, ds], [dy, x, s], ([dx, ds], [dy, x, s]) => flat.scaleRowsBackward(dx, ds, dy, x, s, rows, n));
}

// element by element

/** y = tanh(x). */
export function tanh(y: View, x: View): void {
  elementwise('tanh', y, x, flat.tanh);
}

/** dx = (1 − y²)·dy. */
export function tanhBackward(dx: View, dy: View, y: View): void {
  elementwiseBackward('tanhBackward', dx, dy, { y }, flat.tanhBackward);
}

/** y = σ(x). */
export function sigmoid(y: View, x: View): void {
  elementwise('sigmoid', y, x, flat.sigmoid);
}

/** dx = y(1 − y)·dy. */
export function sigmoidBackward(dx: View, dy: View, y: View): void {
  elementwiseBackward('sigmoidBackward', dx, dy, { y }, flat.sigmoidBackward);
}

/** y = max(x, 0). */
export function relu(y: View, x: View): void {
  elementwise('relu', y, x, flat.relu);
}

/** dx = dy where y > 0, else 0. */
export function reluBackward(dx: View, dy: View, y: View): void {
  elementwiseBackward('reluBackward', dx, dy, { y }, flat.reluBackward);
}

/** y = eˣ. */
export function exp(y: View, x: View): void {
  elementwise('exp', y, x, flat.exp);
}

/** dx = y·dy. */
export function expBackward(dx: View, dy: View, y: View): void {
  elementwiseBackward('expBackward', dx, dy, { y }, flat.expBackward);
}

/** y = ln x. */
export function log(y: View, x: View): void {
  elementwise('log', y, x, flat.log);
}

/** dx = dy/x. */
export function logBackward(dx: View, dy: View, x: View): void {
  elementwiseBackward('logBackward', dx, dy, { x }, flat.logBackward);
}

/** y = min(max(x, low), high). */
export function clip(y: View, x: View, low: number, high: number): void {
  elementwise('clip', y, x, (y, x) => flat.clip(y, x, low, high));
}

/** dx = dy where low < x < high, else 0. */
export function clipBackward(dx: View, dy: View, x: View, low: number, high: number): void {
  elementwiseBackward('clipBackward', dx, dy, { x }, (dx, dy, x) => flat.clipBackward(dx, dy, x, low, high));
}

// along rows `[R,n]`

/** p[r,·] = softmax of z[r,·]. */
export function softmax(p: View, z: View): void {
  const [rows, n] = sizes('softmax', 'R,n', { p: [p, 'R,n'], z: [z, 'R,n'] });
  into([p], [z], ([p], [z]) => flat.softmax(p, z, rows, n));
}

/** dz[r,j] = p[r,j]·(dp[r,j] − Σ_k dp[r,k]·p[r,k]). */
export function softmaxBackward(dz: View, dp: View, p: View): void {
  const [rows, n] = sizes('softmaxBackward', 'R,n', { dz: [dz, 'R,n'], dp: [dp, 'R,n'], p: [p, 'R,n'] });
  into([dz], [dp, p], ([dz], [dp, p]) => flat.softmaxBackward(dz, dp, p, rows, n));
}

/** y[r,j] = z[r,j] − ln Σ_k e^z[r,k]. */
export function logSoftmax(y: View, z: View): void {
  const [rows, n] = sizes('logSoftmax', 'R,n', { y: [y, 'R,n'], z: [z, 'R,n'] });
  into([y], [z], ([y], [z]) => flat.logSoftmax(y, z, rows, n));
}

/** dz[r,j] = dy[r,j] − e^y[r,j]·Σ_k dy[r,k]. */
export function logSoftmaxBackward(dz: View, dy: View, y: View): void {
  const [rows, n] = sizes('logSoftmaxBackward', 'R,n', { dz: [dz, 'R,n'], dy: [dy, 'R,n'], y: [y, 'R,n'] });
  into([dz], [dy, y], ([dz], [dy, y]) => flat.logSoftmaxBackward(dz, dy, y, rows, n));
}

/** s[r] = ln Σ_j e^z[r,j]: s `[R]`, z `[R,n]`. */
export function logSumExp(s: View, z: View): void {
  const [rows, n] = sizes('logSumExp', 'R,n', { s: [s, 'R'], z: [z, 'R,n'] });
  into([s], [z], ([s], [z]) => flat.logSumExp(s, z, rows, n));
}

/** dz[r,j] = ds[r]·e^(z[r,j] − s[r]). */
export function logSumExpBackward(dz: View, ds: View, z: View, s: View): void {
  const shapes = { dz: [dz, 'R,n'], ds: [ds, 'R'], z: [z, 'R,n'], s: [s, 'R'] } as const;
  const [rows, n] = sizes('logSumExpBackward', 'R,n', shapes);
  into([dz], [ds, z, s], ([dz], [ds, z, s]) => flat.logSumExpBackward(dz, ds, z, s, rows, n));
}

// along any axis

/** y = Σ of x along `axis`; y has the shape of x without that axis. */
export function sumAxis(y: View, x: View, axis: number): void {
  const [outer, length, inner] = around('sumAxis', { y }, 'x', x, axis);
  into([y], [x], ([y], [x]) => flat.sumAxis(y, x, outer, length, inner));
}

/** dx = dy, repeated along `axis`. */
export function sumAxisBackward(dx: View, dy: View, axis: number): void {
  const [outer, length, inner] = around('sumAxisBackward', { dy }, 'dx', dx, axis);
  into([dx], [dy], ([dx], [dy]) => flat.sumAxisBackward(dx, dy, outer, length, inner));
}

/** y = max of x along `axis` and where along it the first maximum stands. */
export function maxAxis(y: View, argmax: IdView, x: View, axis: number): void {
  const [outer, length, inner] = around('maxAxis', { y, argmax }, 'x', x, axis);
  const ids = new Int32Array(argmax.size);
  into([y], [x], ([y], [x]) => flat.maxAxis(y, ids, x, outer, length, inner));
  ops.assign(argmax, ndarray(ids, argmax.shape));
}

/** dx = dy where the maximum stood, 0 elsewhere. */
export function maxAxisBackward(dx: View, dy: View, argmax: IdView, axis: number): void {
  const [outer, length, inner] = around('maxAxisBackward', { dy, argmax }, 'dx', dx, axis);
  into([dx], [dy, argmax], ([dx], [dy, ids]) => flat.maxAxisBackward(dx, dy, ids, outer, length, inner));
}

// rows and columns by id

/** y[r,·] = table[ids[r],·]: y `[R,n]`, table `[V,n]`, ids `[R]`. */
export function gatherRows(y: View, table: View, ids: IdView): void {
  const shapes = { y: [y, 'R,n'], table: [table, 'V,n'], ids: [ids, 'R'] } as const;
  const [rows, v, n] = sizes('gatherRows', 'R,V,n', shapes);
  into([y], [table, ids], ([y], [table, ids]) => flat.gatherRows(y, table, ids, rows, v, n));
}

/** dtable[ids[r],·] += dy[r,·]. */
export function gatherRowsBackward(dtable: View, dy: View, ids: IdView): void {
  const shapes = { dtable: [dtable, 'V,n'], dy: [dy, 'R,n'], ids: [ids, 'R'] } as const;
  const [rows, v, n] = sizes('gatherRowsBackward', 'R,V,n', shapes);
  into([dtable], [dy, ids], ([dtable], [dy, ids]) => flat.gatherRowsBackward(dtable, dy, ids, rows, v, n));
}

/** y[r,·] = W[·,ids[r]]: y `[R,n]`, w `[n,V]`, ids `[R]`. */
export function gatherColumns(y: View, w: View, ids: IdView): void {
  const [rows, v, n] = sizes('gatherColumns', 'R,V,n', { y: [y, 'R,n'], w: [w, 'n,V'], ids: [ids, 'R'] });
  into([y], [w, ids], ([y], [w, ids]) => flat.gatherColumns(y, w, ids, rows, v, n));
}

/** dW[·,ids[r]] += dy[r,·]. */
export function gatherColumnsBackward(dw: View, dy: View, ids: IdView): void {
  const shapes = { dw: [dw, 'n,V'], dy: [dy, 'R,n'], ids: [ids, 'R'] } as const;
  const [rows, v, n] = sizes('gatherColumnsBackward', 'R,V,n', shapes);
  into([dw], [dy, ids], ([dw], [dy, ids]) => flat.gatherColumnsBackward(dw, dy, ids, rows, v, n));
}

// how views and flat arrays meet

/**
 * The elements of a view in row-major order: its data where that is their order already, else a copy.
 *
 * @throws {RangeError} when the view reaches past its data.
 */
export function rowMajor<A extends FloatArray | Int32Array>(view: NdArray<A>): A {
  assertInside('rowMajor', 'view', view);
  const { data, offset, size } = view;
  if (isContiguous(view)) return size === data.length ? data : (data.subarray(offset, offset + size) as A);
  const copy = new (data.constructor as new (length: number) => A)(size);
  if (view.dimension === 1) {
    // a row or column is short: looping is quicker than wrapping the copy for ndarray-ops
    const [stride] = view.stride;
    for (let i = 0; i < size; i++) copy[i] = data[offset + i * stride];
  } else {
    ops.assign(ndarray(copy, view.shape), view);
  }
  return copy;
}

function isContiguous(view: NdArray<FloatArray | Int32Array>): boolean {
  let stride = 1;
  for (let d = view.dimension - 1; d >= 0; d--) {
    if (view.shape[d] !== 1 && view.stride[d] !== stride) return false;
    stride *= view.shape[d];
  }
  return true;
}

/** Runs `body` on row-major arrays and assigns its destinations back, which may overlap anything. */
function into<D extends View[], S extends AnyView[], R>(
  destinations: [...D],
  sources: [...S],
  body: (destinations: { [I in keyof D]: FloatArray }, sources: { [I in keyof S]: S[I]['data'] }) => R,
): R {
  const buffers = [...destinations, ...sources].map((view) => view.data.buffer);
  const outputs = destinations.map((view) => {
    const alone = buffers.indexOf(view.data.buffer) === buffers.lastIndexOf(view.data.buffer);
    return alone ? rowMajor(view) : rowMajor(view).slice();
  });
  const result = body(
    outputs as { [I in keyof D]: FloatArray },
    sources.map((view) => rowMajor(view as View)) as { [I in keyof S]: S[I]['data'] },
  );
  destinations.forEach((view, i) => {
    if (outputs[i].buffer !== view.data.buffer) ops.assign(view, ndarray(outputs[i], view.shape));
  });
  return result;
}

function elementwise(fn: string, y: View, x: View, body: (y: FloatArray, x: FloatArray) => void): void {
  sameShape(fn, { y, x });
  into([y], [x], ([y], [x]) => body(y, x));
}

function elementwiseBackward(
  fn: string,
  dx: View,
  dy: View,
  kept: Record<string, View>,
  body: (dx: FloatArray, dy: FloatArray, kept: FloatArray) => void,
): void {
  sameShape(fn, { dx, dy, ...kept });
  into([dx], [dy, ...Object.values(kept)], ([dx], [dy, kept]) => body(dx, dy, kept));
}

// shape errors

type AnyView = View | IdView;

/** The sizes asked for in `wanted`, such as `'M,K,N'`; a letter means the same size wherever it stands. */
function sizes(fn: string, wanted: string, args: Record<string, readonly [view: AnyView, letters: string]>): number[] {
  const size: Record<string, number> = {};
  for (const [arg, [view, list]] of Object.entries(args)) {
    assertView(fn, arg, view);
    const letters = list.split(',');
    letters.forEach((letter, d) => {
      size[letter] ??= view.shape[d];
    });
    const expected = letters.map((letter) => size[letter]);
    assertShape(fn, arg, view, expected, `[${list}] = [${expected.map((size) => size ?? '?')}]`);
  }
  return wanted.split(',').map((letter) => size[letter]);
}

function sameShape(fn: string, args: Record<string, View>): void {
  const [[first, like]] = Object.entries(args);
  assertView(fn, first, like);
  const { shape } = like;
  for (const [arg, view] of Object.entries(args))
    assertShape(fn, arg, view, shape, `the shape of ${first}, [${shape}]`);
}

/** Sizes before, along and after an axis of `x`; the `reduced` views have the shape that is left without it. */
function around(fn: string, reduced: Record<string, AnyView>, name: string, x: View, axis: number): number[] {
  assertInside(fn, name, x);
  if (!Number.isInteger(axis) || axis < 0 || axis >= x.dimension) {
    throw new RangeError(
      `${fn}: axis is ${describe(axis)}, expected 0 … ${x.dimension - 1} as ${name} is [${x.shape}]`,
    );
  }
  const shape = x.shape.toSpliced(axis, 1);
  const left = `the shape of ${name}, [${x.shape}], without axis ${axis}: [${shape}]`;
  for (const [arg, view] of Object.entries(reduced)) assertShape(fn, arg, view, shape, left);
  return [product(x.shape.slice(0, axis)), x.shape[axis], product(x.shape.slice(axis + 1))];
}

function product(factors: number[]): number {
  return factors.reduce((a, b) => a * b, 1);
}

function assertShape(fn: string, arg: string, view: AnyView, shape: number[], wanted: string): void {
  assertView(fn, arg, view);
  if (view.shape.length !== shape.length || view.shape.some((size, d) => size !== shape[d])) {
    throw new RangeError(`${fn}: ${arg} is [${view.shape}], expected ${wanted}`);
  }
  const dtypes = arg === 'ids' || arg === 'argmax' ? ['int32'] : ['float32', 'float64'];
  if (!dtypes.includes(view.dtype)) {
    throw new TypeError(`${fn}: ${arg} holds ${view.dtype}, expected ${dtypes.join(' or ')}`);
  }
  assertInside(fn, arg, view);
}
