import { upTo } from './sizes.ts';
import { sumNames, sumsOfProducts } from './tile.ts';

/**
 * How a workgroup walks all steps of a few sequences. Its invocations share out the product of each step: `units` outputs
 * and a part of the sum each. Then they share out the units of the cell, which takes the parts together.
 */
export interface WalkOptions {
  /** Sequences of a workgroup. */
  readonly rows: number;
  /** Outputs of an invocation, a multiple of four. */
  readonly units: number;
  /**
   * How many products of a sum an invocation makes whose weights it keeps, read once for all steps; 0 where they are too
   * many to be kept, and are read again at every step.
   */
  readonly held: number;
  /** Room for what goes into the product, of one sequence. */
  readonly room: number;
  /** Room for the tiles that the product is shared out in. */
  readonly tiles: number;
  readonly threads: number;
}

/** The numbers that {@link walkCode} needs beside those of the cell: parts of a sum, products of a part, room for outputs. */
export const WALK_ARGS = { parts: 'u32', share: 'u32', width: 'u32' } as const;

/** What is walked: y = W·operand at every step. Expressions and statements of WGSL. */
export interface WalkedCell {
  /** Lengths of operand and y. */
  readonly inner: string;
  readonly outputs: string;
  /** From one weight to that of the next output, and of the next element of the operand. */
  readonly outputStep: string;
  readonly innerStep: string;
  /** Statements that make element `at` of the first operand, of unit `j` of sequence `b`; empty where step 0 needs none. */
  readonly begin: string;
  /** Whether step `n` goes without the product. */
  readonly skips: string;
  /** Statements that do step `n` of unit `j`, with `product(r, o)`, and make its elements of the next operand, at `at`. */
  readonly step: string;
}

/** WGSL: the walk. */
export function walkCode(
  { rows, units, held, room, tiles, threads }: WalkOptions,
  { inner, outputs, outputStep, innerStep, begin, skips, step }: WalkedCell,
): string {
  const fours = units / 4;
  const columns = (v: number | string): string =>
    `args.Whh_start + min(o0 + 4u * ${v} + vec4u(0u, 1u, 2u, 3u), vec4u(outputs - 1u)) * ${outputStep} + k0 * ${innerStep}`;
  const names = sumNames(rows, fours);
  const overUnits = (statements: string): string => `
  for (var r = 0u; r < ${rows}u; r++) {
    let b = b0 + r;
    if (b < args.B) {
      for (var j = lane; j < args.H; j += ${threads}u) {
        let at = r * ${room}u + j;
        ${statements}
      }
    }
  }`;
  const store = `
      var totals = array<vec4f, ${names.length}>(${names.join(', ')});
      for (var s = 0u; s < ${names.length}u; s++) {
        let to = (part * ${rows}u + s / ${fours}u) * args.width + o0 + 4u * (s % ${fours}u);
        let total = totals[s];
        sums[to] = total.x;
        sums[to + 1u] = total.y;
        sums[to + 2u] = total.z;
        sums[to + 3u] = total.w;
      }`;
  const hold = `
  var weights: array<vec4f, ${held * fours}>;
  let part = lane / across;
  let o0 = ${units}u * (lane % across);
  let k0 = ${held}u * part;
  if (lane < tiles) {
    for (var v = 0u; v < ${fours}u; v++) {
      var at = ${columns('v')};
      for (var k = 0u; k < min(${held}u, inner - k0); k++) {
        weights[k * ${fours}u + v] = vec4f(b(at.x), b(at.y), b(at.z), b(at.w));
        at += vec4u(${innerStep});
      }
    }
  }`;
  const heldProduct = `
    if (lane < tiles) {
      ${names.map((name) => `var ${name} = vec4f();`).join(' ')}
      ${upTo(held)
        .map((k) => {
          const ones = upTo(rows).map((r) => {
            const sums = upTo(fours).map((v) => `sum${r}_${v} += one * weights[${k * fours + v}];`);
            return `{ let one = operand[${r * room + k}u + k0]; ${sums.join(' ')} }`;
          });
          return ones.join(' ');
        })
        .join('\n      ')}
      ${store}
    }`;
  const readProduct = `
    for (var tile = lane; tile < tiles; tile += ${threads}u) {
      let part = tile / across;
      let o0 = ${units}u * (tile % across);
      let k0 = args.share * part;
      ${sumsOfProducts({
        rows: upTo(rows).map((r) => `${r * room}u + k0`),
        aStep: '1u',
        columns: upTo(fours).map((v) => columns(`${v}u`)),
        bStep: innerStep,
        count: 'min(args.share, inner - k0)',
      })}
      ${store}
    }`;
  return `
var<workgroup> operand: array<f32, ${rows * room}>;
var<workgroup> sums: array<f32, ${rows * units * tiles}>;
fn a(at: u32) -> f32 { return operand[at]; }
fn b(at: u32) -> f32 { return Whh_at(at); }
fn product(r: u32, o: u32) -> f32 {
  var sum = 0.0;
  for (var part = 0u; part < args.parts; part++) { sum += sums[(part * ${rows}u + r) * args.width + o]; }
  return sum;
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b0 = ${rows}u * group.x;
  let inner = ${inner};
  let outputs = ${outputs};
  let across = args.width / ${units}u;
  let tiles = across * args.parts;
  ${held > 0 ? hold : ''}
  ${begin ? `${overUnits(begin)}\n  workgroupBarrier();` : ''}
  for (var n = 0u; n < args.steps; n++) {
    if (!(${skips})) {${held > 0 ? heldProduct : readProduct}
    }
    workgroupBarrier();
    ${overUnits(step)}
    workgroupBarrier();
  }
}`;
}
