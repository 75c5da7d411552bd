import { describe } from '../check/describe.ts';
import { assertOptions } from '../check/options.ts';
import { logSumExpOf } from '../tensor/logSumExp.ts';
import { powOf } from '../tensor/pow.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { assertLogits } from './sample.ts';
import { type NamedTensors, outputWidth } from './spec.ts';
import type { Stepper } from './stepper.ts';

/** One way on from the prime. */
export interface Beam {
  /** The symbols after the prime, the stop symbol included where it ended the beam. */
  ids: number[];
  /** ln of the probability of these symbols after the prime. */
  logProbability: number;
  /** What beams are ranked by: the logarithm divided by length^lengthPenalty. */
  score: number;
}

/** What {@link beamSearch} takes. */
export interface BeamSearchOptions {
  /** How many beams are kept at each step. Default 4. */
  width?: number;
  /** The most symbols of a beam. */
  length: number;
  /** A symbol that ends a beam. */
  stop?: number;
  /** 0 ranks by probability, which favours short beams; 1 by probability per symbol. Default 0. */
  lengthPenalty?: number;
}

/**
 * Looks for the likeliest way on from a prime: keeps the best `width` beginnings, extends each by every symbol, keeps the
 * best again. With width 1 this is greedy decoding; with a width of all V^length it is exact.
 *
 * @param prime at least one symbol
 * @returns the beams found, the best first, at most `width`: those that are possible, where logits of −∞ rule symbols out
 * @throws {TypeError} where `stepper` is none, or on an unknown option.
 * @throws {RangeError} on an empty prime, a symbol or an option out of range, or logits that {@link sampleFrom} refuses, too: a
 *   NaN or infinity, or none above −∞. The stepper then stands where it stood.
 */
export function beamSearch(stepper: Stepper, prime: ArrayLike<number>, options: BeamSearchOptions): Beam[] {
  assertStepper(stepper);
  assertOptions('beamSearch', options, ['width', 'length', 'stop', 'lengthPenalty']);
  const { width = 4, length, stop, lengthPenalty = 0 } = options;
  if (prime.length === 0) throw new RangeError('beamSearch: prime is empty, expected at least one symbol');
  const { inputSize } = stepper.model.spec;
  for (let i = 0; i < prime.length; i++) assertSymbol(`prime[${i}]`, prime[i], inputSize);
  if (stop !== undefined) assertSymbol('stop', stop, outputWidth(stepper.model.spec));
  assertCount('width', width);
  assertCount('length', length);
  if (!(lengthPenalty >= 0 && lengthPenalty < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`beamSearch: lengthPenalty is ${lengthPenalty}, expected a finite number ≥ 0`);
  }
  return stepper.orUndone(() => search(stepper, prime, { width, length, stop, lengthPenalty }));
}

function search(
  stepper: Stepper,
  prime: ArrayLike<number>,
  {
    width,
    length,
    stop,
    lengthPenalty,
  }: { width: number; length: number; stop: number | undefined; lengthPenalty: number },
): Beam[] {
  const scoreOf = (logProbability: number, symbols: number) => logProbability / powOf(symbols, lengthPenalty);
  const ended: Beam[] = [];
  let open = [begin(stepper, prime)];
  for (let step = 1; step <= length && open.length > 0; step++) {
    const candidates: { from: OpenBeam; id: number; logProbability: number; score: number }[] = [];
    for (const from of open) {
      from.logProbabilities.forEach((logP, id) => {
        if (logP === Number.NEGATIVE_INFINITY) return;
        const logProbability = from.logProbability + logP;
        candidates.push({ from, id, logProbability, score: scoreOf(logProbability, step) });
      });
    }
    // Ties go to the earlier beam and the smaller symbol, so that the same input gives the same beams.
    candidates.sort((a, b) => b.score - a.score);
    open = [];
    for (const { from, id, logProbability, score } of candidates.slice(0, width)) {
      const ids = [...from.ids, id];
      if (id === stop || step === length) ended.push({ ids, logProbability, score });
      else open.push({ ids, logProbability, ...read(stepper, id, from.states) });
    }
  }
  return ended.sort((a, b) => b.score - a.score).slice(0, width);
}

/** A beam that goes on: with the state it left the model in and what the model expects next. */
interface OpenBeam {
  ids: number[];
  logProbability: number;
  states: NamedTensors;
  /** [V] */
  logProbabilities: FloatArray;
}

function begin(stepper: Stepper, prime: ArrayLike<number>): OpenBeam {
  stepper.reset();
  for (let i = 0; i < prime.length - 1; i++) stepper.read(Int32Array.of(prime[i]));
  return { ids: [], logProbability: 0, ...read(stepper, prime[prime.length - 1], null) };
}

/** Reads one symbol from the given states (null: from where the stepper stands). */
function read(
  stepper: Stepper,
  id: number,
  states: NamedTensors | null,
): Pick<OpenBeam, 'states' | 'logProbabilities'> {
  if (states) stepper.setState(states);
  stepper.read(Int32Array.of(id));
  const logits = stepper.model.logits();
  assertLogits('beamSearch', logits);
  const total = logSumExpOf(logits, 0, logits.length);
  return { states: stepper.getState(), logProbabilities: logits.map((z) => z - total) };
}

function assertStepper(stepper: unknown): void {
  const { model, read: reads, getState, setState, orUndone } = (stepper ?? {}) as Partial<Stepper>;
  if (model !== undefined && [reads, getState, setState, orUndone].every((own) => typeof own === 'function')) return;
  throw new TypeError(`beamSearch: stepper is ${describe(stepper)}, expected a Stepper`);
}

function assertSymbol(name: string, symbol: number, count: number): void {
  if (!Number.isInteger(symbol) || symbol < 0 || symbol >= count) {
    throw new RangeError(`beamSearch: ${name} is ${String(symbol)}, expected a symbol from 0 to ${count - 1}`);
  }
}

function assertCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`beamSearch: ${name} is ${describe(value)}, expected a whole number ≥ 1`);
  }
}
