import type { Contender, Scope, Task, Tensors } from './contender.ts';
import { importedProduct, libraryContender } from './library.ts';
import { peakContender } from './peak.ts';
import { plainContender } from './plainLoops.ts';
import { formulaLstm, loopLstm } from './userLstm.ts';
import { webgpuContender } from './webgpu.ts';

/** What one of our own engines computes by. */
export interface OwnKind {
  readonly kind: 'peak' | 'plain' | 'matmulNN' | 'ts' | 'wasm' | 'wasm+fma' | 'webgpu' | 'formula' | 'loops';
  readonly dtype: 'float32' | 'float64';
}

/** One of our own engines in a run. */
export interface Own extends OwnKind {
  readonly threads: number;
  /** Of engine `webgpu`. */
  readonly scope: Scope | null;
}

/** @param openGpu where engine `webgpu` looks for an adapter; left out, where the library does */
export async function ownContender(
  task: Task,
  tensors: Tensors,
  { kind, dtype, threads, scope }: Own,
  openGpu?: () => Promise<GPU>,
): Promise<Contender> {
  if (kind === 'peak') return peakContender();
  if (kind === 'plain') return plainContender(task, tensors, dtype === 'float32' ? Float32Array : Float64Array);
  if (kind === 'matmulNN') return importedProduct(task, tensors);
  if (kind === 'webgpu') return webgpuContender(task, tensors, scope!, await openGpu?.());
  if (kind === 'formula' || kind === 'loops') {
    const cell = kind === 'formula' ? formulaLstm : loopLstm;
    return libraryContender(task, tensors, { engine: 'wasm', dtype, threads, cell });
  }
  const engine = kind === 'ts' ? 'ts' : 'wasm';
  return libraryContender(task, tensors, { engine, fma: kind === 'wasm+fma', dtype, threads });
}
