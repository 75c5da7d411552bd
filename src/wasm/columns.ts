import {
  assertColumns,
  type placeColumns as PlaceColumns,
  type takeColumns as TakeColumns,
} from '../tensor/columns.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { forEachElement, forEachRow } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** y[r, offset + j] = x[r,j]; y[r,j] = x[r, offset + j], or y += that: rows of n floats that stand apart in one of them. */
export function columnsKernels(w: WasmMemory): { placeColumns: typeof PlaceColumns; takeColumns: typeof TakeColumns } {
  const { copyRows, addRows } = w.call;
  return {
    placeColumns(y, x, rows, N, offset, n) {
      const fn = 'placeColumns';
      assertColumns(fn, 'y', y, 'x', x, rows, N, offset, n);
      const yAt = w.at(fn, 'y', y, '[R,N]', rows, N);
      copyRows(yAt + 4 * offset, w.at(fn, 'x', x, '[R,n]', rows, n), N, n, rows, n);
    },
    takeColumns(y, x, rows, N, offset, n, accumulate = false) {
      const fn = 'takeColumns';
      assertColumns(fn, 'x', x, 'y', y, rows, N, offset, n);
      const xAt = w.at(fn, 'x', x, '[R,N]', rows, N);
      const move = accumulate ? addRows : copyRows;
      move(w.at(fn, 'y', y, '[R,n]', rows, n), xAt + 4 * offset, n, N, rows, n);
    },
  };
}

export function emitColumns(m: ModuleBuilder): void {
  for (const name of ['copyRows', 'addRows']) {
    m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, [y, x, yStride, xStride, rows, n]) => {
      const pointers = [[y, yStride] as const, [x, xStride] as const];
      forEachRow(f, rows, pointers, () => {
        forEachElement(f, n, (at) => {
          const own = at.load(x);
          at.store(y, name === 'addRows' ? f32x4.add(at.load(y), own) : own);
        });
      });
    });
  }
}
