import type * as layers from '../layers/softmaxCrossEntropy.ts';
import { expectIds } from '../tensor/gather.ts';
import { f32, f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { forEachElement } from './elements.ts';
import { exp } from './exp.ts';
import type { WasmMemory } from './memory.ts';

/**
 * losses[r] = w[r]·(ln Σ_k e^(z_k − m) − (z_target − m)), p = softmax(z): each exponential is computed once, for the sum
 * and for p.
 */
export function softmaxCrossEntropyKernels(w: WasmMemory): Pick<typeof layers, 'softmaxCrossEntropyForward'> {
  const { softmaxRow } = w.call;
  return {
    softmaxCrossEntropyForward(losses, p, z, targets, weights, R, V) {
      const fn = 'softmaxCrossEntropyForward';
      w.at(fn, 'losses', losses, '[R]', R);
      const pAt = w.at(fn, 'p', p, '[R,V]', R, V);
      const zAt = w.at(fn, 'z', z, '[R,V]', R, V);
      w.at(fn, 'w', weights, '[R]', R);
      w.at(fn, 'targets', targets, '[R]', R);
      expectIds(fn, 'targets', targets, V);
      for (let r = 0; r < R; r++) {
        let max = z[r * V];
        for (let j = 1; j < V; j++) if (z[r * V + j] > max) max = z[r * V + j];
        const target = z[r * V + targets[r]]; // read before p, which may be z
        const sum = softmaxRow(pAt + 4 * r * V, zAt + 4 * r * V, max, V);
        losses[r] = weights[r] === 0 ? 0 : weights[r] * (Math.log(sum) - (target - max));
      }
    },
  };
}

export function emitSoftmaxCrossEntropy(m: ModuleBuilder): void {
  m.function('softmaxRow', ['i32', 'i32', 'f32', 'i32'], (f, [p, z, max, n]) => {
    const shift = f.let(f32x4.splat(max));
    forEachElement(f, n, (at) => at.store(p, exp(f, f32x4.sub(at.load(z), shift))));
    // Summed from p, where the lanes beside a single element are zeros.
    const sums = f.vector(0);
    forEachElement(f, n, (at) => f.set(sums, f32x4.add(sums, at.load(p))));
    f.set(sums, f32x4.add(sums, v128.shuffle(sums, sums, [2, 3, 0, 1])));
    f.set(sums, f32x4.add(sums, v128.shuffle(sums, sums, [1, 0, 3, 2])));
    forEachElement(f, n, (at) => at.store(p, f32x4.div(at.load(p), sums)));
    f.return(f32.lane(sums, 0));
  });
}
