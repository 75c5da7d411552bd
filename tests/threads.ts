/** Run in a process of its own: trains with threads twice, disposes of the first trainer only, and has nothing more to do. */
import { createTrainer } from 'bptt';
import { sgd } from 'bptt/optim';

const options = { steps: 2, batch: 2, optimizer: sgd({ lr: 0.1 }), engine: 'wasm', threads: 2 } as const;
const spec = { cell: 'elman', inputSize: 3, hiddenSize: 4, outputSize: 3, loss: 'softmaxCrossEntropy' } as const;
const batch = { inputs: Int32Array.of(0, 1, 2, 0), targets: Int32Array.of(1, 2, 0, 1) };
const trainers = [await createTrainer(spec, options), await createTrainer(spec, options)];
for (const trainer of trainers) await trainer.train([batch, batch, batch, batch]);
trainers[0].dispose();
console.log(trainers[0].engine);
