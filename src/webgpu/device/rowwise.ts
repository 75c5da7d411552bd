import type { DeviceBuffer } from './buffers.ts';
import { inRows, THREADS } from './elementwise.ts';
import type { KernelSource } from './pipelines.ts';

/** The 64 values of a workgroup's invocations are reduced in two steps, 8 by 8. */
const GROUP = 8;

/**
 * WGSL: `sum_across(own, lane)` and `max_across(own, lane)`, the sum and the maximum of what the invocations of a
 * workgroup hold, in a fixed order, returned to each of them. Must be called in uniform control flow.
 */
export const ACROSS_WGSL: string = `
var<workgroup> lanes: array<f32, ${THREADS}>;
var<workgroup> lane_groups: array<f32, ${GROUP}>;
${across('sum_across', 'total + value')}
${across('max_across', 'max(total, value)')}`;

function across(name: string, together: string): string {
  const fold = (from: string): string => `
    var total = ${from.replace('at', '0u')};
    for (var at = 1u; at < ${GROUP}u; at++) {
      let value = ${from};
      total = ${together};
    }`;
  return `
fn ${name}(own: f32, lane: u32) -> f32 {
  lanes[lane] = own;
  workgroupBarrier();
  if (lane < ${GROUP}u) {${fold(`lanes[${GROUP}u * lane + at]`)}
    lane_groups[lane] = total;
  }
  workgroupBarrier();${fold('lane_groups[at]')}
  return total;
}`;
}

/**
 * A kernel with one workgroup for each number = 0 … args.workgroups − 1, in rows of as many as a dimension takes.
 *
 * @param body statements over `number` and `lane` = 0 … 63
 * @param declarations what they need
 */
export function workgroupwise(
  name: string,
  outputs: KernelSource['outputs'],
  inputs: KernelSource['inputs'],
  args: KernelSource['args'],
  body: string,
  declarations: string,
): KernelSource {
  return {
    name,
    outputs,
    inputs,
    args: { ...args, workgroups: 'u32' },
    code: `${declarations}
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.x + group.y * groups.x;
  if (number >= args.workgroups) { return; }
  ${body}
}`,
  };
}

/**
 * A kernel with one workgroup for each row of n elements.
 *
 * @param body statements over `row`, `start` of its elements, and `lane` = 0 … 63
 * @param functions what they call beside {@link ACROSS_WGSL}
 * @param args numbers beside n
 */
export function rowwise(
  name: string,
  outputs: KernelSource['outputs'],
  inputs: KernelSource['inputs'],
  body: string,
  functions = '',
  args: KernelSource['args'] = {},
): KernelSource {
  const rowBody = `let row = number;
  let start = row * args.n;
  ${body}`;
  return workgroupwise(name, outputs, inputs, { ...args, n: 'u32' }, rowBody, ACROSS_WGSL + functions);
}

/** WGSL: a loop over the elements of a row, j = 0 … args.n − 1, shared out over the invocations. */
export function forRow(body: string): string {
  return `for (var j = lane; j < args.n; j += ${THREADS}u) { ${body} }`;
}

/** Notes a rowwise kernel over `rows` rows of `n` elements. */
export function dispatchRows(
  source: KernelSource,
  tensors: Readonly<Record<string, DeviceBuffer>>,
  rows: number,
  n: number,
  args: Readonly<Record<string, number>> = {},
): void {
  const [{ device }] = Object.values(tensors);
  device.dispatch(source, tensors, { ...args, workgroups: rows, n }, inRows(rows));
}
