import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { padSequences } from '../../src/data/index.ts';

describe('padSequences', () => {
  it('lays ids side by side, time first', () => {
    const ids = [Int32Array.of(1, 2, 3), Int32Array.of(4), Int32Array.of()];
    expect(padSequences(ids, { padding: -1 })).toEqual({
      values: Int32Array.of(1, 4, -1, 2, -1, -1, 3, -1, -1),
      lengths: Int32Array.of(3, 1, 0),
      steps: 3,
    });
  });

  it.each([Float32Array, Float64Array, Int32Array])('puts step t of sequence b at [t,b,·], %o', (kind) => {
    const Kind = kind as Float64ArrayConstructor;
    const sizes = fc.record({
      D: fc.integer({ min: 1, max: 3 }),
      lengths: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 5 }),
      more: fc.nat({ max: 2 }),
    });
    fc.assert(
      fc.property(sizes, ({ D, lengths, more }) => {
        const sequences = lengths.map((n, b) => Kind.from({ length: n * D }, (_, i) => 1 + 100 * b + i));
        const longest = Math.max(...lengths);
        const options = more > 0 ? { features: D, steps: longest + more } : { features: D };
        const padded = padSequences(sequences, options);
        expect(padded.lengths).toEqual(Int32Array.from(lengths));
        expect(padded.steps).toBe(longest + more);
        expect(padded.values).toBeInstanceOf(Kind);
        const want = Array.from({ length: padded.steps }, (_, t) =>
          lengths.flatMap((n, b) => Array.from({ length: D }, (_, d) => (t < n ? sequences[b][t * D + d] : 0))),
        ).flat();
        expect(Array.from(padded.values)).toEqual(want);
      }),
    );
  });

  it('pads with anything that the kind can hold', () => {
    expect(padSequences([Float64Array.of(1, 2), Float64Array.of(3)], { padding: Number.NaN }).values).toEqual(
      Float64Array.of(1, 3, 2, Number.NaN),
    );
  });

  it('refuses what does not fit', () => {
    const two = [Float64Array.of(1, 2, 3), Float64Array.of(4)];
    expect(() => padSequences([])).toThrow(RangeError('padSequences: got no sequences, expected at least one'));
    expect(() => padSequences(two, { steps: 2 })).toThrow(
      RangeError(`padSequences: steps is 2, expected a whole number ≥ 3`),
    );
    expect(() => padSequences(two, { features: 2 })).toThrow(
      RangeError('padSequences: sequences[0] has 3 elements, expected [N,2], a multiple of 2'),
    );
    expect(() => padSequences(two, { features: 0 })).toThrow('padSequences: features is 0, expected a whole number');
    for (const good of [-(2 ** 31), -100, 2 ** 31 - 1]) {
      expect(padSequences([Int32Array.of(1)], { padding: good, steps: 2 }).values[1]).toBe(good);
    }
    for (const bad of [1.5, 2 ** 31, -(2 ** 31) - 1]) {
      expect(() => padSequences([Int32Array.of(1)], { padding: bad })).toThrow(`padSequences: padding is ${bad}`);
    }
    expect(() => padSequences([two[0], Float32Array.of(1)] as never)).toThrow(
      TypeError('padSequences: sequences[1] is Float32Array, expected Float64Array like sequences[0]'),
    );
    expect(() => padSequences([[1, 2]] as never)).toThrow(
      TypeError('padSequences: sequences[0] is Array, expected Int32Array, Float32Array or Float64Array'),
    );
    expect(() => padSequences([undefined] as never)).toThrow(
      TypeError('padSequences: sequences[0] is undefined, expected Int32Array, Float32Array or Float64Array'),
    );
    expect(() => padSequences(two, { pad: 1 } as never)).toThrow(
      TypeError('padSequences: unknown option pad, expected features, steps, padding'),
    );
  });
});
