import { describe, expect, it } from 'vitest';
import { squaredErrorBackward, squaredErrorForward } from '../../src/layers/squaredError.ts';
import { drawer, dtypes, expectNear, expectRejects, from, garbage, range } from './support.ts';

const R = 4;
const V = 3;

describe.each(dtypes)('squared error, %s', (dtype) => {
  const draw = drawer(dtype, 8);
  const o = draw(R * V);
  const targets = draw(R * V);
  const w = from(dtype, [1, 0.5, 0, 2]);

  it('losses = w·Σ (o − y)², overwritten', () => {
    const losses = garbage(dtype, R);
    squaredErrorForward(losses, o, targets, w, R, V);
    const want = range(R).map((r) => w[r] * range(V).reduce((s, k) => s + (o[r * V + k] - targets[r * V + k]) ** 2, 0));
    expectNear(losses, want, 8 * V);
  });

  it('a row of weight 0 costs nothing, whatever it says', () => {
    const losses = garbage(dtype, 1);
    squaredErrorForward(losses, from(dtype, [Infinity]), from(dtype, [0]), from(dtype, [0]), 1, 1);
    expect(losses[0]).toBe(0);
  });

  it('dout = 2·w·(o − y), overwritten, also in place', () => {
    const dout = garbage(dtype, R * V);
    squaredErrorBackward(dout, o, targets, w, R, V);
    expectNear(
      dout,
      range(R * V).map((i) => 2 * w[Math.floor(i / V)] * (o[i] - targets[i])),
      4,
    );
    const inPlace = o.slice();
    squaredErrorBackward(inPlace, inPlace, targets, w, R, V);
    expect(inPlace).toStrictEqual(dout);
  });

  it('refuses what does not fit', () => {
    const losses = garbage(dtype, R);
    let refused = expectRejects(squaredErrorForward, 'losses* o targets w R V', [losses, o, targets, w, R, V]);
    refused += expectRejects(squaredErrorBackward, 'dout* o targets w R V', [o.slice(), o, targets, w, R, V]);
    expect(refused).toBe(3 * (4 + 4));
  });
});
