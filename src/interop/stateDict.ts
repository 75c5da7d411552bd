import type { ModelSpec, NamedTensors } from '../bptt/spec.ts';
import { assertWholes } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFunction, assertList, assertNumbers, assertObject, assertText } from '../check/values.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { assertWritten } from './assertWritten.ts';
import { type BundledSpec, bundledLayout, bundledSpec, type ForeignCell, GATES, nameOf } from './bundledSpec.ts';
import { type ForeignModel, foldEmbedding, foreignModel, type Training } from './foreignModel.ts';
import { FormatError } from './formatError.ts';

/** A tensor of a state_dict, of whatever reader: `readSafetensors`, `readTorch`, `readNpz`. */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly values: FloatArray | Int32Array | Uint8Array;
}

/** What {@link fromStateDict} takes beside the tensors. */
export interface StateDictReading {
  /** The prefix of the recurrent layers, `encoder.lstm.`. Default: the only one found. */
  recurrent?: string;
  /** The prefix of the output layer, `fc.`. Default: the only linear layer that fits. */
  output?: string;
  /** The prefix of an embedding in front of the net, `emb.`. Default: the only one found. */
  embedding?: string;
  /** Called with each tensor's name: another name, or null to leave the tensor out. */
  rename?: (name: string) => string | null;
  /** What a state_dict does not say. Default cell by the rows, nonlinearity `tanh`, input `dense`, loss `squaredError`. */
  spec?: Training & Partial<Pick<ModelSpec, 'cell' | 'nonlinearity' | 'input'>>;
}

/** weight_ih_l0, bias_hh_l1_reverse, weight_hr_l0; a cell's names (`nn.LSTMCell`) lack the layer. */
const RECURRENT =
  /^(.*?)(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh|weight_peephole|h0|c0)(?:_l(\d{1,4})(_reverse)?)?$/;

/**
 * The model of a state_dict: of `nn.RNN`, `nn.GRU`, `nn.LSTM` or a cell of these, with an `nn.Linear` behind and an
 * `nn.Embedding` before it, under whatever prefixes. Its own names (`weight_ho`, `weight_peephole_l0`, `h0_l0`) are
 * understood too. The cell follows from the rows of weight_hh: H for `elman`, 3H for `gru`, 4H for `lstm`. An embedding
 * is folded into weight_ih_l0. The layout of the data (batch first or not) leaves no trace in the weights.
 *
 * @throws {FormatError} naming every tensor that does not fit, is missing, or has no place in a model: a projection
 * (`proj_size`, weight_hr) among them.
 */
export function fromStateDict(
  arrays: Readonly<Record<string, StateTensor>>,
  options: StateDictReading = {},
): ForeignModel {
  const fn = 'fromStateDict';
  assertReading(fn, arrays, options);
  const tensors = renamed(arrays, options.rename);
  const recurrent = new Map<string, Map<string, string>>();
  const others: string[] = [];
  for (const name of tensors.keys()) {
    const match = name.match(RECURRENT);
    if (!match) {
      others.push(name);
      continue;
    }
    const [, prefix, kind, layer = '0', reverse = ''] = match;
    if (!recurrent.has(prefix)) recurrent.set(prefix, new Map());
    const own = `${kind}_l${Number(layer)}${reverse}`;
    if (recurrent.get(prefix)!.has(own)) throw new FormatError(`${fn}: ${name} is there twice`);
    recurrent.get(prefix)!.set(own, name);
  }
  const prefix = only(fn, 'recurrent', 'recurrent layers', [...recurrent.keys()], options.recurrent);
  const named = recurrent.get(prefix)!;
  const projection = [...named].find(([own]) => own.startsWith('weight_hr'));
  if (projection) {
    throw new FormatError(`${fn}: ${projection[1]}: an LSTM with a projection (proj_size) is not supported`);
  }
  const leftOver = [...recurrent].filter(([other]) => other !== prefix).flatMap(([, names]) => [...names.values()]);
  const tensor = (own: string): StateTensor | undefined => tensors.get(named.get(own) ?? '');
  const matrix = (own: string): StateTensor => {
    const found = tensor(own);
    if (!found) throw new FormatError(`${fn}: ${prefix}${own} is missing`);
    if (found.shape.length !== 2)
      throw new FormatError(`${fn}: ${named.get(own)} has shape [${found.shape.join(',')}], expected two sizes`);
    return found;
  };
  const [rows, H] = matrix('weight_hh_l0').shape;
  const D = matrix('weight_ih_l0').shape[1];
  const wanted = options.spec?.cell && (nameOf(options.spec.cell) as ForeignCell);
  const cell = cellOf(fn, named.get('weight_hh_l0')!, rows / H, named.has('weight_peephole_l0'), wanted);
  let layers = 1;
  while (named.has(`weight_hh_l${layers}`)) layers++;
  const bidirectional = named.has('weight_hh_l0_reverse');
  const hasInputBias = named.has('bias_ih_l0');
  const bias = named.has('bias_hh_l0') ? 'both' : hasInputBias ? 'input' : 'none';
  const width = H * (bidirectional ? 2 : 1);
  const { output, embedding, rest } = aroundRecurrent(
    fn,
    tensors,
    others,
    [...tensors.keys()].indexOf(named.get('weight_ih_l0')!),
    width,
    D,
    options,
  );
  leftOver.push(...rest);
  const linear = output === null ? null : tensors.get(output.weight)!;
  const table = embedding === null ? null : tensors.get(embedding)!;
  const rowsOfTable = table && shaped(fn, embedding!, table, [table.shape[0], D]);
  const given: ModelSpec = {
    cell,
    inputSize: table ? table.shape[0] : D,
    hiddenSize: H,
    outputSize: linear ? linear.shape[0] : 0,
    input: table ? 'ids' : 'dense',
    loss: 'squaredError',
    layers,
    bidirectional,
    bias,
    outputBias: output === null || output.bias !== undefined,
    initialState: named.has('h0_l0') ? 'learned' : 'zero',
    ...options.spec,
  };
  const spec = specOf(fn, given);
  const parameters: NamedTensors = {};
  for (const { name, shape } of bundledLayout(spec)) {
    if (name === 'weight_ho' || name === 'bias_ho') {
      const from = name === 'weight_ho' ? output!.weight : output!.bias!;
      parameters[name] = shaped(fn, from, tensors.get(from)!, shape);
    } else if (name.startsWith('weight_ih_l0') && table) {
      const from = named.get(name) ?? missing(fn, prefix + name, [shape[0], D]);
      const Wih = shaped(fn, from, tensors.get(from)!, [shape[0], D]);
      parameters[name] = foldEmbedding(fn, Wih, rowsOfTable!, shape[0], shape[1], D);
    } else {
      const from = named.get(name) ?? missing(fn, prefix + name, shape);
      parameters[name] = shaped(fn, from, tensors.get(from)!, shape);
    }
  }
  for (const [own, name] of named) if (!Object.hasOwn(parameters, own)) leftOver.push(name);
  if (leftOver.length > 0) {
    throw new FormatError(
      `${fn}: not understood: ${leftOver.map((name) => `${name} [${tensors.get(name)!.shape.join(',')}]`).join(', ')}`,
    );
  }
  const recognised = [
    `${prefix || 'the top'}: ${describeStack(spec)} (${named.get('weight_hh_l0')} is [${rows},${H}])`,
    ...(cell === 'elman' && !options.spec?.nonlinearity
      ? ['nonlinearity tanh was assumed: a state_dict does not say it']
      : []),
    ...(table ? [`${embedding}: an embedding of ${table.shape[0]} symbols, folded into weight_ih_l0`] : []),
    linear ? `${output!.weight}: output layer of ${linear.shape[0]}` : 'no output layer: the states are the outputs',
  ];
  return foreignModel(fn, given, parameters, recognised);
}

function assertReading(fn: string, arrays: Readonly<Record<string, StateTensor>>, options: StateDictReading): void {
  assertObject(fn, 'arrays', arrays, 'tensors by name');
  for (const [name, tensor] of Object.entries(arrays)) {
    assertObject(fn, name, tensor, '{ shape, values }');
    assertList(fn, `${name}.shape`, tensor.shape, 'a list of sizes');
    assertWholes(fn, `${name}.shape`, tensor.shape, 0);
    assertNumbers(fn, `${name}.values`, tensor.values);
  }
  assertOptions(fn, options, ['recurrent', 'output', 'embedding', 'rename', 'spec']);
  for (const prefix of ['recurrent', 'output', 'embedding'] as const) {
    if (options[prefix] !== undefined) assertText(fn, prefix, options[prefix]);
  }
  if (options.rename !== undefined) assertFunction(fn, 'rename', options.rename);
  if (options.spec !== undefined) assertObject(fn, 'spec', options.spec);
}

/** In words: "lstm, 2 layers of 7 in both directions, biases both". */
export function describeStack(spec: BundledSpec): string {
  const { cell, nonlinearity, layers, hiddenSize, bidirectional, bias } = spec;
  const kind = cell === 'elman' ? `elman with ${nonlinearity}` : cell;
  const count = layers === 1 ? '1 layer' : `${layers} layers`;
  return `${kind}, ${count} of ${hiddenSize}${bidirectional ? ' in both directions' : ''}, bias ${bias}`;
}

function renamed(
  arrays: Readonly<Record<string, StateTensor>>,
  rename?: (name: string) => string | null,
): Map<string, StateTensor> {
  const tensors = new Map<string, StateTensor>();
  for (const [name, array] of Object.entries(arrays)) {
    const other = rename ? rename(name) : name;
    if (other === null) continue;
    if (tensors.has(other)) throw new FormatError(`fromStateDict: two tensors are called ${other}`);
    tensors.set(other, array);
  }
  return tensors;
}

function only(fn: string, option: string, what: string, found: string[], wanted: string | undefined): string {
  if (wanted !== undefined && found.includes(wanted)) return wanted;
  if (wanted === undefined && found.length === 1) return found[0];
  const names = found.map((name) => name || '(no prefix)').join(', ') || 'none';
  throw new FormatError(`${fn}: ${what} found: ${names}; expected one, say which by \`${option}\``);
}

function cellOf(fn: string, name: string, G: number, peepholes: boolean, wanted: ForeignCell | undefined): ForeignCell {
  const cells = (Object.keys(GATES) as ForeignCell[]).filter(
    (cell) => GATES[cell] === G && peepholes === (cell === 'lstmPeephole'),
  );
  if (cells.length === 0) {
    throw new FormatError(`${fn}: ${name} has ${G}·H rows${peepholes ? ' and peepholes' : ''}, expected H, 3H or 4H`);
  }
  if (wanted !== undefined && !cells.includes(wanted)) {
    throw new FormatError(
      `${fn}: cell ${wanted} has ${GATES[wanted]}·H rows, ${name} has ${G}·H: ${cells.join(' or ')}`,
    );
  }
  return wanted ?? cells[0];
}

/** What an embedding is usually called: `emb.`, `word_embeddings.`, `wte.` */
const EMBEDDING = /emb|wte/i;

/** The linear layer behind the stack and the embedding before it, among the tensors that are not of the stack. */
function aroundRecurrent(
  fn: string,
  tensors: ReadonlyMap<string, StateTensor>,
  names: readonly string[],
  before: number,
  width: number,
  D: number,
  options: StateDictReading,
): { output: { weight: string; bias?: string } | null; embedding: string | null; rest: string[] } {
  const order = [...tensors.keys()];
  const linears: { weight: string; bias?: string }[] = [];
  const tables: string[] = [];
  for (const name of names) {
    if (!/(^|\.)weight(_ho)?$/.test(name)) continue;
    const bias = name.replace(/weight(?=(_ho)?$)/, 'bias');
    const shape = tensors.get(name)!.shape;
    if (shape.length !== 2) continue;
    const prefix = name.replace(/weight(_ho)?$/, '');
    const hasBias = tensors.has(bias);
    // Where neither bias nor size tells them apart: an embedding is called so, or comes before the recurrent layers.
    const asTable =
      !hasBias &&
      shape[1] === D &&
      (options.embedding === prefix || shape[1] !== width || EMBEDDING.test(prefix) || order.indexOf(name) < before);
    if (prefix === options.output || (!asTable && prefix !== options.embedding && shape[1] === width)) {
      linears.push(hasBias ? { weight: name, bias } : { weight: name });
    } else if (asTable) tables.push(name);
  }
  const prefixOf = (name: string): string => name.replace(/weight(_ho)?$/, '');
  const pick = <A>(found: A[], nameOf: (item: A) => string, option: 'output' | 'embedding', what: string): A | null => {
    const wanted = options[option];
    if (found.length === 0 && wanted === undefined) return null;
    const chosen = only(
      fn,
      option,
      what,
      found.map((item) => prefixOf(nameOf(item))),
      wanted,
    );
    return found.find((item) => prefixOf(nameOf(item)) === chosen)!;
  };
  const output = pick(linears, ({ weight }) => weight, 'output', 'output layers');
  const embedding = pick(tables, (name) => name, 'embedding', 'embeddings');
  const used = [output?.weight, output?.bias, embedding];
  return { output, embedding, rest: names.filter((name) => !used.includes(name)) };
}

function specOf(fn: string, spec: ModelSpec): BundledSpec {
  try {
    return bundledSpec(spec);
  } catch (error) {
    throw new FormatError(`${fn}: ${(error as Error).message}`);
  }
}

function missing(fn: string, name: string, shape: readonly number[]): never {
  throw new FormatError(`${fn}: ${name} [${shape.join(',')}] is missing`);
}

function shaped(fn: string, name: string, { shape, values }: StateTensor, expected: readonly number[]): FloatArray {
  if (shape.length !== expected.length || shape.some((size, axis) => size !== expected[axis])) {
    throw new FormatError(`${fn}: ${name} has shape [${shape.join(',')}], expected [${expected.join(',')}]`);
  }
  if (values instanceof Int32Array || values instanceof Uint8Array) {
    throw new FormatError(`${fn}: ${name} holds whole numbers, expected floating-point numbers`);
  }
  return values;
}

/** What {@link toStateDict} takes beside the model. */
export interface StateDictWriting {
  /** What the recurrent module is called in the net. Default `rnn.`. */
  recurrent?: string;
  /** What the output layer is called. Default `fc.`. */
  output?: string;
  /** What an embedding is called. Default `emb.`. */
  embedding?: string;
}

/**
 * The state_dict of a model, for `nn.RNN`, `nn.GRU` or `nn.LSTM` with `nn.Linear` behind and, where it has one,
 * `nn.Embedding` before it: `load_state_dict` takes it as it is. A tied embedding is there twice, as in PyTorch. PyTorch has both biases or none, so a model with input biases alone gets recurrent biases of zeros.
 *
 * @throws {RangeError} where PyTorch's modules have no such thing: peepholes, a reset before the product, a
 * nonlinearity but tanh and relu, learned initial states, an output layer without an input; and for dense layers,
 * normalised outputs and residual connections.
 */
export function toStateDict(
  model: { spec: ModelSpec; parameters: Readonly<NamedTensors> },
  options: StateDictWriting = {},
): Record<string, { shape: number[]; dtype: 'F32' | 'F64'; values: FloatArray }> {
  assertWritten('toStateDict', model);
  assertOptions('toStateDict', options, ['recurrent', 'output', 'embedding']);
  const { recurrent = 'rnn.', output = 'fc.', embedding = 'emb.' } = options;
  assertText('toStateDict', 'recurrent', recurrent);
  assertText('toStateDict', 'output', output);
  assertText('toStateDict', 'embedding', embedding);
  const spec = bundledSpec(model.spec);
  const cannot = (what: string): never => {
    throw new RangeError(`toStateDict: PyTorch's nn.RNN, nn.GRU and nn.LSTM have no ${what}`);
  };
  if (spec.cell === 'lstmPeephole') cannot('peepholes (cell lstmPeephole)');
  if (spec.cell === 'gruResetBefore') cannot('reset before the product (cell gruResetBefore)');
  if (spec.nonlinearity !== 'tanh' && spec.nonlinearity !== 'relu') cannot(`nonlinearity ${spec.nonlinearity}`);
  if (spec.initialState === 'learned') cannot('learned initial state');
  const arrays: ReturnType<typeof toStateDict> = {};
  const places = bundledLayout(spec);
  const put = (name: string, shape: readonly number[], values: FloatArray): void => {
    arrays[name] = { shape: [...shape], dtype: values instanceof Float32Array ? 'F32' : 'F64', values };
  };
  for (const { name, shape, length } of places) {
    const values = model.parameters[name];
    if (values?.length !== length) {
      throw new RangeError(
        `toStateDict: ${name} has ${values?.length ?? 'no'} elements, expected [${shape.join(',')}]`,
      );
    }
    if (name === 'embedding.weight') {
      put(`${embedding}weight`, shape, values);
      if (spec.embedding!.tied) put(`${output}weight`, shape, values);
    } else if (name === 'weight_ho') put(`${output}weight`, shape, values);
    else if (name === 'bias_ho') put(`${output}bias`, shape, values);
    else put(recurrent + name, shape, values);
    if (spec.bias === 'input' && name.startsWith('bias_ih')) {
      put(recurrent + name.replace('bias_ih', 'bias_hh'), shape, values.slice().fill(0));
    }
  }
  return arrays;
}
