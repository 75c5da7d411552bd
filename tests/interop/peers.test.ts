import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { bundledSpec, directionsOf } from '../../src/interop/bundledSpec.ts';
import { readTfjs, writeOnnx } from '../../src/interop/index.ts';
import { expectClose } from './expectAnswer.ts';
import { CELLS, manySpecs, netOf } from './nets.ts';
import { answer, batchFirstAnswer } from './reference.ts';

// ONNX Runtime Web and TensorFlow.js, where they are installed: npm ci --prefix tests/interop/peers
const folder = new URL('peers/', import.meta.url);
const installed = existsSync(new URL('node_modules/onnxruntime-web', folder));
const load = createRequire(new URL('package.json', folder));

interface Tensor {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}
interface OnnxRuntime {
  env: { wasm: { numThreads: number } };
  Tensor: new (type: string, data: Float32Array | BigInt64Array | Int32Array, dims: readonly number[]) => Tensor;
  InferenceSession: {
    create(file: Uint8Array): Promise<{ run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>> }>;
  };
}

/** Numbers in ±1 from a fixed sequence. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Nets of sizes drawn at random, for every cell. */
function drawnSpecs(count: number): ModelSpec[] {
  const next = uniform(11);
  const whole = (low: number, high: number): number => low + Math.floor(((next() + 1) / 2) * (high - low + 1));
  return Array.from({ length: count }, (_, i) => ({
    cell: CELLS[i % CELLS.length],
    inputSize: whole(1, 9),
    hiddenSize: whole(1, 17),
    outputSize: whole(0, 6),
    layers: whole(1, 4),
    bidirectional: next() > 0.2,
    bias: (['both', 'input', 'none'] as const)[whole(0, 2)],
    initialState: next() > 0.5 ? 'learned' : 'zero',
    input: next() > 0.5 ? 'ids' : 'dense',
    loss: 'squaredError',
  }));
}

describe.skipIf(!installed)('ONNX Runtime Web runs what is written', () => {
  test.each([...manySpecs(), ...drawnSpecs(60)].map((spec) => [JSON.stringify(spec), spec] as const))(
    '%s',
    async (_, given) => {
      const ort = load('onnxruntime-web') as OnnxRuntime;
      ort.env.wasm.numThreads = 1;
      const net = netOf(given);
      const spec = bundledSpec(given);
      const [T, B, H] = [5, 3, spec.hiddenSize];
      const next = uniform(3);
      const x =
        spec.input === 'ids'
          ? Int32Array.from({ length: T * B }, (_, i) => (7 * i) % spec.inputSize)
          : Float32Array.from({ length: T * B * spec.inputSize }, next);
      const inputs: Record<string, Tensor> = {};
      if (spec.input === 'ids') inputs.ids = new ort.Tensor('int64', BigInt64Array.from(x, BigInt), [T, B]);
      else inputs.x = new ort.Tensor('float32', x as Float32Array, [T, B, spec.inputSize]);
      const size = [spec.layers * directionsOf(spec), B, H];
      const states: { h0?: Float32Array; c0?: Float32Array } = {};
      if (spec.initialState === 'zero') {
        for (const name of spec.cell.startsWith('lstm') ? (['h0', 'c0'] as const) : (['h0'] as const)) {
          states[name] = Float32Array.from({ length: size[0] * B * H }, next);
          inputs[name] = new ort.Tensor('float32', states[name], size);
        }
      }
      const session = await ort.InferenceSession.create(writeOnnx(net, { outputs: 'logits' }));
      const got = await session.run(inputs);
      const { y, hT, cT } = answer(net, { T, B, x, ...states });
      const V = y.length / (T * B);
      expectClose(got.y.data, spec.lossAt === 'last' ? y.slice((T - 1) * B * V) : y);
      expectClose(got.hT.data, hT);
      expectClose(got.cT?.data ?? [], cT);
    },
  );
});

/** What of TensorFlow.js is used; its layers and initializers are data here. */
interface Tfjs {
  // biome-ignore lint/suspicious/noExplicitAny: a library without types of its own here
  [name: string]: any;
}

describe.skipIf(!installed)('TensorFlow.js saves what is read', () => {
  const cells = ['simpleRNN', 'gru', 'lstm'] as const;
  const cases = Array.from({ length: 36 }, (_, i) => i);

  test.each(cases)('net %i', async (seed) => {
    const tf = load('@tensorflow/tfjs') as Tfjs;
    const next = uniform(seed + 1);
    const whole = (low: number, high: number): number => low + Math.floor(((next() + 1) / 2) * (high - low + 1));
    const kind = cells[seed % 3];
    const [T, B, D, H, V] = [whole(2, 7), whole(1, 3), whole(1, 6), whole(1, 9), whole(1, 5)];
    let drawn = 100 * seed;
    const init = () => tf.initializers.randomUniform({ minval: -0.7, maxval: 0.7, seed: ++drawn });
    const weights = { kernelInitializer: init(), biasInitializer: init() };
    const useBias = next() > -0.5;
    const both = next() > 0.2;
    const last = next() > 0.3 && !both;
    const layers = whole(1, 3);
    const symbols = next() > 0.4 ? whole(2, 8) : 0;
    const list = symbols
      ? [tf.layers.embedding({ inputDim: symbols, outputDim: D, inputLength: T, embeddingsInitializer: init() })]
      : [];
    for (let l = 0; l < layers; l++) {
      const inner = {
        ...{
          units: H,
          useBias,
          ...weights,
          recurrentInitializer: init(),
          returnSequences: !(last && l === layers - 1),
        },
        ...(kind === 'simpleRNN' ? { activation: 'tanh' } : { recurrentActivation: 'sigmoid' }),
        ...(l === 0 && !symbols && !both ? { inputShape: [T, D] } : {}),
      };
      const first = l === 0 && !symbols ? { inputShape: [T, D] } : {};
      list.push(
        both
          ? tf.layers.bidirectional({ layer: tf.layers[kind](inner), mergeMode: 'concat', ...first })
          : tf.layers[kind](inner),
      );
    }
    const dense = tf.layers.dense({
      units: V + 1,
      activation: (['linear', 'softmax', 'sigmoid'] as const)[whole(0, 2)],
      ...weights,
    });
    list.push(next() > 0 && !last ? tf.layers.timeDistributed({ layer: dense }) : dense);
    const model = tf.sequential({ layers: list });
    const x = symbols
      ? tf.tensor2d(
          Array.from({ length: B * T }, (_, i) => (i * 5) % symbols),
          [B, T],
        )
      : tf.randomNormal([B, T, D], 0, 1, 'float32', seed);
    const y = model.predict(x);
    let read: ReturnType<typeof readTfjs> | undefined;
    await model.save({
      save: async (saved: Record<string, unknown>) => {
        const { modelTopology, format, weightSpecs, weightData } = saved;
        const weightsManifest = [{ paths: ['w.bin'], weights: weightSpecs }];
        const text = JSON.stringify({ format, modelTopology, weightsManifest });
        read = readTfjs(text, { 'w.bin': new Uint8Array(weightData as ArrayBuffer) });
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      },
    });
    expectClose(
      batchFirstAnswer(read!, { shape: x.shape, values: Array.from(x.dataSync() as Float32Array) }),
      Array.from(y.dataSync() as Float32Array),
    );
    expect(read!.spec.layers ?? 1).toBe(layers);
  });
});
