import type { add as Add, addRow as AddRow, addRowBackward as AddRowBackward } from '../tensor/add.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitElementwise, emitRows, forEachElement } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** z = x + y; y[r,·] = x[r,·] + b; db += Σ_r dy[r,·]. */
export function addKernels(w: WasmMemory): {
  add: typeof Add;
  addRow: typeof AddRow;
  addRowBackward: typeof AddRowBackward;
} {
  const { call } = w;
  return {
    add(z, x, y) {
      const n = z.length;
      call.add(w.at('add', 'z', z, '[n]', n), w.at('add', 'x', x, '[n]', n), w.at('add', 'y', y, '[n]', n), n);
    },
    addRow(y, x, b, rows, n) {
      const yAt = w.at('addRow', 'y', y, '[R,n]', rows, n);
      const xAt = w.at('addRow', 'x', x, '[R,n]', rows, n);
      call.addRow(yAt, xAt, w.at('addRow', 'b', b, '[n]', n), rows, n);
    },
    addRowBackward(db, dy, rows, n) {
      const dbAt = w.at('addRowBackward', 'db', db, '[n]', n);
      call.addRowBackward(dbAt, w.at('addRowBackward', 'dy', dy, '[R,n]', rows, n), rows, n);
    },
  };
}

export function emitAdd(m: ModuleBuilder): void {
  emitElementwise(m, 'add', 3, 0, (_, at, [z, x, y]) => at.store(z, f32x4.add(at.load(x), at.load(y))));
  emitRows(m, 'addRow', ['[R,n]', '[R,n]', '[n]'], (f, [y, x, b], n) => {
    forEachElement(f, n, (at) => at.store(y, f32x4.add(at.load(x), at.load(b))));
  });
  emitRows(m, 'addRowBackward', ['[n]', '[R,n]'], (f, [db, dy], n) => {
    forEachElement(f, n, (at) => at.store(db, f32x4.add(at.load(db), at.load(dy))));
  });
}
