import { describe, expect, it } from 'vitest';
import { gru } from '../../src/layers/gru.ts';
import { blockOf, drawStep, dtypes, expectNumber, logistic, range } from './support.ts';

const B = 3;
const H = 4;
/** The longest way: three sums, three products, three functions within an ulp or two, each number up to about 4. */
const ROUNDINGS = 64;

describe.each(dtypes)('the GRU, %s', (dtype) => {
  it('rows r, z, n, the reset after the product', () => {
    const { forward } = drawStep(gru, dtype, 2, B, H);
    gru.forward(forward, B, H);
    for (let i = 0; i < B * H; i++) {
      const [x, h] = [0, 1].map((k) => (gate: number) => blockOf(k ? forward.hGates : forward.xGates, 3, gate, H, i));
      const r = logistic(x(0) + h(0));
      const z = logistic(x(1) + h(1));
      const n = Math.tanh(x(2) + r * h(2));
      expectNumber(forward.states[0][i], (1 - z) * n + z * forward.previous[0][i], ROUNDINGS, dtype);
      for (const [block, want] of [r, z, n, h(2)].entries()) {
        expectNumber(blockOf(forward.saved, 4, block, H, i), want, ROUNDINGS, dtype);
      }
    }
  });

  it('a gate z of 1 keeps the state, a gate of 0 takes the new', () => {
    for (const [gate, keeps] of [
      [60, true],
      [-60, false],
    ] as const) {
      const { forward } = drawStep(gru, dtype, 2, B, H);
      for (let b = 0; b < B; b++) forward.xGates.fill(gate * 4, b * 3 * H + H, b * 3 * H + 2 * H);
      gru.forward(forward, B, H);
      for (let i = 0; i < B * H; i++) {
        const want = keeps ? forward.previous[0][i] : blockOf(forward.saved, 4, 2, H, i);
        expectNumber(forward.states[0][i], want, 4, dtype);
      }
    }
  });

  it('backward: the gradients of both products, which agree where the formulas do, and of the state past them', () => {
    const { forward, backward } = drawStep(gru, dtype, 3, B, H);
    gru.forward(forward, B, H);
    gru.backward(backward, B, H);
    for (let i = 0; i < B * H; i++) {
      const [r, z, n, hn] = range(4).map((block) => blockOf(forward.saved, 4, block, H, i));
      const d = backward.dstates[0][i];
      const dn = d * (1 - z) * (1 - n * n);
      const want = [dn * hn * r * (1 - r), d * (forward.previous[0][i] - n) * z * (1 - z), dn];
      for (const [gate, value] of want.entries()) {
        expectNumber(blockOf(backward.dxGates, 3, gate, H, i), value, ROUNDINGS, dtype);
        const ofH = blockOf(backward.dhGates, 3, gate, H, i);
        if (gate === 2) expectNumber(ofH, dn * r, ROUNDINGS, dtype);
        else expect(ofH).toBe(blockOf(backward.dxGates, 3, gate, H, i));
      }
      expectNumber(backward.dprevious[0][i], d * z, ROUNDINGS, dtype);
    }
  });
});
