import { describe, expect, it } from 'vitest';
import { oneHot } from '../../src/data/index.ts';

describe('oneHot', () => {
  it.each([Float32Array, Float64Array])('writes a 1 at each id and 0 elsewhere, %o', (Floats) => {
    const y = new Floats(9).fill(Number.NaN);
    oneHot(y, [2, 0, 2], 3, 3);
    expect(y).toEqual(Floats.of(0, 0, 1, 1, 0, 0, 0, 0, 1));
    const none = new Floats(0);
    oneHot(none, new Int32Array(0), 0, 3);
    expect(none).toHaveLength(0);
  });

  it('refuses what does not fit, before anything is written', () => {
    const y = new Float64Array(6).fill(7);
    const call =
      (ids: number[], rows = 2, vocabulary = 3) =>
      () =>
        oneHot(y, ids, rows, vocabulary);
    for (const bad of [-1, 3, 0.5, Number.NaN]) {
      expect(call([0, bad])).toThrow(RangeError(`oneHot: ids[1] is ${bad}, expected a whole number from 0 to 2`));
    }
    expect(call([0])).toThrow(RangeError('oneHot: ids has 1 elements, expected [R] = [2]'));
    expect(call([0, 1], 2, 4)).toThrow(RangeError('oneHot: y has 6 elements, expected [R,V] = [2,4]'));
    expect(call([], -1)).toThrow('oneHot: rows is -1, expected a whole number ≥ 0');
    expect(call([0, 1], 2, 0)).toThrow('oneHot: vocabulary is 0, expected a whole number ≥ 1');
    expect(y).toEqual(new Float64Array(6).fill(7));
  });
});
