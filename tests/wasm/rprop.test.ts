import { expect, it } from 'vitest';
import * as optim from '../../src/optim/rprop.ts';
import { rpropKernels } from '../../src/wasm/rprop.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(rpropKernels, optim);

/** Gradients of every sign, zeros, and some so small that a product of two vanishes. */
function gradients(draw: Draw, n: number): Float32Array {
  const sizes = draw.ids(n, 3);
  return draw.floats(n).map((g, i) => [g, 0, g * 1e-30][sizes[i]]);
}

it('rpropUpdate is the float64 update: the steps once rounded, the parameters twice', () => {
  forEverySize(({ n, seed }) => {
    const draw = new Draw(seed);
    const values = {
      params: draw.floats(n),
      grads: gradients(draw, n),
      deltas: draw.between(0.01, 1, n),
      previous: gradients(draw, n),
    };
    const { got, want } = run(values, (k, { params, grads, deltas, previous }) => {
      k.rpropUpdate(params, grads, deltas, previous, 1.25, 0.5, 0.125, 0.75);
    });
    expect(got.deltas).toEqual(Float32Array.from(want.deltas));
    expect(got.previous).toEqual(Float32Array.from(want.previous));
    expectNear(got.params, want.params, gamma(2) * 1.75);
  });
});

it('notebookRpropUpdate is the float64 update: the steps once rounded, the parameters twice', () => {
  forEverySize(({ n, seed }) => {
    const draw = new Draw(seed);
    const values = {
      params: draw.floats(n),
      grads: gradients(draw, n),
      deltas: draw.between(0.01, 1, n),
      signs: gradients(draw, n).map(Math.sign),
    };
    const { got, want } = run(values, (k, { params, grads, deltas, signs }) => {
      k.notebookRpropUpdate(params, grads, deltas, signs, 1.25, 0.5);
    });
    expect(got.deltas).toEqual(Float32Array.from(want.deltas));
    expect(got.signs).toEqual(Float32Array.from(want.signs));
    expectNear(got.params, want.params, gamma(2) * 2.25);
  });
});

it('both let a NaN be seen', () => {
  const nan = new Float32Array(5).fill(Number.NaN);
  const values = { params: new Float32Array(5), more: new Float32Array(5), nan, deltas: nan.map(() => 1), was: nan };
  const { got } = run(values, (k, { params, more, nan, deltas, was }) => {
    k.rpropUpdate(params, nan, deltas, was, 1.25, 0.5, 0.125, 0.75);
    k.notebookRpropUpdate(more, nan, deltas, was, 1.25, 0.5);
  });
  expect(got.params).toEqual(nan);
  expect(got.more).toEqual(nan);
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  const names = 'params grads deltas previous etaPlus etaMinus minStep maxStep';
  expectRefuses(rpropKernels, 'rpropUpdate', names, [x, x, x, x, 1.2, 0.5, 1e-6, 50]);
  const notebook = 'params grads deltas signs etaPlus etaMinus';
  expectRefuses(rpropKernels, 'notebookRpropUpdate', notebook, [x, x, x, x, 1.2, 0.5]);
});
