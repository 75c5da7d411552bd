import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ForeignModel,
  fromStateDict,
  readNpy,
  readNpz,
  readOnnx,
  readTfjs,
  readTorch,
  writeNpy,
} from '../../src/interop/index.ts';
import { damaged, survives } from './damaged.ts';
import { fixture, fixtures } from './reference.ts';

const parameters = (model: ForeignModel) => model.parameters;
const model = (file: string) => fixture(`torch/${file}`);

/** Without checksums too: what is behind them is to stand on its own. */
const readers: [string, Uint8Array, (file: Uint8Array) => unknown][] = [
  ['npy', writeNpy({ shape: [3, 4], values: new Float32Array(12) }), (file) => ({ array: readNpy(file) })],
  ['npz', model('gru.npz'), readNpz],
  ['npz, compressed', model('lstm2.z.npz'), readNpz],
  ['pt', model('gru.ckpt.pt'), async (file) => parameters(fromStateDict(await readTorch(file)))],
  [
    'pt without checksums',
    model('lstm2.pt'),
    async (file) => parameters(fromStateDict(await readTorch(file, { checksums: false }))),
  ],
  ['onnx', model('lstm2.onnx'), (file) => parameters(readOnnx(file))],
  ['onnx, bidirectional', model('gru2_bi.onnx'), (file) => parameters(readOnnx(file))],
  ['onnx node', fixture('onnx/lstm_with_peepholes.onnx'), (file) => parameters(readOnnx(file))],
];

describe.each(readers)('%s', (_, file, read) => {
  test('whole, it is read', async () => {
    expect(await survives(() => read(file), file.length)).toBe('read');
  });

  test('damaged, it gives a named error or a model, and nothing else', async () => {
    const seen = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damaged(file), async (bytes) => {
        seen[await survives(() => read(bytes), bytes.length)]++;
      }),
      { numRuns: 400 },
    );
    expect(seen.refused).toBeGreaterThan(0);
  });

  test('cut off anywhere, it is refused', async () => {
    for (let end = 0; end < file.length; end += Math.ceil(file.length / 97)) {
      // A protobuf message may end after any field: what is left of an ONNX model lacks an output or more.
      expect(await survives(() => read(file.slice(0, end)), file.length)).toBe('refused');
    }
  });

  test('random bytes are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await survives(() => read(bytes), bytes.length)).toBe('refused');
      }),
    );
  });
});

describe.each(readdirSync(new URL('tfjs/', fixtures)))('TensorFlow.js %s', (name) => {
  const text = readFileSync(new URL(`tfjs/${name}`, fixtures), 'utf8');
  const { fixture: extra, ...saved } = JSON.parse(text) as { fixture: { weights: string } };
  const json = new TextEncoder().encode(JSON.stringify(saved));
  const weights = new Uint8Array(Buffer.from(extra.weights, 'base64'));

  test('damaged, it gives a named error or a model, and nothing else', async () => {
    const seen = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damaged(json), fc.oneof(fc.constant(weights), damaged(weights)), async (bytes, numbers) => {
        const read = () => parameters(readTfjs(bytes, { 'group1-shard1of1.bin': numbers }));
        seen[await survives(read, bytes.length)]++;
      }),
      { numRuns: 150 },
    );
    expect(seen.refused).toBeGreaterThan(0);
  });
});
