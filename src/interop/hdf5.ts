import { ByteReader, utf8Text } from './byteReader.ts';
import { decodeElements, ELEMENT_BYTES } from './elements.ts';
import { FormatError } from './formatError.ts';
import { type ElementType, elementCount, type NamedArray } from './namedArrays.ts';

/** What a file holds: datasets by their paths, and the texts among the attributes by the path of their object. */
export interface Hdf5File {
  /** `layers/lstm/cell/vars/0`. */
  datasets: ReadonlyMap<string, Hdf5Dataset>;
  /** '' is the path of the root. */
  texts: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface Hdf5Dataset {
  /** @throws {FormatError} where the dataset is of a kind that is not read: chunked, compressed, not of numbers. */
  read: () => NamedArray;
}

/** Names nested deeper, or more objects than this, are refused. */
const DEEPEST = 32;
const MOST_OBJECTS = 100_000;

/** The elements of all datasets together, as a multiple of the file's bytes: datasets could share theirs. */
const MOST_SHARED = 16;

/** The address that stands for none. */
const UNDEFINED = 0xffffffffffffffffn;

interface Message {
  type: number;
  data: Uint8Array;
}

interface DataType {
  kind: 'number' | 'text' | 'variable text' | 'other';
  size: number;
  element: ElementType | null;
  littleEndian: boolean;
}

/**
 * Reads the objects of an HDF5 file (HDF5 File Format Specification 3.0) as far as h5py and Keras use the format by
 * default: superblocks 0 and 1, object headers of version 1, groups of symbol tables, contiguous and
 * compact datasets of numbers, attributes of one text. An object with several names is read under the first.
 *
 * @param fn what the messages begin with
 * @throws {FormatError} where the file is damaged, or of a version that is not read.
 */
export function readHdf5(fn: string, file: Uint8Array): Hdf5File {
  return new Hdf5Reader(fn, file).all();
}

class Hdf5Reader {
  private readonly fn: string;
  private readonly file: Uint8Array;
  private readonly datasets = new Map<string, Hdf5Dataset>();
  private readonly texts = new Map<string, Map<string, string>>();
  /** Headers and tree nodes that were visited: a damaged file may lead in a circle. */
  private readonly seen = new Set<number>();
  private room: number;

  constructor(fn: string, file: Uint8Array) {
    this.fn = fn;
    this.file = file;
    this.room = MOST_SHARED * file.length;
  }

  all(): Hdf5File {
    const reader = new ByteReader(this.fn, this.file);
    const signature = String.fromCharCode(...reader.take(8));
    if (signature !== '\x89HDF\r\n\x1a\n') throw this.error('not an HDF5 file');
    const version = reader.u8();
    if (version > 1) throw this.error(`the superblock has version ${version}, expected 0 or 1 (libver 'earliest')`);
    reader.skip(4);
    const [offsets, lengths] = [reader.u8(), reader.u8()];
    if (offsets !== 8 || lengths !== 8)
      throw this.error(`addresses of ${offsets} and lengths of ${lengths} bytes, expected 8`);
    reader.skip(1 + 4 + 4 + (version === 1 ? 4 : 0));
    if (reader.u64() !== 0) throw this.error('the base address is not 0');
    reader.skip(24 + 8); // free space, end, driver; then the root's name
    this.object('', reader.u64(), 0);
    return { datasets: this.datasets, texts: this.texts };
  }

  private error(what: string): FormatError {
    return new FormatError(`${this.fn}: HDF5: ${what}`);
  }

  private at(address: number): ByteReader {
    return new ByteReader(this.fn, this.file, address);
  }

  /** Once for each place, so that nothing goes round in circles. */
  private visit(address: number): boolean {
    if (this.seen.has(address)) return false;
    if (this.seen.size > MOST_OBJECTS) throw this.error(`more than ${MOST_OBJECTS} objects`);
    this.seen.add(address);
    return true;
  }

  private assertSignature(reader: ByteReader, signature: string): void {
    const found = String.fromCharCode(...reader.take(4));
    if (found !== signature) throw this.error(`a ${signature} is missing at byte ${reader.at - 4}`);
  }

  /** A group with everything in it, or a dataset. */
  private object(path: string, address: number, depth: number): void {
    if (!this.visit(address)) return;
    if (depth > DEEPEST) throw this.error(`${path.slice(0, 80)}… lies deeper than ${DEEPEST} groups`);
    const messages = this.header(path, address);
    const texts = new Map<string, string>();
    for (const { data } of messages.filter(({ type }) => type === 0x0c)) this.attribute(data, texts);
    if (texts.size > 0) this.texts.set(path, texts);
    const child = (name: string, header: number): void =>
      this.object(path ? `${path}/${name}` : name, header, depth + 1);
    const find = (type: number): Uint8Array | undefined => messages.find((message) => message.type === type)?.data;
    const table = find(0x11);
    if (table) {
      const reader = new ByteReader(this.fn, table);
      const tree = reader.u64();
      this.symbols(tree, this.heap(reader.u64()), child);
    }
    const [space, type, layout] = [find(0x01), find(0x03), find(0x08)];
    if (space && type && layout)
      this.datasets.set(path, { read: () => this.dataset(path, space, type, layout, find(0x0b)) });
  }

  /** The messages of an object header of version 1, those of its continuations too. */
  private header(path: string, address: number): Message[] {
    const reader = this.at(address);
    const version = reader.u8();
    if (version !== 1)
      throw this.error(
        `the object header of ${path || 'the root'} has version ${version}, expected 1 (libver 'earliest')`,
      );
    reader.skip(1);
    const count = reader.u16();
    reader.skip(4);
    const size = reader.u32();
    reader.skip(4);
    const blocks = [reader.take(size)];
    const messages: Message[] = [];
    for (let block = blocks.shift(); block; block = blocks.shift()) {
      const inner = new ByteReader(this.fn, block);
      while (inner.left >= 8 && messages.length < count) {
        const type = inner.u16();
        const length = inner.u16();
        const flags = inner.u8();
        inner.skip(3);
        const data = inner.take(length);
        if (flags & 2) throw this.error(`${path || 'the root'} shares a header message, which is not read`);
        messages.push({ type, data });
        if (type === 0x10) {
          const next = new ByteReader(this.fn, data);
          const offset = next.u64();
          if (this.visit(offset)) blocks.push(this.at(offset).take(next.u64()));
        }
      }
    }
    return messages;
  }

  /** Where the names of a group's symbols begin. */
  private heap(address: number): number {
    const reader = this.at(address);
    this.assertSignature(reader, 'HEAP');
    reader.skip(4 + 16);
    return reader.u64();
  }

  /** The leaves of a group's B-tree (version 1) hold nodes of symbols: a name and an object header each. */
  private symbols(address: number, names: number, child: (name: string, header: number) => void): void {
    if (!this.visit(address)) return;
    const reader = this.at(address);
    this.assertSignature(reader, 'TREE');
    const kind = reader.u8();
    const level = reader.u8();
    if (kind !== 0 || level > 8)
      throw this.error(`a tree of kind ${kind} and level ${level} in the place of a group's`);
    const used = reader.u16();
    reader.skip(16);
    for (let i = 0; i < used; i++) {
      reader.skip(8); // key
      const below = reader.u64();
      if (level > 0) this.symbols(below, names, child);
      else this.symbolNode(below, names, child);
    }
  }

  private symbolNode(address: number, names: number, child: (name: string, header: number) => void): void {
    if (!this.visit(address)) return;
    const reader = this.at(address);
    this.assertSignature(reader, 'SNOD');
    reader.skip(2);
    const count = reader.u16();
    for (let i = 0; i < count; i++) {
      const name = this.zeroEnded(names + reader.u64());
      const header = reader.take(8);
      const cache = reader.u32();
      reader.skip(4 + 16);
      if (cache === 2) throw this.error(`${name} is a symbolic link, which is not read`);
      child(name, new ByteReader(this.fn, header).u64());
    }
  }

  private zeroEnded(address: number): string {
    const end = this.file.indexOf(0, address);
    if (end < 0 || end - address > 1000) throw this.error(`a name without an end at byte ${address}`);
    return utf8Text(this.fn, 'a name', this.file.subarray(address, end));
  }

  private space(data: Uint8Array): number[] {
    const reader = new ByteReader(this.fn, data);
    const version = reader.u8();
    const rank = reader.u8();
    if (version < 1 || version > 2) throw this.error(`a dataspace has version ${version}, expected 1 or 2`);
    reader.skip(version === 1 ? 6 : 2);
    return Array.from({ length: rank }, () => reader.u64());
  }

  private type(data: Uint8Array): DataType {
    const reader = new ByteReader(this.fn, data);
    const kind = reader.u8() & 15;
    const bits = reader.u8();
    reader.skip(2);
    const size = reader.u32();
    const littleEndian = (bits & 1) === 0;
    if (kind === 0) {
      const signed: Record<number, ElementType> = { 1: 'I8', 2: 'I16', 4: 'I32', 8: 'I64' };
      const element = bits & 8 ? signed[size] : size === 1 ? 'U8' : undefined;
      return { kind: 'number', size, element: element ?? null, littleEndian };
    }
    if (kind === 1) {
      reader.skip(5); // bit offset, precision, where the exponent is
      const exponent = reader.u8();
      const formats: Record<string, ElementType> = { '8,11': 'F64', '4,8': 'F32', '2,5': 'F16', '2,8': 'BF16' };
      return { kind: 'number', size, element: formats[`${size},${exponent}`] ?? null, littleEndian };
    }
    if (kind === 3) return { kind: 'text', size, element: null, littleEndian };
    if (kind === 9 && (bits & 15) === 1) return { kind: 'variable text', size, element: null, littleEndian };
    return { kind: 'other', size, element: null, littleEndian };
  }

  private dataset(
    path: string,
    space: Uint8Array,
    type: Uint8Array,
    layout: Uint8Array,
    filters: Uint8Array | undefined,
  ): NamedArray {
    const shape = this.space(space);
    const { element, littleEndian } = this.type(type);
    if (!element) throw this.error(`${path} is no array of floating-point or whole numbers`);
    const count = elementCount(this.fn, path, shape);
    this.room -= count;
    if (this.room < 0) throw this.error('the datasets share too much of the file');
    const bytes = this.stored(path, layout, filters);
    if (bytes.length !== count * ELEMENT_BYTES[element]) {
      throw this.error(`${path} has ${bytes.length} bytes, expected ${element} [${shape.join(',')}]`);
    }
    return { shape, dtype: element, values: decodeElements(this.fn, path, element, bytes, littleEndian) };
  }

  private stored(path: string, layout: Uint8Array, filters: Uint8Array | undefined): Uint8Array {
    const reader = new ByteReader(this.fn, layout);
    const version = reader.u8();
    const kind = reader.u8();
    if (version !== 3) throw this.error(`the layout of ${path} has version ${version}, expected 3`);
    if (filters || kind > 1) throw this.error(`${path} is chunked or compressed, which is not read`);
    if (kind === 0) return reader.take(reader.u16());
    const address = reader.take(8);
    const size = reader.u64();
    if (new DataView(address.buffer, address.byteOffset, 8).getBigUint64(0, true) === UNDEFINED) {
      if (size === 0) return address.subarray(0, 0);
      throw this.error(`the numbers of ${path} were never written`);
    }
    return this.at(new ByteReader(this.fn, address).u64()).take(size);
  }

  /** An attribute, kept if it is one text. */
  private attribute(data: Uint8Array, texts: Map<string, string>): void {
    const reader = new ByteReader(this.fn, data);
    const version = reader.u8();
    if (version < 1 || version > 3) throw this.error(`an attribute has version ${version}, expected 1 to 3`);
    const flags = reader.u8();
    const sizes = [reader.u16(), reader.u16(), reader.u16()];
    if (version === 3) reader.skip(1);
    const [name, type, space] = sizes.map((size) => {
      const part = reader.take(size);
      if (version === 1) reader.skip(Math.min((8 - (size % 8)) % 8, reader.left));
      return part;
    });
    if (version > 1 && flags & 3) return; // shared types are those of no text
    const { kind, size } = this.type(type);
    if (this.space(space).length > 0) return;
    const text = kind === 'text' ? reader.take(size) : kind === 'variable text' ? this.variable(reader) : null;
    if (text) texts.set(trimmed(this.fn, name), trimmed(this.fn, text));
  }

  /** A text of the global heap: its length, the address of the collection, its number there. */
  private variable(place: ByteReader): Uint8Array {
    const length = place.u32();
    const address = place.u64();
    const wanted = place.u32();
    const reader = this.at(address);
    this.assertSignature(reader, 'GCOL');
    reader.skip(4);
    const end = address + reader.u64();
    while (reader.at + 16 <= end) {
      const index = reader.u16();
      reader.skip(6);
      const size = reader.u64();
      const data = reader.take(size);
      if (index === wanted && length <= size) return data.subarray(0, length);
      if (index === 0) break; // free space
      reader.skip(Math.min((8 - (size % 8)) % 8, reader.left));
    }
    throw this.error(`a text is missing in the collection at byte ${address}`);
  }
}

/** Up to the zero that may end it. */
function trimmed(fn: string, bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8Text(fn, 'a text', end < 0 ? bytes : bytes.subarray(0, end));
}
