import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/relu.ts';
import { reluKernels } from '../../src/wasm/relu.ts';
import { Draw, expectRefuses, forEverySize, twins } from './support.ts';

const run = twins(reluKernels, tensor);

it('is the float64 function, in place too, and keeps NaN', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const values = { y: draw.floats(n), x: draw.floats(n) };
    if (n > 2) values.x[n - 2] = Number.NaN;
    const { got, want } = run(values, (k, { y, x }) => k.relu(inPlace ? x : y, x));
    for (const name of ['y', 'x'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('passes the gradient where y is above 0, in place too', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const y = draw.floats(n).map((v) => Math.max(v, 0));
    const { got, want } = run({ dx: draw.floats(n), dy: draw.floats(n), y }, (k, { dx, dy, y }) =>
      k.reluBackward(inPlace ? dy : dx, dy, y),
    );
    for (const name of ['dx', 'dy'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(reluKernels, 'relu', 'y x', [x, x]);
  expectRefuses(reluKernels, 'reluBackward', 'dx dy y', [x, x, x]);
});
