import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError, readNpy, readNpz, writeNpy, writeNpz } from '../../src/interop/index.ts';
import { crc32, writeZip } from '../../src/interop/zip.ts';

/** A NumPy file with a header of one's own. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const head =
    version === 1 ? [header.length & 255, header.length >> 8] : [header.length & 255, header.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...Buffer.from('NUMPY'), version, 0, ...head, ...Buffer.from(header), ...data]);
}

const header = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape}), }\n`;
const raw = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe('npy', () => {
  test.each<[string, string, Uint8Array, number[]]>([
    ['<f8', 'F64', raw(Float64Array.of(1, 0.1)), [1, 0.1]],
    ['<f4', 'F32', raw(Float32Array.of(1, -2.5)), [1, -2.5]],
    ['<f2', 'F16', Uint8Array.of(0, 0x3c, 0, 0xc0), [1, -2]],
    ['>f4', 'F32', Uint8Array.of(0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0), [1, -2.5]],
    ['<i8', 'I64', raw(BigInt64Array.of(3n, -4n)), [3, -4]],
    ['<i4', 'I32', raw(Int32Array.of(3, -4)), [3, -4]],
    ['<i2', 'I16', raw(Int16Array.of(3, -4)), [3, -4]],
    ['|i1', 'I8', raw(Int8Array.of(3, -4)), [3, -4]],
    ['|u1', 'U8', Uint8Array.of(3, 252), [3, 252]],
    ['|b1', 'BOOL', Uint8Array.of(0, 1), [0, 1]],
  ])('%s', (descr, dtype, data, values) => {
    const array = readNpy(npy(header(descr, '2,'), data));
    expect({ ...array, values: Array.from(array.values) }).toEqual({ shape: [2], dtype, values });
    expect(readNpy(npy(header(descr, '2,'), data, 2))).toEqual(array);
  });

  test('Fortran order becomes row-major', () => {
    const data = raw(Float32Array.from({ length: 24 }, (_, i) => i));
    const { shape, values } = readNpy(npy(header('<f4', '2, 3, 4', 'True'), data));
    expect(shape).toEqual([2, 3, 4]);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++)
        for (let k = 0; k < 4; k++) expect(values[(i * 3 + j) * 4 + k]).toBe(i + 2 * j + 6 * k);
    }
  });

  test('round trip of anything', () => {
    const array = fc.oneof(fc.float32Array({ maxLength: 6 }), fc.float64Array({ maxLength: 6 }));
    fc.assert(
      fc.property(array, fc.nat(3), (values, ones) => {
        const shape = [...new Array<number>(ones).fill(1), values.length];
        const file = writeNpy({ shape, values });
        expect(readNpy(file)).toEqual({ shape, dtype: values instanceof Float32Array ? 'F32' : 'F64', values });
        expect(file.length - values.byteLength).toBe(64 * Math.ceil((file.length - values.byteLength) / 64));
      }),
    );
    expect(readNpy(writeNpy({ shape: [], values: Float32Array.of(3) }))).toEqual({
      shape: [],
      dtype: 'F32',
      values: Float32Array.of(3),
    });
  });

  test.each<[string, Uint8Array, string]>([
    ['another file', new Uint8Array(40), 'does not begin as a NumPy array'],
    ['nothing', new Uint8Array(0), 'does not begin as a NumPy array'],
    ['a version', npy(header('<f4', '0,'), raw(new Float32Array(0)), 4), 'has version 4'],
    ['objects', npy(header('|O', '1,'), Uint8Array.of(1)), 'has type |O, expected f2, f4'],
    ['a name of Object.prototype', npy(header('<constructor', '1,'), Uint8Array.of(1)), 'has type <constructor'],
    ['complex numbers', npy(header('<c8', '1,'), new Uint8Array(8)), 'has type <c8'],
    [
      'structures',
      npy(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }`, new Uint8Array(4)),
      'the header of the array is',
    ],
    ['code', npy(`{'descr': __import__('os').system('x')}`, new Uint8Array(4)), 'the header of the array is'],
    ['too few numbers', npy(header('<f4', '2,'), new Uint8Array(4)), 'has 4 bytes of numbers, expected <f4 [2]'],
    [
      'more numbers than there are',
      npy(header('<f4', '4294967296, 4294967296'), new Uint8Array(4)),
      'at most 2³² elements',
    ],
    ['a long integer', npy(header('<i8', '1,'), raw(BigInt64Array.of(2n ** 60n))), 'a 64-bit integer beyond 2⁵³'],
  ])('%s is refused', (_, file, message) => {
    expect(() => readNpy(file)).toThrow(FormatError);
    expect(() => readNpy(file)).toThrow(message);
  });

  test('values and shape that do not go together are not written', () => {
    expect(() => writeNpy({ shape: [3], values: new Float32Array(2) })).toThrow(
      'writeNpy: values has 2 elements, expected [3]',
    );
  });
});

/** A zip of one deflated entry that says what one likes. */
function deflated(
  content: Uint8Array,
  claims: { size?: number; crc?: number; method?: number; flags?: number; name?: string } = {},
): Uint8Array {
  const data = new Uint8Array(deflateRawSync(content));
  const stored = writeZip(new Map([[claims.name ?? 'a.npy', data]]));
  const view = new DataView(stored.buffer);
  const central = new DataView(stored.buffer, view.getUint32(stored.length - 6, true));
  central.setUint16(8, claims.flags ?? 0, true);
  central.setUint16(10, claims.method ?? 8, true);
  central.setUint32(16, claims.crc ?? crc32(content), true);
  central.setUint32(24, claims.size ?? content.length, true);
  return stored;
}

describe('npz', () => {
  test('round trip, names with dots and umlauts', async () => {
    const arrays = {
      'rnn.weight': { shape: [2, 2], dtype: 'F32' as const, values: Float32Array.of(1, 2, 3, 4) },
      ä: { shape: [1], dtype: 'F64' as const, values: Float64Array.of(0.1) },
    };
    expect(await readNpz(writeNpz(arrays))).toStrictEqual(arrays);
    expect(await readNpz(Buffer.from(writeNpz(arrays)))).toStrictEqual(arrays);
    expect(await readNpz(writeNpz({}))).toEqual({});
  });

  test('CRC-32 of the standard’s check text', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  });

  test('deflated entries', async () => {
    const file = writeNpy({ shape: [1000], values: new Float32Array(1000).fill(3) });
    expect((await readNpz(deflated(file))).a.values).toEqual(new Float32Array(1000).fill(3));
  });

  const file = writeNpy({ shape: [4], values: new Float32Array(4) });
  const patched = (change: (view: DataView, end: number) => void): Uint8Array => {
    const zip = writeZip(new Map([['a.npy', file]]));
    change(new DataView(zip.buffer), zip.length - 22);
    return zip;
  };
  test.each<[string, Uint8Array, string]>([
    ['no zip', new Uint8Array(30), 'not a zip archive'],
    ['another checksum', deflated(file, { crc: 1 }), 'a.npy does not match its CRC-32'],
    ['more than it says', deflated(file, { size: 100 }), 'a.npy expands to more than the 100 bytes'],
    ['less than it says', deflated(file, { size: 200 }), `a.npy has ${file.length} bytes, its zip entry says 200`],
    ['a bomb', deflated(file, { size: 2 ** 31 }), 'the zip archive would expand too far: a.npy to 2147483648 bytes'],
    ['a Zip64 entry', deflated(file, { size: 2 ** 32 - 1 }), 'a.npy is a Zip64 entry'],
    ['another compression', deflated(file, { method: 12 }), 'a.npy is compressed by method 12'],
    ['encryption', deflated(file, { flags: 1 }), 'a.npy is encrypted'],
    ['what is not deflated', deflated(file, { method: 0 }), 'a.npy has '],
    ['no arrays', deflated(file, { name: 'a.txt' }), 'a.txt is no .npy'],
    ['a reserved name', deflated(file, { name: '__proto__.npy' }), 'the name is reserved'],
    [
      'a Zip64 archive',
      patched((view, end) => view.setUint32(end + 16, 0xffffffff, true)),
      'the zip archive is a Zip64',
    ],
    ['a split archive', patched((view, end) => view.setUint16(end + 4, 1, true)), 'split over several files'],
    ['a directory elsewhere', patched((view, end) => view.setUint32(end + 16, 0, true)), 'directory is damaged'],
    [
      'an entry elsewhere',
      patched((view, end) => view.setUint32(end - 9, 1, true)),
      'a.npy is not where the zip archive',
    ],
  ])('%s is refused', async (_, zip, message) => {
    await expect(readNpz(zip)).rejects.toThrow(FormatError);
    await expect(readNpz(zip)).rejects.toThrow(message);
  });

  test('damaged deflate data is refused', async () => {
    const zip = deflated(file);
    zip[35 + 2] ^= 255;
    await expect(readNpz(zip)).rejects.toThrow(FormatError);
  });

  test('two entries of one name are refused', async () => {
    const zip = writeZip(
      new Map([
        ['a.npy', file],
        ['b.npy', file],
      ]),
    );
    zip[zip.lastIndexOf('b'.charCodeAt(0), zip.length - 22)] = 'a'.charCodeAt(0);
    await expect(readNpz(zip)).rejects.toThrow('the zip archive holds a.npy twice');
  });

  test('entries that share their bytes are refused', async () => {
    const zip = writeZip(new Map([['a.npy', file]]));
    const end = new DataView(zip.buffer, zip.length - 22);
    const record = zip.slice(end.getUint32(16, true), zip.length - 22);
    const again = record.slice();
    again[46] = 'b'.charCodeAt(0);
    for (const at of [8, 10]) end.setUint16(at, 3, true);
    const shared = Uint8Array.from([
      ...zip.subarray(0, zip.length - 22),
      ...again,
      ...again,
      ...zip.subarray(zip.length - 22),
    ]);
    await expect(readNpz(shared)).rejects.toThrow('entries overlap');
  });

  test('too many entries are not written', () => {
    const entries = new Map(Array.from({ length: 65535 }, (_, i) => [`${i}`, new Uint8Array(0)]));
    expect(() => writeZip(entries)).toThrow('writeZip: 65535 entries');
  });
});
