import { emitAdagrad } from './adagrad.ts';
import { emitAdam } from './adam.ts';
import { emitAdd } from './add.ts';
import { f32x4, ModuleBuilder } from './assembler.ts';
import { emitBinaryCrossEntropyOfSoftmax } from './binaryCrossEntropyOfSoftmax.ts';
import { emitClip } from './clip.ts';
import { emitColumns } from './columns.ts';
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

let compiled: CompiledModule | undefined;

/** Every kernel, assembled and compiled at its first use; each engine instantiates it on a memory of its own. */
export function wasmModule(): CompiledModule {
  if (!compiled) {
    const m = new ModuleBuilder();
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
    compiled = new (host().Module)(m.bytes());
  }
  return compiled;
}

/** Whether this host has WebAssembly with SIMD, found out with the smallest module that uses it. */
export function hasWasmSimd(): boolean {
  const m = new ModuleBuilder();
  m.function('smallest', [], (f) => f.let(f32x4.nearest(0)));
  return isValid(m.bytes());
}
