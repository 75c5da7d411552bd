import { assertFloats } from '../check/arrays.ts';
import { assertWholes } from '../check/numbers.ts';
import { assertBytes, assertList, assertObject, assertText } from '../check/values.ts';
import { ByteReader, utf8Text } from './byteReader.ts';
import { decodeElements, ELEMENT_BYTES, encodeElements } from './elements.ts';
import { FormatError } from './formatError.ts';
import { addArray, type ElementType, elementCount, type NamedArray, type NamedArrays } from './namedArrays.ts';
import { concatBytes, readZip, writeZip } from './zip.ts';

const MAGIC = '\x93NUMPY';

/** NumPy's type codes without the byte order. */
const TYPES: Readonly<Record<string, ElementType>> = {
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u1: 'U8',
  b1: 'BOOL',
};

/**
 * Reads one array in NumPy's format (NEP 1, versions 1.0 to 3.0): f2, f4, f8, i1 to i8, u1 and b1, either byte order,
 * C or Fortran order. The result is row-major.
 *
 * @param name of the array, for messages
 * @throws {FormatError} where the file is damaged or holds another type; objects are refused, nothing is unpickled.
 */
export function readNpy(file: Uint8Array, name = 'the array'): NamedArray {
  const fn = 'readNpy';
  assertBytes(fn, 'file', file);
  assertText(fn, 'name', name);
  const reader = new ByteReader(fn, file);
  const magic = String.fromCharCode(...reader.take(Math.min(6, reader.left)));
  if (magic !== MAGIC) throw new FormatError(`${fn}: ${name} does not begin as a NumPy array`);
  const version = reader.u8();
  reader.u8();
  if (version < 1 || version > 3) throw new FormatError(`${fn}: ${name} has version ${version}, expected 1, 2 or 3`);
  const length = version === 1 ? reader.u16() : reader.u32();
  const header = utf8Text(fn, `the header of ${name}`, reader.take(length));
  // A Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
  const match = header.match(
    /^\{\s*'descr':\s*'([^']{1,16})',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d,\s]{0,400})\),?\s*\}\s*$/,
  );
  if (!match) throw new FormatError(`${fn}: the header of ${name} is ${JSON.stringify(header.slice(0, 80))}`);
  const [, descr, fortran, sizes] = match;
  const order = descr[0];
  const dtype = Object.hasOwn(TYPES, descr.slice(1)) ? TYPES[descr.slice(1)] : undefined;
  if (dtype === undefined || !'<>|='.includes(order)) {
    throw new FormatError(`${fn}: ${name} has type ${descr}, expected ${Object.keys(TYPES).join(', ')}`);
  }
  const shape = sizes
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  const count = elementCount(fn, name, shape);
  if (reader.left !== count * ELEMENT_BYTES[dtype]) {
    throw new FormatError(`${fn}: ${name} has ${reader.left} bytes of numbers, expected ${descr} [${shape.join(',')}]`);
  }
  const values = decodeElements(fn, name, dtype, reader.take(reader.left), order !== '>');
  return { shape, dtype, values: fortran === 'True' ? rowMajor(values, shape) : values };
}

/** The same elements, whose first index runs fastest, with the last index running fastest. */
function rowMajor<A extends Float32Array | Float64Array>(values: A, shape: readonly number[]): A {
  const result = values.slice() as A;
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < values.length; i++) {
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) from = from * shape[axis] + index[axis];
    result[i] = values[from];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return result;
}

/** Writes one array in NumPy's format, version 1.0: `<f4` or `<f8`, C order. */
export function writeNpy(array: Pick<NamedArray, 'shape' | 'values'>): Uint8Array {
  return encodeNpy('writeNpy', 'array', array);
}

function encodeNpy(fn: string, arg: string, array: Pick<NamedArray, 'shape' | 'values'>): Uint8Array {
  assertObject(fn, arg, array, '{ shape, values }');
  const { shape, values } = array;
  assertList(fn, `${arg}.shape`, shape, 'a list of sizes');
  assertWholes(fn, `${arg}.shape`, shape, 0);
  assertFloats(fn, `${arg}.values`, values);
  if (values.length !== elementCount(fn, arg, shape)) {
    throw new RangeError(
      `${fn}: ${arg === 'array' ? '' : `${arg}.`}values has ${values.length} elements, expected [${shape.join(',')}]`,
    );
  }
  const descr = values instanceof Float32Array ? '<f4' : '<f8';
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  header += `${' '.repeat(63 - ((10 + header.length) % 64))}\n`; // the numbers begin on a multiple of 64
  const head = Uint8Array.from(`${MAGIC}\x01\x00  ${header}`, (character) => character.charCodeAt(0));
  new DataView(head.buffer).setUint16(8, header.length, true);
  return concatBytes([head, encodeElements(values)]);
}

/**
 * Reads the arrays of a `.npz` archive, as `numpy.savez` and `numpy.savez_compressed` write it.
 *
 * @throws {FormatError} where the archive is damaged or an entry is no array that {@link readNpy} reads.
 */
export async function readNpz(file: Uint8Array): Promise<NamedArrays> {
  assertBytes('readNpz', 'file', file);
  const arrays: NamedArrays = {};
  for (const [entry, bytes] of await readZip('readNpz', file)) {
    if (!entry.endsWith('.npy')) throw new FormatError(`readNpz: ${entry} is no .npy`);
    const name = entry.slice(0, -4);
    addArray('readNpz', arrays, name, readNpy(bytes, name));
  }
  return arrays;
}

/** Writes arrays as `numpy.savez` does, uncompressed. */
export function writeNpz(arrays: Readonly<Record<string, Pick<NamedArray, 'shape' | 'values'>>>): Uint8Array {
  const fn = 'writeNpz';
  assertObject(fn, 'arrays', arrays, 'arrays by name');
  return writeZip(new Map(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, encodeNpy(fn, name, array)])));
}
