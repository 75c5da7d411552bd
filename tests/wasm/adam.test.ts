import { expect, it } from 'vitest';
import { adamUpdate } from '../../src/optim/adam.ts';
import { adamKernels } from '../../src/wasm/adam.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(adamKernels, { adamUpdate });

it('adamUpdate is the float64 update to rounding, with and without the largest second moment', () => {
  forEverySize(({ n, one: amsgrad, other: decoupled, seed }) => {
    const draw = new Draw(seed);
    const numbers = {
      ...{ beta1: 0.75, beta2: 0.875, eps: 2 ** -7, size: 0.25, root: 0.5 },
      ...(decoupled ? { coupled: 0, shrink: 0.875 } : { coupled: 0.5, shrink: 1 }),
    };
    const values = {
      params: draw.floats(n),
      grads: draw.floats(n),
      m: draw.floats(n),
      v: draw.between(0.25, 1, n),
      vMax: draw.between(0.25, 1, n),
    };
    const { got, want } = run(values, (k, { params, grads, m, v, vMax }) => {
      k.adamUpdate(params, grads, m, v, amsgrad ? vMax : v, numbers);
    });
    // |g| + ½|θ| ≤ 1.5: the moments are sums of two terms no larger than 1 and 0.3; v ≥ 0.2, so that a step is no larger
    // than 0.25·1.2/(2√v) < 0.4, and passes on the errors of m and v with factors below 1.
    expectNear(got.m, want.m, gamma(6) * 1.5);
    expectNear(got.v, want.v, gamma(8) * 1.5);
    expectNear(got.vMax, want.vMax, gamma(8) * 1.5);
    expectNear(got.params, want.params, gamma(14) * 2);
  });
});

it('adamUpdate leaves a parameter that never had a gradient where it is, even without eps', () => {
  const zeros = new Float32Array(5);
  const numbers = { beta1: 0.9, beta2: 0.999, eps: 0, coupled: 0, shrink: 1, size: 0.1, root: 0.5 };
  const { got } = run(
    { params: zeros.map(() => 2), grads: zeros, m: zeros, v: zeros },
    (k, { params, grads, m, v }) => {
      k.adamUpdate(params, grads, m, v, v, numbers);
    },
  );
  expect([...got.params]).toEqual([2, 2, 2, 2, 2]);
});

it('adamUpdate refuses what does not fit', () => {
  const x = new Float32Array(6);
  const numbers = { beta1: 0.9, beta2: 0.999, eps: 0, coupled: 0, shrink: 1, size: 0.1, root: 0.5 };
  expectRefuses(adamKernels, 'adamUpdate', 'params grads m v vMax numbers', [x, x, x, x, x, numbers]);
});
