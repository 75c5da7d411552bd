import type { FloatBuffer } from './buffers.ts';
import { elementwise, overElements } from './elements.ts';
import type { KernelSource } from './pipelines.ts';
import { variants } from './variants.ts';

/** Rows and columns of the tile of sums that an invocation keeps in registers. */
export const TILE = 4;

/** Where the elements of a factor stand: number i of those that stay, number k of those summed over. */
interface Strides {
  readonly stay: number;
  readonly summed: number;
}

/**
 * WGSL: `sum0` … , sums of products in registers, sum_r[c] = Σ_k a(at_r + k·a_step)·b(b_at[c] + k·b_step).
 *
 * @param rows how many sums of four there are, and expressions of where each begins in `a`
 * @param count how many products, an expression
 */
export function sumsOfProducts(rows: readonly string[], aStep: string, bAt: string, bStep: string, count: string): string {
  const each = (text: (r: number) => string): string => rows.map((_, r) => text(r)).join('\n    ');
  return `
    ${each((r) => `var at${r} = ${rows[r]}; var sum${r} = vec4f();`)}
    var b_at = ${bAt};
    for (var k = 0u; k < ${count}; k++) {
      let b4 = vec4f(b(b_at.x), b(b_at.y), b(b_at.z), b(b_at.w));
      ${each((r) => `sum${r} += a(at${r}) * b4; at${r} += ${aStep};`)}
      b_at += vec4u(${bStep});
    }`;
}

const product = variants(({ rows, bias }: { rows: number; bias: boolean }) => {
  const body = `
  let tiles = (args.n + ${TILE - 1}u) / ${TILE}u;
  let row = ${rows}u * (i / tiles);
  let columns = ${TILE}u * (i % tiles) + vec4u(0u, 1u, 2u, 3u);
  let last = min(columns, vec4u(args.n - 1u));
  ${sumsOfProducts(
    Array.from({ length: rows }, (_, r) => `min(row + ${r}u, args.m - 1u) * args.a_stay`),
    'args.a_summed',
    'last * args.b_stay',
    'args.b_summed',
    'args.k',
  )}
  ${Array.from({ length: rows }, (_, r) => `store(row + ${r}u, columns, sum${r});`).join('\n  ')}`;
  const functions = `
fn store(row: u32, columns: vec4u, sum: vec4f) {
  if (row >= args.m) { return; }
  for (var j = 0u; j < 4u; j++) {
    let column = columns[j];
    if (column < args.n) {
      let at = row * args.n + column;
      let total = sum[j]${bias ? ' + bias(column)' : ''};
      set_c(at, select(total, c(at) + total, args.accumulate == 1u));
    }
  }
}`;
  const names = ['m', 'k', 'n', 'accumulate', 'a_stay', 'a_summed', 'b_stay', 'b_summed'];
  const args: KernelSource['args'] = Object.fromEntries(names.map((name) => [name, 'u32']));
  const inputs: KernelSource['inputs'] = { a: 'f32', b: 'f32', ...(bias ? { bias: 'f32' } : {}) };
  return elementwise(`product${rows}${bias ? 'Bias' : ''}`, { c: 'f32' }, inputs, args, body, functions);
});

/**
 * c[M,N] = Σ_k a·b (+ bias[N]), or c += that when `accumulate` is set, for factors in any layout. Sums of 4×4 stand in
 * the registers of an invocation.
 */
function multiply(
  c: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  bias: FloatBuffer | null,
  [m, k, n]: readonly [number, number, number],
  aStrides: Strides,
  bStrides: Strides,
  accumulate: boolean,
): void {
  const rows = m === 1 ? 1 : TILE;
  const source = product({ rows, bias: bias !== null });
  const numbers = {
    ...{ m, k, n, accumulate: accumulate ? 1 : 0 },
    ...{ a_stay: aStrides.stay, a_summed: aStrides.summed, b_stay: bStrides.stay, b_summed: bStrides.summed },
  };
  overElements(source, { c, a, b, ...(bias ? { bias } : {}) }, Math.ceil(m / rows) * Math.ceil(n / TILE), numbers);
}

/** c[M,N] = a[M,K]·b[K,N] */
export function productNN(c: FloatBuffer, a: FloatBuffer, b: FloatBuffer, m: number, k: number, n: number, accumulate = false): void {
  multiply(c, a, b, null, [m, k, n], { stay: k, summed: 1 }, { stay: 1, summed: n }, accumulate);
}

/** c[M,N] = a[M,K]·b[N,K]ᵀ + bias */
export function productNT(
  c: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  bias: FloatBuffer | null,
  m: number,
  k: number,
  n: number,
): void {
  multiply(c, a, b, bias, [m, k, n], { stay: k, summed: 1 }, { stay: k, summed: 1 }, false);
}

/** c[M,N] += a[K,M]ᵀ·b[K,N] */
export function productTN(c: FloatBuffer, a: FloatBuffer, b: FloatBuffer, m: number, k: number, n: number): void {
  multiply(c, a, b, null, [m, k, n], { stay: 1, summed: m }, { stay: 1, summed: n }, true);
}
