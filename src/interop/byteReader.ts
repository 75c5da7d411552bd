import { FormatError } from './formatError.ts';

/** Reads little-endian numbers one after another and never past the end. */
export class ByteReader {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly fn: string;
  at = 0;

  constructor(fn: string, bytes: Uint8Array, at = 0) {
    this.fn = fn;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.skip(at);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** @throws {FormatError} where fewer than `count` bytes are left. */
  skip(count: number): number {
    if (!(count >= 0 && count <= this.left)) {
      throw new FormatError(
        `${this.fn}: the file is truncated: ${count} bytes expected at byte ${this.at}, ${this.left} left`,
      );
    }
    const from = this.at;
    this.at += count;
    return from;
  }

  /** The next bytes, a view. */
  take(count: number): Uint8Array {
    const from = this.skip(count);
    return this.bytes.subarray(from, from + count);
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  /** @throws {FormatError} where the number exceeds 2⁵³. */
  u64(): number {
    const value = Number(this.view.getBigUint64(this.skip(8), true));
    if (!Number.isSafeInteger(value)) throw new FormatError(`${this.fn}: a size of ${value} at byte ${this.at - 8}`);
    return value;
  }

  f64BigEndian(): number {
    return this.view.getFloat64(this.skip(8), false);
  }
}

/** @throws {FormatError} where the bytes are no UTF-8. */
export function utf8Text(fn: string, what: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${fn}: ${what} is not UTF-8`);
  }
}
