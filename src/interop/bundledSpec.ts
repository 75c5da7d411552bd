import {
  type CellName,
  type ModelSpec,
  type NamedTensors,
  namedSpec,
  type ParameterLayout,
  parameterLayout,
  type ResolvedSpec,
  resolveSpec,
} from '../bptt/spec.ts';
import type { FloatArray } from '../tensor/shape.ts';

/** The cells that other formats know. */
export type ForeignCell = Exclude<CellName, 'minGru'>;

/** Gate blocks of the cells that other formats know. */
export const GATES: Readonly<Record<ForeignCell, number>> = {
  ...{ elman: 1, gru: 3, gruResetBefore: 3, lstm: 4, lstmPeephole: 4 },
};

/** A spec with every default filled in, cell and loss by name. */
export type BundledSpec = Omit<ResolvedSpec, 'cell' | 'loss'> & { readonly cell: ForeignCell; readonly loss: string };

/** Layers around the recurrence that are not written for other libraries. */
const OWN_LAYERS = ['inputDense', 'outputDense', 'layerNorm', 'residual'] as const;

/**
 * The spec of a model that other formats can hold.
 *
 * @throws {RangeError} on a spec that makes no sense, a cell that no other format knows, or a layer that is not written for
 *   other libraries.
 */
export function bundledSpec(spec: ModelSpec): BundledSpec {
  const resolved = resolveSpec(spec);
  const named = namedSpec(resolved) as unknown as BundledSpec;
  const known = typeof spec.cell === 'string' && Object.hasOwn(GATES, spec.cell);
  if (!known) throw new RangeError(`spec.cell ${named.cell} is no cell that other formats know`);
  const own = OWN_LAYERS.find((field) => resolved[field]);
  if (own !== undefined) throw new RangeError(`spec.${own} asks for a layer that is not written for other libraries`);
  return named;
}

/** [V,width], the weights of the output layer: its own, or the table of a tied embedding. */
export function outputWeights({ embedding }: BundledSpec, parameters: Readonly<NamedTensors>): FloatArray {
  return parameters[embedding?.tied ? 'embedding.weight' : 'weight_ho'];
}

/** The parameters of a bundled spec. */
export function bundledLayout(spec: ModelSpec | BundledSpec): readonly ParameterLayout[] {
  return parameterLayout(resolveSpec(spec as ModelSpec));
}

/** The size of the top layer's outputs: H, or 2H when bidirectional. */
export function stateWidth(spec: Pick<BundledSpec, 'hiddenSize' | 'bidirectional'>): number {
  return spec.hiddenSize * (spec.bidirectional ? 2 : 1);
}

export function directionsOf({ bidirectional }: Pick<BundledSpec, 'bidirectional'>): number {
  return bidirectional ? 2 : 1;
}

/** The name of a cell or loss, which may be an object. */
export function nameOf(value: string | { readonly name: string }): string {
  return typeof value === 'string' ? value : value.name;
}
