import { describe, expect, it } from 'vitest';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { StepLoops } from '../../src/wasm/steps.ts';

const T = 40;

/** Steps y[t+1] = y[t] + x[t], each four numbers wide, and z[t] = 5. */
function sums() {
  const w = new WasmMemory(100_000);
  const [y, x, z] = [w.floats(4 * (T + 1)), w.floats(4 * T), w.floats(T)];
  const { add, fill } = w.call;
  const step = (t: number): void => {
    add(y.byteOffset + 16 * (t + 1), y.byteOffset + 16 * t, x.byteOffset + 16 * t, 4);
    fill(z.byteOffset + 4 * t, 1, 5);
  };
  for (let i = 0; i < x.length; i++) x[i] = i;
  return { w, y, x, z, step, loops: new StepLoops(w) };
}

describe('StepLoops', () => {
  it.each([0, 1, 2, 3, T])('runs %d steps upwards, and no others', (count) => {
    const { y, z, step, loops } = sums();
    loops.run({ first: 0, count, direction: 1 }, T, step);
    for (let t = 0; t < T; t++) {
      expect(z[t]).toBe(t < count ? 5 : 0);
      // The sum of i = lane, lane + 4, …
      expect(y[4 * (t + 1) + 1]).toBe(t < count ? (t + 1) * (2 * t + 1) : 0);
    }
    expect(loops.size).toBe(1);
  });

  it('runs them downwards from where it is told to', () => {
    const { y, x, w, z, loops } = sums();
    const order: number[] = [];
    const { add, fill } = w.call;
    loops.run({ first: 7, count: 5, direction: -1 }, T, (t) => {
      add(y.byteOffset + 16 * t, y.byteOffset + 16 * (t + 1), x.byteOffset + 16 * t, 4);
      fill(z.byteOffset + 4 * t, 1, 5);
    });
    for (let t = 0; t < T; t++) if (z[t] === 5) order.push(t);
    expect(order).toEqual([3, 4, 5, 6, 7]);
    expect(y[4 * 3]).toBe(4 * (3 + 4 + 5 + 6 + 7)); // added up from step 7 down to 3
  });

  it('takes the other form of a step where its number, counted from the end, is a multiple; never the last', () => {
    for (const every of [1, 2, 3, 7, 100]) {
      for (const count of [1, 2, 8]) {
        const { z, w, step, loops } = sums();
        const run = (t: number): void => void w.call.fill(z.byteOffset + 4 * t, 1, 6);
        loops.run({ first: count - 1, count, direction: -1 }, T, step, { every, run });
        const want = Array.from({ length: T }, (_, t) => (t >= count ? 0 : t > 0 && t % every === 0 ? 6 : 5));
        expect([...z]).toEqual(want);
      }
    }
  });

  it('compiles one loop for all lengths, and another for other calls', () => {
    const { w, step, loops, z } = sums();
    for (let count = 0; count <= T; count++) loops.run({ first: 0, count, direction: 1 }, T, step);
    expect(loops.size).toBe(1);
    expect(w.recorder.modules).toHaveLength(1);
    loops.run({ first: 0, count: 2, direction: 1 }, T, (t) => void w.call.fill(z.byteOffset + 4 * t, 1, 8));
    expect(loops.size).toBe(2);
    expect([...z.subarray(0, 3)]).toEqual([8, 8, 5]);
  });

  it.each([1, 2])('traces only steps that there are: %d', (maxSteps) => {
    const { z, step, loops } = sums();
    const seen = new Set<number>();
    const watched = (t: number): void => {
      seen.add(t);
      step(t);
    };
    loops.run({ first: 0, count: maxSteps, direction: 1 }, maxSteps, watched);
    expect(Math.max(...seen)).toBe(maxSteps - 1);
    expect([...z.subarray(0, 3)]).toEqual(maxSteps === 1 ? [5, 0, 0] : [5, 5, 0]);
  });

  it.each<[string, (w: WasmMemory, z: Float32Array, t: number) => void]>([
    ['addresses that do not grow evenly', (w, z, t) => void w.call.fill(z.byteOffset + 4 * (t < 3 ? t : t * t), 1, 1)],
    [
      'another kernel in the last step',
      (w, z, t) => {
        if (t < T - 1) w.call.fill(z.byteOffset + 4 * t, 1, 1);
        else w.call.copy(z.byteOffset + 4 * t, z.byteOffset, 1);
      },
    ],
    [
      'a call more in the last step',
      (w, z, t) => {
        for (let i = 0; i < (t === T - 1 ? 2 : 1); i++) w.call.fill(z.byteOffset + 4 * t, 1, 1);
      },
    ],
    ['functions of JavaScript', (w, z, t) => w.recorder.outside(() => z.fill(1, t, t + 1))],
    ['callbacks', (w, z, t) => w.recorder.callback(() => z.fill(1, t, t + 1))],
  ])('runs one by one what is no such list of calls: %s', (_, run) => {
    const w = new WasmMemory(20_000);
    const z = w.floats(T * T);
    const loops = new StepLoops(w);
    const want = new Float32Array(T * T);
    loops.run({ first: 0, count: 5, direction: 1 }, T, (t) => run(w, z, t));
    const other = { every: 2, run: (t: number) => void w.call.fill(z.byteOffset + 4 * (t + 100), 1, 2) };
    loops.run({ first: 4, count: 5, direction: -1 }, T, (t) => run(w, z, t), other);
    expect(loops.size).toBe(0);
    for (let t = 0; t < 5; t++) {
      const twin = new WasmMemory(20_000);
      const each = twin.floats(T * T);
      run(twin, each, t);
      for (let i = 0; i < T * T; i++) want[i] = Math.max(want[i], each[i]);
    }
    want[102] = want[104] = 2;
    expect(z).toEqual(want);
  });
});
