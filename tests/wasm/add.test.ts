import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/add.ts';
import { addKernels } from '../../src/wasm/add.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(addKernels, tensor);

it('add is the rounded sum, in place too', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const { got, want } = run({ z: draw.floats(n), x: draw.floats(n), y: draw.floats(n) }, (k, { z, x, y }) => {
      k.add(inPlace ? x : z, x, y);
    });
    for (const name of ['z', 'x', 'y'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('addRow is the rounded sum, in place too', () => {
  forEverySize(({ R, n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const { got, want } = run({ y: draw.floats(R * n), x: draw.floats(R * n), b: draw.floats(n) }, (k, { y, x, b }) => {
      k.addRow(inPlace ? x : y, x, b, R, n);
    });
    for (const name of ['y', 'x', 'b'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
});

it('addRowBackward adds R numbers to what is there', () => {
  forEverySize(({ R, n, seed }) => {
    const draw = new Draw(seed);
    const values = { db: draw.floats(n), dy: draw.floats(R * n) };
    const { got, want } = run(values, (k, { db, dy }) => k.addRowBackward(db, dy, R, n));
    expectNear(got.db, want.db, gamma(R) * (R + 1));
  });
});

it('all refuse what does not fit', () => {
  const [row, x] = [new Float32Array(3), new Float32Array(6)];
  expectRefuses(addKernels, 'add', 'z x y', [x, x, x]);
  expectRefuses(addKernels, 'addRow', 'y x b rows n', [x, x, row, 2, 3]);
  expectRefuses(addKernels, 'addRowBackward', 'db dy rows n', [row, x, 2, 3]);
});
