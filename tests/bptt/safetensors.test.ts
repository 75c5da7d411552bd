import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readSafetensors,
  type SafetensorsDtype,
  type SafetensorsInput,
  type SafetensorsTensor,
  writeSafetensors,
} from '../../src/bptt/safetensors.ts';

/** A file of a header as text or bytes, and `length` bytes of numbers. */
function fileOf(header: unknown, data: number | Uint8Array = 0): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const head = header instanceof Uint8Array ? header : new TextEncoder().encode(text);
  const numbers = typeof data === 'number' ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + head.length + numbers.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  file.set(numbers, 8 + head.length);
  return file;
}

const entry = (dtype: string, shape: unknown, from: number, to: number) => ({ dtype, shape, data_offsets: [from, to] });
const broken = 'readSafetensors: not a whole safetensors file: ';
const bytesOf = (a: ArrayBufferView) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

describe("PyTorch's files", () => {
  const read = (kind: string) =>
    new Uint8Array(readFileSync(new URL(`./fixtures/rnn_tanh${kind}.safetensors`, import.meta.url)));
  const whole = readSafetensors(read(''));

  it('float32', () => {
    expect(Object.entries(whole.tensors).map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['rnn.weight_ih_l0', 'F32', [7, 5]],
      ['rnn.weight_hh_l0', 'F32', [7, 7]],
      ['rnn.bias_ih_l0', 'F32', [7]],
      ['rnn.bias_hh_l0', 'F32', [7]],
      ['fc.weight', 'F32', [4, 7]],
      ['fc.bias', 'F32', [4]],
    ]);
    expect(whole.metadata).toEqual({});
    const file = read('');
    const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    const values = Object.values(whole.tensors).map(({ values }) => bytesOf(values));
    expect(Buffer.concat(values)).toEqual(Buffer.from(file.subarray(start)));
    for (const { values } of Object.values(whole.tensors)) {
      // PyTorch draws from ±1/√H, and fc from ±1/√H as well
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(7)));
      expect(values.some((v) => v !== 0)).toBe(true);
    }
  });

  it.each([
    ['F16', '.f16', 2 ** -11],
    ['BF16', '.bf16', 2 ** -8],
  ] as const)('%s: widened, and our own rounding of the float32 gives the same bits', (dtype, kind, roundoff) => {
    const { tensors } = readSafetensors(read(kind));
    expect(Object.keys(tensors)).toEqual(Object.keys(whole.tensors));
    for (const [name, { dtype: got, shape, values }] of Object.entries(tensors)) {
      const exact = whole.tensors[name];
      expect([got, shape, values instanceof Float32Array]).toEqual([dtype, exact.shape, true]);
      values.forEach((v, i) => {
        // half a unit in the last place, and the smallest F16 step
        expect(Math.abs(v - exact.values[i])).toBeLessThanOrEqual(roundoff * Math.abs(exact.values[i]) + 2 ** -25);
      });
    }
    const floats = Object.fromEntries(
      Object.entries(whole.tensors).map(([name, { shape, values }]) => [name, { shape, values }]),
    );
    const ours = writeSafetensors(floats, { dtype });
    expect(readSafetensors(ours)).toEqual(readSafetensors(read(kind)));
  });
});

describe('round trip', () => {
  const nan = NaN;
  const tensors: Record<string, SafetensorsInput & { dtype: SafetensorsDtype }> = {
    f64: { dtype: 'F64', shape: [2, 2], values: Float64Array.of(Math.PI, -0, 5e-324, nan) },
    f32: { dtype: 'F32', shape: [3], values: Float32Array.of(1e-45, -Infinity, 0.1) },
    f16: { dtype: 'F16', shape: [3], values: Float32Array.of(65504, -(2 ** -24), Infinity) },
    bf16: { dtype: 'BF16', shape: [1, 2, 1], values: Float32Array.of(2 ** 127, -0) },
    i64: { dtype: 'I64', shape: [4], values: Float64Array.of(2 ** 53 - 1, -(2 ** 63), 0, 2 ** 60) },
    i32: { dtype: 'I32', shape: [2], values: Int32Array.of(2 ** 31 - 1, -(2 ** 31)) },
    u8: { dtype: 'U8', shape: [3], values: Uint8Array.of(0, 7, 255) },
    bool: { dtype: 'BOOL', shape: [2], values: Uint8Array.of(1, 0) },
    empty: { dtype: 'F32', shape: [0, 2 ** 40], values: new Float32Array(0) },
    scalar: { dtype: 'F64', shape: [], values: Float64Array.of(-1.5) },
    'a "name" \\ ä 🦊 \u0000 \u2028': { dtype: 'F32', shape: [0], values: new Float32Array(0) },
    ['constructor' as string]: { dtype: 'F32', shape: [1], values: Float32Array.of(3) },
  };
  const metadata = { format: 'pt', 'ä"': '\\ \n', toString: '' };

  it('every element type, in the order given, to the bit', () => {
    const file = writeSafetensors(tensors, { metadata });
    const read = readSafetensors(file);
    expect(Object.entries(read.tensors)).toStrictEqual(Object.entries(tensors));
    expect(Object.entries(read.metadata)).toStrictEqual(Object.entries(metadata));
    expect(Object.is(read.tensors.f64.values[1], -0)).toBe(true);
    expect(readSafetensors(Buffer.concat([new Uint8Array(3), file]).subarray(3))).toEqual(read);
    expect(writeSafetensors(read.tensors, { metadata })).toEqual(file);
    expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
    expect(readSafetensors(writeSafetensors({}))).toStrictEqual({ tensors: {}, metadata: {} });
  });

  it('the type asked for is the type of all floats, and of nothing else', () => {
    const { tensors: read } = readSafetensors(
      writeSafetensors(
        {
          a: { shape: [3], values: Float64Array.of(1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40, 2049) },
          b: { shape: [1], values: Float32Array.of(-1 / 3), dtype: 'F32' },
          c: { shape: [1], values: Float64Array.of(7), dtype: 'I64' },
          d: { shape: [1], values: Int32Array.of(7) },
          e: { shape: [2], values: Float32Array.of(NaN, -Infinity) },
        },
        { dtype: 'F16' },
      ),
    );
    expect(Object.values(read).map(({ dtype }) => dtype)).toEqual(['F16', 'F16', 'I64', 'I32', 'F16']);
    // halves to even, and one rounding only
    expect(Array.from(read.a.values)).toEqual([1, 1 + 2 ** -10, 2048]);
    expect(read.b.values[0]).toBe(-0.333251953125);
    expect(Array.from(read.e.values)).toEqual([NaN, -Infinity]);
  });

  it('anything that the writer takes, the reader gives back', () => {
    const shapes = fc.array(fc.nat(3), { maxLength: 3 });
    const sizes = shapes.map((shape) => ({ shape, n: shape.reduce((a, b) => a * b, 1) }));
    const tensor = sizes.chain(({ shape, n }) =>
      fc
        .oneof(
          fc.float32Array({ minLength: n, maxLength: n }),
          fc.float64Array({ minLength: n, maxLength: n }),
          fc.int32Array({ minLength: n, maxLength: n }),
          fc.uint8Array({ minLength: n, maxLength: n }),
        )
        .map((values) => ({ shape, values })),
    );
    const reserved = new Set(['__proto__', '__metadata__']);
    const name = fc.string({ unit: 'binary', maxLength: 9 }).filter((name) => !reserved.has(name));
    const files = fc.tuple(
      fc.dictionary(name, tensor, { maxKeys: 4, noNullPrototype: true }),
      fc.dictionary(name, fc.string({ unit: 'binary' }), { maxKeys: 3, noNullPrototype: true }),
    );
    fc.assert(
      fc.property(files, ([tensors, metadata]) => {
        const read = readSafetensors(writeSafetensors(tensors, { metadata }));
        const bare = Object.entries(read.tensors).map(([name, { shape, values }]) => [name, { shape, values }]);
        expect(Object.fromEntries(bare)).toStrictEqual(tensors);
        expect(read.metadata).toStrictEqual(metadata);
      }),
    );
  });
});

describe('the reader refuses', () => {
  const f32 = entry('F32', [1], 0, 4);
  const deep = (depth: number) => `{"w":${JSON.stringify(f32)},"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'it has 0 bytes, a header takes at least 8'],
    ['a header past the end', fileOf('{}').subarray(0, 9), 'it is truncated: 9 bytes, the header alone needs 10'],
    ['no text', fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), 'its header is not JSON as it should be: no UTF-8'],
    ['no header', fileOf(''), 'its header is not JSON as it should be: expected { at character 0'],
    ['a space before', fileOf(' {}'), 'its header is not JSON as it should be: expected { at character 0'],
    ['a byte order mark', fileOf('\ufeff{}'), 'expected { at character 0'],
    ['a line end behind', fileOf('{}  \n'), 'something behind the end at character 4'],
    ['two headers', fileOf('{}{}'), 'something behind the end at character 2'],
    ['a list', fileOf('[1]'), 'expected { at character 0'],
    ['an open end', fileOf('{"a":1'), 'expected , at character 6'],
    ['a comma too many', fileOf('{"a":1,}'), 'expected a string at character 7'],
    ['a string without an end', fileOf('{"a\\"'), 'a string without an end at character 1'],
    ['an escape', fileOf('{"\\x":1}'), 'a string with an escape or a sign that JSON does not have at character 1'],
    ['a control character', fileOf('{"\n":1}'), 'a string with an escape or a sign'],
    ['half a surrogate', fileOf('{"\\ud800":1}'), 'half a surrogate pair at character 1'],
    ['no value', fileOf('{"a":nil}'), 'no value at character 5'],
    ['a number with a zero', fileOf('{"a":01}'), 'expected , at character 6'],
    ['no colon', fileOf('{"a" 1}'), 'expected : at character 5'],
    ['a name twice', fileOf(`{"w":${JSON.stringify(f32)},"\\u0077":1}`, 4), 'the name "w" a second time at character'],
    ['a key twice', fileOf('{"w":{"dtype":"F32","dtype":"F32"}}'), 'the name "dtype" a second time at character 20'],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), 'the name "__metadata__" a second time'],
    ['a text twice', fileOf('{"__metadata__":{"a":"","a":""}}'), 'the name "a" a second time'],
    ['a prototype', fileOf('{"__proto__":1}'), 'the name __proto__ at character 1'],
    ['a prototype in the metadata', fileOf('{"__metadata__":{"__proto__":""}}'), 'the name __proto__'],
    ['too deep', fileOf(deep(16), 4), 'more than 16 levels at character'],
    ['very deep', fileOf(deep(1_000_000), 4), 'more than 16 levels at character'],
    ['a long list', fileOf({ w: entry('F32', Array(1025).fill(1), 0, 4) }, 4), 'a list of more than 1024 elements'],
    ['metadata that is a list', fileOf({ __metadata__: [] }), 'its __metadata__ is no object of texts'],
    ['metadata that is null', fileOf({ __metadata__: null }), 'its __metadata__ is no object of texts'],
    ['a number in the metadata', fileOf({ __metadata__: { a: 1 } }), 'its __metadata__ has a "a" that is no text'],
    ['no object', fileOf({ w: null }), 'an entry that is no tensor: "w" is no object'],
    ['no dtype', fileOf({ w: { shape: [], data_offsets: [0, 0] } }), '"w" has no dtype'],
    [
      'a strange dtype',
      fileOf({ w: entry('I16', [2], 0, 4) }, 4),
      '"w" has dtype "I16", expected one of F64, F32, F16',
    ],
    ['a dtype of the prototype', fileOf({ w: entry('toString', [1], 0, 4) }, 4), '"w" has dtype "toString", expected'],
    ['no shape', fileOf({ w: { dtype: 'F32', data_offsets: [0, 4] } }, 4), '"w" has a shape that is no list of whole'],
    ['a number as shape', fileOf({ w: entry('F32', 1, 0, 4) }, 4), '"w" has a shape that is no list of whole numbers'],
    ['a negative size', fileOf({ w: entry('F32', [-1], 0, 4) }, 4), '"w" has a shape that is no list of whole numbers'],
    ['half a size', fileOf({ w: entry('F32', [0.5, 2], 0, 4) }, 4), '"w" has a shape that is no list of whole numbers'],
    ['a size as text', fileOf({ w: entry('F32', ['1'], 0, 4) }, 4), '"w" has a shape that is no list of whole numbers'],
    ['1.0', fileOf('{"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4), '"w" has a shape that is no list'],
    ['1e0', fileOf('{"w":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', 4), '"w" has a shape that is no list'],
    ['-0', fileOf('{"w":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), '"w" has a shape that is no list'],
    ['a size past 2⁵³', fileOf({ w: entry('F32', [2 ** 53], 0, 4) }, 4), '"w" has a shape that is no list of whole'],
    ['a product past 2⁵³', fileOf({ w: entry('U8', [2 ** 40, 2 ** 40], 0, 4) }, 4), '"w" has 4 bytes, but 1.2089258'],
    ['one offset', fileOf({ w: { ...f32, data_offsets: [0] } }), '"w" has data_offsets that are not two whole numbers'],
    ['backwards', fileOf({ w: entry('F32', [1], 4, 0) }, 4), '"w" has -4 bytes, but 4 as F32 of shape [1]'],
    [
      'a length that does not fit',
      fileOf({ w: entry('F64', [1], 0, 4) }, 4),
      '"w" has 4 bytes, but 8 as F64 of shape [1]',
    ],
    ['half an element', fileOf({ w: entry('F16', [1], 0, 3) }, 3), '"w" has 3 bytes, but 2 as F16 of shape [1]'],
    ['numbers that end early', fileOf({ w: f32 }, 3), 'it is truncated: 3 bytes of numbers, the header announces 4'],
    ['bytes behind', fileOf({ w: f32 }, 6), 'it has 2 bytes more than its header announces'],
    ['bytes before', fileOf({ w: entry('F32', [1], 4, 8) }, 8), 'it has 4 bytes before tensor "w" that belong to none'],
    [
      'a hole',
      fileOf({ b: entry('F32', [1], 8, 12), a: f32 }, 12),
      'it has 4 bytes before tensor "b" that belong to none',
    ],
    [
      'an overlap',
      fileOf({ a: f32, b: entry('U8', [4], 2, 6) }, 6),
      'its tensor "b" begins at byte 2, inside of another that ends at 4',
    ],
    ['the same bytes twice', fileOf({ a: f32, b: f32 }, 4), 'its tensor "b" begins at byte 0, inside of another'],
    [
      'an empty one inside of another',
      fileOf({ a: f32, b: entry('F32', [0], 2, 2) }, 4),
      'its tensor "b" begins at byte 2, inside of another that ends at 4',
    ],
    [
      'a long integer',
      fileOf({ w: entry('I64', [2], 0, 16) }, bytesOf(BigInt64Array.of(1n, 2n ** 53n + 1n))),
      'its tensor "w" holds the I64 9007199254740993 at 1, which is no exact number of JavaScript',
    ],
    [
      'a truth of 2',
      fileOf({ w: entry('BOOL', [2], 0, 2) }, Uint8Array.of(1, 2)),
      'its tensor "w" holds the BOOL 2 at 1, expected 0 or 1',
    ],
  ])('%s', (_, file, message) => {
    expect(() => readSafetensors(file)).toThrow(Error);
    expect(() => readSafetensors(file)).toThrow(broken);
    expect(() => readSafetensors(file)).toThrow(message);
  });

  it('a header that would be huge, without making room for it', () => {
    const file = new Uint8Array(64);
    new DataView(file.buffer).setBigUint64(0, 100_000_001n, true);
    expect(() => readSafetensors(file)).toThrow(`${broken}its header would be 100000001 bytes long`);
  });

  it('too many tensors, at the first too many', () => {
    const members = (n: number) =>
      `{${Array.from({ length: n }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}`;
    expect(Object.keys(readSafetensors(fileOf(`${members(100_000)}}`)).tensors)).toHaveLength(100_000);
    expect(() => readSafetensors(fileOf(`${members(100_001)}}`))).toThrow('it has 100001 tensors, more than 100000');
    expect(() => readSafetensors(fileOf(`${members(100_002)}, nobody reads on`))).toThrow('more than 100001 members');
  });

  it('what is no Uint8Array', () => {
    const file = fileOf('{}').buffer as unknown as Uint8Array;
    expect(() => readSafetensors(file)).toThrow(
      new TypeError('readSafetensors: file is ArrayBuffer, expected a Uint8Array'),
    );
    expect(() => readSafetensors(null as unknown as Uint8Array)).toThrow('readSafetensors: file is null, expected');
  });
});

describe('what the format leaves open is read', () => {
  it('tensors in any order, spaces, other members, empty tensors anywhere between', () => {
    const text = `{ "b" :\t{"shape":[1],"dtype":"U8","data_offsets":[1 , 2],"more":{"x":[-1.5e+3,true,false,null,"\\u0041"]}},
      "e":{"dtype":"F64","shape":[3,0],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}   `;
    const { tensors } = readSafetensors(fileOf(text, Uint8Array.of(5, 6)));
    expect(Object.entries(tensors).map(([name, { values }]) => [name, Array.from(values)])).toEqual([
      ['b', [6]],
      ['e', []],
      ['a', [5]],
    ]);
  });

  it('numbers that do not lie on multiples of their size', () => {
    const data = new Uint8Array(9);
    new DataView(data.buffer).setFloat64(1, 1.5, true);
    const { tensors } = readSafetensors(fileOf({ a: entry('U8', [1], 0, 1), b: entry('F64', [1], 1, 9) }, data));
    expect(tensors.b.values).toEqual(Float64Array.of(1.5));
  });
});

describe('the writer refuses what the reader would', () => {
  const w = { shape: [1], values: Float32Array.of(1) };
  type Tensors = Parameters<typeof writeSafetensors>[0];
  type Options = Parameters<typeof writeSafetensors>[1];
  const own = (name: string, value: unknown) => Object.defineProperty({}, name, { value, enumerable: true });
  it.each<[ErrorConstructor, string, unknown, unknown?]>([
    [RangeError, '"__metadata__" cannot be the name of a tensor', { __metadata__: w }],
    [RangeError, '"__proto__" cannot be the name of a tensor', own('__proto__', w)],
    [RangeError, '"\\ud800" cannot be the name of a tensor', { '\ud800': w }],
    [RangeError, '"__proto__" cannot be a name in the metadata', { w }, { metadata: own('__proto__', '') }],
    [RangeError, '"\\udc00" cannot be a name in the metadata', { w }, { metadata: { '\udc00': '' } }],
    [RangeError, 'metadata.a holds half a surrogate pair', { w }, { metadata: { a: '\ud800' } }],
    [TypeError, 'metadata.a is Number, expected a string', { w }, { metadata: { a: 1 } }],
    [RangeError, 'w has 1 elements, expected [2,2]', { w: { ...w, shape: [2, 2] } }],
    [RangeError, 'w has shape [-1,-1], expected at most 1024 whole numbers ≥ 0', { w: { ...w, shape: [-1, -1] } }],
    [RangeError, 'w has shape [0.5,2], expected', { w: { ...w, shape: [0.5, 2] } }],
    [RangeError, 'expected at most 1024 whole numbers', { w: { ...w, shape: Array(1025).fill(1) } }],
    [RangeError, 'w has shape Int32Array, expected', { w: { ...w, shape: Int32Array.of(1) } }],
    [
      TypeError,
      'w is Array, expected Float32Array, Float64Array, Int32Array or Uint8Array',
      { w: { shape: [1], values: [1] } },
    ],
    [TypeError, 'w is Int16Array, expected', { w: { shape: [1], values: Int16Array.of(1) } }],
    [RangeError, "w has dtype 'I8', expected one of F64", { w: { ...w, dtype: 'I8' } }],
    [TypeError, 'w is Float32Array, expected Int32Array for dtype I32', { w: { ...w, dtype: 'I32' } }],
    [TypeError, 'w is Float32Array, expected Float64Array for dtype I64', { w: { ...w, dtype: 'I64' } }],
    [
      TypeError,
      'w is Uint8Array, expected Float32Array for dtype F32',
      { w: { shape: [1], values: Uint8Array.of(1), dtype: 'F32' } },
    ],
    [RangeError, "dtype is 'I32', expected one of F64, F32, F16, BF16", { w }, { dtype: 'I32' }],
    [
      RangeError,
      'w[1] is 65520, which is no F16',
      { w: { shape: [2], values: Float32Array.of(65519, 65520) } },
      { dtype: 'F16' },
    ],
    [
      RangeError,
      'w[0] is 1e+39, which is no BF16',
      { w: { shape: [1], values: Float64Array.of(1e39) } },
      { dtype: 'BF16' },
    ],
    [RangeError, 'w[0] is 1e+39, which is no F32', { w: { shape: [1], values: Float64Array.of(1e39), dtype: 'F32' } }],
    [RangeError, 'w[0] is 0.5, which is no I64', { w: { shape: [1], values: Float64Array.of(0.5), dtype: 'I64' } }],
    [
      RangeError,
      `w[0] is ${2 ** 63}, which is no I64`,
      { w: { shape: [1], values: Float64Array.of(2 ** 63), dtype: 'I64' } },
    ],
    [RangeError, 'w[0] is NaN, which is no I64', { w: { shape: [1], values: Float64Array.of(NaN), dtype: 'I64' } }],
    [RangeError, 'w[0] is 2, which is no BOOL', { w: { shape: [1], values: Uint8Array.of(2), dtype: 'BOOL' } }],
  ])('%o %s', (type, message, tensors, options = {}) => {
    expect(() => writeSafetensors(tensors as Tensors, options as Options)).toThrow(type);
    expect(() => writeSafetensors(tensors as Tensors, options as Options)).toThrow('writeSafetensors: ');
    expect(() => writeSafetensors(tensors as Tensors, options as Options)).toThrow(message);
  });

  it('too many tensors, and a header that is too long', () => {
    const none = { shape: [0], values: new Float32Array(0) };
    const many = Object.fromEntries(Array.from({ length: 100_001 }, (_, i) => [`t${i}`, none]));
    expect(() => writeSafetensors(many)).toThrow(
      new RangeError('writeSafetensors: got 100001 tensors, expected at most 100000'),
    );
    const long = { metadata: { text: 'x'.repeat(100_000_000) } };
    expect(() => writeSafetensors({}, long)).toThrow(
      new RangeError('writeSafetensors: the header would be 100000032 bytes long, expected at most 100000000'),
    );
  });
});

describe('no bytes make it crash', () => {
  const file = writeSafetensors(
    {
      a: { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
      b: { shape: [2], values: Float64Array.of(1, 2), dtype: 'I64' },
      c: { shape: [2], values: Uint8Array.of(0, 1), dtype: 'BOOL' },
      d: { shape: [1], values: Float32Array.of(0.5), dtype: 'BF16' },
    },
    { metadata: { format: 'pt' } },
  );

  /** The tensors, whose lengths fit their shapes, or the error, which says whose it is. */
  function readOrRefuse(bytes: Uint8Array): SafetensorsTensor[] {
    try {
      const tensors = Object.values(readSafetensors(bytes).tensors);
      for (const { shape, values } of tensors) expect(values.length).toBe(shape.reduce((a, b) => a * b, 1));
      return tensors;
    } catch (error) {
      expect((error as Error).message.startsWith(broken), String(error)).toBe(true);
      return [];
    }
  }

  it('truncated anywhere', () => {
    for (let length = 0; length < file.length; length++) {
      expect(() => readSafetensors(file.subarray(0, length)), `${length} bytes`).toThrow(broken);
    }
  });

  it('one bit changed anywhere', () => {
    let read = 0;
    for (let at = 0; at < file.length * 8; at++) {
      const altered = file.slice();
      altered[at >> 3] ^= 1 << (at & 7);
      read += readOrRefuse(altered).length;
    }
    expect(read).toBeGreaterThan(0); // a number changed is another number
  });

  it('bytes changed, removed, added', () => {
    const place = fc.nat({ max: file.length - 1 });
    fc.assert(
      fc.property(place, place, fc.uint8Array({ maxLength: 9 }), (a, b, bytes) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        readOrRefuse(Uint8Array.of(...file.subarray(0, from), ...bytes, ...file.subarray(to)));
      }),
      { numRuns: 500 },
    );
  });

  it('headers of any JSON', () => {
    const word = fc.constantFrom('dtype', 'shape', 'data_offsets', 'F32', 'BOOL', '__metadata__', 'w');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.nat(8),
        fc.double(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(word, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(word, value), fc.nat(16), (header, length) => {
        readOrRefuse(fileOf(header, length));
      }),
      { numRuns: 500 },
    );
  });
});
