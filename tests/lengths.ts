/**
 * Run in a process of its own with --expose-gc and a number of threads: trains on windows of 500 lengths, then on 500
 * others, and prints how far the second half has moved the heap, and how many modules it has compiled for loops, cells
 * and rules (recordings are apart).
 */
import { createTrainer } from 'bptt';
import { sgd } from 'bptt/optim';
import { Recorder } from '../src/wasm/recorder.ts';

const { gc } = globalThis as unknown as { gc: () => void };
const threads = Number(process.argv[2]);
let modules = 0;
const { link } = Recorder.prototype;
Recorder.prototype.link = function (...args) {
  modules++;
  return link.apply(this, args);
};
const trainer = await createTrainer(
  { cell: 'lstm', inputSize: 3, hiddenSize: 4, outputSize: 3, loss: 'softmaxCrossEntropy' },
  { steps: 1000, batch: 2, optimizer: sgd({ lr: 0.01 }), engine: 'wasm', threads },
);
async function train(from: number): Promise<void> {
  for (let T = from; T < from + 500; T++) {
    const ids = Int32Array.from({ length: 2 * T }, (_, i) => (i * i + T) % 3);
    for (let n = 0; n < 4; n++) await trainer.train([{ inputs: ids, targets: ids, steps: T, batch: 2 }]);
  }
}
async function settled(): Promise<number> {
  for (let i = 0; i < 6; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

await train(1);
const before = await settled();
const modulesBefore = modules;
await train(501);
console.log(
  JSON.stringify({
    engine: trainer.engine,
    heapUsed: (await settled()) - before,
    modules: modules - modulesBefore,
  }),
);
trainer.dispose();
