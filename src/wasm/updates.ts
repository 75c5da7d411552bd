import { type OptimKernels, optimizerFunctions } from '../bptt/engine.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { ModuleBuilder } from './assembler.ts';
import { emitUpdate } from './formulas.ts';
import { host } from './host.ts';
import type { WasmMemory } from './memory.ts';

interface CompiledRule {
  readonly call: (...args: number[]) => number;
  /** Of the arrays and of the numbers, in the order of the arguments. */
  readonly arrays: readonly string[];
  readonly numbers: readonly string[];
}

/** An update: a kernel made from the rule's formula, or, of a rule without one, its own function on the same memory. */
export function updateKernels(w: WasmMemory): Pick<OptimKernels, 'update'> {
  const made = new WeakMap<Optimizer, CompiledRule>();
  let rules = 0;
  const compile = (
    { initialMemory }: Optimizer,
    formula: NonNullable<Optimizer['formula']>,
    numbers: string[],
  ): CompiledRule => {
    const m = new ModuleBuilder();
    const name = `rule${rules++}`;
    emitUpdate(m, name, formula, initialMemory.length, numbers);
    w.recorder.link(new (host().Module)(m.bytes(w.variant.shared ? 'shared' : 'own')), m.signatures);
    const memory = initialMemory.map((_, i) => `memory[${i}]`);
    const before = ['params', ...memory].map((_, i) => `before[${i}]`);
    return { call: w.recorder.call[name], arrays: ['params', 'grads', ...memory, ...before], numbers };
  };
  return {
    update(optimizer, params, grads, memory, numbers, before) {
      const { formula, name: fn } = optimizer;
      if (formula === undefined) return optimizerFunctions.update(optimizer, params, grads, memory, numbers, before);
      let rule = made.get(optimizer);
      if (!rule) {
        rule = compile(optimizer, formula, Object.keys(numbers));
        made.set(optimizer, rule);
      }
      const P = params.length;
      const arrays = [params, grads, ...memory, ...before];
      const args: number[] = [];
      for (let i = 0; i < arrays.length; i++) args.push(w.at(fn, rule.arrays[i], arrays[i], '[P]', P));
      args.push(P);
      for (const name of rule.numbers) args.push(numbers[name]);
      return rule.call(...args) === 0;
    },
  };
}
