import { assertFinite, assertFloats, assertLength } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertObject } from '../check/values.ts';
import type { Dtype, FloatArray } from '../tensor/shape.ts';
import type { Batch } from './batch.ts';
import { type Engine, sizingEngine, type WeightsFormat } from './engine.ts';
import { SequenceModel } from './model.ts';
import { type ModelSpec, type NamedTensors, type ParameterLayout, type ResolvedSpec, resolveSpec } from './spec.ts';

/** A trained model of one direction read one step at a time, its state between steps kept. */
export class Stepper {
  readonly model: SequenceModel<FloatArray, Int32Array>;

  /** Hands every state that the last step ended in to the next. */
  private readonly carryOn: () => void;
  private readonly stateNames: readonly string[];
  private started = false;

  /**
   * @param parameters by name, as {@link Trainer.parameters} gives them
   * @throws {RangeError} where the model reads in both directions or a parameter is missing, surplus or does not fit.
   */
  constructor(engine: Engine<FloatArray, Int32Array>, spec: ModelSpec | ResolvedSpec, parameters: NamedTensors) {
    this.model = stepModel(engine, spec);
    const { spec: full, stack } = this.model;
    if (full.bidirectional) throw new RangeError('Stepper: expected a model that reads in one direction');
    const names: string[] = [];
    this.model.eachState((name) => names.push(name));
    this.stateNames = names;
    const { layout } = this.model.parameters;
    assertEach('Stepper', layout, parameters);
    for (const { name } of layout) engine.write(this.model.parameters.get(name)!, parameters[name]);
    this.carryOn = engine.compile(() => {
      for (let layer = 0; layer < full.layers; layer++) {
        const { final } = stack.recurrence(ONE_STEP, layer);
        for (const [s, state] of stack.initial(layer).entries()) engine.kernels.copy(state, final[s]);
      }
    });
  }

  /** Forgets what was read: the next step begins a sequence. */
  reset(): void {
    this.started = false;
  }

  /**
   * Goes on from these states, [H] each by name (`h_l0`, `c_l0`, …).
   *
   * @throws {RangeError | TypeError} where a state is missing, surplus, does not fit or is not finite.
   */
  setState(states: NamedTensors): void {
    const { model } = this;
    const fn = 'Stepper.setState';
    assertStates(fn, this.stateNames, model.spec.hiddenSize, states);
    model.eachState((name) => assertFinite(fn, name, states[name]));
    model.eachState((name, layer, _, index) => this.final(layer)[index].set(states[name]));
    this.started = true;
  }

  /**
   * Does what may throw: where it does, the stepper goes on from where it stood before.
   *
   * @throws {TypeError} where `work` is no function; what `work` throws
   */
  orUndone<T>(work: () => T): T {
    if (typeof work !== 'function') {
      throw new TypeError(`Stepper.orUndone: work is ${describe(work)}, expected a function`);
    }
    const states = this.started ? this.getState() : null;
    try {
      return work();
    } catch (error) {
      if (states === null) this.reset();
      else this.setState(states);
      throw error;
    }
  }

  /** Copies of the states [H] by name that the next step goes on from: those a sequence begins with where none was read. */
  getState(): NamedTensors {
    const { model, started } = this;
    const states: NamedTensors = {};
    model.eachState((name, layer, _, index) => {
      if (started) {
        states[name] = this.final(layer)[index].slice();
        return;
      }
      const learned = model.parameters.get(name.replace(/_l\d+$/, '0$&'));
      states[name] = learned?.slice() ?? this.final(layer)[index].slice().fill(0);
    });
    return states;
  }

  /** Copies the states that the last step ended in into arrays [H] by name: {@link getState} without new arrays. */
  copyState(into: NamedTensors): void {
    assertStates('Stepper.copyState', this.stateNames, this.model.spec.hiddenSize, into);
    this.model.eachState((name, layer, _, index) => into[name].set(this.final(layer)[index]));
  }

  /**
   * Reads one step, an id [1] or a vector [D], and gives the outputs [V]: probabilities, or values. They are overwritten
   * by the next call; the logits are in `model.logits()`.
   *
   * @throws {RangeError | TypeError} on an input that does not fit.
   */
  read(input: Batch['inputs']): FloatArray {
    const { model, started } = this;
    model.loadInputs({ inputs: input, steps: 1, batch: 1 }, started);
    if (started) this.carryOn();
    model.predict();
    this.started = true;
    return model.outputs();
  }

  private final(layer: number): readonly FloatArray[] {
    return this.model.stack.recurrence(ONE_STEP, layer).final;
  }
}

/** The window of a step. */
export const ONE_STEP = { steps: 1, masked: false, dropping: false } as const;

/**
 * Throws unless these are states [H] of a model by name.
 *
 * @throws {RangeError | TypeError} naming the one that is missing, surplus, no array of floats or of another length.
 */
export function assertStates(fn: string, names: readonly string[], H: number, states: NamedTensors): void {
  assertObject(fn, 'states', states, 'states by name');
  const surplus = Object.keys(states).find((name) => !names.includes(name));
  if (surplus !== undefined) throw new RangeError(`${fn}: ${surplus} is no state of this model`);
  for (const name of names) {
    if (states[name] === undefined) throw new RangeError(`${fn}: ${name} is missing`);
    assertFloats(fn, name, states[name]);
    assertLength(fn, name, states[name], '[H]', H);
  }
}

/**
 * Throws unless the parameters are those of a model.
 *
 * @throws {RangeError} naming the one that is surplus, missing or of another length.
 */
export function assertEach(fn: string, layout: readonly ParameterLayout[], parameters: NamedTensors): void {
  assertObject(fn, 'parameters', parameters, 'the weights by name');
  const surplus = Object.keys(parameters).find((name) => !layout.some((place) => place.name === name));
  if (surplus) throw new RangeError(`${fn}: ${surplus} is no parameter of this model`);
  for (const { name, length } of layout) {
    if (parameters[name] === undefined) throw new RangeError(`${fn}: ${name} is missing`);
    assertFloats(fn, name, parameters[name]);
    assertLength(fn, name, parameters[name], '[n]', length);
  }
}

/**
 * The dtype of weights by name: float64 where the first are, else float32. What is missing or no weight is not looked at.
 *
 * @throws {TypeError} where they are no object.
 */
export function weightsDtype(fn: string, parameters: NamedTensors): Dtype {
  assertObject(fn, 'parameters', parameters, 'the weights by name');
  const [first] = Object.values(parameters);
  return first instanceof Float64Array ? 'float64' : 'float32';
}

function stepModel<F, I>(engine: Engine<F, I>, spec: ModelSpec | ResolvedSpec): SequenceModel<F, I> {
  return new SequenceModel(
    engine,
    { ...resolveSpec(spec), lossAt: 'every' },
    { steps: 1, batch: 1, initialGradient: false, backward: false },
  );
}

/**
 * The length of every buffer that a {@link Stepper} of that spec asks its engine for.
 *
 * @param weights how the engine keeps the weight matrices
 */
export function stepperAllocationPlan(
  spec: ModelSpec | ResolvedSpec,
  weights: WeightsFormat = 'float32',
): readonly number[] {
  const engine = sizingEngine('float32', weights);
  stepModel(engine, spec);
  return engine.lengths;
}
