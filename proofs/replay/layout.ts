import {
  allocationPlan,
  CpuTrainer,
  type ModelSpec,
  type ParameterLayout,
  parameterLayout,
  resolveSpec,
  type TrainerOptions,
  type TrainingBatch,
} from 'bptt';
import type { FloatArray } from 'bptt/tensor';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';

/** Where a notebook's parameter stands in a model: its name there, and how the numbers differ. */
export interface Place {
  parameter: string;
  /** The notebook has [in,out] where the model has [out,in]. */
  transposed?: boolean;
  negated?: boolean;
}

/** A model's parameters by the notebook's names. */
export type Layout = Readonly<Record<string, Place>>;

/** Flat arrays by the notebook's names, in the notebook's layout. */
export type Arrays = Record<string, ArrayLike<number>>;

/** y [cols,rows] = xᵀ, for x [rows,cols]. */
export function transpose(x: ArrayLike<number>, rows: number, cols: number): Float64Array {
  return Float64Array.from({ length: rows * cols }, (_, i) => x[(i % rows) * cols + Math.floor(i / rows)]);
}

/** y [B,A,n], for x [A,B,n]: batch first to time first, and back. */
export function swapFirstAxes(x: ArrayLike<number>, A: number, B: number, n: number): Float64Array {
  const y = new Float64Array(A * B * n);
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++) for (let i = 0; i < n; i++) y[(b * A + a) * n + i] = x[(a * B + b) * n + i];
  }
  return y;
}

/** A parameter's shape in the notebook's layout. */
function notebookShape({ shape }: ParameterLayout, { transposed }: Place): number[] {
  return transposed ? [...shape].reverse() : [...shape];
}

function placeOf(places: readonly ParameterLayout[], name: string): ParameterLayout {
  return places.find((place) => place.name === name)!;
}

/** A model's parameters, or anything of their size, by the notebook's names and in its layout. */
export function fromModel(flat: FloatArray, places: readonly ParameterLayout[], layout: Layout): Arrays {
  const arrays: Arrays = {};
  for (const [name, mapping] of Object.entries(layout)) {
    const place = placeOf(places, mapping.parameter);
    const values = Float64Array.from(flat.subarray(place.offset, place.offset + place.length));
    const [rows, cols] = place.shape;
    const inOrder = mapping.transposed ? transpose(values, rows, cols) : values;
    // 0 − x, not −x: a notebook's zero is no −0.
    arrays[name] = mapping.negated ? inOrder.map((v) => 0 - v) : inOrder;
  }
  return arrays;
}

/** Writes the notebook's arrays into a model's parameters. */
export function intoModel(flat: FloatArray, places: readonly ParameterLayout[], layout: Layout, arrays: Arrays): void {
  for (const [name, mapping] of Object.entries(layout)) {
    const place = placeOf(places, mapping.parameter);
    const [rows, cols] = place.shape;
    const inOrder = mapping.transposed ? transpose(arrays[name], cols, rows) : Float64Array.from(arrays[name]);
    flat.set(mapping.negated ? inOrder.map((v) => 0 - v) : inOrder, place.offset);
  }
}

/** Compares arrays by name with the fields of an object, e.g. all of `grads`; null compares nothing. */
export function compareArrays(check: Check, golden: Fields | null, got: Arrays, tolerance?: number): void {
  if (!golden) return;
  for (const [name, values] of Object.entries(got)) check.compare(golden.golden(name), values, tolerance);
}

/**
 * The numbers to go on with: those of the file, or where it has only checksums those drawn again from the seed. Drawn
 * ones are held against the file either way.
 */
export function given(
  check: Check,
  fields: Fields,
  name: string,
  drawn: ArrayLike<number> | null,
  shape: readonly number[],
  tolerance: number,
): ArrayLike<number> {
  const golden = fields.golden(name, shape);
  if (!golden) throw fields.error(name, 'is null, expected numbers');
  if (drawn) check.compareData(golden, drawn, tolerance);
  if ('values' in golden.content) return golden.content.values;
  if (!drawn) throw fields.error(name, 'is a checksum, which needs a seed to draw the numbers from');
  return drawn;
}

/** {@link given} for every parameter of a layout, from an object of the notebook's names. */
export function givenParameters(
  check: Check,
  spec: ModelSpec,
  layout: Layout,
  fields: Fields,
  drawn: Arrays | null,
  tolerance: number,
): Arrays {
  const places = parameterLayout(resolveSpec(spec));
  const arrays: Arrays = {};
  for (const [name, mapping] of Object.entries(layout)) {
    const shape = notebookShape(placeOf(places, mapping.parameter), mapping);
    arrays[name] = given(check, fields, name, drawn?.[name] ?? null, shape, tolerance);
  }
  return arrays;
}

/** A trainer that begins with the notebook's parameters. */
export function trainerOf(
  check: Check,
  spec: ModelSpec,
  options: TrainerOptions,
  layout: Layout,
  parameters: Arrays,
): CpuTrainer {
  const engine = check.engineFor(() => allocationPlan(spec, options)[0], spec);
  const trainer = new CpuTrainer(engine, spec, options);
  check.begin();
  setParameters(trainer, layout, parameters);
  return trainer;
}

/** Gives a trainer's model the notebook's parameters. */
export function setParameters({ model }: CpuTrainer, layout: Layout, parameters: Arrays): void {
  const { flat, layout: places } = model.parameters;
  const values = Float64Array.from(flat);
  intoModel(values, places, layout, parameters);
  model.engine.write(flat, values);
}

export function parametersOf({ model }: CpuTrainer, layout: Layout): Arrays {
  return fromModel(model.parameters.flat, model.parameters.layout, layout);
}

export function gradientsOf({ model }: CpuTrainer, layout: Layout): Arrays {
  return fromModel(model.gradients.flat, model.gradients.layout, layout);
}

/** h_1 … h_T of the bottom layer after a forward pass, [T,B,H]. */
export function statesOf({ model }: CpuTrainer, steps: number): Float64Array {
  return Float64Array.from(
    Array.from({ length: steps }, (_, t) => Array.from(model.stack.stateAfter(t + 1, 0)[0])).flat(),
  );
}

/** Trains; gives the loss before each update, and the parameters after the first. */
export function trainOn(
  trainer: CpuTrainer,
  layout: Layout,
  updates: number,
  batch: (update: number) => TrainingBatch,
): { losses: Float64Array; afterFirst: Arrays } {
  const losses = new Float64Array(updates);
  let afterFirst = parametersOf(trainer, layout);
  for (let i = 0; i < updates; i++) {
    losses[i] = trainer.update(batch(i));
    if (i === 0) afterFirst = parametersOf(trainer, layout);
  }
  return { losses, afterFirst };
}
