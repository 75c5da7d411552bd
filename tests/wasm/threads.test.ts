import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createTrainer, type ModelSpec, type TrainingBatch } from 'bptt';
import { adam } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { describe, expect, it, vi } from 'vitest';
import { type LossWindow, squaredError } from '../../src/layers/loss.ts';
import { wasmEngines } from '../../src/wasm/engine.ts';
import * as threads from '../../src/wasm/threads.ts';

const T = 6;
const B = 5;
const V = 7;
const options = { steps: T, batch: B, optimizer: adam({ lr: 0.01 }), clip: { norm: 5 }, l2: 1e-4, seed: 3 };

/** Windows with padding, weights, carried states and, now and then, a shorter window. */
function batches(count: number): TrainingBatch[] {
  const rng = new RandomState(5);
  const ids = (n: number) => Int32Array.from(rng.randint(0, V, n));
  return Array.from({ length: count }, (_, i) => {
    const steps = i % 4 === 3 ? T - 2 : T;
    return {
      inputs: ids(steps * B),
      targets: ids(steps * B),
      lengths: i % 2 === 0 ? [steps, steps - 1, steps, 1, steps] : [steps, steps, steps, 2, 0],
      lossWeights: Array.from({ length: steps * B }, (_, r) => 1 + (r % 3)),
      carry: i === 0 ? false : [1, 0, 1, 1, 1],
    };
  });
}

const specs: ModelSpec[] = (['elman', 'gru', 'lstm'] as const).map((cell) => ({
  cell,
  inputSize: V,
  hiddenSize: 6,
  layers: 2,
  outputSize: V,
  loss: 'softmaxCrossEntropy',
  reduction: 'mean',
}));

async function run(spec: ModelSpec, count: number): Promise<{ losses: Float64Array; state: unknown; engine: string }> {
  const trainer = await createTrainer(spec, { ...options, engine: 'wasm', threads: count });
  try {
    const losses = await trainer.train(batches(12));
    return { losses, state: await trainer.state(), engine: trainer.engine };
  } finally {
    trainer.dispose();
  }
}

/** Every layer around the recurrence. */
const around: ModelSpec = {
  ...{ ...specs[1], embedding: { size: 6, tied: true }, inputDense: { size: 6, activation: 'tanh' } },
  ...{ layerNorm: true, residual: 'all' },
};

describe('threads', () => {
  it.each([...specs, around])(
    'give what one thread gives, but for rounding, and the same bits each time: $cell',
    async (spec) => {
      const one = await run(spec, 1);
      for (const count of [2, 3, 5]) {
        const several = await run(spec, count);
        expect(several.engine).toBe(`wasm ×${count}`);
        // Sums of the same terms in another order, and twelve updates of at most lr = 0.01 that follow them.
        several.losses.forEach((loss, i) => {
          expect(Math.abs(loss - one.losses[i]) / one.losses[i]).toBeLessThan(2e-5);
        });
        expect(await run(spec, count)).toEqual(several);
      }
    },
  );

  it('drop the same units each time', async () => {
    const spec: ModelSpec = { ...specs[2], dropout: 0.4 };
    expect(await run(spec, 2)).toEqual(await run(spec, 2));
    const all: ModelSpec = { ...around, dropout: { input: 0.2, between: 0.4, output: 0.3 } };
    expect(await run(all, 2)).toEqual(await run(all, 2));
  });

  it('leave everything as it was where the gradient is not finite, and go on', async () => {
    const trainer = await createTrainer(specs[0], { ...options, engine: 'wasm', threads: 2 });
    const [batch] = batches(1);
    for (let i = 0; i < 3; i++) await trainer.train([batch]);
    const parameters = await trainer.parameters();
    await trainer.setParameters({ ...parameters, weight_ho: parameters.weight_ho.map(() => 3e38) });
    await expect(trainer.train([batch])).rejects.toThrow(/holds/);
    await trainer.setParameters(parameters);
    expect(Number.isFinite((await trainer.train([batch]))[0])).toBe(true);
    trainer.dispose();
    await expect(trainer.train([batch])).rejects.toThrow('disposed');
  });

  it('are refused in numbers that make no sense', async () => {
    const make = (more: object) => createTrainer(specs[0], { ...options, ...more });
    await expect(make({ threads: 6 })).rejects.toThrow('threads is 6, expected 1 … batch = 5');
    await expect(make({ threads: 1.5 })).rejects.toThrow('threads is 1.5');
    await expect(make({ threads: 2, engine: 'ts' })).rejects.toThrow('engine ts has one thread, threads is 2');
  });

  it('are one where the host shares no memory, and the trainer says so', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    try {
      expect(threads.whyNoThreads()).toMatch('no shared memory');
      const trainer = await createTrainer(specs[0], { ...options, engine: 'wasm', threads: 2 });
      expect(trainer.engine).toBe('wasm');
      expect(trainer.description).toMatch(/1 thread instead of 2, since this host has no shared memory/);
    } finally {
      vi.unstubAllGlobals();
    }
    vi.stubGlobal('document', {});
    try {
      expect(threads.whyNoThreads()).toMatch('main thread');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('do not keep the process alive, disposed of or not', () => {
    const script = fileURLToPath(new URL('../threads.ts', import.meta.url));
    const args = ['--import', 'tsx', '--conditions=bptt-source', script];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })).toBe('wasm ×2\n');
  });

  describe('a thread that', () => {
    const lengths = [[10_000], [10_000]];

    /** The second of two engines with a buffer, and its worker. */
    async function second() {
      const post = vi.spyOn(Worker.prototype, 'postMessage');
      try {
        const [, engine] = await wasmEngines(lengths);
        return { engine, worker: post.mock.contexts[0] as Worker, buffer: engine.floats(8) };
      } finally {
        post.mockRestore();
      }
    }

    it('is ended from outside is an error at the next call, not a wait', async () => {
      const { engine, worker, buffer } = await second();
      const pass = engine.compile(() => engine.kernels.fill(buffer, 3));
      pass();
      engine.finish();
      expect(buffer[7]).toBe(3);
      void worker.terminate();
      const start = performance.now();
      const call = () => {
        for (let i = 0; i < 100; i++) {
          pass();
          engine.finish();
        }
      };
      expect(call).toThrow('wasmThreads: a thread has ended');
      expect(call).toThrow('wasmThreads: a thread has ended');
      expect(performance.now() - start).toBeLessThan(2000);
      engine.dispose();
    });

    it('throws hands its message on, and goes on', async () => {
      const { engine, buffer } = await second();
      const whole = engine.floats(4);
      // An address beyond the memory: the kernel traps.
      const far = { buffer: buffer.buffer, byteOffset: 2 ** 31, length: 4 } as unknown as Float32Array;
      const bad = engine.compile(() => engine.kernels.fill(far, 3));
      bad();
      expect(() => engine.finish()).toThrow(/^wasmThreads: a thread failed: memory access out of bounds$/);
      const good = engine.compile(() => engine.kernels.fill(whole, 4));
      good();
      engine.finish();
      expect([...whole]).toEqual([4, 4, 4, 4]);
      engine.dispose();
    });

    it('was disposed of refuses what is new and what was recorded', async () => {
      const { engine, buffer } = await second();
      const known = engine.compile(() => engine.kernels.fill(buffer, 3));
      known();
      engine.finish();
      engine.dispose();
      engine.dispose();
      const fresh = engine.compile(() => engine.kernels.fill(buffer, 4));
      for (const pass of [known, fresh]) expect(pass).toThrow('wasmThreads: the trainer was disposed of');
      expect([...buffer]).toEqual(Array(8).fill(3));
    });

    it('has no functions of JavaScript: a pass that needs one is refused', async () => {
      const { engine } = await second();
      const window = { losses: engine.floats(1) } as unknown as LossWindow;
      const own = { ...squaredError, forward: () => {} };
      expect(engine.compile(() => engine.lossForward(own, window))).toThrow(
        'wasmThreads: a cell or loss without a kernel cannot run in a thread',
      );
      engine.dispose();
    });

    it('forgets recordings: ever new passes use the same few numbers', async () => {
      const { engine, buffer } = await second();
      for (let n = 0; n < 300; n++) {
        const pass = engine.compile(() => engine.kernels.fill(buffer, n));
        pass();
        engine.finish();
        expect(buffer[3]).toBe(n);
      }
      engine.dispose();
    });
  });
});
