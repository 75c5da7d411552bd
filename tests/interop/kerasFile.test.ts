import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHdf5 } from '../../src/interop/hdf5.ts';
import { type ForeignModel, FormatError, readKeras } from '../../src/interop/index.ts';
import { readZip, writeZip } from '../../src/interop/zip.ts';
import { damaged, survives } from './damaged.ts';
import { expectClose } from './expectAnswer.ts';
import { batchFirstAnswer, fixture, fixtures } from './reference.ts';

interface Flat {
  shape: number[];
  values: number[];
}

/** Made by make_keras.py with Keras 3.15. */
const answers = JSON.parse(readFileSync(new URL('keras/answers.json', fixtures), 'utf8')) as Record<
  string,
  { x: Flat; y: Flat }
>;
const saved = (file: string) => new Uint8Array(gunzipSync(fixture(`keras/${file}.gz`)));
const refused: Record<string, string> = {
  masked: 'layer embedding (Embedding): mask_zero is not supported',
  hard: 'layer lstm (LSTM): recurrent_activation hard_sigmoid, expected sigmoid',
};
const names = Object.keys(answers);
const both = (list: string[]) => list.flatMap((name) => [`${name}.keras`, `${name}.h5`]);

test('there are eleven models', () => {
  expect(names).toHaveLength(11);
});

const older = ['gru2_bi.older.keras', 'named.older.keras'];

test.each([...both(names.filter((name) => !(name in refused))), ...older])(
  '%s of Keras answers here what it answered there',
  async (file) => {
    const model = await readKeras(saved(file));
    const { x, y } = answers[file.replace(/\..*/, '')];
    expectClose(batchFirstAnswer(model, x), y.values);
  },
);

test.each(both(Object.keys(refused)))('%s is refused by name', async (file) => {
  await expect(readKeras(saved(file))).rejects.toThrow(refused[file.replace(/\..*/, '')]);
});

test('what is recognised', async () => {
  expect((await readKeras(saved('gru.keras'))).spec).toMatchObject({
    cell: 'gru',
    bias: 'both',
    hiddenSize: 3,
    outputSize: 2,
    inputSize: 4,
  });
  expect((await readKeras(saved('gru_before.h5'))).spec).toMatchObject({
    cell: 'gruResetBefore',
    bias: 'input',
    outputActivation: 'sigmoid',
  });
  expect((await readKeras(saved('gru2_bi.h5'))).spec).toMatchObject({ cell: 'gru', layers: 2, bidirectional: true });
  const two = await readKeras(saved('lstm2.keras'), { spec: { loss: 'softmaxCrossEntropy' } });
  expect(two.spec).toMatchObject({ cell: 'lstm', layers: 2, bias: 'input', loss: 'softmaxCrossEntropy' });
  expect(two.parameters.bias_ih_l1).toEqual(new Float32Array(12)); // use_bias is false there
  expect((await readKeras(saved('lstm_last.keras'))).spec).toMatchObject({
    lossAt: 'last',
    loss: 'softmaxCrossEntropy',
  });
});

describe('damaged', () => {
  const parameters = async (model: Promise<ForeignModel>) => (await model).parameters;
  test.each(['gru2_bi.h5', 'embedding_lstm.h5', 'functional_bi.keras'])(
    '%s gives a named error or a model, and nothing else',
    async (file) => {
      const whole = saved(file);
      // The weights of a .keras without its checksums: what is behind them is to stand on its own.
      const inner = file.endsWith('.keras') ? await readZip('test', whole) : null;
      const target = inner ? inner.get('model.weights.h5')! : whole;
      const rebuilt = (bytes: Uint8Array) =>
        inner ? writeZip(new Map([...inner, ['model.weights.h5', bytes]])) : bytes;
      // Most of a file is zeros: bytes that are none are hit more often.
      const busy = Array.from(target.keys()).filter((at) => target[at] !== 0);
      const seen = { read: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(damaged(target, busy), async (bytes) => {
          seen[await survives(() => parameters(readKeras(rebuilt(bytes))), whole.length)]++;
        }),
        { numRuns: 400 },
      );
      expect(seen.refused).toBeGreaterThan(0);
      for (let end = 0; end < target.length; end += 997) {
        expect(await survives(() => parameters(readKeras(rebuilt(target.slice(0, end)))), whole.length)).toBe(
          'refused',
        );
      }
    },
  );

  test('every field of the structure in turn', async () => {
    const whole = saved('embedding_lstm.h5');
    for (let at = 0; at < 4000; at += 3) {
      for (const value of [0xff, whole[at] ^ 1]) {
        const bytes = whole.slice();
        bytes[at] = value;
        await survives(() => parameters(readKeras(bytes)), whole.length);
      }
    }
  });
});

describe('other files', () => {
  test.each<[string, Uint8Array, string]>([
    ['no archive', new Uint8Array(40), 'readKeras: not a zip archive'],
    [
      'an archive of something else',
      writeZip(new Map([['a', new Uint8Array(0)]])),
      'lacks config.json or model.weights.h5',
    ],
    ['HDF5 cut off', Uint8Array.of(0x89, 1), 'truncated'],
    ['not HDF5', new Uint8Array(100).fill(0x89), 'not an HDF5 file'],
  ])('%s', async (_, file, message) => {
    await expect(readKeras(file)).rejects.toThrow(FormatError);
    await expect(readKeras(file)).rejects.toThrow(message);
  });

  test('weights alone; a configuration that is none', async () => {
    const entries = await readZip('test', saved('gru.keras'));
    await expect(readKeras(entries.get('model.weights.h5')!)).rejects.toThrow('it holds weights alone');
    const withConfig = (text: string) =>
      readKeras(writeZip(new Map([...entries, ['config.json', new TextEncoder().encode(text)]])));
    await expect(withConfig('{')).rejects.toThrow('config.json is not JSON');
    await expect(withConfig('[]')).rejects.toThrow('the model is a list, expected an object');
    await expect(withConfig('{"class_name":"Foo"}')).rejects.toThrow('the model is of class Foo, expected Sequential');
    await expect(withConfig('{"class_name":"Sequential","config":{}}')).rejects.toThrow('no list of layers');
  });

  test('newer versions of HDF5 are refused by name', () => {
    const whole = saved('gru.h5');
    const patched = (at: number, value: number) => {
      const copy = whole.slice();
      copy[at] = value;
      return () => readHdf5('test', copy);
    };
    expect(patched(8, 2)).toThrow('test: HDF5: the superblock has version 2');
    expect(patched(13, 4)).toThrow('addresses of 4 and lengths of 8 bytes');
    expect(patched(24, 1)).toThrow('the base address is not 0');
    const root = Number(new DataView(whole.buffer).getBigUint64(64, true));
    expect(patched(root, 2)).toThrow('the object header of the root has version 2');
  });
});
