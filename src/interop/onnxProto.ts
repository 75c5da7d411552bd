import type { FloatArray } from '../tensor/shape.ts';
import { utf8Text } from './byteReader.ts';
import { decodeElements, ELEMENT_BYTES, encodeElements } from './elements.ts';
import { FormatError } from './formatError.ts';
import { type ElementType, elementCount } from './namedArrays.ts';
import { MessageWriter, readFields, varints } from './protobuf.ts';

const fn = 'readOnnx';

/** The parts of onnx.proto3 that a recurrent net needs. */
export interface OnnxTensor {
  shape: number[];
  /** Whole numbers are float64 here. */
  values: FloatArray;
  integer: boolean;
}

export type OnnxAttribute = number | string | readonly number[] | readonly string[] | OnnxTensor | OnnxOther;

/** An attribute of a kind that is not read, a graph for one. */
export interface OnnxOther {
  kind: number;
}

export interface OnnxNode {
  name: string;
  op: string;
  domain: string;
  /** '' for an optional input or output that is not there. */
  inputs: string[];
  outputs: string[];
  attributes: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxGraph {
  name: string;
  opset: number;
  nodes: OnnxNode[];
  initializers: ReadonlyMap<string, OnnxTensor>;
  /** Names and ranks; null where the file does not say a rank. */
  inputs: ReadonlyMap<string, number | null>;
  outputs: string[];
}

/** The files that a model keeps tensors in, by the names in the model. */
export type ExternalFiles = Readonly<Record<string, Uint8Array>>;

/** These files, and how many of their bytes may still be read: tensors could share them without end. */
interface Beside {
  files: ExternalFiles;
  room: number;
}

/** TensorProto.DataType */
const DATA_TYPES: Readonly<Record<number, ElementType>> = {
  1: 'F32',
  2: 'U8',
  3: 'I8',
  5: 'I16',
  6: 'I32',
  7: 'I64',
  9: 'BOOL',
  10: 'F16',
  11: 'F64',
  16: 'BF16',
};
const INTEGERS: readonly ElementType[] = ['I64', 'I32', 'I16', 'I8', 'U8', 'BOOL'];

/**
 * Reads the graph of an ONNX model (ModelProto).
 *
 * @param files what tensors may be kept in beside the model
 * @throws {FormatError} where the file is damaged, or a file beside it is missing.
 */
export function decodeOnnx(file: Uint8Array, files: ExternalFiles): OnnxGraph {
  const beside = { files, room: 4 * Object.values(files).reduce((sum, { length }) => sum + length, 0) };
  let graph: Uint8Array | null = null;
  let opset = 0;
  for (const { number, value } of readFields(fn, file)) {
    if (number === 7) graph = part(value);
    else if (number === 8) {
      let domain = '';
      let version = 0;
      for (const field of readFields(fn, part(value))) {
        if (field.number === 1) domain = text(field.value);
        else if (field.number === 2) version = int(field.value);
      }
      if (domain === '' || domain === 'ai.onnx') opset = version;
    }
  }
  if (!graph || opset < 1) throw new FormatError(`${fn}: not an ONNX model: it has no graph or no operator set`);
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const inputs = new Map<string, number | null>();
  const outputs: string[] = [];
  let name = '';
  for (const { number, value } of readFields(fn, graph)) {
    if (number === 1) nodes.push(node(part(value), beside));
    else if (number === 2) name = text(value);
    else if (number === 5) {
      const [key, tensor] = namedTensor(part(value), beside);
      initializers.set(key, tensor);
    } else if (number === 11) inputs.set(...valueInfo(part(value)));
    else if (number === 12) outputs.push(valueInfo(part(value))[0]);
    else if (number === 15) throw new FormatError(`${fn}: sparse initializers are not supported`);
  }
  return { name, opset, nodes, initializers, inputs, outputs };
}

function part(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') throw new FormatError(`${fn}: not an ONNX model: a number in the place of a message`);
  return value;
}

function text(value: bigint | Uint8Array): string {
  return utf8Text(fn, 'a name', part(value));
}

function int(value: bigint | Uint8Array): number {
  const number = typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  // Slice says "to the end" by the largest int64.
  if (Math.abs(number) > 2 ** 62) return Math.sign(number) * Number.MAX_SAFE_INTEGER;
  throw new FormatError(`${fn}: not an ONNX model: ${number} in the place of an integer`);
}

function floats(value: bigint | Uint8Array): number[] {
  return Array.from(decodeElements(fn, 'a list of floats', 'F32', part(value)));
}

/** Not `push(...items)`, which a long list would make too many arguments. */
function append(list: number[], items: Iterable<number>): void {
  for (const item of items) list.push(item);
}

function node(bytes: Uint8Array, beside: Beside): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  const result = { name: '', op: '', domain: '', inputs, outputs, attributes };
  for (const { number, value } of readFields(fn, bytes)) {
    if (number === 1) inputs.push(text(value));
    else if (number === 2) outputs.push(text(value));
    else if (number === 3) result.name = text(value);
    else if (number === 4) result.op = text(value);
    else if (number === 5) attributes.set(...attribute(part(value), beside));
    else if (number === 7) result.domain = text(value);
  }
  return result;
}

function attribute(bytes: Uint8Array, beside: Beside): [string, OnnxAttribute] {
  let name = '';
  let kind = 0;
  let float = 0;
  let integer = 0;
  let string = '';
  let tensor: OnnxTensor | null = null;
  const floatList: number[] = [];
  const integers: number[] = [];
  const strings: string[] = [];
  for (const { number, value } of readFields(fn, bytes)) {
    if (number === 1) name = text(value);
    else if (number === 2) float = floats(value)[0];
    else if (number === 3) integer = int(value);
    else if (number === 4) string = text(value);
    else if (number === 5) tensor = namedTensor(part(value), beside)[1];
    else if (number === 7) append(floatList, floats(value));
    else if (number === 8) append(integers, varints(fn, value).map(int));
    else if (number === 9) strings.push(text(value));
    else if (number === 20) kind = int(value);
  }
  const values: Record<number, OnnxAttribute | null> = {
    1: float,
    2: integer,
    3: string,
    4: tensor,
    6: floatList,
    7: integers,
    8: strings,
  };
  return [name, values[kind] ?? { kind }];
}

function namedTensor(bytes: Uint8Array, beside: Beside): [string, OnnxTensor] {
  const shape: number[] = [];
  const pieces: number[] = [];
  let name = '';
  let type = 0;
  let raw: Uint8Array | null = null;
  let external = false;
  const entries: Uint8Array[] = [];
  for (const { number, value } of readFields(fn, bytes)) {
    if (number === 1) append(shape, varints(fn, value).map(int));
    else if (number === 2) type = int(value);
    else if (number === 4) append(pieces, floats(value));
    else if (number === 5 || number === 7) append(pieces, varints(fn, value).map(int));
    else if (number === 8) name = text(value);
    else if (number === 9) raw = part(value);
    else if (number === 10) append(pieces, decodeElements(fn, name, 'F64', part(value)));
    else if (number === 13) entries.push(part(value));
    else if (number === 14) external = value !== 0n;
  }
  const dtype = DATA_TYPES[type];
  if (!dtype) throw new FormatError(`${fn}: ${name || 'a tensor'} has data type ${type}, expected floats or integers`);
  const count = elementCount(fn, name || 'a tensor', shape);
  if (external) raw = externalBytes(name || 'a tensor', entries, beside);
  const have = raw ? raw.length / ELEMENT_BYTES[dtype] : pieces.length;
  if (have !== count)
    throw new FormatError(`${fn}: ${name || 'a tensor'} has ${have} elements, expected [${shape.join(',')}]`);
  return [
    name,
    {
      shape,
      values: raw ? rawElements(name, dtype, raw) : listed(dtype, pieces),
      integer: INTEGERS.includes(dtype),
    },
  ];
}

/** The part of another file that holds a tensor: entries of a key and a value, location, offset and length. */
function externalBytes(name: string, entries: readonly Uint8Array[], beside: Beside): Uint8Array {
  const facts = new Map<string, string>();
  for (const entry of entries) {
    const pair = { key: '', value: '' };
    for (const { number, value } of readFields(fn, entry)) {
      if (number === 1) pair.key = text(value);
      else if (number === 2) pair.value = text(value);
    }
    facts.set(pair.key, pair.value);
  }
  const location = facts.get('location') ?? '';
  if (!Object.hasOwn(beside.files, location)) {
    throw new FormatError(
      `${fn}: the elements of ${name} are in the file ${JSON.stringify(location)}: give it in \`externalData\``,
    );
  }
  const file = beside.files[location];
  const offset = Number(facts.get('offset') ?? 0);
  const length = Number(facts.get('length') ?? file.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= file.length)) {
    throw new FormatError(
      `${fn}: ${name} is at byte ${offset} to ${offset + length} of ${location}, which has ${file.length}`,
    );
  }
  beside.room -= length;
  if (beside.room < 0) throw new FormatError(`${fn}: the tensors share too much of ${location}`);
  return file.subarray(offset, offset + length);
}

/** 64-bit integers are clamped as {@link int} does. */
function rawElements(name: string, dtype: ElementType, raw: Uint8Array): FloatArray {
  if (dtype !== 'I64') return decodeElements(fn, name, dtype, raw);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float64Array.from({ length: raw.length / 8 }, (_, i) => int(view.getBigUint64(i * 8, true)));
}

/** Elements that stand in the lists of numbers: int32_data holds the bits of halves. */
function listed(dtype: ElementType, pieces: number[]): FloatArray {
  if (dtype === 'F16' || dtype === 'BF16') {
    return decodeElements(fn, 'a tensor', dtype, new Uint8Array(Uint16Array.from(pieces).buffer));
  }
  return dtype === 'F32' ? Float32Array.from(pieces) : Float64Array.from(pieces);
}

/** Name and rank of a ValueInfoProto. */
function valueInfo(bytes: Uint8Array): [string, number | null] {
  let name = '';
  let rank: number | null = null;
  for (const { number, value } of readFields(fn, bytes)) {
    if (number === 1) name = text(value);
    else if (number === 2) {
      for (const type of readFields(fn, part(value))) {
        if (type.number !== 1) continue;
        for (const tensor of readFields(fn, part(type.value))) {
          if (tensor.number === 2)
            rank = [...readFields(fn, part(tensor.value))].filter((dim) => dim.number === 1).length;
        }
      }
    }
  }
  return [name, rank];
}

/** What an exported graph says of an input or output: its type and its sizes, a number or a name. */
export interface OnnxValueInfo {
  name: string;
  type: 'float32' | 'float64' | 'int32' | 'int64';
  shape: readonly (number | string)[];
}

export interface OnnxOutput {
  name: string;
  nodes: readonly OnnxNode[];
  initializers: ReadonlyMap<string, OnnxTensor>;
  inputs: readonly OnnxValueInfo[];
  outputs: readonly OnnxValueInfo[];
}

const TYPE_CODES = { float32: 1, int32: 6, int64: 7, float64: 11 } as const;

/** Operator set 14 with IR version 7: the oldest that has both, so that every runtime since 2021 takes it. */
const OPSET = 14;
const IR_VERSION = 7;

/** Writes an ONNX model. */
export function encodeOnnx({ name, nodes, initializers, inputs, outputs }: OnnxOutput): Uint8Array {
  const graph = new MessageWriter();
  for (const node of nodes) graph.message(1, nodeMessage(node));
  graph.text(2, name);
  for (const [key, tensor] of initializers) graph.message(5, tensorMessage(tensor).text(8, key));
  for (const info of inputs) graph.message(11, valueMessage(info));
  for (const info of outputs) graph.message(12, valueMessage(info));
  return new MessageWriter()
    .int(1, IR_VERSION)
    .text(2, 'bptt')
    .message(7, graph)
    .message(8, new MessageWriter().text(1, '').int(2, OPSET))
    .finish();
}

function nodeMessage({ name, op, inputs, outputs, attributes }: OnnxNode): MessageWriter {
  const message = new MessageWriter();
  for (const input of inputs) message.text(1, input);
  for (const output of outputs) message.text(2, output);
  message.text(3, name).text(4, op);
  for (const [key, value] of attributes) message.message(5, attributeMessage(key, value));
  return message;
}

/** Whole numbers are written as integers; the lists `activation_alpha` and `activation_beta` as floats. */
function attributeMessage(name: string, value: OnnxAttribute): MessageWriter {
  const message = new MessageWriter().text(1, name);
  if (typeof value === 'number') return message.int(3, value).int(20, 2);
  if (typeof value === 'string') return message.text(4, value).int(20, 3);
  if (!Array.isArray(value)) return message.message(5, tensorMessage(value as OnnxTensor)).int(20, 4);
  if (name.startsWith('activation_')) {
    for (const item of value as number[]) message.float(7, item);
    return message.int(20, 6);
  }
  if (typeof value[0] === 'string') {
    for (const item of value as string[]) message.text(9, item);
    return message.int(20, 8);
  }
  for (const item of value as number[]) message.int(8, item);
  return message.int(20, 7);
}

function tensorMessage({ shape, values, integer }: OnnxTensor): MessageWriter {
  const message = new MessageWriter();
  for (const size of shape) message.int(1, size);
  if (!integer) {
    const type = values instanceof Float32Array ? TYPE_CODES.float32 : TYPE_CODES.float64;
    return message.int(2, type).bytes(9, encodeElements(values));
  }
  const bytes = new Uint8Array(new BigInt64Array(values.length).buffer);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setBigInt64(i * 8, BigInt(values[i]), true);
  return message.int(2, TYPE_CODES.int64).bytes(9, bytes);
}

function valueMessage({ name, type, shape }: OnnxValueInfo): MessageWriter {
  const sizes = new MessageWriter();
  for (const size of shape) {
    sizes.message(1, typeof size === 'number' ? new MessageWriter().int(1, size) : new MessageWriter().text(2, size));
  }
  const tensor = new MessageWriter().int(1, TYPE_CODES[type]).message(2, sizes);
  return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, tensor));
}
