/**
 * Run in a process of its own with --expose-gc: makes five trainers of two threads, disposes of none, and prints how many of
 * their workers have ended once the garbage was collected.
 */
import { Worker } from 'node:worker_threads';
import { createTrainer } from 'bptt';
import { adam } from 'bptt/optim';

const { gc } = globalThis as unknown as { gc: () => void };
const spec = { cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' } as const;

let ended = 0;
const terminate = Worker.prototype.terminate;
Worker.prototype.terminate = function (this: Worker) {
  ended++;
  return terminate.call(this);
};

async function made(): Promise<void> {
  const trainer = await createTrainer(spec, { steps: 3, batch: 2, optimizer: adam(), engine: 'wasm', threads: 2 });
  await trainer.train([{ inputs: new Int32Array(6), targets: new Int32Array(6) }]);
}

for (let n = 0; n < 5; n++) await made();
for (let n = 0; n < 100 && ended < 5; n++) {
  gc();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log(`ended ${ended} of 5`);
