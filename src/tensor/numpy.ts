/**
 * The corner of NumPy that the notebooks use, on float64 ndarray views: functions return new arrays, small shapes
 * broadcast, names are NumPy's. For reading beside Python; training code calls `bptt/tensor`, which allocates nothing.
 *
 * Every function throws a RangeError when a view reaches past its data. A function that writes into an array may read the
 * same elements in any arrangement: what it reads is what was there before.
 */
import { assertFloats } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { allocate, assertNumber, assertNumeric, assertWhole } from '../check/numbers.ts';
import { isList } from '../check/values.ts';
import { expOf } from './exp.ts';
import { logOf } from './log.ts';
import { matmulNN, matmulNT, matmulTN } from './matmul.ts';
import { type NdArray, ndarray, ops, rowMajor, type View } from './ndarray.ts';
import { tanhOf } from './tanh.ts';
import { assertInside, assertView } from './viewExtent.ts';
import { viewSum } from './viewSum.ts';

/** A float64 array, the only dtype here. */
export type Float64View = NdArray<Float64Array>;

/** As in NumPy. */
const MOST_DIMENSIONS = 64;

/** Numbers nested as deep as the array has dimensions. */
export type Nested = number | readonly Nested[];

/**
 * `np.zeros(shape)`.
 *
 * @throws {RangeError} when a size is not a whole number ≥ 0.
 */
export function zeros(...shape: number[]): Float64View {
  for (const [d, size] of shape.entries()) assertWhole('zeros', `shape[${d}]`, size, 0);
  return ndarray(allocate('zeros', 'the product of the sizes', product(shape), Float64Array), shape);
}

/** `np.zeros_like(a)`. */
export function zerosLike(a: View): Float64View {
  assertInside('zerosLike', 'a', a);
  return zeros(...a.shape);
}

/**
 * `np.array(values)`.
 *
 * @throws {RangeError} when rows differ in length.
 */
export function array(values: Nested): Float64View {
  const shape: number[] = [];
  for (let v = values; isList(v); v = v[0]) {
    shape.push(v.length);
    if (shape.length > MOST_DIMENSIONS)
      throw new RangeError(`array: values has more than ${MOST_DIMENSIONS} dimensions`);
  }
  const flat: number[] = [];
  const append = (v: Nested, d: number): boolean => {
    if (isList(v)) return v.length === shape[d] && v.every((w) => append(w, d + 1));
    if (typeof v !== 'number') throw new TypeError(`array: values holds ${describe(v)}, expected numbers`);
    return flat.push(v) > 0 && d === shape.length;
  };
  if (!append(values, 0)) throw new RangeError(`array: rows differ in length, expected [${shape}] throughout`);
  return ndarray(Float64Array.from(flat), shape);
}

/** `np.copy(a)`. */
export function copy(a: View): Float64View {
  assertInside('copy', 'a', a);
  return ndarray(Float64Array.from(rowMajor(a)), a.shape.slice());
}

/**
 * `np.copyto(to, from)`, which Python writes `to[:] = from`.
 *
 * @throws {RangeError} when the shape of `from` does not broadcast to that of `to`.
 */
export function copyto(to: View, from: View): void {
  assertInside('copyto', 'to', to);
  assertInside('copyto', 'from', from);
  const source = broadcastTo('copyto', from, to.shape);
  if (source.data.buffer !== to.data.buffer) ops.assign(to, source);
  else ops.assign(to, ndarray(Float64Array.from(rowMajor(source)), to.shape));
}

/** `a.tolist()`. */
export function tolist(a: View): Nested {
  assertInside('tolist', 'a', a);
  return nested(a);
}

function nested(a: View): Nested {
  if (a.dimension === 0) return a.get();
  return Array.from({ length: a.shape[0] }, (_, i) => nested(a.pick(i)));
}

/** `a.T`, a view: writing to it writes to a. */
export function T<V extends View>(a: V): V {
  assertView('T', 'a', a);
  return a.transpose(...a.shape.map((_, d) => a.dimension - 1 - d)) as V;
}

/**
 * `a[i]`, a view; −1 is the last row.
 *
 * @throws {RangeError} when i is not a whole number from −rows to rows − 1, or `a` has no dimension.
 */
export function row<V extends View>(a: V, i: number): V {
  const index = indexAlong('row', 'i', a, 0, i);
  return a.pick(index) as V;
}

/**
 * `a[:, j]`, a view; −1 is the last column.
 *
 * @throws {RangeError} when j is not a whole number from −columns to columns − 1, or `a` has fewer than two dimensions.
 */
export function column<V extends View>(a: V, j: number): V {
  const index = indexAlong('column', 'j', a, 1, j);
  return a.pick(null, index) as V;
}

/** An index along an axis, counted from the end where it is negative. */
function indexAlong(fn: string, arg: string, a: View, axis: number, index: number): number {
  assertInside(fn, 'a', a);
  if (a.dimension <= axis) {
    throw new RangeError(`${fn}: a is [${a.shape}], expected at least ${axis + 1} dimension${axis === 0 ? '' : 's'}`);
  }
  const size = a.shape[axis];
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new RangeError(
      `${fn}: ${arg} is ${describe(index)}, expected a whole number from ${-size} to ${size - 1} as a is [${a.shape}]`,
    );
  }
  return index < 0 ? size + index : index;
}

/**
 * `np.dot(a, b)` for vectors and matrices. A transposed operand is read where it lies.
 *
 * @throws {RangeError} when the inner sizes differ.
 */
export function dot(a: View, b: View): Float64View {
  assertFloatView('dot', 'a', a);
  assertFloatView('dot', 'b', b);
  const k = a.shape[a.dimension - 1];
  if (a.dimension < 1 || a.dimension > 2 || b.dimension < 1 || b.dimension > 2 || k !== b.shape[0]) {
    throw new RangeError(`dot: shapes [${a.shape}] and [${b.shape}] do not fit, expected [M,K] and [K,N]`);
  }
  const c = zeros(...a.shape.slice(0, -1), ...b.shape.slice(1));
  const m = a.dimension === 1 ? 1 : a.shape[0];
  const n = b.dimension === 1 ? 1 : b.shape[1];
  // a column at the right is the same as a row at the left, which is quicker
  const [x, y, rows, columns] = n === 1 ? [b, T(a), 1, m] : [a, b, m, n];
  if (isTransposed(y)) matmulNT(c.data, rowMajor(x), rowMajor(T(y)), rows, k, columns);
  else if (isTransposed(x)) matmulTN(c.data, rowMajor(T(x)), rowMajor(y), rows, k, columns);
  else matmulNN(c.data, rowMajor(x), rowMajor(y), rows, k, columns);
  return c;
}

/** @throws {TypeError} where a view is of other numbers than floats. */
function assertFloatView(fn: string, arg: string, view: View): void {
  assertInside(fn, arg, view);
  assertFloats(fn, `the data of ${arg}`, view.data);
}

function isTransposed(a: View): boolean {
  return a.dimension === 2 && a.stride[0] === 1 && a.stride[1] === a.shape[0];
}

/** `np.outer(x, y)`. */
export function outer(x: View, y: View): Float64View {
  assertFloatView('outer', 'x', x);
  assertFloatView('outer', 'y', y);
  const c = zeros(x.size, y.size);
  matmulNN(c.data, rowMajor(x), rowMajor(y), x.size, 1, y.size);
  return c;
}

/** `a + b + …`. */
export function add(a: View | number, b: View | number, ...more: (View | number)[]): Float64View {
  return more.reduce<Float64View>(
    (sum, c) => combine('add', sum, c, (x, y) => x + y),
    combine('add', a, b, (x, y) => x + y),
  );
}

/** `a - b`. */
export function subtract(a: View | number, b: View | number): Float64View {
  return combine('subtract', a, b, (x, y) => x - y);
}

/** `a * b`, element by element. */
export function multiply(a: View | number, b: View | number): Float64View {
  return combine('multiply', a, b, (x, y) => x * y);
}

/** `a / b`. */
export function divide(a: View | number, b: View | number): Float64View {
  return combine('divide', a, b, (x, y) => x / y);
}

/** `a += b`. */
export function iadd(a: View, b: View | number): void {
  update('iadd', a, b, (x, y) => x + y);
}

/** `a -= b`. */
export function isub(a: View, b: View | number): void {
  update('isub', a, b, (x, y) => x - y);
}

/** `a *= b`. */
export function imul(a: View, b: View | number): void {
  update('imul', a, b, (x, y) => x * y);
}

/** `-a`. */
export function negative(a: View): Float64View {
  return map('negative', a, (x) => -x);
}

/** `np.exp(a)`. */
export function exp(a: View): Float64View {
  return map('exp', a, expOf);
}

/** `np.log(a)`. */
export function log(a: View): Float64View {
  return map('log', a, logOf);
}

/** `np.tanh(a)`. */
export function tanh(a: View): Float64View {
  return map('tanh', a, tanhOf);
}

/** `np.sqrt(a)`. */
export function sqrt(a: View): Float64View {
  return map('sqrt', a, Math.sqrt);
}

/** `np.abs(a)`. */
export function abs(a: View): Float64View {
  return map('abs', a, Math.abs);
}

/** `np.around(a)`: halves go to the even neighbour. */
export function around(a: View): Float64View {
  return map('around', a, roundHalfEven);
}

/** `np.sign(x)` of one number: 0 for both zeros. */
export function sign(x: number): number {
  assertNumeric('sign', 'x', x);
  return x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : Number.NaN;
}

/** `np.clip(a, low, high, out=a)`. */
export function clipInPlace(a: View, low: number, high: number): void {
  assertNumber('clipInPlace', 'low', low);
  assertNumber('clipInPlace', 'high', high);
  update('clipInPlace', a, 0, (x) => Math.min(Math.max(x, low), high));
}

/** `np.sum(a)`, added pairwise in the order of memory as NumPy 2.4 does, so that the digits agree for every view. */
export function sum(a: View): number {
  assertInside('sum', 'a', a);
  return viewSum(a);
}

/** `np.mean(a)`; NaN of an empty array. */
export function mean(a: View): number {
  assertInside('mean', 'a', a);
  return viewSum(a) / a.size;
}

/**
 * `a.argmax()`: the first of the largest, counted in row-major order. A NaN counts as larger than every number.
 *
 * @throws {RangeError} when `a` is empty.
 */
export function argmax(a: View): number {
  assertInside('argmax', 'a', a);
  const x = rowMajor(a);
  if (x.length === 0) throw new RangeError(`argmax: a is [${a.shape}], expected at least one element`);
  let best = 0;
  for (let i = 0; i < x.length; i++) {
    if (Number.isNaN(x[i])) return i;
    if (x[i] > x[best]) best = i;
  }
  return best;
}

/**
 * `np.isclose(a, b)`: |a − b| ≤ atol + rtol·|b| with a finite b, which is not symmetric, or a = b. So an infinity is close
 * to itself only, a NaN to nothing.
 */
export function isclose(a: number, b: number, rtol = 1e-5, atol = 1e-8): boolean {
  assertNumeric('isclose', 'a', a);
  assertNumeric('isclose', 'b', b);
  assertNumeric('isclose', 'rtol', rtol);
  assertNumeric('isclose', 'atol', atol);
  return a === b || (Number.isFinite(b) && Math.abs(a - b) <= atol + rtol * Math.abs(b));
}

/** One number to the nearest whole one, halves to even; −0.2 gives −0 as in NumPy. */
export function roundHalfEven(x: number): number {
  assertNumeric('roundHalfEven', 'x', x);
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

function map(fn: string, a: View, f: (x: number) => number): Float64View {
  assertInside(fn, 'a', a);
  const x = rowMajor(a);
  const y = zerosLike(a);
  for (let i = 0; i < x.length; i++) y.data[i] = f(x[i]);
  return y;
}

function combine(fn: string, a: View | number, b: View | number, f: (x: number, y: number) => number): Float64View {
  if (typeof a !== 'number') assertInside(fn, 'a', a);
  if (typeof b !== 'number' || typeof a === 'number') assertInside(fn, 'b', b as View);
  const shape = broadcastShape(fn, shapeOf(a), shapeOf(b));
  const z = zeros(...shape);
  if (typeof a === 'number') {
    const y = rowMajor(broadcastTo(fn, b as View, shape));
    for (let i = 0; i < y.length; i++) z.data[i] = f(a, y[i]);
  } else if (typeof b === 'number') {
    const x = rowMajor(a);
    for (let i = 0; i < x.length; i++) z.data[i] = f(x[i], b);
  } else {
    const x = rowMajor(broadcastTo(fn, a, shape));
    const y = rowMajor(broadcastTo(fn, b, shape));
    for (let i = 0; i < x.length; i++) z.data[i] = f(x[i], y[i]);
  }
  return z;
}

function update(fn: string, a: View, b: View | number, f: (x: number, y: number) => number): void {
  assertInside(fn, 'a', a);
  if (typeof b !== 'number') assertInside(fn, 'b', b);
  const x = rowMajor(a);
  if (typeof b === 'number') {
    for (let i = 0; i < x.length; i++) x[i] = f(x[i], b);
  } else {
    const from = rowMajor(broadcastTo(fn, b, a.shape));
    const y = from.buffer === x.buffer ? from.slice() : from;
    for (let i = 0; i < x.length; i++) x[i] = f(x[i], y[i]);
  }
  if (x.buffer !== a.data.buffer) ops.assign(a, ndarray(x, a.shape));
}

function shapeOf(a: View | number): number[] {
  return typeof a === 'number' ? [] : a.shape;
}

/** Sizes are compared from the last dimension on; a 1 or a missing one stretches to the other. */
function broadcastShape(fn: string, a: number[], b: number[]): number[] {
  const shape: number[] = [];
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const p = a.at(-i) ?? 1;
    const q = b.at(-i) ?? 1;
    if (p !== q && p !== 1 && q !== 1) throw new RangeError(`${fn}: shapes [${a}] and [${b}] do not broadcast`);
    shape.unshift(p === 1 ? q : p);
  }
  return shape;
}

/** A view that repeats `a` along stretched dimensions, by a stride of 0. */
function broadcastTo(fn: string, a: View, shape: number[]): View {
  if (a.shape.length === shape.length && a.shape.every((size, d) => size === shape[d])) return a;
  const missing = shape.length - a.dimension;
  const fits = missing >= 0 && a.shape.every((size, d) => size === 1 || size === shape[missing + d]);
  if (!fits) throw new RangeError(`${fn}: shape [${a.shape}] does not broadcast to [${shape}]`);
  const stride = shape.map((_, d) => (d < missing || a.shape[d - missing] === 1 ? 0 : a.stride[d - missing]));
  return ndarray(a.data, shape, stride, a.offset);
}

function product(factors: number[]): number {
  return factors.reduce((a, b) => a * b, 1);
}
