import type * as host from '../../tensor/gather.ts';
import { assertFloats, assertInts, type OnDevice } from '../device/assert.ts';
import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { dispatchElementwise, elementwise, inRows } from '../device/elementwise.ts';
import type { KernelSource } from '../device/pipelines.ts';

/** A table `[V,n]` that is read by rows, or `[n,V]` that is read by columns. */
export type TableLayout = 'rows' | 'columns';

/** WGSL: the place of element j of the entry `id`. */
const placeOf = { rows: 'id * args.n + j', columns: 'j * args.vocabulary + id' } as const;

/** WGSL: the NaN that a row gets whose id is beyond the table. */
export const NO_SUCH_ID_WGSL = `
fn no_such(id: u32) -> f32 { return bitcast<f32>(0x7fc00000u | (id & 0xffffu)); }`;

const gathers = { rows: writeGather('gatherRows', 'rows'), columns: writeGather('gatherColumns', 'columns') };

function writeGather(name: string, layout: TableLayout): KernelSource {
  const body = `let row = i / args.n;
  let j = i - row * args.n;
  let id = u32(ids(row));
  if (id < args.vocabulary) { set_y(i, table(${placeOf[layout]})); } else { set_y(i, no_such(id)); }`;
  const args = { n: 'u32', vocabulary: 'u32' } as const;
  return elementwise(name, { y: 'f32' }, { table: 'f32', ids: 'i32' }, args, body, NO_SUCH_ID_WGSL);
}

/** y[r,·] = table[ids[r],·], of a table [V,n]. NaN where an id is not in [0,V), which the device cannot refuse. */
export const gatherRows: OnDevice<typeof host.gatherRows> = (y, table, ids, rows, vocabulary, n) => {
  assertFloats('gatherRows', { y }, '[R,n]', rows, n);
  assertFloats('gatherRows', { table }, '[V,n]', vocabulary, n);
  assertInts('gatherRows', { ids }, '[R]', rows);
  dispatchElementwise(gathers.rows, { y, table, ids }, rows * n, { n, vocabulary });
};

/** y[r,·] = W[·,ids[r]], of W [n,V]. NaN where an id is not in [0,V). */
export const gatherColumns: OnDevice<typeof host.gatherColumns> = (y, w, ids, rows, vocabulary, n) => {
  assertFloats('gatherColumns', { y }, '[R,n]', rows, n);
  assertFloats('gatherColumns', { w }, '[n,V]', n, vocabulary);
  assertInts('gatherColumns', { ids }, '[R]', rows);
  dispatchElementwise(gathers.columns, { y, table: w, ids }, rows * n, { n, vocabulary });
};

/** Elements of a workgroup of a scatter by symbols, and of each of its invocations. */
const SCATTERED = 128;
const EACH = 4;

/**
 * A workgroup owns one symbol and {@link SCATTERED} elements: it reads the rows in their order and adds those of its
 * symbol, so that no two invocations add to one element and the bits are the same every time.
 */
function scatterBySymbols(layout: TableLayout): KernelSource {
  return {
    name: `scatter ${layout} by symbols`,
    outputs: { table: 'f32' },
    inputs: { dy: 'f32', ids: 'i32' },
    args: { R: 'u32', vocabulary: 'u32', n: 'u32' },
    code: `
@compute @workgroup_size(${SCATTERED / EACH})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.x + group.y * groups.x;
  let id = number % args.vocabulary;
  let first = (number / args.vocabulary) * ${SCATTERED}u + lane;
  if (first >= args.n) { return; }
  let own = vec4u(first) + vec4u(0u, 1u, 2u, 3u) * ${SCATTERED / EACH}u;
  let last = min(own, vec4u(args.n - 1u));
  var total = vec4f();
  var met = false;
  for (var r = 0u; r < args.R; r++) {
    if (u32(ids(r)) == id) {
      let row = r * args.n;
      total += vec4f(dy(row + last.x), dy(row + last.y), dy(row + last.z), dy(row + last.w));
      met = true;
    }
  }
  if (!met) { return; }
  for (var e = 0u; e < 4u; e++) {
    let j = own[e];
    if (j < args.n) {
      let at = ${placeOf[layout]};
      set_table(at, table(at) + total[e]);
    }
  }
}`,
  };
}

/** Rows up to which an invocation owns element j of all entries and adds row after row. */
const FEW_ROWS = 64;

function scatterByRows(layout: TableLayout): KernelSource {
  return elementwise(
    `scatter ${layout} by rows`,
    { table: 'f32' },
    { dy: 'f32', ids: 'i32' },
    { R: 'u32', vocabulary: 'u32', n: 'u32' },
    `let j = i;
  for (var r = 0u; r < args.R; r++) {
    let id = u32(ids(r));
    if (id >= args.vocabulary) { continue; }
    let at = ${placeOf[layout]};
    set_table(at, table(at) + dy(r * args.n + j));
  }`,
  );
}

/** How a scatter is computed. */
export type ScatterWay = 'rows' | 'symbols';

const scatters = {
  rows: { rows: scatterByRows('rows'), symbols: scatterBySymbols('rows') },
  columns: { rows: scatterByRows('columns'), symbols: scatterBySymbols('columns') },
};

/**
 * dtable[entry ids[r]] += dy[r,·], in one dispatch and in the order of the rows: the same bits every time. An id that is not
 * in [0,V) adds nothing.
 *
 * @param dy [R,n]
 * @param way left out: the faster one
 */
export function scatter(
  layout: TableLayout,
  table: FloatBuffer,
  dy: FloatBuffer,
  ids: IntBuffer,
  R: number,
  vocabulary: number,
  n: number,
  way: ScatterWay = R <= FEW_ROWS || table.device.adapter.software ? 'rows' : 'symbols',
): void {
  const kernel = scatters[layout][way];
  const args = { R, vocabulary, n };
  if (way === 'rows') dispatchElementwise(kernel, { table, dy, ids }, n, args);
  else table.device.dispatch(kernel, { table, dy, ids }, args, inRows(vocabulary * Math.ceil(n / SCATTERED)));
}

/** dtable[ids[r],·] += dy[r,·] for a table [V,n], for y = gatherRows(table, ids). */
export const gatherRowsBackward: OnDevice<typeof host.gatherRowsBackward> = (dtable, dy, ids, R, vocabulary, n) => {
  assertFloats('gatherRowsBackward', { dtable }, '[V,n]', vocabulary, n);
  assertFloats('gatherRowsBackward', { dy }, '[R,n]', R, n);
  assertInts('gatherRowsBackward', { ids }, '[R]', R);
  scatter('rows', dtable, dy, ids, R, vocabulary, n);
};

/** dW[·,ids[r]] += dy[r,·] for W [n,V], for y = gatherColumns(W, ids). */
export const gatherColumnsBackward: OnDevice<typeof host.gatherColumnsBackward> = (dw, dy, ids, R, vocabulary, n) => {
  assertFloats('gatherColumnsBackward', { dw }, '[n,V]', n, vocabulary);
  assertFloats('gatherColumnsBackward', { dy }, '[R,n]', R, n);
  assertInts('gatherColumnsBackward', { ids }, '[R]', R);
  scatter('columns', dw, dy, ids, R, vocabulary, n);
};
