import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/gather.ts';
import { gatherRowsKernels, gathers } from '../../src/wasm/gather.ts';
import type { WasmMemory } from '../../src/wasm/memory.ts';
import { TABLE_BYTES } from '../../src/wasm/scratch.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

type OnArrays = Pick<typeof tensor, 'gatherColumns' | 'gatherColumnsBackward'>;

function onArrays(w: WasmMemory): OnArrays {
  const at = gathers(w, false);
  return {
    gatherColumns: (y, W, ids, R, V, n) => at.gatherColumns(y.byteOffset, W.byteOffset, ids.byteOffset, R, V, n),
    gatherColumnsBackward: (dW, dy, ids, R, V, n) =>
      at.gatherColumnsBackward(dW.byteOffset, dy.byteOffset, ids.byteOffset, R, V, n),
  };
}

const run = twins<OnArrays>(onArrays, tensor);

function expectGathers(R: number, V: number, n: number, seed: number): void {
  const draw = new Draw(seed);
  const values = { y: draw.floats(R * n), W: draw.floats(n * V), dW: draw.floats(n * V), ids: draw.ids(R, V) };
  const { got, want } = run(values, (k, { y, W, dW, ids }) => {
    k.gatherColumns(y, W, ids, R, V, n);
    k.gatherColumnsBackward(dW, y, ids, R, V, n);
  });
  expectNear(got.y, want.y, 0);
  // A symbol's rows, one after another, and what was there.
  const times = new Int32Array(V);
  for (const id of values.ids) times[id]++;
  expectNear(got.dW, want.dW, (i) => gamma(times[i % V]) * (times[i % V] + 1));
}

it('takes columns one by one where there are few rows, and by way of a table where there are many', () => {
  forEverySize(({ R, n, one: few, seed }) => expectGathers(R, few ? R + 1 : 1 + Math.floor(R / 2), n, seed));
});

it('makes several tables where the columns are long or many', () => {
  const V = 301;
  const n = Math.floor(TABLE_BYTES / (4 * V)) + 3;
  expectGathers(2 * V, V, n, 1);
});

it('goes without a table where one row of W fills more than it', () => {
  const V = TABLE_BYTES / 4 + 1;
  expectGathers(2 * V, V, 1, 2);
});

it('adds a symbol’s rows in their order: the same bits for the same rows', () => {
  const draw = new Draw(3);
  const [R, V, n] = [50, 3, 7];
  const values = { dW: new Float32Array(n * V), y: draw.floats(R * n), ids: draw.ids(R, V) };
  const { got } = run(values, (k, { dW, y, ids }) => k.gatherColumnsBackward(dW, y, ids, R, V, n));
  const sums = new Float32Array(n * V);
  for (let r = 0; r < R; r++) for (let j = 0; j < n; j++) sums[j * V + values.ids[r]] += values.y[r * n + j];
  expect(got.dW).toEqual(sums);
});

const runRows = twins(gatherRowsKernels, tensor);

it('copies rows of a table, and adds rows to those of its gradient', () => {
  forEverySize(({ R, n, one: few, seed }) => {
    const V = few ? R + 1 : 1 + Math.floor(R / 2);
    const draw = new Draw(seed);
    const values = {
      y: draw.floats(R * n),
      table: draw.floats(V * n),
      dtable: draw.floats(V * n),
      ids: draw.ids(R, V),
    };
    const { got, want } = runRows(values, (k, { y, table, dtable, ids }) => {
      k.gatherRows(y, table, ids, R, V, n);
      k.gatherRowsBackward(dtable, y, ids, R, V, n);
    });
    expectNear(got.y, want.y, 0);
    const times = new Int32Array(V);
    for (const id of values.ids) times[id]++;
    expectNear(got.dtable, want.dtable, (i) => gamma(times[Math.floor(i / n)]) * (times[Math.floor(i / n)] + 1));
  });
});

it('both refuse what does not fit, and ids beyond the table', () => {
  const [y, table, ids] = [new Float32Array(6), new Float32Array(12), Int32Array.of(3, 0)];
  expectRefuses(gatherRowsKernels, 'gatherRows', 'y table ids rows vocabulary n', [y, table, ids, 2, 4, 3]);
  expectRefuses(gatherRowsKernels, 'gatherRowsBackward', 'dtable dy ids rows vocabulary n', [table, y, ids, 2, 4, 3]);
  for (const name of ['gatherRows', 'gatherRowsBackward'] as const) {
    const call = () =>
      runRows({ y, table, ids: Int32Array.of(1, 4) }, (k, { y, table, ids }) => {
        if (name === 'gatherRows') k.gatherRows(y, table, ids, 2, 4, 3);
        else k.gatherRowsBackward(table, y, ids, 2, 4, 3);
      });
    expect(call).toThrow(`${name}: ids[1] is 4, expected 0 … 3`);
  }
});
