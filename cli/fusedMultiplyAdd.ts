import { setFlagsFromString } from 'node:v8';
import { hasFusedMultiplyAdd } from 'bptt/wasm';

/**
 * Whether this host has fused multiply-add. Node 20 has it behind a flag of V8, which is set here: it counts for what is
 * compiled afterwards, in every thread.
 */
export function withFusedMultiplyAdd(): boolean {
  if (hasFusedMultiplyAdd()) return true;
  if (process.versions.v8?.startsWith('11.3.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return hasFusedMultiplyAdd();
}
