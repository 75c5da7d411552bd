import { emitAdd } from './add.ts';
import { f32x4, ModuleBuilder, plusProduct, type Signature } from './assembler.ts';
import { emitClip } from './clip.ts';
import { emitColumns } from './columns.ts';
import { emitCopy } from './copy.ts';
import { emitGather } from './gather.ts';
import { type CompiledModule, compiles, host } from './host.ts';
import { emitL2 } from './l2.ts';
import { emitLayerNorm } from './layerNorm.ts';
import { emitHalfProducts, emitMatmul } from './matmul.ts';
import { emitMultiply } from './multiply.ts';
import { emitNotFinite } from './notFinite.ts';
import { emitRelu } from './relu.ts';
import { emitSigmoid } from './sigmoid.ts';
import { emitSigmoidCrossEntropy } from './sigmoidCrossEntropy.ts';
import { emitSoftmaxCrossEntropy } from './softmaxCrossEntropy.ts';
import { emitSquaredError } from './squaredError.ts';
import { emitState } from './state.ts';
import { emitSum } from './sum.ts';
import { emitTanh, emitTanhBackward } from './tanh.ts';

/** Every kernel but those of cells and update rules, compiled, and what each takes and gives. */
interface KernelModule {
  readonly module: CompiledModule;
  readonly signatures: readonly Signature[];
}

/** The variants of the kernels. */
export interface Variant {
  /** For a memory that threads share. */
  readonly shared: boolean;
  /** Products by fused multiply-add. */
  readonly fused: boolean;
}

const compiled = new Map<string, KernelModule>();

/**
 * The kernels, assembled and compiled at their first use; each engine instantiates it on a memory of its own.
 */
export function wasmModule({ shared, fused }: Variant): KernelModule {
  const key = `${shared} ${fused}`;
  let found = compiled.get(key);
  if (!found) {
    const m = new ModuleBuilder();
    emitCopy(m);
    emitMatmul(m, fused);
    emitHalfProducts(m, fused);
    emitAdd(m);
    emitMultiply(m);
    emitGather(m);
    emitL2(m);
    emitLayerNorm(m);
    emitSigmoid(m);
    emitTanh(m);
    emitTanhBackward(m);
    emitRelu(m);
    emitColumns(m);
    emitState(m);
    emitSoftmaxCrossEntropy(m);
    emitSigmoidCrossEntropy(m);
    emitSquaredError(m);
    emitClip(m);
    emitSum(m);
    emitNotFinite(m);
    found = { module: new (host().Module)(m.bytes(shared ? 'shared' : 'own')), signatures: m.signatures };
    compiled.set(key, found);
  }
  return found;
}

/** Whether this host has WebAssembly with SIMD and allows it, found out with the smallest module that uses it. */
export function hasWasmSimd(): boolean {
  const m = new ModuleBuilder();
  m.function('smallest', [], (f) => f.let(f32x4.nearest(0)));
  return compiles(m.bytes());
}

/** Whether this host has fused multiply-add on four floats (relaxed SIMD). */
export function hasFusedMultiplyAdd(): boolean {
  const m = new ModuleBuilder();
  m.function('smallest', [], (f) => f.let(plusProduct(0, 1, 2, true)));
  return compiles(m.bytes());
}
