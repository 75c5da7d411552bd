import { assertFinite } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { type FloatArray, zeros } from '../tensor/shape.ts';
import type { InferenceModel } from './inferenceModel.ts';
import type { NamedTensors } from './spec.ts';
import { assertStates } from './stepper.ts';

/**
 * One sequence that a model reads step by step, made by `model.session()`. The weights are the model's; what a session holds
 * is its state and its last outputs. A session that reads again and again keeps its state in the model's buffers; the
 * states are exchanged only where another session reads.
 */
export class InferenceSession {
  readonly model: InferenceModel;

  /** [H] each by name; made when another session reads. */
  private own: NamedTensors | null = null;
  private hasState = false;
  /** [V] each, of the last step; the session's own. */
  private last: { readonly outputs: FloatArray; readonly logits: FloatArray } | null = null;

  /** Made by {@link InferenceModel.session}. */
  constructor(model: InferenceModel) {
    this.model = model;
  }

  /** Whether the next step goes on from a state; false for a sequence that begins. */
  get started(): boolean {
    return this.hasState;
  }

  /**
   * Reads one step.
   *
   * @param input an id, or a vector of D numbers
   * @returns a copy of the outputs [V]: probabilities or values
   * @throws {RangeError} on an input that does not fit; the session is then as it was.
   */
  read(input: number | ArrayLike<number>): FloatArray {
    const { outputs, logits } = this.model.readStep(this, input);
    this.hasRead(outputs, logits);
    return outputs.slice();
  }

  /** A copy of the outputs [V] of the last step. */
  get outputs(): FloatArray {
    return this.lastStep('outputs').outputs.slice();
  }

  /** A copy of the logits [V] of the last step: what the outputs were before the softmax or sigmoid. */
  get logits(): FloatArray {
    return this.lastStep('logits').logits.slice();
  }

  /** Copies of the states [H] by name (`h_l0`, `c_l0`, …) that the next step goes on from. */
  state(): NamedTensors {
    const states = this.model.stateOf(this);
    if (states === null) return this.model.initialStates();
    return Object.fromEntries(Object.entries(states).map(([name, values]) => [name, values.slice()]));
  }

  /**
   * Goes on from these states, as {@link state} gives them.
   *
   * @throws {RangeError | TypeError} where a state is missing, surplus, does not fit or is not finite; the session is then as
   *   it was.
   */
  setState(states: NamedTensors): void {
    const fn = 'session.setState';
    const wanted = this.model.initialStates();
    if (typeof states !== 'object' || states === null) {
      throw new TypeError(`${fn}: states is ${describe(states)}, expected ${Object.keys(wanted).join(', ')}`);
    }
    assertStates(fn, Object.keys(wanted), this.model.spec.hiddenSize, states);
    for (const [name, values] of Object.entries(wanted)) {
      values.set(states[name]);
      assertFinite(fn, name, values, states[name]);
    }
    this.model.release(this);
    this.own = wanted;
    this.hasState = true;
    this.last = null;
  }

  /** Forgets what was read: the next step begins a sequence. */
  reset(): void {
    this.model.release(this);
    this.hasState = false;
    this.last = null;
  }

  /** Another session that goes on from the same state. */
  fork(): InferenceSession {
    const fork = this.model.session();
    if (!this.hasState) return fork;
    fork.own = this.state();
    fork.hasState = true;
    if (this.last !== null) fork.hasRead(this.last.outputs, this.last.logits);
    return fork;
  }

  /**
   * The session's own arrays of states.
   *
   * @internal
   */
  ownStates(): NamedTensors {
    if (this.own === null) {
      this.own = {};
      const { spec, dtype } = this.model;
      for (let layer = 0; layer < spec.layers; layer++) {
        for (const state of spec.cell.states) this.own[`${state}_l${layer}`] = zeros(dtype, spec.hiddenSize);
      }
    }
    return this.own;
  }

  /**
   * A step of this session was done, which gave these [V]; they are copied.
   *
   * @internal
   */
  hasRead(outputs: FloatArray, logits: FloatArray): void {
    if (this.last === null) this.last = { outputs: outputs.slice(), logits: logits.slice() };
    else {
      this.last.outputs.set(outputs);
      this.last.logits.set(logits);
    }
    this.hasState = true;
  }

  private lastStep(name: string): { readonly outputs: FloatArray; readonly logits: FloatArray } {
    if (this.last === null) throw new Error(`session.${name}: no step was read since the session began`);
    return this.last;
  }
}
