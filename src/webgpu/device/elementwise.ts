import { assertBuffer, assertFloats } from './assert.ts';
import type { DeviceBuffer } from './buffers.ts';
import type { Workgroups } from './commands.ts';
import type { KernelSource } from './pipelines.ts';

/** Invocations of a workgroup. */
export const THREADS = 64;

/** What WebGPU promises everywhere for the workgroups of one dimension. */
const MAX_WORKGROUPS = 65_535;

/** `count` workgroups in rows of as many as every device allows: number x + y·(row) for `main`. */
export function inRows(count: number): Workgroups {
  const x = Math.min(count, MAX_WORKGROUPS);
  return [x, Math.ceil(count / Math.max(x, 1)), 1];
}

/** Workgroups for `count` invocations. */
export function workgroupsFor(count: number): Workgroups {
  return inRows(Math.ceil(count / THREADS));
}

/**
 * A kernel with one invocation for each i = 0 … args.count − 1.
 *
 * @param body statements over `i`
 * @param functions what they call
 */
export function elementwise(
  name: string,
  outputs: KernelSource['outputs'],
  inputs: KernelSource['inputs'],
  args: KernelSource['args'],
  body: string,
  functions = '',
): KernelSource {
  return {
    name,
    outputs,
    inputs,
    args: { ...args, count: 'u32' },
    code: `${functions}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = thread.x + thread.y * groups.x * ${THREADS}u;
  if (i >= args.count) { return; }
  ${body}
}`,
  };
}

/** Notes an elementwise kernel over `count` elements. */
export function dispatchElementwise(
  source: KernelSource,
  tensors: Readonly<Record<string, DeviceBuffer>>,
  count: number,
  args: Readonly<Record<string, number>> = {},
): void {
  const [{ device }] = Object.values(tensors);
  device.dispatch(source, tensors, { ...args, count }, workgroupsFor(count));
}

/** The same for tensors that all have the length of the first, an output. */
export function dispatchAll(
  source: KernelSource,
  tensors: Readonly<Record<string, DeviceBuffer>>,
  args: Readonly<Record<string, number>> = {},
): void {
  const [[first, like]] = Object.entries(tensors);
  assertBuffer(source.name, first, like);
  const { length } = like;
  assertFloats(source.name, tensors, '[n]', length);
  dispatchElementwise(source, tensors, length, args);
}

/** WGSL: whether x is NaN, by its bits, since a compiler may take `x != x` for false. */
export const IS_NAN_WGSL = `
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`;
