import { normalInit, uniformInit, zeroInit } from '../layers/init.ts';
import { orthogonalInit } from '../simd/orthogonalInit.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';
import type { ParameterLayout, ResolvedSpec } from './spec.ts';

/**
 * How a model's weights begin: `minCharRnn` as the notebook, every matrix `randn * 0.01`, biases zero; `torch` as PyTorch's
 * layers, everything uniform in ±1/√H, dense layers in ±1/√(columns), embeddings normal with deviation 1; `orthogonal`, recurrent matrices orthogonal gate by gate and
 * the rest normal with deviation 1/√(columns), the biases that a cell begins with: an LSTM's forget bias 1 (Jozefowicz et al. 2015).
 */
export type Scheme = (typeof SCHEMES)[number];

export const SCHEMES: readonly ['minCharRnn', 'torch', 'orthogonal'] = ['minCharRnn', 'torch', 'orthogonal'];

/**
 * Fills a model's parameters, in the order of their layout, from one random stream. Initial states begin at zero,
 * gains of a layer normalisation at one and its biases at zero, extra parameters at what their cell says, else as biases do.
 *
 * @param get gives the tensor of a name
 */
export function initialise(
  { cell, hiddenSize: H }: ResolvedSpec,
  layout: readonly ParameterLayout[],
  get: (name: string) => FloatArray,
  scheme: Scheme,
  rng: RandomState,
): void {
  const extras = Object.entries(cell.extra ?? {});
  for (const { name, shape, role } of layout) {
    const w = get(name);
    const [rows, cols = 1] = shape;
    const isMatrix = shape.length === 2;
    const [base] = name.split(/_l\d+(?:_reverse)?$/);
    const own = role === 'extra' ? extras.find(([extra]) => extra === base)?.[1].initial : undefined;
    if (own !== undefined) w.fill(own);
    else if (role === 'initialState') zeroInit(w);
    else if (role === 'norm') w.fill(name.endsWith('.weight') ? 1 : 0);
    else if (scheme === 'torch' && role === 'embedding') normalInit(w, rng, 1);
    else if (scheme === 'torch') uniformInit(w, rng, 1 / Math.sqrt(role === 'dense' ? fanIn(layout, name) : H));
    else if (!isMatrix) zeroInit(w);
    else if (scheme === 'minCharRnn') normalInit(w, rng, 0.01);
    else if (role === 'recurrent') {
      for (let gate = 0; gate < rows / H; gate++) {
        orthogonalInit(w.subarray(gate * H * H, (gate + 1) * H * H), rng, H, H);
      }
    } else normalInit(w, rng, 1 / Math.sqrt(cols));
    if (scheme === 'orthogonal' && role === 'bias' && base === 'bias_ih') {
      for (const [gate, value] of (cell.initialBias ?? []).entries()) {
        if (value !== 0) w.fill(value, gate * H, (gate + 1) * H);
      }
    }
  }
}

/** The columns of a dense layer's weights, for these and for its bias. */
function fanIn(layout: readonly ParameterLayout[], name: string): number {
  const weight = name.replace(/bias$/, 'weight');
  return layout.find((place) => place.name === weight)!.shape[1];
}
