import type { DeviceBuffer } from './buffers.ts';
import type { Workgroups } from './commands.ts';
import type { KernelSource } from './pipelines.ts';

/** Invocations of a workgroup. */
export const THREADS = 64;

/** Workgroups for `count` invocations, in rows of as many as every device allows. */
export function workgroupsFor(count: number): Workgroups {
  const groups = Math.ceil(count / THREADS);
  const x = Math.min(groups, 65_535);
  return [x, Math.ceil(groups / Math.max(x, 1)), 1];
}

/**
 * A kernel that computes element i of its outputs from elements i of its inputs.
 *
 * @param body statements over `i`
 * @param functions what they call
 */
export function elementwise(
  { name, outputs, inputs, args }: Pick<KernelSource, 'name' | 'outputs' | 'inputs' | 'args'>,
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
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * ${THREADS}u;
  if (i >= args.count) { return; }
  ${body}
}`,
  };
}

/** Notes an elementwise kernel over the elements of its tensors. */
export function overElements(
  source: KernelSource,
  tensors: Readonly<Record<string, DeviceBuffer>>,
  args: Readonly<Record<string, number>> = {},
): void {
  const [{ device, length }] = Object.values(tensors);
  device.dispatch(source, tensors, { ...args, count: length }, workgroupsFor(length));
}
