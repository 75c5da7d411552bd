import { describe, it } from 'vitest';
import { gruResetBefore } from '../../src/layers/gruResetBefore.ts';
import { blockOf, drawStep, dtypes, expectNumber, logistic, range } from './support.ts';

const B = 3;
const H = 4;
/** The longest way: three sums, three products, three functions within an ulp or two, each number up to about 4. */
const ROUNDINGS = 64;

describe.each(dtypes)('the GRU with the reset before the product, %s', (dtype) => {
  it('rows r, z, n in two parts', () => {
    const { forward } = drawStep(gruResetBefore, dtype, 3, B, H);
    gruResetBefore.forward(forward, B, H);
    gruResetBefore.innerForward!(forward, B, H);
    const { xGates, hGates, innerGates, operand, saved, states, previous } = forward;
    for (let i = 0; i < B * H; i++) {
      const r = logistic(blockOf(xGates, 3, 0, H, i) + blockOf(hGates, 2, 0, H, i));
      const z = logistic(blockOf(xGates, 3, 1, H, i) + blockOf(hGates, 2, 1, H, i));
      const n = Math.tanh(blockOf(xGates, 3, 2, H, i) + innerGates[i]);
      expectNumber(operand[i], r * previous[0][i], ROUNDINGS, dtype);
      expectNumber(states[0][i], (1 - z) * n + z * previous[0][i], ROUNDINGS, dtype);
      for (const [block, want] of [r, z, n].entries()) {
        expectNumber(blockOf(saved, 3, block, H, i), want, ROUNDINGS, dtype);
      }
    }
  });

  it('backward in two parts: of the inner gates, and with the gradient of the operand of everything else', () => {
    const { forward, backward } = drawStep(gruResetBefore, dtype, 4, B, H);
    gruResetBefore.forward(forward, B, H);
    gruResetBefore.innerForward!(forward, B, H);
    gruResetBefore.innerBackward!(backward, B, H);
    gruResetBefore.backward(backward, B, H);
    const { dxGates, dhGates, dinnerGates, doperand, dprevious, dstates } = backward;
    for (let i = 0; i < B * H; i++) {
      const [r, z, n] = range(3).map((block) => blockOf(forward.saved, 3, block, H, i));
      const [d, prev, drh] = [dstates[0][i], forward.previous[0][i], doperand[i]];
      const dan = d * (1 - z) * (1 - n * n);
      expectNumber(dinnerGates[i], dan, ROUNDINGS, dtype);
      const want = [drh * prev * r * (1 - r), d * (prev - n) * z * (1 - z), dan];
      for (const [gate, value] of want.entries()) {
        expectNumber(blockOf(dxGates, 3, gate, H, i), value, ROUNDINGS, dtype);
        if (gate < 2) expectNumber(blockOf(dhGates, 2, gate, H, i), value, ROUNDINGS, dtype);
      }
      expectNumber(dprevious[0][i], d * z + drh * r, ROUNDINGS, dtype);
    }
  });
});
