import { expect, it } from 'vitest';
import { setSimd, simdCounts } from '../../src/simd/choice.ts';

it('an unknown mode is refused and changes nothing', () => {
  expect(() => setSimd('sometimes' as 'auto')).toThrow(
    new RangeError('setSimd: mode is sometimes, expected auto, always, never'),
  );
});

it('the counts are a copy', () => {
  const counts = simdCounts();
  counts.simd = 7;
  expect(simdCounts()).toEqual({ simd: 0, plain: 0 });
});
