import { afterEach, expect, it, vi } from 'vitest';
import { CopyMemory } from '../../src/simd/memory.ts';
import { host } from '../../src/wasm/host.ts';
import { SCRATCH_BYTES } from '../../src/wasm/scratch.ts';

it('room is reused, grows to the largest call, and is refused where it is too much', () => {
  const memory = new CopyMemory(() => {});
  const bytes = () => memory.room(1)![0].buffer.byteLength;
  memory.room(1000, 1000);
  const before = bytes();
  for (let i = 0; i < 100; i++) {
    const [a, b] = memory.room(1000, 999)!;
    expect([a.length, b.length]).toEqual([1000, 999]);
    expect(a.byteOffset).toBeGreaterThanOrEqual(SCRATCH_BYTES); // what the products pack stands before
    expect(a.byteOffset + a.byteLength).toBeLessThanOrEqual(b.byteOffset);
  }
  expect(bytes()).toBe(before);
  expect(memory.room(10 * 2 ** 20)![0].length).toBe(10 * 2 ** 20);
  const grown = bytes();
  expect(grown).toBeGreaterThan(40 * 2 ** 20);
  expect(memory.room(2 ** 28)).toBe(null); // with what the kernels need, more than a GiB
  expect(bytes()).toBe(grown);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

class Forbidden {
  constructor() {
    throw new Error("compiling violates the page's policy");
  }
}

it.each([
  ['has no WebAssembly', undefined],
  ['forbids to compile', { Memory: host().Memory, Instance: host().Instance, Module: Forbidden }],
])('where the host %s everything goes by the loops', async (_, stub) => {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', stub);
  const { matmulNN, setSimd, simdCounts, tanh } = await import('../../src/tensor/index.ts');
  setSimd('always');
  const c = new Float32Array(4);
  matmulNN(c, Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 0, 0, 1), 2, 2, 2);
  expect([...c]).toEqual([1, 2, 3, 4]);
  tanh(c, new Float32Array(4));
  expect([...c]).toEqual([0, 0, 0, 0]);
  expect(simdCounts()).toEqual({ simd: 0, plain: 2 });
});
