import type { ModelSpec } from '../bptt/spec.ts';
import { assertOptions } from '../check/options.ts';
import { assertBytes, assertObject } from '../check/values.ts';
import type { Nonlinearity } from '../layers/elman.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { type ForeignCell, GATES, nameOf } from './bundledSpec.ts';
import {
  type ForeignModel,
  foldEmbedding,
  foreignModel,
  reorderBlocks,
  type Training,
  transposed,
} from './foreignModel.ts';
import { FormatError } from './formatError.ts';
import type { NamedArrays } from './namedArrays.ts';
import { decodeOnnx, type OnnxAttribute, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnxProto.ts';

const fn = 'readOnnx';

/** What {@link readOnnx} takes beside the file. */
export interface OnnxReading {
  /** The files beside the model that it keeps tensors in, `net.onnx.data` for one, by the names in the model. */
  externalData?: Readonly<Record<string, Uint8Array>>;
  /** Values of graph inputs that are weights and not data, by name: models may leave W, R and B to the caller. */
  inputs?: Readonly<NamedArrays>;
  /** How the net is trained, which ONNX does not say. */
  spec?: Training;
}

/** What ONNX says of a net beyond the model. */
export interface OnnxModel extends ForeignModel {
  /** The net reads its steps from the last to the first (direction `reverse`): reverse x, and the outputs, along time. */
  reversed: boolean;
}

/** An array that is known: an initializer, a constant, or one computed from these. */
interface Constant {
  kind: 'constant';
  tensor: OnnxTensor;
}

/** A small vector or number computed from the sizes of other values: null where a size is not known before the net runs. */
interface Sizes {
  kind: 'sizes';
  values: (number | null)[];
}

/** An array filled with one number, or a known array repeated, of sizes that are not known. */
interface Filled {
  kind: 'filled';
  of: OnnxTensor;
}

/** A graph input, transposed: axis k of it is axis axes[k] of the input. */
interface Input {
  kind: 'input';
  name: string;
  axes: number[] | null;
  /** The input is ids, looked up in a table [N,D], or one-hot vectors of this size are made of them. */
  table?: OnnxTensor | number;
  /** Part of its first axis. */
  slice?: { start: number; end: number };
}

/** The outputs of every step of a recurrent layer, or what the output layer makes of them. */
interface Rows {
  kind: 'rows';
  layer: number;
  stage: 'states' | 'sum' | 'activated';
  /** T, B, directions apart from H, F all features, R steps and sequences as one. */
  axes: readonly ('T' | 'B' | 'dir' | 'H' | 'F' | 'R')[];
  /** F: the states of all directions, or V behind the output layer. */
  width: number;
  /** Where T is gone: the last of all steps, or the last of each sequence. */
  at?: 'step' | 'final';
}

/** The last states of one layer, or of several, one after another. */
interface Final {
  kind: 'final';
  what: 'h' | 'c';
  layers: number[];
  /** H. */
  width: number;
  axes: readonly ('dir' | 'B' | 'H')[];
}

interface Unknown {
  kind: 'unknown';
}

type Value = Constant | Sizes | Filled | Input | Rows | Final | Unknown;

/** One RNN, GRU or LSTM node. */
interface Layer {
  node: OnnxNode;
  cell: ForeignCell;
  nonlinearity: Nonlinearity;
  direction: string;
  D: number;
  H: number;
  /** By direction, in this library's order of gates. */
  weights: Record<string, FloatArray>[];
  initial: { h: Value | null; c: Value | null };
  lengths: string | null;
  batchFirst: boolean;
}

/** Which block of this library's gates is which of ONNX: LSTM i,f,g,o of i,o,f,c; its peepholes i,f,o of i,o,f; GRU r,z,n of z,r,h. */
const LSTM_BLOCKS = [0, 2, 3, 1];
const PEEPHOLE_BLOCKS = [0, 2, 1];
const GRU_BLOCKS = [1, 0, 2];

/**
 * Reads an ONNX model: RNN, GRU and LSTM nodes one behind another, in one direction or both, with an output layer
 * (MatMul and Add, or Gemm) and Sigmoid or Softmax behind. Embeddings (Gather, OneHot) before the first layer are folded
 * into its weights. Reshaping nodes in between are followed by what they do to the axes.
 *
 * @throws {FormatError} where the file is damaged, and with a list of everything in the graph that a model cannot be:
 * clip, input_forget, other activations, nodes of other kinds, each by the name of its node.
 */
export function readOnnx(file: Uint8Array, options: OnnxReading = {}): OnnxModel {
  assertBytes(fn, 'file', file);
  assertOptions(fn, options, ['externalData', 'inputs', 'spec']);
  const { externalData = {}, inputs = {}, spec = {} } = options;
  assertObject(fn, 'externalData', externalData, 'bytes by path');
  for (const [path, own] of Object.entries(externalData)) assertBytes(fn, `externalData['${path}']`, own);
  assertObject(fn, 'inputs', inputs, 'arrays by name');
  assertObject(fn, 'spec', spec);
  const bytes = Object.values(externalData).reduce((sum, { length }) => sum + length, file.length);
  return new GraphReader(decodeOnnx(file, externalData), inputs, spec, bytes).model();
}

class GraphReader {
  private readonly graph: OnnxGraph;
  private readonly training: Training;
  private readonly values = new Map<string, Value>();
  private readonly problems: string[] = [];
  private readonly recognised: string[] = [];
  private readonly layers: Layer[] = [];
  private head: { weight: FloatArray; bias: FloatArray | null; V: number; layer: number } | null = null;
  private activation: 'sigmoid' | 'softmax' | null = null;
  private lossAt: 'every' | 'last' | null = null;
  private data: Input | null = null;
  /** How many numbers of weights may still be read: many nodes that share theirs would fill the memory. */
  private room: number;

  constructor(graph: OnnxGraph, given: Readonly<NamedArrays>, training: Training, bytes: number) {
    this.graph = graph;
    this.room = 16 * Object.values(given).reduce((sum, { values }) => sum + values.length, bytes);
    this.training = training;
    for (const [name, rank] of graph.inputs) {
      const axes = rank === null ? null : Array.from({ length: Math.min(rank, 16) }, (_, axis) => axis);
      this.values.set(name, { kind: 'input', name, axes });
    }
    for (const [name, tensor] of graph.initializers) this.values.set(name, { kind: 'constant', tensor });
    for (const [name, { shape, values, dtype }] of Object.entries(given)) {
      if (!graph.inputs.has(name)) throw new FormatError(`${fn}: inputs has ${name}, which is no input of the graph`);
      this.values.set(name, { kind: 'constant', tensor: { shape, values, integer: /^[IUB]\d|BOOL/.test(dtype) } });
    }
  }

  model(): OnnxModel {
    for (const node of this.graph.nodes) {
      const before = this.problems.length;
      const results = this.read(node);
      for (const [i, name] of node.outputs.entries()) {
        if (name !== '') this.values.set(name, (before === this.problems.length && results[i]) || { kind: 'unknown' });
      }
    }
    this.readOutputs();
    if (this.layers.length === 0) this.problems.push('the graph has no RNN, GRU or LSTM node that could be read');
    this.stop();
    const { spec, parameters } = this.joined();
    this.stop();
    return {
      ...foreignModel(fn, spec, parameters, this.recognised),
      reversed: this.layers[0].direction === 'reverse',
    };
  }

  private stop(): void {
    if (this.problems.length > 0) throw new FormatError(`${fn}: not understood: ${this.problems.join('; ')}`);
  }

  /** Notes what is not understood of a node. Its results are unknown then. */
  private problem(node: OnnxNode, what: string): Value[] {
    this.problems.push(`node ${node.name || node.outputs[0]} (${node.op}): ${what}`);
    return [];
  }

  private read(node: OnnxNode): Value[] {
    if (node.domain !== '' && node.domain !== 'ai.onnx') return this.problem(node, `domain ${node.domain}`);
    const absent = node.inputs.find((name) => name !== '' && !this.values.has(name));
    if (absent !== undefined) return this.problem(node, `reads ${absent}, which nothing before it makes`);
    const inputs = node.inputs.map((name) => this.values.get(name) ?? null);
    // What comes of something that is not understood has been said already.
    if (inputs.some((value) => value?.kind === 'unknown')) return [];
    if (node.op === 'RNN' || node.op === 'GRU' || node.op === 'LSTM') return this.readLayer(node, inputs);
    const follow = Object.hasOwn(OPERATIONS, node.op) ? OPERATIONS[node.op] : null;
    if (!follow) return this.problem(node, 'no such operation here');
    const result = follow(node, inputs, this.graph.opset);
    if (result) return Array.isArray(result) ? result : [result];
    return this.readHead(node, inputs) ?? this.problem(node, `on ${inputs.map(describe).join(', ')}`);
  }

  // ---- the output layer ------------------------------------------------------------------------------------------

  private readHead(node: OnnxNode, inputs: (Value | null)[]): Value[] | null {
    const rows = inputs.find((value) => value?.kind === 'rows') as Rows | undefined;
    if (!rows) return null;
    const last = rows.axes.at(-1);
    if (last !== 'F') return null;
    const constants = inputs.filter((value) => value?.kind === 'constant').map((value) => (value as Constant).tensor);
    if (node.op === 'MatMul' && inputs[0] === rows && constants.length === 1) {
      const [K, V] = constants[0].shape;
      if (constants[0].shape.length !== 2) return null;
      return this.takeHead(node, rows, transposed(constants[0].values, K, V), V, K, null);
    }
    if (node.op === 'Gemm' && inputs[0] === rows && rows.axes.length === 2 && constants.length === inputs.length - 1) {
      const [W, C] = constants;
      const turned = attributeNumber(node, 'transB', 0) !== 0;
      if (W?.shape.length !== 2 || attributeNumber(node, 'transA', 0) !== 0) return null;
      const [V, K] = turned ? W.shape : [W.shape[1], W.shape[0]];
      const alpha = attributeNumber(node, 'alpha', 1);
      const beta = attributeNumber(node, 'beta', 1);
      if (alpha !== 1 || (C && beta !== 1)) return this.problem(node, `alpha ${alpha}, beta ${beta}`);
      const bias = C ? rowOf(C, V) : null;
      if (C && !bias) return this.problem(node, `C has shape [${C.shape.join(',')}], expected [${V}]`);
      return this.takeHead(node, rows, turned ? W.values : transposed(W.values, K, V), V, K, bias);
    }
    if (node.op === 'Add' && rows.stage === 'sum' && constants.length === 1 && this.head) {
      const bias = rowOf(constants[0], this.head.V);
      if (this.head.bias || !bias)
        return this.problem(node, `adds [${constants[0].shape.join(',')}] to the output layer`);
      this.head.bias = bias;
      return [rows];
    }
    const isSoftmax = node.op === 'Softmax' || node.op === 'LogSoftmax';
    if ((node.op === 'Sigmoid' || isSoftmax) && rows.stage === 'sum') {
      const axis = attributeNumber(node, 'axis', this.graph.opset >= 13 ? -1 : 1);
      if (isSoftmax && axis !== -1 && axis !== rows.axes.length - 1) return this.problem(node, `along axis ${axis}`);
      this.activation = isSoftmax ? 'softmax' : 'sigmoid';
      return [{ ...rows, stage: 'activated' }];
    }
    return null;
  }

  private takeHead(
    node: OnnxNode,
    rows: Rows,
    weight: FloatArray,
    V: number,
    K: number,
    bias: FloatArray | null,
  ): Value[] {
    const { H, direction } = this.layers[rows.layer];
    const width = H * (direction === 'bidirectional' ? 2 : 1);
    if (rows.stage !== 'states' || this.head) return this.problem(node, 'a second output layer');
    if (K !== width) return this.problem(node, `weights of ${K} inputs behind ${width} states`);
    this.head = { weight, bias, V, layer: rows.layer };
    this.lossAt = rows.at ? 'last' : 'every';
    const { lengths } = this.layers[rows.layer];
    if (rows.at === 'step' && (lengths || direction === 'reverse')) {
      return this.problem(node, 'reads the last step of all sequences, which is not where each of them ends');
    }
    return [{ ...rows, stage: 'sum', width: V }];
  }

  // ---- the recurrent layers --------------------------------------------------------------------------------------

  private readLayer(node: OnnxNode, [X, W, R, B, lengths, h, c, P]: (Value | null)[]): Value[] {
    const batchFirst = attributeNumber(node, 'layout', 0) === 1;
    const index = this.layers.length;
    if (!this.takesInput(node, X, batchFirst)) return [];
    if (
      W?.kind !== 'constant' ||
      R?.kind !== 'constant' ||
      (B && B.kind !== 'constant') ||
      (P && P.kind !== 'constant')
    ) {
      return this.problem(node, 'its weights are not constant');
    }
    if (lengths && lengths.kind !== 'input') return this.problem(node, 'its sequence_lens are no input of the graph');
    const direction = attributeText(node, 'direction', 'forward');
    const directions = direction === 'bidirectional' ? 2 : 1;
    const before = this.problems.length;
    const cell = this.cellOf(node, P ?? null, directions);
    const nonlinearity = this.nonlinearityOf(node, directions);
    for (const name of ['clip', 'input_forget']) {
      if (attributeNumber(node, name, 0) !== 0) this.problem(node, `${name} is not supported`);
    }
    if (!['forward', 'reverse', 'bidirectional'].includes(direction)) this.problem(node, `direction ${direction}`);
    const [, rows, D] = W.tensor.shape;
    const H = attributeNumber(node, 'hidden_size', R.tensor.shape[2]);
    const G = GATES[cell];
    const shapes: [string, Constant | null, number[]][] = [
      ['W', W, [directions, G * H, D]],
      ['R', R, [directions, G * H, H]],
      ['B', B ?? null, [directions, 2 * G * H]],
      ['P', P ?? null, [directions, 3 * H]],
    ];
    for (const [name, value, shape] of shapes) {
      if (value && value.tensor.shape.join() !== shape.join()) {
        this.problem(node, `${name} has shape [${value.tensor.shape.join(',')}], expected [${shape.join(',')}]`);
      }
    }
    this.room -= W.tensor.values.length + R.tensor.values.length;
    if (this.room < 0) return this.problem(node, 'its weights are those of too many nodes');
    if (before < this.problems.length || rows === undefined) return [];
    const order = cell === 'elman' ? [0] : G === 3 ? GRU_BLOCKS : LSTM_BLOCKS;
    const part = (value: Constant, d: number, size: number, from = 0): FloatArray =>
      value.tensor.values.subarray(d * (value.tensor.values.length / directions) + from).subarray(0, size);
    const weights = Array.from({ length: directions }, (_, d) => ({
      weight_ih: reorderBlocks(part(W, d, G * H * D), order),
      weight_hh: reorderBlocks(part(R, d, G * H * H), order),
      ...(B && {
        bias_ih: reorderBlocks(part(B, d, G * H), order),
        bias_hh: reorderBlocks(part(B, d, G * H, G * H), order),
      }),
      ...(P && { weight_peephole: reorderBlocks(part(P, d, 3 * H), PEEPHOLE_BLOCKS) }),
    }));
    this.layers.push({
      node,
      cell,
      nonlinearity,
      direction,
      D,
      H,
      weights,
      initial: { h: h ?? null, c: c ?? null },
      lengths: lengths ? lengths.name : null,
      batchFirst,
    });
    const rowAxes = batchFirst ? (['B', 'T', 'dir', 'H'] as const) : (['T', 'dir', 'B', 'H'] as const);
    const stateAxes = batchFirst ? (['B', 'dir', 'H'] as const) : (['dir', 'B', 'H'] as const);
    return [
      { kind: 'rows', layer: index, stage: 'states', axes: rowAxes, width: H * directions },
      { kind: 'final', what: 'h', layers: [index], axes: stateAxes, width: H },
      { kind: 'final', what: 'c', layers: [index], axes: stateAxes, width: H },
    ];
  }

  /** The first layer reads a graph input, every other the states of the layer before it. */
  private takesInput(node: OnnxNode, X: Value | null, batchFirst: boolean): boolean {
    if (this.layers.length === 0) {
      if (X?.kind !== 'input' || X.slice) {
        this.problem(node, `reads ${describe(X)}, expected an input of the graph`);
        return false;
      }
      const axes = X.axes?.join() ?? '0,1,2';
      if (axes !== '0,1,2' && axes !== '1,0,2') {
        this.problem(node, `reads ${X.name} with its axes in the order ${axes}`);
        return false;
      }
      this.data = X;
      const first = axes === '0,1,2' ? batchFirst : !batchFirst;
      this.recognised.push(
        `input ${X.name}: ${X.table !== undefined ? 'ids' : 'vectors'}, ${first ? 'batch first: give it here as [T,B]' : `[T,B${X.table !== undefined ? '' : ',D'}]`}`,
      );
      return true;
    }
    const wanted = batchFirst ? 'B,T,F' : 'T,B,F';
    if (X?.kind === 'rows' && X.stage === 'states' && X.layer === this.layers.length - 1 && X.axes.join() === wanted)
      return true;
    this.problem(node, `reads ${describe(X)}, expected the states of the layer before it`);
    return false;
  }

  private cellOf(node: OnnxNode, P: Value | null, directions: number): ForeignCell {
    if (node.op === 'RNN') return 'elman';
    const expected = node.op === 'GRU' ? ['Sigmoid', 'Tanh'] : ['Sigmoid', 'Tanh', 'Tanh'];
    const activations = attributeTexts(node, 'activations');
    const wanted = Array.from({ length: directions }, () => expected).flat();
    if (activations.length > 0 && activations.join().toLowerCase() !== wanted.join().toLowerCase()) {
      this.problem(node, `activations ${activations.join(', ')}, expected ${wanted.join(', ')}`);
    }
    if (node.op === 'GRU') return attributeNumber(node, 'linear_before_reset', 0) ? 'gru' : 'gruResetBefore';
    return P ? 'lstmPeephole' : 'lstm';
  }

  private nonlinearityOf(node: OnnxNode, directions: number): Nonlinearity {
    if (node.op !== 'RNN') return 'tanh';
    const activations = attributeTexts(node, 'activations');
    if (activations.length === 0) return 'tanh';
    const [first] = activations.map((name) => name.toLowerCase());
    const known: Record<string, Nonlinearity> = { tanh: 'tanh', relu: 'relu', sigmoid: 'sigmoid', affine: 'identity' };
    const same = activations.length === directions && activations.every((name) => name.toLowerCase() === first);
    const scales = attributeNumbers(node, 'activation_alpha');
    const shifts = attributeNumbers(node, 'activation_beta');
    // Affine is alpha·x + beta, by default x.
    const plain = scales.every((alpha) => alpha === 1) && shifts.every((beta) => beta === 0);
    if (!same || !Object.hasOwn(known, first) || (first === 'affine' && !plain)) {
      this.problem(
        node,
        `activations ${activations.join(', ')}, expected Tanh, Relu, Sigmoid or Affine (1, 0), in both directions the same`,
      );
      return 'tanh';
    }
    return known[first];
  }

  // ---- the whole -------------------------------------------------------------------------------------------------

  private readOutputs(): void {
    for (const name of this.graph.outputs) {
      const value = this.values.get(name);
      if (value?.kind === 'unknown') continue; // its node has been named
      if (value?.kind === 'rows' && (value.layer === this.layers.length - 1 || value.stage !== 'states')) {
        const what = {
          states: 'the states',
          sum: 'the output layer',
          activated: `the output layer through ${this.activation}`,
        };
        this.recognised.push(
          `output ${name}: ${what[value.stage]}, ${value.at ? 'of the last step' : `[${value.axes.join(',')}]`}`,
        );
      } else if (value?.kind === 'final')
        this.recognised.push(`output ${name}: the last ${value.what} of ${this.stateText(value)}`);
      else this.problems.push(`output ${name}: ${describe(value ?? null)}`);
    }
  }

  private stateText({ layers }: Final): string {
    return layers.length === 1 ? `layer ${layers[0]}` : `layers ${layers.join(', ')}`;
  }

  private joined(): { spec: ModelSpec; parameters: Record<string, FloatArray> } {
    const [first] = this.layers;
    const bidirectional = first.direction === 'bidirectional';
    for (const { node, cell, nonlinearity, direction, H, lengths } of this.layers.slice(1)) {
      const facts = [cell, nonlinearity, direction, `hidden_size ${H}`, lengths ?? 'no lengths'];
      const wanted = [
        first.cell,
        first.nonlinearity,
        first.direction,
        `hidden_size ${first.H}`,
        first.lengths ?? 'no lengths',
      ];
      if (facts.join() !== wanted.join())
        this.problem(node, `is ${facts.join(', ')}, the first layer is ${wanted.join(', ')}`);
    }
    if (this.head && this.head.layer !== this.layers.length - 1)
      this.problems.push('the output layer does not stand behind the last layer');
    if (this.lossAt === 'last' && bidirectional) {
      this.problems.push(
        'the output layer reads the last states of both directions, which are not the states of one step',
      );
    }
    const parameters: Record<string, FloatArray> = {};
    const hasBias = this.layers.some(({ weights }) => weights[0].bias_ih !== undefined);
    const starts = this.layers.map((layer, index) => this.initialOf(layer, index));
    const learned = starts.some((start) => start !== null);
    for (const [index, { weights, cell, H }] of this.layers.entries()) {
      for (const [d, own] of weights.entries()) {
        const suffix = `_l${index}${d ? '_reverse' : ''}`;
        for (const [name, values] of Object.entries(own)) parameters[name + suffix] = values;
        const zeros = new Float32Array(GATES[cell] * H);
        if (hasBias) {
          parameters[`bias_ih${suffix}`] ??= zeros;
          parameters[`bias_hh${suffix}`] ??= zeros;
        }
        if (learned) {
          parameters[`h0${suffix}`] = starts[index]?.h?.[d] ?? new Float32Array(H);
          if (cell.startsWith('lstm')) parameters[`c0${suffix}`] = starts[index]?.c?.[d] ?? new Float32Array(H);
        }
      }
    }
    const inputSize = this.foldTable(parameters, first);
    if (this.head) {
      parameters.weight_ho = this.head.weight;
      if (this.head.bias) parameters.bias_ho = this.head.bias;
    }
    const loss = this.training.loss ?? (this.activation === 'softmax' ? 'softmaxCrossEntropy' : 'squaredError');
    const fits: Record<string, readonly string[]> = {
      softmax: ['softmaxCrossEntropy'],
      sigmoid: ['sigmoidCrossEntropy', 'squaredError'],
    };
    if (this.activation && !fits[this.activation].includes(nameOf(loss))) {
      this.problems.push(`loss ${nameOf(loss)} does not go with a net that ends in ${this.activation}`);
    }
    const spec: ModelSpec = {
      cell: first.cell,
      inputSize,
      hiddenSize: first.H,
      outputSize: this.head?.V ?? 0,
      input: this.data?.table !== undefined ? 'ids' : 'dense',
      nonlinearity: first.nonlinearity,
      layers: this.layers.length,
      bidirectional,
      bias: hasBias ? 'both' : 'none',
      outputBias: this.head?.bias !== null,
      initialState: learned ? 'learned' : 'zero',
      lossAt: this.lossAt ?? 'every',
      loss,
      ...(this.activation === 'sigmoid' && loss === 'squaredError' ? { outputActivation: 'sigmoid' as const } : {}),
      ...this.training,
    };
    if (first.lengths) this.recognised.push(`input ${first.lengths}: the sequences' lengths`);
    if (first.direction === 'reverse') this.recognised.push('the steps are read from the last to the first');
    return { spec, parameters };
  }

  /** An embedding goes into the first layer's weights. @returns the model's input size. */
  private foldTable(parameters: Record<string, FloatArray>, { D, cell, H, weights }: Layer): number {
    const table = this.data?.table;
    if (table === undefined) return D;
    const [N, width] = typeof table === 'number' ? [table, table] : table.shape;
    if (width !== D) {
      this.problems.push(`input ${this.data!.name}: vectors of ${width} numbers before weights of ${D}`);
      return D;
    }
    if (typeof table === 'number') return D;
    for (const d of weights.keys()) {
      const name = `weight_ih_l0${d ? '_reverse' : ''}`;
      parameters[name] = foldEmbedding(fn, parameters[name], table.values, GATES[cell] * H, N, D);
    }
    this.recognised.push(`an embedding of ${N} symbols, folded into weight_ih_l0`);
    return N;
  }

  /** The constant states that a layer starts from, by direction, null for zeros or for what the caller gives. */
  private initialOf(layer: Layer, index: number): { h: FloatArray[] | null; c: FloatArray[] | null } | null {
    const start = { h: this.startOf(layer, index, 'h'), c: this.startOf(layer, index, 'c') };
    return start.h || start.c ? start : null;
  }

  private startOf(layer: Layer, index: number, what: 'h' | 'c'): FloatArray[] | null {
    const value = layer.initial[what];
    const directions = layer.weights.length;
    if (!value) return null;
    const { node, H } = layer;
    if (value.kind === 'input') {
      const from = value.slice?.start ?? index * directions;
      const to = value.slice?.end ?? from + directions;
      const axes = value.axes?.join() ?? '0,1,2';
      if (from !== index * directions || to !== from + directions || (axes !== '0,1,2' && axes !== '1,0,2')) {
        this.problem(node, `initial_${what} is rows ${from} to ${to} of ${value.name}, its axes ${axes}`);
      }
      this.recognised.push(`input ${value.name}: the first ${what} of layer ${index}`);
      return null;
    }
    if (value.kind !== 'constant' && value.kind !== 'filled') {
      this.problem(node, `initial_${what} is ${describe(value)}`);
      return null;
    }
    const tensor = value.kind === 'constant' ? value.tensor : value.of;
    if (tensor.values.every((number) => number === 0)) return null;
    const [d0, d1, width] = tensor.shape;
    const [dirs, B] = layer.batchFirst ? [d1, d0] : [d0, d1];
    if (dirs !== directions || width !== H || tensor.shape.length !== 3) {
      this.problem(node, `initial_${what} has shape [${tensor.shape.join(',')}]`);
      return null;
    }
    const row = (d: number, b: number): FloatArray => {
      const at = (layer.batchFirst ? b * dirs + d : d * B + b) * H;
      return tensor.values.slice(at, at + H);
    };
    for (let d = 0; d < dirs; d++) {
      for (let b = 1; b < B; b++) {
        if (row(d, b).some((number, i) => number !== row(d, 0)[i])) {
          this.problem(node, `initial_${what} is another constant for each sequence`);
          return null;
        }
      }
    }
    this.recognised.push(`initial_${what} of layer ${index} is constant: a learned initial state`);
    return Array.from({ length: dirs }, (_, d) => row(d, 0));
  }
}

function rowOf({ shape, values }: OnnxTensor, V: number): FloatArray | null {
  return values.length === V && (shape.at(-1) ?? 1) === V ? values : null;
}

function attributeNumber(node: OnnxNode, name: string, otherwise: number): number {
  const value = node.attributes.get(name);
  return typeof value === 'number' ? value : otherwise;
}

function attributeText(node: OnnxNode, name: string, otherwise: string): string {
  const value = node.attributes.get(name);
  return typeof value === 'string' ? value : otherwise;
}

function attributeTexts(node: OnnxNode, name: string): string[] {
  const value = node.attributes.get(name);
  return Array.isArray(value) ? value.map(String) : [];
}

function attributeNumbers(node: OnnxNode, name: string): number[] {
  const value = node.attributes.get(name);
  return Array.isArray(value) ? value.map(Number) : [];
}

function describe(value: Value | null): string {
  if (!value) return 'nothing';
  if (value.kind === 'rows')
    return `${value.stage === 'states' ? `the states of layer ${value.layer}` : 'the outputs'} [${value.axes.join(',')}]`;
  if (value.kind === 'final') return `the last ${value.what} [${value.axes.join(',')}]`;
  if (value.kind === 'input') return `input ${value.name}`;
  if (value.kind === 'constant') return `a constant [${value.tensor.shape.join(',')}]`;
  return value.kind === 'filled' ? 'a filled array' : value.kind === 'sizes' ? 'sizes' : 'something not understood';
}

// ---- operations that move axes or compute with constants -----------------------------------------------------------

type Follow = (node: OnnxNode, inputs: (Value | null)[], opset: number) => Value | Value[] | null;

/** The longest list of sizes that is followed, and the most layers: a few nodes could double them without end. */
const MOST_SIZES = 64;
const MOST_LAYERS = 1000;

/** Integers of a constant or of known sizes. */
function integers(value: Value | null | undefined): (number | null)[] | null {
  if (value?.kind === 'sizes') return value.values.length <= MOST_SIZES ? value.values : null;
  return value?.kind === 'constant' && value.tensor.values.length <= MOST_SIZES
    ? Array.from(value.tensor.values)
    : null;
}

function isTensor(value: OnnxAttribute | undefined): value is OnnxTensor {
  return typeof value === 'object' && 'integer' in value;
}

/** Axes, from an attribute (older operator sets) or an input. */
function axesOf(node: OnnxNode, input: Value | null | undefined, rank: number): number[] | null {
  const list = node.attributes.has('axes') ? attributeNumbers(node, 'axes') : integers(input);
  if (!list?.every((axis) => axis !== null && Number.isInteger(axis) && axis >= -rank && axis < rank)) return null;
  return (list as number[]).map((axis) => (axis < 0 ? axis + rank : axis));
}

const same: Follow = (_, [value]) => value ?? null;

/** Left to the output layer. */
const none: Follow = () => null;

const OPERATIONS: Readonly<Record<string, Follow>> = {
  MatMul: none,
  Gemm: none,
  Add: none,
  Sigmoid: none,
  Softmax: none,
  LogSoftmax: none,
  Identity: same,
  Cast: (_, [value]) => (value?.kind === 'rows' || value?.kind === 'final' ? null : (value ?? null)),
  Dropout: (_, [value, , training]) =>
    value && (!training || (training.kind === 'constant' && training.tensor.values[0] === 0)) ? [value] : null,
  Constant: (node) => {
    const value = node.attributes.get('value');
    const integer = node.attributes.get('value_int') ?? node.attributes.get('value_ints');
    const float = node.attributes.get('value_float') ?? node.attributes.get('value_floats');
    if (isTensor(value)) return { kind: 'constant', tensor: value };
    const list = integer ?? float;
    if (typeof list !== 'number' && !Array.isArray(list)) return null;
    const values = Float64Array.from([list as number | number[]].flat());
    const shape = Array.isArray(list) ? [values.length] : [];
    return { kind: 'constant', tensor: { shape, values, integer: integer !== undefined } };
  },
  Shape: (_, [value]) => {
    if (value?.kind === 'constant') return { kind: 'sizes', values: [...value.tensor.shape] };
    const axes = value && 'axes' in value ? value.axes : null;
    return axes ? { kind: 'sizes', values: axes.map(() => null) } : null;
  },
  ConstantOfShape: (node, [sizes]) => {
    const value = node.attributes.get('value');
    const filled = isTensor(value) ? value : { shape: [1], values: new Float32Array(1), integer: false };
    return sizes && filled.values.length === 1 ? { kind: 'filled', of: filled } : null;
  },
  Expand: (_, [value]) => {
    if (value?.kind === 'constant') return { kind: 'filled', of: value.tensor };
    return value?.kind === 'filled' ? value : null;
  },
  Transpose: (node, [value]) => {
    if (!value || !('axes' in value) || !value.axes) return null;
    const rank = value.axes.length;
    const perm = node.attributes.has('perm')
      ? attributeNumbers(node, 'perm')
      : Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
    if (perm.length !== rank || new Set(perm).size !== rank || perm.some((axis) => !(axis >= 0 && axis < rank)))
      return null;
    if (value.kind === 'input' && value.slice && perm[0] !== 0) return null;
    return { ...value, axes: perm.map((axis) => value.axes![axis]) } as Value;
  },
  Squeeze: (node, [value, list]) => {
    if (value?.kind === 'sizes') return value;
    if (value?.kind === 'constant') {
      const { shape } = value.tensor;
      const axes = axesOf(node, list, shape.length);
      if (!axes?.every((axis) => shape[axis] === 1)) return null;
      return { kind: 'constant', tensor: { ...value.tensor, shape: shape.filter((_, axis) => !axes.includes(axis)) } };
    }
    if ((value?.kind !== 'rows' && value?.kind !== 'final') || !value.axes) return null;
    const axes = axesOf(node, list, value.axes.length);
    if (axes?.length !== 1 || value.axes[axes[0]] !== 'dir') return null;
    const rest = value.axes.filter((_, axis) => axis !== axes[0]);
    if (value.kind === 'final') return lastStep(value, rest as Final['axes']);
    return { ...value, axes: rest.map((axis) => (axis === 'H' ? 'F' : axis)) } as Rows;
  },
  Unsqueeze: (node, [value, list]) => {
    if (value?.kind === 'sizes') return value;
    if (value?.kind !== 'constant') return null;
    const count = node.attributes.has('axes') ? attributeNumbers(node, 'axes').length : integers(list)?.length;
    const axes = axesOf(node, list, value.tensor.shape.length + (count ?? 0));
    if (!axes || value.tensor.shape.length > 16) return null;
    const shape = [...value.tensor.shape];
    for (const axis of axes.sort((a, b) => a - b)) shape.splice(axis, 0, 1);
    return { kind: 'constant', tensor: { ...value.tensor, shape } };
  },
  Reshape: (_, [value, target]) => {
    const sizes = integers(target);
    if (value?.kind === 'constant') {
      if (!sizes?.every((size) => size !== null && Number.isInteger(size) && size > 0)) return null;
      const shape = sizes as number[];
      const fits = shape.reduce((product, size) => product * size, 1) === value.tensor.values.length;
      return fits ? { kind: 'constant', tensor: { ...value.tensor, shape } } : null;
    }
    if (value?.kind !== 'rows' || !sizes) return null;
    const from = value.axes.join();
    const size = sizes.at(-1);
    // What the last size is, or -1, or not known before the net runs: nothing but the features may be joined.
    if (size !== null && size !== -1 && size !== value.width) return null;
    const apart = value.axes.slice(-2).join() === 'dir,H' && value.axes.length === 4;
    if (apart && sizes.length === 3) return { ...value, axes: [...value.axes.slice(0, 2), 'F'] };
    // Steps and sequences as one axis, and apart again.
    if ((from === 'T,B,F' || from === 'R,F') && sizes.length === 2) return { ...value, axes: ['R', 'F'] };
    return (from === 'R,F' || from === 'T,B,F') && sizes.length === 3 ? { ...value, axes: ['T', 'B', 'F'] } : null;
  },
  Slice: (node, [value, starts, ends, axes, steps]) => {
    const number = (name: string, input: Value | null | undefined, otherwise: number | null): number | null => {
      if (!input && !node.attributes.has(name)) return otherwise;
      const list = node.attributes.has(name) ? attributeNumbers(node, name) : integers(input);
      return list?.length === 1 ? list[0] : null; // one axis only
    };
    const start = number('starts', starts, null);
    const end = number('ends', ends, null);
    const axis = number('axes', axes, 0);
    const step = number('steps', steps, 1);
    if (value?.kind === 'filled' && value.of.values.length === 1) return value;
    if (start === null || end === null || step !== 1) return null;
    if (value?.kind === 'sizes' && axis === 0) return { kind: 'sizes', values: value.values.slice(start, end) };
    if (value?.kind === 'input' && !value.slice && axis === 0 && start >= 0) return { ...value, slice: { start, end } };
    return null;
  },
  Split: (node, [value, list]) => {
    if (value?.kind !== 'input' || value.slice || attributeNumber(node, 'axis', 0) !== 0) return null;
    const given = node.attributes.has('split') ? attributeNumbers(node, 'split') : integers(list);
    const sizes = given ?? node.outputs.map(() => null);
    if (!sizes.every((size): size is number => size !== null) || sizes.length !== node.outputs.length) return null;
    let start = 0;
    return sizes.map((size) => {
      const end = start + size;
      const part: Input = { ...value, slice: { start, end } };
      start = end;
      return part;
    });
  },
  Gather: (node, [value, indices]) => {
    const axis = attributeNumber(node, 'axis', 0);
    if (value?.kind === 'constant' && indices?.kind === 'input' && axis === 0) {
      if (value.tensor.shape.length !== 2 || indices.table !== undefined || indices.axes?.length !== 2) return null;
      return { ...indices, table: value.tensor, axes: [...indices.axes, 2] };
    }
    const [index] = integers(indices) ?? [];
    if (index == null || (indices?.kind === 'constant' && indices.tensor.values.length !== 1)) return null;
    if (value?.kind === 'sizes') return { kind: 'sizes', values: [value.values.at(index) ?? null] };
    // A number for the index takes its axis away; a list of one would leave it.
    const scalar = indices?.kind !== 'constant' || indices.tensor.shape.length === 0;
    if (!scalar) return null;
    if (value?.kind === 'rows' && value.axes.at(axis) === 'T' && index === -1) {
      return { ...value, at: 'step', axes: value.axes.filter((name) => name !== 'T') };
    }
    if (
      value?.kind === 'final' &&
      value.axes.at(axis) === 'dir' &&
      (index === -1 || index === value.layers.length - 1)
    ) {
      return lastStep(
        value,
        value.axes.filter((name) => name !== 'dir'),
      );
    }
    return null;
  },
  OneHot: (node, [indices, depth, values]) => {
    const [off, on] = integers(values) ?? [];
    const rank = indices?.kind === 'input' ? (indices.axes?.length ?? 0) : 0;
    const axis = attributeNumber(node, 'axis', -1);
    if (indices?.kind !== 'input' || indices.table !== undefined || rank !== 2 || off !== 0 || on !== 1) return null;
    const [size] = integers(depth) ?? [];
    if (size == null || (axis !== -1 && axis !== 2)) return null;
    return { ...indices, table: size, axes: [...indices.axes!, 2] };
  },
  Concat: (node, values) => {
    const axis = attributeNumber(node, 'axis', 0);
    const lists = values.map(integers);
    if (lists.every((list) => list !== null)) return { kind: 'sizes', values: lists.flat() };
    const finals = values.filter((value): value is Final => value?.kind === 'final');
    const [first] = finals;
    const alike = finals.every((value) => value.what === first.what && value.axes.join() === first.axes.join());
    if (finals.length !== values.length || !alike || first.axes.at(axis) !== 'dir') return null;
    const layers = finals.flatMap(({ layers }) => layers);
    return layers.length <= MOST_LAYERS ? { ...first, layers } : null;
  },
};

/** The last h of one direction is the outputs of the last step. */
function lastStep(value: Final, axes: Final['axes']): Value | null {
  const rows = axes.map((axis) => (axis === 'H' ? 'F' : axis)) as ('B' | 'F')[];
  if (value.what === 'c') return { ...value, axes };
  return { kind: 'rows', layer: value.layers.at(-1)!, stage: 'states', axes: rows, width: value.width, at: 'final' };
}
