import { describe, expect, it } from 'vitest';
import { sigmoidCrossEntropyBackward, sigmoidCrossEntropyForward } from '../../src/layers/sigmoidCrossEntropy.ts';
import { drawer, dtypes, expectNear, expectRejects, from, garbage, logistic, range } from './support.ts';

const R = 4;
const V = 3;

describe.each(dtypes)('sigmoid cross-entropy, %s', (dtype) => {
  const draw = drawer(dtype, 7);
  const z = draw(R * V, 2);
  const targets = draw(R * V).map((v) => Math.abs(v) % 1);
  const w = from(dtype, [1, 0.25, 0, 2]);

  it('losses = −w·Σ (y ln σ(z) + (1 − y) ln(1 − σ(z))), o = σ(z), both overwritten', () => {
    const [losses, o] = [garbage(dtype, R), garbage(dtype, R * V)];
    sigmoidCrossEntropyForward(losses, o, z, targets, w, R, V);
    expectNear(o, Array.from(z, logistic), 8);
    const want = range(R).map((r) => {
      const terms = range(V).map((k) => {
        const y = targets[r * V + k];
        return y * Math.log(logistic(z[r * V + k])) + (1 - y) * Math.log(1 - logistic(z[r * V + k]));
      });
      return -w[r] * terms.reduce((a, b) => a + b);
    });
    expectNear(losses, want, 16 * V);
    const inPlace = z.slice();
    sigmoidCrossEntropyForward(losses, inPlace, inPlace, targets, w, R, V);
    expect(inPlace).toStrictEqual(o);
  });

  it('never takes the logarithm of 0', () => {
    const losses = garbage(dtype, 4);
    const ones = from(dtype, [1, 1, 1, 1]);
    const far = from(dtype, [1000, 1000, -1000, -1000]);
    sigmoidCrossEntropyForward(losses, garbage(dtype, 4), far, from(dtype, [0, 1, 0, 1]), ones, 4, 1);
    expect(Array.from(losses)).toEqual([1000, 0, 0, 1000]);
  });

  it('dz = w·(o − y), overwritten, also in place', () => {
    const [dz, o] = [garbage(dtype, R * V), z.map(logistic)];
    sigmoidCrossEntropyBackward(dz, o, targets, w, R, V);
    expectNear(
      dz,
      range(R * V).map((i) => w[Math.floor(i / V)] * (o[i] - targets[i])),
      4,
    );
    sigmoidCrossEntropyBackward(o, o, targets, w, R, V);
    expect(o).toStrictEqual(dz);
  });

  it('refuses what does not fit', () => {
    const [losses, o] = [garbage(dtype, R), garbage(dtype, R * V)];
    let refused = expectRejects(sigmoidCrossEntropyForward, 'losses* o z targets w R V', [
      losses,
      o,
      z,
      targets,
      w,
      R,
      V,
    ]);
    refused += expectRejects(sigmoidCrossEntropyBackward, 'dz* o targets w R V', [o, z, targets, w, R, V]);
    expect(refused).toBe(3 * (5 + 4));
  });
});
