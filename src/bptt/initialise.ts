import { normalInit, orthogonalInit, uniformInit, zeroInit } from '../layers/init.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';
import type { FullSpec, ParameterPlace } from './spec.ts';

/**
 * How a model's weights begin: `minCharRnn` as the notebook, every matrix `randn * 0.01`, biases zero; `torch` as
 * PyTorch's recurrent layers, everything uniform in ±1/√H; `orthogonal`, recurrent matrices orthogonal gate by gate and
 * the rest normal with deviation 1/√(columns), an LSTM's forget bias 1 (Jozefowicz et al. 2015).
 */
export type Scheme = 'minCharRnn' | 'torch' | 'orthogonal';

/**
 * Fills a model's parameters, in the order in which they stand, from one random stream. Initial states begin at zero.
 *
 * @param get gives the tensor of a name
 */
export function initialise(
  spec: FullSpec,
  places: readonly ParameterPlace[],
  get: (name: string) => FloatArray,
  scheme: Scheme,
  rng: RandomState,
): void {
  const H = spec.hiddenSize;
  for (const { name, shape } of places) {
    const w = get(name);
    const [rows, cols = 1] = shape;
    const isState = name.startsWith('h0') || name.startsWith('c0');
    const isMatrix = shape.length === 2;
    if (isState) zeroInit(w);
    else if (scheme === 'torch') uniformInit(w, rng, 1 / Math.sqrt(H));
    else if (!isMatrix) zeroInit(w);
    else if (scheme === 'minCharRnn') normalInit(w, rng, 0.01);
    else if (name.startsWith('weight_hh')) {
      for (let gate = 0; gate < rows / H; gate++) {
        orthogonalInit(w.subarray(gate * H * H, (gate + 1) * H * H), rng, H, H);
      }
    } else normalInit(w, rng, 1 / Math.sqrt(cols));
    const forgets = spec.cell === 'lstm' || spec.cell === 'lstmPeephole';
    if (scheme === 'orthogonal' && forgets && name.startsWith('bias_ih')) w.fill(1, H, 2 * H);
  }
}
