import { defaultDevice, init, type Array as JaxArray, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import type { Contender, Product, Sampling, Tensor, Tensors, Training } from '../contender.ts';
import { openCountedGpu, thenReading } from '../countedGpu.ts';
import { serve } from '../serve.ts';
import { draw, rowsWithBias, transposed } from './tensors.ts';

/**
 * jax-js on the backend that the argument names, WebAssembly or WebGPU: the whole training step, unrolled over time, is
 * traced and compiled once. An array is used up by what takes it; `.ref` is one use more.
 */

const backend = process.argv[2] as 'wasm' | 'webgpu';
const gpu = backend === 'webgpu' ? await openCountedGpu() : null;
await init(backend);
defaultDevice(backend);

/** Has an array computed, which is put off until somebody asks for it; on a device, without waiting for that. */
function compute(array: JaxArray): void {
  if (gpu) array.ref.gpuBufferSync();
  else array.ref.dataSync();
}

const floats = (values: Tensor | number[], shape: number[]): JaxArray =>
  np.array(Float32Array.from(values), { shape, dtype: np.float32 });
const ids = (values: Tensor): JaxArray => np.array(Int32Array.from(values), { dtype: np.int32 });
const zerosLike = (arrays: JaxArray[]): JaxArray[] => arrays.map((a) => np.zeros(a.shape));

function zeros(cell: Training['cell'], B: number, H: number): JaxArray[] {
  return cell === 'lstm' ? [np.zeros([B, H]), np.zeros([B, H])] : [np.zeros([B, H])];
}

/** The state after a step: h, and of an LSTM c. */
function cellStep(z: JaxArray, c: JaxArray | undefined): JaxArray[] {
  if (!c) return [np.tanh(z)];
  const [i, f, g, o] = np.split(z, 4, 1);
  const next = nn
    .sigmoid(f)
    .mul(c)
    .add(nn.sigmoid(i).mul(np.tanh(g)));
  return [nn.sigmoid(o).mul(np.tanh(next.ref)), next];
}

function training(task: Training, tensors: Tensors): Contender {
  const { cell, D, H, V, T, B, loss, reduction, optimizer, lr, clip, carry } = task;
  const { inputs, targets } = tensors;
  const R = T * B;
  const matrix = (name: string, columns: number): JaxArray =>
    floats(transposed(tensors[name], columns), [columns, tensors[name].length / columns]);
  const vector = (name: string): JaxArray => floats(tensors[name], [tensors[name].length]);

  function lossOf(params: JaxArray[], start: JaxArray[], x: JaxArray, y: JaxArray): [JaxArray, JaxArray[]] {
    const [Wx, Wh, Wy, bh, by] = params;
    const zx = np.split(np.matmul(nn.oneHot(x, D), Wx).add(bh), T, 0);
    const hs: JaxArray[] = [];
    let state = carry ? start : zeros(cell, B, H);
    for (let t = 0; t < T; t++) {
      const [h, c] = state;
      state = cellStep(zx[t].add(np.matmul(h, Wh.ref)), c);
      hs.push(state[0].ref);
    }
    Wh.dispose();
    const z = np.matmul(np.concatenate(hs, 0), Wy).add(by);
    const sum =
      loss === 'softmaxCrossEntropy'
        ? np.sum(nn.logSoftmax(z, -1).mul(nn.oneHot(y, V))).mul(-1)
        : np.sum(nn.softplus(z.ref).sub(z.mul(nn.oneHot(y, V))));
    if (!carry) for (const s of state) s.dispose();
    return [reduction === 'mean' ? sum.mul(1 / R) : sum, carry ? state : []];
  }

  const gradients = valueAndGrad(lossOf, { argnums: 0, hasAux: true });

  /** Parameters and the optimizer's two memories, a batch, and Adam's two factors, to the same after an update. */
  const update = jit(
    (
      params: JaxArray[],
      ms: JaxArray[],
      vs: JaxArray[],
      state: JaxArray[],
      x: JaxArray,
      y: JaxArray,
      factors: JaxArray[],
    ): [JaxArray[], JaxArray[], JaxArray[], JaxArray[], JaxArray] => {
      const [[value, after], grads] = gradients(
        params.map((p) => p.ref),
        state,
        x,
        y,
      );
      const [nextMs, nextVs]: JaxArray[][] = [[], []];
      const next = params.map((p, i) => {
        const g = np.clip(grads[i], -clip, clip);
        if (optimizer === 'sgd') return p.sub(g.mul(lr));
        if (optimizer === 'adagrad') {
          const m = ms[i].add(np.square(g.ref));
          nextMs.push(m.ref);
          return p.sub(g.mul(lr).div(np.sqrt(m.add(1e-8))));
        }
        const m = ms[i].mul(0.9).add(g.ref.mul(1 - 0.9));
        const v = vs[i].mul(0.999).add(np.square(g).mul(1 - 0.999));
        nextMs.push(m.ref);
        nextVs.push(v.ref);
        return p.sub(m.mul(factors[0].ref).div(np.sqrt(v).mul(factors[1].ref).add(1e-8)));
      });
      for (const factor of factors) factor.dispose();
      return [next, nextMs, nextVs, after, value];
    },
  );

  let params = [matrix('weight_ih_l0', D), matrix('weight_hh_l0', H), matrix('weight_ho', H)].concat(
    vector('bias_ih_l0'),
    vector('bias_ho'),
  );
  let ms = optimizer === 'sgd' ? [] : zerosLike(params);
  let vs = optimizer === 'adam' ? zerosLike(params) : [];
  let state: JaxArray[] = [];
  let n = 0;
  let t = 0;

  function step(): JaxArray {
    if (carry && n === 0) {
      for (const s of state) s.dispose();
      state = zeros(cell, B, H);
    }
    t++;
    const factors = optimizer === 'adam' ? [lr / (1 - 0.9 ** t), 1 / Math.sqrt(1 - 0.999 ** t)] : [];
    const [from, to] = [n * R, (n + 1) * R];
    let value: JaxArray;
    [params, ms, vs, state, value] = update(
      params,
      ms,
      vs,
      state,
      ids(inputs.subarray(from, to)),
      ids(targets.subarray(from, to)),
      factors.map((factor) => floats([factor], [1])),
    );
    n = (n + 1) % (inputs.length / R);
    compute(value); // and with it everything else that this step leaves
    return value;
  }

  return thenReading(
    gpu,
    (steps) => Array.from({ length: steps }, step),
    (losses) => Promise.all(losses.map(async (loss) => (await loss.data())[0])),
  );
}

function product({ N }: Product, { a, b }: Tensors): Contender {
  const [left, right] = [floats(a, [N, N]), floats(b, [N, N])];
  function multiply(): JaxArray {
    const c = np.matmul(left.ref, right.ref);
    compute(c);
    return c;
  }

  return thenReading(
    gpu,
    (steps) => {
      let c = multiply();
      for (let i = 1; i < steps; i++) {
        c.dispose();
        c = multiply();
      }
      return c;
    },
    (c) => c.data(),
  );
}

function sampling({ cell, H, V }: Sampling, tensors: Tensors): Contender {
  const { weight_ih_l0, weight_hh_l0, bias_ih_l0, weight_ho, bias_ho, uniforms } = tensors;
  const width = bias_ih_l0.length;
  const rows = rowsWithBias(weight_ih_l0, bias_ih_l0);
  const weights = [
    floats(transposed(weight_hh_l0, H), [H, width]),
    floats(transposed(weight_ho, H), [H, V]),
    floats(bias_ho, [V]),
  ];
  const read = jit((x: JaxArray, [h, c]: JaxArray[], [Wh, Wy, by]: JaxArray[]): [JaxArray[], JaxArray] => {
    const after = cellStep(x.add(np.matmul(h, Wh)), c);
    return [after, np.matmul(after[0].ref, Wy).add(by)];
  });
  let state = zeros(cell, 1, H);
  let id = 0;
  let n = 0;

  function next(): number {
    let logits: JaxArray;
    [state, logits] = read(
      floats(rows.subarray(id * width, (id + 1) * width), [1, width]),
      state,
      weights.map((w) => w.ref),
    );
    id = draw(logits.dataSync(), uniforms[n++ % uniforms.length]);
    return id;
  }

  return { run: (steps) => Array.from({ length: steps }, next) };
}

await serve((task, tensors) => {
  if (task.kind === 'training') return training(task, tensors);
  if (task.kind === 'product') return product(task, tensors);
  return sampling(task, tensors);
});
