import { expectLength, type FloatArray, zeros } from '../tensor/shape.ts';
import type { Batch } from './batch.ts';
import { countingEngine, type Engine } from './engine.ts';
import { SequenceModel } from './model.ts';
import type { ModelSpec, NamedTensors, ParameterPlace } from './spec.ts';

/** A trained model of one direction read one step at a time, its state between steps kept. */
export class Stepper {
  readonly model: SequenceModel<FloatArray, Int32Array>;

  private readonly targets: Batch['targets'];
  /** Hands every state that the last step ended in to the next. */
  private readonly goOn: () => void;
  private started = false;

  /**
   * @param parameters by name, as {@link Trainer.parameters} gives them
   * @throws {RangeError} where the model reads in both directions or a parameter is missing, surplus or does not fit.
   */
  constructor(engine: Engine<FloatArray, Int32Array>, spec: ModelSpec, parameters: NamedTensors) {
    this.model = stepModel(engine, spec);
    const { spec: full, stack } = this.model;
    if (full.bidirectional) throw new RangeError('Stepper: expected a model that reads in one direction');
    const { places } = this.model.parameters;
    expectEach('Stepper', places, parameters);
    for (const { name } of places) this.model.parameters.get(name)!.set(parameters[name]);
    const classes = full.loss === 'softmaxCrossEntropy';
    const width = full.outputSize || full.hiddenSize;
    this.targets = classes ? new Int32Array(1) : zeros(engine.dtype, width);
    this.goOn = engine.repeatable(() => {
      this.model.eachState((_, layer, d, which) => {
        engine.copy(stack.given(layer, d)[which], stack.final(1, layer, d)[which]);
      });
    });
  }

  /** Forgets what was read: the next step begins a sequence. */
  reset(): void {
    this.started = false;
  }

  /**
   * Goes on from these states, [H] each by name (`h_l0`, `c_l0`, …).
   *
   * @throws {RangeError} where a state is missing or does not fit.
   */
  setState(states: NamedTensors): void {
    const { model } = this;
    model.eachState((name) => {
      if (!states[name]) throw new RangeError(`Stepper.setState: ${name} is missing`);
      expectLength('Stepper.setState', name, states[name], '[H]', model.spec.hiddenSize);
    });
    model.eachState((name, layer, d, which) => {
      model.stack.final(1, layer, d)[which].set(states[name]);
    });
    this.started = true;
  }

  /** Copies of the states [H] by name that the next step goes on from. */
  getState(): NamedTensors {
    const states: NamedTensors = {};
    this.model.eachState((name, layer, d, which) => {
      states[name] = this.model.stack.final(1, layer, d)[which].slice();
    });
    return states;
  }

  /**
   * Reads one step, an id [1] or a vector [D], and gives the outputs [V]: probabilities, or values. They are overwritten
   * by the next call; the logits stand in `model.logits()`.
   *
   * @throws {RangeError | TypeError} on an input that does not fit.
   */
  read(input: Batch['inputs']): FloatArray {
    const { model, targets, started } = this;
    model.load({ inputs: input, targets }, started);
    if (started) this.goOn();
    model.forward();
    this.started = true;
    return model.outputs();
  }
}

/**
 * Throws unless the parameters are those of a model.
 *
 * @throws {RangeError} naming the one that is surplus, missing or of another length.
 */
export function expectEach(fn: string, places: readonly ParameterPlace[], parameters: NamedTensors): void {
  const surplus = Object.keys(parameters).find((name) => !places.some((place) => place.name === name));
  if (surplus) throw new RangeError(`${fn}: ${surplus} is no parameter of this model`);
  for (const { name, length } of places) {
    if (!parameters[name]) throw new RangeError(`${fn}: ${name} is missing`);
    expectLength(fn, name, parameters[name], '[n]', length);
  }
}

function stepModel<F, I>(engine: Engine<F, I>, spec: ModelSpec): SequenceModel<F, I> {
  return new SequenceModel(engine, { ...spec, lossAt: 'every' }, { steps: 1, batch: 1 });
}

/** The length of every buffer that a {@link Stepper} of that spec asks its engine for. */
export function stepperLengths(spec: ModelSpec): readonly number[] {
  const engine = countingEngine();
  stepModel(engine, spec);
  return engine.lengths;
}
