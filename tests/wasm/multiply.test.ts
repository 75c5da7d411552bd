import { expect, it } from 'vitest';
import { multiply } from '../../src/tensor/multiply.ts';
import { multiplyKernels } from '../../src/wasm/multiply.ts';
import { Draw, expectRefuses, forEverySize, twins } from './support.ts';

const run = twins(multiplyKernels, { multiply });

it('multiply is the rounded product, in place too', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const { got, want } = run({ z: draw.floats(n), x: draw.floats(n), y: draw.floats(n) }, (k, { z, x, y }) => {
      k.multiply(inPlace ? x : z, x, y);
    });
    for (const name of ['z', 'x', 'y'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('multiply refuses what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(multiplyKernels, 'multiply', 'z x y', [x, x, x]);
});
