import { afterEach, describe, expect, it } from 'vitest';
import * as loops from '../../src/layers/init.ts';
import { setSimd } from '../../src/simd/choice.ts';
import { orthogonalInit } from '../../src/simd/orthogonalInit.ts';
import { RandomState } from '../../src/tensor/random.ts';

interface Memory {
  readonly buffer: ArrayBuffer;
}
/** The host's, of which the types of Node and of a page say different things. */
const wasm = (globalThis as unknown as { WebAssembly: { Memory: new (pages: object) => Memory } }).WebAssembly;
const { Memory } = wasm;

/** Counts the memories that are made; `none` lets none be. */
function countMemories(none = false): { made: number } {
  const count = { made: 0 };
  wasm.Memory = class extends Memory {
    constructor(pages: object) {
      super(pages);
      count.made++;
      if (none) throw new RangeError('out of memory');
    }
  };
  return count;
}

afterEach(() => {
  setSimd('auto');
  wasm.Memory = Memory;
});

/** How many elements differ, in sign of zero and NaN too: a picture of the difference would take minutes. */
function differences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let count = Math.abs(a.length - b.length);
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) count++;
  return count;
}

/** More than 256 × 256, where reflections are multiplied; rows and columns that leave tiles and blocks unfilled. */
const SIZES = [
  [260, 260],
  [257, 301],
  [303, 258],
] as const;

describe('orthogonalInit by SIMD', () => {
  it.each(SIZES)('gives the bits of the loops and draws as they do, %d × %d', (rows, cols) => {
    const bySimd = new Float64Array(rows * cols);
    const byLoops = bySimd.slice();
    const [rng, other] = [new RandomState(2), new RandomState(2)];
    const count = countMemories();
    orthogonalInit(bySimd, rng, rows, cols, 1.5);
    expect(count.made).toBe(1);
    loops.orthogonalInit(byLoops, other, rows, cols, 1.5);
    expect(differences(bySimd, byLoops)).toBe(0);
    expect(rng.getState()).toEqual(other.getState());
  });

  it('is left to the loops by setSimd, and where there is no memory for it', () => {
    const [rows, cols] = SIZES[0];
    const wanted = new Float32Array(rows * cols);
    loops.orthogonalInit(wanted, new RandomState(2), rows, cols);
    const got = new Float32Array(rows * cols);
    const count = countMemories(true);
    orthogonalInit(got, new RandomState(2), rows, cols);
    expect(count.made).toBe(1);
    expect(differences(got, wanted)).toBe(0);
    setSimd('never');
    orthogonalInit(got.fill(0), new RandomState(2), rows, cols);
    expect(count.made).toBe(1);
    expect(differences(got, wanted)).toBe(0);
  });

  it('names itself where a length does not fit, and draws nothing', () => {
    const rng = new RandomState(2);
    expect(() => orthogonalInit(new Float32Array(5), rng, 2, 2)).toThrow('orthogonalInit: w has 5 elements');
    expect(rng.getState()).toEqual(new RandomState(2).getState());
  });
});
