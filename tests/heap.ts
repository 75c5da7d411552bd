/**
 * Run in a process of its own with --expose-gc and the name of an engine: prints how far 10 000 steps of a tiny trainer
 * have moved the heap after it was warm, in bytes, and whether the parameters' memory has moved.
 */
import { allocationPlan, CpuTrainer, tsEngine } from 'bptt';
import { adam } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { wasmEngine } from 'bptt/wasm';

const { gc } = globalThis as unknown as { gc: () => void };
const spec = {
  cell: 'lstm',
  inputSize: 5,
  hiddenSize: 4,
  outputSize: 5,
  layers: 2,
  dropout: 0.2,
  loss: 'softmaxCrossEntropy',
} as const;
const options = { steps: 4, batch: 2, optimizer: adam({ lr: 1e-3 }), clip: { norm: 5 }, l2: 1e-4 };
const onWasm = process.argv[2] === 'wasm';
const engine = onWasm ? wasmEngine({ lengths: allocationPlan(spec, options)[0] }) : tsEngine('float32');
const trainer = new CpuTrainer(engine, spec, options);
const { flat } = trainer.model.parameters;
flat.set(new RandomState(1).normal(0, 0.1, flat.length));

const inputs = new Int32Array(8);
const targets = new Int32Array(8);
const batch = { inputs, targets, carry: false, lengths: [4, 3] };
function train(steps: number): void {
  for (let n = 0; n < steps; n++) {
    for (let i = 0; i < 8; i++) {
      inputs[i] = (n + i) % 5;
      targets[i] = (n + i + 1) % 5;
    }
    trainer.update(batch);
    batch.carry = true;
  }
}
function settled(): { heapUsed: number; arrayBuffers: number } {
  for (let i = 0; i < 4; i++) gc();
  return process.memoryUsage();
}

train(2000);
settled(); // code that only the start has run ages, and is thrown away
train(1000); // until the compiler has settled
const { buffer } = flat;
const before = settled();
train(10_000);
const after = settled();
console.log(
  JSON.stringify({
    engine: trainer.engine,
    updates: trainer.step,
    heapUsed: after.heapUsed - before.heapUsed,
    arrayBuffers: after.arrayBuffers - before.arrayBuffers,
    moved: buffer !== trainer.model.parameters.flat.buffer || buffer.byteLength === 0,
  }),
);
