import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createTrainer, type Trainer } from 'bptt';
import { adam } from 'bptt/optim';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { wasmEngines } from '../../src/wasm/engine.ts';
import { type FileAddress, ThreadStartError } from '../../src/wasm/threads.ts';

const spec = { cell: 'elman', inputSize: 7, hiddenSize: 9, outputSize: 7, loss: 'softmaxCrossEntropy' } as const;
const ids = Int32Array.from({ length: 28 }, (_, i) => (i * i) % 7);

function trainer(threadWorker: FileAddress): Promise<Trainer> {
  const options = { steps: 6, batch: 4, optimizer: adam({ lr: 0.01 }), threads: 2, threadWorker };
  return createTrainer(spec, { ...options, engine: 'wasm' });
}

async function lossesOf(trainer: Trainer): Promise<Float64Array> {
  try {
    return await trainer.train([{ inputs: ids.slice(0, 24), targets: ids.slice(4), carry: false }]);
  } finally {
    trainer.dispose();
  }
}

describe('the file of the threads', () => {
  let folder: string;
  let copy: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bptt-thread-'));
    copy = join(folder, 'copy.mjs');
    copyFileSync(fileURLToPath(new URL('../../src/wasm/threadWorker.js', import.meta.url)), copy);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('may be a copy anywhere, by its path or its URL', async () => {
    for (const file of [copy, pathToFileURL(copy)]) {
      const made = await trainer(file);
      expect(made.description).toBe('wasm: SIMD, 2 threads');
      expect((await lossesOf(made))[0]).toBeGreaterThan(0);
    }
  });

  it('is not needed: where it is not there, one thread does it all, and the trainer says which file and why', async () => {
    const missing = join(folder, 'missing.mjs');
    const made = await trainer(missing);
    expect(made.description).toMatch(
      `wasm: SIMD, 1 thread instead of 2, since the file of its threads (${missing}) does not load: Cannot find module`,
    );
    expect(made.description).toMatch('the option threadWorker names a copy');
    expect(await lossesOf(made)).toEqual(await lossesOf(await createTrainer(spec, oneThread)));
  });

  it('is not one that fails', async () => {
    const broken = join(folder, 'broken.mjs');
    writeFileSync(broken, "throw new Error('none of ours');");
    const made = await trainer(pathToFileURL(broken));
    expect(made.description).toContain(`(${pathToFileURL(broken)}) does not load: none of ours`);
    made.dispose();
  });

  it('is not waited for when it is another file than that of the threads, which never answers', async () => {
    const silent = join(folder, 'silent.mjs');
    writeFileSync(silent, "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => {});");
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const made = trainer(silent);
      const advance = setInterval(() => vi.advanceTimersByTime(10_000), 10);
      expect((await made).description).toContain('does not load: no answer for 30 s');
      clearInterval(advance);
      (await made).dispose();
    } finally {
      vi.useRealTimers();
    }
  });

  it('is an error for who makes the engines', async () => {
    const made = wasmEngines([[4], [4]], { threadWorker: join(folder, 'missing.mjs') });
    await expect(made).rejects.toThrow(ThreadStartError);
  });

  it('is none where the host has no workers at all', async () => {
    const found = process.getBuiltinModule;
    vi.stubGlobal('process', { ...process, getBuiltinModule: undefined });
    try {
      const made = await createTrainer(spec, { ...oneThread, threads: 2 });
      expect(made.description).toContain('does not load: this host has no workers');
      made.dispose();
    } finally {
      vi.unstubAllGlobals();
      expect(process.getBuiltinModule).toBe(found);
    }
  });

  it("is started as a module by the host's own Worker, where it has one", async () => {
    const asked: unknown[] = [];
    vi.stubGlobal(
      'Worker',
      class {
        onerror: ((event: unknown) => void) | null = null;
        constructor(file: unknown, options: unknown) {
          asked.push(String(file), options);
        }
        postMessage(): void {
          const event = { preventDefault: () => asked.push('prevented') };
          this.onerror?.(event);
        }
        terminate(): void {
          asked.push('terminated');
        }
      },
    );
    try {
      const made = await createTrainer(spec, { ...oneThread, threads: 2 });
      expect(made.description).toContain(
        '(threadWorker.js, beside the module that starts it) does not load; the option',
      );
      made.dispose();
      await lossesOf(await trainer('/named.js'));
    } finally {
      vi.unstubAllGlobals();
    }
    const module = { type: 'module' };
    expect(asked.slice(0, 4)).toEqual([expect.stringMatching(/threadWorker\.js$/), module, 'prevented', 'terminated']);
    expect(asked.slice(4)).toEqual(['/named.js', module, 'prevented', 'terminated']);
  });
});

const oneThread = { steps: 6, batch: 4, optimizer: adam({ lr: 0.01 }), engine: 'wasm' as const };
