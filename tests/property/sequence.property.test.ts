import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { assertGradcheck, type Params } from '../../src/bptt/gradcheck.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import { resolveSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { type EngineUnderTest, engines, ts32, ts64 } from '../bptt/engines.ts';
import { EFFORT } from '../effort.ts';
import {
  arbitraryModel,
  drawData,
  type Frozen,
  isPresent,
  type Kind,
  kinds,
  lossRows,
  type Narrowed,
  type Places,
  Runner,
  rearrange,
  rearrangeWeights,
  reference,
  type SequenceCase,
  type SequenceData,
  stateNames,
} from './models.ts';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const nameOf = (kind: Kind) => ('nonlinearity' in kind ? `${kind.cell} ${kind.nonlinearity}` : kind.cell);
const cuts = fc.integer({ min: 1, max: 6 });
const oneWay = fc.constant(false);

/** What the runs met of every choice and every pair of choices: a generator that never says 'learned' proves nothing. */
const met = new Map<string, Set<string>>();
let comparisons = 0;

function note(property: string, c: SequenceCase): void {
  const { spec } = c;
  const padding = c.mask ? 'mask' : c.lengths ? (c.lengths.includes(0) ? 'lengths with 0' : 'lengths') : 'no padding';
  const choices = [
    `layers ${spec.layers}`,
    spec.bidirectional ? 'both ways' : 'one way',
    `bias ${spec.bias}`,
    `input ${spec.input}`,
    `start ${spec.initialState}`,
    `${String(spec.loss)} of ${spec.outputActivation}`,
    spec.outputSize ? 'output layer' : 'no output layer',
    `loss at ${spec.lossAt}`,
    `reduction ${spec.reduction}`,
    ...Object.entries(resolveSpec(spec).dropout).map(([place, rate]) => `${rate > 0 ? '' : 'no '}dropout ${place}`),
    spec.embedding ? (spec.embedding.tied ? 'tied embedding' : 'embedding') : 'no embedding',
    spec.inputDense ? `input ${spec.inputDense.activation}` : 'no input dense',
    spec.outputDense ? `output ${spec.outputDense.activation}` : 'no output dense',
    `layerNorm ${spec.layerNorm}`,
    `residual ${spec.residual}`,
    padding,
    c.finals ? 'finals' : 'no finals',
  ];
  const pairs = choices.flatMap((a, i) => choices.slice(i + 1).map((b) => `${a} × ${b}`));
  const seen = met.get(property) ?? new Set();
  met.set(property, seen);
  for (const one of [...choices, ...pairs]) seen.add(one);
}

/**
 * So many roundings may two ways to the same number lie apart, relative to the largest number compared: a number's longest
 * way is 36 steps (6 of time in each of 3 layers, forward and back) of about 50 roundings each, and weights of up to
 * three units magnify an error a few times on its way.
 */
const ROUNDINGS = 9000;

describe.each(engines)('$name, $dtype', (on) => {
  const runnerOf = (c: SequenceCase, data = drawData(c), engine: EngineUnderTest = on): Runner =>
    new Runner(c, data, engine.dtype, engine.engine());
  /** An engine that was compared with the first one needs fewer cases of its own. */
  const share = on === ts64 ? 1 : 0.2;

  /** Runs a property over every cell, `runs` cases each. */
  function forEveryCell(
    property: string,
    runs: number,
    check: (c: SequenceCase) => void,
    narrowed: Narrowed = {},
  ): void {
    it.each(kinds.map((kind) => [nameOf(kind), kind] as const))(`%s`, (_, kind) => {
      const before = comparisons;
      const cases = arbitraryModel({ ...narrowed, kind: fc.constant(kind) });
      fc.assert(
        fc.property(cases, (c) => {
          note(`${property}, ${on.name}`, c);
          check(c);
        }),
        { numRuns: Math.ceil(runs * share * EFFORT) },
      );
      expect(comparisons).toBeGreaterThan(before);
    });
  }

  /** |got − want| ≤ tolerance·scale, where scale is the largest of all numbers compared (at least 1). */
  function expectClose(
    got: ArrayLike<number>,
    want: ArrayLike<number>,
    what: string,
    tolerance = ROUNDINGS * on.u,
    scale = 1,
  ): void {
    expect(got.length, what).toBe(want.length);
    for (let i = 0; i < want.length; i++) {
      comparisons++;
      if (!(Math.abs(got[i] - want[i]) <= tolerance * Math.max(scale, Math.abs(want[i])))) {
        throw new Error(`${what}[${i}]: got ${got[i]}, want ${want[i]}`);
      }
    }
  }

  function expectAllClose(got: Params, want: Params, tolerance = ROUNDINGS * on.u): void {
    expect(Object.keys(got).toSorted()).toEqual(Object.keys(want).toSorted());
    const scale = Math.max(1, ...Object.values(want).flatMap((w) => Array.from(w, Math.abs)));
    for (const name of Object.keys(want)) expectClose(got[name], want[name], name, tolerance, scale);
  }

  /** Bit for bit. */
  function expectSame(got: Params, want: Params): void {
    for (const name of Object.keys(want)) {
      for (let i = 0; i < want[name].length; i++) {
        comparisons++;
        if (!Object.is(got[name][i], want[name][i])) {
          throw new Error(`${name}[${i}]: got ${got[name][i]}, want ${want[name][i]}`);
        }
      }
    }
  }

  /** Everything a run computes, by name. */
  function everything(runner: Runner): Params {
    const gradients = runner.gradients();
    const loss = Float64Array.of(runner.forward());
    return { ...gradients, loss, ...prefixed('final ', runner.finalStates()) };
  }

  const prefixed = (prefix: string, values: Params): Params =>
    Object.fromEntries(Object.entries(values).map(([name, v]) => [prefix + name, v]));

  /** a += b, by name; of names that only b has, b. */
  function addInto(a: Params, b: Params): void {
    for (const [name, values] of Object.entries(b)) a[name] = a[name] ? a[name].map((v, i) => v + values[i]) : values;
  }

  const parametersOf = (runner: Runner, gradients: Params): Params =>
    Object.fromEntries(runner.model.parameters.layout.map(({ name }) => [name, gradients[name]]));

  describe('forward is the model written for reading', () => {
    forEveryCell('forward', 60, (c) => {
      const data = drawData(c);
      const runner = runnerOf(c, data);
      const want = reference(c, data);
      expectClose([runner.forward()], [want.loss], 'loss');
      const finals = runner.finalStates();
      for (const [name, values] of Object.entries(finals))
        expectClose(values, want.finals[name].flat(), `final ${name}`);
      const outputs = runner.model.outputs();
      const V = outputs.length / lossRows(c);
      for (const [r, row] of want.outputs.entries()) {
        if (row) expectClose(outputs.slice(r * V, (r + 1) * V), row, `outputs of row ${r}`);
      }
    });
  });

  // Central differences need float64; what an engine in float32 computes is compared with that below.
  describe.runIf(on === ts64)('gradients of everything are what central differences say', () => {
    forEveryCell('gradients', 14, (c) => {
      const data = drawData(c);
      const runner = runnerOf(c, data);
      const fn = { loss: () => runner.forward(), gradients: () => runner.gradients() };
      const { seed } = c;
      const sampled = assertGradcheck(fn, data.variables, { mode: 'sampled', samples: 3, seed, maxInconclusive: 0.1 });
      comparisons += sampled.checked;
      const { nonlinearity, inputDense, outputDense } = c.spec;
      if (![nonlinearity, inputDense?.activation, outputDense?.activation].includes('relu')) {
        comparisons += assertGradcheck(fn, data.variables, { mode: 'directional', samples: 2, seed }).checked;
      }
    });
  });

  describe.runIf(on === ts64)('a cut gradient is that of the loss with the states at the cuts held constant', () => {
    forEveryCell(
      'backSteps',
      6,
      (c) => {
        const data = drawData(c);
        const runner = runnerOf(c, data);
        const frozen: Frozen = new Map();
        reference(c, data, frozen);
        frozen.set('nothing', []); // so that it counts as filled where nothing was cut
        const fn = { loss: () => reference(c, data, frozen).loss, gradients: () => runner.gradients() };
        const options = { mode: 'sampled', samples: 2, seed: c.seed, maxInconclusive: 0.1 } as const;
        comparisons += assertGradcheck(fn, data.variables, options).checked;
      },
      { backSteps: cuts },
    );
  });

  /** The case and numbers of sequence b alone, all of its steps in the places they have in the batch. */
  function alone(c: SequenceCase, data: SequenceData, b: number): [SequenceCase, SequenceData] {
    const places: Places = { sequence: () => b, step: (_, t) => t };
    const size = { T: c.T, B: 1, room: c.room };
    const { lossWeights, reduction } = rearrangeWeights(c, size, places);
    const own: SequenceCase = { ...c, ...size, spec: { ...c.spec, reduction }, lossWeights, carry: [c.carry[b]] };
    if (c.lengths) own.lengths = [c.lengths[b]];
    if (c.mask) own.mask = range(c.T).map((t) => c.mask![t * c.B + b]);
    return [own, rearrange(c, data, size, places)];
  }

  /** The case and numbers of sequence b alone without its padding; null where nothing is left. */
  function trimmed(c: SequenceCase, data: SequenceData, b: number): [SequenceCase, SequenceData] | null {
    const steps = range(c.T).filter((t) => isPresent(c, t, b));
    if (steps.length === 0) return null;
    const places: Places = { sequence: () => b, step: (_, t) => steps[t] };
    const size = { T: steps.length, B: 1, room: steps.length };
    const { lossWeights, reduction } = rearrangeWeights(c, size, places);
    const { lengths: _l, mask: _m, ...rest } = c;
    const own = { ...rest, ...size, spec: { ...c.spec, reduction }, lossWeights, carry: [c.carry[b]] };
    return [own, rearrange(c, data, size, places)];
  }

  const learns = (c: SequenceCase): boolean => {
    const weights = c.lossWeights ?? range(lossRows(c)).map(() => 1);
    const there = (b: number, t: number) => isPresent(c, t, b);
    return weights.some((w, r) => {
      const b = r % c.B;
      const present = c.spec.lossAt === 'every' ? there(b, (r - b) / c.B) : range(c.T).some((t) => there(b, t));
      return w > 0 && present;
    });
  };

  /** Compares a batch with its sequences run one by one. */
  function expectBatchedIsOneByOne(
    c: SequenceCase,
    one: (c: SequenceCase, data: SequenceData, b: number) => [SequenceCase, SequenceData] | null,
  ): void {
    const data = drawData(c);
    const runner = runnerOf(c, data);
    const batched = runner.gradients();
    const loss = runner.forward();
    let sum = 0;
    const summed: Params = {};
    for (let b = 0; b < c.B; b++) {
      const own = one(c, data, b);
      // A sequence that has no step, or whose losses all weigh nothing, cannot be loaded alone.
      if (!own || !learns(own[0])) continue;
      const single = runnerOf(...own);
      const gradients = single.gradients();
      sum += single.forward();
      addInto(summed, parametersOf(single, gradients));
      const H = single.model.spec.hiddenSize;
      for (const { name } of stateNames(single.model.spec)) {
        expectClose(batched[name].slice(b * H, (b + 1) * H), gradients[name], `${name} of sequence ${b}`);
      }
      if (!gradients.x) continue;
      const D = single.model.spec.inputSize;
      const steps = own[0].T === c.T ? range(c.T) : range(c.T).filter((t) => isPresent(c, t, b));
      const dx = steps.flatMap((t) => Array.from(batched.x.slice((t * c.B + b) * D, (t * c.B + b + 1) * D)));
      expectClose(dx, gradients.x, `x of sequence ${b}`);
    }
    expectClose([loss], [sum], 'loss');
    expectAllClose(parametersOf(runner, batched), summed);
  }

  const noFinals = fc.constant(false);

  describe('a batch is its sequences one by one', () => {
    forEveryCell('one by one', 25, (c) => expectBatchedIsOneByOne(c, alone), { finals: noFinals, backSteps: cuts });
  });

  describe('a padded batch is its sequences one by one without their padding', () => {
    forEveryCell('trimmed', 25, (c) => expectBatchedIsOneByOne(c, trimmed), { finals: noFinals });
  });

  describe('padding at the end moves no cut of the gradient', () => {
    const narrowed = { finals: noFinals, backSteps: cuts, bidirectional: oneWay };
    forEveryCell(
      'trimmed, cut',
      15,
      (c) => {
        if (!c.mask) expectBatchedIsOneByOne(c, trimmed);
        else
          expectBatchedIsOneByOne(
            { ...c, mask: c.mask.map((m, i) => (i < c.B ? m : Math.min(m, c.mask![i % c.B]))) },
            alone,
          );
      },
      narrowed,
    );
  });

  describe('a whole sequence is its windows with the state carried', () => {
    forEveryCell(
      'windows',
      25,
      (whole) => {
        const c: SequenceCase = { ...whole };
        delete c.mask; // a cut falls between windows, and between the steps of a sequence: with gaps these differ
        const data = drawData(c);
        const runner = runnerOf(c, data);
        const cut = runner.gradients();
        const loss = runner.forward();
        const finals = runner.finalStates();
        let sum = 0;
        const summed: Params = {};
        let states: Params = {};
        for (let from = 0; from < c.T; from += c.backSteps) {
          const T = Math.min(c.backSteps, c.T - from);
          const places: Places = { sequence: (b) => b, step: (_, t) => from + t };
          const size = { T, B: c.B, room: T };
          const { lossWeights, reduction } = rearrangeWeights(c, size, places);
          const part: SequenceCase = {
            ...c,
            ...size,
            spec: { ...c.spec, reduction },
            lossWeights,
            backSteps: Infinity,
          };
          if (from > 0) part.carry = range(c.B).map(() => 1);
          if (c.lengths) part.lengths = c.lengths.map((length) => Math.max(0, Math.min(T, length - from)));
          if (!learns(part)) continue; // nothing to learn in this window, and if no step is there the states stand still
          const partData = rearrange(c, data, size, places);
          Object.assign(partData.variables, states);
          const window = runnerOf(part, partData);
          const gradients = window.gradients();
          sum += window.forward();
          states = window.finalStates();
          addInto(summed, parametersOf(window, gradients));
          if (from === 0)
            for (const { name } of stateNames(window.model.spec)) expectClose(cut[name], gradients[name], name);
          if (!gradients.x) continue;
          const rows = c.B * window.model.spec.inputSize;
          expectClose(cut.x.slice(from * rows, (from + T) * rows), gradients.x, `x from step ${from}`);
        }
        expectClose([loss], [sum], 'loss');
        expectAllClose(parametersOf(runner, cut), summed);
        expectAllClose(finals, states);
      },
      {
        backSteps: cuts,
        bidirectional: oneWay,
        finals: noFinals,
        lossAt: fc.constant('every' as const),
        weighted: fc.constant(false),
      },
    );
  });

  describe('padding in front is padding behind', () => {
    forEveryCell('left and right', 25, (random) => {
      const c: SequenceCase = {
        ...random,
        lengths: random.lengths ?? range(random.B).map((b) => Math.max(1, random.T - b)),
      };
      delete c.mask;
      const gap = (b: number) => c.T - c.lengths![b];
      const places: Places = { sequence: (b) => b, step: (b, t) => (t < gap(b) ? null : t - gap(b)) };
      const { lossWeights, reduction } = rearrangeWeights(c, c, places);
      const mask = range(c.T * c.B).map((i) => (places.step(i % c.B, Math.floor(i / c.B)) === null ? 0 : 1));
      const { lengths: _, ...rest } = c;
      const left: SequenceCase = { ...rest, mask, lossWeights, spec: { ...c.spec, reduction } };
      const data = drawData(c);
      const behind = runnerOf(c, data);
      const front = runnerOf(left, rearrange(c, data, left, places));
      const want = everything(behind);
      const got = everything(front);
      if (want.x) {
        const D = behind.model.spec.inputSize;
        const moved = new Float64Array(want.x.length);
        for (let t = 0; t < c.T; t++) {
          for (let b = 0; b < c.B; b++) {
            const step = places.step(b, t);
            if (step === null) continue;
            moved.set(want.x.subarray((step * c.B + b) * D).subarray(0, D), (t * c.B + b) * D);
          }
        }
        want.x = moved;
      }
      expectAllClose(got, want);
    });
  });

  describe('nothing sent back is nothing learned', () => {
    forEveryCell(
      'zero upstream',
      15,
      (c) => {
        const gradients = runnerOf({ ...c, spec: { ...c.spec, reduction: 0 } }).gradients();
        for (const [name, values] of Object.entries(gradients)) {
          for (const value of values) {
            comparisons++;
            expect(Math.abs(value), name).toBe(0);
          }
        }
      },
      { finals: noFinals, backSteps: cuts },
    );

    it('nor of a sequence whose losses all weigh nothing', () => {
      let silent = 0;
      const cases = arbitraryModel({ finals: noFinals, B: fc.constant(3), input: fc.constant('dense' as const) });
      fc.assert(
        fc.property(cases, (c) => {
          const rows = lossRows(c);
          const lossWeights = range(rows).map((r) => (r % 3 === 1 ? 0 : (c.lossWeights?.[r] ?? 1)));
          const runner = runnerOf({ ...c, lossWeights });
          const gradients = runner.gradients();
          const { inputSize: D, hiddenSize: H } = runner.model.spec;
          const mine = [
            ...range(c.T).flatMap((t) => Array.from(gradients.x.subarray((t * 3 + 1) * D).subarray(0, D))),
            ...stateNames(runner.model.spec).flatMap(({ name }) =>
              Array.from(gradients[name].subarray(H).subarray(0, H)),
            ),
          ];
          for (const value of mine) {
            silent++;
            expect(Math.abs(value)).toBe(0);
          }
        }),
        { numRuns: 60 * share * EFFORT },
      );
      expect(silent).toBeGreaterThan(500 * share);
    });
  });

  describe('two runs are equal to the bit', () => {
    forEveryCell(
      'twice',
      15,
      (c) => {
        const data = drawData(c);
        const want = everything(runnerOf(c, data));
        const again = runnerOf(c, data);
        expectSame(everything(again), want);
        expectSame(everything(again), want);
      },
      { backSteps: cuts },
    );

    it('also after other batches, longer, shorter and padded, have gone through the same buffers', () => {
      fc.assert(
        fc.property(arbitraryModel({ backSteps: cuts }), fc.boolean(), (c, padded) => {
          const data = drawData(c);
          const want = everything(runnerOf(c, data));
          const runner = runnerOf(c, data);
          const other: SequenceCase = {
            ...c,
            T: c.room,
            seed: c.seed + 1,
            finals: true,
            carry: c.carry.map((k) => 1 - k),
          };
          delete other.lengths;
          delete other.mask;
          delete other.lossWeights;
          if (padded) other.lengths = range(c.B).map((b) => (b === 0 ? c.room : b % c.room));
          Object.assign(runner, { c: other, data: drawData(other) });
          runner.gradients();
          Object.assign(runner, { c, data });
          expectSame(everything(runner), want);
        }),
        { numRuns: 100 * share * EFFORT },
      );
    });

    it('with dropout drawn from a seeded stream', () => {
      const half = fc.constant(0.5);
      const all = { dropout: half, inputDropout: half, outputDropout: half };
      const cases = arbitraryModel({ ...all, layers: fc.constantFrom(2, 3) });
      fc.assert(
        fc.property(cases, (c) => {
          const data = drawData(c);
          const runner = runnerOf(c, data);
          runner.forward();
          const { model } = runner;
          const run = (seed: number) => {
            runner.load(new RandomState(seed));
            model.forward();
            const masks = model.dropoutMasks.map(({ mask }) => mask.slice());
            model.gradients.flat.fill(0);
            model.backward();
            return { loss: model.loss[0], gradients: model.gradients.flat.slice(), masks };
          };
          const first = run(5);
          expect(run(5)).toStrictEqual(first);
          for (const mask of first.masks) for (const kept of mask) expect([0, 2]).toContain(kept);
          comparisons += first.gradients.length;
        }),
        { numRuns: 20 * share * EFFORT },
      );
    });
  });

  describe('what stands in the padding does not matter', () => {
    forEveryCell('padding', 20, (c) => {
      const data = drawData(c);
      const spec = resolveSpec(c.spec);
      const want = everything(runnerOf(c, data));
      const other: SequenceData = {
        ...data,
        variables: { ...data.variables },
        ids: data.ids.slice(),
        targets: data.targets.slice(),
      };
      if (data.variables.x) other.variables.x = data.variables.x.slice();
      const lossWeights = c.lossWeights?.slice();
      const rng = new RandomState(c.seed);
      for (let t = 0; t < c.T; t++) {
        for (let b = 0; b < c.B; b++) {
          if (isPresent(c, t, b)) continue;
          const r = t * c.B + b;
          const D = spec.inputSize;
          if (spec.input === 'ids') other.ids[r] = rng.randint(D);
          else
            for (let j = 0; j < D; j++)
              other.variables.x[r * D + j] = [
                1e3,
                -on.power(300),
                on.dtype === 'float64' ? Number.MAX_VALUE : 3.4e38,
                0,
              ][rng.randint(4)];
          if (spec.lossAt === 'last') continue;
          const V = data.targets.length / lossRows(c);
          for (let k = 0; k < V; k++) {
            other.targets[r * V + k] = data.targets instanceof Int32Array ? 0 : rng.randn() * 100;
          }
          if (lossWeights) lossWeights[r] = 7;
        }
      }
      const got = everything(runnerOf(lossWeights ? { ...c, lossWeights } : c, other));
      expectSame(got, want);
    });
  });

  describe('float32 is float64 to rounding', () => {
    forEveryCell(
      'float32',
      15 / share,
      (c) => {
        const data = drawData(c);
        const want = everything(runnerOf(c, data, ts64));
        const got = everything(runnerOf(c, data, on === ts64 ? ts32 : on));
        expectAllClose(got, want, ROUNDINGS * ts32.u);
      },
      {
        backSteps: cuts,
        // Beyond the lanes of a vector and the rows of a tile.
        hiddenSize: fc.integer({ min: 1, max: 9 }),
        B: fc.constantFrom(1, 2, 3, 5),
        lengths: fc.array(fc.nat({ max: 6 }), { minLength: 5, maxLength: 5 }),
        mask: fc.array(fc.constantFrom(1, 0), { minLength: 30, maxLength: 30 }),
        lossWeights: fc.array(fc.constantFrom(1, 0.5, 0, 2), { minLength: 30, maxLength: 30 }),
        carry: fc.array(fc.constantFrom(0, 1), { minLength: 5, maxLength: 5 }),
      },
    );
  });

  describe('where nothing drops', () => {
    it('a model without dropout gives the same with or without a stream', () => {
      const spec = {
        cell: 'gru',
        inputSize: 3,
        hiddenSize: 2,
        outputSize: 3,
        layers: 2,
        loss: 'softmaxCrossEntropy',
      } as const;
      const model: SequenceModel<FloatArray, Int32Array> = new SequenceModel(on.engine(), spec, { steps: 2, batch: 1 });
      model.parameters.flat.set(new RandomState(1).randn(model.parameters.flat.length));
      const batch = { inputs: Int32Array.of(0, 2), targets: Int32Array.of(1, 1) };
      model.load(batch, false, new RandomState(0));
      model.forward();
      const loss = model.loss[0];
      model.load(batch);
      model.forward();
      expect(model.loss[0]).toBe(loss);
    });
  });
});

afterAll(() => {
  // Fewer where only some tests were asked for; the whole file compares far more.
  for (const [property, seen] of met) {
    if (property !== 'forward, ts' && property !== 'gradients, ts') continue;
    expect(seen.size, property).toBeGreaterThan(250);
  }
});
