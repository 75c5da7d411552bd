import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createTrainer, type ModelSpec } from 'bptt';
import { sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { describe, expect, it } from 'vitest';
import { allocationPlan } from '../../src/bptt/cpuSession.ts';
import type { CpuEngine } from '../../src/bptt/engine.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import { resolveSpec } from '../../src/bptt/spec.ts';
import { type Cell, gru, gruResetBefore, lstmPeephole, minGru } from '../../src/layers/index.ts';
import { panelLengths, wasmEngine, whyOneThread } from '../../src/wasm/engine.ts';

const V = 5;
const T = 12;

/** Forward and backward over a window on both engines: outputs and gradients, and how far they are apart. */
function farthest(
  spec: ModelSpec,
  B: number,
  windows: readonly (readonly [steps: number, masked: boolean, backSteps: number])[],
) {
  const full = resolveSpec(spec);
  const options = { steps: T, batch: B, optimizer: sgd({ lr: 1 }) };
  const on = (engine: CpuEngine) => new SequenceModel(engine, full, { steps: T, batch: B });
  const wasm = on(wasmEngine({ lengths: [...allocationPlan(full, options)[0], ...panelLengths(full), 100_000] }));
  const ts = on(tsEngine('float64'));
  const weights = new RandomState(2).uniform(-0.5, 0.5, ts.parameters.flat.length);
  const rng = new RandomState(1);
  let worst = 0;
  for (const [steps, masked, backSteps] of windows) {
    const ids = (): Int32Array => Int32Array.from(rng.randint(0, V, steps * B));
    const lengths = Array.from({ length: B }, (_, b) => Math.max(1, steps - b));
    const batch = { inputs: ids(), targets: ids(), steps, batch: B, ...(masked ? { lengths } : {}) };
    const results = [wasm, ts].map((model) => {
      model.parameters.flat.set(weights);
      model.gradients.flat.fill(0);
      model.load(batch);
      model.forwardBackward(backSteps);
      return [...model.outputs(), ...model.gradients.flat, model.loss[0]];
    });
    for (const [i, got] of results[0].entries()) {
      worst = Math.max(worst, Math.abs(got - results[1][i]) / (1 + Math.abs(results[1][i])));
    }
  }
  return worst;
}

const { formula: _formula, ...withoutFormula } = gru;
const kinds: [string, Partial<ModelSpec>][] = [
  ['elman', { cell: 'elman' }],
  ['gru', { cell: gru }],
  ['gru without its formula', { cell: { ...withoutFormula, name: 'plainGru' } }],
  ['gruResetBefore', { cell: gruResetBefore }],
  ['lstmPeephole', { cell: lstmPeephole, initialState: 'learned' }],
  ['minGru', { cell: minGru }],
  ['both directions', { cell: 'lstm', bidirectional: true, layers: 2 }],
];

describe.each(kinds)('%s', (_, kind) => {
  const spec = {
    cell: 'lstm',
    inputSize: V,
    hiddenSize: 9,
    outputSize: V,
    loss: 'softmaxCrossEntropy',
    ...kind,
  } as ModelSpec;

  it.each([1, 3, 5])('gives what the loops in float64 give, whatever the length, mask and cuts; batch %d', (B) => {
    const windows = [1, 2, 3, 4, T].flatMap((steps) =>
      [false, true].flatMap((masked) =>
        [1, 3, Infinity].flatMap((backSteps) => Array(4).fill([steps, masked, backSteps])),
      ),
    );
    // Each window four times: as it is, and recorded. Sums of some 60 terms up to 1 through 12 steps: measured 2e-6.
    expect(farthest(spec, B, windows)).toBeLessThan(1e-5);
  });
});

it('a batch whose weights find no room for panels packs them in every step', () => {
  const spec: ModelSpec = { cell: 'lstm', inputSize: V, hiddenSize: 9, outputSize: V, loss: 'softmaxCrossEntropy' };
  const options = { steps: 3, batch: 5, optimizer: sgd({ lr: 1 }) };
  const losses = [[], panelLengths(resolveSpec(spec))].map((panels) => {
    const engine = wasmEngine({ lengths: [...allocationPlan(spec, options)[0], ...panels] });
    const model = new SequenceModel(engine, spec, { ...options, initialGradient: false });
    if (panels.length === 0) expect(() => Array.from({ length: 1e5 }, () => engine.floats(16))).toThrow(RangeError); // the rest
    model.parameters.flat.fill(0.1);
    const ids = Int32Array.from({ length: 15 }, (_, i) => i % V);
    model.load({ inputs: ids, targets: ids, steps: 3, batch: 5 });
    model.forwardBackward();
    return [model.loss[0], ...model.gradients.flat];
  });
  expect(losses[0]).toEqual(losses[1]);
});

it('cells and losses without kernels keep to one thread, and the trainer says why', async () => {
  const cell: Cell = { ...withoutFormula, name: 'plainGru' };
  const spec: ModelSpec = { cell, inputSize: V, hiddenSize: 4, outputSize: V, loss: 'softmaxCrossEntropy' };
  const trainer = await createTrainer(spec, { steps: 2, batch: 2, optimizer: sgd({ lr: 0.1 }), threads: 2 });
  expect(trainer.engine).toBe('wasm');
  expect(trainer.description).toMatch(/1 thread instead of 2, since cell plainGru has no formula/);
  const loss = { ...resolveSpec(spec).loss };
  expect(whyOneThread({ ...resolveSpec({ ...spec, cell: gru }), loss })).toMatch(
    /^loss softmaxCrossEntropy has no SIMD kernels/,
  );
  expect(whyOneThread(resolveSpec({ ...spec, cell: gru }))).toBe(null);
  // Such a loss runs its own functions, in recordings too.
  const own = await createTrainer(
    { ...spec, cell: gru, loss },
    { steps: 2, batch: 2, optimizer: sgd({ lr: 0.1 }), engine: 'wasm' },
  );
  const twin = await createTrainer(
    { ...spec, cell: gru },
    { steps: 2, batch: 2, optimizer: sgd({ lr: 0.1 }), engine: 'wasm' },
  );
  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 4) };
  for (let n = 0; n < 5; n++) {
    const [a, b] = [await own.train([batch]), await twin.train([batch])];
    expect(Math.abs(a[0] - b[0])).toBeLessThan(1e-5);
  }
});

it.each([1, 2])(
  'a thousand lengths leave the heap flat and need a bounded number of modules; threads: %d',
  (threads) => {
    const script = fileURLToPath(new URL('../lengths.ts', import.meta.url));
    const node = ['--expose-gc', '--conditions=bptt-source', '--import', 'tsx', script, String(threads)];
    const { engine, heapUsed, modules } = JSON.parse(execFileSync(process.execPath, node, { encoding: 'utf8' }));
    expect(engine).toBe(threads === 1 ? 'wasm' : 'wasm ×2');
    expect(modules).toBe(0);
    expect(heapUsed).toBeLessThan(500_000); // 500 more lengths; a recording that stays is some 20 KB
  },
);
