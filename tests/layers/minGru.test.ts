import { describe, expect, it } from 'vitest';
import { minGru } from '../../src/layers/minGru.ts';
import { blockOf, drawStep, dtypes, expectNumber, logistic } from './support.ts';

const B = 3;
const H = 4;
/** The longest way: two sums, two products, one function within an ulp or two, each number up to about 4. */
const ROUNDINGS = 32;

describe.each(dtypes)('the minimal GRU, %s', (dtype) => {
  it('rows z, n: the state moves from the one before towards n by the share z', () => {
    const { forward } = drawStep(minGru, dtype, 2, B, H);
    minGru.forward(forward, B, H);
    for (let i = 0; i < B * H; i++) {
      const z = logistic(blockOf(forward.xGates, 2, 0, H, i));
      const n = blockOf(forward.xGates, 2, 1, H, i);
      const prev = forward.previous[0][i];
      expectNumber(forward.states[0][i], prev + z * (n - prev), ROUNDINGS, dtype);
      expectNumber(blockOf(forward.saved, 2, 0, H, i), z, ROUNDINGS, dtype);
      expect(blockOf(forward.saved, 2, 1, H, i)).toBe(n);
    }
  });

  it('backward: the gradients of the gates and of the state before', () => {
    const { forward, backward } = drawStep(minGru, dtype, 3, B, H);
    minGru.forward(forward, B, H);
    minGru.backward(backward, B, H);
    for (let i = 0; i < B * H; i++) {
      const z = blockOf(forward.saved, 2, 0, H, i);
      const n = blockOf(forward.saved, 2, 1, H, i);
      const d = backward.dstates[0][i];
      expectNumber(
        blockOf(backward.dxGates, 2, 0, H, i),
        d * (n - forward.previous[0][i]) * z * (1 - z),
        ROUNDINGS,
        dtype,
      );
      expectNumber(blockOf(backward.dxGates, 2, 1, H, i), d * z, ROUNDINGS, dtype);
      expectNumber(backward.dprevious[0][i], d * (1 - z), ROUNDINGS, dtype);
    }
  });
});
