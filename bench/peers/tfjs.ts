import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import type { Contender, Product, Sampling, Tensors, Training } from '../contender.ts';
import { openCountedGpu, thenReading } from '../countedGpu.ts';
import { serve } from '../serve.ts';
import { draw, rowsWithBias, transposed } from './tensors.ts';

/**
 * TensorFlow.js on the backend that the argument names, WebAssembly or WebGPU: operations run as they are called, gradients
 * by its tape.
 */

const backend = process.argv[2] as 'wasm' | 'webgpu';
const gpu = backend === 'webgpu' ? await openCountedGpu() : null;
// The backend for WebGPU is there only where it finds that when it is loaded.
if (gpu) await import('@tensorflow/tfjs-backend-webgpu');
else setWasmPaths(`${fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/dist', import.meta.url))}/`);
if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);

/**
 * a·b. The WebAssembly backend sends only products without transposed operands to its fast kernel, and the gradient that
 * comes with tf.matMul asks for transposed ones.
 */
const matMul: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor = gpu
  ? tf.matMul
  : tf.customGrad((a, b, save) => {
      const [x, w] = [a as tf.Tensor2D, b as tf.Tensor2D];
      (save as tf.GradSaveFunc)([x, w]);
      return {
        value: tf.matMul(x, w),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [
          tf.matMul(dy, tf.transpose(saved[1])),
          tf.matMul(tf.transpose(saved[0]), dy),
        ],
      };
    });

function zeros(cell: Training['cell'], B: number, H: number): tf.Tensor[] {
  return cell === 'lstm' ? [tf.zeros([B, H]), tf.zeros([B, H])] : [tf.zeros([B, H])];
}

/** The state after a step: h, and of an LSTM c. */
function cellStep(z: tf.Tensor, c: tf.Tensor | undefined): tf.Tensor[] {
  if (!c) return [tf.tanh(z)];
  const [i, f, g, o] = tf.split(z, 4, 1);
  const next = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
  return [tf.mul(tf.sigmoid(o), tf.tanh(next)), next];
}

function training(task: Training, tensors: Tensors): Contender {
  const { cell, D, H, V, T, B, loss, reduction, clip, carry } = task;
  const { inputs, targets } = tensors;
  const R = T * B;
  const matrix = (name: string, columns: number): tf.Variable =>
    tf.variable(tf.tensor2d(transposed(tensors[name], columns), [columns, tensors[name].length / columns]));
  const [Wx, Wh, Wy] = [matrix('weight_ih_l0', D), matrix('weight_hh_l0', H), matrix('weight_ho', H)];
  const [bh, by] = ['bias_ih_l0', 'bias_ho'].map((name) => tf.variable(tf.tensor1d(tensors[name] as Float32Array)));
  const params = [Wx, Wh, Wy, bh, by];
  const update = optimizerOf(task, params);
  let carried: tf.Tensor[] = [];
  let n = 0;

  function oneHots(ids: Tensors[string], size: number): tf.Tensor {
    const batch = ids.subarray(n * R, (n + 1) * R) as Int32Array;
    return tf.cast(tf.oneHot(tf.tensor1d(batch, 'int32'), size), 'float32');
  }

  function forward(): tf.Scalar {
    const zx = tf.split(tf.add(matMul(oneHots(inputs, D), Wx), bh), T);
    const hs: tf.Tensor[] = [];
    let state = carry && n > 0 ? carried : zeros(cell, B, H);
    for (let t = 0; t < T; t++) {
      const [h, c] = state;
      state = cellStep(tf.add(zx[t], matMul(h, Wh)), c);
      hs.push(state[0]);
    }
    if (carry) carried = state.map((s) => tf.keep(s.clone()));
    const y = oneHots(targets, V);
    const z = tf.add(matMul(tf.concat(hs), Wy), by);
    const sum =
      loss === 'softmaxCrossEntropy'
        ? tf.neg(tf.sum(tf.mul(y, tf.logSoftmax(z))))
        : // softplus(z) − y·z without overflow
          tf.sum(tf.add(tf.sub(tf.relu(z), tf.mul(z, y)), tf.log(tf.add(tf.exp(tf.neg(tf.abs(z))), 1))));
    return (reduction === 'mean' ? tf.div(sum, R) : sum) as tf.Scalar;
  }

  function step(): tf.Scalar {
    const before = carried;
    const { value, grads } = tf.variableGrads(forward, params);
    tf.tidy(() => update(params.map((p) => tf.clipByValue(grads[p.name], -clip, clip))));
    tf.dispose([grads, before]);
    n = (n + 1) % (inputs.length / R);
    return value;
  }

  return thenReading(
    gpu,
    (steps) => Array.from({ length: steps }, step),
    async (losses) => {
      const values = await Promise.all(losses.map(async (loss) => (await loss.data())[0]));
      tf.dispose(losses);
      return values;
    },
  );
}

/** What does with gradients what the task says; called within a tidy. */
function optimizerOf({ optimizer, lr }: Training, params: readonly tf.Variable[]): (grads: tf.Tensor[]) => void {
  const likeParams = (): tf.Variable[] => params.map((p) => tf.variable(tf.zeros(p.shape)));
  if (optimizer === 'sgd') {
    return (grads) => {
      for (const [i, p] of params.entries()) p.assign(tf.sub(p, tf.mul(grads[i], lr)));
    };
  }
  if (optimizer === 'adagrad') {
    const memories = likeParams();
    return (grads) => {
      for (const [i, p] of params.entries()) {
        memories[i].assign(tf.add(memories[i], tf.square(grads[i])));
        p.assign(tf.sub(p, tf.div(tf.mul(grads[i], lr), tf.sqrt(tf.add(memories[i], 1e-8)))));
      }
    };
  }
  const [beta1, beta2, eps] = [0.9, 0.999, 1e-8];
  const [ms, vs] = [likeParams(), likeParams()];
  let t = 0;
  return (grads) => {
    t++;
    const size = lr / (1 - beta1 ** t);
    const root = Math.sqrt(1 - beta2 ** t);
    for (const [i, p] of params.entries()) {
      ms[i].assign(tf.add(tf.mul(ms[i], beta1), tf.mul(grads[i], 1 - beta1)));
      vs[i].assign(tf.add(tf.mul(vs[i], beta2), tf.mul(tf.square(grads[i]), 1 - beta2)));
      p.assign(tf.sub(p, tf.div(tf.mul(ms[i], size), tf.add(tf.mul(tf.sqrt(vs[i]), 1 / root), eps))));
    }
  };
}

function product({ N }: Product, { a, b }: Tensors): Contender {
  const [left, right] = [a, b].map((values) => tf.tensor2d(values as Float32Array, [N, N]));
  return thenReading(
    gpu,
    (steps) => {
      let c = tf.matMul(left, right);
      for (let i = 1; i < steps; i++) {
        c.dispose();
        c = tf.matMul(left, right);
      }
      return c;
    },
    async (c) => {
      const values = await c.data();
      c.dispose();
      return values;
    },
  );
}

function sampling({ cell, H, V }: Sampling, tensors: Tensors): Contender {
  const { weight_ih_l0, weight_hh_l0, bias_ih_l0, weight_ho, bias_ho, uniforms } = tensors;
  const rows = tf.split(tf.tensor2d(rowsWithBias(weight_ih_l0, bias_ih_l0), [V, bias_ih_l0.length]), V);
  const Wh = tf.tensor2d(transposed(weight_hh_l0, H), [H, bias_ih_l0.length]);
  const Wy = tf.tensor2d(transposed(weight_ho, H), [H, V]);
  const by = tf.tensor1d(bias_ho as Float32Array);
  let state = zeros(cell, 1, H);
  let id = 0;
  let n = 0;

  function next(): number {
    const [h, c] = state;
    const logits = tf.tidy(() => {
      state = cellStep(tf.add(rows[id], tf.matMul(h as tf.Tensor2D, Wh)), c).map((s) => tf.keep(s));
      return tf.add(tf.matMul(state[0] as tf.Tensor2D, Wy), by);
    });
    tf.dispose([h, c]);
    id = draw(logits.dataSync(), uniforms[n++ % uniforms.length]);
    logits.dispose();
    return id;
  }

  return { run: (steps) => Array.from({ length: steps }, next) };
}

await serve((task, tensors) => {
  if (task.kind === 'training') return training(task, tensors);
  if (task.kind === 'product') return product(task, tensors);
  return sampling(task, tensors);
});
