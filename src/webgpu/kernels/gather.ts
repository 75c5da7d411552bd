import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { elementwise, dispatchElementwise } from '../device/elementwise.ts';
import { assertFloats, assertInts } from '../device/assert.ts';
import type { KernelSource } from '../device/pipelines.ts';

/** WGSL: where element (row, j) of the table stands that is `[V,n]` or, across, `[n,V]`. */
const PLACE = { rows: 'id * args.n + j', columns: 'j * args.vocabulary + id' } as const;

/** WGSL: row and j of element i, and the row's id. */
const ROW_WGSL = `
  let row = i / args.n;
  let j = i - row * args.n;
  let id = u32(ids(row));`;

/** WGSL: the NaN that stands for what an id beyond the table would have given. */
export const NO_SUCH_ID_WGSL = `
fn no_such(id: u32) -> f32 { return bitcast<f32>(0x7fc00000u | (id & 0xffffu)); }`;

const gathers = {
  rows: gather('gatherRows', 'table', PLACE.rows),
  columns: gather('gatherColumns', 'w', PLACE.columns),
};

function gather(name: string, table: string, place: string): KernelSource {
  const args = { n: 'u32', vocabulary: 'u32' } as const;
  const body = `${ROW_WGSL}
  if (id < args.vocabulary) { set_y(i, ${table}(${place})); } else { set_y(i, no_such(id)); }`;
  return elementwise(name, { y: 'f32' }, { [table]: 'f32', ids: 'i32' }, args, body, NO_SUCH_ID_WGSL);
}

/**
 * y[r,·] = table[ids[r],·].
 *
 * @param y [R,n], overwritten; NaN where an id is not in [0,V)
 * @param table [V,n]
 * @param ids [R], each in [0,V); whoever writes them there can check it, the device cannot
 */
export function gatherRows(
  y: FloatBuffer,
  table: FloatBuffer,
  ids: IntBuffer,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertFloats('gatherRows', 'y', y, '[R,n]', rows, n);
  assertFloats('gatherRows', 'table', table, '[V,n]', vocabulary, n);
  assertInts('gatherRows', 'ids', ids, '[R]', rows);
  dispatchElementwise(gathers.rows, { y, table, ids }, rows * n, { n, vocabulary });
}

/**
 * y[r,·] = W[·,ids[r]].
 *
 * @param y [R,n], overwritten; NaN where an id is not in [0,V)
 * @param w [n,V]
 * @param ids [R], each in [0,V)
 */
export function gatherColumns(
  y: FloatBuffer,
  w: FloatBuffer,
  ids: IntBuffer,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertFloats('gatherColumns', 'y', y, '[R,n]', rows, n);
  assertFloats('gatherColumns', 'w', w, '[n,V]', n, vocabulary);
  assertInts('gatherColumns', 'ids', ids, '[R]', rows);
  dispatchElementwise(gathers.columns, { y, w, ids }, rows * n, { n, vocabulary });
}

/**
 * links[r] = 2·(the next row with the id of row r, or R) + (1 where r is the first row with its id): chains of equal ids,
 * along which gradients are added in the order of the rows, without atomics.
 */
const link = elementwise(
  'linkRows',
  { links: 'u32' },
  { ids: 'i32' },
  {},
  `let id = ids(i);
  var before = i;
  while (before > 0u && ids(before - 1u) != id) { before--; }
  var next = i + 1u;
  while (next < args.count && ids(next) != id) { next++; }
  set_links(i, 2u * next + select(0u, 1u, before == 0u));`,
);

const scatters = {
  rows: scatter('gatherRowsBackward', 'dtable', PLACE.rows),
  columns: scatter('gatherColumnsBackward', 'dw', PLACE.columns),
};

function scatter(name: string, table: string, place: string): KernelSource {
  const args = { n: 'u32', vocabulary: 'u32', rows: 'u32' } as const;
  const body = `${ROW_WGSL}
  if ((links(row) & 1u) == 0u || id >= args.vocabulary) { return; }
  var sum = ${table}(${place});
  for (var r = row; r < args.rows; r = links(r) >> 1u) { sum += dy(r * args.n + j); }
  set_${table}(${place}, sum);`;
  return elementwise(name, { [table]: 'f32' }, { dy: 'f32', ids: 'i32', links: 'u32' }, args, body);
}

/**
 * dtable[ids[r],·] += dy[r,·], for y = gatherRows(table, ids), the rows in their order: the same bits every time.
 *
 * @param dtable [V,n], added to
 * @param dy [R,n]
 * @param ids [R]; one that is not in [0,V) adds nothing
 */
export function gatherRowsBackward(
  dtable: FloatBuffer,
  dy: FloatBuffer,
  ids: IntBuffer,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertFloats('gatherRowsBackward', 'dtable', dtable, '[V,n]', vocabulary, n);
  assertFloats('gatherRowsBackward', 'dy', dy, '[R,n]', rows, n);
  assertInts('gatherRowsBackward', 'ids', ids, '[R]', rows);
  const links = dtable.device.scratch('links of equal ids', rows);
  dispatchElementwise(link, { links, ids }, rows);
  dispatchElementwise(scatters.rows, { dtable, dy, ids, links }, rows * n, { n, vocabulary, rows });
}

/**
 * dW[·,ids[r]] += dy[r,·], for y = gatherColumns(W, ids), the rows in their order: the same bits every time.
 *
 * @param dw [n,V], added to
 * @param dy [R,n]
 * @param ids [R]; one that is not in [0,V) adds nothing
 */
export function gatherColumnsBackward(
  dw: FloatBuffer,
  dy: FloatBuffer,
  ids: IntBuffer,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertFloats('gatherColumnsBackward', 'dw', dw, '[n,V]', n, vocabulary);
  assertFloats('gatherColumnsBackward', 'dy', dy, '[R,n]', rows, n);
  assertInts('gatherColumnsBackward', 'ids', ids, '[R]', rows);
  const links = dw.device.scratch('links of equal ids', rows);
  dispatchElementwise(link, { links, ids }, rows);
  dispatchElementwise(scatters.columns, { dw, dy, ids, links }, rows * n, { n, vocabulary, rows });
}
