import fc from 'fast-check';
import { formatGradcheck, gradcheck } from '../bptt/gradcheck.ts';
import { assertFunction, assertObject, assertOneOf, assertText } from '../check/values.ts';
import { RandomState } from '../tensor/random.ts';
import { addScaled } from '../tensor/scale.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import { arbitrarySizes, assertShape, assertSizeRanges, lengthOf, type Shape, type SizeRange } from './arbitraries.ts';
import { assertCheckOptions } from './checkOptions.ts';

/** Flat row-major tensors, by name. */
export type Tensors = Record<string, FloatArray>;

/** What {@link checkLayer} needs to know of a layer. Tensors come flat and row-major, by name. */
export interface LayerUnderTest<S extends string> {
  name: string;
  /** The sizes and the range they are drawn from, e.g. `{ B: [1, 3], H: [1, 5] }`. */
  sizes: Readonly<Record<S, SizeRange>>;
  /** What the layer reads; their gradients are overwritten. */
  inputs: Readonly<Record<string, Shape<S>>>;
  /** What it learns; their gradients are added to. Default: nothing. */
  parameters?: Readonly<Record<string, Shape<S>>>;
  /** What it gives. */
  outputs: Readonly<Record<string, Shape<S>>>;
  /** What forward leaves for backward beside the outputs. Default: nothing. */
  caches?: Readonly<Record<string, Shape<S>>>;
  /** The size that counts independent examples, first axis of all inputs, outputs and caches that have it. */
  batch?: NoInfer<S>;
  /** Fills an input or parameter. Default: normal numbers. Use it to stay away from kinks. */
  fill?(values: Float64Array, name: string, rng: RandomState): void;
  forward(outputs: Tensors, caches: Tensors, inputs: Tensors, parameters: Tensors, sizes: Record<S, number>): void;
  backward(
    dinputs: Tensors,
    dparameters: Tensors,
    doutputs: Tensors,
    caches: Tensors,
    inputs: Tensors,
    parameters: Tensors,
    outputs: Tensors,
    sizes: Record<S, number>,
  ): void;
}

/** What {@link checkLayer} takes beside the layer. */
export interface CheckLayerOptions {
  /** Random sizes and numbers to try. Default 30. */
  runs?: number;
  /** Default 0. */
  seed?: number;
  /** The largest relative error of a gradient. Default 1e-7. */
  tolerance?: number;
  /** How far float32 may be from float64, relative to the largest entry (at least 1). Default 1e-4. */
  float32Tolerance?: number;
}

/** What was held against the layer. */
export interface CheckLayerReport {
  runs: number;
  /** Elements of gradients compared with central differences. */
  gradients: number;
}

/**
 * Puts the whole battery on a layer, at random sizes:
 *
 * - forward overwrites its outputs and caches, and neither pass touches inputs, parameters or upstream gradients;
 * - gradients agree with central differences in float64, probed with random-weighted outputs;
 * - gradients of inputs are overwritten, those of parameters added to;
 * - a zero gradient from above gives zero gradients;
 * - the same call twice gives the same bits;
 * - float32 agrees with float64;
 * - with `batch`: a batch gives what its examples give one by one.
 *
 * @throws {Error} naming the layer and the promise it broke, with the smallest sizes and the seed that show it.
 */
export function checkLayer<S extends string>(
  layer: LayerUnderTest<S>,
  options: CheckLayerOptions = {},
): CheckLayerReport {
  assertLayer(layer as LayerUnderTest<string>);
  assertCheckOptions('checkLayer', options, ['runs', 'seed', 'tolerance', 'float32Tolerance', 'fill']);
  const { runs = 30, seed = 0, tolerance = 1e-7, float32Tolerance = 1e-4 } = options;
  let gradients = 0;
  const property = fc.property(arbitrarySizes(layer.sizes), fc.nat({ max: 2 ** 31 - 1 }), (sizes, numbers) => {
    const run = new Run(layer, sizes, numbers);
    run.keepsItsHandsOff();
    run.overwritesAndAdds();
    run.isDeterministic();
    run.zeroGivesZero();
    gradients += run.agreesWithDifferences(tolerance);
    run.agreesInFloat32(float32Tolerance);
    if (layer.batch !== undefined) run.agreesOneByOne(layer.batch);
  });
  const outcome = fc.check(property, { numRuns: runs, seed });
  if (outcome.failed) {
    const [sizes, numbers] = outcome.counterexample ?? [];
    const why = outcome.errorInstance instanceof Error ? outcome.errorInstance.message : String(outcome.errorInstance);
    const where = `sizes ${JSON.stringify(sizes)}, numbers from seed ${numbers}; run with seed ${outcome.seed}`;
    throw new Error(`checkLayer: ${layer.name}: ${why}\n  (${where})`, { cause: outcome.errorInstance });
  }
  if (gradients === 0) throw new Error(`checkLayer: ${layer.name}: no gradient was checked`);
  return { runs, gradients };
}

function assertLayer(layer: LayerUnderTest<string>): void {
  const fn = 'checkLayer';
  assertObject(fn, 'layer', layer);
  assertText(fn, 'layer.name', layer.name);
  assertFunction(fn, 'layer.forward', layer.forward);
  assertFunction(fn, 'layer.backward', layer.backward);
  if (layer.fill !== undefined) assertFunction(fn, 'layer.fill', layer.fill);
  assertSizeRanges(fn, layer.sizes);
  for (const kind of ['inputs', 'parameters', 'outputs', 'caches'] as const) {
    const shapes: unknown = layer[kind] ?? (kind === 'parameters' || kind === 'caches' ? {} : undefined);
    assertObject(fn, `layer.${kind}`, shapes, 'shapes by name');
    for (const [name, shape] of Object.entries(shapes)) assertShape(fn, `layer.${kind}.${name}`, shape, layer.sizes);
  }
  if (layer.batch !== undefined) assertOneOf(fn, 'layer.batch', layer.batch, Object.keys(layer.sizes));
}

/** What one call of forward and backward gives. */
interface Results {
  outputs: Tensors;
  caches: Tensors;
  dinputs: Tensors;
  dparameters: Tensors;
}

/** A layer at certain sizes with certain numbers. */
class Run<S extends string> {
  private readonly layer: LayerUnderTest<S>;
  private readonly sizes: Record<S, number>;
  private readonly inputs: Record<string, Float64Array>;
  private readonly parameters: Record<string, Float64Array>;
  private readonly doutputs: Record<string, Float64Array>;
  private readonly seed: number;

  constructor(layer: LayerUnderTest<S>, sizes: Record<S, number>, seed: number) {
    this.layer = layer;
    this.sizes = sizes;
    this.seed = seed;
    const rng = new RandomState(seed);
    const draw = (shapes: Readonly<Record<string, Shape<S>>>, own: boolean) =>
      mapOf(shapes, (shape, name) => {
        const values = rng.randn(lengthOf(shape, sizes));
        if (own) layer.fill?.(values, name, rng);
        return values;
      });
    this.inputs = draw(layer.inputs, true);
    this.parameters = draw(layer.parameters ?? {}, true);
    this.doutputs = draw(layer.outputs, false);
  }

  keepsItsHandsOff(): void {
    const before = [this.inputs, this.parameters, this.doutputs].map((tensors) =>
      mapOf(tensors, (values) => values.slice()),
    );
    this.call({});
    [this.inputs, this.parameters, this.doutputs].forEach((tensors, i) => {
      for (const [name, values] of Object.entries(tensors)) {
        const at = firstDifference(values, before[i][name]);
        if (at >= 0) throw new Error(`${name}[${at}] was changed by a pass that is to leave it alone`);
      }
    });
  }

  overwritesAndAdds(): void {
    const first = this.call({ garbage: Number.NaN, accumulated: 0 });
    const second = this.call({ garbage: 1e3, accumulated: 0.5 });
    for (const part of ['outputs', 'caches', 'dinputs'] as const) {
      for (const [name, values] of Object.entries(second[part])) {
        const at = firstDifference(values, first[part][name]);
        if (at >= 0)
          throw new Error(`${part}.${name}[${at}] depends on what stood there before: it is not overwritten`);
      }
    }
    for (const [name, values] of Object.entries(second.dparameters)) {
      const alone = first.dparameters[name];
      const at = values.findIndex((v, i) => !(Math.abs(v - 0.5 - alone[i]) <= 1e-12 * (1 + Math.abs(alone[i]))));
      if (at >= 0) throw new Error(`dparameters.${name}[${at}] is ${values[at]}, expected ${alone[at]} added to 0.5`);
    }
  }

  isDeterministic(): void {
    const first = this.call({});
    const second = this.call({});
    for (const part of ['outputs', 'dinputs', 'dparameters'] as const) {
      for (const [name, values] of Object.entries(second[part])) {
        const at = firstDifference(values, first[part][name]);
        if (at >= 0) throw new Error(`${part}.${name}[${at}] differs between two equal calls`);
      }
    }
  }

  zeroGivesZero(): void {
    const { dinputs, dparameters } = this.call({ doutputs: mapOf(this.doutputs, (d) => new Float64Array(d.length)) });
    for (const [name, values] of [...Object.entries(dinputs), ...Object.entries(dparameters)]) {
      const at = values.findIndex((v) => v !== 0);
      if (at >= 0) throw new Error(`the gradient of ${name}[${at}] is ${values[at]} where nothing comes from above`);
    }
  }

  /** @returns how many elements were compared */
  agreesWithDifferences(tolerance: number): number {
    const variables = { ...this.inputs, ...this.parameters };
    const split = (all: Record<string, Float64Array>) => ({
      inputs: mapOf(this.inputs, (_, name) => all[name]),
      parameters: mapOf(this.parameters, (_, name) => all[name]),
    });
    const report = gradcheck(
      {
        forward: (all) =>
          Float64Array.from(
            Object.values(this.call({ ...split(all), forwardOnly: true }).outputs).flatMap((o) => [...o]),
          ),
        backward: (dout, all) => {
          let end = 0;
          const doutputs = mapOf(this.doutputs, ({ length }) => {
            end += length;
            return dout.slice(end - length, end);
          });
          const { dinputs, dparameters } = this.call({ ...split(all), doutputs });
          return { ...dinputs, ...dparameters } as Record<string, Float64Array>;
        },
      },
      variables,
      { tolerance, seed: this.seed },
    );
    if (!report.passed) throw new Error(`gradients differ from central differences\n${formatGradcheck(report)}`);
    return report.checked;
  }

  agreesInFloat32(tolerance: number): void {
    const exact = this.call({});
    const single = this.call({ dtype: 'float32' });
    for (const part of ['outputs', 'dinputs', 'dparameters'] as const) {
      for (const [name, values] of Object.entries(single[part])) {
        const expected = exact[part][name];
        const scale = largest(expected);
        const at = values.findIndex((v, i) => !(Math.abs(v - expected[i]) <= tolerance * scale));
        if (at >= 0) throw new Error(`${part}.${name}[${at}] is ${values[at]} in float32, ${expected[at]} in float64`);
      }
    }
  }

  agreesOneByOne(batch: S): void {
    const together = this.call({});
    const sums = mapOf(together.dparameters, (d) => new Float64Array(d.length));
    const count = this.sizes[batch];
    for (let b = 0; b < count; b++) {
      const one = this.call({
        sizes: { ...this.sizes, [batch]: 1 },
        inputs: this.example(this.inputs, this.layer.inputs, batch, b),
        doutputs: this.example(this.doutputs, this.layer.outputs, batch, b),
      });
      for (const [part, shapes] of [
        ['outputs', this.layer.outputs],
        ['dinputs', this.layer.inputs],
      ] as const) {
        const rows = this.example(together[part] as Record<string, Float64Array>, shapes, batch, b);
        for (const [name, values] of Object.entries(one[part])) {
          if (shapes[name][0] === batch) assertClose(`${part}.${name} of example ${b} alone`, values, rows[name]);
        }
      }
      for (const [name, sum] of Object.entries(sums)) addScaled(sum, one.dparameters[name], 1);
    }
    for (const [name, sum] of Object.entries(sums)) {
      assertClose(`the sum of the examples' dparameters.${name}`, sum, together.dparameters[name]);
    }
  }

  /** The rows of one example of the tensors that have a batch axis; the others as they are. */
  private example(
    tensors: Record<string, Float64Array>,
    shapes: Readonly<Record<string, Shape<S>>>,
    batch: S,
    b: number,
  ): Record<string, Float64Array> {
    return mapOf(tensors, (values, name) => {
      if (shapes[name][0] !== batch) return values;
      const n = values.length / this.sizes[batch];
      return values.slice(b * n, (b + 1) * n);
    });
  }

  /** Forward and, unless told otherwise, backward, on buffers that hold garbage where they are to be overwritten. */
  private call(how: {
    dtype?: Dtype;
    garbage?: number;
    accumulated?: number;
    sizes?: Record<S, number>;
    inputs?: Record<string, Float64Array>;
    parameters?: Record<string, Float64Array>;
    doutputs?: Record<string, Float64Array>;
    forwardOnly?: boolean;
  }): Results {
    const { layer } = this;
    const { dtype = 'float64', garbage = Number.NaN, accumulated = 0, sizes = this.sizes } = how;
    const own = (tensors: Record<string, Float64Array>): Tensors =>
      dtype === 'float64' ? tensors : mapOf(tensors, (values) => Float32Array.from(values));
    const filled = (shapes: Readonly<Record<string, Shape<S>>>, value: number): Tensors =>
      mapOf(shapes, (shape) => zeros(dtype, lengthOf(shape, sizes)).fill(value));
    const inputs = own(how.inputs ?? this.inputs);
    const parameters = own(how.parameters ?? this.parameters);
    const doutputs = own(how.doutputs ?? this.doutputs);
    const outputs = filled(layer.outputs, garbage);
    const caches = filled(layer.caches ?? {}, garbage);
    const dinputs = filled(layer.inputs, garbage);
    const dparameters = filled(layer.parameters ?? {}, accumulated);
    layer.forward(outputs, caches, inputs, parameters, sizes);
    if (!how.forwardOnly) layer.backward(dinputs, dparameters, doutputs, caches, inputs, parameters, outputs, sizes);
    return { outputs, caches, dinputs, dparameters };
  }
}

function mapOf<A, B>(record: Readonly<Record<string, A>>, f: (value: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));
}

/** The first index where two tensors do not hold the same bits, or −1. */
function firstDifference(a: FloatArray, b: FloatArray): number {
  return a.findIndex((v, i) => !Object.is(v, b[i]));
}

/** The largest absolute value, at least 1. */
function largest(values: FloatArray): number {
  let most = 1;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

function assertClose(what: string, got: FloatArray, wanted: FloatArray): void {
  const scale = largest(wanted);
  const at = got.findIndex((v, i) => !(Math.abs(v - wanted[i]) <= 1e-12 * scale));
  if (at >= 0) throw new Error(`${what}[${at}] is ${got[at]}, in the batch it is ${wanted[at]}`);
}
