import { expect, it } from 'vitest';
import { rmspropUpdate } from '../../src/optim/rmsprop.ts';
import { rmspropKernels } from '../../src/wasm/rmsprop.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(rmspropKernels, { rmspropUpdate });

it('rmspropUpdate is the float64 update to rounding, centered or not', () => {
  forEverySize(({ n, one: centered, other: decays, seed }) => {
    const draw = new Draw(seed);
    const numbers = { lr: 0.25, alpha: 0.875, eps: 2 ** -7, momentum: 0.5, centered, weightDecay: decays ? 0.5 : 0 };
    const values = {
      params: draw.floats(n),
      grads: draw.floats(n),
      square: draw.between(1, 2, n),
      average: draw.floats(n, 0.5),
      buffer: draw.floats(n),
    };
    const { got, want } = run(values, (k, { params, grads, square, average, buffer }) => {
      k.rmspropUpdate(params, grads, square, average, buffer, numbers);
    });
    // |g| + ½|θ| ≤ 1.5: v in [0.87, 2.1], |a| ≤ 0.63, so that v − a² ≥ 0.47 and g/√(v − a²) ≤ 2.2 passes on no more than
    // 2.4 times the error of v − a², a sum of a dozen operations up to 2.5; b is no larger than 2.7.
    expectNear(got.square, want.square, gamma(8) * 2.1);
    expectNear(got.average, want.average, gamma(6));
    expectNear(got.buffer, want.buffer, gamma(14) * 9);
    expectNear(got.params, want.params, gamma(16) * 4);
  });
});

it('rmspropUpdate centered takes a variance below 0, which rounding may leave, for 0', () => {
  const numbers = { lr: 2 ** -7, alpha: 0.5, eps: 0.25, momentum: 0, centered: true, weightDecay: 0 };
  const of = (value: number): Float32Array => new Float32Array(5).fill(value);
  const values = { params: of(0), grads: of(0.25), square: of(0), average: of(1), buffer: of(0) };
  const { got } = run(values, (k, { params, grads, square, average, buffer }) => {
    k.rmspropUpdate(params, grads, square, average, buffer, numbers);
  });
  expect(got.params).toEqual(of(-(2 ** -7))); // v − a² = 1/32 − 25/64
});

it('rmspropUpdate leaves a parameter that never had a gradient where it is, even without eps', () => {
  const zeros = new Float32Array(5);
  const numbers = { lr: 0.1, alpha: 0.9, eps: 0, momentum: 0.5, centered: false, weightDecay: 0 };
  const values = { params: zeros.map(() => 2), grads: zeros, square: zeros, average: zeros, buffer: zeros };
  const { got } = run(values, (k, { params, grads, square, average, buffer }) => {
    k.rmspropUpdate(params, grads, square, average, buffer, numbers);
  });
  expect([...got.params]).toEqual([2, 2, 2, 2, 2]);
});

it('rmspropUpdate refuses what does not fit', () => {
  const x = new Float32Array(6);
  const numbers = { lr: 0.1, alpha: 0.9, eps: 1, momentum: 0, centered: true, weightDecay: 0 };
  const names = 'params grads square average buffer numbers';
  expectRefuses(rmspropKernels, 'rmspropUpdate', names, [x, x, x, x, x, numbers]);
});
