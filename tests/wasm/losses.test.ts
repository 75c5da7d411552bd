import { expect, it } from 'vitest';
import {
  type Loss,
  type LossWindow,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from '../../src/layers/loss.ts';
import { hasLossKernels, lossStages } from '../../src/wasm/losses.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear } from './support.ts';

const [R, V] = [5, 6];

/** The same window on kernels and as the loss's own functions in float64. */
function windows() {
  const w = new WasmMemory(10_000);
  const draw = new Draw(4);
  const floats = (n: number) => w.floats(n);
  const got: LossWindow<Float32Array> = {
    ...{ T: R, B: 1, V, S: 0, R, losses: floats(R), outputs: floats(R * V), dlogits: floats(R * V) },
    ...{ logits: floats(R * V), targetIds: w.ints(R), targetValues: floats(R * V), weights: floats(R) },
    ...{ lengths: w.ints(0), targetLengths: w.ints(0), scratch: floats(0) },
  };
  got.logits.set(draw.floats(R * V, 3));
  got.targetValues.set(draw.between(0, 1, R * V));
  got.targetIds.set(draw.ids(R, V));
  got.weights.set([1, 0.5, 0, 2, 1]);
  const want = Object.fromEntries(
    Object.entries(got).map(([name, a]) => [name, a instanceof Float32Array ? Float64Array.from(a) : a]),
  ) as unknown as LossWindow;
  return { w, got, want };
}

it.each<[string, Loss]>([
  ['softmaxCrossEntropy', softmaxCrossEntropy],
  ['sigmoidCrossEntropy', sigmoidCrossEntropy],
  ['squaredError', squaredError],
  ['squaredErrorOfSigmoid', squaredErrorOfSigmoid],
  ["another's object of the same name", { ...softmaxCrossEntropy }],
])('%s: outputs, losses and gradient are those of its own functions', (name, loss) => {
  const { w, got, want } = windows();
  const stages = lossStages(w);
  stages.lossOutputs(loss, got.outputs, got.logits, R, V);
  loss.outputs(want.outputs, want.logits, R, V);
  // Sums of V terms up to 10, functions within 4 ulp: γ(10)·V·10.
  const bound = 10 * 2 ** -24 * V * 10;
  expectNear(got.outputs, want.outputs, bound);
  got.outputs.fill(Number.NaN);
  stages.lossForward(loss, got);
  loss.forward(want);
  expectNear(got.outputs, want.outputs, bound);
  expectNear(got.losses, want.losses, 2 * bound);
  stages.lossBackward(loss, got);
  loss.backward(want);
  expectNear(got.dlogits, want.dlogits, 4 * bound);
  expect(hasLossKernels(loss)).toBe(!name.startsWith('another'));
  // Of a loss without kernels a pass holds its function, to be run in its place.
  const { callbacks } = w.recorder.trace(() => stages.lossForward(loss, got))!;
  expect(callbacks).toHaveLength(name.startsWith('another') ? 1 : 0);
});
