import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/clip.ts';
import { clipKernels } from '../../src/wasm/clip.ts';
import { Draw, expectRefuses, forEverySize, twins } from './support.ts';

const run = twins(clipKernels, { clip: tensor.clip });

it('clip keeps what lies between the bounds, and NaN', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const x = Float32Array.from([...draw.floats(n), Number.NaN, Infinity, -Infinity, 0.25, -0.5]);
    const { got, want } = run({ y: draw.floats(x.length), x }, (k, { y, x }) => k.clip(inPlace ? x : y, x, -0.5, 0.25));
    for (const name of ['y', 'x'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('clip refuses what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(clipKernels, 'clip', 'y x low high', [x, x, -1, 1]);
  const call = () => run({ x }, (k, { x }) => k.clip(x, x, 1, -1));
  expect(call).toThrow('clip: low is 1 and high is -1, expected low ≤ high');
});
