/**
 * A small assembler for WebAssembly modules. An {@link Expr} is a value as the bytes that leave it on the stack, so that
 * `f32x4.add(a, f32x4.mul(b, c))` reads like what it computes; a {@link FunctionBuilder} collects statements.
 * Bytes are data, never source text: nothing is evaluated.
 *
 * Encodings: WebAssembly Core Specification 2.0, chapter 5.
 */

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** Bytes, and code made of them: flattened once, when the module is written. */
export type Code = readonly (number | Code)[];

/** The code of a value. An expression used twice is computed twice: keep it with {@link FunctionBuilder.let}. */
export interface Expr<T extends ValueType> {
  readonly type: T;
  readonly code: Code;
}

export interface Local<T extends ValueType> extends Expr<T> {
  readonly index: number;
}

/** A whole number stands for its constant. */
export type I32 = Expr<'i32'> | number;
/** A number stands for four float32 lanes of it. */
export type V128 = Expr<'v128'> | number;
/** A number stands for its constant. */
export type F64 = Expr<'f64'> | number;

const TYPE_CODES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const EMPTY_BLOCK = 0x40;

/** A whole number ≥ 0 in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) | (rest > 0 ? 0x80 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

/** A 32-bit integer in signed LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function int(value: I32): Code {
  return typeof value === 'number' ? [0x41, ...signed(value)] : value.code;
}

function float(value: number): number[] {
  return [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
}

function vector(value: V128): Code {
  if (typeof value !== 'number') return value.code;
  const lane = new Uint8Array(Float32Array.of(value).buffer);
  return simd(12, ...lane, ...lane, ...lane, ...lane);
}

function double(value: F64): Code {
  return typeof value === 'number' ? [0x44, ...new Uint8Array(Float64Array.of(value).buffer)] : value.code;
}

function simd(opcode: number, ...immediates: number[]): number[] {
  return [0xfd, ...unsigned(opcode), ...immediates];
}

function expr<T extends ValueType>(type: T, ...parts: Code[]): Expr<T> {
  return { type, code: parts };
}

/** Alignment (a hint: none is promised) and offset of a memory access. */
function at(offset: number): number[] {
  return [0, ...unsigned(offset)];
}

type IntBinary = (a: I32, b: I32) => Expr<'i32'>;
type Unary = (a: V128) => Expr<'v128'>;
type Binary = (a: V128, b: V128) => Expr<'v128'>;
type Load = (address: I32, offset?: number) => Expr<'v128'>;

function intBinary(opcode: number): IntBinary {
  return (a, b) => expr('i32', int(a), int(b), [opcode]);
}

function unary(opcode: number): Unary {
  return (a) => expr('v128', vector(a), simd(opcode));
}

function binary(opcode: number): Binary {
  return (a, b) => expr('v128', vector(a), vector(b), simd(opcode));
}

function load(opcode: number): Load {
  return (address, offset = 0) => expr('v128', int(address), simd(opcode, ...at(offset)));
}

/** Integers, which are sizes and addresses. Comparisons are unsigned: memory may reach beyond 2 GiB. */
export const i32: Readonly<
  Record<'add' | 'sub' | 'mul' | 'remainder' | 'shl' | 'shrU' | 'and' | 'eq' | 'lessThan' | 'leU', IntBinary>
> & {
  load(address: I32): Expr<'i32'>;
} = {
  load: (address) => expr('i32', int(address), [0x28, ...at(0)]),
  add: intBinary(0x6a),
  sub: intBinary(0x6b),
  mul: intBinary(0x6c),
  remainder: intBinary(0x70),
  and: intBinary(0x71),
  shl: intBinary(0x74),
  shrU: intBinary(0x76),
  eq: intBinary(0x46),
  lessThan: intBinary(0x49),
  leU: intBinary(0x4d),
};

export const f32: {
  lane(a: V128, lane: 0 | 1 | 2 | 3): Expr<'f32'>;
  ofDouble(a: F64): Expr<'f32'>;
} = {
  lane: (a, lane) => expr('f32', vector(a), simd(31, lane)),
  ofDouble: (a) => expr('f32', double(a), [0xb6]),
};

export const f64: {
  add(a: F64, b: F64): Expr<'f64'>;
  div(a: F64, b: F64): Expr<'f64'>;
  sqrt(a: F64): Expr<'f64'>;
  lessThan(a: F64, b: F64): Expr<'i32'>;
  lane(a: V128, lane: 0 | 1): Expr<'f64'>;
  ofFloat(a: Expr<'f32'>): Expr<'f64'>;
} = {
  add: (a, b) => expr('f64', double(a), double(b), [0xa0]),
  div: (a, b) => expr('f64', double(a), double(b), [0xa3]),
  sqrt: (a) => expr('f64', double(a), [0x9f]),
  lessThan: (a, b) => expr('i32', double(a), double(b), [0x63]),
  lane: (a, lane) => expr('f64', vector(a), simd(33, lane)),
  ofFloat: (a) => expr('f64', a.code, [0xbb]),
};

/** 128 bits as such. */
export const v128: {
  load: Load;
  /** Four lanes of the one number at the address. */
  loadSplat: Load;
  /** The one number at the address, and zeros beside it. */
  load32Zero: Load;
  /** The two numbers at the address, and zeros beside them. */
  load64Zero: Load;
  /** `a` with its lane replaced by the one number at the address. */
  loadLane(address: I32, a: V128, lane: 0 | 1 | 2 | 3): Expr<'v128'>;
  and: Binary;
  or: Binary;
  /** The bits of a where mask has ones, else those of b. */
  select(a: V128, b: V128, mask: Expr<'v128'>): Expr<'v128'>;
  /** Lanes of a (0 … 3) and b (4 … 7). */
  shuffle(a: V128, b: V128, lanes: readonly [number, number, number, number]): Expr<'v128'>;
  anyTrue(a: V128): Expr<'i32'>;
} = {
  load: load(0),
  loadSplat: load(9),
  load32Zero: load(0x5c),
  load64Zero: load(0x5d),
  loadLane: (address, a, lane) => expr('v128', int(address), vector(a), simd(0x56, ...at(0), lane)),
  and: binary(0x4e),
  or: binary(0x50),
  select: (a, b, mask) => expr('v128', vector(a), vector(b), mask.code, simd(0x52)),
  shuffle: (a, b, lanes) => {
    const bytes = lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
    return expr('v128', vector(a), vector(b), simd(13, ...bytes));
  },
  anyTrue: (a) => expr('i32', vector(a), simd(0x53)),
};

/** Numbers of bfloat16, the upper halves of float32. Apart from {@link v128}: most bundles read none. */
export const bf16: {
  /** The 16 bits at the address, zeros above them. */
  bits(address: I32): Expr<'i32'>;
  /** `a`, whose lane is zero, with the number at the address in it, widened. */
  loadLane(address: I32, a: V128, lane: 0 | 1 | 2 | 3): Expr<'v128'>;
  /** Four, the lower or the upper ones of eight, as float32: each above 16 zero bits. */
  widenLow: Unary;
  widenHigh: Unary;
} = {
  bits: (address) => expr('i32', int(address), [0x2f, ...at(0)]),
  loadLane: (address, a, lane) => expr('v128', int(address), vector(a), simd(0x55, ...at(0), 2 * lane + 1)),
  widenLow: (a) => widen(a, 0),
  widenHigh: (a) => widen(a, 4),
};

/** The 16-bit lanes `first` … of `a`, each shifted up by 16 bits: interleaved with those of zero, one instruction of a host. */
function widen(a: V128, first: number): Expr<'v128'> {
  const bytes = [0, 1, 2, 3].flatMap((i) => {
    const zero = 2 * (first + i);
    return [zero, zero + 1, 16 + zero, 17 + zero];
  });
  return expr('v128', vector(0), vector(a), simd(13, ...bytes));
}

export const i32x4: {
  splat(a: I32): Expr<'v128'>;
  of(a: number, b: number, c: number, d: number): Expr<'v128'>;
  add: Binary;
  sub: Binary;
  equal: Binary;
  shl(a: V128, bits: I32): Expr<'v128'>;
  shr(a: V128, bits: I32): Expr<'v128'>;
  /** Towards zero; NaN gives 0. */
  ofFloats: Unary;
} = {
  splat: (a) => expr('v128', int(a), simd(17)),
  of: (...lanes) => expr('v128', simd(12, ...new Uint8Array(Int32Array.of(...lanes).buffer))),
  add: binary(0xae),
  sub: binary(0xb1),
  equal: binary(0x37),
  shl: (a, bits) => expr('v128', vector(a), int(bits), simd(0xab)),
  shr: (a, bits) => expr('v128', vector(a), int(bits), simd(0xac)),
  ofFloats: unary(0xf8),
};

/**
 * Four float32 lanes. `pmin(a, b)` is b where b < a, else a: of a NaN in a nothing is lost. `ofDoubles` has two
 * lanes, and zeros in the others.
 */
export const f32x4: {
  splat(a: Expr<'f32'>): Expr<'v128'>;
} & Readonly<Record<'abs' | 'neg' | 'sqrt' | 'nearest' | 'convertI32x4' | 'ofDoubles', Unary>> &
  Readonly<
    Record<'add' | 'sub' | 'mul' | 'div' | 'max' | 'pmin' | 'pmax' | 'less' | 'greater' | 'equal' | 'unequal', Binary>
  > = {
  splat: (a) => expr('v128', a.code, simd(19)),
  equal: binary(0x41),
  unequal: binary(0x42),
  less: binary(0x43),
  greater: binary(0x44),
  ofDoubles: unary(0x5e),
  nearest: unary(0x6a),
  abs: unary(0xe0),
  neg: unary(0xe1),
  sqrt: unary(0xe3),
  add: binary(0xe4),
  sub: binary(0xe5),
  mul: binary(0xe6),
  div: binary(0xe7),
  max: binary(0xe9),
  pmin: binary(0xea),
  pmax: binary(0xeb),
  convertI32x4: unary(0xfa),
};

/** sum + a·b: rounded twice, or once by a fused multiply-add (relaxed SIMD; hosts without it reject the module). */
export function plusProduct(sum: V128, a: V128, b: V128, fused: boolean): Expr<'v128'> {
  if (!fused) return f32x4.add(sum, f32x4.mul(a, b));
  return expr('v128', vector(a), vector(b), vector(sum), simd(0x105));
}

export const f64x2: { add: Binary; mul: Binary; ofLowFloats: Unary } = {
  add: binary(0xf0),
  mul: binary(0xf2),
  ofLowFloats: unary(0x5f),
};

/** Two lanes of the one float64 at the address. A function by itself: most bundles read none. */
export function load64Splat(address: I32, offset = 0): Expr<'v128'> {
  return load(10)(address, offset);
}

/** What a function takes and gives. */
export interface Signature {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly result: ValueType | null;
}

/** A function that can be called from the functions of a module. */
export interface Callee extends Signature {
  readonly index: number;
}

/** One function: its parameters, its locals, and its statements in order. */
export class FunctionBuilder implements Signature {
  readonly name: string;
  readonly params: readonly ValueType[];
  result: ValueType | null = null;
  private readonly locals: ValueType[] = [];
  private readonly code: (number | Code)[] = [];

  constructor(name: string, params: readonly ValueType[]) {
    this.name = name;
    this.params = params;
  }

  /** A new local with that value. */
  let<T extends ValueType>(value: Expr<T>): Local<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  /** A new local that holds zero. */
  local<T extends ValueType>(type: T): Local<T> {
    this.locals.push(type);
    return localAt(this.params.length + this.locals.length - 1, type);
  }

  /** A new integer local. */
  int(value: I32): Local<'i32'> {
    return this.let(expr('i32', int(value)));
  }

  /** A new vector local. */
  vector(value: V128): Local<'v128'> {
    return this.let(expr('v128', vector(value)));
  }

  set<T extends ValueType>(local: Local<T>, value: Expr<T> | (T extends 'i32' | 'v128' ? number : never)): void {
    const code = typeof value !== 'number' ? value.code : local.type === 'i32' ? int(value) : vector(value);
    this.code.push(code, 0x21, ...unsigned(local.index));
  }

  /** local += value */
  advance(local: Local<'i32'>, value: I32): void {
    this.set(local, i32.add(local, value));
  }

  store(address: I32, value: V128, offset = 0): void {
    this.code.push(int(address), vector(value), simd(11, ...at(offset)));
  }

  /** Stores the first lane only. */
  storeOne(address: I32, value: V128, offset = 0): void {
    this.storeLane(address, value, 0, offset);
  }

  storeLane(address: I32, value: V128, lane: 0 | 1 | 2 | 3, offset = 0): void {
    this.code.push(int(address), vector(value), simd(0x5a, ...at(offset), lane));
  }

  /** Stores the lower 16 bits. */
  store16(address: I32, value: I32): void {
    this.code.push(int(address), int(value), [0x3b, ...at(0)]);
  }

  /** Calls a function (of i32 and f32 only, the latter as constants); what it gives is dropped. */
  call({ index, params, result }: Callee, args: readonly I32[]): void {
    params.forEach((type, i) => {
      this.code.push(type === 'f32' ? float(args[i] as number) : int(args[i]));
    });
    this.code.push(0x10, ...unsigned(index));
    if (result !== null) this.code.push(0x1a);
  }

  while(condition: Expr<'i32'>, body: () => void): void {
    this.if(condition, () => {
      this.code.push(0x03, EMPTY_BLOCK);
      body();
      this.code.push(condition.code, 0x0d, 0, 0x0b);
    });
  }

  if(condition: Expr<'i32'>, then: () => void, otherwise?: () => void): void {
    this.code.push(condition.code, 0x04, EMPTY_BLOCK);
    then();
    if (otherwise) {
      this.code.push(0x05);
      otherwise();
    }
    this.code.push(0x0b);
  }

  /** Leaves the function with that value; the last statement. */
  return(value: Expr<ValueType>): void {
    this.result = value.type;
    this.code.push(value.code);
  }

  /** The function's entry in the code section. */
  body(): number[] {
    const locals = [...unsigned(this.locals.length), ...this.locals.flatMap((type) => [1, TYPE_CODES[type]])];
    return sized(flat([locals, this.code, [0x0b]]));
  }
}

function localAt<T extends ValueType>(index: number, type: T): Local<T> {
  return { type, index, code: [0x20, ...unsigned(index)] };
}

type Locals<P extends readonly ValueType[]> = { [K in keyof P]: Local<P[K]> };

/** How an imported memory is described: at least one page; shared memory also needs the most that it may be. */
const MEMORY_LIMITS: Readonly<Record<'own' | 'shared' | 'none', readonly (readonly number[])[]>> = {
  own: [[0x00, 0x01]],
  shared: [[0x03, 0x01, ...unsigned(65_536)]],
  none: [],
};

/** A module of exported functions over an imported memory, `host.memory`, and functions imported from `kernels`. */
export class ModuleBuilder {
  private readonly imports: Signature[] = [];
  private readonly functions: FunctionBuilder[] = [];

  /** Every function of the module itself. */
  get signatures(): readonly Signature[] {
    return this.functions;
  }

  /** Imports a function; before the first one of the module's own. */
  import(signature: Signature): Callee {
    this.imports.push(signature);
    return { ...signature, index: this.imports.length - 1 };
  }

  /** Adds an exported function; `build` writes its statements. */
  function<const P extends readonly ValueType[]>(
    name: string,
    params: P,
    build: (f: FunctionBuilder, params: Locals<P>) => void,
  ): void {
    const f = new FunctionBuilder(name, params);
    build(f, params.map((type, index) => localAt(index, type)) as unknown as Locals<P>);
    this.functions.push(f);
  }

  /**
   * The module as bytes.
   *
   * @param memory that it imports; a module of nothing but calls does without
   */
  bytes(memory: 'own' | 'shared' | 'none' = 'own'): Uint8Array<ArrayBuffer> {
    const first = this.imports.length;
    const types = [...this.imports, ...this.functions].map(({ params, result }) => [
      0x60,
      ...items(params.map((type) => [TYPE_CODES[type]])),
      ...items(result === null ? [] : [[TYPE_CODES[result]]]),
    ]);
    return Uint8Array.from(
      flat([
        [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
        section(1, types),
        section(2, [
          ...MEMORY_LIMITS[memory].map((limits) => [...name('host'), ...name('memory'), 0x02, ...limits]),
          ...this.imports.map((f, i) => [...name('kernels'), ...name(f.name), 0x00, ...unsigned(i)]),
        ]),
        section(
          3,
          this.functions.map((_, i) => unsigned(first + i)),
        ),
        section(
          7,
          this.functions.map((f, i) => [...name(f.name), 0x00, ...unsigned(first + i)]),
        ),
        section(
          10,
          this.functions.map((f) => f.body()),
        ),
      ]),
    );
  }
}

/** The bytes of code. */
function flat(code: Code): number[] {
  const bytes: number[] = [];
  const add = (part: Code): void => {
    for (const item of part) {
      if (typeof item === 'number') bytes.push(item);
      else add(item);
    }
  };
  add(code);
  return bytes;
}

function section(id: number, entries: readonly number[][]): number[] {
  return flat([id, sized(items(entries))]);
}

function items(entries: readonly number[][]): number[] {
  return flat([unsigned(entries.length), entries]);
}

function sized(bytes: readonly number[]): number[] {
  return flat([unsigned(bytes.length), bytes]);
}

function name(text: string): number[] {
  return sized([...new TextEncoder().encode(text)]);
}
