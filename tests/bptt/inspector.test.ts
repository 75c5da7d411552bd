import { describe, expect, test } from 'vitest';
import { createTrainer, initialParameters } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import { Inspector, inspectorAllocationPlan } from '../../src/bptt/inspector.ts';
import { CELL_NAMES, type ModelSpec } from '../../src/bptt/spec.ts';
import { Stepper } from '../../src/bptt/stepper.ts';
import { adam } from '../../src/optim/adam.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { wasmEngine } from '../../src/wasm/index.ts';

const T = 6;
const H = 4;
const V = 5;
const ids = Int32Array.of(0, 3, 1, 4, 2, 2);
const targets = Int32Array.of(3, 1, 4, 2, 2, 0);
const batch = { inputs: ids, targets };

function specOf(cell: ModelSpec['cell'], more: Partial<ModelSpec> = {}): ModelSpec {
  return { cell, inputSize: V, hiddenSize: H, outputSize: V, loss: 'softmaxCrossEntropy', ...more };
}

function made(spec: ModelSpec) {
  const parameters = initialParameters(spec, 'float64', 'orthogonal', new RandomState(3));
  return { parameters, inspector: new Inspector(spec, parameters, T) };
}

describe.each(CELL_NAMES)('%s', (cell) => {
  const spec = specOf(cell);
  const { parameters, inspector } = made(spec);
  const step = 4;
  const { layers, losses, outputs } = inspector.inspect(batch, { step });
  const [{ states, gates, dstates, dx }] = layers;
  const stepper = new Stepper(tsEngine('float64'), spec, parameters);

  /** The loss of step `step` as the sequence goes on after step t from these states. */
  function lossFrom(t: number, from: Record<string, FloatArray>): number {
    stepper.setState(from);
    let p: FloatArray = new Float64Array(V);
    for (let i = t + 1; i <= step; i++) p = stepper.read(ids.subarray(i, i + 1));
    return -Math.log(p[targets[step]]);
  }

  test('states, outputs and losses are those of the net read step by step', () => {
    for (let t = 0; t < T; t++) {
      const p = stepper.read(ids.subarray(t, t + 1));
      for (const [name, values] of Object.entries(stepper.getState())) {
        const [state] = name.split('_');
        expect(Array.from(states[state].subarray(t * H, t * H + H))).toEqual(Array.from(values));
      }
      expect(Array.from(outputs.subarray(t * V, t * V + V))).toEqual(Array.from(p));
      expect(losses[t]).toBeCloseTo(-Math.log(p[targets[t]]), 13);
    }
  });

  test('the gradients of the states handed on are the derivative of the loss of the step', () => {
    // Central differences: an error of eps² ≈ 1e-10 of the function's third derivative, rounding 1e-16/eps = 1e-11.
    const eps = 1e-5;
    for (let t = 0; t < step; t++) {
      const at = Object.fromEntries(Object.entries(states).map(([s, v]) => [`${s}_l0`, v.slice(t * H, t * H + H)]));
      for (const name of Object.keys(states)) {
        for (let j = 0; j < H; j++) {
          const moved = (by: number) => {
            const own = at[`${name}_l0`].slice();
            own[j] += by;
            return lossFrom(t, { ...at, [`${name}_l0`]: own });
          };
          const numeric = (moved(eps) - moved(-eps)) / (2 * eps);
          expect(Math.abs(dstates[name][t * H + j] - numeric)).toBeLessThan(1e-9);
        }
      }
    }
    // nothing reaches what lies after the step
    for (const values of Object.values(dstates))
      expect(values.subarray((step + 1) * H).some((v) => v !== 0)).toBe(false);
  });

  test('the gradient of a symbol adds up to that of its column of the input weights', () => {
    // Every symbol but 2 is read once, so that dWih[:, id] = dxGates_t, and dx_t = Wihᵀ·dxGates_t.
    const { gradients } = inspector.model;
    const G = parameters.weight_ih_l0.length / V;
    for (let t = 0; t < 4; t++) {
      for (let i = 0; i < V; i++) {
        let wanted = 0;
        for (let g = 0; g < G; g++) {
          wanted += parameters.weight_ih_l0[g * V + i] * gradients.get('weight_ih_l0')![g * V + ids[t]];
        }
        expect(dx[t * V + i]).toBeCloseTo(wanted, 14);
      }
    }
  });

  test('gates have names, and make the states', () => {
    const { h, c } = states;
    for (let t = 1; t < T; t++) {
      for (let j = 0; j < H; j++) {
        const [at, before] = [t * H + j, (t - 1) * H + j];
        if (cell === 'elman') expect(gates).toEqual({});
        else if (c) {
          expect(c[at]).toBeCloseTo(gates.f[at] * c[before] + gates.i[at] * gates.g[at], 14);
          expect(h[at]).toBeCloseTo(gates.o[at] * Math.tanh(c[at]), 14);
        } else if (cell === 'minGru') {
          expect(h[at]).toBeCloseTo((1 - gates.z[at]) * h[before] + gates.z[at] * gates.n[at], 14);
        } else expect(h[at]).toBeCloseTo((1 - gates.z[at]) * gates.n[at] + gates.z[at] * h[before], 14);
      }
    }
  });

  test('backSteps cuts', () => {
    const cut = inspector.inspect(batch, { step, backSteps: 3 }).layers[0].dstates.h;
    expect(cut.subarray(0, 3 * H).some((v) => v !== 0)).toBe(false);
    expect(cut.subarray(3 * H)).toEqual(dstates.h.subarray(3 * H));
  });
});

test('every layer and direction is shown, in the order of time', () => {
  const { inspector } = made(specOf('gru', { layers: 2, bidirectional: true }));
  const { layers } = inspector.inspect(batch, { step: 2 });
  expect(layers.map(({ layer, reverse }) => [layer, reverse])).toEqual([
    [0, false],
    [0, true],
    [1, false],
    [1, true],
  ]);
  // In the top layer the loss of step 2 reaches what each direction read before it.
  const reached = layers
    .slice(2)
    .map(({ dstates }) =>
      Array.from({ length: T }, (_, t) => dstates.h.subarray(t * H, t * H + H).some((v) => v !== 0)),
    );
  expect(reached[0]).toEqual([true, true, true, false, false, false]);
  expect(reached[1]).toEqual([false, false, true, true, true, true]);
});

test('of all steps together the gradient is the sum of those of each, and weights count', () => {
  const { inspector } = made(specOf('lstm'));
  const lossWeights = [1, 0, 2, 1, 1, 0.5];
  const all = inspector.inspect({ ...batch, lossWeights });
  const sum = new Float64Array(T * H);
  for (const step of [0, 2, 3, 4, 5]) {
    const one = inspector.inspect({ ...batch, lossWeights }, { step });
    expect(one.losses).toEqual(all.losses);
    for (let i = 0; i < sum.length; i++) sum[i] += one.layers[0].dstates.c[i];
  }
  for (let i = 0; i < sum.length; i++) expect(all.layers[0].dstates.c[i]).toBeCloseTo(sum[i], 14);
});

test('it follows a trainer whose parameters move', async () => {
  const spec = specOf('lstm');
  const trainer = await createTrainer(spec, { steps: T, batch: 1, optimizer: adam({ lr: 0.1 }), engine: 'ts' });
  const inspector = new Inspector(spec, await trainer.parameters(), T);
  await trainer.train([batch]);
  inspector.setParameters(await trainer.parameters());
  const [loss] = await trainer.evaluate([batch]);
  const { losses } = inspector.inspect(batch);
  expect(losses).toBeInstanceOf(Float32Array);
  expect(Array.from(losses).reduce((sum, l) => sum + l, 0)).toBeCloseTo(loss, 5); // six float32 terms below 2, ulp 1.2e-7
  inspector.dispose();
});

test('on engine wasm, in the memory that the plan asks for, it shows the same', () => {
  const spec = specOf('lstm');
  const parameters = initialParameters(spec, 'float32', 'orthogonal', new RandomState(3));
  const engine = wasmEngine({ lengths: inspectorAllocationPlan(spec, T) });
  const onWasm = new Inspector(spec, parameters, T, engine).inspect(batch, { step: 4 });
  const onTs = new Inspector(spec, parameters, T).inspect(batch, { step: 4 });
  for (const name of ['h', 'c']) {
    for (let i = 0; i < T * H; i++) {
      const [a, b] = [onWasm, onTs].map(({ layers: [{ dstates }] }) => dstates[name][i]);
      expect(Math.abs(a - b)).toBeLessThan(1e-6); // gradients below 1; some ten float32 roundings in each of five steps
    }
  }
  expect(onWasm.layers[0].gates.f.every((f, i) => Math.abs(f - onTs.layers[0].gates.f[i]) < 1e-6)).toBe(true);
});

test('refuses what makes no sense', () => {
  const { inspector, parameters } = made(specOf('elman'));
  expect(() => inspector.inspect(batch, { step: 6 })).toThrow('Inspector.inspect: step is 6');
  const without = { ...batch, lossWeights: [1, 0, 1, 1, 1, 1] };
  expect(() => inspector.inspect(without, { step: 1 })).toThrow('no loss to learn from');
  expect(() => inspector.inspect(batch, { at: 1 } as object)).toThrow('at');
  expect(() => inspector.inspect(batch, { backSteps: 0 })).toThrow('backSteps is 0');
  expect(() => new Inspector(specOf('elman', { hiddenSize: 3 }), parameters, T)).toThrow('Inspector: weight_ih_l0');
  const last = made(specOf('elman', { lossAt: 'last' }));
  expect(() => last.inspector.inspect({ ...batch, targets: Int32Array.of(1), steps: T }, { step: 1 })).toThrow(
    'one loss for the whole sequence',
  );
});
