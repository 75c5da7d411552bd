import { assertFloats } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertPositive, assertWhole } from '../check/numbers.ts';
import { assertOptions, type Synonyms } from '../check/options.ts';
import { assertFlag, assertMethods } from '../check/values.ts';
import { softmaxCrossEntropy } from '../layers/loss.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { softmax } from '../tensor/softmax.ts';
import { type CpuEngine, tsEngine } from './engine.ts';
import { type ModelSpec, type NamedTensors, type ResolvedSpec, resolveSpec } from './spec.ts';
import { Stepper, weightsDtype } from './stepper.ts';

/** How the next symbol is drawn. */
export interface SampleOptions {
  /** Logits are divided by it: below 1 bolder, above 1 wilder. Default 1. */
  temperature?: number;
  /** Only the k likeliest symbols. Default: all. */
  topK?: number;
  /** Only the likeliest symbols that together have probability p (nucleus; Holtzman et al. 2020). Default 1. */
  topP?: number;
  /** Always the likeliest symbol; the other options are not used. Default false. */
  greedy?: boolean;
}

/**
 * Draws a symbol from logits. With no option set this is the notebooks' `np.random.choice(range(V), p=softmax(y))`, one
 * double of the stream: the first symbol whose cumulative probability exceeds it.
 *
 * @param logits [V]
 * @throws {RangeError} on an option out of range, a NaN or infinity among the logits (−∞ rules a symbol out), or none.
 */
export function sampleFrom(logits: FloatArray, rng: RandomState, options: SampleOptions = {}): number {
  assertFloats('sampleFrom', 'logits', logits);
  assertSampleOptions(options);
  const { temperature = 1, topK = logits.length, topP = 1, greedy = false } = options;
  if (!greedy || rng !== undefined) assertMethods('sampleFrom', 'rng', rng, ['randomSample'], STREAM);
  const V = logits.length;
  assertLogits('sampleFrom', logits);
  const best = argmax(logits);
  if (greedy) return best;
  const p = new Float64Array(V);
  for (let v = 0; v < V; v++) p[v] = (logits[v] - logits[best]) / temperature;
  softmax(p, p, 1, V);
  if (topK < V || topP < 1) keepLikeliest(p, topK, topP);
  return drawFrom(p, sumOf(p), rng);
}

/**
 * Throws unless a symbol can be chosen by these logits.
 *
 * @throws {RangeError} on a NaN or infinity (−∞ rules a symbol out), or where there is none above −∞.
 */
export function assertLogits(fn: string, logits: FloatArray): void {
  let possible = false;
  for (let v = 0; v < logits.length; v++) {
    if (!(logits[v] < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`${fn}: logits[${v}] is ${logits[v]}, expected a number below infinity`);
    }
    if (logits[v] > Number.NEGATIVE_INFINITY) possible = true;
  }
  if (!possible) throw new RangeError(`${fn}: logits holds no number above -Infinity`);
}

/** The first symbol whose cumulative probability exceeds one double of the stream. */
function drawFrom(p: FloatArray, total: number, rng: RandomState): number {
  const u = rng.randomSample();
  let sum = 0;
  let last = 0;
  for (let v = 0; v < p.length; v++) {
    if (p[v] === 0) continue;
    sum += p[v];
    last = v;
    if (sum / total > u) return v;
  }
  return last;
}

function sumOf(p: FloatArray): number {
  let sum = 0;
  for (let v = 0; v < p.length; v++) sum += p[v];
  return sum;
}

/**
 * Throws unless the options make sense, so that a long run does not find out at its first sample.
 *
 * @throws {RangeError} naming the option, what it is and what it may be.
 */
export function assertSampleOptions(options: SampleOptions): void {
  assertOptions('sampleFrom', options, ['temperature', 'topK', 'topP', 'greedy'], SYNONYMS);
  const { temperature = 1, topK = 1, topP = 1, greedy = false } = options;
  assertFlag('sampleFrom', 'greedy', greedy);
  assertPositive('sampleFrom', 'temperature', temperature);
  if (!Number.isInteger(topK) || topK < 1)
    throw new RangeError(`sampleFrom: topK is ${describe(topK)}, expected a whole number ≥ 1`);
  if (!(typeof topP === 'number' && topP > 0 && topP <= 1)) {
    throw new RangeError(`sampleFrom: topP is ${describe(topP)}, expected 0 < topP ≤ 1`);
  }
}

/** Names of other libraries. */
const SYNONYMS: Synonyms = { temp: ['temperature'], k: ['topK'], p: ['topP'], argmax: ['greedy'] };

const STREAM = 'a RandomState, as in new RandomState(0)';

/**
 * Throws unless some of V symbols can be drawn with these arguments of {@link AnySampler.sample}.
 *
 * @throws {RangeError | TypeError} naming the argument, what it is and what it may be.
 */
export function assertSampleRequest(
  V: number,
  prime: unknown,
  length: unknown,
  rng: unknown,
  options: SampleOptions,
  stop: unknown,
): void {
  const fn = 'Sampler.sample';
  if (typeof prime !== 'object' || prime === null || !('length' in prime)) {
    throw new TypeError(`${fn}: prime is ${describe(prime)}, expected a list of symbols`);
  }
  if (prime.length === 0) throw new RangeError(`${fn}: prime is empty, expected at least one symbol`);
  assertWhole(fn, 'length', length, 0);
  // Where a symbol cannot be drawn the stream is put back.
  assertMethods(fn, 'rng', rng, ['randomSample', 'getState', 'setState'], STREAM);
  assertSampleOptions(options);
  if (stop !== undefined) assertWhole(fn, 'stop', stop, 0, V - 1);
  const symbols = prime as ArrayLike<number>;
  for (let i = 0; i < symbols.length; i++) assertSymbol(V, symbols[i]);
}

/** @throws {RangeError} unless this is one of V symbols. */
export function assertSymbol(V: number, id: number): void {
  if (Number.isInteger(id) && id >= 0 && id < V) return;
  throw new RangeError(`Sampler: symbol is ${describe(id)}, expected 0 … ${V - 1}`);
}

function argmax(values: FloatArray): number {
  let best = 0;
  for (let v = 1; v < values.length; v++) if (values[v] > values[best]) best = v;
  return best;
}

/** Sets all but the likeliest probabilities to 0: at most `topK`, and no more than it takes to reach `topP`. */
function keepLikeliest(p: Float64Array, topK: number, topP: number): void {
  const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a] || a - b);
  let sum = 0;
  let kept = 0;
  while (kept < Math.min(topK, p.length) && (kept === 0 || sum < topP)) sum += p[order[kept++]];
  for (const v of order.slice(kept)) p[v] = 0;
}

/**
 * What every sampler can do, made by {@link createSampler}. On the CPU the answers are there at once, off a device they
 * come as promises: who takes either awaits them.
 */
export interface AnySampler {
  /** Who computes, in words: the engine, of `webgpu` with its adapter and whether that is a GPU. */
  readonly description: string;
  reset(): void;
  setState(states: NamedTensors): void;
  read(id: number): FloatArray | Promise<FloatArray>;
  sample(
    prime: ArrayLike<number>,
    length: number,
    rng: RandomState,
    options?: SampleOptions,
    stop?: number,
  ): number[] | Promise<number[]>;
  dispose(): void;
}

/**
 * Throws unless models of that spec can be sampled from.
 *
 * @throws {RangeError} where it reads vectors, predicts otherwise than by softmax, or reads in both directions.
 */
export function assertSamplable({ input, loss, bidirectional }: ResolvedSpec): void {
  if (input !== 'ids' || loss !== softmaxCrossEntropy || bidirectional) {
    throw new RangeError('Sampler: expected a model that reads ids in one direction and predicts by softmax');
  }
}

/** A trained model read one symbol at a time, its state between symbols kept. */
export class Sampler implements AnySampler {
  readonly description: string;

  private readonly engine: CpuEngine;
  private readonly stepper: Stepper;
  private readonly input = new Int32Array(1);

  /**
   * @param spec of a model that reads ids and gives softmax logits at every step, in one direction
   * @param parameters by name, as {@link Trainer.parameters} gives them
   * @param engine who computes; left out: the TypeScript functions, in the parameters' dtype. {@link createSampler}
   *   chooses the fastest
   * @throws {RangeError} where the model is not one that can be sampled from or a parameter does not fit.
   */
  constructor(spec: ModelSpec | ResolvedSpec, parameters: NamedTensors, engine?: CpuEngine) {
    const dtype = weightsDtype('Sampler', parameters);
    assertSamplable(resolveSpec(spec));
    // what is missing or no weight is named by the stepper
    this.engine = engine ?? tsEngine(dtype);
    this.description = this.engine.name;
    this.stepper = new Stepper(this.engine, spec, parameters);
  }

  /** Forgets what was read: the next symbol begins a sequence. */
  reset(): void {
    this.stepper.reset();
  }

  /**
   * Goes on from these states, [H] each by name (`h_l0`, `c_l0`, …).
   *
   * @throws {RangeError} where a state is missing or does not fit.
   */
  setState(states: NamedTensors): void {
    this.stepper.setState(states);
  }

  /**
   * Reads one symbol and gives the logits [V] of the next; they are overwritten by the next call.
   *
   * @throws {RangeError} on a symbol out of range.
   */
  read(id: number): FloatArray {
    assertSymbol(this.stepper.model.spec.inputSize, id);
    this.input[0] = id;
    this.stepper.read(this.input);
    return this.stepper.model.logits();
  }

  /**
   * Reads the prime, then draws `length` symbols, feeding each back.
   *
   * @param prime at least one symbol
   * @param stop a symbol that ends the sequence early; it is the last one returned
   * @throws {RangeError | TypeError} on an empty prime, a length, stream or option that makes no sense, a symbol out of range,
   *   logits that are not finite. The state and the stream are then as they were.
   */
  sample(
    prime: ArrayLike<number>,
    length: number,
    rng: RandomState,
    options: SampleOptions = {},
    stop?: number,
  ): number[] {
    assertSampleRequest(this.stepper.model.spec.inputSize, prime, length, rng, options, stop);
    // The first symbol is drawn when its logits are known to be right.
    const stream = length > 1 ? rng.getState() : null;
    return this.stepper.orUndone(() => {
      const ids: number[] = [];
      try {
        for (let i = 0; i < prime.length - 1; i++) this.read(prime[i]);
        let id = prime[prime.length - 1];
        while (ids.length < length) {
          id = this.draw(this.read(id), rng, options);
          ids.push(id);
          if (id === stop) break;
        }
      } catch (error) {
        if (stream) rng.setState(stream);
        throw error;
      }
      return ids;
    });
  }

  /** Frees what the engine holds beside its buffers. */
  dispose(): void {
    this.engine.dispose();
  }

  /** {@link sampleFrom}, but where no option is set the softmax is the one that the model has worked out already. */
  private draw(logits: FloatArray, rng: RandomState, options: SampleOptions): number {
    const { temperature = 1, topK = logits.length, topP = 1, greedy = false } = options;
    const plain = temperature === 1 && topK >= logits.length && topP === 1 && !greedy;
    const p = this.stepper.model.outputs();
    const total = plain ? sumOf(p) : Number.NaN;
    return total > 0 ? drawFrom(p, total, rng) : sampleFrom(logits, rng, options);
  }
}
