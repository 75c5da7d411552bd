import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyingBaseline, copyingProblem, copyingSteps } from '../../src/data/index.ts';
import { RandomState } from '../../src/tensor/random.ts';

describe('copyingProblem', () => {
  it('shows symbols, blanks, the sign to start, and asks for the symbols', () => {
    const sizes = { delay: 3, B: 1, symbols: 2, alphabet: 4 };
    const ids = new Int32Array(7);
    const targets = new Int32Array(7);
    copyingProblem(ids, targets, new RandomState(0), sizes);
    const [first, second] = new RandomState(0).randint(4, undefined, 2);
    expect(Array.from(ids)).toEqual([first, second, 4, 4, 5, 4, 4]);
    expect(Array.from(targets)).toEqual([4, 4, 4, 4, 4, first, second]);
  });

  it('asks at the end for what it showed at the start, in every sequence', () => {
    const size = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(fc.nat(), size, size, size, size, (seed, delay, B, symbols, alphabet) => {
        const steps = copyingSteps(delay, symbols);
        const ids = new Int32Array(steps * B).fill(-1);
        const targets = new Int32Array(steps * B).fill(-1);
        copyingProblem(ids, targets, new RandomState(seed), { delay, B, symbols, alphabet });
        expect(Array.from(targets.subarray(-symbols * B))).toEqual(Array.from(ids.subarray(0, symbols * B)));
        expect(ids.subarray(0, symbols * B).every((id) => id >= 0 && id < alphabet)).toBe(true);
        expect(targets.subarray(0, -symbols * B).every((id) => id === alphabet)).toBe(true);
        const rest = Array.from(ids.subarray(symbols * B));
        expect(rest.filter((id) => id === alphabet + 1).length).toBe(B);
        expect(rest.filter((id) => id === alphabet).length).toBe(rest.length - B);
        expect(rest.slice((delay - 1) * B, delay * B).every((id) => id === alphabet + 1)).toBe(true);
      }),
    );
  });

  it('has the sizes and the baseline of the paper by default', () => {
    expect(copyingSteps(500)).toBe(520);
    expect(copyingBaseline(500)).toBeCloseTo((10 * Math.log(8)) / 520, 15);
    const ids = new Int32Array(21);
    copyingProblem(ids, new Int32Array(21), new RandomState(0), { delay: 1, B: 1 });
    expect(ids[10]).toBe(9);
  });

  it.each<[string, number, object]>([
    ['delay is 0, expected a whole number ≥ 1', 6, { delay: 0 }],
    ['B is 1.5, expected', 6, { B: 1.5 }],
    ['symbols is 0, expected', 6, { symbols: 0 }],
    ['alphabet is NaN, expected', 6, { alphabet: NaN }],
    ['ids has 5 elements, expected [delay+2S,B] = [6,1]', 5, {}],
  ])('says copyingProblem: %s', (message, length, change) => {
    const sizes = { delay: 2, B: 1, symbols: 2, alphabet: 3, ...change };
    const call = (): void => copyingProblem(new Int32Array(length), new Int32Array(6), new RandomState(0), sizes);
    expect(call).toThrow(`copyingProblem: ${message}`);
  });

  it('checks the targets too', () => {
    const call = (): void =>
      copyingProblem(new Int32Array(6), new Int32Array(7), new RandomState(0), { delay: 2, B: 1, symbols: 2 });
    expect(call).toThrow('copyingProblem: targets has 7 elements, expected [delay+2S,B] = [6,1]');
  });

  it('says that it got no stream of random numbers', () => {
    const call = (): void =>
      copyingProblem(new Int32Array(6), new Int32Array(6), {} as never, { delay: 2, B: 1, symbols: 2 });
    expect(call).toThrow('copyingProblem: rng is {}, expected a RandomState');
  });
});
