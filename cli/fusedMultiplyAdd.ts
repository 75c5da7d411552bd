import { setFlagsFromString } from 'node:v8';
import { hasFusedMultiplyAdd } from 'bptt/wasm';

/**
 * Node 20 has fused multiply-add behind a flag of V8, which is set here: it counts for what is compiled afterwards, in every
 * thread.
 *
 * @returns whether this host has it
 */
export function allowFusedMultiplyAdd(): boolean {
  if (hasFusedMultiplyAdd()) return true;
  if (process.versions.v8?.startsWith('11.3.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return hasFusedMultiplyAdd();
}
