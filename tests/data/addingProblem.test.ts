import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDING_BASELINE, addingProblem } from '../../src/data/index.ts';
import { RandomState } from '../../src/tensor/random.ts';

describe('addingProblem', () => {
  it('marks one number in each half and asks for their sum', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 5 }), (seed, T, B) => {
        const x = new Float64Array(T * B * 2).fill(NaN);
        const targets = new Float64Array(B).fill(NaN);
        addingProblem(x, targets, new RandomState(seed), T, B);
        for (let b = 0; b < B; b++) {
          const marked = Array.from({ length: T }, (_, t) => t).filter((t) => x[(t * B + b) * 2 + 1] === 1);
          expect(marked.length).toBe(2);
          expect(marked[0] < Math.floor(T / 2) && Math.floor(T / 2) <= marked[1]).toBe(true);
          expect(targets[b]).toBe(x[(marked[0] * B + b) * 2] + x[(marked[1] * B + b) * 2]);
        }
        expect(x.every((v, i) => (i % 2 === 1 ? v === 0 || v === 1 : v >= 0 && v < 1))).toBe(true);
      }),
    );
  });

  it('takes its numbers, then the two places, sequence by sequence from the stream', () => {
    const x = new Float32Array(6 * 2 * 2);
    const targets = new Float32Array(2);
    addingProblem(x, targets, new RandomState(3), 6, 2);
    const rng = new RandomState(3);
    for (let b = 0; b < 2; b++) {
      const numbers = Float32Array.from(rng.randomSample(6));
      expect(Array.from(numbers.keys(), (t) => x[(t * 2 + b) * 2])).toEqual(Array.from(numbers));
      expect([x[(rng.randint(3) * 2 + b) * 2 + 1], x[(rng.randint(3, 6) * 2 + b) * 2 + 1]]).toEqual([1, 1]);
    }
  });

  it('costs one who always says 1 the baseline', () => {
    const B = 20000;
    const targets = new Float64Array(B);
    addingProblem(new Float64Array(4 * B * 2), targets, new RandomState(1), 4, B);
    const error = targets.reduce((sum, target) => sum + (target - 1) ** 2, 0) / B;
    expect(Math.abs(error - ADDING_BASELINE)).toBeLessThan(0.004);
  });

  it.each<[string, number, number, number, number]>([
    ['T is 1, expected a whole number ≥ 2', 1, 1, 2, 1],
    ['B is 0, expected a whole number ≥ 1', 4, 0, 0, 0],
    ['x has 7 elements, expected [T,B,2] = [4,1,2]', 4, 1, 7, 1],
    ['targets has 2 elements, expected [B] = [1]', 4, 1, 8, 2],
  ])('says addingProblem: %s', (message, T, B, xLength, targetsLength) => {
    const call = (): void =>
      addingProblem(new Float64Array(xLength), new Float64Array(targetsLength), new RandomState(0), T, B);
    expect(call).toThrow(`addingProblem: ${message}`);
  });

  it('says that it got no stream of random numbers', () => {
    const call = (): void => addingProblem(new Float64Array(8), new Float64Array(1), {} as never, 4, 1);
    expect(call).toThrow('addingProblem: rng is {}, expected a RandomState');
  });
});
