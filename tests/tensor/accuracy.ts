import fc from 'fast-check';
import { exactly, ulpsOff } from './bigReal.ts';

/** Evenly spread float64 in [min, max], all their bits at random. */
export function evenly(min: number, max: number): fc.Arbitrary<number> {
  return fc
    .tuple(fc.nat({ max: 2 ** 27 - 1 }), fc.nat({ max: 2 ** 26 - 1 }))
    .map(([high, low]) => min + (max - min) * ((high * 2 ** 26 + low) / 2 ** 53));
}

/** Float64 of either sign with exponents evenly spread from `least` to `most`. */
export function anySize(least: number, most: number): fc.Arbitrary<number> {
  return fc
    .tuple(fc.integer({ min: least, max: most }), evenly(1, 2), fc.constantFrom(1, -1))
    .map(([exponent, mantissa, sign]) => sign * mantissa * 2 ** exponent);
}

/** Holds a function of float64 against the same one to hundreds of digits. */
export function expectAccurate<A extends number[]>(
  f: (...args: A) => number,
  exact: (...args: bigint[]) => bigint,
  args: fc.Arbitrary<A>,
  ulps: number,
): void {
  const property = fc.property(args, (x) => {
    const got = f(...x);
    const off = ulpsOff(got, exact(...x.map(exactly)));
    if (!(off <= ulps)) throw new Error(`${f.name}(${x}) is ${got}, ${off} ulp off, expected at most ${ulps}`);
  });
  fc.assert(property, { numRuns: 200 });
}
