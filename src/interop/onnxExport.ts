import type { ModelSpec, NamedTensors } from '../bptt/spec.ts';
import type { FloatArray } from '../tensor/shape.ts';
import {
  type BundledSpec,
  bundledLayout,
  bundledSpec,
  directionsOf,
  GATES,
  outputWeights,
  stateWidth,
} from './bundledSpec.ts';
import { reorderBlocks, transposed } from './foreignModel.ts';
import { encodeOnnx, type OnnxAttribute, type OnnxNode, type OnnxTensor, type OnnxValueInfo } from './onnxProto.ts';

/** What {@link writeOnnx} takes beside the model. */
export interface OnnxWriting {
  /** The states as inputs `h0`, `c0` [layers·directions,B,H] and outputs `hT`, `cT`. Default true. */
  states?: boolean;
  /** An input `lengths` int32 [B]. Outputs after a sequence's end are those of a state of zeros then. Default false. */
  lengths?: boolean;
  /** What the outputs go through behind the output layer: what the model's loss asks for, or nothing. Default `model`. */
  outputs?: 'model' | 'logits';
}

/** The inverse of the reader's tables: which block of ours each block of ONNX is. LSTM i,o,f,c; peepholes i,o,f; GRU z,r,h. */
const LSTM_BLOCKS = [0, 3, 1, 2];
const PEEPHOLE_BLOCKS = [0, 2, 1];
const GRU_BLOCKS = [1, 0, 2];

const ACTIVATIONS = { tanh: 'Tanh', sigmoid: 'Sigmoid', relu: 'Relu', identity: 'Affine' } as const;

/**
 * Writes a model as an ONNX graph of RNN, GRU or LSTM nodes, a MatMul and an Add, and what the loss puts the outputs
 * through. Inputs: `x`, float [T,B,D], or `ids`, int64 [T,B]; `h0`, `c0`. Outputs: `y` [T,B,V], [B,V] where the loss is
 * at the last step, and `hT`, `cT`. A model that `readOnnx` found reversed is written in direction `reverse`. A learned initial state is a constant of the graph, which then has no `h0` and `c0`.
 *
 * @returns the file, of float32 or float64 as the parameters are
 * @throws {RangeError} where a parameter is missing or of another length, for dense layers, normalised outputs and residual
 * connections, or where the last states of both directions would be
 * the input of the output layer at the last step.
 */
export function writeOnnx(
  model: { spec: ModelSpec; parameters: Readonly<NamedTensors>; reversed?: boolean },
  { states = true, lengths = false, outputs = 'model' }: OnnxWriting = {},
): Uint8Array {
  const spec = bundledSpec(model.spec);
  for (const { name, shape, length } of bundledLayout(spec)) {
    const values = model.parameters[name];
    if (values?.length !== length) {
      throw new RangeError(`writeOnnx: ${name} has ${values?.length ?? 'no'} elements, expected [${shape.join(',')}]`);
    }
  }
  if (spec.lossAt === 'last' && spec.bidirectional) {
    throw new RangeError('writeOnnx: lossAt is last in both directions, expected a net in one direction');
  }
  if (model.reversed && spec.bidirectional)
    throw new RangeError('writeOnnx: reversed is true of a net in both directions');
  const direction = spec.bidirectional ? 'bidirectional' : model.reversed ? 'reverse' : 'forward';
  return new GraphWriter(spec, model.parameters, direction, states, lengths, outputs).file();
}

class GraphWriter {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, OnnxTensor>();
  private readonly spec: BundledSpec;
  private readonly parameters: Readonly<NamedTensors>;
  private readonly direction: string;
  private readonly states: boolean;
  private readonly lengths: boolean;
  private readonly outputs: 'model' | 'logits';

  constructor(
    spec: BundledSpec,
    parameters: Readonly<NamedTensors>,
    direction: string,
    states: boolean,
    lengths: boolean,
    outputs: 'model' | 'logits',
  ) {
    this.spec = spec;
    this.parameters = parameters;
    this.direction = direction;
    this.states = states;
    this.lengths = lengths;
    this.outputs = outputs;
  }

  file(): Uint8Array {
    const { spec } = this;
    const { inputSize: D, hiddenSize: H, layers } = spec;
    const type = Object.values(this.parameters)[0] instanceof Float32Array ? 'float32' : 'float64';
    const whats = spec.cell.startsWith('lstm') ? (['h', 'c'] as const) : (['h'] as const);
    const inputs: OnnxValueInfo[] = [];
    let x = 'x';
    if (spec.input === 'ids') {
      inputs.push({ name: 'ids', type: 'int64', shape: ['T', 'B'] });
    } else inputs.push({ name: 'x', type, shape: ['T', 'B', D] });
    if (spec.embedding) {
      const values = this.parameters['embedding.weight'];
      this.initializers.set('embedding', { shape: [D, spec.embedding.size], values, integer: false });
      this.add('Gather', ['embedding', 'ids'], ['x'], { axis: 0 });
    } else if (spec.input === 'ids') {
      const pair = type === 'float32' ? Float32Array.of(0, 1) : Float64Array.of(0, 1);
      this.initializers.set('off_on', { shape: [2], values: pair, integer: false });
      this.add('OneHot', ['ids', this.integers('depth', [D], []), 'off_on'], ['x'], { axis: -1 });
    }
    if (this.lengths) inputs.push({ name: 'lengths', type: 'int32', shape: ['B'] });
    const rows = layers * directionsOf(spec);
    if (this.states && spec.initialState === 'zero') {
      for (const what of whats) inputs.push({ name: `${what}0`, type, shape: [rows, 'B', H] });
    }
    let last = '';
    for (let layer = 0; layer < layers; layer++) [x, last] = this.layer(layer, x, whats);
    const ends: OnnxValueInfo[] = [{ name: 'y', type, shape: this.head(x, last) }];
    if (this.states) {
      for (const what of whats) {
        const name = `${what}T`;
        if (layers > 1) {
          const parts = Array.from({ length: layers }, (_, layer) => this.finalName(what, layer));
          this.add('Concat', parts, [name], { axis: 0 });
        }
        ends.push({ name, type, shape: [rows, 'B', H] });
      }
    }
    return encodeOnnx({ name: 'bptt', nodes: this.nodes, initializers: this.initializers, inputs, outputs: ends });
  }

  private add(op: string, inputs: string[], outputs: string[], attributes: Record<string, OnnxAttribute> = {}): void {
    this.nodes.push({
      name: `${op}_${outputs.find((name) => name !== '')}`,
      op,
      domain: '',
      inputs,
      outputs,
      attributes: new Map(Object.entries(attributes)),
    });
  }

  private integers(name: string, values: number[], shape = [values.length]): string {
    this.initializers.set(name, { shape, values: Float64Array.from(values), integer: true });
    return name;
  }

  private finalName(what: 'h' | 'c', layer: number): string {
    return this.spec.layers === 1 ? `${what}T` : `${what}T_l${layer}`;
  }

  /** One node with the axes put in order behind it. @returns the names of its outputs [T,B,·] and of its last h. */
  private layer(layer: number, x: string, whats: readonly ('h' | 'c')[]): [string, string] {
    const { cell, hiddenSize: H, bias, nonlinearity } = this.spec;
    const directions = directionsOf(this.spec);
    const G = GATES[cell];
    const order = cell === 'elman' ? [0] : G === 3 ? GRU_BLOCKS : LSTM_BLOCKS;
    const { embedding, inputSize } = this.spec;
    const D = layer === 0 ? (embedding?.size ?? inputSize) : stateWidth(this.spec);
    const tensor = (name: string, names: string[], blocks: readonly number[], shape: number[]): string => {
      const parts: FloatArray[] = [];
      for (let d = 0; d < directions; d++) {
        for (const own of names) {
          const values = this.parameters[`${own}_l${layer}${d ? '_reverse' : ''}`];
          parts.push(values ? reorderBlocks(values, blocks) : parts[parts.length - 1].slice().fill(0)); // bias input: bias_hh = 0
        }
      }
      this.initializers.set(name, { shape: [directions, ...shape], values: joined(parts), integer: false });
      return name;
    };
    const W = tensor(`W_l${layer}`, ['weight_ih'], order, [G * H, D]);
    const R = tensor(`R_l${layer}`, ['weight_hh'], order, [G * H, H]);
    const B = bias === 'none' ? '' : tensor(`B_l${layer}`, ['bias_ih', 'bias_hh'], order, [2 * G * H]);
    const starts = whats.map((what) => this.start(what, layer, x));
    const P = cell === 'lstmPeephole' ? tensor(`P_l${layer}`, ['weight_peephole'], PEEPHOLE_BLOCKS, [3 * H]) : '';
    const inputs = [x, W, R, B, this.lengths ? 'lengths' : '', ...starts, P];
    while (inputs.at(-1) === '') inputs.pop();
    const raw = `Y_l${layer}`;
    const finals = whats.map((what) => this.finalName(what, layer));
    this.add(cell === 'elman' ? 'RNN' : G === 3 ? 'GRU' : 'LSTM', inputs, [raw, ...finals], {
      hidden_size: H,
      ...(this.direction === 'forward' ? {} : { direction: this.direction }),
      ...(cell === 'gru' ? { linear_before_reset: 1 } : {}),
      ...(cell === 'elman' && nonlinearity !== 'tanh' ? this.activations(ACTIVATIONS[nonlinearity], directions) : {}),
    });
    const states = `states_l${layer}`;
    if (directions === 1) this.add('Squeeze', [raw, this.integers(`axis_l${layer}`, [1])], [states]);
    else {
      this.add('Transpose', [raw], [`${raw}_turned`], { perm: [0, 2, 1, 3] });
      this.add('Reshape', [`${raw}_turned`, this.integers(`joined_l${layer}`, [0, 0, -1])], [states]);
    }
    return [states, finals[0]];
  }

  private activations(name: string, directions: number): Record<string, OnnxAttribute> {
    const repeat = <A>(value: A): A[] => Array.from({ length: directions }, () => value);
    const affine = name === 'Affine' ? { activation_alpha: repeat(1), activation_beta: repeat(0) } : {};
    return { activations: repeat(name), ...affine };
  }

  /** The state that a layer starts from: a part of h0, the learned one for every sequence, or '' for zeros. */
  private start(what: 'h' | 'c', layer: number, x: string): string {
    const { hiddenSize: H, layers, initialState } = this.spec;
    const directions = directionsOf(this.spec);
    const name = `${what}0_l${layer}`;
    if (initialState === 'learned') {
      const parts = Array.from({ length: directions }, (_, d) => this.parameters[`${name}${d ? '_reverse' : ''}`]);
      this.initializers.set(`${name}_row`, { shape: [directions, 1, H], values: joined(parts), integer: false });
      if (!this.initializers.has('ones')) {
        // The sizes [1,B,1] of the batch, which Expand repeats the row to.
        this.add('Shape', [x], ['sizes']);
        this.add('Gather', ['sizes', this.integers('batch_axis', [1])], ['B'], { axis: 0 });
        const one = this.integers('ones', [1]);
        this.add('Concat', [one, 'B', one], ['repeats'], { axis: 0 });
      }
      this.add('Expand', [`${name}_row`, 'repeats'], [name]);
      return name;
    }
    if (!this.states) return '';
    if (layers === 1) return `${what}0`;
    const from = this.integers(`from_l${layer}`, [layer * directions]);
    const to = this.integers(`to_l${layer}`, [(layer + 1) * directions]);
    this.add('Slice', [`${what}0`, from, to, this.integers('first_axis', [0])], [name]);
    return name;
  }

  /** The output layer. @returns the sizes of `y`. */
  private head(states: string, last: string): (number | string)[] {
    const { outputSize: V, outputBias, loss, lossAt, outputActivation } = this.spec;
    const width = stateWidth(this.spec);
    let x = states;
    if (lossAt === 'last') {
      x = 'last';
      this.add('Squeeze', [last, this.integers('last_axis', [0])], [x]);
    }
    const apply = (op: string, inputs: string[], attributes: Record<string, OnnxAttribute> = {}): void => {
      const result = `${op}_of_${x}`;
      this.add(op, inputs, [result], attributes);
      x = result;
    };
    if (V > 0) {
      const weight = transposed(outputWeights(this.spec, this.parameters), V, width);
      this.initializers.set('weight_ho', { shape: [width, V], values: weight, integer: false });
      apply('MatMul', [x, 'weight_ho']);
      if (outputBias) {
        this.initializers.set('bias_ho', { shape: [V], values: this.parameters.bias_ho, integer: false });
        apply('Add', [x, 'bias_ho']);
      }
    }
    if (this.outputs === 'model') {
      if (loss === 'softmaxCrossEntropy' || loss === 'binaryCrossEntropyOfSoftmax') apply('Softmax', [x], { axis: -1 });
      else if (loss === 'sigmoidCrossEntropy' || outputActivation === 'sigmoid') apply('Sigmoid', [x]);
    }
    this.add('Identity', [x], ['y']);
    const size = V || width;
    return lossAt === 'last' ? ['B', size] : ['T', 'B', size];
  }
}

function joined(parts: readonly FloatArray[]): FloatArray {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = parts[0] instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
