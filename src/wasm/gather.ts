import { type Expr, f32x4, type I32, i32, type Local, type ModuleBuilder } from './assembler.ts';
import { forEachElement, forEachRow } from './elements.ts';
import type { WasmMemory } from './memory.ts';
import { TABLE_BYTES } from './scratch.ts';

/**
 * Columns of W [n,V] by ids [R], as `tensor/gather.ts`, on addresses.
 *
 * A column is n numbers that stand V apart. Few rows fetch theirs one number after another. Many rows share a table, Wᵀ,
 * made once (of as many rows of W at a time as fit), in which a column stands in one piece; backward the gradient is
 * added up in such a table, and the table is added to dW.
 */
export interface Gathers {
  /** y[r,·] = W[·,ids[r]] */
  gatherColumns(y: number, W: number, ids: number, R: number, V: number, n: number): void;
  /** dW[·,ids[r]] += dy[r,·] */
  gatherColumnsBackward(dW: number, dy: number, ids: number, R: number, V: number, n: number): void;
}

/** Whether a table pays for itself: making it costs what some V rows cost. Of a huge vocabulary it has no room. */
function tablePays(R: number, V: number): boolean {
  return R >= 2 * V && 4 * V <= TABLE_BYTES;
}

/** Calls `block` for as many rows of W at a time as a table holds: the first one, and their number. */
function forEachTable(V: number, n: number, block: (j: number, columns: number) => void): void {
  const width = Math.floor(TABLE_BYTES / (4 * V));
  for (let j = 0; j < n; j += width) block(j, Math.min(width, n - j));
}

export function gathers({ call, scratch: { table } }: WasmMemory): Gathers {
  return {
    gatherColumns(y, W, ids, R, V, n) {
      if (!tablePays(R, V)) call.gatherColumns(y, W, ids, R, V, n);
      else {
        forEachTable(V, n, (j, columns) => {
          call.gatherEveryColumn(table, W + 4 * j * V, 0, V, V, columns);
          call.gatherRows(y + 4 * j, table, ids, R, columns, n);
        });
      }
    },
    gatherColumnsBackward(dW, dy, ids, R, V, n) {
      if (!tablePays(R, V)) call.gatherColumnsBackward(dW, dy, ids, R, V, n);
      else {
        forEachTable(V, n, (j, columns) => {
          call.gatherRowsBackward(table, dy + 4 * j, ids, R, columns, n, V);
          call.gatherEveryColumnBackward(dW + 4 * j * V, table, 0, V, V, columns);
        });
      }
    },
  };
}

/** The row of n floats that the id at a pointer names. */
function rowOf(table: Local<'i32'>, ids: Local<'i32'>, n: I32): Expr<'i32'> {
  return i32.add(table, i32.shl(i32.mul(i32.load(ids), n), 2));
}

export function emitGather(m: ModuleBuilder): void {
  const six = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  for (const every of [false, true]) {
    const name = every ? 'gatherEveryColumn' : 'gatherColumns';
    m.function(name, six, (f, [y, W, ids, R, V, n]) => {
      const stride = f.int(i32.shl(V, 2));
      const column = f.int(0);
      forEachRow(f, R, [[y, n], every ? [W, 1] : [ids, 1]], () => {
        f.set(column, every ? W : rowOf(W, ids, 1));
        forEachElement(f, n, (at) => at.store(y, at.loadApart(column, stride)));
      });
    });
    m.function(`${name}Backward`, six, (f, [dW, dy, ids, R, V, n]) => {
      const stride = f.int(i32.shl(V, 2));
      const from = f.int(0);
      const to = f.int(0);
      forEachRow(f, R, [[dy, n], every ? [dW, 1] : [ids, 1]], () => {
        f.set(from, every ? dW : rowOf(dW, ids, 1));
        f.set(to, from);
        forEachElement(f, n, (at) => {
          at.storeApart(to, stride, f32x4.add(at.loadApart(from, stride), at.load(dy)));
        });
      });
    });
  }
  m.function('gatherRows', six, (f, [y, table, ids, R, columns, stride]) => {
    const row = f.int(0);
    const pointers = [[y, stride] as const, [ids, 1] as const];
    forEachRow(f, R, pointers, () => {
      f.set(row, rowOf(table, ids, columns));
      forEachElement(f, columns, (at) => at.store(y, at.load(row)));
    });
  });
  // The table is overwritten: all its V rows are cleared first.
  m.function('gatherRowsBackward', [...six, 'i32'], (f, [table, dy, ids, R, columns, stride, V]) => {
    const row = f.int(0);
    forEachElement(f, i32.mul(V, columns), (at) => at.store(table, 0));
    const pointers = [[dy, stride] as const, [ids, 1] as const];
    forEachRow(f, R, pointers, () => {
      f.set(row, rowOf(table, ids, columns));
      forEachElement(f, columns, (at) => at.store(row, f32x4.add(at.load(row), at.load(dy))));
    });
  });
}
