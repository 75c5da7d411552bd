import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Engine, tsEngine } from '../../src/bptt/engine.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import { type ModelSpec, outputWidth, resolveSpec } from '../../src/bptt/spec.ts';
import { type Cell, formulaCell, sigmoidSlope, tanhSlope } from '../../src/layers/cell.ts';
import type { Loss } from '../../src/layers/loss.ts';
import { minGru } from '../../src/layers/minGru.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import type { DeviceBuffer, FloatBuffer } from '../../src/webgpu/device/buffers.ts';
import type { Device } from '../../src/webgpu/device/device.ts';
import { type WebgpuEngineOptions, webgpuEngine } from '../../src/webgpu/training/engine.ts';
import type { RecurrencePlan } from '../../src/webgpu/training/recurrence.ts';
import { weightGradients } from '../../src/webgpu/training/weightGradients.ts';
import { arbitraryModel, type Kind } from '../property/models.ts';
import { openTestDevice } from './device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.dispose());

/** In a browser only that it works there too. */
const inBrowser = 'document' in globalThis;

const FLOAT32 = 2 ** -23; // WGSL may round either way

/**
 * One of everything that the description allows beside a product: another gradient for every gate of the product, h past
 * it, three states, and parameters of its own, two blocks and one.
 *
 *     a = tanh(x_a + p_a ⊙ h_a), b = σ(x_b + p_b ⊙ h_b),  h_t = a + q ⊙ h_{t−1},  c_t = b ⊙ c_{t−1} + a,  e_t = e_{t−1} + b
 */
const odd: Cell = formulaCell({
  name: 'odd',
  gates: 2,
  states: ['h', 'c', 'e'],
  savedBlocks: 4,
  separateHiddenGradient: true,
  directHiddenGradient: true,
  extra: { weight_p: { blocks: 2 }, weight_q: { blocks: 1, initial: 0.5 } },
  formula: {
    forward(m, { x: [xa, xb], h: [ha, hb], previous: [h, c, e], extra: [pa, pb, q] }) {
      const a = m.tanh(m.add(xa, m.mul(pa, ha)));
      const b = m.sigmoid(m.add(xb, m.mul(pb, hb)));
      const half = m.mul(m.constant(0.5), c);
      return { states: [m.add(a, m.mul(q, h)), m.add(m.mul(b, half), a), m.add(e, b)], saved: [a, b, ha, hb] };
    },
    backward(m, { dstates: [dh, dc, de], saved: [a, b, ha, hb], previous: [h, c], extra: [pa, pb, q] }) {
      const half = m.constant(0.5);
      const da = tanhSlope(m, m.add(dh, dc), a);
      const db = sigmoidSlope(m, m.add(de, m.mul(dc, m.mul(half, c))), b);
      return {
        dx: [da, db],
        dh: [m.mul(da, pa), m.mul(db, pb)],
        dprevious: [m.mul(dh, q), m.mul(m.mul(dc, b), half), de],
        dextra: [m.mul(da, ha), m.mul(db, hb), m.mul(dh, h)],
      };
    },
  },
});

/** More gates than the fused kernels can do: the sum of five. */
const wide: Cell = formulaCell({
  name: 'wide',
  gates: 5,
  states: ['h'],
  savedBlocks: 1,
  formula: {
    forward(m, { x, h }) {
      const y = m.tanh(x.reduce((sum, one, g) => m.add(sum, m.add(one, h[g])), m.constant(0)));
      return { states: [y], saved: [y] };
    },
    backward: (m, { dstates: [d], saved: [y] }) => ({ dx: new Array(5).fill(tanhSlope(m, d, y)) }),
  },
});

/** Every operation of the algebra that no bundled cell has: h_t = max(min(ln(1 + eᵃ), 3), −a/(1 + |a|)) + √(1 + a²) */
const operations: Cell = formulaCell({
  name: 'operations',
  gates: 1,
  states: ['h'],
  savedBlocks: 1,
  formula: {
    forward(m, { x: [x], h: [h] }) {
      const a = m.add(x, h);
      const one = m.constant(1);
      const soft = m.min(m.log(m.add(one, m.exp(a))), m.constant(3));
      const y = m.max(soft, m.div(m.neg(a), m.add(one, m.abs(a))));
      return { states: [m.mul(m.constant(0.25), m.add(y, m.sqrt(m.add(one, m.mul(a, a)))))], saved: [a] };
    },
    backward(m, { dstates: [d], saved: [a] }) {
      const one = m.constant(1);
      const zero = m.constant(0);
      const size = m.add(one, m.abs(a));
      const soft = m.log(m.add(one, m.exp(a)));
      const ofSoft = m.whereGreater(m.constant(3), soft, m.sigmoid(a), zero);
      const ofOther = m.neg(m.div(one, m.mul(size, size)));
      const ofMax = m.whereGreater(m.div(m.neg(a), size), m.min(soft, m.constant(3)), ofOther, ofSoft);
      const ofRoot = m.div(a, m.sqrt(m.add(one, m.mul(a, a))));
      return { dx: [m.mul(m.mul(m.constant(0.25), d), m.add(ofMax, ofRoot))] };
    },
  },
});

/** A loss of one's own: half the squared error. */
const halfSquare: Loss = {
  name: 'halfSquare',
  targets: 'values',
  per: 'row',
  outputs: (o, z) => o.set(z),
  forward({ losses, outputs, logits, targetValues, weights, R, V }) {
    outputs.set(logits);
    for (let r = 0; r < R; r++) {
      losses[r] = 0;
      for (let i = r * V; i < (r + 1) * V; i++) losses[r] += 0.5 * weights[r] * (logits[i] - targetValues[i]) ** 2;
    }
  },
  backward({ dlogits, outputs, targetValues, weights, R, V }) {
    for (let i = 0; i < R * V; i++) dlogits[i] = weights[Math.floor(i / V)] * (outputs[i] - targetValues[i]);
  },
  wgsl: {
    forward: `var sum = 0.0;
    for (var j = 0u; j < args.V; j++) {
      sum += half_square(z(start + j) - target_value(start + j));
      set_o(start + j, z(start + j));
    }
    set_loss(i, weight(i) * sum);`,
    backward: `for (var j = 0u; j < args.V; j++) {
      set_dz(start + j, weight(i) * (o(start + j) - target_value(start + j)));
    }`,
    functions: 'fn half_square(e: f32) -> f32 { return 0.5 * e * e; }',
  },
};

const kinds: Record<string, Partial<ModelSpec> & Pick<ModelSpec, 'cell'>> = {
  'elman tanh': { cell: 'elman' },
  'elman sigmoid': { cell: 'elman', nonlinearity: 'sigmoid' },
  'elman relu': { cell: 'elman', nonlinearity: 'relu' },
  'elman identity': { cell: 'elman', nonlinearity: 'identity' },
  gru: { cell: 'gru' },
  gruResetBefore: { cell: 'gruResetBefore' },
  lstm: { cell: 'lstm' },
  lstmPeephole: { cell: 'lstmPeephole' },
  minGru: { cell: 'minGru' },
  odd: { cell: odd },
  wide: { cell: wide },
  operations: { cell: operations },
};

interface Case {
  readonly spec: ModelSpec;
  readonly T: number;
  readonly B: number;
  readonly backSteps: number;
  readonly predicts: boolean;
  readonly seed: number;
}

/** A model with features drawn at random. */
function drawCase(kind: Partial<ModelSpec> & Pick<ModelSpec, 'cell'>, rng: RandomState): Case {
  const pick = <V>(...values: V[]): V => values[rng.randint(values.length)];
  const [loss, outputActivation] = pick<[ModelSpec['loss'], 'identity' | 'sigmoid']>(
    ...([
      ['softmaxCrossEntropy', 'identity'],
      ['sigmoidCrossEntropy', 'identity'],
      ['squaredError', 'identity'],
      ['squaredError', 'sigmoid'],
      [halfSquare, 'identity'],
    ] as [ModelSpec['loss'], 'identity' | 'sigmoid'][]),
  );
  const layers = pick(1, 2);
  return {
    spec: {
      ...kind,
      ...{ loss, outputActivation, layers, bidirectional: pick(true, false) },
      ...{ bias: pick('both', 'input', 'none'), input: pick('ids', 'dense'), initialState: pick('zero', 'learned') },
      ...{ outputSize: pick(0, 2, 3), outputBias: pick(true, false), lossAt: pick('every', 'last') },
      ...{ reduction: pick<'sum' | 'mean' | number>('sum', 'mean', 0.7), dropout: layers > 1 ? pick(0, 0.4) : 0 },
      ...{ inputSize: pick(1, 2, 3), hiddenSize: rng.randint(1, 10) },
    },
    ...{ T: rng.randint(1, 7), B: pick(1, 5), backSteps: pick(Number.POSITIVE_INFINITY, rng.randint(1, 7)) },
    ...{ predicts: pick(true, false), seed: rng.randint(2 ** 31 - 1) },
  };
}

/** Loss, outputs and gradients of a case, twice: the second time what was compiled runs. */
async function resultsOf<F, I>(
  engine: Engine<F, I>,
  { spec, T, B, backSteps, predicts, seed }: Case,
): Promise<Record<string, number[]>[]> {
  const rng = new RandomState(seed);
  const own = (values: Float64Array): FloatArray => {
    const rounded = Float32Array.from(values);
    return engine.dtype === 'float32' ? rounded : Float64Array.from(rounded);
  };
  const read = async (buffer: F): Promise<number[]> =>
    Array.from(engine.name === 'webgpu' ? await (buffer as DeviceBuffer).read() : (buffer as FloatArray));
  const model = new SequenceModel(engine, spec, { steps: T + rng.randint(3), batch: B, inputGradient: true });
  const { stack, parameters, gradients } = model;
  const full = resolveSpec(spec);
  const R = full.lossAt === 'every' ? T * B : B;
  engine.write(parameters.flat, own(rng.normal(0, 0.7, engine.lengthOf(parameters.flat))));
  model.eachState((_, layer, direction, index) => {
    engine.write(stack.initial(layer, direction)[index], own(rng.uniform(-1, 1, B * full.hiddenSize)));
    engine.write(stack.dfinal(layer, direction)[index], own(rng.uniform(-1, 1, B * full.hiddenSize)));
  });
  const padding = rng.randint(3);
  const lengths = [Math.max(1, rng.randint(T + 1)), ...rng.randint(0, T + 1, B - 1)];
  const mask = Array.from(rng.randint(0, 2, T * B), (one, i) => (i === 0 ? 1 : one));
  const lossWeights = Array.from(rng.randint(0, 3, R), (one, i) => (i === 0 ? 1 : one / 2));
  model.load(
    {
      ...{ steps: T, batch: B },
      inputs:
        full.input === 'ids'
          ? Int32Array.from(rng.randint(0, full.inputSize, T * B))
          : own(rng.randn(T * B * full.inputSize)),
      targets:
        full.loss.targets === 'classes'
          ? Int32Array.from(rng.randint(0, outputWidth(full), R))
          : own(rng.rand(R * outputWidth(full))),
      ...(padding === 1 ? { lengths } : padding === 2 ? { mask } : {}),
      ...(rng.randint(2) === 0 ? { lossWeights } : {}),
    },
    Array.from(rng.randint(0, 2, B)),
    rng,
  );
  const pass = async (): Promise<Record<string, number[]>> => {
    engine.kernels.fill(gradients.flat, 0);
    if (predicts) {
      // The parts that a training step has in one.
      model.predict();
      model.forward();
      model.backward(backSteps);
    } else model.forwardBackward(backSteps);
    const got: Record<string, number[]> = { loss: await read(model.loss), outputs: await read(model.outputs()) };
    const flat = await read(gradients.flat);
    for (const { name, offset, length } of gradients.layout) got[name] = flat.slice(offset, offset + length);
    const states: [string, F][] = [];
    model.eachState((name, layer, direction, index) => states.push([name, stack.dinitial(layer, direction)![index]]));
    for (const [name, state] of states) got[name] = await read(state);
    if (full.input === 'dense') got.x = (await read(stack.dx)).slice(0, T * B * full.inputSize);
    return got;
  };
  return [await pass(), await pass()];
}

/**
 * How far float32 may be from float64 after so many operations: on the way from any number to the loss and back there
 * are at most 2·T·layers steps, each with a sum of `inner` products and a few functions of some ulps.
 */
function boundOf({ spec, T }: Case, scale: number): number {
  const { hiddenSize, inputSize, layers = 1, outputSize } = spec;
  const inner = 2 * hiddenSize + inputSize + outputSize + 40;
  return 2 * T * layers * inner * FLOAT32 * scale;
}

/**
 * The default stages; and fused ones: a dispatch a step, also with a tile of another size, all steps as this device does
 * them, as a GPU, and with weights read by a workgroup of another size.
 */
const ways = {
  default: { stages: 'default' },
  steps: { persistent: false },
  tile: { persistent: { rows: 2, fours: 1 } },
  persistent: {},
  registers: { persistent: { rows: 1, outputsPerThread: 4, weightsInRegisters: 16, kSplits: 1 } },
  read: { persistent: { rows: 4, outputsPerThread: 8, weightsInRegisters: 0, kSplits: 3, threads: 4 } },
} as const satisfies Record<string, WebgpuEngineOptions>;

type Way = keyof typeof ways;

describe('loss and gradients of whole models are those of float64, in every feature, and the same bits twice', () => {
  // Kernels take long to compile on a software adapter, so that not every cell goes every way.
  const some: [string, Way[]][] = [
    ['elman tanh', ['default', 'steps', 'persistent', 'read']],
    ['elman sigmoid', ['default']],
    ['elman relu', ['default', 'steps']],
    ['elman identity', ['default']],
    ['gru', ['default', 'steps', 'registers', 'read']],
    ['gruResetBefore', ['default', 'persistent']],
    ['lstm', ['steps', 'tile', 'registers']],
    ['lstmPeephole', ['steps', 'read']],
    ['minGru', ['default', 'persistent']],
    ['odd', ['default', 'steps', 'registers']],
    ['wide', ['persistent']],
    ['operations', ['persistent']],
  ];
  const all = some.flatMap(([kind, own]) => own.map((way) => [kind, way] as const));

  it.each(inBrowser ? all.filter(([kind, way]) => kind === 'elman tanh' && way === 'persistent') : all)(
    '%s, %s',
    async (kind, way) => {
      const rng = new RandomState(20261128);
      let compared = 0;
      for (let run = 0; run < 6; run++) {
        const c = drawCase(kinds[kind], rng);
        const [want] = await resultsOf(tsEngine('float64'), c);
        const engine = webgpuEngine(device, ways[way]);
        const [got, again] = await resultsOf(engine, c);
        engine.dispose();
        const bound = boundOf(c, Math.max(1, ...Object.values(want).flat().map(Math.abs)));
        for (const [name, values] of Object.entries(want)) {
          expect(got[name].length).toBe(values.length);
          for (let i = 0; i < values.length; i++) {
            if (!(Math.abs(got[name][i] - values[i]) <= bound)) {
              throw new Error(`${name}[${i}]: got ${got[name][i]}, want ${values[i]} ± ${bound}\n${JSON.stringify(c)}`);
            }
            compared++;
          }
        }
        expect(again).toEqual(got);
      }
      expect(compared).toBeGreaterThan(200);
    },
  );
});

/** Cases with layers around the recurrence, drawn at random: rows of 4 numbers and more, as normalised rows are. */
function casesAround(kind: Kind, count: number): Case[] {
  const sizes = { hiddenSize: fc.integer({ min: 4, max: 9 }), inputSize: fc.integer({ min: 2, max: 4 }) };
  const narrowed = {
    ...sizes,
    kind: fc.constant(kind),
    layers: fc.constantFrom(1, 2),
    T: fc.integer({ min: 1, max: 4 }),
  };
  return fc.sample(arbitraryModel(narrowed), { numRuns: count, seed: 7 }).map(({ spec, T, B, seed }) => {
    return { spec, T, B, backSteps: Number.POSITIVE_INFINITY, predicts: seed % 2 === 0, seed };
  });
}

describe.skipIf(inBrowser)('so they are with layers around the recurrence', () => {
  it.each<[Way, Kind]>([
    ['default', { cell: 'gru' }],
    ['persistent', { cell: 'lstm' }],
  ])('%s, %o', async (way, kind) => {
    const met = new Set<string>();
    for (const c of casesAround(kind, 10)) {
      const full = resolveSpec(c.spec);
      for (const part of ['embedding', 'inputDense', 'outputDense', 'layerNorm', 'residual'] as const) {
        if (full[part]) met.add(part);
      }
      const [want] = await resultsOf(tsEngine('float64'), c);
      const engine = webgpuEngine(device, ways[way]);
      const [got, again] = await resultsOf(engine, c);
      engine.dispose();
      const largest = Math.max(1, ...Object.values(want).flat().map(Math.abs));
      // A normalised row's spread is seldom below a tenth, by whose inverse it makes an error larger, in each of two layers.
      const bound = boundOf(c, largest) * (full.layerNorm ? 100 : 1);
      for (const [name, values] of Object.entries(want)) {
        for (const [i, value] of values.entries()) {
          if (!(Math.abs(got[name][i] - value) <= bound)) {
            throw new Error(`${name}[${i}]: got ${got[name][i]}, want ${value} ± ${bound}\n${JSON.stringify(c)}`);
          }
        }
      }
      expect(again).toEqual(got);
    }
    expect(met.size).toBe(5);
  });
});

describe('an engine', () => {
  const spec: ModelSpec = { cell: minGru, inputSize: 3, hiddenSize: 4, outputSize: 3, loss: 'softmaxCrossEntropy' };
  const load = (engine: ReturnType<typeof webgpuEngine>, T: number, change: Partial<ModelSpec> = {}) => {
    const model = new SequenceModel(engine, { ...spec, ...change }, { steps: T, batch: 2 });
    model.load({ inputs: new Int32Array(2 * T), targets: new Int32Array(2 * T), steps: T, batch: 2 });
    return model;
  };

  it('does all steps of a cell without a product in one dispatch', () => {
    const engine = webgpuEngine(device);
    const model = load(engine, 5);
    const names = engine.calls(() => model.forwardBackward()).map(({ name }) => name);
    expect(names).toEqual([
      ...['minGru forward, 5 steps in a dispatch', 'linearForward', 'lossForwardBackward', 'sumAxis', 'matmulNN'],
      ...['minGru backward, 5 steps in a dispatch', 'weightGradients'],
    ]);
    engine.dispose();
  });

  it('adds gradients of weights and biases to what is there', async () => {
    // In one buffer, as the engine has them: dW [2,2], db [2], dy [3,2], x [3,2].
    const all = device.floats([1, 2, 3, 4, 5, 6, ...[1, 0, 2, 1, 0, 3], ...[1, 2, 3, 4, 5, 6]]);
    const [dW, db, dy, x] = [all.slice(0, 4), all.slice(4, 6), all.slice(6, 12), all.slice(12, 18)];
    const sizes = { ids: null, R: 3, O: 2 };
    weightGradients([
      { dW, dy, x, D: 2, ...sizes },
      { dW: db, dy, x: null, D: 0, ...sizes },
    ]);
    // dW += dyᵀ·x, db += Σ dy
    expect([...(await all.read())].slice(0, 6)).toEqual([1 + 7, 2 + 10, 3 + 18, 4 + 22, 5 + 3, 6 + 4]);
  });

  it('computes recurrences by the plan that it is given', () => {
    const dispatches = (persistent: RecurrencePlan) => {
      const engine = webgpuEngine(device, { persistent });
      const model = load(engine, 3, { cell: 'lstm' });
      const calls = engine.calls(() => model.forwardBackward());
      const dispatch = vi.spyOn(device, 'dispatch').mockImplementation(() => {});
      for (const { kernel, run } of calls) if (kernel.startsWith('recurrence')) run();
      const noted = dispatch.mock.calls.map(([{ name, code }, , { count }]) => ({ name, code, count }));
      dispatch.mockRestore();
      engine.dispose();
      return noted;
    };
    // Four units and two sequences, one unit forward and four backward to a tile of one four.
    for (const [rows, forward, backward] of [
      [1, 8, 2],
      [2, 4, 1],
    ]) {
      const steps = dispatches({ rows, fours: 1 }).filter(({ name }) => /^lstm(Forward|Backward)$/.test(name));
      expect(steps.map(({ count }) => count)).toEqual([...Array(3).fill(forward), ...Array(3).fill(backward)]);
    }
    for (const threads of [2, 4]) {
      const plan = { rows: 1, outputsPerThread: 4, weightsInRegisters: 0, kSplits: 1, threads };
      const all = dispatches(plan).filter(({ name }) => name.endsWith('Persistent'));
      expect(all.map(({ code }) => code.match(/@workgroup_size\((\d+)\)/)?.[1])).toEqual([`${threads}`, `${threads}`]);
    }
  });

  it('keeps the commands of a limited number of passes', async () => {
    const engine = webgpuEngine(device);
    const model = load(engine, 100);
    const use = async (steps: number): Promise<number> => {
      model.load({ inputs: new Int32Array(2 * steps), targets: new Int32Array(2 * steps), steps, batch: 2 });
      model.forward();
      await model.loss.read();
      return device.memoryUse.buffers;
    };
    const buffers: number[] = [];
    for (let steps = 1; steps <= 100; steps++) buffers.push(await use(steps));
    expect(buffers[99]).toBe(buffers[79]);
    expect(await use(1)).toBe(buffers[99]);
    engine.dispose();
  });

  it('refuses by name what it has no kernel for', () => {
    const engine = webgpuEngine(device);
    const { formula: _, ...plain } = minGru;
    const run = (change: Partial<ModelSpec>): (() => void) => {
      const model = load(engine, 2, change);
      return () => engine.calls(() => model.forward()).map(({ run }) => run());
    };
    expect(run({ cell: plain })).toThrow('spec.cell minGru has no formula, which engine webgpu needs');
    const { wgsl: __, ...silent } = { ...halfSquare, targets: 'classes' as const };
    expect(run({ loss: silent })).toThrow('spec.loss halfSquare has no wgsl, which engine webgpu needs');
    const sequence: Loss = { ...halfSquare, targets: 'classes', per: 'sequence' };
    expect(run({ loss: sequence })).toThrow('spec.loss halfSquare is per sequence, engine webgpu needs a loss per row');
    const huge: Cell = {
      ...minGru,
      formula: {
        ...minGru.formula!,
        forward: (m, { x: [, x] }) => ({ states: [m.mul(m.constant(1e39), x)], saved: [x, x] }),
      },
    };
    expect(run({ cell: huge })).toThrow('formula: constant 1e+39, expected a finite number of float32');
    engine.dispose();
  });

  it('allocates more when it is asked for more than its room', async () => {
    const engine = webgpuEngine(device, { room: { floats: 8, ints: 4 } });
    const [a, b, c] = [6, 6, 100].map((length) => engine.floats(length)) as FloatBuffer[];
    expect(new Set([a, b, c].map(({ storage }) => storage.id)).size).toBe(3);
    engine.kernels.fill(c, 2);
    engine.kernels.copy(a, engine.slice(c, 3, 9));
    expect(Array.from(await a.read())).toEqual(new Array(6).fill(2));
    engine.dispose();
  });
});
