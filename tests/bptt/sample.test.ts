import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertSampleOptions, type SampleOptions, Sampler, sampleFrom } from '../../src/bptt/sample.ts';
import { type ModelSpec, type NamedTensors, parameterLayout, resolveSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';

type Matrix = number[][];
interface Variant {
  params_after_all: { Wxh: Matrix; Whh: Matrix; Why: Matrix; bh: Matrix; by: Matrix };
  hprev_after_all: Matrix;
  sample_after_training: { seed: number; seed_ix: number; n: number; ixes: number[] };
}
const { cases }: { cases: { H: number; V: number; variants: Record<string, Variant> }[] } = JSON.parse(
  readFileSync(new URL('../goldens/nb004b_min_char_rnn.json', import.meta.url), 'utf8'),
);

const spec: ModelSpec = { cell: 'lstm', inputSize: 5, hiddenSize: 4, outputSize: 5, loss: 'softmaxCrossEntropy' };

function randomParameters(of: ModelSpec, seed = 1): NamedTensors {
  const rng = new RandomState(seed);
  return Object.fromEntries(parameterLayout(resolveSpec(of)).map(({ name, length }) => [name, rng.randn(length)]));
}

const logits = fc.float64Array({ minLength: 1, maxLength: 9, min: -30, max: 30, noNaN: true });
const softmax = (z: ArrayLike<number>) => {
  const e = Array.from(z, (v) => Math.exp(v - Math.max(...Array.from(z))));
  const total = e.reduce((a, b) => a + b);
  return e.map((v) => v / total);
};

/** How often each symbol comes in n draws. */
function counts(z: Float64Array, options: SampleOptions, n = 4000): number[] {
  const rng = new RandomState(5);
  const seen = new Array<number>(z.length).fill(0);
  for (let i = 0; i < n; i++) seen[sampleFrom(z, rng, options)]++;
  return seen;
}

describe('sampleFrom', () => {
  it('is np.random.choice(range(V), p=softmax(y)), draw for draw', () => {
    fc.assert(
      fc.property(logits, fc.nat(), (z, seed) => {
        const [mine, numpys] = [new RandomState(seed), new RandomState(seed)];
        for (let i = 0; i < 5; i++) {
          const p = softmax(z);
          expect(sampleFrom(z, mine)).toBe(numpys.choice(z.length, { p }));
        }
        expect(mine.getState()).toEqual(numpys.getState()); // one double each
      }),
    );
  });

  it('the first symbol whose cumulative probability exceeds the draw, not one that equals it', () => {
    const z = new Float64Array(4);
    const at = (u: number) => sampleFrom(z, { randomSample: () => u } as unknown as RandomState);
    expect([0, 0.25 - 2 ** -54, 0.25, 0.5 - 2 ** -54, 0.5, 0.75, 1 - 2 ** -53].map(at)).toEqual([0, 0, 1, 1, 2, 3, 3]);
  });

  it('draws with the probabilities of the tempered softmax', () => {
    const z = Float64Array.of(0.5, -1, 2, 0);
    for (const temperature of [0.5, 1, 3]) {
      const p = softmax(z.map((v) => v / temperature));
      for (const [v, seen] of counts(z, { temperature }).entries()) {
        expect(Math.abs(seen / 4000 - p[v])).toBeLessThan(0.03);
      }
    }
  });

  it('greedy takes the likeliest, the first of equals, and no random number', () => {
    fc.assert(
      fc.property(logits, (z) => {
        const rng = new RandomState(0);
        const before = rng.getState();
        expect(sampleFrom(z, rng, { greedy: true })).toBe(z.indexOf(Math.max(...z)));
        expect(rng.getState()).toEqual(before);
      }),
    );
    expect(sampleFrom(Float64Array.of(1, 7, 7), new RandomState(0), { greedy: true })).toBe(1);
  });

  it('so do topK 1, a tiny topP and a temperature near 0', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1 }), fc.nat(), (values, seed) => {
        const z = Float64Array.from(values);
        const best = z.indexOf(Math.max(...z));
        for (const options of [{ topK: 1 }, { topP: 1e-9 }, { temperature: 1e-3 }, { temperature: 1e-320 }]) {
          expect(sampleFrom(z, new RandomState(seed), options)).toBe(best);
        }
      }),
    );
  });

  it('topK draws only from the k likeliest, each in proportion', () => {
    const z = Float64Array.of(0, 1, 2, 1.5, -1);
    const seen = counts(z, { topK: 3 });
    expect([seen[0], seen[4]]).toEqual([0, 0]);
    const p = softmax([1, 2, 1.5]);
    expect(Math.abs(seen[2] / 4000 - p[1])).toBeLessThan(0.03);
    expect(Math.abs(seen[3] / 4000 - p[2])).toBeLessThan(0.03);
    expect(counts(z, { topK: 99 })).toEqual(counts(z, {}));
    // Among equals the first ones stay.
    expect(counts(new Float64Array(4), { topK: 2 }).map((n) => n > 0)).toEqual([true, true, false, false]);
  });

  it('topP draws from the smallest set of likeliest symbols that reaches p', () => {
    const z = Float64Array.from([0.5, 0.3, 0.15, 0.05], Math.log);
    const met = (topP: number) => counts(z, { topP }).map((n) => n > 0);
    expect(met(0.4)).toEqual([true, false, false, false]);
    expect(met(0.6)).toEqual([true, true, false, false]);
    expect(met(0.9)).toEqual([true, true, true, false]);
    expect(met(1)).toEqual([true, true, true, true]);
    expect(counts(z, { topP: 0.99, topK: 2 }).map((n) => n > 0)).toEqual([true, true, false, false]);
  });

  it('−∞ rules a symbol out, and the last of the possible ones gets what rounding leaves', () => {
    const z = Float64Array.of(-Infinity, 0, -Infinity);
    for (let seed = 0; seed < 50; seed++) expect(sampleFrom(z, new RandomState(seed))).toBe(1);
    const late = { randomSample: () => 1 } as unknown as RandomState; // one that does not come
    expect(sampleFrom(Float64Array.of(0, 0, -Infinity), late)).toBe(1);
  });

  it.each<[Float64Array, SampleOptions, string]>([
    [Float64Array.of(0, NaN), {}, 'logits[1] is NaN, expected a number below infinity'],
    [Float64Array.of(Infinity, 0), {}, 'logits[0] is Infinity, expected a number below infinity'],
    [Float64Array.of(-Infinity), {}, 'logits holds no number above -Infinity'],
    [new Float64Array(0), { greedy: true }, 'logits holds no number above -Infinity'],
    [Float64Array.of(0), { temperature: 0 }, 'temperature is 0, expected a finite number > 0'],
    [Float64Array.of(0), { temperature: Infinity }, 'temperature is Infinity, expected a finite number > 0'],
    [Float64Array.of(0), { topK: 0 }, 'topK is 0, expected a whole number ≥ 1'],
    [Float64Array.of(0), { topK: 1.5 }, 'topK is 1.5, expected a whole number ≥ 1'],
    [Float64Array.of(0), { topP: 0 }, 'topP is 0, expected 0 < topP ≤ 1'],
    [Float64Array.of(0), { topP: 1.1 }, 'topP is 1.1, expected 0 < topP ≤ 1'],
  ])('refuses %j %j', (z, options, message) => {
    const rng = new RandomState(0);
    const before = rng.getState();
    expect(() => sampleFrom(z, rng, options)).toThrow(RangeError(`sampleFrom: ${message}`));
    expect(rng.getState()).toEqual(before);
  });

  it('assertSampleOptions takes what makes sense', () => {
    expect(() => assertSampleOptions({})).not.toThrow();
    expect(() => assertSampleOptions({ temperature: 0.1, topK: 5, topP: 1, greedy: true })).not.toThrow();
  });
});

describe('Sampler', () => {
  it("writes what min-char-rnn's sample() writes, symbol for symbol", () => {
    let symbols = 0;
    for (const { H, V, variants } of cases) {
      for (const { params_after_all: w, hprev_after_all, sample_after_training: wanted } of Object.values(variants)) {
        const char: ModelSpec = { ...spec, cell: 'elman', inputSize: V, hiddenSize: H, outputSize: V, bias: 'input' };
        const sampler = new Sampler(char, {
          weight_ih_l0: Float64Array.from(w.Wxh.flat()),
          weight_hh_l0: Float64Array.from(w.Whh.flat()),
          bias_ih_l0: Float64Array.from(w.bh.flat()),
          weight_ho: Float64Array.from(w.Why.flat()),
          bias_ho: Float64Array.from(w.by.flat()),
        });
        sampler.setState({ h_l0: Float64Array.from(hprev_after_all.flat()) });
        const ids = sampler.sample([wanted.seed_ix], wanted.n, new RandomState(wanted.seed));
        expect(ids).toEqual(wanted.ixes);
        symbols += ids.length;
      }
    }
    expect(symbols).toBe(80);
  });

  it.each(['elman', 'gru', 'gruResetBefore', 'lstm', 'lstmPeephole'] as const)(
    '%s: keeps its state, and forgets it',
    (cell) => {
      const own = { ...spec, cell, layers: 2 };
      const sampler = new Sampler(own, randomParameters(own));
      const first = sampler.read(2).slice();
      const second = sampler.read(2).slice();
      expect(second).not.toEqual(first);
      sampler.reset();
      expect(sampler.read(2)).toEqual(first);
      expect(sampler.read(2)).toEqual(second);
    },
  );

  it('reads the prime, feeds back what it draws, and stops at the stop symbol', () => {
    const parameters = randomParameters(spec);
    const all = new Sampler(spec, parameters).sample([0, 1], 30, new RandomState(3));
    expect(all).toHaveLength(30);
    expect(all.every((id) => id >= 0 && id < 5)).toBe(true);
    const byHand = new Sampler(spec, parameters);
    const rng = new RandomState(3);
    byHand.read(0);
    let id = 1;
    const same = all.map(() => (id = sampleFrom(byHand.read(id), rng)));
    expect(same).toEqual(all);
    const stop = all[6];
    const stopped = new Sampler(spec, parameters).sample([0, 1], 30, new RandomState(3), {}, stop);
    expect(stopped).toEqual(all.slice(0, all.indexOf(stop) + 1));
    expect(new Sampler(spec, parameters).sample([0], 0, new RandomState(3))).toEqual([]);
  });

  it('computes in the dtype of its parameters', () => {
    const narrow = Object.fromEntries(
      Object.entries(randomParameters(spec)).map(([n, w]) => [n, Float32Array.from(w)]),
    );
    expect(new Sampler(spec, narrow).read(0)).toBeInstanceOf(Float32Array);
    expect(new Sampler(spec, randomParameters(spec)).read(0)).toBeInstanceOf(Float64Array);
  });

  it('a call that fails on its way has changed neither state nor stream', () => {
    const parameters = randomParameters(spec);
    // Whoever reads symbol 3 knows nothing any more.
    const V = spec.inputSize;
    parameters.weight_ih_l0.forEach((_, i) => {
      if (i % V === 3) parameters.weight_ih_l0[i] = Number.NaN;
    });
    for (const read of [[], [1, 2]]) {
      for (const options of [{}, { topK: 4 }, { temperature: 5 }]) {
        const [spoilt, clean] = [new Sampler(spec, parameters), new Sampler(spec, parameters)];
        for (const sampler of [spoilt, clean]) for (const symbol of read) sampler.read(symbol);
        const rng = new RandomState(5);
        const before = rng.getState();
        expect(() => spoilt.sample([0, 1], 1000, rng, options)).toThrow('sampleFrom: logits[0] is NaN');
        expect(rng.getState()).toEqual(before);
        expect(() => spoilt.sample([3], 1, rng, options)).toThrow('sampleFrom: logits[0] is NaN');
        expect(() => spoilt.sample([0, 1, 9], 1, rng, options)).toThrow('Sampler: symbol is 9, expected 0');
        expect(rng.getState()).toEqual(before);
        expect(spoilt.read(0)).toEqual(clean.read(0));
      }
    }
  });

  it('refuses', () => {
    const parameters = randomParameters(spec);
    const sampler = new Sampler(spec, parameters);
    const rng = new RandomState(0);
    expect(() => sampler.sample([], 3, rng)).toThrow(
      RangeError('Sampler.sample: prime is empty, expected at least one symbol'),
    );
    expect(() => sampler.sample([0], 3, rng, { topK: 0 })).toThrow('topK is 0');
    for (const symbol of [5, -1, 0.5, NaN, Infinity, 2 ** 32, 'x' as never, undefined as never]) {
      expect(() => sampler.read(symbol)).toThrow(
        RangeError(`Sampler: symbol is ${typeof symbol === 'string' ? `'${symbol}'` : symbol}, expected 0 … 4`),
      );
    }
    expect(() => sampler.sample('hello' as never, 3, rng)).toThrow(
      TypeError("Sampler.sample: prime is 'hello', expected a list of symbols"),
    );
    const shape = 'Sampler: expected a model that reads ids in one direction and predicts by softmax';
    for (const odd of [{ bidirectional: true }, { input: 'dense' }, { loss: 'squaredError' }] as const) {
      const other = { ...spec, ...odd };
      expect(() => new Sampler(other, randomParameters(other))).toThrow(RangeError(shape));
    }
    const { bias_ho: _, ...missing } = parameters;
    expect(() => new Sampler(spec, missing)).toThrow(/bias_ho is missing$/);
    expect(() => new Sampler(spec, {})).toThrow(/weight_ih_l0 is missing$/);
    expect(() => new Sampler(spec, { ...parameters, extra: new Float64Array(1) })).toThrow(/extra is no parameter/);
    const short = { ...parameters, bias_ho: new Float64Array(4) };
    expect(() => new Sampler(spec, short)).toThrow(/bias_ho has 4 elements, expected \[n\] = \[5\]$/);
    const spoilt = { ...parameters, bias_ho: Float64Array.of(0, NaN, 0, 0, 0) };
    expect(() => new Sampler(spec, spoilt).sample([0], 1, rng)).toThrow('sampleFrom: logits[1] is NaN');
    expect(() => sampler.setState({ h_l0: new Float64Array(4) })).toThrow('c_l0 is missing');
    expect(() => sampler.setState({ h_l0: new Float64Array(4), c_l0: new Float64Array(3) })).toThrow(
      'c_l0 has 3 elements',
    );
  });
});

describe('what is no request is named', () => {
  const rng = new RandomState(1);
  const cases: [unknown[], string][] = [
    [[[0], 3], 'Sampler.sample: rng is undefined, expected a RandomState, as in new RandomState(0)'],
    [[[0], 3, 7], 'Sampler.sample: rng is 7, expected a RandomState'],
    [[[0], -5, rng], 'Sampler.sample: length is -5, expected a whole number ≥ 0'],
    [[[0], undefined, rng], 'Sampler.sample: length is undefined, expected a whole number ≥ 0'],
    [['abc', 3, rng], "Sampler.sample: prime is 'abc', expected a list of symbols"],
    [[[], 3, rng], 'Sampler.sample: prime is empty, expected at least one symbol'],
    [[[0], 3, rng, { temp: 1 }], 'sampleFrom: unknown option temp, did you mean temperature?'],
    [[[0], 3, rng, { top_k: 1 }], 'sampleFrom: unknown option top_k, did you mean topK?'],
    [[[0], 3, rng, { temperature: '1' }], "sampleFrom: temperature is '1', expected a finite number > 0"],
    [[[0], 3, rng, { topP: '1' }], "sampleFrom: topP is '1', expected 0 < topP ≤ 1"],
    [[[0], 3, rng, { greedy: 'no' }], "sampleFrom: greedy is 'no', expected true or false"],
  ];

  it.each(cases)('%j', (given, message) => {
    const sampler = new Sampler(spec, randomParameters(spec));
    const sample = sampler.sample.bind(sampler) as (...given: unknown[]) => number[];
    expect(() => sample(...given)).toThrow(message);
  });

  it('sampleFrom needs a stream unless it is greedy', () => {
    const z = Float64Array.of(0, 1);
    expect(() => sampleFrom(z, undefined as never)).toThrow('sampleFrom: rng is undefined, expected a RandomState');
    expect(sampleFrom(z, undefined as never, { greedy: true })).toBe(1);
  });
});
