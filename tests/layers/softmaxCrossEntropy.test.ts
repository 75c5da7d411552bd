import { describe, expect, it } from 'vitest';
import { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from '../../src/layers/softmaxCrossEntropy.ts';
import { drawer, dtypes, expectNear, expectRejects, from, garbage, range } from './support.ts';

const R = 4;
const V = 5;
const targets = Int32Array.of(0, 4, 2, 2);

describe.each(dtypes)('softmax cross-entropy, %s', (dtype) => {
  const z = drawer(dtype, 6)(R * V, 2);
  const w = from(dtype, [1, 0.25, 0, 2]);

  it('losses = −w·ln softmax(z)[target], p = softmax(z), both overwritten', () => {
    const [losses, p] = [garbage(dtype, R), garbage(dtype, R * V)];
    softmaxCrossEntropyForward(losses, p, z, targets, w, R, V);
    const want = range(R * V).map((i) => {
      const row = range(V).map((k) => Math.exp(z[i - (i % V) + k]));
      return row[i % V] / row.reduce((a, b) => a + b);
    });
    expectNear(p, want, 8 * V);
    expectNear(
      losses,
      range(R).map((r) => -w[r] * Math.log(want[r * V + targets[r]])),
      16 * V,
    );
    const inPlace = z.slice();
    softmaxCrossEntropyForward(losses, inPlace, inPlace, targets, w, R, V);
    expect(inPlace).toStrictEqual(p);
  });

  it('a probability that underflows costs its true amount, and one of weight 0 nothing', () => {
    const losses = garbage(dtype, 3);
    const far = from(dtype, [5000, 0, 0, 5000, 0, 5000]);
    const p = garbage(dtype, 6);
    softmaxCrossEntropyForward(losses, p, far, Int32Array.of(1, 1, 0), from(dtype, [1, 1, 0]), 3, 2);
    expect(Array.from(losses)).toEqual([5000, 0, 0]);
    expect(Array.from(p)).toEqual([1, 0, 0, 1, 0, 1]);
  });

  it('dz = w·(p − onehot), overwritten, also in place; each row sums to 0', () => {
    const [losses, p] = [garbage(dtype, R), garbage(dtype, R * V)];
    softmaxCrossEntropyForward(losses, p, z, targets, w, R, V);
    const dz = garbage(dtype, R * V);
    softmaxCrossEntropyBackward(dz, p, targets, w, R, V);
    const want = range(R * V).map((i) => {
      const r = Math.floor(i / V);
      return w[r] * (p[i] - (targets[r] === i % V ? 1 : 0));
    });
    expectNear(dz, want, 4);
    for (let r = 0; r < R; r++) {
      expectNear(from(dtype, [range(V).reduce((sum, k) => sum + dz[r * V + k], 0)]), [0], 8 * V);
    }
    const inPlace = p.slice();
    softmaxCrossEntropyBackward(inPlace, inPlace, targets, w, R, V);
    expect(inPlace).toStrictEqual(dz);
  });

  it('refuses what does not fit', () => {
    const [losses, p] = [garbage(dtype, R), garbage(dtype, R * V)];
    let refused = expectRejects(softmaxCrossEntropyForward, 'losses* p z targets w R V', [
      losses,
      p,
      z,
      targets,
      w,
      R,
      V,
    ]);
    refused += expectRejects(softmaxCrossEntropyBackward, 'dz* p targets w R V', [p, z, targets, w, R, V]);
    expect(refused).toBe(3 * 4 + 2 + 3 * 3 + 2);
    for (const bad of [-1, V]) {
      const wrong = Int32Array.of(0, bad, 0, 0);
      const message = `targets[1] is ${bad}, expected 0 … ${V - 1}`;
      expect(() => softmaxCrossEntropyForward(losses, p, z, wrong, w, R, V)).toThrow(
        RangeError(`softmaxCrossEntropyForward: ${message}`),
      );
      expect(() => softmaxCrossEntropyBackward(p, z, wrong, w, R, V)).toThrow(
        `softmaxCrossEntropyBackward: ${message}`,
      );
    }
  });
});
