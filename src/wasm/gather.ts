import { assertIds } from '../check/arrays.ts';
import type { gatherRows as GatherRows, gatherRowsBackward as GatherRowsBackward } from '../tensor/gather.ts';
import {
  bf16,
  type Expr,
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
} from './assembler.ts';
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

/** @param halves whether the W that is read is bfloat16 */
export function gathers({ call, scratch: { table } }: WasmMemory, halves: boolean): Gathers {
  const [gatherColumns, gatherEveryColumn, bytes] = halves
    ? ([call.gatherHalfColumns, call.gatherEveryHalfColumn, 2] as const)
    : ([call.gatherColumns, call.gatherEveryColumn, 4] as const);
  return {
    gatherColumns(y, W, ids, R, V, n) {
      if (!tablePays(R, V)) gatherColumns(y, W, ids, R, V, n);
      else {
        forEachTable(V, n, (j, columns) => {
          gatherEveryColumn(table, W + bytes * j * V, 0, V, V, columns);
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

/** y[r,·] = table[ids[r],·] of a table [V,n], of float32 or bfloat16; dtable[ids[r],·] += dy[r,·]. */
export function gatherRowsKernels(w: WasmMemory): {
  gatherRows: typeof GatherRows;
  gatherRowsBackward: typeof GatherRowsBackward;
} {
  const { call } = w;
  return {
    gatherRows(y, table, ids, R, V, n) {
      const fn = 'gatherRows';
      const yAt = w.at(fn, 'y', y, '[R,n]', R, n);
      const halves = table?.BYTES_PER_ELEMENT === 2;
      const tableAt = w.weightsAt(fn, 'table', table, halves, '[V,n]', V, n);
      const idsAt = w.at(fn, 'ids', ids, '[R]', R);
      assertIds(fn, 'ids', ids, V);
      if (halves) call.gatherHalfRows(yAt, tableAt, idsAt, R, n, n);
      else call.gatherRows(yAt, tableAt, idsAt, R, n, n);
    },
    gatherRowsBackward(dtable, dy, ids, R, V, n) {
      const fn = 'gatherRowsBackward';
      const dtableAt = w.at(fn, 'dtable', dtable, '[V,n]', V, n);
      const dyAt = w.at(fn, 'dy', dy, '[R,n]', R, n);
      const idsAt = w.at(fn, 'ids', ids, '[R]', R);
      assertIds(fn, 'ids', ids, V);
      call.scatterRows(dtableAt, dyAt, idsAt, R, n, n);
    },
  };
}

/** The row of n floats, or of n bfloat16, that the id at a pointer names. */
function rowOf(table: Local<'i32'>, ids: Local<'i32'>, n: I32, halves = false): Expr<'i32'> {
  return i32.add(table, i32.shl(i32.mul(i32.load(ids), n), halves ? 1 : 2));
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
    m.function(every ? 'gatherEveryHalfColumn' : 'gatherHalfColumns', six, (f, [y, W, ids, R, V, n]) => {
      const stride = f.int(i32.shl(V, 1));
      const column = f.int(0);
      forEachRow(
        f,
        R,
        every
          ? [[y, n]]
          : [
              [y, n],
              [ids, 1],
            ],
        () => {
          f.set(column, every ? W : rowOf(W, ids, 1, true));
          forEachElement(f, n, (at) => at.store(y, at.loadApart(column, stride, bf16.loadLane)));
          if (every) f.advance(W, 2);
        },
      );
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
  for (const halves of [false, true]) {
    m.function(halves ? 'gatherHalfRows' : 'gatherRows', six, (f, [y, table, ids, R, columns, stride]) => {
      const row = f.int(0);
      const pointers = [[y, stride] as const, [ids, 1] as const];
      forEachRow(f, R, pointers, () => {
        f.set(row, rowOf(table, ids, columns, halves));
        forEachElement(f, columns, (at) => at.store(y, halves ? at.loadApart(row, 2, bf16.loadLane) : at.load(row)));
      });
    });
  }
  m.function('scatterRows', six, (f, [table, dy, ids, R, columns, stride]) => {
    scatterRows(f, table, dy, ids, R, columns, stride);
  });
  // The table is overwritten: all its V rows are cleared first.
  m.function('gatherRowsBackward', [...six, 'i32'], (f, [table, dy, ids, R, columns, stride, V]) => {
    forEachElement(f, i32.mul(V, columns), (at) => at.store(table, 0));
    scatterRows(f, table, dy, ids, R, columns, stride);
  });
}

/** table[ids[r],·] += dy[r,·], the rows of dy `stride` floats apart. */
function scatterRows(
  f: FunctionBuilder,
  table: Local<'i32'>,
  dy: Local<'i32'>,
  ids: Local<'i32'>,
  R: Local<'i32'>,
  columns: Local<'i32'>,
  stride: Local<'i32'>,
): void {
  const row = f.int(0);
  forEachRow(f, R, [[dy, stride] as const, [ids, 1] as const], () => {
    f.set(row, rowOf(table, ids, columns));
    forEachElement(f, columns, (at) => at.store(row, f32x4.add(at.load(row), at.load(dy))));
  });
}
