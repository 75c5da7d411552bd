import type { ModelSpec } from '../bptt/spec.ts';
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
import type { NamedArray } from './namedArrays.ts';

/** A layer of a Keras configuration. */
export interface KerasLayer {
  className: string;
  name: string;
  config: Record<string, unknown>;
}

/** Which of a layer's weights: a direction of Bidirectional, or the layer itself. */
export type KerasPart = '' | 'forward' | 'backward';
export type KerasWeight = 'kernel' | 'recurrent_kernel' | 'bias' | 'embeddings';

/** Where the weights of a model are. */
export interface KerasSource {
  /** What the messages begin with. */
  fn: string;
  /** What `reset_after` and `recurrent_activation` are where a configuration lacks them. */
  defaults: { resetAfter: boolean; recurrentActivation: string };
  /** The weight, or undefined where the layer has none of that name. */
  weight: (layer: KerasLayer, part: KerasPart, name: KerasWeight) => NamedArray | undefined;
  /** The names of the weights that were not asked for. */
  unused: () => string[];
}

/** Keras has update, reset, candidate (z,r,h) in the columns of a GRU, PyTorch reset first. LSTM's i,f,c,o are PyTorch's. */
const GRU_BLOCKS = [1, 0, 2];

const MOST_LAYERS = 1000;

/** One recurrent layer with its weights by direction, in this library's names and orientation. */
interface Recurrent {
  layer: KerasLayer;
  cell: ForeignCell;
  nonlinearity: Nonlinearity;
  H: number;
  D: number;
  bidirectional: boolean;
  returnsSequences: boolean;
  weights: Record<string, FloatArray>[];
}

/**
 * The layers of a Sequential model, or of a functional one whose layers are a chain, in their order.
 *
 * @throws {FormatError} where the configuration is none, or its layers are no chain.
 */
export function kerasLayers(fn: string, model: unknown): KerasLayer[] {
  const { class_name: kind, config } = record(fn, 'the model', model);
  if (kind !== 'Sequential' && kind !== 'Functional' && kind !== 'Model') {
    throw new FormatError(`${fn}: the model is of class ${brief(kind)}, expected Sequential, Functional or Model`);
  }
  const list = Array.isArray(config) ? config : record(fn, 'the configuration', config).layers;
  if (!Array.isArray(list)) throw new FormatError(`${fn}: the configuration has no list of layers`);
  if (list.length > MOST_LAYERS)
    throw new FormatError(`${fn}: the model has ${list.length} layers, expected at most ${MOST_LAYERS}`);
  const entries = list.map((entry) => record(fn, 'a layer', entry));
  const layers = entries.map((entry) => layerOf(fn, entry));
  return kind === 'Sequential' ? layers : chain(fn, layers, entries);
}

function layerOf(fn: string, { class_name: className, name, config }: Record<string, unknown>): KerasLayer {
  const own = record(fn, 'the configuration of a layer', config);
  return { className: brief(className), name: brief(own.name ?? name ?? ''), config: own };
}

/** The layers in the order in which data runs through them. Each must have one layer before it. */
function chain(fn: string, layers: readonly KerasLayer[], entries: readonly Record<string, unknown>[]): KerasLayer[] {
  const after = new Map<string, KerasLayer[]>();
  for (const [i, layer] of layers.entries()) {
    const sources = new Set(histories(entries[i].inbound_nodes, 0));
    if (sources.size > 1)
      throw new FormatError(`${fn}: layer ${layer.name} has several inputs: ${[...sources].join(', ')}`);
    const [source = ''] = sources;
    after.set(source, [...(after.get(source) ?? []), layer]);
  }
  const ordered: KerasLayer[] = [];
  for (let next = after.get(''); next; next = after.get(ordered[ordered.length - 1].name)) {
    if (next.length > 1)
      throw new FormatError(
        `${fn}: layers ${next.map(({ name }) => name).join(', ')} stand side by side, expected a chain`,
      );
    ordered.push(next[0]);
    if (ordered.length > layers.length) break;
  }
  if (ordered.length !== layers.length) throw new FormatError(`${fn}: the layers are no chain`);
  return ordered;
}

/** The names of the layers in [name, node, tensor, …], which both versions of the format nest in their own way. */
function histories(value: unknown, depth: number): string[] {
  if (depth > 12 || typeof value !== 'object' || value === null) return [];
  if (
    Array.isArray(value) &&
    typeof value[0] === 'string' &&
    value.slice(1, 3).every(Number.isInteger) &&
    value.length > 2
  )
    return [value[0]];
  return Object.values(value).flatMap((item) => histories(item, depth + 1));
}

/**
 * The model of a chain of Keras layers: Embedding, SimpleRNN, GRU, LSTM, Bidirectional, Dropout, Dense, TimeDistributed
 * of Dense, Activation.
 *
 * @throws {FormatError} with a list of everything that a model cannot be, by the names of the layers.
 */
export function kerasModel(source: KerasSource, layers: readonly KerasLayer[], training: Training): ForeignModel {
  const { fn } = source;
  const problems: string[] = [];
  const recognised: string[] = ['data is batch first there, [B,T,·]: give it here as [T,B,·]'];
  const stack: Recurrent[] = [];
  let table: NamedArray | null = null;
  let head: { weight: NamedArray; bias: NamedArray | undefined; units: number } | null = null;
  let activation = 'linear';
  let seen = false; // a recurrent layer, read or not
  for (const layer of layers) {
    const { className, name, config } = layer;
    const problem = (what: string): void => void problems.push(`layer ${name} (${className}): ${what}`);
    if (className === 'InputLayer') continue;
    if (/^(Spatial)?Dropout(1D)?$/.test(className)) {
      recognised.push(
        `layer ${name}: dropout ${brief(config.rate)} acts while training only, and is left to the spec's dropout`,
      );
    } else if (className === 'Embedding') {
      if (stack.length > 0 || table) problem('an embedding that is not the first layer');
      if (config.mask_zero) problem('mask_zero is not supported');
      table = source.weight(layer, '', 'embeddings') ?? null;
      if (table?.shape.length !== 2) problem('its embeddings are missing');
    } else if (RECURRENT.has(className) || className === 'Bidirectional') {
      if (head) problem('a recurrent layer behind the output layer');
      seen = true;
      const read = recurrent(source, layer, problem);
      if (read) {
        stack.push(read);
        if (config.dropout || config.recurrent_dropout) {
          recognised.push(`layer ${name}: its dropout acts while training only, and is left out`);
        }
        if (config.stateful) recognised.push(`layer ${name}: stateful, which is \`carry\` of a batch here`);
      }
    } else if (className === 'Dense' || className === 'TimeDistributed') {
      const inner = className === 'Dense' ? layer : wrapped(fn, layer);
      if (inner.className !== 'Dense') problem(`of ${inner.className} is not supported`);
      else if (head) problem('a second output layer');
      else if (!seen) problem('a dense layer before the recurrent ones');
      else {
        const weight = source.weight(layer, '', 'kernel');
        if (!weight) problem('its kernel is missing');
        else
          head = {
            weight,
            bias: inner.config.use_bias === false ? undefined : source.weight(layer, '', 'bias'),
            units: numberOf(inner.config.units),
          };
        activation = stringOf(inner.config.activation, 'linear');
      }
    } else if ((className === 'Activation' || className === 'Softmax') && head && activation === 'linear') {
      activation = className === 'Softmax' ? 'softmax' : stringOf(config.activation, 'linear');
    } else problem('no such layer here');
  }
  if (stack.length === 0 && problems.length === 0) problems.push('the model has no SimpleRNN, GRU or LSTM layer');
  if (!['linear', 'sigmoid', 'softmax'].includes(activation)) {
    problems.push(`activation ${activation} of the output layer, expected linear, sigmoid or softmax`);
  }
  for (const { layer, cell, nonlinearity, H, bidirectional, returnsSequences } of stack) {
    const first = stack[0];
    const facts = `${cell} with ${nonlinearity} of ${H}${bidirectional ? ' in both directions' : ''}`;
    const wanted = `${first.cell} with ${first.nonlinearity} of ${first.H}${first.bidirectional ? ' in both directions' : ''}`;
    if (facts !== wanted) problems.push(`layer ${layer.name} is ${facts}, the first one ${wanted}`);
    if (layer !== stack[stack.length - 1].layer && !returnsSequences)
      problems.push(`layer ${layer.name}: return_sequences is false before another layer`);
    if (!returnsSequences && bidirectional)
      problems.push(
        `layer ${layer.name}: return_sequences is false in both directions, whose last states are not those of one step`,
      );
  }
  const stop = (): void => {
    if (problems.length > 0) throw new FormatError(`${fn}: not understood: ${problems.join('; ')}`);
  };
  stop();
  const [first] = stack;
  const last = stack[stack.length - 1];
  const bias = biasOf(stack);
  const parameters: Record<string, FloatArray> = {};
  for (const [index, { weights, cell, H }] of stack.entries()) {
    for (const [d, own] of weights.entries()) {
      const suffix = `_l${index}${d ? '_reverse' : ''}`;
      for (const [name, values] of Object.entries(own)) parameters[name + suffix] = values;
      // A layer without a bias among others that have one.
      if (bias !== 'none') parameters[`bias_ih${suffix}`] ??= new Float32Array(GATES[cell] * H);
      if (bias === 'both') parameters[`bias_hh${suffix}`] ??= new Float32Array(GATES[cell] * H);
    }
  }
  if (table) {
    const [N, D] = table.shape;
    if (D !== first.D) problems.push(`an embedding of ${D} numbers before weights of ${first.D}`);
    stop();
    for (const suffix of first.bidirectional ? ['_l0', '_l0_reverse'] : ['_l0']) {
      const name = `weight_ih${suffix}`;
      parameters[name] = foldEmbedding(fn, parameters[name], table.values, GATES[first.cell] * first.H, N, D);
    }
    recognised.push(`an embedding of ${N} symbols, folded into weight_ih_l0`);
  }
  const width = last.H * (last.bidirectional ? 2 : 1);
  if (head) {
    const { weight, bias: shift, units } = head;
    if (weight.shape.join() !== [width, units].join()) {
      problems.push(`the output layer's kernel is [${weight.shape.join(',')}], expected [${width},${units}]`);
    }
    if (shift && shift.shape.join() !== `${units}`)
      problems.push(`the output layer's bias is [${shift.shape.join(',')}], expected [${units}]`);
    parameters.weight_ho = transposed(weight.values, width, units);
    if (shift) parameters.bias_ho = shift.values;
  }
  for (const name of source.unused()) problems.push(`weight ${name} belongs to no layer`);
  const loss = training.loss ?? (activation === 'softmax' ? 'softmaxCrossEntropy' : 'squaredError');
  const losses: Record<string, readonly string[]> = {
    linear: ['squaredError', 'softmaxCrossEntropy', 'sigmoidCrossEntropy'],
    softmax: ['softmaxCrossEntropy'],
    sigmoid: ['sigmoidCrossEntropy', 'squaredError'],
  };
  if (!losses[activation].includes(nameOf(loss)))
    problems.push(`loss ${nameOf(loss)} does not go with a net that ends in ${activation}`);
  stop();
  for (const { layer, cell, H, bidirectional } of stack) {
    recognised.push(`layer ${layer.name}: ${cell} of ${H}${bidirectional ? ' in both directions' : ''}`);
  }
  if (head) recognised.push(`output layer of ${head.units}, ${activation}`);
  const spec: ModelSpec = {
    cell: first.cell,
    inputSize: table ? table.shape[0] : first.D,
    hiddenSize: first.H,
    outputSize: head ? head.units : 0,
    input: table ? 'ids' : 'dense',
    nonlinearity: first.nonlinearity,
    layers: stack.length,
    bidirectional: first.bidirectional,
    bias,
    outputBias: !head || head.bias !== undefined,
    lossAt: last.returnsSequences ? 'every' : 'last',
    loss,
    ...(activation === 'sigmoid' && loss === 'squaredError' ? { outputActivation: 'sigmoid' as const } : {}),
    ...training,
  };
  return foreignModel(fn, spec, parameters, recognised);
}

const RECURRENT = new Set(['SimpleRNN', 'GRU', 'LSTM']);

function biasOf(stack: readonly Recurrent[]): 'both' | 'input' | 'none' {
  if (stack.some(({ weights }) => weights[0].bias_hh)) return 'both';
  return stack.some(({ weights }) => weights[0].bias_ih) ? 'input' : 'none';
}

/** The layer inside TimeDistributed or Bidirectional. */
function wrapped(fn: string, { config }: KerasLayer): KerasLayer {
  return layerOf(fn, record(fn, 'a wrapped layer', config.layer));
}

function recurrent(source: KerasSource, layer: KerasLayer, problem: (what: string) => void): Recurrent | null {
  const bidirectional = layer.className === 'Bidirectional';
  const inner = bidirectional ? wrapped(source.fn, layer) : layer;
  const { className, config } = inner;
  let fine = true;
  const refuse = (what: string): void => {
    fine = false;
    problem(what);
  };
  if (!RECURRENT.has(className)) {
    refuse(`of ${className} is not supported`);
    return null;
  }
  if (bidirectional && stringOf(layer.config.merge_mode, 'concat') !== 'concat')
    refuse(`merge_mode ${brief(layer.config.merge_mode)}, expected concat`);
  for (const name of ['go_backwards', 'return_state', 'time_major'])
    if (config[name]) refuse(`${name} is not supported`);
  const H = numberOf(config.units);
  const activation = stringOf(config.activation, 'tanh');
  const known: Record<string, Nonlinearity> = { tanh: 'tanh', relu: 'relu', sigmoid: 'sigmoid', linear: 'identity' };
  const nonlinearity = Object.hasOwn(known, activation) ? known[activation] : null;
  if (!nonlinearity || (className !== 'SimpleRNN' && nonlinearity !== 'tanh')) {
    refuse(`activation ${activation}, expected ${className === 'SimpleRNN' ? Object.keys(known).join(', ') : 'tanh'}`);
  }
  const gates = stringOf(config.recurrent_activation, source.defaults.recurrentActivation);
  if (className !== 'SimpleRNN' && gates !== 'sigmoid') refuse(`recurrent_activation ${gates}, expected sigmoid`);
  const resetAfter = Boolean(config.reset_after ?? source.defaults.resetAfter);
  const cell: ForeignCell =
    className === 'SimpleRNN' ? 'elman' : className === 'LSTM' ? 'lstm' : resetAfter ? 'gru' : 'gruResetBefore';
  const G = GATES[cell];
  const order = G === 3 ? GRU_BLOCKS : Array.from({ length: G }, (_, gate) => gate);
  const hasBias = config.use_bias !== false;
  let D = 0;
  const weights: Record<string, FloatArray>[] = [];
  for (const part of bidirectional ? (['forward', 'backward'] as const) : ([''] as const)) {
    const kernel = source.weight(layer, part, 'kernel');
    const recurrentKernel = source.weight(layer, part, 'recurrent_kernel');
    const bias = hasBias ? source.weight(layer, part, 'bias') : undefined;
    const said = part ? `${part} ` : '';
    const check = (name: string, array: NamedArray | undefined, wanted: (number | string)[]): boolean => {
      const fits =
        array?.shape.length === wanted.length &&
        wanted.every((size, axis) => typeof size === 'string' || size === array.shape[axis]);
      if (!fits)
        refuse(
          `its ${said}${name} is ${array ? `[${array.shape.join(',')}]` : 'missing'}, expected [${wanted.join(',')}]`,
        );
      return fits;
    };
    const both = cell === 'gru';
    const fits = [
      check('kernel', kernel, ['D', G * H]),
      check('recurrent_kernel', recurrentKernel, [H, G * H]),
      hasBias ? check('bias', bias, both ? [2, G * H] : [G * H]) : true,
    ];
    if (fits.includes(false)) return null;
    D = kernel!.shape[0];
    const rows = (array: NamedArray, columns: number): FloatArray =>
      reorderBlocks(transposed(array.values, columns, G * H), order);
    weights.push({
      weight_ih: rows(kernel!, D),
      weight_hh: rows(recurrentKernel!, H),
      ...(hasBias && { bias_ih: reorderBlocks(bias!.values.slice(0, G * H), order) }),
      ...(hasBias && both && { bias_hh: reorderBlocks(bias!.values.slice(G * H), order) }),
    });
  }
  if (!fine) return null;
  return {
    layer,
    cell,
    nonlinearity: nonlinearity!,
    H,
    D,
    bidirectional,
    returnsSequences: config.return_sequences === true,
    weights,
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/** An activation is a name, or an object that holds one. */
function stringOf(value: unknown, otherwise: string): string {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return brief(value);
  const { class_name: name, config } = value as { class_name?: unknown; config?: unknown };
  return typeof config === 'string' ? config : brief(name);
}

/** @throws {FormatError} where the value is no JSON object. */
export function record(fn: string, what: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FormatError(`${fn}: ${what} is ${brief(value)}, expected an object`);
}

/** A JSON value for a message. Lists and objects may be nested without end, and are not written out. */
export function brief(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 80);
}
