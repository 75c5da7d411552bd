import { describe, expect, test } from 'vitest';
import { FormatError, readTorch } from '../../src/interop/index.ts';
import { readPickle } from '../../src/interop/pickle.ts';
import { archive, call, dict, global, int, list, no, none, persistent, str, tensor } from './pickles.ts';
import { fixture } from './reference.ts';

const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const state = (value: number[]) => dict([str('weight'), value]);
const two = { 0: bytesOf(1, 2) };

describe('tensors', () => {
  test.each<[string, string, Uint8Array, number[]]>([
    ['FloatStorage', 'F32', bytesOf(1, -2.5), [1, -2.5]],
    ['DoubleStorage', 'F64', new Uint8Array(Float64Array.of(0.1, -3).buffer), [0.1, -3]],
    ['HalfStorage', 'F16', Uint8Array.of(0x00, 0x3c, 0x01, 0x80), [1, -(2 ** -24)]],
    ['BFloat16Storage', 'BF16', Uint8Array.of(0x80, 0x3f, 0x20, 0xc1), [1, -10]],
    ['LongStorage', 'I64', new Uint8Array(BigInt64Array.of(7n, -8n).buffer), [7, -8]],
    ['IntStorage', 'I32', new Uint8Array(Int32Array.of(7, -8).buffer), [7, -8]],
    ['ShortStorage', 'I16', new Uint8Array(Int16Array.of(7, -8).buffer), [7, -8]],
    ['CharStorage', 'I8', Uint8Array.of(7, 248), [7, -8]],
    ['ByteStorage', 'U8', Uint8Array.of(7, 248), [7, 248]],
    ['BoolStorage', 'BOOL', Uint8Array.of(1, 0), [1, 0]],
  ])('of %s', async (type, dtype, bytes, values) => {
    const { weight } = await readTorch(archive(state(tensor('0', type, 2, [2], [1])), { 0: bytes }));
    expect({ ...weight, values: Array.from(weight.values) }).toEqual({ shape: [2], dtype, values });
  });

  test('a transposed one, a part of a storage, one without elements, a scalar, a parameter', async () => {
    const parameter = call(
      global('torch._utils', '_rebuild_parameter'),
      tensor('0', 'FloatStorage', 6, [2], [1], 1),
      no,
      none,
    );
    const file = archive(
      dict(
        [str('weight'), tensor('0', 'FloatStorage', 6, [3, 2], [1, 3])],
        [str('part'), parameter],
        [str('none'), tensor('0', 'FloatStorage', 6, [0, 4], [4, 1])],
        [str('column'), tensor('0', 'FloatStorage', 6, [2], [3], 1)],
        [str('scalar'), tensor('0', 'FloatStorage', 6, [], [], 5)],
      ),
      { 0: bytesOf(0, 1, 2, 3, 4, 5) },
    );
    const { weight, part, column, none: empty, scalar } = await readTorch(file);
    expect(column.values).toEqual(Float32Array.of(1, 4));
    expect(weight).toEqual({ shape: [3, 2], dtype: 'F32', values: Float32Array.of(0, 3, 1, 4, 2, 5) });
    expect(part.values).toEqual(Float32Array.of(1, 2));
    expect(empty).toEqual({ shape: [0, 4], dtype: 'F32', values: new Float32Array(0) });
    expect(scalar).toEqual({ shape: [], dtype: 'F32', values: Float32Array.of(5) });
  });
});

describe('where the state_dict is', () => {
  const net = state(tensor('0', 'FloatStorage', 2, [2], [1]));
  const moments = dict([str('exp_avg'), tensor('0', 'FloatStorage', 2, [2], [1])]);

  test('anywhere in a checkpoint, the optimizer’s moments apart', async () => {
    const file = archive(
      dict([str('epoch'), int(3)], [str('nets'), list(net)], [str('optimizer'), dict([int(0), moments])]),
      two,
    );
    expect(Object.keys(await readTorch(file))).toEqual(['weight']);
  });

  test('several are told apart by `at`', async () => {
    const file = archive(dict([str('model'), net], [str('ema'), dict([str('net'), net])]), two);
    await expect(readTorch(file)).rejects.toThrow('several state_dicts, say which by `at`: model, ema.net');
    expect((await readTorch(file, { at: 'ema.net' })).weight.values).toEqual(Float32Array.of(1, 2));
    await expect(readTorch(file, { at: 'net' })).rejects.toThrow('no tensors at net, but at model, ema.net');
  });

  test('none', async () => {
    await expect(readTorch(archive(dict([str('epoch'), int(3)])))).rejects.toThrow(
      'holds no state_dict; tensors are at no place',
    );
    await expect(readTorch(archive(moments, two))).rejects.toThrow('holds no state_dict; tensors are at the top');
  });

  test('a list that holds itself is walked once', async () => {
    // MEMOIZE by BINPUT 0, then the list appended to itself
    const looped = [0x5d, 0x71, 0, 0x68, 0, 0x61];
    const file = archive(dict([str('loop'), looped], [str('net'), net]), two);
    expect(Object.keys(await readTorch(file))).toEqual(['weight']);
  });
});

describe('refused, and nothing is run', () => {
  test.each<[string, number[], string]>([
    ['os.system', call(global('os', 'system'), str('touch /tmp/x')), '"os.system", which is not on the list'],
    [
      'posix.system by STACK_GLOBAL',
      [...str('posix'), ...str('system'), 0x93],
      '"posix.system", which is not on the list',
    ],
    ['eval', call(global('builtins', 'eval'), str('1')), '"builtins.eval"'],
    ['a class of one’s own', global('__main__', 'Net'), '"__main__.Net"'],
    ['a name of Object.prototype', global('constructor', 'x'), '"constructor.x"'],
    ['another function of torch', global('torch.storage', '_load_from_bytes'), '"torch.storage._load_from_bytes"'],
    [
      'a storage class that is called',
      call(global('torch', 'FloatStorage'), int(3)),
      'calls torch.FloatStorage, which only names a type',
    ],
    ['a call of a text', call(str('x')), 'calls something that is no global'],
    ['a call without a tuple', [...global('torch', 'Size'), ...int(1), 0x52], 'calls torch.Size without a tuple'],
    [
      'a dictionary with arguments',
      call(global('collections', 'OrderedDict'), list()),
      'an OrderedDict is made with arguments',
    ],
    [
      'a tensor of nothing',
      call(global('torch._utils', '_rebuild_tensor_v2'), int(1)),
      'rebuilt from arguments that are no storage',
    ],
    [
      'a parameter of nothing',
      call(global('torch._utils', '_rebuild_parameter'), int(1)),
      'something that is no tensor',
    ],
    ['a persistent id that is none', persistent(str('x')), 'something that is no storage'],
    ['attributes of a list', [...list(), ...dict(), 0x62], 'sets attributes of something that is no OrderedDict'],
    [
      'an instruction that imports (INST)',
      [0x28, 0x69, 0x6f, 0x73, 10, 0x78, 10],
      'the operation 105 ("i"), which is not read',
    ],
    ['an extension', [0x82, 1], 'the operation 130'],
    ['too little on the stack', [0x30], 'takes a value that is not there'],
    ['no mark', [0x74], 'takes a mark that is not there'],
    ['an empty memo', [0x68, 9], 'recalls memo 9'],
    ['items of a list', [...list(), ...int(1), ...int(2), 0x73], 'sets items of something that is no dictionary'],
    ['an item of a dictionary', [...dict(), ...int(1), 0x61], 'appends to something that is no list'],
    ['a long integer', [0x8a, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'an integer of 9 bytes'],
    ['a large integer', [0x8a, 8, 1, 2, 3, 4, 5, 6, 7, 8], 'an integer beyond 2⁵³'],
    ['a name without an end', [0x63, 0x6f], 'a line without an end'],
  ])('%s', async (_, pickle, message) => {
    await expect(readTorch(archive(pickle, two))).rejects.toThrow(FormatError);
    await expect(readTorch(archive(pickle, two))).rejects.toThrow(message);
  });

  test.each<[string, Uint8Array, string]>([
    [
      'the format before PyTorch 1.6',
      Uint8Array.of(0x80, 2, 0x8a, 10),
      'the format before PyTorch 1.6: load it there and save it again',
    ],
    ['another file', new Uint8Array(100), 'not a zip archive'],
    ['a zip without a pickle', archive([], {}, {}).slice(0, 0), 'not a zip archive'],
    ['two pickles', archive(none, {}, { 'b/data.pkl': '' }), 'holds 2 pickles'],
    ['big-endian numbers', archive(none, {}, { 'net/byteorder': 'big' }), 'not little-endian'],
    ['an old protocol', archive([0x80, 1, ...none]), 'has protocol 1, expected 2 to 5'],
    [
      'a storage that is missing',
      archive(state(tensor('1', 'FloatStorage', 2, [2], [1])), two),
      'lies in data/1, which the archive lacks',
    ],
    [
      'a storage of another size',
      archive(state(tensor('0', 'FloatStorage', 3, [2], [1])), two),
      'data/0 has 8 bytes, expected 3 elements of 4',
    ],
    [
      'a tensor that leaves its storage',
      archive(state(tensor('0', 'FloatStorage', 2, [2], [2])), two),
      'weight ends at element 2 of a storage of 2',
    ],
    [
      'a tensor of one number a billion times',
      archive(state(tensor('0', 'FloatStorage', 2, [1e9], [0])), two),
      'share too much of their storage',
    ],
    [
      'a tensor of too many',
      archive(state(tensor('0', 'FloatStorage', 2, [65536, 65536, 2], [0, 0, 0])), two),
      'at most 2³² elements',
    ],
  ])('%s', async (_, file, message) => {
    await expect(readTorch(file)).rejects.toThrow(FormatError);
    await expect(readTorch(file)).rejects.toThrow(message);
  });

  test('a byte of the weights flipped, unless the checksums are not asked', async () => {
    const file = fixture('torch/gru.pt');
    const view = new DataView(file.buffer);
    // The first storage's bytes follow its local header, which names it.
    const at = new TextDecoder('latin1').decode(file).indexOf('gru/data/0') + 100;
    view.setUint8(at, view.getUint8(at) ^ 1);
    await expect(readTorch(file)).rejects.toThrow('gru/data/0 does not match its CRC-32');
    expect(Object.keys(await readTorch(file, { checksums: false }))).toHaveLength(6);
  });
});

test('every kind of value', () => {
  const host = { globals: {}, persistent: (id: unknown) => ({ id }) };
  const read = (...bytes: number[]) => readPickle('readPickle', Uint8Array.from([...bytes, 0x2e]), host);
  expect(read(0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x88)).toBe(true);
  expect(read(0x4b, 200)).toBe(200);
  expect(read(0x4d, 1, 2)).toBe(513);
  expect(read(0x8a, 2, 0xff, 0xfe)).toBe(-257);
  expect(read(0x8b, 1, 0, 0, 0, 5)).toBe(5);
  expect(read(0x47, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0)).toBe(1.5);
  expect(read(0x8c, 2, 0xc3, 0xa4)).toBe('ä');
  expect(read(0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 0x61)).toBe('a');
  expect(read(0x42, 1, 0, 0, 0, 9)).toEqual(Uint8Array.of(9));
  expect(read(0x43, 1, 9)).toEqual(Uint8Array.of(9));
  expect(read(0x8e, 1, 0, 0, 0, 0, 0, 0, 0, 9)).toEqual(Uint8Array.of(9));
  expect(read(0x8f, 0x28, 0x4b, 1, 0x90)).toEqual([1]);
  expect(read(0x28, 0x4b, 1, 0x91)).toEqual([1]);
  expect(read(0x28, 0x4b, 1, 0x6c)).toEqual([1]);
  expect(read(0x28, 0x4b, 1, 0x4b, 2, 0x64)).toEqual(new Map([[1, 2]]));
  expect(read(0x7d, 0x4b, 1, 0x4b, 2, 0x73)).toEqual(new Map([[1, 2]]));
  expect(read(0x4b, 1, 0x85)).toEqual({ items: [1] });
  expect(read(0x4b, 1, 0x4b, 2, 0x86)).toEqual({ items: [1, 2] });
  expect(read(0x4b, 1, 0x4b, 2, 0x4b, 3, 0x87)).toEqual({ items: [1, 2, 3] });
  expect(read(0x4b, 1, 0x32, 0x86)).toEqual({ items: [1, 1] });
  expect(read(0x4b, 1, 0x94, 0x30, 0x68, 0)).toBe(1);
  expect(read(0x4b, 1, 0x72, 1, 1, 0, 0, 0x30, 0x6a, 1, 1, 0, 0)).toBe(1);
  expect(read(0x4b, 1, 0x28, 0x4b, 2, 0x31)).toBe(1);
  expect(read(0x4b, 7, 0x51)).toEqual({ id: 7 });
  expect(() => read(0x58, 1, 0, 0, 0, 0xff)).toThrow('a text in the pickle is not UTF-8');
});
