import { describe, expect, it } from 'vitest';
import { describe as described } from '../../src/check/describe.ts';
import { LabelMap } from '../../src/data/index.ts';

describe('LabelMap', () => {
  it('numbers labels in order of first appearance, there and back', () => {
    const map = LabelMap.fromLabels(['cat', 'dog', 'cat', 'bird']);
    expect(map.labels).toEqual(['cat', 'dog', 'bird']);
    expect(map.size).toBe(3);
    expect([map.has('dog'), map.has('cow')]).toEqual([true, false]);
    expect(map.encode(['bird', 'cat'])).toEqual(Int32Array.of(2, 0));
    expect(map.decode(Int32Array.of(2, 0))).toEqual(['bird', 'cat']);
  });

  it('takes numbers, and 7 is not "7"', () => {
    const map = new LabelMap<number | string>([7, -1, '7', '']);
    expect(map.encode(['7', 7, ''])).toEqual(Int32Array.of(2, 0, 3));
    expect(map.decode([3, 1])).toEqual(['', -1]);
  });

  it('survives JSON', () => {
    const map = new LabelMap(['b', 'a']);
    expect(JSON.stringify({ map })).toBe('{"map":["b","a"]}');
    expect(new LabelMap(JSON.parse(JSON.stringify(map))).encode(['a'])).toEqual(Int32Array.of(1));
  });

  it('refuses what it does not know', () => {
    const map = new LabelMap(['a', 'b']);
    expect(() => map.encode(['a', 'c'])).toThrow(
      RangeError("LabelMap.encode: labels[1] is 'c', expected one of the 2 known labels"),
    );
    for (const bad of [2, -1, 0.5]) {
      expect(() => map.decode([0, bad])).toThrow(
        RangeError(`LabelMap.decode: ids[1] is ${bad}, expected a whole number from 0 to 1`),
      );
    }
    expect(() => new LabelMap([])).toThrow(RangeError('LabelMap: got no labels, expected at least one'));
    expect(() => new LabelMap(['a', 'b', 'a'])).toThrow(
      RangeError('LabelMap: labels[2] is "a", the same as labels[0]'),
    );
    for (const bad of [undefined, null, Number.NaN, {}]) {
      expect(() => new LabelMap(['a', bad as never])).toThrow(
        TypeError(`LabelMap: labels[1] is ${described(bad)}, expected a string or a finite number`),
      );
    }
    for (const [name, call] of [
      ['LabelMap', () => new LabelMap(5 as never)],
      ['LabelMap.fromLabels', () => LabelMap.fromLabels(5 as never)],
      ['LabelMap.encode', () => map.encode(5 as never)],
    ] as const) {
      expect(call).toThrow(`${name}: labels is 5, expected`);
    }
  });
});
