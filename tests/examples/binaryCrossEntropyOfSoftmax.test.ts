import { describe, expect, it } from 'vitest';
import { binaryCrossEntropyOfSoftmax } from '../../examples/binaryCrossEntropyOfSoftmax.ts';
import { gradcheck } from '../../src/bptt/gradcheck.ts';
import type { LossWindow } from '../../src/layers/loss.ts';
import { dtypeOf, type FloatArray } from '../../src/tensor/shape.ts';
import { drawer, dtypes, expectNear, from, garbage, range } from '../layers/support.ts';

const { forward, backward, outputs } = binaryCrossEntropyOfSoftmax;

/** A window of R rows of V logits, its results garbage. */
function windowOf(logits: FloatArray, targetValues: FloatArray, weights: FloatArray): LossWindow {
  const [R, n] = [weights.length, logits.length];
  const results = (length: number): FloatArray => garbage(dtypeOf(logits), length);
  const none = { targetIds: new Int32Array(0), lengths: new Int32Array(0), targetLengths: new Int32Array(0) };
  const sizes = { R, T: R, B: 1, V: n / R, S: 0 };
  return {
    ...{ ...sizes, ...none, logits, targetValues, weights, scratch: results(0) },
    ...{ losses: results(R), outputs: results(n), dlogits: results(n) },
  };
}

describe.each(dtypes)('binary cross-entropy of a softmax, %s', (dtype) => {
  const [R, V] = [4, 3];
  const draw = drawer(dtype, 9);
  const z = draw(R * V);
  const targets = draw(R * V); // any real numbers
  const weights = from(dtype, [1, 0.25, 0, 2]);

  it('losses = −w·Σ (y ln p + (1 − y) ln(1 − p)), p = softmax(z), both overwritten', () => {
    const window = windowOf(z, targets, weights);
    forward(window);
    const want = range(R).map((r) => {
      const e = range(V).map((k) => Math.exp(z[r * V + k]));
      const total = e.reduce((a, b) => a + b);
      expectNear(
        window.outputs.slice(r * V, (r + 1) * V),
        e.map((v) => v / total),
        8 * V,
      );
      const terms = e.map((v, k) => {
        const y = targets[r * V + k];
        return y * Math.log(v / total) + (1 - y) * Math.log(1 - v / total);
      });
      return -weights[r] * terms.reduce((a, b) => a + b);
    });
    expectNear(window.losses, want, 32 * V);
    const alone = garbage(dtype, R * V);
    outputs(alone, z, R, V);
    expect(alone).toStrictEqual(window.outputs);
  });

  it('is exact where one output is nearly 1', () => {
    const window = windowOf(from(dtype, [60, 0, 1]), from(dtype, [0.25, 0, 0.5]), from(dtype, [1]));
    forward(window);
    // ln p ≈ z − 60, ln(1 − p₀) = ln(1 + e) − 60; what is left out is e⁻⁵⁹.
    expectNear(window.losses, [0.75 * (60 - Math.log(1 + Math.E)) + 0.5 * 59], 16);
    backward(window);
    const rest = 1 + Math.E;
    expectNear(window.dlogits, [0.75 + 0.5, -0.75 / rest, (-0.75 * Math.E) / rest - 0.5], 64);
  });

  it('backward overwrites; rows of weight 0 have loss and gradient 0, whatever stands there', () => {
    const spoilt = z.slice();
    spoilt.set([Infinity, 0, 0], 2 * V);
    for (const logits of [z, spoilt]) {
      const window = windowOf(logits, targets, weights);
      forward(window);
      backward(window);
      const p = window.outputs;
      const want = range(R * V).map((i) => {
        const r = Math.floor(i / V);
        if (weights[r] === 0) return 0;
        const q = (k: number) => -targets[r * V + k] / p[r * V + k] + (1 - targets[r * V + k]) / (1 - p[r * V + k]);
        const dot = range(V).reduce((sum, k) => sum + q(k) * p[r * V + k], 0);
        return weights[r] * p[i] * (q(i % V) - dot);
      });
      expectNear(window.dlogits, want, 256);
      expect(window.losses[2]).toBe(0);
    }
  });
});

it('its gradient holds however far apart the logits are', () => {
  let checked = 0;
  for (const spread of [1, 10, 25, 40]) {
    const rng = drawer('float64', spread);
    const targets = rng(6);
    const weights = Float64Array.of(1, 0.5);
    const fn = {
      forward({ z }: { z: Float64Array }) {
        const window = windowOf(z, targets, weights);
        forward(window);
        return window.losses as Float64Array;
      },
      backward(dOut: Float64Array, { z }: { z: Float64Array }) {
        const window = windowOf(
          z,
          targets,
          weights.map((v, r) => v * dOut[r]),
        );
        forward(window);
        backward(window);
        return { z: window.dlogits as Float64Array };
      },
    };
    const report = gradcheck(fn, { z: rng(6, spread) as Float64Array });
    expect(report.failures).toEqual([]);
    checked += report.checked;
  }
  expect(checked).toBe(24);
});
