import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { additionBatch, additionProblem, binary2int, int2binary } from '../../src/data/index.ts';
import { RandomState } from '../../src/tensor/random.ts';

describe('int2binary', () => {
  it('writes the most significant bit first, and is read back', () => {
    expect(Array.from(int2binary(190))).toEqual([1, 0, 1, 1, 1, 1, 1, 0]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 53 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (n, u) => {
          const value = Math.floor(u * 2 ** n);
          expect(binary2int(int2binary(value, n))).toBe(value);
        },
      ),
    );
  });
});

describe('additionProblem', () => {
  it('gives the sums that the notebook printed', () => {
    const rng = new RandomState(0);
    const weights = 2 * 16 + 16 * 1 + 16 * 16;
    rng.randomSample(weights);
    additionProblem(rng); // the one step of a run that was stopped
    rng.randomSample(weights);
    const printed: string[] = [];
    for (let j = 0; j < 10000; j++) {
      const { aInt, bInt, cInt, c } = additionProblem(rng);
      expect(binary2int(c)).toBe(cInt);
      if (j % 1000 === 0) printed.push(`${aInt} + ${bInt}`);
    }
    expect(printed).toEqual([
      '123 + 67',
      '38 + 42',
      '37 + 122',
      '124 + 62',
      '0 + 108',
      '76 + 64',
      '47 + 0',
      '1 + 10',
      '74 + 120',
      '52 + 22',
    ]);
  });
});

describe('additionBatch', () => {
  it('lays the same problems out over time, least significant bit first', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 53 }), fc.integer({ min: 1, max: 5 }), (seed, T, B) => {
        const x = new Float64Array(T * B * 2).fill(NaN);
        const targets = new Float64Array(T * B).fill(NaN);
        additionBatch(x, targets, new RandomState(seed), T, B);
        const rng = new RandomState(seed);
        for (let b = 0; b < B; b++) {
          const problem = additionProblem(rng, T);
          const column = (a: Float64Array, stride: number, k: number): number =>
            binary2int(Array.from({ length: T }, (_, t) => a[(t * B + b) * stride + k]).reverse());
          expect([column(x, 2, 0), column(x, 2, 1)]).toEqual([problem.aInt, problem.bInt]);
          expect(column(targets, 1, 0)).toBe(problem.aInt + problem.bInt);
        }
      }),
    );
  });

  const rng = new RandomState(0);
  it.each<[string, () => unknown]>([
    ['int2binary: value is 256, expected a whole number from 0 to 255', () => int2binary(256)],
    ['int2binary: value is -1, expected', () => int2binary(-1)],
    ['int2binary: binaryDim is 54, expected a whole number from 1 to 53', () => int2binary(1, 54)],
    ['additionProblem: binaryDim is 0, expected', () => additionProblem(rng, 0)],
    ['additionBatch: T is 0, expected', () => additionBatch(new Float64Array(0), new Float64Array(0), rng, 0, 1)],
    ['additionBatch: B is 0, expected', () => additionBatch(new Float64Array(0), new Float64Array(0), rng, 8, 0)],
    [
      'additionBatch: x has 31 elements, expected [T,B,2] = [8,2,2]',
      () => additionBatch(new Float64Array(31), new Float64Array(16), rng, 8, 2),
    ],
    [
      'additionBatch: targets has 15 elements, expected [T,B,1] = [8,2,1]',
      () => additionBatch(new Float64Array(32), new Float64Array(15), rng, 8, 2),
    ],
  ])('says %s', (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });

  it('say that they got no stream of random numbers', () => {
    expect(() => additionProblem({} as never)).toThrow('additionProblem: rng is {}, expected a RandomState');
    const batch = (): void => additionBatch(new Float64Array(16), new Float64Array(8), {} as never, 8, 1);
    expect(batch).toThrow('additionBatch: rng is {}, expected a RandomState');
  });
});
