import type { WeightGradient } from '../../bptt/weightGradients.ts';
import { DeviceBuffer, type FloatBuffer, type IntBuffer } from '../device/buffers.ts';
import type { Device } from '../device/device.ts';
import { dispatchElementwise, elementwise } from '../device/elementwise.ts';
import { memoize, optionsKey } from '../device/memoize.ts';
import { upTo } from '../device/sizes.ts';
import { addRowBackward } from '../kernels/add.ts';
import { scatter } from '../kernels/gather.ts';
import { matmulTN } from '../kernels/matmul.ts';
import { sumNames, sumsOfProducts } from '../kernels/tile.ts';

type Gradient = WeightGradient<FloatBuffer, IntBuffer>;

/** Gradients of a dispatch: what their numbers leave room for. */
export const MOST_GRADIENTS = 6;

/** dW[M,N] += a[K,M]ᵀ·b[K,N], or, where N is 0, the sum of a's rows: starts and sizes, and the first tile. */
const FIELDS = ['a', 'b', 'c', 'K', 'M', 'N', 'first'] as const;

/** Rows and columns of the tile of sums that an invocation makes: larger where the device cannot run many at a time. */
const tileOf = (device: Device): { rows: number; columns: number } =>
  device.adapter.software ? { rows: 8, columns: 8 } : { rows: 4, columns: 4 };

/** An invocation finds out to which gradient its tile belongs, and computes the tile. */
const grouped = memoize(optionsKey, ({ count, rows, columns }: { count: number; rows: number; columns: number }) => {
  const args: Record<string, 'u32'> = {};
  for (let p = 0; p < count; p++) for (const field of FIELDS) args[`${field}${p}`] = 'u32';
  const chosen = upTo(count).map((p) => {
    const values = FIELDS.map((field) => `args.${field}${p}`).join(', ');
    return p === 0 ? `var g = Gradient(${values});` : `if (i >= args.first${p}) { g = Gradient(${values}); }`;
  });
  const fours = columns / 4;
  const body = `
  ${chosen.join('\n  ')}
  let tiles = (max(g.N, 1u) + ${columns - 1}u) / ${columns}u;
  let row = ${rows}u * ((i - g.first) / tiles);
  let column = ${columns}u * ((i - g.first) % tiles);
  ones = g.N == 0u;
  ${sumsOfProducts({
    rows: upTo(rows).map((r) => `g.a + min(row + ${r}u, g.M - 1u)`),
    aStep: 'g.M',
    columns: upTo(fours).map(
      (v) => `select(g.b + min(column + ${4 * v}u + vec4u(0u, 1u, 2u, 3u), vec4u(max(g.N, 1u) - 1u)), vec4u(), ones)`,
    ),
    bStep: 'select(g.N, 0u, ones)',
    count: 'g.K',
  })}
  let sums = array<vec4f, ${rows * fours}>(${sumNames(rows, fours).join(', ')});
  for (var s = 0u; s < ${rows * fours}u; s++) { store(g, row + s / ${fours}u, column + 4u * (s % ${fours}u), sums[s]); }`;
  const functions = `
struct Gradient { ${FIELDS.map((field) => `${field}: u32`).join(', ')} }
var<private> ones: bool;
fn a(at: u32) -> f32 { return m_at(at); }
fn b(at: u32) -> f32 { return select(m_at(at), 1.0, ones); }
fn store(g: Gradient, row: u32, column: u32, sum: vec4f) {
  if (row >= g.M) { return; }
  // A bias has one column.
  let N = max(g.N, 1u);
  for (var j = 0u; j < 4u; j++) {
    if (column + j < N) {
      let at = g.c + row * N + column + j;
      set_m(at, m(at) + sum[j]);
    }
  }
}`;
  return elementwise(`weightGradients${count} ${rows}x${columns}`, { m: 'f32' }, {}, args, body, functions);
});

/**
 * Adds all these gradients: the products and row sums in one dispatch for each {@link MOST_GRADIENTS} of them that lie in
 * one buffer, the gradients of one-hot inputs in one each. None may be an operand of another.
 */
export function weightGradients(gradients: readonly Gradient[]): void {
  const groups = new Map<number, Gradient[]>();
  for (const gradient of gradients) {
    const { dW, dy, x, ids, R, O, D } = gradient;
    const { storage } = dW;
    if (ids) scatter('columns', dW, dy, ids, R, D, O);
    else if (dy.storage !== storage || (x && x.storage !== storage)) {
      if (x) matmulTN(dW, dy, x, O, R, D, true);
      else addRowBackward(dW, dy, R, O);
    } else {
      const group = groups.get(storage.id);
      if (group) group.push(gradient);
      else groups.set(storage.id, [gradient]);
    }
  }
  for (const group of groups.values()) {
    for (let from = 0; from < group.length; from += MOST_GRADIENTS) {
      dispatchGroup(group.slice(from, from + MOST_GRADIENTS));
    }
  }
}

function dispatchGroup(group: readonly Gradient[]): void {
  const numbers: Record<string, number> = {};
  let first = 0;
  const { device, storage } = group[0].dW;
  const { rows, columns } = tileOf(device);
  for (const [p, { dW, dy, x, R, O, D }] of group.entries()) {
    const values = { a: dy.start, b: x?.start ?? 0, c: dW.start, K: R, M: O, N: x ? D : 0, first };
    for (const field of FIELDS) numbers[`${field}${p}`] = values[field];
    first += Math.ceil(O / rows) * Math.ceil(Math.max(values.N, 1) / columns);
  }
  const m = new DeviceBuffer(device, 'float32', storage, 0, storage.bytes / 4);
  dispatchElementwise(grouped({ count: group.length, rows, columns }), { m }, first, numbers);
}
