import { runInNewContext } from 'node:vm';
import ndarray from 'ndarray';
import type { Random } from './random.ts';

/** A value that stands where a good one stood, and what it does to a call. */
export interface Hostile {
  readonly value: unknown;
  /** Whether a call that takes it has taken what it must not. Else it may be taken: `undefined` leaves an option out. */
  readonly refused: boolean;
}

const must = (value: unknown): Hostile => ({ value, refused: true });
const may = (value: unknown): Hostile => ({ value, refused: false });

const polluted = (): object => Object.create({ unknownOption: 1, lr: 'much', dtype: 'float16' }) as object;
const bare = (): object => Object.create(null) as object;

/** What stands for a number. */
function forNumber(r: Random, good: number): Hostile {
  return r.pick([
    ...[null, '1', 'x', '', 1n, true, Symbol('s'), {}, [], [1], () => 1, new Date(0), new Float64Array(1)].map(must),
    ...[undefined, Number.NaN, Infinity, -Infinity, -1, 0, 0.5, good + 0.5, -good, good + 1, good - 1].map(may),
    ...[2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 1e300, -1e300, 1e-300, Number.MAX_VALUE, -0].map(may),
  ]);
}

type TypedArray = Float64Array | Float32Array | Int32Array | Uint8Array;

const isTyped = (value: unknown): value is TypedArray => ArrayBuffer.isView(value) && 'length' in value;

function detached(good: TypedArray): unknown {
  const copy = good.slice();
  structuredClone(copy, { transfer: [copy.buffer] });
  return copy;
}

function shared(good: TypedArray): TypedArray {
  const Kind = good.constructor as new (buffer: SharedArrayBuffer) => TypedArray;
  const copy = new Kind(new SharedArrayBuffer(good.byteLength));
  copy.set(good);
  return copy;
}

/** What stands for a typed array. */
function forArray(r: Random, good: TypedArray): Hostile {
  const name = good.constructor.name;
  const holding = (value: number): TypedArray => {
    const copy = good.slice();
    if (copy.length > 0) copy[r.whole(0, copy.length - 1)] = value;
    return copy;
  };
  const longer = (): TypedArray => {
    const copy = new (good.constructor as new (length: number) => TypedArray)(good.length + r.whole(1, 3));
    copy.set(good);
    return copy;
  };
  return r.pick<() => Hostile>([
    ...[null, 'text', 7, 1n, true, {}, Symbol('s'), () => 1, { length: good.length }].map((value) => () => must(value)),
    () => must(new DataView(new ArrayBuffer(8))),
    () => must(new BigInt64Array(good.length)),
    () => may(undefined),
    () => may([...good]),
    () => may(Array.from(good, () => 'x')),
    () => may(Array.from(good, () => undefined)),
    () => may(Array.from(good, () => 1n)),
    () => may(new Uint8Array(good.length)),
    () => may(new Uint16Array(good.length)),
    () => may(name === 'Float32Array' ? Float64Array.from(good) : Float32Array.from(good)),
    () => may(Int32Array.from(good)),
    () => may(runInNewContext(`new ${name}(${good.length})`)),
    () => may(shared(good)),
    () => may(detached(good)),
    () => may(longer()),
    () => may(good.slice(0, Math.max(0, good.length - 1))),
    () => may(good.slice(0, 0)),
    () => may(holding(Number.NaN)),
    () => may(holding(Infinity)),
    () => may(holding(-1)),
    () => may(holding(1e300)),
    () => may(holding(2 ** 31 - 1)),
    () => may(holding(0.5)),
  ])();
}

/** What stands for a text. */
function forText(r: Random, good: string): Hostile {
  return r.pick([
    ...[null, 1, 1n, true, {}, Symbol('s'), () => 1, new Uint8Array(2)].map(must),
    ...[undefined, '', `${good}x`, good.toUpperCase(), '__proto__', 'constructor', 'toString', 'xavier', 'float16'].map(
      may,
    ),
    ...['\ud800', '\0', 'é\u0301', '😀', 'a'.repeat(1000)].map(may),
  ]);
}

interface View {
  readonly data: Float64Array;
  readonly shape: number[];
  readonly stride: number[];
  readonly offset: number;
}

const isView = (value: unknown): value is View =>
  typeof value === 'object' && value !== null && 'data' in value && 'stride' in value;

/** What stands for a view of the package ndarray: views past their data, of other data, of another shape. */
function forView(r: Random, { data, shape, stride, offset }: View): Hostile {
  const far = shape.map((size) => size + 1);
  return may(
    r.pick([
      ndarray(data, far, stride, offset),
      ndarray(data, shape, stride, offset - 1),
      ndarray(data, shape, stride, offset + 0.5),
      ndarray(data, shape, stride, Number.NaN),
      ndarray(
        data,
        shape,
        stride.map((step) => step * 3),
        offset,
      ),
      ndarray(
        data,
        shape,
        stride.map((step) => -step),
        offset,
      ),
      ndarray(data, [...shape, 1]),
      ndarray(new Float64Array(0), shape, stride, offset),
      ndarray(Array.from(data), shape, stride, offset),
      ndarray(Int32Array.from(data), shape, stride, offset),
      ndarray(Uint8Array.from(data), shape, stride, offset),
      { data, shape, stride, offset },
    ]),
  );
}

/** What stands for a list, an object or a function. */
function forObject(r: Random, numbers: boolean): Hostile {
  return r.pick<() => Hostile>([
    ...[null, 'text', 1n, true, Symbol('s')].map((value) => () => must(value)),
    ...[7, Number.NaN].map((value) => () => (numbers ? may(value) : must(value))),
    () => may(undefined),
    () => may({}),
    () => may([]),
    () => may([null]),
    () => may([undefined]),
    () => may(bare()),
    () => may(polluted()),
    () => may(() => undefined),
    () => may(() => Number.NaN),
    () => may(new Date(0)),
    () => may(new Map()),
    () => may(new Float64Array(3)),
    () => may({ length: 3 }),
    () => may({ length: 2 ** 32 }),
    () => may({ length: -1 }),
    () => may({ constructor: null }),
  ])();
}

/** What stands where `good` stood. */
export function hostileFor(r: Random, good: unknown): Hostile {
  if (typeof good === 'number') return forNumber(r, good);
  if (typeof good === 'string') return forText(r, good);
  if (typeof good === 'boolean') {
    return r.pick([
      ...[null, 0, 1, 'true', 'no', 1n, {}, Symbol('s'), () => 1].map(must),
      ...[undefined, !good].map(may),
    ]);
  }
  if (isTyped(good)) return forArray(r, good);
  if (isView(good) && r.chance(0.6)) return forView(r, good);
  return forObject(r, isView(good));
}

/** An option that nobody knows. */
export function strangeField(r: Random): [name: string, value: unknown] {
  return [
    r.pick(['unknown', 'learningRate', 'seqLen', 'xs', 'hidden', 'constructor', 'length', 'toString']),
    r.pick([1, 'x', null]),
  ];
}
