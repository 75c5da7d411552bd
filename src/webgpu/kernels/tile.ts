import { upTo } from '../device/sizes.ts';

/** Sums of products that an invocation makes in registers: rows of `a` by fours of columns of `b`. */
export interface Tile {
  /** Where each row begins in `a`, expressions. */
  readonly rows: readonly string[];
  /** From one product to the next, in `a` and in `b`. */
  readonly aStep: string;
  readonly bStep: string;
  /** Where four columns begin in `b`, expressions of type vec4u. */
  readonly columns: readonly string[];
  /** How many products, an expression. */
  readonly count: string;
}

/**
 * WGSL: `sum<r>_<v>` … , four sums each, sum_r_v[c] = Σ_k a(rows_r + k·aStep)·b(columns_v[c] + k·bStep). The more of
 * them, the more products for each number that is read, and reading is what costs.
 */
export function sumsOfProducts({ rows, aStep, columns, bStep, count }: Tile): string {
  const eachRow = (text: (r: number) => string): string => rows.map((_, r) => text(r)).join('\n    ');
  const eachFour = (text: (v: number) => string): string => columns.map((_, v) => text(v)).join(' ');
  return `
    ${eachRow((r) => `var at${r} = ${rows[r]}; ${eachFour((v) => `var sum${r}_${v} = vec4f();`)}`)}
    ${columns.map((at, v) => `var b_at${v} = ${at};`).join('\n    ')}
    for (var k = 0u; k < ${count}; k++) {
      ${columns.map((_, v) => `let b${v} = vec4f(b(b_at${v}.x), b(b_at${v}.y), b(b_at${v}.z), b(b_at${v}.w));`).join('\n      ')}
      ${eachRow((r) => `{ let one = a(at${r}); ${eachFour((v) => `sum${r}_${v} += one * b${v};`)} at${r} += ${aStep}; }`)}
      ${eachFour((v) => `b_at${v} += vec4u(${bStep});`)}
    }`;
}

/** The names of the sums, row by row. */
export function sumNames(rows: number, fours: number): string[] {
  return upTo(rows * fours).map((s) => `sum${Math.floor(s / fours)}_${s % fours}`);
}
