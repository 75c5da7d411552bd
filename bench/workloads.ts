import { bufferLengths, fullSpec, LocalTrainer, type ModelSpec, type TrainerOptions, tsEngine } from 'bptt/bptt';
import { adagrad, adam, sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { panelLengths, wasmEngine } from 'bptt/wasm';
import type { CharRnnStart, Contender, ElmanStart } from './contender.ts';
import { plainElmanReber, plainMinCharRnn } from './plainLoops.ts';

export interface Workload {
  id: string;
  title: string;
  unit: string;
  /** Multiplications and additions of the matrix products of one step. */
  flops: number;
  /** How many first losses must agree between the engines, and how closely (relative). */
  agreement: { steps: number; tolerance: number };
  contenders: Record<string, () => Contender>;
}

/** The sizes of W1: the notebook's char RNN. */
export const W1 = { V: 80, H: 100, T: 25, lr: 0.1, clip: 5 } as const;
/** The sizes of W2, an Elman net over characters, and of W3, an LSTM. */
export const W2 = { cell: 'elman', V: 98, H: 256, T: 50, B: 32 } as const;
export const W3 = { cell: 'lstm', V: 98, H: 512, T: 64, B: 64 } as const;
/** The sizes of W5: a tiny Elman net on Reber strings, one sequence a step. */
export const W5 = { D: 7, H: 10, V: 7, T: 12, lr: 0.03, clip: 5 } as const;

function charRnnStart(): CharRnnStart {
  const rng = new RandomState(12345);
  const randn = (n: number) => Float32Array.from(rng.randn(n), (x) => x * 0.01);
  const text = new Int32Array(200_001);
  for (let i = 1; i < text.length; i++) {
    const u = rng.randomSample();
    const s = text[i - 1];
    text[i] = u < 0.6 ? (s * 7 + 3) % W1.V : u < 0.85 ? (s * 5 + 11) % W1.V : Math.floor(rng.randomSample() * W1.V);
  }
  const { H, V } = W1;
  return { Wxh: randn(H * V), Whh: randn(H * H), Why: randn(V * H), text };
}

function elmanStart(): ElmanStart {
  const rng = new RandomState(12345);
  const randn = (n: number) => Float32Array.from(rng.randn(n), (x) => x * 0.3);
  const { D, H, V, T } = W5;
  const strings = Int32Array.from({ length: 256 * (T + 1) }, (_, i) =>
    i % (T + 1) === 0 ? 0 : 1 + Math.floor(rng.randomSample() * 6),
  );
  return { Wih: randn(H * D), Whh: randn(H * H), Who: randn(V * H), strings };
}

type EngineName = 'ts' | 'wasm';

function trainerOn(engine: EngineName, spec: ModelSpec, options: TrainerOptions): LocalTrainer {
  const chosen =
    engine === 'ts'
      ? tsEngine('float32')
      : wasmEngine({ lengths: [...bufferLengths(spec, options), ...panelLengths(fullSpec(spec))] });
  return new LocalTrainer(chosen, spec, options);
}

/** W1 through the library: one-hot input gathered, weight gradients deferred to one product over time. */
function libraryMinCharRnn(engine: EngineName, { Wxh, Whh, Why, text }: CharRnnStart): Contender {
  const { V, H, T, lr, clip } = W1;
  const trainer = trainerOn(
    engine,
    { cell: 'elman', inputSize: V, hiddenSize: H, outputSize: V, bias: 'input', loss: 'softmaxCrossEntropy' },
    { steps: T, batch: 1, optimizer: adagrad({ lr }), clip: { value: clip } },
  );
  const { parameters } = trainer.model;
  parameters.get('weight_ih_l0')!.set(Wxh);
  parameters.get('weight_hh_l0')!.set(Whh);
  parameters.get('weight_ho')!.set(Why);
  const batch = { inputs: new Int32Array(T), targets: new Int32Array(T), carry: false };
  let p = 0;
  return {
    step() {
      if (p + T + 1 >= text.length) {
        p = 0;
        batch.carry = false;
      }
      batch.inputs.set(text.subarray(p, p + T));
      batch.targets.set(text.subarray(p + 1, p + T + 1));
      const loss = trainer.update(batch);
      batch.carry = true;
      p += T;
      return loss;
    },
  };
}

/** W5 through the library. */
function libraryElmanReber(engine: EngineName, { Wih, Whh, Who, strings }: ElmanStart): Contender {
  const { D, H, V, T, lr, clip } = W5;
  const trainer = trainerOn(
    engine,
    { cell: 'elman', inputSize: D, hiddenSize: H, outputSize: V, bias: 'input', loss: 'sigmoidCrossEntropy' },
    { steps: T, batch: 1, optimizer: sgd({ lr }), clip: { value: clip } },
  );
  const { parameters } = trainer.model;
  parameters.get('weight_ih_l0')!.set(Wih);
  parameters.get('weight_hh_l0')!.set(Whh);
  parameters.get('weight_ho')!.set(Who);
  const batch = { inputs: new Int32Array(T), targets: new Float32Array(T * V) };
  let next = 0;
  return {
    step() {
      const from = next * (T + 1);
      next = (next + 1) % 256;
      batch.inputs.set(strings.subarray(from, from + T));
      batch.targets.fill(0);
      for (let t = 0; t < T; t++) batch.targets[t * V + strings[from + t + 1]] = 1;
      return trainer.update(batch);
    },
  };
}

/** W2 and W3: batches of random characters, mean cross-entropy, Adam, a zero state before each. */
function libraryChars(engine: EngineName, { cell, V, H, T, B }: typeof W2 | typeof W3): Contender {
  const trainer = trainerOn(
    engine,
    { cell, inputSize: V, hiddenSize: H, outputSize: V, bias: 'input', loss: 'softmaxCrossEntropy', reduction: 'mean' },
    { steps: T, batch: B, optimizer: adam({ lr: 0.002 }), clip: { value: 5 } },
  );
  const rng = new RandomState(12345);
  const { flat } = trainer.model.parameters;
  flat.set(rng.uniform(-1 / Math.sqrt(H), 1 / Math.sqrt(H), flat.length));
  const [inputs, targets] = [rng.randint(0, V, T * B), rng.randint(0, V, T * B)].map((ids) => Int32Array.from(ids));
  return { step: () => trainer.update({ inputs, targets }) };
}

/** W4: a square product. */
function libraryProduct(engine: EngineName, N: number): Contender {
  const chosen = engine === 'ts' ? tsEngine('float32') : wasmEngine({ lengths: [N * N, N * N, N * N] });
  const [c, a, b] = [chosen.floats(N * N), chosen.floats(N * N), chosen.floats(N * N)];
  const rng = new RandomState(12345);
  a.set(rng.uniform(0, 1, N * N));
  b.set(rng.uniform(0, 1, N * N));
  return {
    step() {
      chosen.kernels.linearForward(c, a, b, null, N, N, N);
      return c[N * N - 1];
    },
  };
}

function charsWorkload(id: string, title: string, sizes: typeof W2 | typeof W3, engines: EngineName[]): Workload {
  const { V, H, T, B, cell } = sizes;
  return {
    id,
    title,
    unit: 'steps/s',
    flops: 3 * 2 * T * B * ((cell === 'lstm' ? 4 : 1) * H * H + H * V),
    agreement: { steps: 2, tolerance: 1e-4 },
    contenders: Object.fromEntries(engines.map((engine) => [engine, () => libraryChars(engine, sizes)])),
  };
}

function productWorkload(N: number): Workload {
  return {
    id: `W4-${N}`,
    title: `C = A·Bᵀ, ${N} × ${N}`,
    unit: 'products/s',
    flops: 2 * N ** 3,
    agreement: { steps: 1, tolerance: 1e-4 },
    contenders: { ts: () => libraryProduct('ts', N), wasm: () => libraryProduct('wasm', N) },
  };
}

/** Every workload; each call of a contender starts from the same weights and data. */
export const WORKLOADS: readonly Workload[] = [
  {
    id: 'W1',
    title: 'min-char-rnn step: V 80, H 100, T 25, batch 1, Adagrad',
    unit: 'steps/s',
    // Forward, and twice that backward, for the recurrent and the output product.
    flops: 3 * 2 * W1.T * (W1.H * W1.H + W1.H * W1.V),
    // Adagrad's first updates move every weight by 0.1: float32 rounding is blown up from step to step.
    agreement: { steps: 4, tolerance: 1e-3 },
    contenders: {
      plain: () => plainMinCharRnn(charRnnStart(), W1, Float32Array),
      'plain f64': () => plainMinCharRnn(charRnnStart(), W1, Float64Array),
      ts: () => libraryMinCharRnn('ts', charRnnStart()),
      wasm: () => libraryMinCharRnn('wasm', charRnnStart()),
    },
  },
  charsWorkload('W2', 'Elman over characters: V 98, H 256, T 50, batch 32, Adam', W2, ['ts', 'wasm']),
  // A step is 27 GFLOP: half a minute for the TypeScript loops, which W2 and W4 stand for.
  charsWorkload('W3', 'LSTM over characters: V 98, H 512, T 64, batch 64, Adam', W3, ['wasm']),
  ...[64, 256, 1024].map(productWorkload),
  {
    id: 'W5',
    title: 'tiny Elman 7-10-7 on strings of 12 steps, batch 1, SGD',
    unit: 'sequences/s',
    flops: 3 * 2 * W5.T * (W5.H * W5.H + W5.H * W5.V),
    agreement: { steps: 64, tolerance: 1e-4 },
    contenders: {
      plain: () => plainElmanReber(elmanStart(), W5, Float32Array),
      'plain f64': () => plainElmanReber(elmanStart(), W5, Float64Array),
      ts: () => libraryElmanReber('ts', elmanStart()),
      wasm: () => libraryElmanReber('wasm', elmanStart()),
    },
  },
];
