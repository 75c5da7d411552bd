import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CharWindows } from '../../src/data/index.ts';

const range = (length: number, from = 0): Int32Array => Int32Array.from({ length }, (_, i) => from + i);
const { cases } = JSON.parse(readFileSync(new URL('../goldens/nb004b_min_char_rnn.json', import.meta.url), 'utf8')) as {
  cases: { L: number; data: number[]; variants: { with_dby: { rows: [number, number, boolean][] } } }[];
};

describe('CharWindows', () => {
  it('visits the places of min-char-rnn and resets where it does', () => {
    let rows = 0;
    for (const { L, data, variants } of cases) {
      const ids = Int32Array.from(data);
      const windows = new CharWindows(ids, L);
      const inputs = new Int32Array(L);
      const targets = new Int32Array(L);
      for (const [, p, reset] of variants.with_dby.rows) {
        expect(windows.next(inputs, targets)).toBe(reset);
        expect(inputs).toEqual(ids.slice(p, p + L));
        expect(targets).toEqual(ids.slice(p + 1, p + L + 1));
        rows++;
      }
    }
    expect(rows).toBe(37);
  });

  it('goes back to the start exactly when p + T + 1 > length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(40), (T, extra) => {
        const ids = range(T + 1 + extra);
        const windows = new CharWindows(ids, T);
        const inputs = new Int32Array(T);
        let p = 0;
        for (let n = 0; n < 20; n++) {
          const reset = p + T + 1 > ids.length || n === 0;
          if (reset) p = 0;
          expect(windows.next(inputs, new Int32Array(T))).toBe(reset);
          expect(inputs).toEqual(range(T, p));
          p += T;
        }
      }),
    );
  });

  it('reads B streams side by side, each going on where it ended', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), fc.nat(60), (T, B, extra) => {
        const ids = range(T * B + 1 + extra);
        const windows = new CharWindows(ids, T, B);
        const inputs = new Int32Array(T * B);
        const targets = new Int32Array(T * B);
        expect(windows.streamLength).toBe(Math.floor((ids.length - 1) / B));
        for (let k = 0; k < 2 * windows.windowsPerPass; k++) {
          expect(windows.next(inputs, targets)).toBe(k % windows.windowsPerPass === 0);
          for (let t = 0; t < T; t++) {
            for (let b = 0; b < B; b++) {
              const at = b * windows.streamLength + (k % windows.windowsPerPass) * T + t;
              expect([inputs[t * B + b], targets[t * B + b]]).toEqual([at, at + 1]);
            }
          }
        }
      }),
    );
  });

  it('goes on from a saved position', () => {
    const whole = new CharWindows(range(50), 4, 2);
    const [inputs, targets] = [new Int32Array(8), new Int32Array(8)];
    for (let k = 0; k < 4; k++) whole.next(inputs, targets);
    const resumed = new CharWindows(range(50), 4, 2);
    resumed.position = whole.position;
    for (let k = 0; k < 5; k++) {
      const [x, y] = [new Int32Array(8), new Int32Array(8)];
      expect(resumed.next(x, y)).toBe(whole.next(inputs, targets));
      expect([x, y]).toEqual([inputs, targets]);
    }
  });

  const windows = new CharWindows(range(20), 3, 2);
  it.each<[string, () => unknown]>([
    ['CharWindows: ids has 6 elements, expected at least T·B + 1 = 7', () => new CharWindows(range(6), 3, 2)],
    ['CharWindows: ids has 0 elements, expected', () => new CharWindows(range(0), 1)],
    ['CharWindows: T is 0, expected a whole number ≥ 1', () => new CharWindows(range(6), 0)],
    ['CharWindows: B is NaN, expected', () => new CharWindows(range(6), 1, NaN)],
    [
      'CharWindows: position is 10, expected a whole number from 0 to 9',
      () => {
        windows.position = 10;
      },
    ],
    [
      'CharWindows.next: inputs has 5 elements, expected [T,B] = [3,2]',
      () => windows.next(new Int32Array(5), new Int32Array(6)),
    ],
    [
      'CharWindows.next: targets has 7 elements, expected [T,B] = [3,2]',
      () => windows.next(new Int32Array(6), new Int32Array(7)),
    ],
  ])('says %s', (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
    expect(windows.position).toBe(0);
  });

  it.each<[unknown, string]>([
    ['abc', "CharWindows: ids is 'abc', expected an Int32Array, Uint16Array or Uint8Array of ids"],
    [[1, 2, 3], 'CharWindows: ids is a list, expected an Int32Array, Uint16Array or Uint8Array of ids'],
    [undefined, 'CharWindows: ids is undefined, expected an Int32Array, Uint16Array or Uint8Array of ids'],
  ])('refuses %j in the place of ids', (ids, message) => {
    expect(() => new CharWindows(ids as never, 2)).toThrow(TypeError(message));
  });
});
