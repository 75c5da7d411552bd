import { assertWhole } from '../check/numbers.ts';
import { type FloatArray, zeros } from '../tensor/shape.ts';
import type { Batch } from './batch.ts';
import { type CpuEngine, tsEngine } from './engine.ts';
import { modelAllocationPlan, SequenceModel } from './model.ts';
import { assertOptions } from './options.ts';
import type { Recurrence } from './recurrence.ts';
import { directionsOf, type ModelSpec, type NamedTensors, type ResolvedSpec } from './spec.ts';
import { assertEach, weightsDtype } from './stepper.ts';

/** What {@link Inspector.inspect} takes beside the sequence. */
export interface InspectOptions {
  /**
   * The step whose loss alone is differentiated, 0 … steps − 1, with its own weight (reduction `mean` is then over that
   * one step). Left out: the loss of all steps together.
   */
  step?: number;
  /** Truncated backpropagation: gradients are cut every so many steps, counted from the first. Default: not cut. */
  backSteps?: number;
}

/** What a net computes over one sequence. The arrays are copies. */
export interface Inspection {
  readonly steps: number;
  /** [steps,V], probabilities or values; [V] where the loss is at the last step. */
  readonly outputs: FloatArray;
  /** [steps], the loss of each step in nats, weights included; [1] where the loss is at the last step or per sequence. */
  readonly losses: FloatArray;
  /** Every layer from the bottom, of a bidirectional one the direction forward in time first. */
  readonly layers: readonly LayerInspection[];
}

/** One direction of one layer; all arrays are in the order of time. */
export interface LayerInspection {
  readonly layer: number;
  readonly reverse: boolean;
  /** [steps,H] each by the names that the cell gives: `h`, `c`. The states after each step. */
  readonly states: NamedTensors;
  /** [steps,H] each by {@link CellDescription.savedNames}: `i`, `f`, `g`, `o` of an LSTM, `r`, `z`, `n` of a GRU. */
  readonly gates: NamedTensors;
  /**
   * [steps,H] each by state: ∂L/∂h_t and ∂L/∂c_t, the states that step t hands on, one held fixed for the other's derivative.
   * ∂L/∂c_t of an LSTM is thus what comes back along the cell alone; what c_t sends through h_t is in ∂L/∂h_t.
   */
  readonly dstates: NamedTensors;
  /** [steps,D], ∂L/∂x_t: the layer's input; of symbols, their one-hot vectors. */
  readonly dx: FloatArray;
}

/**
 * Runs a model over single sequences and shows everything inside: the states, gates and losses of every step, and the
 * gradient of the loss of one step, or of all, with respect to the states and inputs of every step.
 */
export class Inspector {
  readonly model: SequenceModel<FloatArray, Int32Array>;
  private readonly engine: CpuEngine;

  /**
   * @param parameters by name, as {@link Trainer.parameters} gives them; they are copied
   * @param steps T, the most steps of a sequence
   * @param engine who computes; left out: the TypeScript functions, in the parameters' dtype
   * @throws {RangeError} where a parameter is missing, surplus or does not fit.
   */
  constructor(spec: ModelSpec | ResolvedSpec, parameters: NamedTensors, steps: number, engine?: CpuEngine) {
    const dtype = weightsDtype('Inspector', parameters);
    this.engine = engine ?? tsEngine(dtype);
    this.model = new SequenceModel(this.engine, spec, { steps, batch: 1, initialGradient: false });
    this.setParameters(parameters);
  }

  /** @throws {RangeError} where a parameter is missing, surplus or does not fit. */
  setParameters(parameters: NamedTensors): void {
    const { layout } = this.model.parameters;
    assertEach('Inspector', layout, parameters);
    for (const { name } of layout) this.engine.write(this.model.parameters.get(name)!, parameters[name]);
  }

  /**
   * The inside of the net over one sequence that begins anew.
   *
   * @param batch of one sequence
   * @throws {RangeError | TypeError} on a batch that does not fit, a step out of range, or an unknown option.
   */
  inspect(batch: Batch, options: InspectOptions = {}): Inspection {
    const { model, engine } = this;
    const { spec } = model;
    assertOptions('Inspector.inspect', options, { step: true, backSteps: true });
    const steps = model.load(batch);
    const { step, backSteps } = options;
    if (step !== undefined) {
      if (spec.lossAt === 'last' || spec.loss.per === 'sequence') {
        throw new RangeError(`Inspector.inspect: step is ${step}, but the model has one loss for the whole sequence`);
      }
      assertWhole('Inspector.inspect', 'step', step, 0, steps - 1);
    }
    model.forward();
    engine.finish();
    const outputs = model.outputs().slice();
    const losses = model.losses().slice();
    if (step !== undefined) {
      const lossWeights = zeros('float64', steps);
      lossWeights[step] = batch.lossWeights?.[step] ?? 1;
      model.load({ ...batch, lossWeights }); // the states of the forward pass stay
    }
    engine.kernels.fill(model.gradients.flat, 0);
    model.backward(backSteps);
    engine.finish();
    const layers: LayerInspection[] = [];
    for (let layer = 0; layer < spec.layers; layer++) {
      for (let d = 0; d < directionsOf(spec); d++) {
        layers.push(inspectLayer(engine, layer, model.stack.recurrence(model.window, layer, d)));
      }
    }
    return { steps, outputs, losses, layers };
  }

  /** Frees what the engine holds beside its buffers. */
  dispose(): void {
    this.engine.dispose();
  }
}

function inspectLayer(engine: CpuEngine, layer: number, r: Recurrence<FloatArray, Int32Array>): LayerInspection {
  const { cell, steps, H, D, reverse } = r;
  const names = cell.savedNames ?? [];
  const named = (arrays: readonly FloatArray[]): NamedTensors =>
    Object.fromEntries(cell.states.map((name, i) => [name, arrays[i].slice()]));
  const gates = names.map((name, block) => {
    const gate = zeros(engine.dtype, steps * H);
    for (let t = 0; t < steps; t++) {
      const from = (t * names.length + block) * H;
      gate.set(r.saved.subarray(from, from + H), t * H);
    }
    return [name, gate] as const;
  });
  const dx = zeros(engine.dtype, steps * D);
  // A buffer of the host's own is no buffer of every engine: the product is written out.
  const { Wih } = r.weights;
  const rows = cell.gates * H;
  for (let t = 0; t < steps; t++) {
    for (let g = 0; g < rows; g++) {
      const d = r.dxGates[t * rows + g];
      if (d === 0) continue; // as all of those after the step whose loss it is
      for (let i = 0; i < D; i++) dx[t * D + i] += d * Wih[g * D + i];
    }
  }
  return {
    ...{ layer, reverse, states: named(r.states), gates: Object.fromEntries(gates) },
    ...{ dstates: named([r.dh, ...r.dothers]), dx },
  };
}

/** The length of every buffer that an {@link Inspector} of sequences of up to `steps` steps asks its engine for. */
export function inspectorAllocationPlan(spec: ModelSpec | ResolvedSpec, steps: number): readonly number[] {
  return modelAllocationPlan(spec, { steps, batch: 1, initialGradient: false });
}
