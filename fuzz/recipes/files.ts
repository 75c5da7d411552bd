import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createTrainer, initialParameters, type ModelSpec, saveModel, saveTrainer, writeSafetensors } from 'bptt';
import { writeNpy, writeOnnx } from 'bptt/interop';
import { adam } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

const fixtures = new URL('../../tests/interop/fixtures/', import.meta.url);

function filesOf(folder: string, end: string): Uint8Array[] {
  return (
    readdirSync(new URL(folder, fixtures))
      .filter((name) => name.endsWith(end))
      .map((name) => {
        const bytes = new Uint8Array(readFileSync(new URL(`${folder}${name}`, fixtures)));
        return name.endsWith('.gz') ? new Uint8Array(gunzipSync(bytes)) : bytes;
      })
      // what is altered a thousand times is to be small
      .filter((bytes) => bytes.length < 60_000)
  );
}

const SPEC: ModelSpec = { cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' };
const parameters = initialParameters(SPEC, 'float32', 'orthogonal', new RandomState(0));

const tensors = {
  a: { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
  b: { shape: [], values: Float64Array.of(7) },
  c: { shape: [2], values: Int32Array.of(1, -2) },
};

const trainer = await createTrainer(SPEC, { steps: 3, batch: 2, optimizer: adam(), engine: 'ts' });
const run = await saveTrainer(trainer, { metadata: { text: 'x' } });
const model = await saveModel({ spec: SPEC, parameters });
const named = { w: { shape: [2, 2], dtype: 'F32' as const, values: Float32Array.of(1, 2, 3, 4) } };

/** A reader of one file's bytes, which are altered. */
const reader = (files: readonly Uint8Array[], more: unknown[] = [], also: Partial<Recipe> = {}): Recipe => ({
  args: (r: Random) => [r.pick(files).slice(), ...more],
  file: 0,
  // of any number a file may hold, an infinity too
  unbounded: true,
  ...also,
});

const onnx = [...filesOf('onnx/', '.onnx'), ...filesOf('torch/', '.onnx'), writeOnnx({ spec: SPEC, parameters })];

export const files: Recipes = {
  readSafetensors: reader([writeSafetensors(tensors), ...filesOf('torch/', 'rnn_tanh.safetensors')]),
  decodeModel: reader([model, run], [], { subject: /^decodeModel|model file/ }),
  loadModel: reader([model], [{ engine: 'ts' }], { subject: /^(spec|cell|loss|createModel)\b/ }),
  loadTrainer: reader([run], [{ engine: 'ts' }], { subject: /^(spec|cell|loss|trainer|createTrainer|optimizer)\b/ }),
  readNpy: reader([writeNpy({ shape: [3, 4], values: new Float32Array(12) })]),
  readNpz: reader(filesOf('torch/', '.npz')),
  readTorch: reader(filesOf('torch/', '.pt')),
  readOnnx: reader(onnx),
  readKeras: reader([...filesOf('keras/', '.gz')]),
  encodeModel: { args: () => [{ tensors: { w: Float32Array.of(1, 2) }, metadata: { a: 1 } }], unbounded: true },
  writeSafetensors: { args: () => [{ ...named }, { metadata: { a: 'b' } }], unbounded: true },
  readTfjs: tfjs(),
};

function tfjs(): Recipe {
  const saved = readdirSync(new URL('tfjs/', fixtures)).map((name) => {
    const { fixture, ...rest } = JSON.parse(readFileSync(new URL(`tfjs/${name}`, fixtures), 'utf8')) as {
      fixture: { weights: string };
    };
    return [new TextEncoder().encode(JSON.stringify(rest)), new Uint8Array(Buffer.from(fixture.weights, 'base64'))];
  });
  return {
    args(r) {
      const [json, weights] = r.pick(saved);
      return [json.slice(), { 'group1-shard1of1.bin': weights }];
    },
    file: 0,
    unbounded: true,
  };
}
