import { type OptimKernels, optimizerFunctions } from '../bptt/engine.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { ModuleBuilder } from './assembler.ts';
import { emitUpdate } from './formulas.ts';
import { host } from './host.ts';
import type { WasmMemory } from './memory.ts';

interface CompiledRule {
  readonly call: (...args: number[]) => number;
  /** Of the numbers, in the order of the arguments. */
  readonly names: readonly string[];
}

/** An update: a kernel made from the rule's formula, or, of a rule without one, its own function on the same memory. */
export function updateKernels(w: WasmMemory): Pick<OptimKernels, 'update'> {
  const made = new WeakMap<Optimizer, CompiledRule>();
  let rules = 0;
  const ruleOf = (optimizer: Optimizer, formula: NonNullable<Optimizer['formula']>, names: string[]): CompiledRule => {
    let rule = made.get(optimizer);
    if (!rule) {
      const m = new ModuleBuilder();
      const name = `rule${rules++}`;
      emitUpdate(m, name, formula, optimizer.initialMemory.length, names);
      w.recorder.link(new (host().Module)(m.bytes(w.variant.shared ? 'shared' : 'own')), m.signatures);
      rule = { call: w.recorder.call[name], names };
      made.set(optimizer, rule);
    }
    return rule;
  };
  return {
    update(optimizer, params, grads, memory, numbers, before) {
      const { formula, name: fn } = optimizer;
      if (formula === undefined) return optimizerFunctions.update(optimizer, params, grads, memory, numbers, before);
      const { call, names } = ruleOf(optimizer, formula, Object.keys(numbers));
      const P = params.length;
      const bad = call(
        w.at(fn, 'params', params, '[P]', P),
        w.at(fn, 'grads', grads, '[P]', P),
        ...memory.map((block, i) => w.at(fn, `memory[${i}]`, block, '[P]', P)),
        ...before.map((block, i) => w.at(fn, `before[${i}]`, block, '[P]', P)),
        P,
        ...names.map((name) => numbers[name]),
      );
      return bad === 0;
    },
  };
}
