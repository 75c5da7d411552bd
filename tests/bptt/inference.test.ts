import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createModel } from '../../src/bptt/createModel.ts';
import { createTrainer, initialParameters } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import { forecast } from '../../src/bptt/forecast.ts';
import { InferenceModel } from '../../src/bptt/inferenceModel.ts';
import type { InferenceSession } from '../../src/bptt/inferenceSession.ts';
import { modelAllocationPlan, SequenceModel } from '../../src/bptt/model.ts';
import { CpuPredictor, type MakeEngines } from '../../src/bptt/predictor.ts';
import { type ModelSpec, outputWidth, parameterCount, resolveSpec } from '../../src/bptt/spec.ts';
import { gru } from '../../src/layers/gru.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { Dtype, FloatArray } from '../../src/tensor/shape.ts';
import { hasFusedMultiplyAdd } from '../../src/wasm/module.ts';
import { expectNear, from, range } from '../layers/support.ts';

const vectors: ModelSpec = {
  cell: 'lstm',
  input: 'dense',
  inputSize: 2,
  hiddenSize: 4,
  outputSize: 2,
  layers: 2,
  initialState: 'learned',
  loss: 'squaredError',
};
const symbols: ModelSpec = { cell: 'gru', inputSize: 5, hiddenSize: 4, outputSize: 5, loss: 'softmaxCrossEntropy' };

/** Weights that tell every part from every other, learned initial states included. */
function weightsOf(spec: ModelSpec, dtype: Dtype): Record<string, FloatArray> {
  const rng = new RandomState(3);
  const weights = initialParameters(spec, dtype, 'orthogonal', rng);
  for (const values of Object.values(weights)) for (let i = 0; i < values.length; i++) values[i] += 0.3 * rng.randn();
  return weights;
}

const model = (spec: ModelSpec) => createModel(spec, weightsOf(spec, 'float64'), { engine: 'ts' });

/** What a trainer of exactly that size predicts. */
async function trainerPredicts(
  spec: ModelSpec,
  batch: { inputs: Int32Array | FloatArray; steps: number; batch: number },
) {
  const options = { steps: batch.steps, batch: batch.batch, optimizer: sgd({ lr: 0 }) };
  const trainer = await createTrainer(spec, { ...options, engine: 'ts', dtype: 'float64' });
  await trainer.setParameters(weightsOf(spec, 'float64'));
  return trainer.predict(batch);
}

/** The same products in another order of rows: T steps of 2 layers, up to 40 roundings each, weights of norm up to about 2. */
const roundings = (steps: number): number => steps * 2 * 40 * 4;

describe('predict', () => {
  test('gives what a trainer of that size gives, for batches of any size', async () => {
    const sizes = fc.record({
      steps: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 63, max: 70 })),
      batch: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 63, max: 70 })),
      spec: fc.constantFrom<ModelSpec>(
        symbols,
        vectors,
        { ...vectors, lossAt: 'last' },
        { ...symbols, bidirectional: true },
        { ...vectors, bidirectional: true, lossAt: 'last' },
        { ...symbols, layers: 2, embedding: { size: 4, tied: true }, layerNorm: true, residual: 'all' },
        { ...vectors, lossAt: 'last', inputDense: { size: 4 }, residual: 'all' },
        { ...vectors, bidirectional: true, lossAt: 'last', layerNorm: true, outputDense: { size: 3 } },
      ),
      padded: fc.boolean(),
      seed: fc.integer({ min: 0, max: 1000 }),
    });
    const models = new Map<ModelSpec, Awaited<ReturnType<typeof model>>>();
    await fc.assert(
      fc.asyncProperty(sizes, async ({ steps, batch, spec, padded, seed }) => {
        const rng = new RandomState(seed);
        const rows = steps * batch;
        const inputs = spec.input === 'dense' ? rng.uniform(-1, 1, rows * 2) : Int32Array.from(rng.randint(0, 5, rows));
        const lengths = padded ? { lengths: Int32Array.from(rng.randint(1, steps + 1, batch)) } : {};
        const window = { inputs, steps, batch, ...lengths };
        if (!models.has(spec)) models.set(spec, await model(spec));
        const got = await models.get(spec)!.predict(window);
        const want = await trainerPredicts(spec, window);
        expect(got.length).toBe(want.length);
        expectNear(got, want, roundings(steps));
      }),
      { numRuns: 40 },
    );
  });

  test('reads sizes that follow without doubt and refuses the rest', async () => {
    const net = await model(symbols);
    const inputs = Int32Array.of(0, 3, 1, 4, 2, 2);
    const want = await net.predict({ inputs, steps: 3, batch: 2 });
    expect(want.length).toBe(30);
    expect(await net.predict({ inputs, steps: 3 })).toEqual(want);
    expect(await net.predict({ inputs, batch: 2 })).toEqual(want);
    expect(await net.predict({ inputs, lengths: [3, 3] })).toEqual(want);
    await expect(net.predict({ inputs })).rejects.toThrow('how many steps, of how many sequences? Say batch or steps');
    await expect(net.predict({ inputs, steps: 4 })).rejects.toThrow(
      'has 6 elements, expected [steps,batch] with steps 4',
    );
    await expect(net.predict({ inputs, batch: 4 })).rejects.toThrow(
      'has 6 elements, expected [steps,batch] with batch 4',
    );
    await expect(net.predict({ inputs: Int32Array.of(0, 5), batch: 1 })).rejects.toThrow('batch.inputs[1] is 5');
    await expect(net.predict({ inputs, batch: 2, carry: true } as never)).rejects.toThrow(
      'model.predict: batch.carry is true, but every sequence begins anew: a session goes on from what it read',
    );
    expect(await net.predict({ inputs, batch: 2, carry: false } as never)).toEqual(want);
    await expect(net.predict({} as never)).rejects.toThrow('batch.inputs is undefined, expected an Int32Array');
    await expect(net.predict({ x: inputs } as never)).rejects.toThrow('batch: unknown option x, did you mean inputs?');
    await expect(net.predict(undefined as never)).rejects.toThrow('batch is undefined, expected an object');
  });
});

describe('sessions', () => {
  test('interleaved in any order, one by one or together, each reads what it would read alone', async () => {
    const net = await model(vectors);
    const step = fc.oneof(
      fc.record({ kind: fc.constant('read' as const), who: fc.nat(2), x: fc.tuple(fc.integer(), fc.integer()) }),
      fc.record({ kind: fc.constant('together' as const), x: fc.tuple(fc.integer(), fc.integer()) }),
      fc.record({ kind: fc.constant('reset' as const), who: fc.nat(2) }),
      fc.record({ kind: fc.constant('restore' as const), who: fc.nat(2) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const sessions = range(3).map(() => net.session());
        /** What each has read since it began. */
        const histories: number[][] = [[], [], []];
        const check = (who: number, got: FloatArray, want: FloatArray): void => {
          const length = histories[who].length / 2;
          expectNear(got, want.subarray((length - 1) * 2), roundings(length));
        };
        for (const s of steps) {
          if (s.kind === 'reset') {
            sessions[s.who].reset();
            histories[s.who] = [];
          } else if (s.kind === 'restore') {
            if (histories[s.who].length > 0) sessions[s.who].setState(sessions[s.who].state());
          } else {
            const x = s.x.map((v) => (v % 7) / 7);
            const who = s.kind === 'read' ? [s.who] : [2, 0, 1];
            for (const w of who) histories[w].push(...x);
            const got =
              s.kind === 'read'
                ? [sessions[s.who].read(x)]
                : net.readAll(
                    who.map((w) => sessions[w]),
                    [x, x, x],
                  );
            for (const [i, w] of who.entries()) {
              const inputs = Float64Array.from(histories[w]);
              check(w, got[i], await net.predict({ inputs, batch: 1 }));
              expect(sessions[w].outputs).toEqual(got[i]);
            }
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('reset then state is a fresh state, and a restored state goes on', async () => {
    for (const spec of [vectors, symbols]) {
      const net = await model(spec);
      const input = spec === vectors ? [0.5, -1] : 3;
      const session = net.session();
      const fresh = net.session().state();
      expect(Object.keys(fresh)).toEqual(spec === vectors ? ['h_l0', 'c_l0', 'h_l1', 'c_l1'] : ['h_l0']);
      expect(session.state()).toEqual(fresh);
      const first = session.read(input);
      const after = session.state();
      expect(after).not.toEqual(fresh);
      session.reset();
      expect(session.state()).toEqual(fresh);
      expect(session.started).toBe(false);
      expect(session.read(input)).toEqual(first);
      const second = session.read(input);
      expect(second).not.toEqual(first);
      const other = net.session();
      other.setState(after);
      expect(other.state()).toEqual(after);
      expect(other.read(input)).toEqual(second);
    }
  });

  test('a learned initial state is where a session begins', async () => {
    const weights = weightsOf(vectors, 'float64');
    const net = await createModel(vectors, weights);
    expect(net.session().state().c_l1).toEqual(weights.c0_l1);
  });

  test('logits and outputs are those of the last step of that session', async () => {
    const net = await model(symbols);
    const [a, b] = [net.session(), net.session()];
    expect(() => a.logits).toThrow('session.logits: no step was read since the session began');
    const p = a.read(2);
    const z = a.logits;
    const sum = Array.from(z, Math.exp).reduce((total, v) => total + v);
    expectNear(
      from('float64', p),
      Array.from(z, (v) => Math.exp(v) / sum),
      20,
    );
    b.read(4);
    expect(a.logits).toEqual(z);
    expect(b.logits).not.toEqual(z);
    p.fill(0);
    expect(a.outputs[0]).toBeGreaterThan(0);
  });

  test('500 sessions share the weights: each holds a state and two rows of outputs', async () => {
    const spec = { ...symbols, hiddenSize: 64 };
    const net = await model(spec);
    const sessions = range(500).map(() => net.session());
    for (const session of sessions) session.read(1);
    const held = (session: InferenceSession): number =>
      Object.values(session.ownStates()).reduce((bytes, { byteLength }) => bytes + byteLength, 0);
    expect(held(sessions[0])).toBe(64 * 8);
    const outputs = net.readAll(
      sessions,
      sessions.map((_, i) => i % 5),
    );
    expect(outputs).toHaveLength(500);
    expectNear(outputs[499], sessions[4].outputs, roundings(2));
    expectNear(outputs[131], sessions[1].outputs, roundings(2));
    expect(outputs[1]).not.toEqual(outputs[2]);
  });

  test('errors name what is wrong and leave the session as it was', async () => {
    const net = await model(vectors);
    const session = net.session();
    session.read([0.1, 0.2]);
    const state = session.state();
    expect(() => session.read(3)).toThrow('session.read: input is 3, expected a vector [D] = [2]');
    expect(() => session.read([1])).toThrow('input is 1 numbers, expected a vector [D] = [2]');
    expect(() => session.read([1, Number.NaN])).toThrow('session.read: input[1] is NaN, expected a finite number');
    const { h_l0, ...rest } = state;
    expect(() => session.setState(rest)).toThrow('session.setState: h_l0 is missing');
    expect(() => session.setState({ ...rest, h_l0: h_l0.subarray(1) })).toThrow(
      'h_l0 has 3 elements, expected [H] = [4]',
    );
    expect(() => session.setState({ ...state, x: h_l0 })).toThrow('session.setState: x is no state of this model');
    expect(() => session.setState({ ...state, h_l1: h_l0.map(() => Infinity) })).toThrow('h_l1[0] is Infinity');
    expect(() => session.setState(null as never)).toThrow('states is null, expected h_l0, c_l0, h_l1, c_l1');
    const other = (await model(vectors)).session();
    expect(() =>
      net.readAll(
        [session, other],
        [
          [1, 1],
          [1, 1],
        ],
      ),
    ).toThrow('sessions[1] belongs to another model');
    expect(() =>
      net.readAll(
        [session, session],
        [
          [1, 1],
          [1, 1],
        ],
      ),
    ).toThrow('a session is listed twice');
    expect(() => net.readAll([session], [])).toThrow('got 0 inputs for 1 sessions');
    expect(() => net.readAll([session], [[1, Infinity]])).toThrow('model.readAll: inputs[0][1] is Infinity');
    expect(session.state()).toEqual(state);
    const ids = (await model(symbols)).session();
    for (const id of [5, -1, 1.5, 'a', undefined]) {
      expect(() => ids.read(id as number)).toThrow('expected an id from 0 to 4');
    }
  });

  test('a bidirectional model refuses to be read step by step, by name', async () => {
    const net = await model({ ...symbols, bidirectional: true });
    expect(() => net.session()).toThrow('model.session: a bidirectional model reads a sequence from both ends');
    expect(() => net.readAll([], [])).toThrow('model.readAll: a bidirectional model');
  });

  test('after dispose every call is an error at once', async () => {
    const net = await model(symbols);
    const session = net.session();
    session.read(1);
    await net.predict({ inputs: Int32Array.of(1), batch: 1 });
    net.dispose();
    net.dispose();
    expect(() => session.read(1)).toThrow('model.session.read: the model was disposed of');
    expect(() => session.state()).toThrow('disposed of');
    expect(() => net.session()).toThrow('disposed of');
    await expect(net.predict({ inputs: Int32Array.of(1), batch: 1 })).rejects.toThrow('disposed of');
  });
});

test('a model for inference has no room for gradients and refuses to go back', () => {
  const room = (backward: boolean) => modelAllocationPlan(symbols, { steps: 1, batch: 1, backward });
  const P = parameterCount(resolveSpec(symbols));
  const total = (lengths: readonly number[]) => lengths.reduce((a, b) => a + b);
  expect(total(room(true)) - total(room(false))).toBe(P);
  const net = new SequenceModel(tsEngine(), symbols, { steps: 1, batch: 1, backward: false });
  net.load({ inputs: Int32Array.of(1), targets: Int32Array.of(1) });
  net.forward();
  expect(() => net.backward()).toThrow('SequenceModel.backward: made without backward');
  expect(() => net.forwardBackward()).toThrow('SequenceModel.forwardBackward: made without backward');
});

test('engine wasm gives what engine ts gives', async () => {
  for (const spec of [vectors, { ...symbols, bidirectional: true }]) {
    const weights = weightsOf(spec, 'float32');
    const [ts, wasm] = [await createModel(spec, weights, { engine: 'ts' }), await createModel(spec, weights)];
    expect(wasm.description).toBe('wasm: SIMD');
    const rng = new RandomState(8);
    for (const [steps, batch] of [
      [70, 3],
      [5, 66],
      [1, 1],
    ]) {
      const rows = steps * batch;
      const inputs =
        spec === vectors ? from('float32', rng.uniform(-1, 1, rows * 2)) : Int32Array.from(rng.randint(0, 5, rows));
      expectNear(await wasm.predict({ inputs, batch }), await ts.predict({ inputs, batch }), roundings(steps));
    }
    if (spec !== vectors) continue;
    const sessions = [ts.session(), wasm.session(), wasm.session()];
    for (let t = 0; t < 4; t++) {
      const x = Array.from(rng.randn(2));
      const [want, got] = sessions.map((session) => session.read(x));
      expectNear(got, want, roundings(2 * t + 1));
      const [one] = ts.readAll(sessions.slice(0, 1), [x]);
      expectNear(wasm.readAll(sessions.slice(1), [x, x])[0], one, roundings(2 * t + 2));
    }
    wasm.dispose();
  }
});

describe('threads', () => {
  test('give what engine ts gives, for batches of sizes that come and go', async () => {
    for (const spec of [vectors, { ...symbols, bidirectional: true, lossAt: 'last' as const }]) {
      const weights = weightsOf(spec, 'float32');
      const [ts, net] = [
        await createModel(spec, weights, { engine: 'ts' }),
        await createModel(spec, weights, { threads: 3 }),
      ];
      expect(net.description).toBe('wasm: SIMD, 3 threads');
      const rng = new RandomState(8);
      const windows = [
        [3, 2],
        [70, 2],
        [2, 1],
        [2, 200],
        [3, 2],
      ].map(([steps, batch]) => {
        const rows = steps * batch;
        const inputs =
          spec === vectors ? from('float32', rng.uniform(-1, 1, rows * 2)) : Int32Array.from(rng.randint(0, 5, rows));
        return { inputs, batch, steps, lengths: Int32Array.from(rng.randint(1, steps + 1, batch)) };
      });
      // Calls that nobody waits for, whose inputs change when they have been made.
      const calls = windows.map(async (window) => {
        const inputs = window.inputs.slice();
        const call = net.predict({ ...window, inputs });
        inputs.fill(0);
        return call;
      });
      for (const [i, window] of windows.entries()) {
        expectNear(await calls[i], await ts.predict(window), roundings(window.steps));
      }
      if (spec === vectors) {
        const [x, net1, ts1] = [[0.3, -1], net.session(), ts.session()];
        expectNear(net1.read(x), ts1.read(x), roundings(1));
        expectNear(net.readAll([net1], [x])[0], ts.readAll([ts1], [x])[0], roundings(2));
      }
      net.dispose();
      await expect(net.predict(windows[0])).rejects.toThrow('model.predict: the model was disposed of');
    }
  });

  test('where there can be none one does it all, and says why', async () => {
    const weights = weightsOf(symbols, 'float32');
    const missing = await createModel(symbols, weights, { threads: 2, threadWorker: '/no/such/file.js' });
    expect(missing.description).toMatch(
      'wasm: SIMD, 1 thread instead of 2, since the file of its threads (/no/such/file.js)',
    );
    const { formula: _, ...plain } = gru;
    const own = await createModel({ ...symbols, cell: plain }, weights, { threads: 2 });
    expect(own.description).toBe(
      'wasm: SIMD products, cell gru in TypeScript, since it has no formula, ' +
        '1 thread instead of 2, since cell gru has no formula, and a thread cannot call its functions',
    );
    const window = { inputs: Int32Array.of(0, 3, 1, 4), batch: 2 };
    const want = await (await createModel(symbols, weights)).predict(window);
    for (const net of [missing, own]) expectNear(await net.predict(window), want, roundings(2));
    const wide = await createModel(symbols, weights, { threads: 2, dtype: 'float64' });
    expect(wide.description).toBe('ts: the only one that computes in float64');
    const fused = await createModel(symbols, weights, { engine: 'wasm', fma: true });
    expect(fused.description).toBe(
      hasFusedMultiplyAdd() ? 'wasm+fma: SIMD' : 'wasm: SIMD, no fused multiply-add on this host',
    );
    const plainly = await createModel(symbols, weights, { engine: 'ts', fma: true });
    expect(plainly.description).toBe('ts: asked for, no fused multiply-add on engine ts');
    expectNear(await fused.predict(window), want, roundings(2));
  });

  test('a call under way is rejected where the model is disposed of, those that wait too', async () => {
    const net = await createModel(symbols, weightsOf(symbols, 'float32'), { threads: 2 });
    const window = { inputs: Int32Array.of(0, 3, 1, 4), batch: 2 };
    const calls = [net.predict(window), net.predict(window)].map((call) => call.catch((error: Error) => error.message));
    await new Promise((resolve) => setTimeout(resolve)); // the thread of the first call is starting
    net.dispose();
    for (const call of calls) expect(await call).toBe('model.predict: the model was disposed of');
  });

  test('engines are made once for each number of sequences, and again for more steps', async () => {
    const made: number[] = [];
    const make: MakeEngines = (plan) => {
      const lists = plan('float32');
      made.push(lists.length);
      return lists.map(() => tsEngine('float64'));
    };
    const spec = resolveSpec(symbols);
    const predictor = new CpuPredictor(spec, weightsOf(symbols, 'float64'), 'as given', 1, make);
    const net = new InferenceModel(spec, weightsOf(symbols, 'float64'), 'float64', predictor, () =>
      tsEngine('float64'),
    );
    for (const steps of [2, 9, 2, 9, 16]) await net.predict({ inputs: new Int32Array(3 * steps), batch: 3 });
    expect(made).toEqual([1, 1]);
  });
});

describe('forecast', () => {
  test('feeds outputs back and leaves the session as it was', async () => {
    const net = await model(vectors);
    const session = net.session();
    for (const x of [0.1, 0.5, -0.3]) session.read([x, 1]);
    const state = session.state();
    const got = forecast(session, 4);
    expect(session.state()).toEqual(state);
    const other = net.session();
    let y = range(3).reduce((_, i) => other.read([[0.1, 0.5, -0.3][i], 1]), new Float64Array(2) as FloatArray);
    for (let i = 0; i < 4; i++) {
      expect(Array.from(got.subarray(2 * i, 2 * i + 2))).toEqual(Array.from(y));
      y = other.read(y);
    }
    expect(forecast(session, 1)).toEqual(session.outputs);
    expect(session.fork().outputs).toEqual(session.outputs);
  });

  test('next says what is read where it is more than the outputs', async () => {
    const net = await model({ ...vectors, outputSize: 1 });
    const session = net.session();
    session.read([1, 0]);
    expect(() => forecast(session, 2)).toThrow('the model reads 2 numbers and gives 1: say in next what it reads');
    const seen: number[] = [];
    const got = forecast(session, 3, {
      next: ([y], step) => {
        seen.push(step);
        return [y, step];
      },
    });
    const fork = session.fork();
    expect(got[1]).toBe(fork.read([got[0], 0])[0]);
    expect(got[2]).toBe(fork.read([got[1], 1])[0]);
    expect(seen).toEqual([0, 1]);
  });

  test('errors', async () => {
    const session = (await model(vectors)).session();
    expect(() => forecast(session, 2)).toThrow('session.outputs: no step was read');
    session.read([0, 0]);
    expect(() => forecast(session, 0)).toThrow('forecast: n is 0');
    expect(() => forecast(session, 2, { nexts: 1 } as never)).toThrow('unknown option nexts, did you mean next?');
    const ids = (await model(symbols)).session();
    ids.read(0);
    expect(() => forecast(ids, 2)).toThrow('forecast: the model reads ids, expected vectors');
  });
});

describe('createModel', () => {
  test('takes the dtype of the weights or another', async () => {
    const weights = weightsOf(symbols, 'float32');
    expect((await createModel(symbols, weights, { engine: 'ts' })).session().read(0)).toBeInstanceOf(Float32Array);
    const wide = await createModel(symbols, weights, { dtype: 'float64' });
    expect(wide.session().read(0)).toBeInstanceOf(Float64Array);
    expect(wide.description).toBe('ts: the only one that computes in float64');
    expect(outputWidth(resolveSpec(symbols))).toBe(wide.outputSize);
  });

  test('copies the weights', async () => {
    const weights = weightsOf(symbols, 'float64');
    const net = await createModel(symbols, weights);
    const before = net.session().read(0);
    weights.weight_ho.fill(0);
    expect(net.session().read(0)).toEqual(before);
  });

  test('refuses by name', async () => {
    const weights = weightsOf(symbols, 'float64');
    const { bias_ho, ...rest } = weights;
    const cases: [unknown[], string][] = [
      [[symbols, rest], 'createModel: bias_ho is missing'],
      [[symbols, { ...weights, x: bias_ho }], 'createModel: x is no parameter of this model'],
      [[symbols, { ...weights, bias_ho: bias_ho.subarray(1) }], 'bias_ho has 4 elements'],
      [
        [symbols, { ...weights, bias_ho: bias_ho.map(() => Number.NaN) }],
        'bias_ho[0] is NaN, expected a finite number',
      ],
      [[symbols], 'createModel: parameters is undefined, expected the weights by name'],
      [[symbols, weights, { engine: 'webgpu' }], 'createModel: engine webgpu computes in float32, dtype is float64'],
      [
        [symbols, weights, { engine: 'webgpu', dtype: 'float32', threads: 2 }],
        'createModel: engine webgpu has no threads of its own, threads is 2',
      ],
      [[symbols, weights, { engine: 'ts', threads: 2 }], 'createModel: engine ts has one thread, threads is 2'],
      [[symbols, weights, { fma: 1 }], 'createModel: fma is 1, expected true or false'],
      [
        [symbols, weights, { engine: 'webgpu', webgpu: { snapshotEvery: 3 } }],
        'createModel: webgpu: unknown option snapshotEvery, expected device, deviceOptions',
      ],
      [
        [symbols, weights, { engine: 'webgpu', dtype: 'float32', webgpu: { device: 3 } }],
        'createModel: device is 3, expected a device, as openDevice gives it',
      ],
      [[symbols, weights, { threads: 65 }], 'createModel: threads is 65, expected 1 … 64'],
      [[symbols, weights, { threads: 1.5 }], 'createModel: threads is 1.5, expected 1 … 64'],
      [[symbols, weights, { engine: 'abacus' }], "createModel: engine is 'abacus', expected auto, ts, wasm, webgpu"],
      [[symbols, weights, { engine: 'wasm' }], 'engine wasm computes in float32, dtype is float64'],
      [[symbols, weights, { dtype: 'float16' }], 'dtype is float16, expected float32, float64'],
      [[symbols, weights, { backend: 'ts' }], 'createModel: unknown option backend, did you mean engine?'],
      [[{ ...symbols, hidden: 3 }, weights], 'spec: unknown option hidden, did you mean hiddenSize?'],
    ];
    for (const [args, message] of cases) {
      await expect((createModel as (...all: unknown[]) => Promise<unknown>)(...args)).rejects.toThrow(message);
    }
  });
});
