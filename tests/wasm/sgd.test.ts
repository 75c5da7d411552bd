import { expect, it } from 'vitest';
import * as optim from '../../src/optim/sgd.ts';
import { sgdKernels } from '../../src/wasm/sgd.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(sgdKernels, optim);
const lr = Math.fround(0.3);

it('sgdUpdate is the float64 update to rounding', () => {
  forEverySize(({ n, one, seed }) => {
    const draw = new Draw(seed);
    const decay = one ? 0.5 : 0;
    const { got, want } = run({ params: draw.floats(n), grads: draw.floats(n) }, (k, { params, grads }) => {
      k.sgdUpdate(params, grads, lr, decay);
    });
    expectNear(got.params, want.params, gamma(4) * 1.45); // |θ| + lr·(|g| + ½|θ|) ≤ 1.45
    expect(got.grads).toEqual(Float32Array.from(want.grads));
  });
});

it('momentumUpdate is the float64 update to rounding, with and without Nesterov’s step ahead', () => {
  forEverySize(({ n, one: nesterov, other: first, seed }) => {
    const draw = new Draw(seed);
    const [keep, share] = first ? [0, 1] : [0.75, 0.5];
    const numbers = { lr, keep, share, momentum: 0.75, nesterov, weightDecay: 0.5 };
    const values = { params: draw.floats(n), grads: draw.floats(n), velocity: draw.floats(n) };
    const { got, want } = run(values, (k, { params, grads, velocity }) => {
      k.momentumUpdate(params, grads, velocity, numbers);
    });
    // |g| + ½|θ| ≤ 1.5, v no larger, and θ moves by up to 0.3 of 1.5 + 0.75·1.5.
    expectNear(got.velocity, want.velocity, gamma(5) * 1.5);
    expectNear(got.params, want.params, gamma(9) * 2);
  });
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  const numbers = { lr, keep: 0, share: 1, momentum: 0.9, nesterov: false, weightDecay: 0 };
  expectRefuses(sgdKernels, 'sgdUpdate', 'params grads lr', [x, x, 1]);
  expectRefuses(sgdKernels, 'momentumUpdate', 'params grads velocity numbers', [x, x, x, numbers]);
});
