import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel, type ModelFile } from '../../src/bptt/modelFile.ts';

const model: ModelFile = {
  tensors: {
    weight_ih_l0: { shape: [2, 3], values: Float32Array.of(1, -2.5, 3e-40, -0, 3.4e38, 0.1) },
    bias_ih_l0: { shape: [2], values: Float64Array.of(Math.PI, -5e-324) },
    empty: { shape: [0, 7], values: new Float32Array(0) },
    scalar: { shape: [], values: Float64Array.of(1e300) },
  },
  metadata: { spec: { cell: 'elman' }, vocabulary: ['a', '"sha256":"', 'ä', '🦊', '\u0000'], step: 12 },
};
const broken = /^decodeModel: not a whole model file: /;

describe('model file', () => {
  it('round trip, to the bit', async () => {
    const file = await encodeModel(model);
    expect(await decodeModel(file)).toStrictEqual(model);
    expect(await decodeModel(Buffer.from(file))).toStrictEqual(model);
    const elsewhere = new Uint8Array(file.length + 5);
    elsewhere.set(file, 5);
    expect(await decodeModel(elsewhere.subarray(5))).toStrictEqual(model);
    expect(await encodeModel(model)).toStrictEqual(file);
  });

  it('round trip of anything', async () => {
    const tensors = fc.dictionary(
      fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => name !== '__proto__' && name !== '__metadata__'),
      fc.oneof(fc.float32Array({ maxLength: 6 }), fc.float64Array({ maxLength: 6 })).map((values) => ({
        shape: [values.length],
        values,
      })),
      { maxKeys: 4, noNullPrototype: true },
    );
    const metadata = fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean()),
      { noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(tensors, metadata, async (tensors, metadata) => {
        const decoded = await decodeModel(await encodeModel({ tensors, metadata }));
        expect(decoded).toStrictEqual({ tensors, metadata });
      }),
    );
  });

  it('is a safetensors file', async () => {
    const file = await encodeModel(model);
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    expect(header.weight_ih_l0).toEqual({ dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] });
    expect(header.bias_ih_l0).toEqual({ dtype: 'F64', shape: [2], data_offsets: [24, 40] });
    expect(JSON.parse(header.__metadata__.bptt)).toEqual(model.metadata);
    expect(header.__metadata__.sha256).toMatch(/^[0-9a-f]{64}$/);
    const data = new DataView(file.buffer, 8 + length);
    expect(data.getFloat32(4, true)).toBe(-2.5);
    expect(data.getFloat64(24, true)).toBe(Math.PI);
    expect(file.length).toBe(8 + length + 48);
  });

  it('refuses to write a tensor of the wrong size', async () => {
    const wrong = { tensors: { w: { shape: [2, 2], values: new Float32Array(3) } }, metadata: {} };
    await expect(encodeModel(wrong)).rejects.toThrow(RangeError('encodeModel: w has 3 elements, expected [2,2]'));
  });

  it('truncated anywhere: an error that says so', async () => {
    const file = await encodeModel(model);
    for (let length = 0; length < file.length; length++) {
      await expect(decodeModel(file.subarray(0, length)), `${length} bytes`).rejects.toThrow(broken);
    }
    const headerLength = Number(new DataView(file.buffer).getBigUint64(0, true));
    const [short, half, most] = [7, 100, file.length - 1].map((n) => decodeModel(file.subarray(0, n)));
    await expect(short).rejects.toThrow('it has 7 bytes, a header takes at least 8');
    await expect(half).rejects.toThrow(`it is truncated: 100 bytes, the header alone needs ${8 + headerLength}`);
    await expect(most).rejects.toThrow('it is truncated: 47 bytes of numbers, the header announces 48');
  });

  it('one byte changed anywhere: an error', async () => {
    const file = await encodeModel(model);
    for (let at = 0; at < file.length; at++) {
      for (const flip of [1, 0x10, 0x20, 0x2a, 0x80]) {
        const altered = file.slice();
        altered[at] ^= flip;
        await expect(decodeModel(altered), `byte ${at} ^ ${flip}`).rejects.toThrow(broken);
      }
    }
  });

  it('any bytes changed, removed or added: an error', async () => {
    const file = await encodeModel(model);
    const place = fc.nat({ max: file.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, place, fc.uint8Array({ maxLength: 9 }), async (a, b, bytes) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const altered = Uint8Array.of(...file.subarray(0, from), ...bytes, ...file.subarray(to));
        fc.pre(altered.length !== file.length || altered.some((v, i) => v !== file[i]));
        await expect(decodeModel(altered)).rejects.toThrow(broken);
      }),
      { numRuns: 300 },
    );
  });

  it('an altered number is called altered', async () => {
    const file = await encodeModel(model);
    file[file.length - 1] ^= 1;
    await expect(decodeModel(file)).rejects.toThrow('its checksum does not match: it was altered');
    const longer = Uint8Array.of(...(await encodeModel(model)), 0);
    await expect(decodeModel(longer)).rejects.toThrow('it has 1 bytes more than its header announces');
  });

  const fileOf = (header: string | Uint8Array, data = new Uint8Array(0)): Uint8Array => {
    const head = typeof header === 'string' ? new TextEncoder().encode(header) : header;
    const file = new Uint8Array(8 + head.length + data.length);
    new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
    file.set(head, 8);
    file.set(data, 8 + head.length);
    return file;
  };
  const notes = { bptt: '{}', sha256: '0'.repeat(64) };
  const withEntry = (entry: unknown) => fileOf(JSON.stringify({ w: entry, __metadata__: notes }), new Uint8Array(8));

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'it has 0 bytes'],
    ['text', new TextEncoder().encode('To be, or not to be, that is the question'), 'its header would be '],
    ['no JSON', fileOf('hello'), 'its header is not JSON'],
    ['no UTF-8', fileOf(Uint8Array.of(0xff, 0xfe)), 'its header is not JSON'],
    ['a list', fileOf('[1]'), 'its header is not JSON'],
    [
      'another program’s',
      fileOf('{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'),
      'its header lacks the metadata',
    ],
    ['odd metadata', fileOf('{"__metadata__":{"bptt":1,"sha256":"x"}}'), 'its header lacks the metadata'],
    ['a short checksum', fileOf('{"__metadata__":{"bptt":"{}","sha256":"0"}}'), 'its checksum does not match'],
    ['no tensor', withEntry(null), 'its header has an entry that is no tensor: null'],
    [
      'half floats',
      withEntry({ dtype: 'F16', shape: [4], data_offsets: [0, 8] }),
      'an entry that is no tensor: {"dtype":',
    ],
    ['negative shape', withEntry({ dtype: 'F32', shape: [-2], data_offsets: [0, 8] }), 'an entry that is no tensor'],
    ['shape no list', withEntry({ dtype: 'F32', shape: 2, data_offsets: [0, 8] }), 'an entry that is no tensor'],
    ['three offsets', withEntry({ dtype: 'F32', shape: [2], data_offsets: [0, 8, 8] }), 'an entry that is no tensor'],
    [
      'offsets that do not fit',
      withEntry({ dtype: 'F32', shape: [1], data_offsets: [0, 8] }),
      'an entry that is no tensor',
    ],
  ])('not a model: %s', async (_, file, message) => {
    await expect(decodeModel(file)).rejects.toThrow(broken);
    await expect(decodeModel(file)).rejects.toThrow(message);
  });

  it('a header that would be huge is not believed', async () => {
    const file = new Uint8Array(64);
    new DataView(file.buffer).setBigUint64(0, 2n ** 63n, true);
    await expect(decodeModel(file)).rejects.toThrow('its header would be 9223372036854776000 bytes long');
  });
});
