import type { WeightsFormat } from '../bptt/engine.ts';
import type { matmulNN as MatmulNN } from '../tensor/matmul.ts';
import type { FloatArray } from '../tensor/shape.ts';
import {
  bf16,
  type Expr,
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  plusProduct,
  v128,
} from './assembler.ts';
import type { WasmMemory } from './memory.ts';
import { BLOCK_K, BLOCK_M, BLOCK_N } from './scratch.ts';

/**
 * C = A·B, A·Bᵀ and Aᵀ·B, or C += them, as `tensor/matmul.ts`.
 *
 * Many rows of C: A is packed into panels of 4 rows and B into panels of 8 columns, a block at a time, so that one inner
 * loop, a tile of 4×8 sums, serves all three products and reads one float after another. Edges are packed with zeros
 * whose products are thrown away. Few rows: nothing is packed, a row of C is made straight from A and B.
 */
export type Products = Record<'matmulNN' | 'matmulNT' | 'matmulTN', typeof MatmulNN>;

/** y [M,N] = x·Wᵀ + b, with x [M,K], W [N,K] and b [N], or without b. */
export type LinearProduct = (
  y: FloatArray,
  x: FloatArray,
  W: FloatArray,
  b: FloatArray | null,
  m: number,
  k: number,
  n: number,
) => void;

/** Of B [K,N], or its transpose, in panels of 8 columns: the floats that it takes up. */
export function panelLength(k: number, n: number): number {
  return k * COLUMNS * Math.ceil(n / COLUMNS);
}

/** From this many rows of C on packing pays. */
const MANY_ROWS = 4;
const ROWS = 4;
const COLUMNS = 8;

/** What the products use of a memory. */
export type ProductMemory = Pick<WasmMemory, 'call' | 'scratch' | 'at'>;

/** What {@link linearProduct} and {@link weightProducts} use of a memory. */
export type WeightMemory = ProductMemory & Pick<WasmMemory, 'hasRoom' | 'floats' | 'recorder' | 'weightsAt'>;

export function matmulKernels(w: ProductMemory): Products {
  const { addNN, addNT, addTN } = sums(w, false);
  return {
    matmulNN(c, a, b, m, k, n, accumulate = false) {
      const [cAt, aAt, bAt] = addressesNN(w, c, a, b, m, k, n);
      addNN(cAt, accumulate ? cAt : 0, aAt, bAt, m, k, n, null);
    },
    matmulNT(c, a, b, m, k, n, accumulate = false) {
      const [cAt, aAt, bAt] = addressesNT(w, c, a, b, m, k, n);
      addNT(cAt, accumulate ? 'itself' : 0, aAt, bAt, m, k, n, null);
    },
    matmulTN(c, a, b, m, k, n, accumulate = false) {
      const cAt = w.at('matmulTN', 'c', c, '[M,N]', m, n);
      const aAt = w.at('matmulTN', 'a', a, '[K,M]', k, m);
      const bAt = w.at('matmulTN', 'b', b, '[K,N]', k, n);
      addTN(cAt, accumulate ? cAt : 0, aAt, bAt, m, k, n);
    },
  };
}

/** {@link LinearProduct} of weights that are packed at each call. */
export function linearProduct(w: WeightMemory): LinearProduct {
  const { addNT } = sums(w, false);
  return (y, x, W, b, m, k, n) => {
    const [yAt, xAt, WAt, bAt] = addressesOfLinear(w, y, x, W, b, m, k, n, false);
    addNT(yAt, bAt, xAt, WAt, m, k, n, null);
  };
}

/**
 * Products with weights that are the same in every step of a recurrence, such as Whh: they are packed once before the
 * loop, where there is room for that ({@link panelLength}), else in every step. Fixed weights are packed once for good, at
 * their first product; where they are bfloat16 so are their panels, and a sum adds the same products in the same order as of
 * float32 weights of these values.
 */
export interface WeightProducts {
  readonly matmulNN: typeof MatmulNN;
  readonly linear: LinearProduct;
  /** Packs W [K,N] of float32 for `matmulNN` with M rows of A; to be done again when W has changed. */
  packNN(W: FloatArray, m: number, k: number, n: number): void;
  /** Packs W [N,K] for `linear` with M rows of x. */
  packNT(W: FloatArray, m: number, k: number, n: number): void;
}

/** @param fixed how the weights are kept that do not change after their first product; null where they change */
export function weightProducts(w: WeightMemory, fixed: WeightsFormat | null = null): WeightProducts {
  const halves = fixed === 'bf16';
  const { addNN } = sums(w, false);
  const { addNT, pack } = sums(w, halves);
  /** Where the panels of each weight are, by its address and layout; null where there was no room. */
  const panels = new Map<string, number | null>();

  function panelsOf(W: number, m: number, k: number, n: number, across: boolean): number | null {
    if (m < MANY_ROWS) return null;
    const key = `${W} ${k} ${n} ${across}`;
    let at = panels.get(key);
    if (at === undefined) {
      const length = halves ? panelLength(k, n) / 2 : panelLength(k, n);
      const made = w.hasRoom(length) ? w.floats(length).byteOffset : null;
      panels.set(key, made);
      at = made;
      if (fixed !== null && made !== null) w.recorder.untraced(() => pack(made, W, k, n, across));
    }
    return at;
  }

  function packAnew(W: number, m: number, k: number, n: number, across: boolean): void {
    const at = panelsOf(W, m, k, n, across);
    if (at !== null && fixed === null) pack(at, W, k, n, across);
  }

  return {
    matmulNN(c, a, b, m, k, n, accumulate = false) {
      const [cAt, aAt, bAt] = addressesNN(w, c, a, b, m, k, n);
      addNN(cAt, accumulate ? cAt : 0, aAt, bAt, m, k, n, panelsOf(bAt, m, k, n, true));
    },
    linear(y, x, W, b, m, k, n) {
      const [yAt, xAt, WAt, bAt] = addressesOfLinear(w, y, x, W, b, m, k, n, halves);
      addNT(yAt, bAt, xAt, WAt, m, k, n, panelsOf(WAt, m, k, n, false));
    },
    packNN: (W, m, k, n) => packAnew(w.at('packNN', 'W', W, '[K,N]', k, n), m, k, n, true),
    packNT: (W, m, k, n) => packAnew(w.weightsAt('packNT', 'W', W, halves, '[N,K]', n, k), m, k, n, false),
  };
}

function addressesOfLinear(
  w: WeightMemory,
  y: FloatArray,
  x: FloatArray,
  W: FloatArray,
  b: FloatArray | null,
  m: number,
  k: number,
  n: number,
  halves: boolean,
): [y: number, x: number, W: number, b: number] {
  const fn = 'linearForward';
  return [
    w.at(fn, 'y', y, '[R,O]', m, n),
    w.at(fn, 'x', x, '[R,D]', m, k),
    w.weightsAt(fn, 'W', W, halves, '[O,D]', n, k),
    b ? w.at(fn, 'b', b, '[O]', n) : 0,
  ];
}

type Addresses = [c: number, a: number, b: number];

function addressesNN(
  w: ProductMemory,
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
): Addresses {
  const fn = 'matmulNN';
  return [w.at(fn, 'c', c, '[M,N]', m, n), w.at(fn, 'a', a, '[M,K]', m, k), w.at(fn, 'b', b, '[K,N]', k, n)];
}

function addressesNT(
  w: ProductMemory,
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
): Addresses {
  const fn = 'matmulNT';
  return [w.at(fn, 'c', c, '[M,N]', m, n), w.at(fn, 'a', a, '[M,K]', m, k), w.at(fn, 'b', b, '[N,K]', n, k)];
}

/**
 * The products on addresses. `panels` is where a packed B is, or null. B of `addNT` and what is packed of it are bfloat16 where
 * `halves` says so. What they are added to is at `from`: C itself, or 0
 * for nothing; of `addNT` a row for all rows of C, too.
 */
interface Sums {
  addNN(c: number, from: number, a: number, b: number, m: number, k: number, n: number, panels: number | null): void;
  addNT(
    c: number,
    from: number | 'itself',
    a: number,
    b: number,
    m: number,
    k: number,
    n: number,
    panels: number | null,
  ): void;
  addTN(c: number, from: number, a: number, b: number, m: number, k: number, n: number): void;
  /** Packs all of B, block after block. */
  pack(to: number, b: number, k: number, n: number, across: boolean): void;
}

function sums({ call, scratch: { tile, packedA, packedB } }: ProductMemory, halves: boolean): Sums {
  const { packAcross4, packAlong4, packAcross8, rowNN, fill, repeatRow } = call;
  const [addProduct, packAlong8, rowNT] = halves
    ? [call.addHalfProduct, call.packHalves8, call.rowHalfNT]
    : [call.addProduct, call.packAlong8, call.rowNT];
  /** Of a number of B. */
  const bytes = halves ? 2 : 4;

  /** Packs a block of B for {@link addBlocks}. */
  function packB(
    to: number,
    b: number,
    k: number,
    n: number,
    across: boolean,
    j: number,
    columns: number,
    l: number,
    depth: number,
  ): void {
    if (across) packAcross8(to, b + 4 * (l * n + j), columns, depth, 4 * n);
    else packAlong8(to, b + bytes * (j * k + l), columns, depth, bytes * k);
  }

  function pack(to: number, b: number, k: number, n: number, across: boolean): void {
    for (let j = 0; j < n; j += BLOCK_N) {
      const columns = Math.min(BLOCK_N, n - j);
      for (let l = 0; l < k; l += BLOCK_K) {
        const depth = Math.min(BLOCK_K, k - l);
        packB(to, b, k, n, across, j, columns, l, depth);
        to += bytes * panelLength(depth, columns);
      }
    }
  }

  /**
   * C += A·B block by block. Element (i,l) of A is at a + 4·(i·k + l), across at a + 4·(l·m + i);
   * element (l,j) of B across at b + 4·(l·n + j), else at b + 4·(j·k + l).
   */
  function addBlocks(
    c: number,
    a: number,
    b: number,
    m: number,
    k: number,
    n: number,
    aAcross: boolean,
    bAcross: boolean,
    panels: number | null,
  ): void {
    // A that takes up no more than a block is packed once for all columns, its parts one after another.
    const paddedRows = ROWS * Math.ceil(m / ROWS);
    const once = m <= BLOCK_M && paddedRows * k <= BLOCK_M * BLOCK_K;
    let panel = panels ?? packedB;
    for (let j = 0; j < n; j += BLOCK_N) {
      const columns = Math.min(BLOCK_N, n - j);
      for (let l = 0; l < k; l += BLOCK_K) {
        const depth = Math.min(BLOCK_K, k - l);
        if (panels === null) packB(packedB, b, k, n, bAcross, j, columns, l, depth);
        for (let i = 0; i < m; i += BLOCK_M) {
          const rows = Math.min(BLOCK_M, m - i);
          const packed = once ? packedA + 4 * paddedRows * l : packedA;
          if (!once || j === 0) {
            if (aAcross) packAcross4(packed, a + 4 * (l * m + i), rows, depth, 4 * m);
            else packAlong4(packed, a + 4 * (i * k + l), rows, depth, 4 * k);
          }
          addProduct(c + 4 * (i * n + j), packed, panel, rows, depth, columns, 4 * n, tile);
        }
        if (panels !== null) panel += bytes * panelLength(depth, columns);
      }
    }
  }

  return {
    addNN(c, from, a, b, m, k, n, panels) {
      if (m >= MANY_ROWS) {
        if (from === 0) fill(c, m * n, 0);
        addBlocks(c, a, b, m, k, n, false, true, panels);
      } else {
        for (let i = 0; i < m; i++) rowNN(c + 4 * i * n, from && from + 4 * i * n, a + 4 * i * k, b, k, n, 4);
      }
    },
    addNT(c, from, a, b, m, k, n, panels) {
      if (m >= MANY_ROWS) {
        if (from === 0) fill(c, m * n, 0);
        else if (from !== 'itself') repeatRow(c, from, m, n);
        addBlocks(c, a, b, m, k, n, false, false, panels);
      } else {
        for (let i = 0; i < m; i++) {
          const row = c + 4 * i * n;
          rowNT(row, from === 'itself' ? row : from, a + 4 * i * k, b, k, n);
        }
      }
    },
    addTN(c, from, a, b, m, k, n) {
      if (m >= MANY_ROWS) {
        if (from === 0) fill(c, m * n, 0);
        addBlocks(c, a, b, m, k, n, true, true, null);
      } else {
        for (let i = 0; i < m; i++) rowNN(c + 4 * i * n, from && from + 4 * i * n, a + 4 * i, b, k, n, 4 * m);
      }
    },
    pack,
  };
}

/** @param fused whether products are added by fused multiply-add */
export function emitMatmul(m: ModuleBuilder, fused: boolean): void {
  emitAddProduct(m, 'addProduct', fused, false);
  emitPack(m, 'packAcross4', 4, true);
  emitPack(m, 'packAlong4', 4, false);
  emitPack(m, 'packAcross8', 8, true);
  emitPack(m, 'packAlong8', 8, false);
  emitRowNN(m, fused);
  emitRowNT(m, 'rowNT', fused, FLOAT_STEPS);
}

/** The same kernels for B of bfloat16, which is widened where it is read. */
export function emitHalfProducts(m: ModuleBuilder, fused: boolean): void {
  emitAddProduct(m, 'addHalfProduct', fused, true);
  emitPackHalves(m);
  emitRowNT(m, 'rowHalfNT', fused, HALF_STEPS);
}

/** C += A·B of a packed block: for every panel of B the panels of A, a tile of 4×8 sums each. */
function emitAddProduct(m: ModuleBuilder, name: string, fused: boolean, halves: boolean): void {
  m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, params) => {
    const [c, a, b, rows, k, columns, stride, tile] = params;
    const rowBytes = (halves ? 2 : 4) * COLUMNS;
    const panelBytes = f.int(i32.mul(k, rowBytes));
    const columnsLeft = f.int(columns);
    const sums = Array.from({ length: ROWS }, () => [f.local('v128'), f.local('v128')] as const);
    const pa = f.int(0);
    const pb = f.int(0);
    const pc = f.int(0);
    const rowsLeft = f.int(0);
    const bEnd = f.int(0);
    const left = f.local('v128');
    const right = f.local('v128');
    const one = f.local('v128');
    f.while(i32.lessThan(0, columnsLeft), () => {
      f.set(pa, a);
      f.set(pc, c);
      f.set(rowsLeft, rows);
      f.set(bEnd, i32.add(b, panelBytes));
      f.while(i32.lessThan(0, rowsLeft), () => {
        for (const sum of sums.flat()) f.set(sum, 0);
        f.set(pb, b);
        f.while(i32.lessThan(pb, bEnd), () => {
          f.set(left, v128.load(pb));
          f.set(right, halves ? v128.and(left, UPPER_HALVES) : v128.load(pb, 16));
          if (halves) f.set(left, i32x4.shl(left, 16));
          for (let r = 0; r < ROWS; r++) {
            f.set(one, v128.loadSplat(pa, 4 * r));
            f.set(sums[r][0], plusProduct(sums[r][0], one, left, fused));
            f.set(sums[r][1], plusProduct(sums[r][1], one, right, fused));
          }
          f.advance(pa, 4 * ROWS);
          f.advance(pb, rowBytes);
        });
        f.if(
          i32.and(i32.leU(ROWS, rowsLeft), i32.leU(COLUMNS, columnsLeft)),
          () => {
            for (const [s0, s1] of sums) {
              f.store(pc, f32x4.add(v128.load(pc), s0));
              f.store(pc, f32x4.add(v128.load(pc, 16), s1), 16);
              f.advance(pc, stride);
            }
            f.set(rowsLeft, i32.sub(rowsLeft, ROWS));
          },
          () => {
            sums.forEach(([s0, s1], r) => {
              f.store(tile, s0, 32 * r);
              f.store(tile, s1, 32 * r + 16);
            });
            addEdge(f, pc, rowsLeft, columnsLeft, stride, tile);
          },
        );
      });
      f.set(b, bEnd);
      f.advance(c, 4 * COLUMNS);
      f.set(columnsLeft, lessBy(columnsLeft, COLUMNS));
    });
  });
}

/** n − step, or 0 where n is less. */
function lessBy(n: Local<'i32'>, step: number): Expr<'i32'> {
  return i32.mul(i32.sub(n, step), i32.leU(step, n));
}

/** The part of a tile that lies in C; moves on to the next rows. */
function addEdge(
  f: FunctionBuilder,
  pc: Local<'i32'>,
  rowsLeft: Local<'i32'>,
  columnsLeft: Local<'i32'>,
  stride: I32,
  tile: I32,
): void {
  const r = f.int(0);
  const j = f.int(0);
  const tileAt = f.int(0);
  const width = f.int(columnsLeft);
  f.if(i32.lessThan(COLUMNS, width), () => f.set(width, COLUMNS));
  f.set(width, i32.shl(width, 2));
  f.while(i32.and(i32.lessThan(r, ROWS), i32.lessThan(0, rowsLeft)), () => {
    f.set(tileAt, i32.add(i32.mul(r, 32), tile));
    f.set(j, 0);
    f.while(i32.leU(16, i32.sub(width, j)), () => {
      f.store(i32.add(pc, j), f32x4.add(v128.load(i32.add(pc, j)), v128.load(i32.add(tileAt, j))));
      f.advance(j, 16);
    });
    f.while(i32.lessThan(j, width), () => {
      f.storeOne(i32.add(pc, j), f32x4.add(v128.load32Zero(i32.add(pc, j)), v128.load32Zero(i32.add(tileAt, j))));
      f.advance(j, 4);
    });
    f.advance(pc, stride);
    f.advance(r, 1);
    f.set(rowsLeft, i32.sub(rowsLeft, 1));
  });
}

/**
 * out[p·k·W + l·W + w] = element (p·W + w, l) of a matrix, for panels p of W rows; what goes beyond `count` rows is 0.
 * Across: the rows of a panel stand side by side, l goes down by `stride` bytes; along: the other way round.
 */
function emitPack(m: ModuleBuilder, name: string, W: number, across: boolean): void {
  m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32'], (f, [out, source, count, k, stride]) => {
    const left = f.int(count);
    const panel = f.int(across ? 4 * W : i32.mul(stride, W));
    const from = f.int(0);
    const l = f.int(0);
    const w = f.int(0);
    const at = f.int(0);
    const k4 = f.int(i32.and(k, -4));
    const strideOfW = across ? 4 : stride;
    const strideOfL = across ? stride : 4;
    f.while(i32.leU(W, left), () => {
      f.set(from, source);
      f.set(l, 0);
      if (across) {
        f.while(i32.lessThan(l, k), () => {
          for (let x = 0; x < W; x += 4) f.store(out, v128.load(from, 4 * x), 4 * x);
          f.advance(out, 4 * W);
          f.advance(from, stride);
          f.advance(l, 1);
        });
      } else {
        f.while(i32.lessThan(l, k4), () => {
          f.set(at, from);
          for (let x = 0; x < W; x += 4) storeTransposed(f, out, 4 * x, 4 * W, at, stride);
          f.advance(out, 16 * W);
          f.advance(from, 16);
          f.advance(l, 4);
        });
        f.while(i32.lessThan(l, k), () => {
          f.set(at, from);
          for (let x = 0; x < W; x++) {
            f.storeOne(out, v128.load32Zero(at), 4 * x);
            f.advance(at, stride);
          }
          f.advance(out, 4 * W);
          f.advance(from, 4);
          f.advance(l, 1);
        });
      }
      f.advance(source, panel);
      f.set(left, i32.sub(left, W));
    });
    f.if(i32.lessThan(0, left), () => {
      f.set(l, 0);
      f.while(i32.lessThan(l, k), () => {
        for (let x = 0; x < W; x += 4) f.store(out, 0, 4 * x);
        f.set(w, 0);
        f.set(at, source);
        f.while(i32.lessThan(w, left), () => {
          f.storeOne(i32.add(out, i32.shl(w, 2)), v128.load32Zero(at));
          f.advance(at, strideOfW);
          f.advance(w, 1);
        });
        f.advance(out, 4 * W);
        f.advance(source, strideOfL);
        f.advance(l, 1);
      });
    });
  });
}

const UPPER_HALVES = i32x4.of(-65536, -65536, -65536, -65536);

/**
 * `packAlong8` of bfloat16: the first four numbers of a row of a panel are the lower halves of four lanes, the others the
 * upper ones, so that one instruction widens four.
 */
function emitPackHalves(m: ModuleBuilder): void {
  m.function('packHalves8', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, [out, source, count, k, stride]) => {
    const left = f.int(count);
    const width = f.int(0);
    const l = f.int(0);
    const w = f.int(0);
    const at = f.int(0);
    const place = f.int(0);
    f.while(i32.lessThan(0, left), () => {
      f.set(width, left);
      f.if(i32.lessThan(COLUMNS, left), () => f.set(width, COLUMNS));
      f.set(l, 0);
      f.while(i32.lessThan(l, k), () => {
        f.store(out, 0);
        f.set(at, i32.add(source, i32.shl(l, 1)));
        f.set(w, 0);
        f.while(i32.lessThan(w, width), () => {
          f.set(place, i32.add(i32.shl(i32.and(w, 3), 2), i32.shl(i32.shrU(w, 2), 1)));
          f.store16(i32.add(out, place), bf16.bits(at));
          f.advance(at, stride);
          f.advance(w, 1);
        });
        f.advance(out, 2 * COLUMNS);
        f.advance(l, 1);
      });
      f.advance(source, i32.mul(stride, COLUMNS));
      f.set(left, i32.sub(left, width));
    });
  });
}

/** Four rows of four numbers from `at`, `stride` apart, stored as columns `step` bytes apart; `at` moves on below them. */
function storeTransposed(
  f: FunctionBuilder,
  out: I32,
  offset: number,
  step: number,
  at: Local<'i32'>,
  stride: I32,
): void {
  const rows = Array.from({ length: 4 }, () => {
    const row = f.let(v128.load(at));
    f.advance(at, stride);
    return row;
  });
  const low01 = f.let(v128.shuffle(rows[0], rows[1], [0, 4, 1, 5]));
  const low23 = f.let(v128.shuffle(rows[2], rows[3], [0, 4, 1, 5]));
  const high01 = f.let(v128.shuffle(rows[0], rows[1], [2, 6, 3, 7]));
  const high23 = f.let(v128.shuffle(rows[2], rows[3], [2, 6, 3, 7]));
  f.store(out, v128.shuffle(low01, low23, [0, 1, 4, 5]), offset);
  f.store(out, v128.shuffle(low01, low23, [2, 3, 6, 7]), offset + step);
  f.store(out, v128.shuffle(high01, high23, [0, 1, 4, 5]), offset + 2 * step);
  f.store(out, v128.shuffle(high01, high23, [2, 3, 6, 7]), offset + 3 * step);
}

/**
 * c[j] = from[j] + Σ_l a[l]·b[l,j] for one row of C, without from[j] where `from` is 0: up to seven vectors of sums at a time, since the host loads as many of B
 * before it multiplies, and has sixteen registers; `step` bytes from a[l] to a[l+1].
 */
function emitRowNN(m: ModuleBuilder, fused: boolean): void {
  m.function('rowNN', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, [c, from, a, b, k, n, step]) => {
    const adds = f.int(i32.lessThan(0, from));
    const stride = f.int(i32.shl(n, 2));
    const left = f.int(n);
    const pa = f.int(0);
    const pb = f.int(0);
    const l = f.int(0);
    const one = f.local('v128');
    for (const width of [28, 16, 4, 1]) {
      const sums = Array.from({ length: Math.ceil(width / 4) }, () => f.local('v128'));
      const load = width === 1 ? v128.load32Zero : v128.load;
      f.while(i32.leU(width, left), () => {
        for (const sum of sums) f.set(sum, 0);
        f.if(adds, () => {
          for (const [i, sum] of sums.entries()) f.set(sum, load(from, 16 * i));
          f.advance(from, 4 * width);
        });
        f.set(pa, a);
        f.set(pb, b);
        f.set(l, 0);
        f.while(i32.lessThan(l, k), () => {
          f.set(one, v128.loadSplat(pa));
          sums.forEach((sum, i) => {
            f.set(sum, plusProduct(sum, one, load(pb, 16 * i), fused));
          });
          f.advance(pa, step);
          f.advance(pb, stride);
          f.advance(l, 1);
        });
        sums.forEach((sum, i) => {
          if (width === 1) f.storeOne(c, sum);
          else f.store(c, sum, 16 * i);
        });
        f.advance(b, 4 * width);
        f.advance(c, 4 * width);
        f.set(left, i32.sub(left, width));
      });
    }
  });
}

/** How a dot product walks along a row of B: so many numbers at a time, as vectors of four or of one beside zeros. */
interface RowStep {
  readonly numbers: 1 | 4 | 8;
  /** The numbers of B at an address. */
  b(f: FunctionBuilder, at: Expr<'i32'>): readonly Expr<'v128'>[];
}

/** The bytes of a number of B, and the steps, as many of the first as there are, then of the next. */
interface RowSteps {
  readonly bytes: 2 | 4;
  readonly steps: readonly RowStep[];
}

const FLOAT_STEPS: RowSteps = {
  bytes: 4,
  steps: [
    { numbers: 4, b: (_, at) => [v128.load(at)] },
    { numbers: 1, b: (_, at) => [v128.load32Zero(at)] },
  ],
};

const HALF_STEPS: RowSteps = {
  bytes: 2,
  steps: [
    {
      numbers: 8,
      b: (f, at) => {
        const eight = f.let(v128.load(at));
        return [bf16.widenLow(eight), bf16.widenHigh(eight)];
      },
    },
    { numbers: 4, b: (_, at) => [bf16.widenLow(v128.load64Zero(at))] },
    { numbers: 1, b: (_, at) => [bf16.loadLane(at, 0, 0)] },
  ],
};

/**
 * c[j] = from[j] + a·b[j,·] for one row of A, without from[j] where `from` is 0: eight dot products at a time, four products
 * of each at once, in four lanes of sums.
 */
function emitRowNT(m: ModuleBuilder, name: string, fused: boolean, along: RowSteps): void {
  m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, [c, from, a, b, k, n]) => {
    const adds = f.int(i32.lessThan(0, from));
    const bytes = f.int(i32.mul(k, along.bytes));
    const ends = along.steps.map(({ numbers }) => f.int(i32.and(bytes, -along.bytes * numbers)));
    const left = f.int(n);
    const at = f.int(0);
    const pa = f.int(0);
    const x = f.local('v128');
    const second = f.local('v128');
    for (const width of [8, 4, 1]) {
      const sums = Array.from({ length: width }, () => f.local('v128'));
      const rows = sums.map(() => f.local('i32'));
      const starts = Array.from({ length: Math.ceil(width / 4) }, () => f.local('v128'));
      f.while(i32.leU(width, left), () => {
        f.set(rows[0], b);
        for (let j = 1; j < width; j++) f.set(rows[j], i32.add(rows[j - 1], bytes));
        for (const sum of sums) f.set(sum, 0);
        f.set(at, 0);
        f.set(pa, a);
        for (const [i, step] of along.steps.entries()) {
          f.while(i32.lessThan(at, ends[i]), () => {
            f.set(x, step.numbers === 1 ? v128.load32Zero(pa) : v128.load(pa));
            if (step.numbers === 8) f.set(second, v128.load(pa, 16));
            sums.forEach((sum, j) => {
              for (const [v, values] of step.b(f, i32.add(rows[j], at)).entries()) {
                f.set(sum, plusProduct(sum, v === 0 ? x : second, values, fused));
              }
            });
            f.advance(pa, 4 * step.numbers);
            f.advance(at, along.bytes * step.numbers);
          });
        }
        for (const start of starts) f.set(start, 0);
        f.if(adds, () => {
          const load = width === 1 ? v128.load32Zero : v128.load;
          for (const [i, start] of starts.entries()) f.set(start, load(from, 16 * i));
          f.advance(from, 4 * width);
        });
        if (width === 1) {
          const [sum] = sums;
          f.set(x, f32x4.add(sum, v128.shuffle(sum, sum, [2, 3, 0, 1])));
          f.storeOne(c, f32x4.add(starts[0], f32x4.add(x, v128.shuffle(x, x, [1, 0, 3, 2]))));
        } else {
          for (const [i, start] of starts.entries()) {
            f.store(c, f32x4.add(start, sumsOfFour(f, sums.slice(4 * i, 4 * i + 4))), 16 * i);
          }
        }
        f.set(b, i32.add(rows[width - 1], bytes));
        f.advance(c, 4 * width);
        f.set(left, i32.sub(left, width));
      });
    }
  });
}

/** The sums of four vectors' lanes, side by side. */
function sumsOfFour(f: FunctionBuilder, [s0, s1, s2, s3]: readonly Local<'v128'>[]): Expr<'v128'> {
  const s01 = f.let(f32x4.add(v128.shuffle(s0, s1, [0, 4, 1, 5]), v128.shuffle(s0, s1, [2, 6, 3, 7])));
  const s23 = f.let(f32x4.add(v128.shuffle(s2, s3, [0, 4, 1, 5]), v128.shuffle(s2, s3, [2, 6, 3, 7])));
  return f32x4.add(v128.shuffle(s01, s23, [0, 1, 4, 5]), v128.shuffle(s01, s23, [2, 3, 6, 7]));
}
