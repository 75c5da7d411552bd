import { expect, test } from 'vitest';
import { contours, type GridPoint } from '../../cli/contour.ts';

const area = (outline: GridPoint[]) =>
  outline.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = outline[(i + 1) % outline.length]!;
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);

test('a grid above the level is outlined along its border, one below not at all', () => {
  const outlines = contours([1, 2, 3, 4, 5, 6], 2, 3, 0);
  expect(outlines).toHaveLength(1);
  expect(Math.abs(area(outlines[0]!))).toBe(2);
  expect(contours([1, 2, 3, 4, 5, 6], 2, 3, 7)).toEqual([]);
});

test('a cone is cut in a circle, a ring in two outlines of opposite sense', () => {
  const n = 41;
  const radius = Array.from({ length: n * n }, (_, i) => Math.hypot((i % n) - 20, Math.floor(i / n) - 20));
  const disc = contours(
    radius.map((r) => -r),
    n,
    n,
    -10,
  );
  expect(disc).toHaveLength(1);
  expect(Math.abs(area(disc[0]!))).toBeCloseTo(Math.PI * 100, -1);

  const ring = contours(
    radius.map((r) => -Math.abs(r - 10)),
    n,
    n,
    -3,
  ).map(area);
  expect(ring).toHaveLength(2);
  expect(ring[0]! * ring[1]!).toBeLessThan(0);
  expect(Math.abs(ring[0]! + ring[1]!)).toBeCloseTo(Math.PI * (13 ** 2 - 7 ** 2), -1);
});

test('two corners of a saddle stay apart and every outline is closed', () => {
  const outlines = contours([1, 0, 0, 1], 2, 2, 0.5);
  expect(outlines).toHaveLength(2);
  for (const outline of outlines) expect(outline.length).toBeGreaterThanOrEqual(3);
  expect(contours([0, 1, 1, 0], 2, 2, 0.5)).toHaveLength(2);
});
