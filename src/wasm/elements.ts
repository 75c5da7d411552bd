import type { FloatArray } from '../tensor/shape.ts';
import {
  type Expr,
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  type V128,
  type ValueType,
  v128,
} from './assembler.ts';
import type { WasmMemory } from './memory.ts';

/** How the body of {@link forEachElement} reaches the elements that it is at. */
export interface Elements {
  load(array: Expr<'i32'>): Expr<'v128'>;
  store(array: Expr<'i32'>, value: V128): void;
  /** The same of elements that stand `stride` bytes apart, one after another by `load`; the pointer moves on. */
  loadApart(pointer: Local<'i32'>, stride: I32, load?: typeof v128.loadLane): Expr<'v128'>;
  storeApart(pointer: Local<'i32'>, stride: I32, value: Expr<'v128'>): void;
  /** The value in the lanes that stand for elements, `beside` in the others. */
  lanes(value: Expr<'v128'>, beside: V128): Expr<'v128'>;
  /** How many bytes after the first element each lane's element stands. */
  readonly offset: Expr<'v128'>;
}

/**
 * A loop over the elements of arrays, four at a time; what is left over one at a time by the same code in the first
 * lane, so that an element's value does not depend on where it stands.
 */
export function forEachElement(f: FunctionBuilder, count: I32, body: (at: Elements) => void): void {
  const i = f.int(0);
  const end = f.int(i32.shl(count, 2));
  const end4 = f.int(i32.and(end, -16));
  const offset = i32x4.add(i32x4.splat(i), i32x4.of(0, 4, 8, 12));
  f.while(i32.lessThan(i, end4), () => {
    body({
      load: (array) => v128.load(i32.add(array, i)),
      store: (array, value) => f.store(i32.add(array, i), value),
      loadApart: (pointer, stride, load) => loadApart(f, pointer, stride, 4, load),
      storeApart: (pointer, stride, value) => storeApart(f, pointer, stride, value, 4),
      lanes: (value) => value,
      offset,
    });
    f.advance(i, 16);
  });
  f.while(i32.lessThan(i, end), () => {
    body({
      load: (array) => v128.load32Zero(i32.add(array, i)),
      store: (array, value) => f.storeOne(i32.add(array, i), value),
      loadApart: (pointer, stride, load) => loadApart(f, pointer, stride, 1, load),
      storeApart: (pointer, stride, value) => storeApart(f, pointer, stride, value, 1),
      lanes: (value, beside) => v128.shuffle(value, beside, [0, 4, 4, 4]),
      offset,
    });
    f.advance(i, 4);
  });
}

const LANES = [0, 1, 2, 3] as const;

function loadApart(
  f: FunctionBuilder,
  pointer: Local<'i32'>,
  stride: I32,
  count: number,
  load: typeof v128.loadLane = v128.loadLane,
): Expr<'v128'> {
  const lanes = f.vector(0);
  for (const lane of LANES.slice(0, count)) {
    f.set(lanes, load(pointer, lanes, lane));
    f.advance(pointer, stride);
  }
  return lanes;
}

function storeApart(f: FunctionBuilder, pointer: Local<'i32'>, stride: I32, value: Expr<'v128'>, count: number): void {
  const lanes = f.let(value);
  for (const lane of LANES.slice(0, count)) {
    f.storeLane(pointer, lanes, lane);
    f.advance(pointer, stride);
  }
}

/** Adds the kernel `name(…arrays, n, …numbers)`: the body for each of n elements, a number as four lanes of it. */
export function emitElementwise(
  m: ModuleBuilder,
  name: string,
  arrays: number,
  numbers: number,
  body: (f: FunctionBuilder, at: Elements, arrays: Local<'i32'>[], numbers: Local<'v128'>[]) => void,
): void {
  const types: ValueType[] = [...Array(arrays + 1).fill('i32'), ...Array(numbers).fill('f32')];
  m.function(name, types, (f, params) => {
    const addresses = params.slice(0, arrays + 1) as Local<'i32'>[];
    const lanes = (params.slice(arrays + 1) as Local<'f32'>[]).map((number) => f.let(f32x4.splat(number)));
    forEachElement(f, addresses[arrays], (at) => body(f, at, addresses, lanes));
  });
}

/** y = f(x) by the name of f, and dx of dy and y. */
export type FunctionKernels<N extends string> = Record<N, (y: FloatArray, x: FloatArray) => void> &
  Record<`${N}Backward`, (dx: FloatArray, dy: FloatArray, y: FloatArray) => void>;

/** The kernels of a function that {@link emitElementwise} added under its name and `…Backward`. */
export function functionKernels<N extends string>(w: WasmMemory, name: N): FunctionKernels<N> {
  const { call } = w;
  const back = `${name}Backward`;
  const kernels = {
    [name](y: FloatArray, x: FloatArray): void {
      call[name](w.at(name, 'y', y, '[n]', y.length), w.at(name, 'x', x, '[n]', y.length), y.length);
    },
    [back](dx: FloatArray, dy: FloatArray, y: FloatArray): void {
      const n = dx.length;
      call[back](w.at(back, 'dx', dx, '[n]', n), w.at(back, 'dy', dy, '[n]', n), w.at(back, 'y', y, '[n]', n), n);
    },
  };
  return kernels as FunctionKernels<N>;
}

/** Σ of the terms of all elements, in every lane. */
export function sumOf(f: FunctionBuilder, count: I32, term: (at: Elements) => Expr<'v128'>): Local<'v128'> {
  return fold(f, count, 0, f32x4.add, term);
}

/** The largest of the values of all elements, in every lane: −∞ where there is none. A NaN among them is passed over. */
export function maxOf(f: FunctionBuilder, count: I32, value: (at: Elements) => Expr<'v128'>): Local<'v128'> {
  return fold(f, count, Number.NEGATIVE_INFINITY, f32x4.pmax, value);
}

function fold(
  f: FunctionBuilder,
  count: I32,
  start: number,
  join: (a: V128, b: V128) => Expr<'v128'>,
  value: (at: Elements) => Expr<'v128'>,
): Local<'v128'> {
  const all = f.vector(start);
  forEachElement(f, count, (at) => f.set(all, join(all, at.lanes(value(at), start))));
  f.set(all, join(all, v128.shuffle(all, all, [2, 3, 0, 1])));
  f.set(all, join(all, v128.shuffle(all, all, [1, 0, 3, 2])));
  return all;
}

/** `rows` times the body, whose pointers it moves on by as many floats each time. */
export function forEachRow(
  f: FunctionBuilder,
  rows: I32,
  pointers: readonly (readonly [pointer: Local<'i32'>, floats: I32])[],
  body: () => void,
): void {
  const r = f.int(0);
  const bytes = new Map<I32, Local<'i32'>>();
  const strides = pointers.map(([pointer, floats]) => {
    const stride = bytes.get(floats) ?? f.int(i32.shl(floats, 2));
    bytes.set(floats, stride);
    return [pointer, stride] as const;
  });
  f.while(i32.lessThan(r, rows), () => {
    body();
    for (const [pointer, stride] of strides) f.advance(pointer, stride);
    f.advance(r, 1);
  });
}

/** Whether an array of a row kernel has a number for each row, a row of n numbers for each, or one row for all. */
export type RowShape = '[R]' | '[R,n]' | '[n]';

/** Adds the kernel `name(…arrays, R, n)`: the body for each of R rows, with pointers to where the arrays stand for it. */
export function emitRows<const A extends readonly RowShape[]>(
  m: ModuleBuilder,
  name: string,
  shapes: A,
  body: (f: FunctionBuilder, arrays: { [K in keyof A]: Local<'i32'> }, n: Local<'i32'>) => void,
): void {
  const types: 'i32'[] = Array(shapes.length + 2).fill('i32');
  m.function(name, types, (f, params) => {
    const arrays = params.slice(0, -2);
    const [R, n] = params.slice(-2);
    const moving = shapes.flatMap((shape, i) =>
      shape === '[n]' ? [] : [[arrays[i], shape === '[R]' ? 1 : n] as const],
    );
    forEachRow(f, R, moving, () => body(f, arrays as { [K in keyof A]: Local<'i32'> }, n));
  });
}
