import { describe, expect, it } from 'vitest';
import { lstm, lstmPeephole } from '../../src/layers/lstm.ts';
import { blockOf, drawStep, dtypes, expectNumber, logistic, range } from './support.ts';

const B = 3;
const H = 4;
/** The longest way: about ten operations and three functions, each number up to about 4. */
const ROUNDINGS = 128;

const cells = [
  [false, lstm],
  [true, lstmPeephole],
] as const;

describe.each(dtypes)('the LSTM, %s', (dtype) => {
  it.each(cells)('rows i, f, g, o; peepholes %s', (_, cell) => {
    const { forward } = drawStep(cell, dtype, 4, B, H);
    cell.forward(forward, B, H);
    const [h, c] = forward.states;
    for (let i = 0; i < B * H; i++) {
      const prev = forward.previous[1][i];
      const sum = (gate: number) => blockOf(forward.xGates, 4, gate, H, i) + blockOf(forward.hGates, 4, gate, H, i);
      const seen = (row: number, state: number) => (forward.extra[0]?.[row * H + (i % H)] ?? 0) * state;
      const input = logistic(sum(0) + seen(0, prev));
      const forget = logistic(sum(1) + seen(1, prev));
      const g = Math.tanh(sum(2));
      const next = forget * prev + input * g;
      const o = logistic(sum(3) + seen(2, next));
      expectNumber(c[i], next, ROUNDINGS, dtype);
      expectNumber(h[i], o * Math.tanh(next), ROUNDINGS, dtype);
      for (const [block, want] of [input, forget, g, o, Math.tanh(next)].entries()) {
        expectNumber(blockOf(forward.saved, 5, block, H, i), want, ROUNDINGS, dtype);
      }
    }
  });

  it.each(cells)('backward overwrites all but the share of h past the product; peepholes %s', (peepholes, cell) => {
    const { forward, backward } = drawStep(cell, dtype, 5, B, H);
    cell.forward(forward, B, H);
    cell.backward(backward, B, H);
    for (let i = 0; i < B * H; i++) {
      const [input, forget, g, o, tc] = range(5).map((block) => blockOf(forward.saved, 5, block, H, i));
      const [prev, next] = [forward.previous[1][i], forward.states[1][i]];
      const [d, dc] = backward.dstates.map((values) => values[i]);
      const p = (row: number) => forward.extra[0]?.[row * H + (i % H)] ?? 0;
      const dao = d * tc * o * (1 - o);
      const dct = dc + d * o * (1 - tc * tc) + dao * p(2);
      const dai = dct * g * input * (1 - input);
      const daf = dct * prev * forget * (1 - forget);
      for (const [gate, want] of [dai, daf, dct * input * (1 - g * g), dao].entries()) {
        expectNumber(blockOf(backward.dxGates, 4, gate, H, i), want, ROUNDINGS, dtype);
      }
      expectNumber(backward.dprevious[1][i], dct * forget + dai * p(0) + daf * p(1), ROUNDINGS, dtype);
      if (!peepholes) continue;
      for (const [row, want] of [dai * prev, daf * prev, dao * next].entries()) {
        expectNumber(blockOf(backward.dextra[0], 3, row, H, i), want, ROUNDINGS, dtype);
      }
    }
    expect(backward.dprevious[0].every(Number.isNaN)).toBe(true);
  });
});

it('the forget gate begins open', () => {
  expect(lstm.initialBias).toEqual([0, 1, 0, 0]);
  expect(lstmPeephole.extra).toEqual({ weight_peephole: { blocks: 3 } });
});
