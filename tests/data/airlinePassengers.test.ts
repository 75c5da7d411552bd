import { expect, it } from 'vitest';
import { airlinePassengers } from '../../src/data/index.ts';

it('is series G of Box & Jenkins: 144 months with the known sums', () => {
  const series = airlinePassengers();
  expect(series).toHaveLength(144);
  expect([series[0], series[143]]).toEqual([112, 432]);
  expect([Math.min(...series), Math.max(...series)]).toEqual([104, 622]);
  expect(series.reduce((sum, v) => sum + v)).toBe(40363);
  const years = Array.from({ length: 12 }, (_, y) => series.subarray(12 * y, 12 * y + 12).reduce((sum, v) => sum + v));
  expect(years).toEqual([1520, 1676, 2042, 2364, 2700, 2867, 3408, 3939, 4421, 4572, 5140, 5714]);
  // the means of the months, times 12
  const months = Array.from({ length: 12 }, (_, m) =>
    series.filter((_, i) => i % 12 === m).reduce((sum, v) => sum + v),
  );
  expect(months).toEqual([2901, 2820, 3242, 3205, 3262, 3740, 4216, 4213, 3629, 3199, 2794, 3142]);
  // the mean and the sample standard deviation that textbooks print
  const mean = 40363 / 144;
  expect(mean).toBeCloseTo(280.298611, 6);
  expect(Math.sqrt(series.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 143)).toBeCloseTo(119.966317, 6);
});

it('is a new array each time', () => {
  airlinePassengers().fill(0);
  expect(airlinePassengers()[0]).toBe(112);
});
