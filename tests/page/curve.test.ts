import { expect, test } from 'vitest';
import { Curve } from '../../page/curve.ts';

test('few values are the points themselves, numbered from where the curve begins', () => {
  const curve = new Curve(50, 8);
  for (const value of [3, 1, 2]) curve.add(value);
  expect(curve.points).toEqual([
    [51, 3],
    [52, 1],
    [53, 2],
  ]);
  expect(curve.last).toBe(53);
});

test('many values are means of equally many, and never more points than were asked for', () => {
  const curve = new Curve(0, 8);
  for (let n = 1; n <= 1000; n++) {
    curve.add(n);
    expect(curve.points.length).toBeLessThan(8);
  }
  // 1000 values in fewer than 8 points: 128 each, and 104 that make no point yet
  expect(curve.points).toEqual(Array.from({ length: 7 }, (_, i) => [128 * (i + 1), 128 * i + 64.5]));
});
