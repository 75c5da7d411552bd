import { assertOneOf } from '../check/values.ts';
import type { Dtype } from '../tensor/shape.ts';
import type { EngineName } from './createTrainer.ts';
import { WEIGHTS_FORMATS, type WeightsFormat } from './engine.ts';
import { BF16, halfOfNumber, numberOfHalf } from './halfFloats.ts';
import { isMatrix } from './parameters.ts';
import type { NamedTensors, ParameterLayout } from './spec.ts';

/** @throws {RangeError} on an unknown format, or where engine or dtype do not go with `bf16`. */
export function assertWeightsFormat(fn: string, weights: WeightsFormat, engine: EngineName, dtype: Dtype): void {
  assertOneOf(fn, 'weights', weights, WEIGHTS_FORMATS);
  if (weights !== 'bf16') return;
  if (engine === 'webgpu') throw new RangeError(`${fn}: engine webgpu keeps weights as float32, weights is bf16`);
  if (dtype !== 'float32') throw new RangeError(`${fn}: weights bf16 go with float32, dtype is ${dtype}`);
}

/**
 * Parameters whose weight matrices are rounded to bfloat16, to the nearest, halves to even; the other tensors as they are.
 *
 * @throws {RangeError} naming a weight that bfloat16 does not reach.
 */
export function roundedWeights(fn: string, layout: readonly ParameterLayout[], parameters: NamedTensors): NamedTensors {
  const rounded = { ...parameters };
  for (const { name, shape } of layout) {
    if (!isMatrix(shape)) continue;
    rounded[name] = parameters[name].map((x) => numberOfHalf(halfOfNumber(x, BF16), BF16));
    const bad = rounded[name].findIndex((x) => !Number.isFinite(x));
    if (bad >= 0) throw new RangeError(`${fn}: ${name}[${bad}] is ${parameters[name][bad]}, which is no bf16`);
  }
  return rounded;
}
