import { expect, it } from 'vitest';
import { ModuleBuilder, v128 } from '../../src/wasm/assembler.ts';
import { host } from '../../src/wasm/host.ts';
import { storeLoss } from '../../src/wasm/loss.ts';

it('storeLoss weighs the loss, and drops what weighs nothing whatever it is', () => {
  const m = new ModuleBuilder();
  m.function('go', ['i32', 'i32', 'i32'], (f, [losses, weights, loss]) => {
    storeLoss(f, losses, weights, v128.load(loss));
  });
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 1, maximum: 1 });
  const { go } = new Instance(new Module(m.bytes()), { host: { memory } }).exports as {
    go: (...args: number[]) => void;
  };
  const x = new Float32Array(memory.buffer);
  const weighed = (weight: number, loss: number): number => {
    x.set([7, 7, 7, 7, weight, 5, loss, 9, 9, 9]);
    go(0, 16, 24);
    expect([...x.subarray(1, 4)]).toEqual([7, 7, 7]);
    return x[0];
  };
  expect(weighed(0.5, 3)).toBe(1.5);
  expect(weighed(0, 3)).toBe(0);
  for (const loss of [Number.NaN, Infinity, -Infinity]) {
    expect(weighed(0, loss)).toBe(0);
    expect(weighed(0.5, loss)).toBe(loss);
  }
  expect(weighed(Number.NaN, 3)).toBeNaN();
});
