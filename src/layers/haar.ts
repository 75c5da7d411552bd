import type { RandomState } from '../tensor/random.ts';

/** Reflections applied at a time. */
const BLOCK = 32;
/** Rows of a tile of sums that the processor's registers hold. */
export const TILE_ROWS = 4;

/** Products of matrices that lie in tiles: the loops below, or SIMD. Both add in the same order, so that the bits are the same. */
export interface Tiles {
  /** Columns of a tile: as many as leave its sums in registers. */
  readonly panel: number;
  /** Arrays of zeros. */
  readonly arrays: readonly Float64Array[];
  /**
   * C += Aᵀ·B for `count` tiles C [4,panel], one behind the other from `c0` on, and as many A [n,4] from the beginning of `a`
   * on, with one B [n,panel] at `b0`. `c`, `a` and `b` are of these arrays.
   */
  addTiles(c: Float64Array, c0: number, a: Float64Array, b: Float64Array, b0: number, n: number, count: number): void;
}

/** @param lengths of the arrays, for tiles of so many columns */
export type MakeTiles = (lengths: (panel: number) => readonly number[]) => Tiles;

/**
 * `count` orthonormal vectors of `length` ≥ `count` elements, uniformly distributed (Haar): `at(j, i)` is element i of
 * vector j.
 *
 * The product of random reflections H_0·H_1·…: H_k acts on the elements from k on and is what a Householder factorisation
 * takes for a normal column x_k of length − k elements, so that the product is the Q of a normal matrix, with the sign that
 * makes R's diagonal positive. Half of the draws and of the work of factorising such a matrix. Draws
 * count·(2·length − count + 1)/2 normals, x_0 first. Work: 4·Σ_k (length − k)(count − k) flops, 4/3·n³ when square.
 *
 * Reflections are applied from the last to the first, {@link BLOCK} at a time as I − V·T·Vᵀ.
 *
 * Sources: Stewart, The efficient generation of random orthogonal matrices, SIAM J. Numer. Anal. 17 (1980); Schreiber & Van
 * Loan, A storage-efficient WY representation for products of Householder transformations, SIAM J. Sci. Stat. Comput. 10
 * (1989).
 */
export function haarVectors(
  rng: RandomState,
  count: number,
  length: number,
  makeTiles: MakeTiles = plainTiles,
): (j: number, i: number) => number {
  const rows = roundUp(length, TILE_ROWS);
  const blocks = Math.ceil(count / BLOCK);
  const {
    panel: wide,
    arrays,
    addTiles,
  } = makeTiles((panel) => [roundUp(count, panel) * rows, rows * BLOCK, rows * BLOCK, BLOCK * panel]);
  // Q [length,count] in panels of so many columns, each [rows,wide], so that a product reads memory in order;
  // V in tiles of four columns, each [n,4], and in tiles of four rows, each [BLOCK,4]
  const [q, byColumns, byRows, w] = arrays;
  const columns = draw(rng, count, length);
  const panels = Math.ceil(count / wide);
  for (let j = 0; j < count; j++) q[(Math.floor(j / wide) * rows + j) * wide + (j % wide)] = columns.signs[j];
  const t = new Float64Array(BLOCK * BLOCK);
  for (let block = blocks - 1; block >= 0; block--) {
    const first = block * BLOCK;
    const n = rows - first;
    packBlock(byColumns, byRows, columns.v, first, count, length, n);
    triangle(t, byColumns, n);
    // the columns before `first` are still those of the identity, with nothing in these rows
    for (let panel = Math.floor(first / wide); panel < panels; panel++) {
      const at = (panel * rows + first) * wide;
      w.fill(0);
      addTiles(w, 0, byColumns, q, at, n, BLOCK / TILE_ROWS); // W = Vᵀ·Q
      multiplyTriangle(w, t, wide); // W = −T·W
      addTiles(q, at, byRows, w, 0, BLOCK, n / TILE_ROWS); // Q += V·W
    }
  }
  return (j, i) => q[(Math.floor(j / wide) * rows + i) * wide + (j % wide)];
}

/**
 * Draws x_k for each k and turns it into the unit vector v_k of H_k = I − 2·v_k·v_kᵀ, which takes x_k to ∓|x_k|·e_1; `signs`
 * are those of the diagonal that R would otherwise have.
 */
function draw(rng: RandomState, count: number, length: number): { v: Float64Array[]; signs: Float64Array } {
  const signs = new Float64Array(count);
  const v = Array.from({ length: count }, (_, k) => {
    const x = rng.randn(length - k);
    signs[k] = x[0] < 0 ? 1 : -1;
    x[0] -= signs[k] * norm(x); // away from zero: nothing cancels
    const size = norm(x);
    for (let i = 0; i < x.length; i++) x[i] /= size;
    return x;
  });
  return { v, signs };
}

function norm(x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  return Math.sqrt(sum);
}

/** V [n,BLOCK] of the reflections from `first` on, in both orders; rows and columns past the ends are zeros. */
function packBlock(
  byColumns: Float64Array,
  byRows: Float64Array,
  v: readonly Float64Array[],
  first: number,
  count: number,
  length: number,
  n: number,
): void {
  byColumns.fill(0);
  byRows.fill(0);
  for (let i = 0; i < Math.min(BLOCK, count - first); i++) {
    const x = v[first + i];
    const tile = (i - (i % TILE_ROWS)) * n + (i % TILE_ROWS);
    for (let r = i; r < length - first; r++) {
      byColumns[tile + r * TILE_ROWS] = x[r - i];
      byRows[(r - (r % TILE_ROWS)) * BLOCK + i * TILE_ROWS + (r % TILE_ROWS)] = x[r - i];
    }
  }
}

/** T [BLOCK,BLOCK], upper triangular, with (I − 2·v_0·v_0ᵀ)·(I − 2·v_1·v_1ᵀ)·… = I − V·T·Vᵀ. */
function triangle(t: Float64Array, byColumns: Float64Array, n: number): void {
  const products = new Float64Array(BLOCK); // v_iᵀ·v_j
  for (let j = 0; j < BLOCK; j++) {
    products.fill(0);
    const tileOfJ = (j - (j % TILE_ROWS)) * n + (j % TILE_ROWS);
    for (let i = 0; i < j; i += TILE_ROWS) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let r = j; r < n; r++) {
        const at = i * n + r * TILE_ROWS;
        const x = byColumns[tileOfJ + r * TILE_ROWS];
        s0 += byColumns[at] * x;
        s1 += byColumns[at + 1] * x;
        s2 += byColumns[at + 2] * x;
        s3 += byColumns[at + 3] * x;
      }
      products[i] = s0;
      products[i + 1] = s1;
      products[i + 2] = s2;
      products[i + 3] = s3;
    }
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let k = i; k < j; k++) sum += t[i * BLOCK + k] * products[k];
      t[i * BLOCK + j] = -2 * sum;
    }
    t[j * BLOCK + j] = 2;
  }
}

/** W = −T·W, W [BLOCK,wide]. Row i needs only rows from i on, so it is done in place from the top. */
function multiplyTriangle(w: Float64Array, t: Float64Array, wide: number): void {
  for (let i = 0; i < BLOCK; i++) {
    for (let j = 0; j < wide; j++) {
      let sum = 0;
      for (let k = i; k < BLOCK; k++) sum -= t[i * BLOCK + k] * w[k * wide + j];
      w[i * wide + j] = sum;
    }
  }
}

/** Columns of a tile of the loops. */
const PANEL = 3;

export const plainTiles: MakeTiles = (lengths) => ({
  panel: PANEL,
  arrays: lengths(PANEL).map((length) => new Float64Array(length)),
  addTiles(c, c0, a, b, b0, n, count) {
    for (let i = 0; i < count; i++) addTile(c, c0 + i * TILE_ROWS * PANEL, a, i * TILE_ROWS * n, b, b0, n);
  },
});

/**
 * C += Aᵀ·B for a tile C [4,3] at `c0`, A [n,4] at `a0`, B [n,3] at `b0`. Twelve sums stay in registers; `| 0` spares the
 * engine a test for overflow of each index.
 */
function addTile(
  c: Float64Array,
  c0: number,
  a: Float64Array,
  a0: number,
  b: Float64Array,
  b0: number,
  n: number,
): void {
  let c00 = c[c0];
  let c01 = c[(c0 + 1) | 0];
  let c02 = c[(c0 + 2) | 0];
  let c10 = c[(c0 + 3) | 0];
  let c11 = c[(c0 + 4) | 0];
  let c12 = c[(c0 + 5) | 0];
  let c20 = c[(c0 + 6) | 0];
  let c21 = c[(c0 + 7) | 0];
  let c22 = c[(c0 + 8) | 0];
  let c30 = c[(c0 + 9) | 0];
  let c31 = c[(c0 + 10) | 0];
  let c32 = c[(c0 + 11) | 0];
  const end = (a0 + TILE_ROWS * n) | 0;
  while (a0 < end) {
    const b1 = b[b0];
    const b2 = b[(b0 + 1) | 0];
    const b3 = b[(b0 + 2) | 0];
    const x0 = a[a0];
    c00 += x0 * b1;
    c01 += x0 * b2;
    c02 += x0 * b3;
    const x1 = a[(a0 + 1) | 0];
    c10 += x1 * b1;
    c11 += x1 * b2;
    c12 += x1 * b3;
    const x2 = a[(a0 + 2) | 0];
    c20 += x2 * b1;
    c21 += x2 * b2;
    c22 += x2 * b3;
    const x3 = a[(a0 + 3) | 0];
    c30 += x3 * b1;
    c31 += x3 * b2;
    c32 += x3 * b3;
    a0 = (a0 + 4) | 0;
    b0 = (b0 + 3) | 0;
  }
  c[c0] = c00;
  c[(c0 + 1) | 0] = c01;
  c[(c0 + 2) | 0] = c02;
  c[(c0 + 3) | 0] = c10;
  c[(c0 + 4) | 0] = c11;
  c[(c0 + 5) | 0] = c12;
  c[(c0 + 6) | 0] = c20;
  c[(c0 + 7) | 0] = c21;
  c[(c0 + 8) | 0] = c22;
  c[(c0 + 9) | 0] = c30;
  c[(c0 + 10) | 0] = c31;
  c[(c0 + 11) | 0] = c32;
}

function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
