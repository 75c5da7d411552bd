import { describe, expect, it } from 'vitest';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { MOST_RECORDINGS } from '../../src/wasm/recorder.ts';

/** A memory, n numbers in it, and a function that fills one of them. */
function numbers(n: number) {
  const w = new WasmMemory(4 * n + 1000);
  const y = w.floats(n);
  const set = (i: number, value: number): void => void w.call.fill(y.byteOffset + 4 * i, 1, value);
  return { w, y, set };
}

describe('compile', () => {
  it.each([0, 1, 999, 1000, 1001, 2500])('makes every one of %d calls, the first time as well as later', (n) => {
    const { w, y, set } = numbers(n);
    let passes = 0;
    const run = w.recorder.compile(() => {
      passes++;
      for (let i = 0; i < n; i++) set(i, i + 1);
    });
    for (let use = 0; use < 6; use++) {
      y.fill(0);
      run();
      for (let i = 0; i < n; i++) if (y[i] !== i + 1) throw new Error(`use ${use}: call ${i} was not made`);
    }
    expect(passes).toBe(3); // twice as it is, once traced; from then on the recording runs
  });

  it('keeps the order of kernels and functions of JavaScript', () => {
    const { w, y, set } = numbers(3);
    const run = w.recorder.compile(() => {
      set(0, 1);
      w.recorder.callback(() => y.set([y[0] + 1], 1));
      set(0, 7);
      w.recorder.callback(() => y.set([y[0] + y[1]], 2));
    });
    for (let use = 0; use < 5; use++) {
      y.fill(0);
      run();
      expect([...y]).toEqual([7, 2, 9]);
    }
  });

  it('leaves a pass as it is that calls functions of JavaScript in every step', () => {
    const { w, y, set } = numbers(2);
    let passes = 0;
    const run = w.recorder.compile(() => {
      passes++;
      set(0, 1);
      w.recorder.outside(() => y.set([y[0] + y[1]], 1));
    });
    for (let use = 1; use <= 6; use++) {
      run();
      expect([...y]).toEqual([1, use]);
    }
    expect(passes).toBe(7); // one of them traced, which ran nothing
  });

  it('makes calls at once that are to be made once, and records none of them', () => {
    const { w, y, set } = numbers(2);
    const recording = w.recorder.trace(() => {
      set(0, 1);
      w.recorder.untraced(() => set(1, 2));
      set(0, 3);
    });
    expect([...y]).toEqual([0, 2]);
    expect(recording!.calls).toHaveLength(2);
    expect(() =>
      w.recorder.trace(() =>
        w.recorder.untraced(() => {
          throw new Error('no room');
        }),
      ),
    ).toThrow('no room');
    set(0, 5);
    expect([...y]).toEqual([5, 2]);
  });

  it('forgets the recording used longest ago, and makes it again when it comes back', () => {
    const { w, y, set } = numbers(1);
    const passes = new Map<number, number>();
    const runs = Array.from({ length: MOST_RECORDINGS + 1 }, (_, k) =>
      w.recorder.compile(() => {
        passes.set(k, (passes.get(k) ?? 0) + 1);
        set(0, k + 1);
      }),
    );
    const useEach = (times: number): void => {
      for (const [k, run] of runs.entries()) {
        for (let i = 0; i < times; i++) {
          run();
          expect(y[0]).toBe(k + 1);
        }
      }
    };
    useEach(3);
    runs[1]();
    expect(passes.get(1)).toBe(3); // still there
    runs[0]();
    expect(passes.get(0)).toBe(4); // forgotten
    useEach(3);
    for (const [, count] of passes) expect(count).toBeLessThanOrEqual(6);
  });

  it('goes on after a pass that threw', () => {
    const { w, y, set } = numbers(1);
    let fails = false;
    const run = w.recorder.compile(() => {
      set(0, 1);
      if (fails) throw new Error('no');
    });
    for (let use = 0; use < 2; use++) run();
    fails = true;
    expect(run).toThrow('no');
    fails = false;
    y.fill(0);
    run();
    expect(y[0]).toBe(1);
    set(0, 4); // made, not noted
    expect(y[0]).toBe(4);
  });
});

it('trace carries nothing out, within another trace neither', () => {
  const { w, y, set } = numbers(2);
  let inner: unknown;
  const outer = w.recorder.trace(() => {
    set(0, 1);
    inner = w.recorder.trace(() => set(1, 2));
    set(1, 3);
  });
  expect([...y]).toEqual([0, 0]);
  expect(inner).toMatchObject({ calls: [{ kernel: 'fill', args: [y.byteOffset + 4, 1, 2] }] });
  expect(outer!.calls.map(({ args }) => args[2])).toEqual([1, 3]);
});
