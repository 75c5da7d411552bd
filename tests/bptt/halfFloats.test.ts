import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BF16, F16, halfOfNumber, numberOfHalf } from '../../src/bptt/halfFloats.ts';

describe.each([
  ['F16', F16],
  ['BF16', BF16],
] as const)('%s', (name, format) => {
  /** All numbers ≥ 0, and the infinity behind them, by their bits; they rise with the bits. */
  const numbers = Array.from({ length: format.infinity + 1 }, (_, half) => numberOfHalf(half, format));

  it('all bits: numbers in order, signs, infinities, NaN, and back', () => {
    expect(numbers[0]).toBe(0);
    expect(numbers.at(-1)).toBe(Infinity);
    let disorder = 0;
    let unlike = 0;
    for (let half = 0; half <= format.infinity; half++) {
      if (half > 0 && !(numbers[half] > numbers[half - 1])) disorder++;
      if (!Object.is(numberOfHalf(half | 0x8000, format), -numbers[half])) unlike++;
      if (halfOfNumber(numbers[half], format) !== half) unlike++;
      if (halfOfNumber(-numbers[half], format) !== (half | 0x8000)) unlike++;
    }
    for (let half = format.infinity + 1; half < 0x8000; half++) if (!Number.isNaN(numberOfHalf(half, format))) unlike++;
    expect([disorder, unlike]).toEqual([0, 0]);
    expect(numberOfHalf(halfOfNumber(NaN, format), format)).toBeNaN();
  });

  it('every number rounds to the nearest, halves to even', () => {
    // beyond the largest number the next one would be at twice the last step
    const ends = [...numbers.slice(0, -1), 2 * numbers[format.infinity - 1] - numbers[format.infinity - 2]];
    const between = fc.tuple(fc.nat(format.infinity - 1), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(between, ([half, share]) => {
        const [low, high] = [ends[half], ends[half + 1]];
        const middle = low + (high - low) / 2; // exact: a half has few digits
        const x = low + (high - low) * share;
        const wanted = x < middle ? half : x > middle ? half + 1 : half + (half % 2);
        expect(halfOfNumber(x, format)).toBe(wanted);
        expect(halfOfNumber(middle, format)).toBe(half + (half % 2));
        expect(halfOfNumber(-middle, format)).toBe(0x8000 | (half + (half % 2)));
        // one rounding of float64, not two by way of float32
        expect(halfOfNumber(middle * (1 + 2 ** -52), format)).toBe(half + 1);
        expect(halfOfNumber(middle * (1 - 2 ** -53), format)).toBe(half);
      }),
      { numRuns: 2000 },
    );
    for (const x of [1e300, 1e39, Infinity]) expect(halfOfNumber(x, format)).toBe(format.infinity);
    expect(halfOfNumber(5e-324, format)).toBe(0);
    expect(halfOfNumber(-5e-324, format)).toBe(0x8000);
    expect(name).toBe(format.fraction === 10 ? 'F16' : 'BF16');
  });
});

it('known numbers', () => {
  // IEEE 754 binary16
  const halves = [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
  ];
  for (const [half, x] of halves) expect(numberOfHalf(half, F16)).toBe(x);
  expect(halfOfNumber(65519.99, F16)).toBe(0x7bff);
  expect(halfOfNumber(65520, F16)).toBe(0x7c00);
  // a bfloat16 is the upper half of a float32
  const words = new Uint32Array(1);
  const float = new Float32Array(words.buffer);
  let unlike = 0;
  for (let half = 0; half < 0x10000; half++) {
    words[0] = half << 16;
    if (!Object.is(numberOfHalf(half, BF16), float[0])) unlike++;
  }
  expect(unlike).toBe(0);
});
