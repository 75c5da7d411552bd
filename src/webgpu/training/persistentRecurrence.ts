import { upTo } from '../device/sizes.ts';
import { sumNames, sumsOfProducts } from '../kernels/tile.ts';

/**
 * How a workgroup computes all steps of a few sequences in one dispatch. In each step its invocations share the product
 * y = W·operand: an invocation computes `outputsPerThread` outputs over one split of the sum. Then they share the units of
 * the cell, which adds the splits up.
 */
export interface PersistentOptions {
  /** Sequences of a workgroup. */
  readonly rows: number;
  /** A multiple of four. */
  readonly outputsPerThread: number;
  /**
   * The products of an output whose weights an invocation loads once for all steps; 0 where they are too many for its
   * registers and are read again in every step.
   */
  readonly weightsInRegisters: number;
  /** Elements of one sequence's operand that the workgroup's memory has room for. */
  readonly operandCapacity: number;
  /** Tiles (outputs of an invocation × split of the sum) that it has room for. */
  readonly tileCount: number;
  readonly threads: number;
}

/** The numbers that {@link persistentCode} needs beside those of the cell. */
export const PERSISTENT_ARGS = { kSplits: 'u32', kPerSplit: 'u32', paddedOutputs: 'u32' } as const;

/** A step of {@link persistentCode}: y = W·operand, then the cell. Expressions and statements of WGSL. */
export interface PersistentStep {
  /** Lengths of operand and y. */
  readonly inner: string;
  readonly outputs: string;
  /** The stride in W from one output to the next, and from one element of the operand to the next. */
  readonly outputStep: string;
  readonly innerStep: string;
  /** Statements that store element `at` of the first operand, of unit `j` of sequence `b`; empty where step 0 needs none. */
  readonly begin: string;
  /** Whether step `n` has no product. */
  readonly skips: string;
  /** Statements that compute step `n` of unit `j` from `product(r, o)`, and store its elements of the next operand, at `at`. */
  readonly step: string;
}

/** WGSL: the entry point of a persistent recurrence. */
export function persistentCode(
  { rows, outputsPerThread, weightsInRegisters, operandCapacity, tileCount, threads }: PersistentOptions,
  { inner, outputs, outputStep, innerStep, begin, skips, step }: PersistentStep,
): string {
  const fours = outputsPerThread / 4;
  const columns = (v: number | string): string =>
    `args.Whh_start + min(o0 + 4u * ${v} + vec4u(0u, 1u, 2u, 3u), vec4u(outputs - 1u)) * ${outputStep} + k0 * ${innerStep}`;
  const names = sumNames(rows, fours);
  const overUnits = (statements: string): string => `
  for (var r = 0u; r < ${rows}u; r++) {
    let b = b0 + r;
    if (b < args.B) {
      for (var j = lane; j < args.H; j += ${threads}u) {
        let at = r * ${operandCapacity}u + j;
        ${statements}
      }
    }
  }`;
  const store = `
      var totals = array<vec4f, ${names.length}>(${names.join(', ')});
      for (var s = 0u; s < ${names.length}u; s++) {
        let to = (split * ${rows}u + s / ${fours}u) * args.paddedOutputs + o0 + 4u * (s % ${fours}u);
        let total = totals[s];
        sums[to] = total.x;
        sums[to + 1u] = total.y;
        sums[to + 2u] = total.z;
        sums[to + 3u] = total.w;
      }`;
  const loadWeights = `
  var weights: array<vec4f, ${weightsInRegisters * fours}>;
  let split = lane / threadsAcross;
  let o0 = ${outputsPerThread}u * (lane % threadsAcross);
  let k0 = ${weightsInRegisters}u * split;
  if (lane < tileCount) {
    for (var v = 0u; v < ${fours}u; v++) {
      var at = ${columns('v')};
      for (var k = 0u; k < min(${weightsInRegisters}u, inner - k0); k++) {
        weights[k * ${fours}u + v] = vec4f(b(at.x), b(at.y), b(at.z), b(at.w));
        at += vec4u(${innerStep});
      }
    }
  }`;
  const registerProduct = `
    if (lane < tileCount) {
      ${names.map((name) => `var ${name} = vec4f();`).join(' ')}
      ${upTo(weightsInRegisters)
        .map((k) => {
          const ones = upTo(rows).map((r) => {
            const sums = upTo(fours).map((v) => `sum${r}_${v} += one * weights[${k * fours + v}];`);
            return `{ let one = operand[${r * operandCapacity + k}u + k0]; ${sums.join(' ')} }`;
          });
          return ones.join(' ');
        })
        .join('\n      ')}
      ${store}
    }`;
  const memoryProduct = `
    for (var tile = lane; tile < tileCount; tile += ${threads}u) {
      let split = tile / threadsAcross;
      let o0 = ${outputsPerThread}u * (tile % threadsAcross);
      let k0 = args.kPerSplit * split;
      ${sumsOfProducts({
        rows: upTo(rows).map((r) => `${r * operandCapacity}u + k0`),
        aStep: '1u',
        columns: upTo(fours).map((v) => columns(`${v}u`)),
        bStep: innerStep,
        count: 'min(args.kPerSplit, inner - k0)',
      })}
      ${store}
    }`;
  return `
var<workgroup> operand: array<f32, ${rows * operandCapacity}>;
var<workgroup> sums: array<f32, ${rows * outputsPerThread * tileCount}>;
fn a(at: u32) -> f32 { return operand[at]; }
fn b(at: u32) -> f32 { return Whh_at(at); }
fn product(r: u32, o: u32) -> f32 {
  var sum = 0.0;
  for (var split = 0u; split < args.kSplits; split++) { sum += sums[(split * ${rows}u + r) * args.paddedOutputs + o]; }
  return sum;
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b0 = ${rows}u * group.x;
  let inner = ${inner};
  let outputs = ${outputs};
  let threadsAcross = args.paddedOutputs / ${outputsPerThread}u;
  let tileCount = threadsAcross * args.kSplits;
  ${weightsInRegisters > 0 ? loadWeights : ''}
  ${begin ? `${overUnits(begin)}\n  workgroupBarrier();` : ''}
  for (var n = 0u; n < args.steps; n++) {
    if (!(${skips})) {${weightsInRegisters > 0 ? registerProduct : memoryProduct}
    }
    workgroupBarrier();
    ${overUnits(step)}
    workgroupBarrier();
  }
}`;
}
