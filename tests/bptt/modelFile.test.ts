import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeModel, encodeModel, type ModelFile } from '../../src/bptt/modelFile.ts';
import { readSafetensors } from '../../src/bptt/safetensors.ts';

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
    [
      'odd metadata',
      fileOf('{"__metadata__":{"bptt":1,"sha256":"x"}}'),
      'its __metadata__ has a "bptt" that is no text',
    ],
    ['a short checksum', fileOf('{"__metadata__":{"bptt":"{}","sha256":"0"}}'), 'its checksum does not match'],
    ['no metadata at all', fileOf('{"__metadata__":{}}'), 'its header lacks the metadata of a bptt model'],
    ['no tensor', withEntry(null), 'its header has an entry that is no tensor: "w" is no object'],
    [
      'short integers',
      withEntry({ dtype: 'I16', shape: [4], data_offsets: [0, 8] }),
      'an entry that is no tensor: "w" has dtype "I16"',
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

  /** A file as encodeModel seals it, whatever is in its header and behind it. */
  const sealed = (metadata: string, entries: Record<string, unknown> = {}, data = new Uint8Array(0)): Uint8Array => {
    const file = fileOf(JSON.stringify({ ...entries, __metadata__: { bptt: metadata, sha256: '0'.repeat(64) } }), data);
    const hash = createHash('sha256').update(file).digest('hex');
    const text = Buffer.from(file).toString('latin1').replace('0'.repeat(64), hash);
    return Uint8Array.from(Buffer.from(text, 'latin1'));
  };

  it('metadata that is not a JSON object is named as such', async () => {
    expect(await decodeModel(sealed('{"a":1}'))).toStrictEqual({ tensors: {}, metadata: { a: 1 } });
    await expect(decodeModel(sealed('{"a":'))).rejects.toThrow(
      /^decodeModel: not a whole model file: its metadata is not JSON: \S/,
    );
    for (const other of ['[1]', 'null', '"text"', '1']) {
      await expect(decodeModel(sealed(other))).rejects.toThrow(
        new Error('decodeModel: not a whole model file: its metadata is not a JSON object'),
      );
    }
  });

  it('whole numbers are no parameters; half floats are', async () => {
    for (const [dtype, bytes] of [
      ['I64', 8],
      ['I32', 4],
      ['U8', 1],
      ['BOOL', 1],
    ] as const) {
      const file = sealed('{}', { w: { dtype, shape: [1], data_offsets: [0, bytes] } }, new Uint8Array(bytes));
      await expect(decodeModel(file)).rejects.toThrow(
        `decodeModel: not a whole model file: its tensor w has dtype ${dtype}, expected floating-point numbers`,
      );
    }
    const half = sealed('{}', { w: { dtype: 'F16', shape: [1], data_offsets: [0, 2] } }, Uint8Array.of(0, 0x3c));
    expect((await decodeModel(half)).tensors).toStrictEqual({ w: { shape: [1], values: Float32Array.of(1) } });
  });

  it("other programs' files: the error says what reads them", async () => {
    const file = readFileSync(new URL('./fixtures/rnn_tanh.safetensors', import.meta.url));
    await expect(decodeModel(file)).rejects.toThrow(
      "its header lacks the metadata of a bptt model; readSafetensors reads other programs' files",
    );
    expect(Object.keys(readSafetensors(file).tensors)).toHaveLength(6);
    expect(Object.keys(readSafetensors(await encodeModel(model)).metadata)).toEqual(['bptt', 'sha256']);
  });

  it('refuses a name that the reader would refuse', async () => {
    const tensors = { __metadata__: { shape: [0], values: new Float32Array(0) } };
    await expect(encodeModel({ tensors, metadata: {} })).rejects.toThrow(
      RangeError('encodeModel: "__metadata__" cannot be the name of a tensor'),
    );
  });

  describe('on a page that does not come over https', () => {
    afterEach(() => {
      vi.unstubAllGlobals();
    });

    it.each([
      ['without crypto.subtle', {}],
      ['without crypto', undefined],
    ])('%s: the same bytes, read and checked', async (_, crypto) => {
      const file = await encodeModel(model);
      vi.stubGlobal('crypto', crypto);
      expect(await encodeModel(model)).toStrictEqual(file);
      expect(await decodeModel(file)).toStrictEqual(model);
      file[file.length - 1] ^= 1;
      await expect(decodeModel(file)).rejects.toThrow('its checksum does not match: it was altered');
    });
  });

  it('a header that would be huge is not believed', async () => {
    const file = new Uint8Array(64);
    new DataView(file.buffer).setBigUint64(0, 2n ** 63n, true);
    await expect(decodeModel(file)).rejects.toThrow('its header would be 9223372036854776000 bytes long');
  });
});
