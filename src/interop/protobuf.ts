import { ByteReader } from './byteReader.ts';
import { FormatError } from './formatError.ts';
import { concatBytes } from './zip.ts';

/** One field of a protobuf message: a varint, the bytes of a fixed-size number, or a length-delimited part. */
export interface Field {
  number: number;
  value: bigint | Uint8Array;
}

/**
 * The fields of a message in their order (protobuf encoding, wire types 0, 1, 2 and 5). Parts are views of `bytes`.
 *
 * @throws {FormatError} where the message is truncated or damaged.
 */
export function* readFields(fn: string, bytes: Uint8Array): Generator<Field> {
  const reader = new ByteReader(fn, bytes);
  while (reader.left > 0) {
    const tag = readVarint(fn, reader);
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (number < 1 || number > 0x1fffffff) throw new FormatError(`${fn}: not a protobuf message: field ${number}`);
    if (wire === 0) yield { number, value: readVarint(fn, reader) };
    else if (wire === 1) yield { number, value: reader.take(8) };
    else if (wire === 2) yield { number, value: reader.take(Number(readVarint(fn, reader))) };
    else if (wire === 5) yield { number, value: reader.take(4) };
    else throw new FormatError(`${fn}: not a protobuf message: wire type ${wire} of field ${number}`);
  }
}

function readVarint(fn: string, reader: ByteReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.u8();
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asUintN(64, value);
  }
  throw new FormatError(`${fn}: not a protobuf message: a number of more than 10 bytes`);
}

/** The varints of a repeated field, packed or one of them. */
export function varints(fn: string, value: bigint | Uint8Array): bigint[] {
  if (typeof value === 'bigint') return [value];
  const reader = new ByteReader(fn, value);
  const numbers: bigint[] = [];
  while (reader.left > 0) numbers.push(readVarint(fn, reader));
  return numbers;
}

/** A message being written. Each call appends a field. */
export class MessageWriter {
  private readonly parts: Uint8Array[] = [];

  /** int32, int64, enum, bool. */
  int(number: number, value: number): this {
    this.parts.push(varint(number * 8), varint(value));
    return this;
  }

  float(number: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.parts.push(varint(number * 8 + 5), bytes);
    return this;
  }

  bytes(number: number, value: Uint8Array): this {
    this.parts.push(varint(number * 8 + 2), varint(value.length), value);
    return this;
  }

  text(number: number, value: string): this {
    return this.bytes(number, new TextEncoder().encode(value));
  }

  message(number: number, value: MessageWriter): this {
    return this.bytes(number, value.finish());
  }

  finish(): Uint8Array {
    return concatBytes(this.parts);
  }
}

/** A negative number takes ten bytes, as an int64. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
