import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/columns.ts';
import { columnsKernels } from '../../src/wasm/columns.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectRefuses, forEverySize, twins } from './support.ts';

const run = twins(columnsKernels, tensor);

it('placeColumns overwrites its columns and no others', () => {
  forEverySize(({ R, n, one, other, seed }) => {
    const draw = new Draw(seed);
    const offset = one ? 5 : 0;
    const N = offset + n + (other ? 3 : 0);
    const { got, want } = run({ y: draw.floats(R * N), x: draw.floats(R * n) }, (k, { y, x }) => {
      k.placeColumns(y, x, R, N, offset, n);
    });
    expect(got.y).toEqual(Float32Array.from(want.y));
  });
});

it('takeColumns takes its columns, or adds them', () => {
  forEverySize(({ R, n, one, other: accumulate, seed }) => {
    const draw = new Draw(seed);
    const offset = one ? 5 : 0;
    const N = offset + n + 2;
    const { got, want } = run({ y: draw.floats(R * n), x: draw.floats(R * N) }, (k, { y, x }) => {
      k.takeColumns(y, x, R, N, offset, n, accumulate);
    });
    expect(got.y).toEqual(Float32Array.from(want.y));
  });
});

it('both refuse what does not fit', () => {
  const [wide, narrow] = [new Float32Array(10), new Float32Array(6)];
  expectRefuses(columnsKernels, 'placeColumns', 'y x rows N offset n', [wide, narrow, 2, 5, 1, 3]);
  expectRefuses(columnsKernels, 'takeColumns', 'y x rows N offset n', [narrow, wide, 2, 5, 1, 3]);
  const w = new WasmMemory(200);
  const [y, x] = [w.floats(10), w.floats(6)];
  const message = 'expected 0 … 2: 3 of the 5 columns of';
  for (const offset of [-1, 3, 0.5]) {
    expect(() => columnsKernels(w).placeColumns(y, x, 2, 5, offset, 3)).toThrow(`${message} y`);
    expect(() => columnsKernels(w).takeColumns(x, y, 2, 5, offset, 3)).toThrow(`${message} x`);
  }
});
