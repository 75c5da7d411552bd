import type { FloatArray } from '../tensor/shape.ts';
import { BF16, F16, type HalfFormat, halfOfNumber, numberOfHalf } from './halfFloats.ts';
import { isHalfSurrogate, type Json, type JsonObject, parseHeader, quoted } from './jsonHeader.ts';

/** The element types of the format that can be read and written. */
export type SafetensorsDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'U8' | 'BOOL';

/** The arrays that hold the elements: F64 and I64 in float64, F32, F16 and BF16 in float32, U8 and BOOL (0, 1) in bytes. */
export type SafetensorsValues = FloatArray | Int32Array | Uint8Array;

/** One tensor as it was read, row-major. */
export interface SafetensorsTensor {
  /** The element type in the file. */
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly values: SafetensorsValues;
}

/** A whole file: tensors and texts by name. */
export interface Safetensors {
  tensors: Record<string, SafetensorsTensor>;
  metadata: Record<string, string>;
}

/** A tensor to be written. */
export interface SafetensorsInput {
  readonly shape: readonly number[];
  readonly values: SafetensorsValues;
  /** The element type in the file; by default that of the array: F64, F32, I32, U8. */
  readonly dtype?: SafetensorsDtype;
}

/** What {@link writeSafetensors} takes beside the tensors. */
export interface WriteSafetensorsOptions {
  /** Texts for the header's `__metadata__`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The type of every tensor of floating-point numbers, whatever its own; whole numbers keep theirs. */
  readonly dtype?: 'F64' | 'F32' | 'F16' | 'BF16';
}

/** The largest header that a file may announce, as the reference reader has it. */
const LARGEST_HEADER = 100_000_000;
/** No net has so many tensors; a header has room for a million. */
const MOST_TENSORS = 100_000;
const LIMITS = { members: MOST_TENSORS + 1, depth: 16, elements: 1024 };

/** How the elements of a type are kept here and in the file; numbers are little-endian there. */
interface Codec {
  readonly bytes: number;
  readonly array: new (length: number) => SafetensorsValues;
  get(view: DataView, at: number): number;
  set(view: DataView, at: number, value: number): void;
}

function halfCodec(format: HalfFormat): Codec {
  return {
    bytes: 2,
    array: Float32Array,
    get: (view, at) => numberOfHalf(view.getUint16(at, true), format),
    set: (view, at, value) => view.setUint16(at, halfOfNumber(value, format), true),
  };
}

const byte = {
  bytes: 1,
  array: Uint8Array,
  get: (view: DataView, at: number): number => view.getUint8(at),
  set: (view: DataView, at: number, value: number): void => view.setUint8(at, value),
};

const CODECS: Readonly<Record<SafetensorsDtype, Codec>> = {
  F64: {
    bytes: 8,
    array: Float64Array,
    get: (view, at) => view.getFloat64(at, true),
    set: (view, at, value) => view.setFloat64(at, value, true),
  },
  F32: {
    bytes: 4,
    array: Float32Array,
    get: (view, at) => view.getFloat32(at, true),
    set: (view, at, value) => view.setFloat32(at, value, true),
  },
  F16: halfCodec(F16),
  BF16: halfCodec(BF16),
  I64: {
    bytes: 8,
    array: Float64Array,
    get(view, at) {
      const value = view.getBigInt64(at, true);
      return BigInt(Number(value)) === value ? Number(value) : Number.NaN;
    },
    set: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  },
  I32: {
    bytes: 4,
    array: Int32Array,
    get: (view, at) => view.getInt32(at, true),
    set: (view, at, value) => view.setInt32(at, value, true),
  },
  U8: byte,
  BOOL: byte,
};
const DTYPES = Object.keys(CODECS).join(', ');
const FLOATING: readonly SafetensorsDtype[] = ['F64', 'F32', 'F16', 'BF16'];

/**
 * Reads a file in the safetensors format, whoever wrote it: `safetensors.torch.save_file`, NumPy, {@link writeSafetensors}.
 * Half floats come widened to float32, 64-bit integers as float64.
 *
 * It takes what the reference reader takes, and refuses what that refuses: a header that is not one JSON object, names that
 * come twice, metadata that is not text by name, shapes that are no whole numbers, tensors that overlap, that leave bytes
 * between them or have another length than their shape says. Beyond that it refuses a tensor `__proto__`, more than 100,000
 * tensors, and elements that JavaScript's numbers do not have. The time is linear in the length of the file.
 *
 * Source: https://github.com/huggingface/safetensors (format, README).
 *
 * @throws {Error} that says what is wrong with the file. @throws {TypeError} when `file` is no Uint8Array.
 */
export function readSafetensors(file: Uint8Array): Safetensors {
  const fail = (what: string): Error => new Error(`readSafetensors: not a whole safetensors file: ${what}`);
  if (!(file instanceof Uint8Array))
    throw new TypeError(`readSafetensors: file is ${nameOf(file)}, expected Uint8Array`);
  const parsed = parseSafetensors(file, fail);
  return { tensors: decodeTensors(parsed, fail), metadata: parsed.metadata };
}

/** A file whose header was found right, its tensors not yet read. */
export interface ParsedSafetensors {
  /** The header's text, which begins at byte 8. */
  readonly header: string;
  readonly metadata: Record<string, string>;
  readonly entries: readonly TensorEntry[];
  /** All the bytes behind the header. */
  readonly data: Uint8Array;
}

interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** The header of a file, checked against its length. `fail` makes the error of what is wrong. */
export function parseSafetensors(file: Uint8Array, fail: (what: string) => Error): ParsedSafetensors {
  if (file.length < 8) throw fail(`it has ${file.length} bytes, a header takes at least 8`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > LARGEST_HEADER) throw fail(`its header would be ${headerLength} bytes long`);
  if (8 + headerLength > file.length) {
    throw fail(`it is truncated: ${file.length} bytes, the header alone needs ${8 + headerLength}`);
  }
  let header: string;
  let members: JsonObject;
  try {
    header = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file.subarray(8, 8 + headerLength));
    members = parseHeader(header, LIMITS);
  } catch (error) {
    throw fail(`its header is not JSON as it should be: ${error instanceof SyntaxError ? error.message : 'no UTF-8'}`);
  }
  const metadata = textsOf(members.get('__metadata__'), fail);
  members.delete('__metadata__');
  if (members.size > MOST_TENSORS) throw fail(`it has ${members.size} tensors, more than ${MOST_TENSORS}`);
  const entries = Array.from(members, ([name, entry]) => entryOf(name, entry, fail));
  const data = file.subarray(8 + headerLength);
  assertNoHoles(entries, data.length, fail);
  return { header, metadata, entries, data };
}

/** The metadata, a text under each name. */
function textsOf(notes: Json | undefined, fail: (what: string) => Error): Record<string, string> {
  const metadata: Record<string, string> = {};
  if (notes === undefined) return metadata;
  if (!(notes instanceof Map)) throw fail('its __metadata__ is no object of texts');
  for (const [name, text] of notes) {
    if (typeof text !== 'string') throw fail(`its __metadata__ has a ${quoted(name)} that is no text`);
    metadata[name] = text;
  }
  return metadata;
}

function entryOf(name: string, entry: Json, fail: (what: string) => Error): TensorEntry {
  const problem = (what: string): Error => fail(`its header has an entry that is no tensor: ${quoted(name)} ${what}`);
  if (!(entry instanceof Map)) throw problem('is no object');
  const dtype = entry.get('dtype');
  const shape = entry.get('shape');
  const offsets = entry.get('data_offsets');
  if (typeof dtype !== 'string') throw problem('has no dtype');
  if (!Object.hasOwn(CODECS, dtype)) throw problem(`has dtype ${quoted(dtype)}, expected one of ${DTYPES}`);
  if (!isCounts(shape)) throw problem('has a shape that is no list of whole numbers');
  if (!isCounts(offsets) || offsets.length !== 2) throw problem('has data_offsets that are not two whole numbers');
  const [from, to] = offsets;
  const bytes = shape.reduce((product, size) => product * size, CODECS[dtype as SafetensorsDtype].bytes);
  if (to - from !== bytes) throw problem(`has ${to - from} bytes, but ${bytes} as ${dtype} of shape [${shape}]`);
  return { name, dtype: dtype as SafetensorsDtype, shape, from, to };
}

function isCounts(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v));
}

/** Throws unless the tensors lie one behind another from the first byte to the last. */
function assertNoHoles(entries: readonly TensorEntry[], length: number, fail: (what: string) => Error): void {
  let end = 0;
  for (const { name, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from < end)
      throw fail(`its tensor ${quoted(name)} begins at byte ${from}, inside of another that ends at ${end}`);
    if (from > end) throw fail(`it has ${from - end} bytes before tensor ${quoted(name)} that belong to none`);
    end = to;
  }
  if (length < end) throw fail(`it is truncated: ${length} bytes of numbers, the header announces ${end}`);
  if (length > end) throw fail(`it has ${length - end} bytes more than its header announces`);
}

/** The tensors of a file, in the order of its header. */
export function decodeTensors(
  { entries, data }: ParsedSafetensors,
  fail: (what: string) => Error,
): Record<string, SafetensorsTensor> {
  const tensors: Record<string, SafetensorsTensor> = {};
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (const { name, dtype, shape, from, to } of entries) {
    const { bytes, array, get } = CODECS[dtype];
    const values = new array((to - from) / bytes);
    for (let i = 0; i < values.length; i++) {
      values[i] = get(view, from + i * bytes);
      if (dtype === 'I64' && Number.isNaN(values[i])) {
        const exact = view.getBigInt64(from + i * bytes, true);
        throw fail(`its tensor ${quoted(name)} holds the I64 ${exact} at ${i}, which is no exact number of JavaScript`);
      }
      if (dtype === 'BOOL' && values[i] > 1) {
        throw fail(`its tensor ${quoted(name)} holds the BOOL ${values[i]} at ${i}, expected 0 or 1`);
      }
    }
    tensors[name] = { dtype, shape, values };
  }
  return tensors;
}

/**
 * Writes tensors in the safetensors format (8 bytes header length, a JSON header, raw little-endian numbers), in the order
 * given. {@link readSafetensors}, NumPy and PyTorch read it.
 *
 * Conversion to a narrower type rounds once, to the nearest, halves to even. A finite number that would become infinite is
 * refused.
 *
 * @throws {RangeError} naming the tensor or the text that the format does not have: a length that is not the product of the
 * shape, a name that is reserved, a number that its type lacks. @throws {TypeError} when values and dtype do not go together.
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, SafetensorsInput>>,
  { metadata = {}, dtype }: WriteSafetensorsOptions = {},
): Uint8Array {
  return encodeTensors('writeSafetensors', tensors, metadata, dtype).file;
}

/** {@link writeSafetensors} under the name of the function that was called; also returns the header. */
export function encodeTensors(
  fn: string,
  tensors: Readonly<Record<string, SafetensorsInput>>,
  metadata: Readonly<Record<string, string>>,
  floats?: WriteSafetensorsOptions['dtype'],
): { file: Uint8Array; header: string } {
  if (floats !== undefined && !FLOATING.includes(floats)) {
    throw new RangeError(`${fn}: dtype is ${floats}, expected one of ${FLOATING.join(', ')}`);
  }
  const names = Object.keys(tensors);
  if (names.length > MOST_TENSORS)
    throw new RangeError(`${fn}: got ${names.length} tensors, expected at most ${MOST_TENSORS}`);
  let end = 0;
  const members: string[] = [];
  const dtypes: SafetensorsDtype[] = [];
  for (const name of names) {
    const dtype = dtypeFor(fn, name, tensors[name], floats);
    const { shape, values } = tensors[name];
    const bytes = values.length * CODECS[dtype].bytes;
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [end, end + bytes] })}`);
    dtypes.push(dtype);
    end += bytes;
  }
  for (const [name, text] of Object.entries(metadata)) assertText(fn, name, text);
  if (Object.keys(metadata).length > 0) members.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let header = `{${members.join(',')}}`;
  const head = new TextEncoder().encode(header);
  const headerLength = Math.ceil(head.length / 8) * 8; // data begins on a multiple of 8
  header += ' '.repeat(headerLength - head.length);
  if (headerLength > LARGEST_HEADER) {
    throw new RangeError(`${fn}: the header would be ${headerLength} bytes long, expected at most ${LARGEST_HEADER}`);
  }
  const file = new Uint8Array(8 + headerLength + end);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8 + head.length, 8 + headerLength);
  file.set(head, 8);
  let at = 8 + headerLength;
  for (const [n, name] of names.entries()) at = writeValues(fn, view, at, name, tensors[name].values, dtypes[n]);
  return { file, header };
}

/** The type under which a tensor is written, once everything about it but its numbers is right. */
function dtypeFor(
  fn: string,
  name: string,
  { shape, values, dtype: own }: SafetensorsInput,
  floats: SafetensorsDtype | undefined,
): SafetensorsDtype {
  if (name === '__metadata__' || name === '__proto__' || isHalfSurrogate(name)) {
    throw new RangeError(`${fn}: ${quoted(name)} cannot be the name of a tensor`);
  }
  const natural = naturalDtype(values);
  if (natural === undefined) {
    throw new TypeError(
      `${fn}: ${name} is ${nameOf(values)}, expected Float32Array, Float64Array, Int32Array or Uint8Array`,
    );
  }
  if (own !== undefined && !Object.hasOwn(CODECS, own)) {
    throw new RangeError(`${fn}: ${name} has dtype ${own}, expected one of ${DTYPES}`);
  }
  const isFloating = FLOATING.includes(natural) && (own === undefined || FLOATING.includes(own));
  const dtype = (isFloating ? floats : undefined) ?? own ?? natural;
  const fits = isFloating ? FLOATING.includes(dtype) : CODECS[dtype].array === values.constructor;
  if (!fits || (dtype === 'I64' && natural !== 'F64')) {
    throw new TypeError(`${fn}: ${name} is ${nameOf(values)}, expected ${CODECS[dtype].array.name} for dtype ${dtype}`);
  }
  if (
    !Array.isArray(shape) ||
    shape.length > LIMITS.elements ||
    !shape.every((v) => Number.isSafeInteger(v) && v >= 0)
  ) {
    throw new RangeError(`${fn}: ${name} has shape [${shape}], expected at most ${LIMITS.elements} whole numbers ≥ 0`);
  }
  if (values.length !== shape.reduce((product, size) => product * size, 1)) {
    throw new RangeError(`${fn}: ${name} has ${values.length} elements, expected [${shape.join(',')}]`);
  }
  return dtype;
}

function naturalDtype(values: unknown): SafetensorsDtype | undefined {
  if (values instanceof Float64Array) return 'F64';
  if (values instanceof Float32Array) return 'F32';
  if (values instanceof Int32Array) return 'I32';
  return values instanceof Uint8Array ? 'U8' : undefined;
}

function assertText(fn: string, name: string, text: unknown): void {
  if (name === '__proto__' || isHalfSurrogate(name)) {
    throw new RangeError(`${fn}: ${quoted(name)} cannot be a name in the metadata`);
  }
  if (typeof text !== 'string') throw new TypeError(`${fn}: metadata.${name} is ${nameOf(text)}, expected a string`);
  if (isHalfSurrogate(text))
    throw new RangeError(`${fn}: metadata.${name} holds half a surrogate pair, which no file can`);
}

/** Writes the numbers from `at` on and returns where they end. */
function writeValues(
  fn: string,
  view: DataView,
  at: number,
  name: string,
  values: SafetensorsValues,
  dtype: SafetensorsDtype,
): number {
  const { bytes, get, set } = CODECS[dtype];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const refused =
      (dtype === 'I64' && !(Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63)) ||
      (dtype === 'BOOL' && value > 1);
    if (!refused) set(view, at, value);
    if (refused || (Number.isFinite(value) && !Number.isFinite(get(view, at)))) {
      throw new RangeError(`${fn}: ${name}[${i}] is ${value}, which is no ${dtype}`);
    }
    at += bytes;
  }
  return at;
}

function nameOf(value: unknown): string {
  return (value as object | null | undefined)?.constructor?.name ?? String(value);
}
