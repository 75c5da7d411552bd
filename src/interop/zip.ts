import { ByteReader, utf8Text } from './byteReader.ts';
import { FormatError } from './formatError.ts';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;

/**
 * What an archive may expand to: 256 MiB, or 32 times its size if that is more. Deflate could make 1032 times the size
 * of it; weights of a net shrink by less than two, and zeros are only part of them.
 */
const SMALL = 2 ** 28;
const LARGEST_RATIO = 32;

export interface ZipReading {
  /** Compare the CRC-32 of every entry. Default true. */
  checksums?: boolean;
}

/**
 * Reads the entries of a zip archive, stored and deflated ones (APPNOTE.TXT 6.3). Sizes come from the central directory.
 *
 * @param fn what the messages begin with
 * @returns the entries' contents by name, in the order of the central directory
 * @throws {FormatError} where the archive is damaged, encrypted, split, Zip64, compressed by another method, or would
 * expand to more than it says.
 */
export async function readZip(
  fn: string,
  file: Uint8Array,
  { checksums = true }: ZipReading = {},
): Promise<Map<string, Uint8Array>> {
  const end = new ByteReader(fn, file, endOfDirectory(fn, file));
  end.skip(4);
  const disk = end.u16() + end.u16();
  const here = end.u16();
  const count = end.u16();
  const size = end.u32();
  const offset = end.u32();
  if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    throw new FormatError(`${fn}: the zip archive is a Zip64, expected fewer than 65535 entries and 4 GiB`);
  }
  if (disk !== 0 || here !== count) throw new FormatError(`${fn}: the zip archive is split over several files`);
  const directory = new ByteReader(fn, file, offset);
  const entries = new Map<string, Uint8Array>();
  let budget = file.length; // entries that share their bytes would make a small file large
  let room = Math.max(SMALL, LARGEST_RATIO * file.length);
  for (let i = 0; i < count; i++) {
    const entry = centralEntry(fn, directory);
    const name = entry.name;
    budget -= entry.compressed;
    if (budget < 0) throw new FormatError(`${fn}: the zip archive's entries overlap`);
    room -= entry.size;
    if (room < 0) throw new FormatError(`${fn}: the zip archive would expand too far: ${name} to ${entry.size} bytes`);
    if (entries.has(name)) throw new FormatError(`${fn}: the zip archive holds ${name} twice`);
    const data = localData(fn, file, entry);
    const content = entry.method === 0 ? data : await inflate(fn, name, data, entry.size);
    if (content.length !== entry.size) {
      throw new FormatError(`${fn}: ${name} has ${content.length} bytes, its zip entry says ${entry.size}`);
    }
    if (checksums && crc32(content) !== entry.crc) throw new FormatError(`${fn}: ${name} does not match its CRC-32`);
    entries.set(name, content);
  }
  return entries;
}

interface Entry {
  name: string;
  method: number;
  crc: number;
  compressed: number;
  size: number;
  offset: number;
}

/** The record at the end is searched from behind: a comment of up to 65535 bytes may follow it. */
function endOfDirectory(fn: string, file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = file.length - END_BYTES; at >= 0 && at >= file.length - END_BYTES - 0xffff; at--) {
    if (view.getUint32(at, true) === END) return at;
  }
  throw new FormatError(`${fn}: not a zip archive, or a truncated one: it has no end record`);
}

function centralEntry(fn: string, reader: ByteReader): Entry {
  if (reader.u32() !== CENTRAL) throw new FormatError(`${fn}: the zip archive's directory is damaged`);
  reader.skip(4); // versions
  const flags = reader.u16();
  const method = reader.u16();
  reader.skip(4); // time and date
  const crc = reader.u32();
  const compressed = reader.u32();
  const size = reader.u32();
  const [nameLength, extraLength, commentLength] = [reader.u16(), reader.u16(), reader.u16()];
  reader.skip(8); // disk and attributes
  const offset = reader.u32();
  const name = utf8Text(fn, 'a name in the zip archive', reader.take(nameLength));
  reader.skip(extraLength + commentLength);
  if (flags & 1) throw new FormatError(`${fn}: ${name} is encrypted`);
  if (method !== 0 && method !== 8) {
    throw new FormatError(`${fn}: ${name} is compressed by method ${method}, expected 0 (stored) or 8 (deflate)`);
  }
  if (size === 0xffffffff || compressed === 0xffffffff || offset === 0xffffffff) {
    throw new FormatError(`${fn}: ${name} is a Zip64 entry, expected fewer than 4 GiB`);
  }
  return { name, method, crc, compressed, size, offset };
}

function localData(fn: string, file: Uint8Array, { name, offset, compressed }: Entry): Uint8Array {
  const reader = new ByteReader(fn, file, offset);
  if (reader.u32() !== LOCAL) throw new FormatError(`${fn}: ${name} is not where the zip archive's directory says`);
  reader.skip(22);
  const names = reader.u16() + reader.u16();
  reader.skip(names);
  return reader.take(compressed);
}

async function inflate(fn: string, name: string, data: Uint8Array, size: number): Promise<Uint8Array> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = stream.getReader();
  const content = new Uint8Array(size);
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.length > size) {
        throw new FormatError(`${fn}: ${name} expands to more than the ${size} bytes that its zip entry says`);
      }
      content.set(value, at);
      at += value.length;
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${fn}: ${name} cannot be inflated: ${(error as Error).message}`);
  }
  return content.subarray(0, at);
}

/**
 * Writes a zip archive of stored entries.
 *
 * @throws {RangeError} where the archive would take 4 GiB or 65535 entries.
 */
export function writeZip(entries: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, data] of entries) {
    const text = new TextEncoder().encode(name);
    const crc = crc32(data);
    // Version, flags (names are UTF-8), method, time and date (1 January 1980), CRC, sizes.
    const common = [20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0, ...u32(crc), ...u32(data.length), ...u32(data.length)];
    const local = Uint8Array.from([...u32(LOCAL), ...common, ...u16(text.length), 0, 0]);
    // Then no extra field, no comment, disk 0, no attributes.
    const central = [...u32(CENTRAL), 20, 0, ...common, ...u16(text.length), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    directory.push(Uint8Array.from([...central, ...u32(at)]), text);
    parts.push(local, text, data);
    at += local.length + text.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  if (at + size >= 0xffffffff || entries.size >= 0xffff) {
    throw new RangeError(`writeZip: ${entries.size} entries of ${at} bytes, expected fewer than 65535 and 4 GiB`);
  }
  const count = u16(entries.size);
  const end = [...u32(END), 0, 0, 0, 0, ...count, ...count, ...u32(size), ...u32(at), 0, 0];
  return concatBytes([...parts, ...directory, Uint8Array.from(end)]);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function u16(value: number): number[] {
  return [value & 255, (value >>> 8) & 255];
}

function u32(value: number): number[] {
  return [...u16(value), ...u16(value >>> 16)];
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 of ISO 3309, polynomial 0xEDB88320 reflected. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[i]) & 255];
  return ~crc >>> 0;
}
