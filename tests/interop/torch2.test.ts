import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromStateDict, readOnnx, readTorch } from '../../src/interop/index.ts';
import { expectClose } from './expectAnswer.ts';
import { batchFirstAnswer, fixture, fixtures } from './reference.ts';

interface Flat {
  shape: number[];
  values: number[];
}

/** Made by make_torch2.py with PyTorch 2.13. */
const facts = JSON.parse(readFileSync(new URL('torch2/facts.json', fixtures), 'utf8')) as Record<
  string,
  { x: Flat; y: Flat }
>;

/** [B,T,·] of [T,B,·]. */
function turned({ shape: [T, B, size], values }: Flat): Flat {
  const at = (i: number) => (Math.floor(i / size) % T) * B + Math.floor(i / (T * size));
  return { shape: [B, T, size], values: values.map((_, i) => values[at(i) * size + (i % size)]) };
}

const isTimeFirst = (name: string) => name === 'C' || name === 'D';
const question = (name: string) => (isTimeFirst(name) ? turned(facts[name].x) : facts[name].x);
const wanted = (name: string) => (name === 'D' ? turned(facts[name].y) : facts[name].y).values;

test.each([
  ['A', 14, { cell: 'lstm', layers: 2, initialState: 'zero' }],
  ['B', 14, { cell: 'gru', input: 'ids', inputSize: 9, lossAt: 'last' }],
  ['C', 14, { cell: 'elman', nonlinearity: 'relu', loss: 'softmaxCrossEntropy', lossAt: 'last' }],
  ['D', 14, { cell: 'gru', bidirectional: true, outputActivation: 'sigmoid' }],
  ['A', 18, { cell: 'lstm', layers: 2 }],
  ['B', 18, { cell: 'gru', input: 'ids' }],
])('net %s as operator set %i', (name, opset, spec) => {
  const file = `${name}${opset}.onnx`;
  const externalData = opset === 18 ? { [`${file}.data`]: fixture(`torch2/${file}.data`) } : {};
  const model = readOnnx(fixture(`torch2/${file}`), { externalData });
  expect(model.spec).toMatchObject(spec);
  expectClose(batchFirstAnswer(model, question(name)), wanted(name));
});

test.each([
  ['A', {}],
  ['B', { lossAt: 'last' }],
  ['C', { nonlinearity: 'relu', lossAt: 'last', loss: 'softmaxCrossEntropy' }],
  ['D', { outputActivation: 'sigmoid' }],
] as const)('net %s as a checkpoint of DDP', async (name, spec) => {
  const model = fromStateDict(await readTorch(fixture(`torch2/${name}.ddp.pt`)), { spec });
  expectClose(batchFirstAnswer(model, question(name)), wanted(name));
});
