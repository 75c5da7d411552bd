import { emitAdagrad } from './adagrad.ts';
import { emitAdam } from './adam.ts';
import { emitAdd } from './add.ts';
import { f32x4, ModuleBuilder, type Signature } from './assembler.ts';
import { emitBinaryCrossEntropyOfSoftmax } from './binaryCrossEntropyOfSoftmax.ts';
import { emitClip } from './clip.ts';
import { emitColumns } from './columns.ts';
import { emitCopy } from './copy.ts';
import { emitGather } from './gather.ts';
import { emitGru } from './gru.ts';
import { emitGruResetBefore } from './gruResetBefore.ts';
import { type CompiledModule, host, isValid } from './host.ts';
import { emitLstm } from './lstm.ts';
import { emitMatmul } from './matmul.ts';
import { emitMultiply } from './multiply.ts';
import { emitRelu } from './relu.ts';
import { emitScale } from './scale.ts';
import { emitSgd } from './sgd.ts';
import { emitSigmoid } from './sigmoid.ts';
import { emitSigmoidCrossEntropy } from './sigmoidCrossEntropy.ts';
import { emitSoftmaxCrossEntropy } from './softmaxCrossEntropy.ts';
import { emitSquaredError } from './squaredError.ts';
import { emitState } from './state.ts';
import { emitSum } from './sum.ts';
import { emitTanh } from './tanh.ts';

/** Every kernel, compiled, and what each takes and gives. */
interface KernelModule {
  readonly module: CompiledModule;
  readonly signatures: readonly Signature[];
}

const compiled = new Map<boolean, KernelModule>();

/**
 * Every kernel, assembled and compiled at its first use; each engine instantiates it on a memory of its own.
 *
 * @param shared whether for a memory that threads share
 */
export function wasmModule(shared: boolean): KernelModule {
  let found = compiled.get(shared);
  if (!found) {
    const m = new ModuleBuilder();
    emitCopy(m);
    emitMatmul(m);
    emitAdd(m);
    emitMultiply(m);
    emitGather(m);
    emitScale(m);
    emitTanh(m);
    emitSigmoid(m);
    emitRelu(m);
    emitColumns(m);
    emitState(m);
    emitLstm(m);
    emitGru(m);
    emitGruResetBefore(m);
    emitSoftmaxCrossEntropy(m);
    emitSigmoidCrossEntropy(m);
    emitSquaredError(m);
    emitBinaryCrossEntropyOfSoftmax(m);
    emitClip(m);
    emitSum(m);
    emitAdagrad(m);
    emitAdam(m);
    emitSgd(m);
    found = { module: new (host().Module)(m.bytes(shared ? 'shared' : 'own')), signatures: m.signatures };
    compiled.set(shared, found);
  }
  return found;
}

/** Whether this host has WebAssembly with SIMD, found out with the smallest module that uses it. */
export function hasWasmSimd(): boolean {
  const m = new ModuleBuilder();
  m.function('smallest', [], (f) => f.let(f32x4.nearest(0)));
  return isValid(m.bytes());
}
