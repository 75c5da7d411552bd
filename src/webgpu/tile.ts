/** Rows and columns of the tile of sums that an invocation keeps in registers. */
export const TILE = 4;

/**
 * WGSL: `sum0` … , sums of products in registers, sum_r[c] = Σ_k a(at_r + k·a_step)·b(b_at[c] + k·b_step).
 *
 * @param rows how many sums of four there are, and expressions of where each begins in `a`
 * @param count how many products, an expression
 */
export function sumsOfProducts(
  rows: readonly string[],
  aStep: string,
  bAt: string,
  bStep: string,
  count: string,
): string {
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
