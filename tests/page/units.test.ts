import { expect, test } from 'vitest';
import { highest, orderUnits } from '../../page/units.ts';

// Four units over four steps: a ramp, a constant, the ramp doubled, and the ramp turned round.
const states = [0, 5, 0, 3, 1, 5, 2, 2, 2, 5, 4, 1, 3, 5, 6, 0];

test('units in the order of their number, variance and similarity', () => {
  expect(orderUnits(states, 4, 4, 'index')).toEqual([0, 1, 2, 3]);
  expect(orderUnits(states, 4, 4, 'variance')).toEqual([2, 0, 3, 1]);
  // from the liveliest, the ramp is fully correlated; of those left both count as −1, the first in the order of variance
  expect(orderUnits(states, 4, 4, 'similarity')).toEqual([2, 0, 3, 1]);
  const turned = states.map((value, i) => (i % 4 === 0 ? 3 * value : value));
  expect(orderUnits(turned, 4, 4, 'similarity')).toEqual([0, 2, 3, 1]);
});

test('where a unit is highest, with what led there', () => {
  expect(highest(states, 4, 3, ['a', 'b', 'c', 'd'], 2, 1)).toEqual([
    { t: 0, value: 3, context: 'a' },
    { t: 1, value: 2, context: 'ab' },
  ]);
});
