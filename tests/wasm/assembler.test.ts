import { describe, expect, it } from 'vitest';
import { type FunctionBuilder, f32x4, i32, ModuleBuilder, signed, unsigned, v128 } from '../../src/wasm/assembler.ts';
import { host } from '../../src/wasm/host.ts';

type Exports = Record<string, (...args: number[]) => number>;

/** Assembles, instantiates, and gives the exports with the memory as floats. */
function run(build: (m: ModuleBuilder) => void): { call: Exports; floats: Float32Array } {
  const m = new ModuleBuilder();
  build(m);
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 1, maximum: 1 });
  const call = new Instance(new Module(m.bytes()), { host: { memory } }).exports as Exports;
  return { call, floats: new Float32Array(memory.buffer) };
}

describe('LEB128', () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('unsigned %d', (value, bytes) => {
    expect(unsigned(value)).toEqual(bytes);
  });

  it.each([
    [0, [0]],
    [63, [63]],
    [64, [0xc0, 0]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
  ])('signed %d', (value, bytes) => {
    expect(signed(value)).toEqual(bytes);
  });
});

describe('ModuleBuilder', () => {
  it('runs loops, branches, locals and parameters', () => {
    const { call } = run((m) => {
      m.function('sumOfOdd', ['i32'], (f, [n]) => {
        const sum = f.int(0);
        const i = f.int(0);
        const evens = f.int(0);
        f.while(i32.lessThan(i, n), () => {
          f.if(
            i32.and(i, 1),
            () => f.advance(sum, i),
            () => f.advance(evens, 1),
          );
          f.advance(i, 1);
        });
        f.return(i32.add(i32.mul(sum, 1000), evens));
      });
      m.function('never', ['i32'], (f, [n]) => {
        f.while(i32.lessThan(n, 0), () => f.set(n, 7));
        f.return(i32.sub(n, 1));
      });
    });
    expect(call.sumOfOdd(10)).toBe(25_005);
    expect(call.sumOfOdd(0)).toBe(0);
    expect(call.never(1)).toBe(0);
  });

  it('compares addresses without a sign', () => {
    const { call } = run((m) => {
      const compare = (name: string, op: typeof i32.lessThan) =>
        m.function(name, ['i32', 'i32'], (f, [a, b]) => f.return(op(a, b)));
      compare('less', i32.lessThan);
      compare('leU', i32.leU);
      compare('eq', i32.eq);
    });
    expect(call.less(1, 2 ** 31)).toBe(1);
    expect(call.less(2 ** 31, 1)).toBe(0);
    expect([call.leU(3, 3), call.leU(4, 3)]).toEqual([1, 0]);
    expect([call.eq(3, 3), call.eq(4, 3)]).toEqual([1, 0]);
  });

  it('computes with vectors: splat, shuffle, select, single lanes', () => {
    const body = (f: FunctionBuilder): void => {
      const x = f.let(v128.load(0));
      f.store(16, f32x4.add(f32x4.mul(x, 2), 1));
      f.store(0, v128.shuffle(x, 9, [3, 0, 4, 1]), 32);
      f.store(48, v128.select(x, 0, f32x4.greater(x, 2)));
      f.storeOne(64, v128.loadSplat(8));
      f.store(80, v128.load32Zero(4));
      f.store(96, f32x4.pmin(x, 2));
    };
    const { call, floats } = run((m) => m.function('go', [], body));
    floats.set([1, 2, 3, Number.NaN]);
    floats.fill(5, 16, 24);
    call.go();
    expect([...floats.subarray(4, 28)]).toEqual([
      ...[3, 5, 7, Number.NaN],
      ...[Number.NaN, 1, 9, 2],
      ...[0, 0, 3, 0],
      ...[3, 5, 5, 5],
      ...[2, 0, 0, 0],
      ...[1, 2, 2, Number.NaN],
    ]);
  });
});
