import { type MakeTiles, plainTiles, TILE_ROWS } from '../layers/haar.ts';
import * as loops from '../layers/init.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { f64x2, i32, load64Splat, ModuleBuilder, v128 } from '../wasm/assembler.ts';
import { type Functions, host, PAGE } from '../wasm/host.ts';
import { wantsSimd } from './choice.ts';

/** Bytes of two float64. */
const VECTOR = 16;
/** Two vectors. */
const PANEL = 4;

/** `addTiles(c, a, b, n, count)` of addresses and sizes: see {@link Tiles}. */
function moduleOfTiles(): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder();
  m.function('addTiles', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, [c, a, b, n, count]) => {
    const pb = f.int(0);
    const end = f.int(0);
    const sums = Array.from({ length: 2 * TILE_ROWS }, () => f.vector(0)); // [TILE_ROWS,2]
    f.while(count, () => {
      for (const [i, sum] of sums.entries()) f.set(sum, v128.load(c, i * VECTOR));
      f.set(pb, b);
      f.set(end, i32.add(a, i32.mul(n, 8 * TILE_ROWS)));
      f.while(i32.lessThan(a, end), () => {
        const columns = [f.vector(v128.load(pb)), f.vector(v128.load(pb, VECTOR))];
        let x = f.vector(0);
        for (const [i, sum] of sums.entries()) {
          if (i % 2 === 0) x = f.vector(load64Splat(a, 4 * i));
          f.set(sum, f64x2.add(sum, f64x2.mul(x, columns[i % 2])));
        }
        f.advance(a, 8 * TILE_ROWS);
        f.advance(pb, 8 * PANEL);
      });
      for (const [i, sum] of sums.entries()) f.store(c, sum, i * VECTOR);
      f.advance(c, sums.length * VECTOR);
      f.set(count, i32.sub(count, 1));
    });
  });
  return m.bytes();
}

/**
 * Tiles of a memory of their own, which goes with them.
 *
 * @throws {Error} where the host has no WebAssembly SIMD, forbids it, or has not so much memory.
 */
const simdTiles: MakeTiles = (lengths) => {
  const { Module, Instance, Memory } = host();
  const sizes = lengths(PANEL);
  const pages = Math.ceil(sizes.reduce((sum, length) => sum + 8 * length, 0) / PAGE);
  const memory = new Memory({ initial: pages, maximum: pages });
  const kernels = new Instance(new Module(moduleOfTiles()), { host: { memory } }).exports as Functions;
  let end = 0;
  const arrays = sizes.map((length) => {
    const start = end;
    end += 8 * length;
    return new Float64Array(memory.buffer, start, length);
  });
  return {
    panel: PANEL,
    arrays,
    addTiles(c, c0, a, b, b0, n, count) {
      kernels.addTiles(c.byteOffset + 8 * c0, a.byteOffset, b.byteOffset + 8 * b0, n, count);
    },
  };
};

const fastestTiles: MakeTiles = (lengths) => {
  try {
    if (wantsSimd(1, 0)) return simdTiles(lengths);
  } catch {
    // the loops need neither
  }
  return plainTiles(lengths);
};

/**
 * Orthogonal (Saxe et al. 2014): the shorter side's vectors are orthonormal, all singular values are `gain`. They are
 * uniformly distributed (Haar). Beyond 256 × 256 random reflections are multiplied (Stewart 1980): by SIMD, in a third of
 * the loops' time and with the same bits.
 *
 * @param w [rows,cols], overwritten
 * @throws {RangeError} on a length that does not fit; nothing is drawn then.
 */
export function orthogonalInit(w: FloatArray, rng: RandomState, rows: number, cols: number, gain = 1): void {
  loops.orthogonalInit(w, rng, rows, cols, gain, fastestTiles);
}
