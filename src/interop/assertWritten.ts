import type { ModelSpec, NamedTensors } from '../bptt/spec.ts';
import { assertFloats } from '../check/arrays.ts';
import { assertFlag, assertObject } from '../check/values.ts';

/** A model to be written: what every writer takes. */
export interface WrittenModel {
  readonly spec: ModelSpec;
  readonly parameters: Readonly<NamedTensors>;
  readonly reversed?: boolean;
}

/**
 * Throws unless a value is a model with its weights by name; whether they are those of its spec is looked at behind it.
 *
 * @throws {TypeError} naming function, argument and value.
 */
export function assertWritten(fn: string, model: WrittenModel): void {
  assertObject(fn, 'model', model, '{ spec, parameters }');
  assertObject(fn, 'parameters', model.parameters, 'the weights by name');
  for (const [name, values] of Object.entries(model.parameters)) assertFloats(fn, name, values);
  if (model.reversed !== undefined) assertFlag(fn, 'reversed', model.reversed);
}
