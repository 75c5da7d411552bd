import { expect, it } from 'vitest';
import { adagradUpdate } from '../../src/optim/adagrad.ts';
import { adagradKernels } from '../../src/wasm/adagrad.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(adagradKernels, { adagradUpdate });
const lr = Math.fround(0.3);

it('adagradUpdate is the float64 update to rounding, eps inside the root or outside', () => {
  forEverySize(({ n, one: epsInRoot, other, seed }) => {
    const draw = new Draw(seed);
    const decay = other ? 0.5 : 0;
    const values = { params: draw.floats(n), grads: draw.floats(n), memory: draw.between(0.25, 1, n) };
    const { got, want } = run(values, (k, { params, grads, memory }) => {
      k.adagradUpdate(params, grads, memory, lr, 2 ** -7, epsInRoot, decay);
    });
    // |g| + ½|θ| ≤ 1.5 rounded twice; its square, up to 2.25, passes on two such errors times 1.5 …
    expectNear(got.memory, want.memory, gamma(6) * 3.25);
    // … and g/√m, with m ≥ ¼, no more than 2 and as much.
    expectNear(got.params, want.params, gamma(8) * (1 + lr * 6));
  });
});

it('adagradUpdate leaves a parameter without gradient or memory where it is, even without eps', () => {
  const values = { params: new Float32Array(5).fill(2), grads: new Float32Array(5), memory: new Float32Array(5) };
  const { got } = run(values, (k, { params, grads, memory }) => k.adagradUpdate(params, grads, memory, 0.1, 0));
  expect([...got.params]).toEqual([2, 2, 2, 2, 2]);
});

it('adagradUpdate refuses what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(adagradKernels, 'adagradUpdate', 'params grads memory lr', [x, x, x, 1]);
});
