import type { Kernels } from '../bptt/engine.ts';
import type { FloatBuffer, IntBuffer } from './buffers.ts';

/** The functions that the walk through time asks for, on a device's buffers, and the two of the engine's own that compute. */
export interface WalkKernels extends Kernels<FloatBuffer, IntBuffer> {
  copy(to: FloatBuffer, from: FloatBuffer): void;
  fill(y: FloatBuffer, value: number): void;
}

export type CallName = keyof WalkKernels;

/** One call of a kernel, kept to be looked at before it is run. */
export type Call<K extends CallName = CallName> = {
  readonly [N in K]: { readonly kernel: N; readonly args: Parameters<WalkKernels[N]> };
}[K];

/** Whether a call is of that kernel. */
export function isCall<K extends CallName>(call: Call | undefined, kernel: K): call is Extract<Call, { kernel: K }> {
  return call?.kernel === kernel;
}

/** Whether two views are of the same elements. */
export function same(a: FloatBuffer | IntBuffer | null, b: FloatBuffer | IntBuffer | null): boolean {
  if (!a || !b) return a === b;
  return a.storage === b.storage && a.start === b.start && a.length === b.length;
}
