/** Just enough of the ONNX format (protocol buffers; onnx.proto) to write down a small graph. */

type Bytes = readonly number[];

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

const numberField = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];

function field(number: number, content: Bytes | Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const head = [...varint(number * 8 + 2), ...varint(bytes.length)];
  const out = new Uint8Array(head.length + bytes.length);
  out.set(head);
  out.set(bytes, head.length);
  return out;
}

const message = (...parts: (Bytes | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => Uint8Array.from(part)));

/** An operation from named values to named values. */
export function node(operation: string, inputs: readonly string[], outputs: readonly string[]): Uint8Array {
  return field(
    1,
    message(...inputs.map((name) => field(1, name)), ...outputs.map((name) => field(2, name)), field(4, operation)),
  );
}

/** A constant: float32, or whole numbers as int64. */
export function constant(name: string, shape: readonly number[], values: Float32Array | readonly number[]): Uint8Array {
  const floats = values instanceof Float32Array;
  const data = floats ? values : BigInt64Array.from(values, BigInt);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const dims = shape.map((size) => numberField(1, size));
  return field(5, message(...dims, numberField(2, floats ? 1 : 7), field(8, name), field(9, bytes)));
}

const value = (name: string, shape: readonly number[]): Uint8Array => {
  const dims = shape.map((size) => field(1, numberField(1, size)));
  return message(field(1, name), field(2, field(1, message(numberField(1, 1), field(2, message(...dims))))));
};
export const input = (name: string, shape: readonly number[]): Uint8Array => field(11, value(name, shape));
export const output = (name: string, shape: readonly number[]): Uint8Array => field(12, value(name, shape));

/** A model of these parts: IR version 8, operator set 17. */
export function model(...parts: Uint8Array[]): Uint8Array {
  const graph = message(field(2, 'graph'), ...parts);
  return message(numberField(1, 8), field(7, graph), field(8, message(field(1, ''), numberField(2, 17))));
}
