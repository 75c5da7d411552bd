import { dtypeOf, type FloatArray, zeros } from '../tensor/shape.ts';

/** Named tensors with their shapes, and a text beside them: what a model file holds. */
export interface ModelFile {
  tensors: Record<string, { shape: readonly number[]; values: FloatArray }>;
  /** Free JSON: the model's spec, the vocabulary, how far training had come. */
  metadata: Record<string, unknown>;
}

/** The largest header that a file may announce, as the reference reader has it. */
const LARGEST_HEADER = 100_000_000;

/**
 * Writes a model in the safetensors format (8 bytes header length, a JSON header, raw little-endian numbers), which
 * NumPy and PyTorch read too. The header's `__metadata__` holds the metadata as JSON under `bptt` and, under `sha256`,
 * the SHA-256 of the whole file with zeros in the place of its own digits.
 *
 * @throws {RangeError} where a tensor's length is not the product of its shape.
 */
export async function encodeModel({ tensors, metadata }: ModelFile): Promise<Uint8Array> {
  const entries: Record<string, unknown> = {};
  let end = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    if (values.length !== shape.reduce((product, size) => product * size, 1)) {
      throw new RangeError(`encodeModel: ${name} has ${values.length} elements, expected [${shape.join(',')}]`);
    }
    const dtype = dtypeOf(values) === 'float32' ? 'F32' : 'F64';
    entries[name] = { dtype, shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }
  entries.__metadata__ = { bptt: JSON.stringify(metadata), sha256: NO_DIGEST };
  let header = JSON.stringify(entries);
  header += ' '.repeat((8 - (utf8(header).length % 8)) % 8); // data begins on a multiple of 8
  const head = utf8(header);
  const file = new Uint8Array(8 + head.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let offset = 8 + head.length;
  for (const { values } of Object.values(tensors)) {
    file.set(littleEndian(values), offset);
    offset += values.byteLength;
  }
  file.set(utf8(await digest(file)), digestPlace(header, NO_DIGEST));
  return file;
}

/**
 * Reads what {@link encodeModel} wrote.
 *
 * @throws {Error} that says what is wrong with a file that is not a model, truncated, or altered.
 */
export async function decodeModel(file: Uint8Array): Promise<ModelFile> {
  if (file.length < 8) throw broken(`it has ${file.length} bytes, a header takes at least 8`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > LARGEST_HEADER) throw broken(`its header would be ${headerLength} bytes long`);
  if (8 + headerLength > file.length) {
    throw broken(`it is truncated: ${file.length} bytes, the header alone needs ${8 + headerLength}`);
  }
  const [header, text] = parseHeader(file.subarray(8, 8 + headerLength));
  const data = file.subarray(8 + headerLength);
  const { __metadata__: notes, ...entries } = header;
  if (!isRecord(notes) || typeof notes.bptt !== 'string' || typeof notes.sha256 !== 'string') {
    throw broken('its header lacks the metadata of a bptt model');
  }
  const end = Object.values(entries).reduce((most: number, entry) => Math.max(most, expectEntry(entry).to), 0);
  if (data.length < end) throw broken(`it is truncated: ${data.length} bytes of numbers, the header announces ${end}`);
  if (data.length > end) throw broken(`it has ${data.length - end} bytes more than its header announces`);
  const place = digestPlace(text, notes.sha256);
  const blank = new Uint8Array(file); // a copy, also of a Buffer
  if (place > 0) blank.set(utf8(NO_DIGEST), place);
  if (place < 0 || (await digest(blank)) !== notes.sha256) {
    throw broken('its checksum does not match: it was altered');
  }
  const tensors: ModelFile['tensors'] = {};
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, from, to } = expectEntry(entry);
    tensors[name] = { shape, values: numbersOf(data.subarray(from, to), dtype) };
  }
  return { tensors, metadata: JSON.parse(notes.bptt) as Record<string, unknown> };
}

/** The header as JSON and as text. */
function parseHeader(bytes: Uint8Array): [Record<string, unknown>, string] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const header: unknown = JSON.parse(text);
    if (isRecord(header)) return [header, text];
  } catch {
    // Whatever is wrong with it, it is no header.
  }
  throw broken('its header is not JSON');
}

function expectEntry(entry: unknown): { dtype: 'F32' | 'F64'; shape: number[]; from: number; to: number } {
  if (isRecord(entry)) {
    const { dtype, shape, data_offsets: offsets } = entry;
    if ((dtype === 'F32' || dtype === 'F64') && isCounts(shape) && isCounts(offsets) && offsets.length === 2) {
      const [from, to] = offsets;
      const bytes = shape.reduce((product, size) => product * size, dtype === 'F32' ? 4 : 8);
      if (to - from === bytes) return { dtype, shape, from, to };
    }
  }
  throw broken(`its header has an entry that is no tensor: ${JSON.stringify(entry)?.slice(0, 80)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);
}

function broken(what: string): Error {
  return new Error(`decodeModel: not a whole model file: ${what}`);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The numbers' bytes in the file's order, whatever this machine's is. */
function littleEndian(values: FloatArray): Uint8Array {
  const size = values.BYTES_PER_ELEMENT;
  const view = new DataView(new ArrayBuffer(values.byteLength));
  for (let i = 0; i < values.length; i++) {
    if (size === 4) view.setFloat32(i * 4, values[i], true);
    else view.setFloat64(i * 8, values[i], true);
  }
  return new Uint8Array(view.buffer);
}

function numbersOf(bytes: Uint8Array, dtype: 'F32' | 'F64'): FloatArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = dtype === 'F32' ? 4 : 8;
  const values = zeros(dtype === 'F32' ? 'float32' : 'float64', bytes.length / size);
  for (let i = 0; i < values.length; i++) {
    values[i] = size === 4 ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true);
  }
  return values;
}

/** The 64 digits that stand for the digest while it is computed. */
const NO_DIGEST = '0'.repeat(64);

/** Where in the file the digest's digits stand, −1 for nowhere: inside a JSON text its key's quotes would be escaped. */
function digestPlace(header: string, sha256: string): number {
  const key = '"sha256":"';
  const at = header.lastIndexOf(`${key}${sha256}"`);
  return at < 0 || sha256.length !== NO_DIGEST.length ? -1 : 8 + utf8(header.slice(0, at + key.length)).length;
}

async function digest(file: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', file as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
