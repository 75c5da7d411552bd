import { describe } from '../check/describe.ts';
import { assertBytes, assertObject } from '../check/values.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { decodeTensors, encodeTensors, parseSafetensors, type WriteSafetensorsOptions } from './safetensors.ts';
import { sha256 } from './sha256.ts';

/** Named tensors with their shapes, and a text beside them: what a model file holds. */
export interface ModelFile {
  tensors: Record<string, { shape: readonly number[]; values: FloatArray }>;
  /** Free JSON: the model's spec, the vocabulary, how far training had come. */
  metadata: Record<string, unknown>;
}

/**
 * Writes a model in the safetensors format, see {@link writeSafetensors}, which NumPy and PyTorch read too. The header's
 * `__metadata__` holds the metadata as JSON under `bptt` and, under `sha256`, the SHA-256 of the whole file with zeros in
 * the place of its own digits.
 *
 * @throws {RangeError} where a tensor's length is not the product of its shape, for a name that the format does not have, and
 *   naming a number that `dtype` does not reach.
 */
export async function encodeModel(
  model: ModelFile,
  options: Pick<WriteSafetensorsOptions, 'dtype'> = {},
): Promise<Uint8Array> {
  assertObject('encodeModel', 'model', model, '{ tensors, metadata }');
  const { tensors, metadata } = model;
  assertObject('encodeModel', 'tensors', tensors);
  assertObject('encodeModel', 'metadata', metadata);
  assertObject('encodeModel', 'options', options);
  assertJson('encodeModel', 'metadata', metadata);
  return encodeFor('encodeModel', model, options.dtype);
}

/** {@link encodeModel} of metadata that JSON holds, under the name of the function that was called. */
export async function encodeFor(
  fn: string,
  { tensors, metadata }: ModelFile,
  dtype: WriteSafetensorsOptions['dtype'],
): Promise<Uint8Array> {
  const notes = { bptt: JSON.stringify(metadata), sha256: NO_DIGEST };
  const { file, header } = encodeTensors(fn, tensors, notes, dtype);
  file.set(utf8(await digest(file)), digestPlace(header, NO_DIGEST));
  return file;
}

/**
 * Reads what {@link encodeModel} wrote. Weights that other programs wrote are read by {@link readSafetensors}.
 *
 * @throws {Error} that says what is wrong with a file that is not a model, truncated, or altered.
 */
export async function decodeModel(file: Uint8Array): Promise<ModelFile> {
  return decodeFor('decodeModel', file);
}

/** {@link decodeModel} under the name of the function that was called. */
export async function decodeFor(fn: string, file: Uint8Array): Promise<ModelFile> {
  assertBytes(fn, 'file', file);
  const broken = (what: string): Error => new Error(`${fn}: not a whole model file: ${what}`);
  const parsed = parseSafetensors(file, broken);
  const { bptt, sha256 } = parsed.metadata;
  if (bptt === undefined || sha256 === undefined) {
    throw broken("its header lacks the metadata of a bptt model; readSafetensors reads other programs' files");
  }
  const place = digestPlace(parsed.header, sha256);
  const blank = new Uint8Array(file); // a copy, also of a Buffer
  if (place > 0) blank.set(utf8(NO_DIGEST), place);
  if (place < 0 || (await digest(blank)) !== sha256) throw broken('its checksum does not match: it was altered');
  const tensors: ModelFile['tensors'] = {};
  for (const [name, { dtype, shape, values }] of Object.entries(decodeTensors(parsed, broken))) {
    if (dtype === 'I64' || values instanceof Int32Array || values instanceof Uint8Array) {
      throw broken(`its tensor ${name} has dtype ${dtype}, expected floating-point numbers`);
    }
    tensors[name] = { shape, values };
  }
  return { tensors, metadata: parseMetadata(bptt, broken) };
}

function parseMetadata(text: string, broken: (what: string) => Error): Record<string, unknown> {
  let metadata: unknown;
  try {
    metadata = JSON.parse(text);
  } catch (error) {
    throw broken(`its metadata is not JSON: ${(error as SyntaxError).message}`);
  }
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw broken('its metadata is not a JSON object');
  }
  return metadata as Record<string, unknown>;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The 64 digits that stand for the digest while it is computed. */
const NO_DIGEST = '0'.repeat(64);

/** Where in the file the digest's digits stand, −1 for nowhere: inside a JSON text its key's quotes would be escaped. */
function digestPlace(header: string, sha256: string): number {
  const key = '"sha256":"';
  const at = header.lastIndexOf(`${key}${sha256}"`);
  return at < 0 || sha256.length !== NO_DIGEST.length ? -1 : 8 + utf8(header.slice(0, at + key.length)).length;
}

/** SHA-256 in hexadecimal digits: by the host, or, on a page that lacks it for not coming over https, by our own function. */
async function digest(file: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle as typeof globalThis.crypto.subtle | undefined;
  const hash =
    subtle === undefined
      ? sha256(file)
      : new Uint8Array(await subtle.digest('SHA-256', file as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws {TypeError} naming the first value that JSON would leave out or change. */
export function assertJson(fn: string, path: string, given: unknown): void {
  const value =
    (given as { toJSON?: unknown } | null)?.toJSON instanceof Function ? JSON.parse(JSON.stringify(given)) : given;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  const keyed = typeof value === 'object' && !ArrayBuffer.isView(value) && !(Symbol.iterator in value);
  if (!keyed && !Array.isArray(value)) {
    throw new TypeError(`${fn}: ${path} is ${describe(value)}, expected plain data that JSON holds`);
  }
  for (const [key, inner] of Object.entries(value as object)) {
    // What is undefined in an object is left out, as if it were not there.
    if (inner !== undefined || Array.isArray(value)) assertJson(fn, `${path}.${key}`, inner);
  }
}
