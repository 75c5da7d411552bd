import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { install, type Tarball } from './tarball.ts';

/** What {@link makeApp} trains in one place: how the trainer describes itself, and ten losses. */
export interface Run {
  description: string;
  losses: number[];
}

/** How far losses of two engines lie apart, at most: relative to the first ones. */
export function distance(one: Run, other: Run): number {
  if (one.losses.length !== other.losses.length) return Number.POSITIVE_INFINITY;
  return Math.max(...one.losses.map((loss, i) => Math.abs(loss - other.losses[i]) / loss));
}

/** Engine `webgpu` on SwiftShader comes within 1.2e-7 of `wasm`; a GPU that fuses multiply and add may go further. */
export const GPU_TOLERANCE = 1e-5;

/** Ten updates of a small LSTM on engine `auto`. */
const training = `
  import { adam } from 'bptt/optim';

  const V = 7, steps = 10, batch = 4;
  const ids = Int32Array.from({ length: steps * batch + 5 }, (_, i) => (i * i) % V);

  export async function train(createTrainer, options) {
    const spec = { cell: 'lstm', inputSize: V, hiddenSize: 9, outputSize: V, loss: 'softmaxCrossEntropy' };
    const trainer = await createTrainer(spec, { steps, batch, optimizer: adam({ lr: 0.01 }), seed: 1, ...options });
    const window = { inputs: ids.slice(0, -5), targets: ids.slice(5), carry: false };
    const losses = await trainer.train(Array.from({ length: 10 }, () => window));
    const { description } = trainer;
    trainer.dispose();
    return { description, losses: [...losses] };
  }
`;

/** @param place the worker's, as the app writes it */
const page = (place: string): string => `
  import { createTrainer } from 'bptt';
  import { train } from './training.js';

  async function everywhere() {
    const onPage = await train(createTrainer, { threads: 2 });
    const worker = new Worker(${place}, { type: 'module' });
    const inWorker = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error('worker: ' + message));
    });
    const webgpu = await train(createTrainer, { engine: 'webgpu' });
    return { onPage, webgpu, ...inWorker };
  }

  const output = document.createElement('output');
  everywhere()
    .catch((error) => ({ error: String(error) }))
    .then((runs) => {
      output.textContent = JSON.stringify(runs);
      document.body.append(output);
    });
`;

const worker = (entry: string): string => `
  import { createTrainer } from '${entry}';
  import { train } from './training.js';

  async function everywhere() {
    const inWorker = await train(createTrainer, {});
    const threads = await train(createTrainer, { threads: 2 });
    const named = await train(createTrainer, { threads: 2, threadWorker: new URL('/named/threadWorker.js', self.location.href) });
    return { inWorker, threads, named };
  }

  everywhere()
    .catch((error) => ({ error: String(error) }))
    .then((runs) => postMessage(runs));
`;

/** For Node, Deno and Bun. */
const program = `
  import { createTrainer } from 'bptt';
  import { train } from './training.js';

  (async () => {
    const runs = { auto: await train(createTrainer, {}), ts: await train(createTrainer, { engine: 'ts' }), threads: await train(createTrainer, { threads: 2 }) };
    console.log(JSON.stringify(runs));
  })();
`;

const gpuProgram = `
  import { createTrainer } from 'bptt';
  import { train } from './training.js';

  console.log(JSON.stringify(await train(createTrainer, { engine: 'webgpu' })));
  process.exit(0); // a device may keep it alive
`;

const required = `
  const { createTrainer } = require('bptt');
  const { train } = require('./training.js');
  if (typeof createTrainer !== 'function') throw new Error('require(bptt) gives no createTrainer');
  (async () => {
    const runs = { auto: await train(createTrainer, {}), ts: await train(createTrainer, { engine: 'ts' }), threads: await train(createTrainer, { threads: 2 }) };
    console.log(JSON.stringify(runs));
  })();
`;

/** How the app for a bundler is written. */
export interface AppStyle {
  /** Whether it names its worker as a URL beside the module, which bundlers look for, or by its address in the page's origin. */
  worker: 'found' | 'named';
  /** Where the worker has `createTrainer` from. */
  workerEntry: 'bptt' | 'bptt/static';
}

const places = { found: "new URL('./worker.js', import.meta.url)", named: "'/worker.js'" };

/** An app that depends on the package: a page with a worker, and a program. */
export function makeApp(
  tarball: Tarball,
  name: string,
  { worker: place, workerEntry }: AppStyle = { worker: 'found', workerEntry: 'bptt' },
): string {
  const app = join(tarball.folder, name);
  mkdirSync(app);
  install(tarball, app, ['webgpu']);
  const files: Record<string, string> = {
    'package.json': '{ "type": "module", "private": true }',
    'index.html': '<!doctype html><body></body><script type="module" src="./main.js"></script>',
    'main.js': page(places[place]),
    'worker.js': worker(workerEntry),
    'training.js': training,
    'program.js': program,
    'gpu.js': gpuProgram,
    'required.cjs': required,
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(app, file), text);
  return app;
}
