// biome-ignore lint/style/noRestrictedImports: the assembler is no entry point, and what is measured here is no kernel
import { type Expr, f32, f32x4, i32, ModuleBuilder } from '../src/wasm/assembler.ts';
// biome-ignore lint/style/noRestrictedImports: WebAssembly in types, as above
import { host } from '../src/wasm/host.ts';
import type { Contender } from './contender.ts';

/** Chains that do not wait for each other: enough to hide the time a sum takes, and few enough to stay in registers. */
const CHAINS = 12;
const TURNS = 10_000;
const CALLS = 100;

/** Multiplications and additions of one step. */
export const PEAK_FLOPS: number = 2 * 4 * CHAINS * TURNS * CALLS;

/**
 * What this core's 128-bit units can do at most: `chain = chain·½ + ½` four floats at a time, in registers alone. A
 * processor that fuses the two, or has wider units, could do more; WebAssembly as it is taken here does neither.
 */
export function peakContender(): Contender {
  const m = new ModuleBuilder();
  m.function('chains', ['i32'], (f, [turns]) => {
    const half = f.vector(0.5);
    const chains = Array.from({ length: CHAINS }, (_, i) => f.vector(i));
    f.while(i32.lessThan(0, turns), () => {
      for (const chain of chains) f.set(chain, f32x4.add(f32x4.mul(chain, half), half));
      f.set(turns, i32.sub(turns, 1));
    });
    // Every chain has a part in the result, so that none can be left out.
    f.return(
      f32.lane(
        chains.reduce<Expr<'v128'>>((sum, chain) => f32x4.add(sum, chain), f.vector(0)),
        0,
      ),
    );
  });
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 1, maximum: 1 });
  const { exports } = new Instance(new Module(m.bytes()), { host: { memory } });
  const { chains } = exports as { chains(turns: number): number };
  return {
    run(steps) {
      let sum = 0;
      for (let i = 0; i < steps * CALLS; i++) sum += chains(TURNS);
      return [sum];
    },
  };
}
