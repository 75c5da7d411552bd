import {
  type Cell,
  type CreateTrainerOptions,
  createSampler,
  createTrainer,
  type EngineName,
  type TrainingBatch,
  tsEngine,
} from 'bptt';
import { adagrad, adam, sgd } from 'bptt/optim';
import { matmulNN, RandomState } from 'bptt/tensor';
import { wasmEngine } from 'bptt/wasm';
import type { Contender, Product, Sampling, Task, Tensors, Training } from './contender.ts';

/** Who computes, and in what. */
export interface Who {
  engine: Exclude<EngineName, 'auto'>;
  dtype: 'float32' | 'float64';
  threads: number;
  /** Engine wasm: products by fused multiply-add. */
  fma?: boolean;
  /** Instead of the bundled cell of the task. */
  cell?: Cell;
  /** Engine webgpu: on which device. */
  webgpu?: NonNullable<CreateTrainerOptions['webgpu']>;
}

/** The library on the CPU doing a task, as a user would have it do it. */
export async function libraryContender(task: Task, tensors: Tensors, who: Who): Promise<Contender> {
  if (task.kind === 'training') return trainingContender(task, tensors, who);
  if (task.kind === 'product') return productContender(task, tensors, who);
  return samplingContender(task, tensors, who);
}

/** @param most steps of one call of `train`, after which their losses are there */
export async function trainingContender(
  { cell, D, H, V, T, B, loss, reduction, optimizer, lr, clip, carry }: Training,
  { inputs, targets, ...weights }: Tensors,
  { cell: own, ...who }: Who,
  most = Infinity,
): Promise<Contender> {
  const options = {
    ...who,
    steps: T,
    batch: B,
    optimizer: { adagrad, adam, sgd }[optimizer]({ lr }),
    clip: { value: clip },
  };
  const trainer = await createTrainer(
    { cell: own ?? cell, inputSize: D, hiddenSize: H, outputSize: V, bias: 'input', loss, reduction },
    options,
  );
  await trainer.setParameters(weights as Record<string, Float32Array>);
  const size = T * B;
  const batches = Array.from({ length: inputs.length / size }, (_, n): TrainingBatch => {
    const ids = targets.subarray(n * size, (n + 1) * size) as Int32Array;
    return {
      inputs: inputs.subarray(n * size, (n + 1) * size) as Int32Array,
      targets: loss === 'softmaxCrossEntropy' ? ids : oneHots(ids, V, who.dtype),
      carry: carry && n > 0,
    };
  });
  let next = 0;
  return {
    async run(steps) {
      const losses = new Float64Array(steps);
      for (let done = 0; done < steps; ) {
        const some = Array.from(
          { length: Math.min(steps - done, most) },
          (_, i) => batches[(next + i) % batches.length],
        );
        losses.set(await trainer.train(some), done);
        done += some.length;
        next = (next + some.length) % batches.length;
      }
      return losses;
    },
  };
}

function productContender({ N }: Product, { a, b }: Tensors, { engine, dtype, fma = false }: Who): Contender {
  const { floats, kernels } = engine === 'ts' ? tsEngine(dtype) : wasmEngine({ lengths: [N * N, N * N, N * N], fma });
  const [c, left, transposed] = [floats(N * N), floats(N * N), floats(N * N)];
  left.set(a);
  for (let k = 0; k < N; k++) for (let j = 0; j < N; j++) transposed[j * N + k] = b[k * N + j];
  return {
    run(steps) {
      // What a layer asks of an engine: z = x·Wᵀ.
      for (let i = 0; i < steps; i++) kernels.linearForward(c, left, transposed, null, N, N, N);
      return c;
    },
  };
}

/** W4 by the function that anybody imports, on arrays of ordinary memory. */
export function importedProduct(task: Task, { a, b }: Tensors): Contender {
  const { N } = task as Product;
  const c = new Float32Array(N * N);
  return {
    run(steps) {
      for (let i = 0; i < steps; i++) matmulNN(c, a as Float32Array, b as Float32Array, N, N, N);
      return c;
    },
  };
}

async function samplingContender(
  { cell, H, V, seed }: Sampling,
  { uniforms: _, ...weights }: Tensors,
  { engine, dtype }: Who,
): Promise<Contender> {
  if (engine === 'webgpu') throw new Error('sampling is timed on the CPU only');
  const sampler = await createSampler(
    { cell, inputSize: V, hiddenSize: H, outputSize: V, bias: 'input', loss: 'softmaxCrossEntropy' },
    Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, ofDtype(dtype, values)])),
    { engine },
  );
  const rng = new RandomState(seed);
  let last = 0;
  return {
    run(steps) {
      const ids = sampler.sample([last], steps, rng);
      last = ids[steps - 1];
      return ids;
    },
  };
}

function ofDtype(dtype: Who['dtype'], values: ArrayLike<number>): Float32Array | Float64Array {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}

/** [T,V]: a one where the id is. */
function oneHots(ids: Int32Array, V: number, dtype: Who['dtype']): Float32Array | Float64Array {
  const rows = ofDtype(dtype, new Float32Array(ids.length * V));
  for (const [t, id] of ids.entries()) rows[t * V + id] = 1;
  return rows;
}
