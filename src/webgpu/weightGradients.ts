import { addRowBackward } from './add.ts';
import { DeviceBuffer, type FloatBuffer } from './buffers.ts';
import { elementwise, overElements } from './elements.ts';
import { matmulTN } from './matmul.ts';
import { sumsOfProducts, TILE } from './tile.ts';
import { variants } from './variants.ts';

/** dW[M,N] += a[K,M]ᵀ·b[K,N], or, where there is no b, the bias db[M] += Σ_k a[k,·]. */
export interface WeightGradient {
  readonly c: FloatBuffer;
  readonly a: FloatBuffer;
  readonly b: FloatBuffer | null;
  readonly K: number;
  readonly M: number;
  readonly N: number;
}

/** Gradients of a dispatch: what their numbers leave room for. */
export const MOST_GRADIENTS = 6;

const FIELDS = ['a', 'b', 'c', 'K', 'M', 'N', 'first'] as const;

/** An invocation finds out to which gradient its tile belongs, and computes 4×4 sums of it. */
const grouped = variants(({ count }: { count: number }) => {
  const args: Record<string, 'u32'> = {};
  for (let p = 0; p < count; p++) for (const field of FIELDS) args[`${field}${p}`] = 'u32';
  const chosen = Array.from({ length: count }, (_, p) => {
    const values = FIELDS.map((field) => `args.${field}${p}`).join(', ');
    return p === 0 ? `var g = Gradient(${values});` : `if (i >= args.first${p}) { g = Gradient(${values}); }`;
  });
  const body = `
  ${chosen.join('\n  ')}
  let tiles = (max(g.N, 1u) + ${TILE - 1}u) / ${TILE}u;
  let row = ${TILE}u * ((i - g.first) / tiles);
  let columns = ${TILE}u * ((i - g.first) % tiles) + vec4u(0u, 1u, 2u, 3u);
  ones = g.N == 0u;
  ${sumsOfProducts(
    Array.from({ length: TILE }, (_, r) => `g.a + min(row + ${r}u, g.M - 1u)`),
    'g.M',
    'select(g.b + min(columns, vec4u(max(g.N, 1u) - 1u)), vec4u(), ones)',
    'select(g.N, 0u, ones)',
    'g.K',
  )}
  ${Array.from({ length: TILE }, (_, r) => `store(g, row + ${r}u, columns, sum${r});`).join('\n  ')}`;
  const functions = `
struct Gradient { ${FIELDS.map((field) => `${field}: u32`).join(', ')} }
var<private> ones: bool;
fn a(at: u32) -> f32 { return m(at); }
fn b(at: u32) -> f32 { if (ones) { return 1.0; } return m(at); }
fn store(g: Gradient, row: u32, columns: vec4u, sum: vec4f) {
  if (row >= g.M) { return; }
  if (g.N == 0u) {
    set_m(g.c + row, m(g.c + row) + sum.x);
    return;
  }
  for (var j = 0u; j < 4u; j++) {
    if (columns[j] < g.N) {
      let at = g.c + row * g.N + columns[j];
      set_m(at, m(at) + sum[j]);
    }
  }
}`;
  return elementwise(`weightGradients${count}`, { m: 'f32' }, {}, args, body, functions);
});

/**
 * All these gradients, in one dispatch for each {@link MOST_GRADIENTS} of them that lie in one buffer. None may be what
 * another reads.
 */
export function weightGradients(gradients: readonly WeightGradient[]): void {
  const groups = new Map<number, WeightGradient[]>();
  for (const gradient of gradients) {
    const { c, a, b, K, M, N } = gradient;
    const { storage } = c;
    if (a.storage !== storage || (b && b.storage !== storage)) {
      if (b) matmulTN(c, a, b, M, K, N, true);
      else addRowBackward(c, a, K, M);
      continue;
    }
    const group = groups.get(storage.id);
    if (group) group.push(gradient);
    else groups.set(storage.id, [gradient]);
  }
  for (const group of groups.values()) {
    for (let from = 0; from < group.length; from += MOST_GRADIENTS) {
      dispatchGroup(group.slice(from, from + MOST_GRADIENTS));
    }
  }
}

function dispatchGroup(group: readonly WeightGradient[]): void {
  const numbers: Record<string, number> = {};
  let first = 0;
  for (const [p, { c, a, b, K, M, N }] of group.entries()) {
    const columns = b ? N : 0;
    const values = { a: a.start, b: b?.start ?? 0, c: c.start, K, M, N: columns, first };
    for (const field of FIELDS) numbers[`${field}${p}`] = values[field];
    first += Math.ceil(M / TILE) * Math.ceil(Math.max(columns, 1) / TILE);
  }
  const { device, storage } = group[0].c;
  const m = new DeviceBuffer(device, 'float32', storage, 0, storage.bytes / 4);
  overElements(grouped({ count: group.length }), { m }, first, numbers);
}
