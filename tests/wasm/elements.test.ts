import { describe, expect, it } from 'vitest';
import { f32x4, ModuleBuilder, v128 } from '../../src/wasm/assembler.ts';
import { emitElementwise, emitRows, forEachElement, maxOf, sumOf } from '../../src/wasm/elements.ts';
import { host } from '../../src/wasm/host.ts';

/** Assembles, instantiates, and gives the exports with the memory as floats, all 7. */
function run(build: (m: ModuleBuilder) => void): {
  call: Record<string, (...args: number[]) => number>;
  x: Float32Array;
} {
  const m = new ModuleBuilder();
  build(m);
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 1, maximum: 1 });
  const { exports } = new Instance(new Module(m.bytes()), { host: { memory } });
  return { call: exports as never, x: new Float32Array(memory.buffer).fill(7) };
}

const counts = [0, 1, 2, 3, 4, 5, 7, 8, 11];

describe.each(counts)('%d elements', (n) => {
  it('are visited once each, and nothing beside them', () => {
    const { call, x } = run((m) => {
      emitElementwise(m, 'go', 1, 1, (_, at, [x], [one]) => at.store(x, f32x4.add(at.load(x), one)));
    });
    call.go(4, n, 0.5);
    expect([...x.subarray(0, 20)]).toEqual(Array.from({ length: 20 }, (_, i) => (i >= 1 && i <= n ? 7.5 : 7)));
  });

  it('give their sum and their largest, whatever stands beside them', () => {
    const { call, x } = run((m) => {
      m.function('sum', ['i32', 'i32', 'i32'], (f, [out, x, n]) => {
        f.store(
          out,
          sumOf(f, n, (at) => f32x4.add(at.load(x), 1)),
        );
      });
      m.function('largest', ['i32', 'i32', 'i32'], (f, [out, x, n]) => {
        f.store(
          out,
          maxOf(f, n, (at) => f32x4.sub(at.load(x), 100)),
        );
      });
    });
    for (let i = 0; i < n; i++) x[16 + i] = 1 + ((i * 5) % 11);
    call.sum(0, 64, n);
    call.largest(16, 64, n);
    const values = Array.from(x.subarray(16, 16 + n));
    expect([...x.subarray(0, 4)]).toEqual(Array(4).fill(values.reduce((a, b) => a + b + 1, 0)));
    expect([...x.subarray(4, 8)]).toEqual(Array(4).fill(Math.max(...values) - 100));
  });

  it('know where they stand', () => {
    const { call, x } = run((m) => {
      m.function('go', ['i32', 'i32'], (f, [out, n]) =>
        forEachElement(f, n, (at) => at.store(out, f32x4.convertI32x4(at.offset))),
      );
    });
    call.go(0, n);
    expect([...x.subarray(0, n)]).toEqual(Array.from({ length: n }, (_, i) => 4 * i));
  });

  it('are reached where they stand apart', () => {
    const { call, x } = run((m) => {
      m.function('go', ['i32', 'i32', 'i32'], (f, [to, from, n]) => {
        forEachElement(f, n, (at) => at.storeApart(to, 8, at.loadApart(from, 12)));
      });
    });
    for (let i = 0; i < n; i++) x[100 + 3 * i] = i;
    call.go(4, 400, n);
    const want = Array.from({ length: 30 }, (_, i) => (i % 2 === 1 && i < 2 * n ? (i - 1) / 2 : 7));
    expect([...x.subarray(0, 30)]).toEqual(want);
  });
});

describe('rows', () => {
  it('move on by one, by n or not at all', () => {
    const { call, x } = run((m) => {
      emitRows(m, 'go', ['[R,n]', '[R]', '[n]'], (f, [y, s, b], n) => {
        const factor = f.let(v128.loadSplat(s));
        forEachElement(f, n, (at) => at.store(y, f32x4.mul(factor, at.load(b))));
      });
    });
    x.set([10, 100], 20);
    x.set([1, 2, 3, 4, 5], 30);
    call.go(0, 80, 120, 2, 5);
    expect([...x.subarray(0, 11)]).toEqual([10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 7]);
    call.go(0, 80, 120, 0, 5);
    expect(x[0]).toBe(10);
  });
});
