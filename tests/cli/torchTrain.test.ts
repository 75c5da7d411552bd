import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CreateTrainerOptions,
  createTrainer,
  loadTrainer,
  type ModelSpec,
  saveTrainer,
  type Trainer,
  type TrainingBatch,
} from 'bptt';
import { CharWindows, splitTail } from 'bptt/data';
import {
  adagrad,
  adam,
  adamw,
  cosineDecay,
  notebookRprop,
  type Optimizer,
  rmsprop,
  rprop,
  sgd,
  stepDecay,
  warmUp,
} from 'bptt/optim';
import { type Dtype, RandomState } from 'bptt/tensor';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { rateAt, type Settings } from '../../cli/settings.ts';
import { torchPython } from '../python.ts';

const script = new URL('../../cli/torch/train.py', import.meta.url);
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const [V, T, B] = [7, 6, 5];
/** A text of which a net can learn something: each symbol follows from the last two, but for one in ten. */
const ids = (() => {
  const rng = new RandomState(3);
  const text = Uint8Array.of(...rng.randint(0, V, 3000));
  for (let i = 2; i < text.length; i++) if (rng.randomSample() < 0.9) text[i] = (2 * text[i - 1] + text[i - 2]) % V;
  return text;
})();
const validation = 0.1;

interface Case {
  cell: ModelSpec['cell'];
  optimizer: Optimizer;
  layers?: number;
  dropout?: number;
  more?: Partial<CreateTrainerOptions>;
  spec?: Partial<ModelSpec>;
}

/** A run of `bptt train`, as its trainer and its reading of the text. */
class Run {
  readonly trainer: Trainer;
  readonly windows = new CharWindows(Int32Array.from(splitTail(Int32Array.from(ids), validation).train), T, B);
  iteration = 0;

  constructor(trainer: Trainer, iteration = 0, position = 0) {
    this.trainer = trainer;
    this.iteration = iteration;
    this.windows.position = position;
  }

  static async begin(
    { cell, optimizer, layers = 1, dropout = 0, more = {}, spec = {} }: Case,
    dtype: Dtype,
  ): Promise<Run> {
    const net: ModelSpec = {
      ...{
        cell,
        inputSize: V,
        hiddenSize: 9,
        outputSize: V,
        layers,
        dropout,
        bias: 'input',
        loss: 'softmaxCrossEntropy',
      },
      ...{ reduction: 1 / B, ...spec },
    };
    const engine = dtype === 'float64' ? 'ts' : 'wasm';
    return new Run(
      await createTrainer(net, { steps: T, batch: B, optimizer, dtype, engine, seed: 4, init: 'orthogonal', ...more }),
    );
  }

  async advance(count: number): Promise<number[]> {
    const losses: number[] = [];
    for (let i = 0; i < count; i++) {
      const window: TrainingBatch = { inputs: new Int32Array(T * B), targets: new Int32Array(T * B) };
      window.carry = !this.windows.next(window.inputs as Int32Array, window.targets as Int32Array);
      losses.push((await this.trainer.train([window]))[0]);
    }
    this.iteration += count;
    return losses;
  }

  /** The folder of the run with the script beside the model. */
  async folder(more: { lr: number; lrDecay: true } | object = {}): Promise<string> {
    const path = mkdtempSync(join(tmpdir(), 'bptt-torch-'));
    folders.push(path);
    const { iteration, windows } = this;
    const point = { iteration, position: windows.position, smoothLoss: 10, nats: 20, weight: 10, penalty: 0 };
    const settings = { steps: T, batch: B, validation, loss: 'sum', lrDecay: false, ...more };
    const metadata = {
      tool: 'bptt run 1',
      run: '0123abcd',
      unit: 'character',
      settings,
      point,
      limits: {},
      seconds: 1,
      learningSeconds: 1,
    };
    writeFileSync(join(path, 'model.bptt'), await saveTrainer(this.trainer, { metadata }));
    writeFileSync(join(path, 'ids.bin'), ids);
    copyFileSync(script, join(path, 'train.py'));
    return path;
  }

  static async resume(folder: string): Promise<{ run: Run; metadata: Readonly<Record<string, unknown>> }> {
    const { trainer, metadata } = await loadTrainer(readFileSync(join(folder, 'model.bptt')));
    const { iteration, position } = metadata.point as { iteration: number; position: number };
    return { run: new Run(trainer, iteration, position), metadata };
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Trains in a folder by so many processes of gloo; the environment is what torchrun sets. */
async function torch(folder: string, processes: number, ...args: string[]): Promise<string> {
  const port = await freePort();
  const ends = Array.from({ length: processes }, (_, rank) => {
    const env = {
      MASTER_ADDR: '127.0.0.1',
      MASTER_PORT: String(port),
      RANK: String(rank),
      WORLD_SIZE: String(processes),
    };
    const child = spawn(torchPython!, [join(folder, 'train.py'), ...args], {
      env: { ...process.env, ...env, LOCAL_RANK: String(rank), OMP_NUM_THREADS: '1' },
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (out += text));
    return new Promise<string>((resolve, reject) => {
      child.on('close', (status, signal) =>
        status === 0 ? resolve(out) : reject(new Error(`rank ${rank} ended with ${status ?? signal}: ${out}`)),
      );
    });
  });
  return (await Promise.all(ends)).join('');
}

const worst = (got: ArrayLike<number>, want: ArrayLike<number>): number =>
  Array.from(got).reduce((most, v, i) => Math.max(most, Math.abs(v / want[i] - 1)), 0);

const cases: Record<string, Case> = {
  'LSTM, Adam, dropout': {
    cell: 'lstm',
    optimizer: adam({ lr: 0.004 }),
    layers: 2,
    dropout: 0.2,
    more: { clip: { norm: 5 } },
  },
  'GRU, AdamW, L2': { cell: 'gru', optimizer: adamw({ lr: 0.004 }), layers: 2, more: { clip: { norm: 1 }, l2: 1e-4 } },
  'Elman, Adagrad': { cell: 'elman', optimizer: adagrad({ lr: 0.05 }), layers: 2, more: { clip: { value: 5 } } },
};

/** `TORCH_UPDATES=400 npx vitest run tests/cli/torchTrain` goes on for longer. */
const updates = Number(process.env.TORCH_UPDATES ?? 60);

/** Every number of two states within `bound` of the larger of 1 and itself; the rest the same. */
async function expectSame(got: Trainer, want: Trainer, bound: number): Promise<void> {
  const [a, b] = [await got.state(), await want.state()];
  const flat = (state: typeof a) => [
    ...Object.values(state.parameters),
    ...state.optimizerMemory,
    ...Object.values(state.states),
  ];
  const [left, right] = [flat(a), flat(b)];
  for (const [i, values] of left.entries()) {
    const off = Array.from(values).reduce(
      (most, v, k) => Math.max(most, Math.abs(v - right[i][k]) / Math.max(1, Math.abs(v))),
      0,
    );
    expect(off).toBeLessThan(bound);
  }
  expect([a.updates, a.random, a.optimizer]).toEqual([b.updates, b.random, b.optimizer]);
}

describe.skipIf(torchPython === null)('train.py', () => {
  // Rounding errors of single operations, 2⁻²⁴ and 2⁻⁵³, that a few hundred updates did not let grow.
  test.each(
    Object.entries(cases).flatMap(([name, given]) => [
      [name, 'float32', 1e-6, given] as const,
      [name, 'float64', 1e-12, given] as const,
    ]),
  )(
    '%s in %s: updates by two processes, then here, are those of bptt alone',
    async (_, dtype, bound, given) => {
      const alone = await Run.begin(given, dtype);
      await alone.advance(20);
      const folder = await alone.folder();
      const out = await torch(folder, 2, '--iterations', String(20 + updates));
      expect(out).toMatch(/iteration \d+: \d\.\d+ bits per character, \d\.\d+ held out/);
      await alone.advance(updates);
      const { run } = await Run.resume(folder);
      await expectSame(run.trainer, alone.trainer, dtype === 'float32' ? 1e-5 : bound);
      const want = await alone.advance(100);
      expect(worst(await run.advance(100), want)).toBeLessThan(bound);
      expect(want.at(-1)).toBeLessThan(want[0]);
    },
    300_000,
  );

  const rules: Record<string, Case> = {
    'sgd, stepDecay': { cell: 'elman', optimizer: sgd({ lr: stepDecay(0.1, 10, 0.5), weightDecay: 0.01 }) },
    'sgd with momentum, cosineDecay': {
      ...{ cell: 'gru', optimizer: sgd({ lr: cosineDecay(0.1, 50, 0.01), momentum: 0.9, dampening: 0.1 }) },
    },
    'sgd of Nesterov, warmUp': {
      cell: 'lstm',
      optimizer: sgd({ lr: warmUp(30, cosineDecay(0.1, 15)), momentum: 0.9, nesterov: true }),
    },
    "adagrad as PyTorch's": {
      cell: 'gru',
      optimizer: adagrad({ lr: 0.1, eps: 1e-10, epsInRoot: false, lrDecay: 0.01, weightDecay: 0.01 }),
    },
    'adam, amsgrad': { cell: 'elman', optimizer: adam({ lr: 0.01, amsgrad: true, beta2: 0.9, weightDecay: 0.01 }) },
    rmsprop: { cell: 'lstm', optimizer: rmsprop({ lr: 0.01, momentum: 0.5, centered: true, weightDecay: 0.01 }) },
    rprop: { cell: 'gru', optimizer: rprop({ lr: 0.01, maxStep: 0.05 }) },
    notebookRprop: { cell: 'elman', optimizer: notebookRprop({ delta: 0.002 }) },
    'other biases, a mean of losses, relu': {
      ...{
        cell: 'elman',
        optimizer: adam({ lr: 0.01 }),
        spec: { bias: 'both', reduction: 'mean', nonlinearity: 'relu', outputBias: false },
      },
    },
    'no biases, a sum of losses': {
      cell: 'lstm',
      optimizer: adam({ lr: 0.01 }),
      spec: { bias: 'none', reduction: 'sum' },
    },
    'dropout of two threads': {
      cell: 'gru',
      optimizer: adam({ lr: 0.01 }),
      layers: 3,
      dropout: 0.4,
      more: { engine: 'wasm', threads: 2 },
    },
  };

  test.each(Object.entries(rules))(
    '%s',
    async (_, given) => {
      const dtype = given.more?.threads ? 'float32' : 'float64';
      const alone = await Run.begin(given, dtype);
      await alone.advance(20);
      const folder = await alone.folder();
      await torch(folder, 1, '--iterations', '45');
      await alone.advance(25);
      const { run } = await Run.resume(folder);
      await expectSame(run.trainer, alone.trainer, dtype === 'float32' ? 1e-5 : 1e-12);
      run.trainer.dispose();
      alone.trainer.dispose();
    },
    120_000,
  );

  test('the run is measured, logged and kept as bptt train does it', async () => {
    const alone = await Run.begin(cases['GRU, AdamW, L2'], 'float64');
    await alone.advance(20);
    const folder = await alone.folder();
    const head = 'iteration,seconds,loss,smooth_loss,bits_per_symbol,held_out_bits_per_symbol,held_out_symbols,run';
    writeFileSync(join(folder, 'log.csv'), `${head}\n20,1.000,9,10,2,,,0123abcd\n21,1.100,9,10,2,,,0123abcd\n22,1.2`);
    await torch(folder, 1, '--iterations', '120');
    const losses = await alone.advance(100);
    const [header, first, ...rows] = readFileSync(join(folder, 'log.csv'), 'utf8').trimEnd().split('\n');
    expect([header, first]).toEqual([head, '20,1.000,9,10,2,,,0123abcd']);
    const last = rows.at(-1)!.split(',');
    expect([last[0], last[7]]).toEqual(['120', '0123abcd']);
    // the penalty is that of iteration 100, so that the figure is off by what it has changed since
    expect(Math.abs(Number(last[2]) - losses[99])).toBeLessThan(1e-3);
    const { run, metadata } = await Run.resume(folder);
    const { validation: held } = splitTail(Int32Array.from(ids), validation);
    const stream = Int32Array.of(ids[ids.length - held.length - 1], ...held);
    const parts = Array.from({ length: Math.ceil(held.length / T) }, (_, i) => stream.subarray(i * T, (i + 1) * T + 1));
    const nats = await run.trainer.evaluate(
      parts.map((part) => ({
        ...{ inputs: part.slice(0, -1), targets: part.slice(1), steps: part.length - 1, batch: 1, carry: true },
      })),
    );
    const bits = (B * nats.reduce((sum, v) => sum + v)) / held.length / Math.LN2;
    expect(Math.abs(Number(last[5]) / bits - 1)).toBeLessThan(1e-12);
    expect(metadata.heldOut).toMatchObject({ symbols: held.length, iteration: 120 });
    expect(Number(last[5])).toBe((metadata.heldOut as { bits: number }).bits);
  }, 120_000);

  test('a rate that rises and falls over the run does so there', async () => {
    const settings = { lr: 0.02, lrDecay: true } as const;
    const optimizer = () => adam({ lr: (step) => rateAt(settings as Settings, Math.min(1, step / 60)) });
    const alone = await Run.begin({ cell: 'gru', optimizer: optimizer() }, 'float64');
    await alone.advance(1); // the rate still rises
    const folder = await alone.folder(settings);
    await torch(folder, 1, '--iterations', '60');
    await alone.advance(59);
    const { trainer } = await loadTrainer(readFileSync(join(folder, 'model.bptt')), { optimizer: optimizer() });
    await expectSame(trainer, alone.trainer, 1e-12);
  }, 120_000);

  test('is ended by a signal and keeps what it has reached; a folder in use is left alone', async () => {
    const alone = await Run.begin(cases['Elman, Adagrad'], 'float64');
    await alone.advance(20);
    const folder = await alone.folder();
    const child = spawn(torchPython!, [join(folder, 'train.py'), '--seconds', '100']);
    await vi.waitUntil(() => existsSync(join(folder, 'log.csv')), { timeout: 60_000 });
    await expect(torch(folder, 1, '--iterations', '45')).rejects.toThrow(/process \d+ on .* is writing to this folder/);
    child.kill('SIGTERM');
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(existsSync(join(folder, 'run.lock'))).toBe(false);
    const { run } = await Run.resume(folder);
    await alone.advance(run.iteration - 20);
    await expectSame(run.trainer, alone.trainer, 1e-12);
    // a lock that nobody holds any more is taken over
    writeFileSync(join(folder, 'run.lock'), JSON.stringify({ pid: child.pid, host: hostname(), began: '1' }));
    await torch(folder, 1, '--iterations', String(run.iteration + 1));
  }, 120_000);

  test('says what it cannot go on with', async () => {
    const alone = await Run.begin(cases['Elman, Adagrad'], 'float64');
    await alone.advance(20);
    const folder = await alone.folder();
    await expect(torch(folder, 1)).rejects.toThrow('train.py: say --iterations or --seconds');
    await expect(torch(folder, 1, '--iterations', '20')).rejects.toThrow('the run has come to iteration 20 already');
    writeFileSync(join(folder, 'ids.bin'), Uint8Array.of(V));
    await expect(torch(folder, 1, '--iterations', '30')).rejects.toThrow('is not the text of this run');
    const bytes = readFileSync(join(folder, 'model.bptt'));
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(join(folder, 'model.bptt'), bytes);
    await expect(torch(folder, 1, '--iterations', '30')).rejects.toThrow('its checksum does not match');
  }, 120_000);
});
