import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/relu.ts';
import { reluKernels } from '../../src/wasm/relu.ts';
import { Draw, expectRefuses, forEverySize, twins } from './support.ts';

const run = twins(reluKernels, tensor);
const special = [Number.NaN, Infinity, -Infinity, -0, 0, 2 ** -149, -(2 ** -149)];

it('relu is the larger of x and 0, and keeps NaN', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const x = Float32Array.from([...draw.floats(n), ...special]);
    const { got, want } = run({ y: draw.floats(x.length), x }, (k, { y, x }) => k.relu(inPlace ? x : y, x));
    for (const name of ['y', 'x'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('reluBackward is dy where y > 0, else 0', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const y = Float32Array.from([...draw.floats(n), ...special]);
    const values = { dx: draw.floats(y.length), dy: draw.floats(y.length), y };
    const { got, want } = run(values, (k, { dx, dy, y }) => k.reluBackward(inPlace ? dy : dx, dy, y));
    for (const name of ['dx', 'dy'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(reluKernels, 'relu', 'y x', [x, x]);
  expectRefuses(reluKernels, 'reluBackward', 'dx dy y', [x, x, x]);
});
