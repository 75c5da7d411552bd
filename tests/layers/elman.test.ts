import { describe, expect, it } from 'vitest';
import { elman, type Nonlinearity } from '../../src/layers/elman.ts';
import { drawStep, dtypes, expectNumber, logistic } from './support.ts';

const B = 3;
const H = 4;
const functions: [Nonlinearity, (z: number) => number, (h: number) => number][] = [
  ['tanh', Math.tanh, (h) => 1 - h * h],
  ['sigmoid', logistic, (h) => h * (1 - h)],
  ['relu', (z) => Math.max(z, 0), (h) => (h > 0 ? 1 : 0)],
  ['identity', (z) => z, () => 1],
];

describe.each(dtypes)('the Elman cell, %s', (dtype) => {
  // One sum, one function within an ulp or two, one rounding to the array.
  const ROUNDINGS = 8;

  it.each(functions)('h = f(x + h), dx = f′·d, f = %s', (name, f, derivative) => {
    const cell = elman[name];
    const { forward, backward } = drawStep(cell, dtype, 1, B, H);
    cell.forward(forward, B, H);
    cell.backward(backward, B, H);
    const [h] = forward.states;
    for (let i = 0; i < B * H; i++) {
      expectNumber(h[i], f(forward.xGates[i] + forward.hGates[i]), ROUNDINGS, dtype);
      expectNumber(backward.dxGates[i], backward.dstates[0][i] * derivative(h[i]), ROUNDINGS, dtype);
    }
    expect(backward.dprevious[0].every(Number.isNaN), 'the product alone reaches back').toBe(true);
  });

  it('relu has slope 0 at its kink', () => {
    const { forward, backward } = drawStep(elman.relu, dtype, 1, 1, 2);
    forward.xGates.set([1, -1]);
    forward.hGates.set([-1, 3]);
    elman.relu.forward(forward, 1, 2);
    elman.relu.backward(backward, 1, 2);
    expect([...forward.states[0]]).toEqual([0, 2]);
    expect([...backward.dxGates]).toEqual([0, backward.dstates[0][1]]);
  });

  it('works with nothing to do', () => {
    const { forward, backward } = drawStep(elman.tanh, dtype, 1, 0, H);
    elman.tanh.forward(forward, 0, H);
    elman.tanh.backward(backward, 0, H);
    expect(forward.states[0]).toHaveLength(0);
  });
});
