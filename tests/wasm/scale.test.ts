import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/scale.ts';
import { scaleKernels } from '../../src/wasm/scale.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(scaleKernels, tensor);
const alpha = Math.fround(-0.3);

it('scale is the rounded product, in place too', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const { got, want } = run({ y: draw.floats(n), x: draw.floats(n) }, (k, { y, x }) => {
      k.scale(inPlace ? x : y, x, alpha);
    });
    for (const name of ['y', 'x'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('addScaled adds it to what is there', () => {
  forEverySize(({ n, seed }) => {
    const draw = new Draw(seed);
    const values = { y: draw.floats(n), x: draw.floats(n) };
    const { got, want } = run(values, (k, { y, x }) => k.addScaled(y, x, alpha));
    expectNear(got.y, want.y, (i) => gamma(2) * (Math.abs(values.y[i]) + Math.abs(alpha * values.x[i])));
  });
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(scaleKernels, 'scale', 'y x alpha', [x, x, 2]);
  expectRefuses(scaleKernels, 'addScaled', 'y x alpha', [x, x, 2]);
});
