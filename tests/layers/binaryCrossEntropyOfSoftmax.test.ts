import { describe, expect, it } from 'vitest';
import { gradcheck } from '../../src/bptt/gradcheck.ts';
import {
  binaryCrossEntropyOfSoftmaxBackward,
  binaryCrossEntropyOfSoftmaxForward,
} from '../../src/layers/binaryCrossEntropyOfSoftmax.ts';
import { drawer, dtypes, expectNear, expectRejects, from, garbage, range } from './support.ts';

const R = 4;
const V = 3;

describe.each(dtypes)('binary cross-entropy of a softmax, %s', (dtype) => {
  const draw = drawer(dtype, 9);
  const z = draw(R * V);
  const targets = draw(R * V); // any real numbers
  const w = from(dtype, [1, 0.25, 0, 2]);

  it('losses = −w·Σ (y ln p + (1 − y) ln(1 − p)), p = softmax(z), both overwritten', () => {
    const [losses, p] = [garbage(dtype, R), garbage(dtype, R * V)];
    binaryCrossEntropyOfSoftmaxForward(losses, p, z, targets, w, R, V);
    const want = range(R).map((r) => {
      const e = range(V).map((k) => Math.exp(z[r * V + k]));
      const total = e.reduce((a, b) => a + b);
      expectNear(
        p.slice(r * V, (r + 1) * V),
        e.map((v) => v / total),
        8 * V,
      );
      const terms = e.map((v, k) => {
        const y = targets[r * V + k];
        return y * Math.log(v / total) + (1 - y) * Math.log(1 - v / total);
      });
      return -w[r] * terms.reduce((a, b) => a + b);
    });
    expectNear(losses, want, 32 * V);
    const inPlace = z.slice();
    binaryCrossEntropyOfSoftmaxForward(losses, inPlace, inPlace, targets, w, R, V);
    expect(inPlace).toStrictEqual(p);
  });

  it('is exact where one output is nearly 1', () => {
    const far = from(dtype, [60, 0, 1]);
    const y = from(dtype, [0.25, 0, 0.5]);
    const one = from(dtype, [1]);
    const [losses, p, dz] = [1, 3, 3].map((n) => garbage(dtype, n));
    binaryCrossEntropyOfSoftmaxForward(losses, p, far, y, one, 1, 3);
    // ln p ≈ z − 60, ln(1 − p₀) = ln(1 + e) − 60; what is left out is e⁻⁵⁹.
    expectNear(losses, [0.75 * (60 - Math.log(1 + Math.E)) + 0.5 * 59], 16);
    binaryCrossEntropyOfSoftmaxBackward(dz, p, y, one, 1, 3);
    expectNear(dz, [0.75 + 0.5, -0.75 / (1 + Math.E), (-0.75 * Math.E) / (1 + Math.E) - 0.5], 64);
  });

  it('backward overwrites, also in place; rows of weight 0 are 0', () => {
    const [losses, p, dz] = [R, R * V, R * V].map((n) => garbage(dtype, n));
    binaryCrossEntropyOfSoftmaxForward(losses, p, z, targets, w, R, V);
    binaryCrossEntropyOfSoftmaxBackward(dz, p, targets, w, R, V);
    const want = range(R * V).map((i) => {
      const r = Math.floor(i / V);
      const q = (k: number) => -targets[r * V + k] / p[r * V + k] + (1 - targets[r * V + k]) / (1 - p[r * V + k]);
      const dot = range(V).reduce((sum, k) => sum + q(k) * p[r * V + k], 0);
      return w[r] * p[i] * (q(i % V) - dot);
    });
    expectNear(dz, want, 256);
    expect(Array.from(dz.slice(2 * V, 3 * V))).toEqual([0, 0, 0]);
    const inPlace = p.slice();
    binaryCrossEntropyOfSoftmaxBackward(inPlace, inPlace, targets, w, R, V);
    expect(inPlace).toStrictEqual(dz);
    const silent = from(dtype, [1, 0]);
    binaryCrossEntropyOfSoftmaxBackward(silent, silent, from(dtype, [0, 1]), from(dtype, [0]), 1, 2);
    expect(Array.from(silent)).toEqual([0, 0]);
  });

  it('refuses what does not fit', () => {
    const [losses, p] = [garbage(dtype, R), garbage(dtype, R * V)];
    const forward = 'losses* p z targets w R V';
    let refused = expectRejects(binaryCrossEntropyOfSoftmaxForward, forward, [losses, p, z, targets, w, R, V]);
    refused += expectRejects(binaryCrossEntropyOfSoftmaxBackward, 'dz* p targets w R V', [p, z, targets, w, R, V]);
    expect(refused).toBe(3 * (5 + 4));
  });
});

it('its gradient holds however far apart the logits are', () => {
  let checked = 0;
  for (const spread of [1, 10, 25, 40]) {
    const rng = drawer('float64', spread);
    const targets = rng(6) as Float64Array;
    const one = Float64Array.of(1, 0.5);
    const p = new Float64Array(6);
    const fn = {
      forward({ z }: { z: Float64Array }) {
        const losses = new Float64Array(2);
        binaryCrossEntropyOfSoftmaxForward(losses, p, z, targets, one, 2, 3);
        return losses;
      },
      backward(dOut: Float64Array) {
        const dz = new Float64Array(6);
        const w = one.map((v, r) => v * dOut[r]);
        binaryCrossEntropyOfSoftmaxBackward(dz, p, targets, w, 2, 3);
        return { z: dz };
      },
    };
    const report = gradcheck(fn, { z: rng(6, spread) as Float64Array });
    expect(report.failures).toEqual([]);
    checked += report.checked;
  }
  expect(checked).toBe(24);
});
