import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomState, type RandomStateSnapshot } from '../../src/tensor/random.ts';

// rng_legacy.json holds the reference streams; rng_binomial_choice.json adds numpy.random.RandomState's multinomial with
// large n (BTPE) and choice without replacement with p.
const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../goldens/${name}`, import.meta.url), 'utf8'));

type Nested = number | Nested[];
interface Op {
  op: string;
  // biome-ignore lint/suspicious/noExplicitAny: each operation has its own arguments
  args: any[];
  out: Nested;
}
interface StreamCase {
  seed: number;
  state_key_first_5: number[];
  state_key_last_5: number[];
  state_pos: number;
  raw_uint32: number[];
  fresh_stream_each: Op[];
  interleaved_on_one_stream: Op[][];
  after_1000_random_sample: number[];
}

const product = (sizes: Nested[]): number => (sizes.flat() as number[]).reduce((n, size) => n * size, 1);
const times = (calls: number, draw: () => number | ArrayLike<number>): Nested =>
  Array.from({ length: calls }, () => {
    const drawn = draw();
    return typeof drawn === 'number' ? drawn : Array.from(drawn);
  });

/** Runs an operation of the golden file, under NumPy's name and arguments. */
function runOp(rng: RandomState, { op, args }: Op): ArrayLike<Nested> {
  const calls = args.at(-1) as number;
  switch (op) {
    case 'random_sample':
      return rng.randomSample(product(args));
    case 'rand':
      return rng.rand(product(args));
    case 'uniform':
      return rng.uniform(args[0], args[1], args[2]);
    case 'randn':
      return rng.randn(product(args));
    case 'standard_normal':
      return rng.standardNormal(args[0]);
    case 'normal':
      return rng.normal(args[0], args[1], args[2]);
    case 'randint_scalars':
      return times(calls, () => (args.length === 2 ? rng.randint(args[0]) : rng.randint(args[0], args[1]))) as number[];
    case 'randint_size':
      return rng.randint(args[0], args[1], args[2]);
    case 'permutation':
      return rng.permutation(args[0] as number);
    case 'shuffle': {
      const values = Array.from({ length: args[0] }, (_, i) => i);
      rng.shuffle(values);
      return values;
    }
    case 'choice_p':
      return times(calls, () => rng.choice(args[0].length as number, { p: args[0] })) as number[];
    case 'choice_p_size':
      return rng.choice(args[0].length as number, { p: args[0], size: args[1] as number });
    case 'choice_size':
      return rng.choice(args[0] as number, { size: args[1] as number });
    case 'choice_no_replace':
      return rng.choice(args[0] as number, { size: args[1] as number, replace: false });
    case 'multinomial':
      return times(calls, () => rng.multinomial(args[0], args[1])) as Nested[];
    default:
      throw new Error(`the golden file has an operation that this test does not know: ${op}`);
  }
}

const GAUSSIAN = new Set(['randn', 'standard_normal', 'normal']);

/** Units in the last place between two doubles of one sign. */
function ulps(a: number, b: number): number {
  const bits = new BigInt64Array(new Float64Array([a, b]).buffer);
  return Math.abs(Number(bits[0] - bits[1]));
}

function expectOp(rng: RandomState, op: Op): number {
  const got = Array.from(runOp(rng, op) as ArrayLike<Nested>).flat(9) as number[];
  const wanted = [op.out].flat(9) as number[];
  expect(got.length, op.op).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    if (GAUSSIAN.has(op.op)) expect(ulps(got[i], wanted[i]), `${op.op} ${i}`).toBeLessThanOrEqual(4);
    else expect(got[i], `${op.op}(${op.args}) ${i}`).toBe(wanted[i]);
  }
  return wanted.length;
}

describe('RandomState against NumPy', () => {
  const { cases } = read('rng_legacy.json') as { cases: StreamCase[] };

  it('has every golden seed', () => {
    expect(cases.map((c) => c.seed)).toEqual([0, 42, 123456789, 4294967295]);
  });

  it.each(cases)('seed $seed: every operation on a fresh stream and interleaved', (c) => {
    let operations = 0;
    let numbers = 0;
    for (const op of c.fresh_stream_each) {
      numbers += expectOp(new RandomState(c.seed), op);
      operations++;
    }
    for (const sequence of c.interleaved_on_one_stream) {
      const rng = new RandomState(c.seed);
      for (const op of sequence) {
        numbers += expectOp(rng, op);
        operations++;
      }
    }
    expect([operations, numbers]).toEqual([76, 1429]);
  });

  it.each(cases)('seed $seed: the state after seeding, raw words, and far along the stream', (c) => {
    const { key, pos, hasGauss, gauss } = new RandomState(c.seed).getState();
    expect(key.slice(0, 5)).toEqual(c.state_key_first_5);
    expect(key.slice(-5)).toEqual(c.state_key_last_5);
    expect([pos, hasGauss, gauss]).toEqual([c.state_pos, false, 0]);
    expect(Array.from(new RandomState(c.seed).randint(0, 2 ** 32, 50))).toEqual(c.raw_uint32);
    const rng = new RandomState(c.seed);
    for (let i = 0; i < 1000; i++) rng.randomSample();
    expect(Array.from(rng.rand(10))).toEqual(c.after_1000_random_sample);
  });

  interface Draws {
    seed: number;
    n: number;
    out: number[][];
    next: number;
  }
  const draws = read('rng_binomial_choice.json') as {
    multinomial: (Draws & { pvals: number[] })[];
    choiceWithoutReplacement: (Draws & { size: number; p: number[] | null; scalars: number[] | null })[];
  };

  it('multinomial of few and of many trials, and where the stream stands after it', () => {
    let checked = 0;
    for (const { seed, n, pvals, out, next } of draws.multinomial) {
      const rng = new RandomState(seed);
      for (const counts of out) {
        expect(Array.from(rng.multinomial(n, pvals)), `${n} ${pvals}`).toEqual(counts);
        checked++;
      }
      expect(rng.randomSample()).toBe(next);
    }
    expect(checked).toBe(480);
  });

  it('choice without replacement, with and without probabilities', () => {
    let checked = 0;
    for (const { seed, n, size, p, out, scalars, next } of draws.choiceWithoutReplacement) {
      const options = p === null ? { replace: false } : { replace: false, p };
      const rng = new RandomState(seed);
      for (const ids of out) {
        expect(Array.from(rng.choice(n, { ...options, size }))).toEqual(ids);
        checked++;
      }
      for (const id of scalars ?? []) {
        expect(rng.choice(n, options)).toBe(id);
        checked++;
      }
      expect(rng.randomSample()).toBe(next);
    }
    expect(checked).toBe(170);
  });
});

describe('RandomState against NumPy, seeds by lists and sizes', () => {
  interface Case<Out> {
    seed: number | number[];
    n: number;
    size: number;
    out: Out;
    next: number;
  }
  const golden = read('units/rng_sizes.json') as {
    arraySeeds: {
      seed: number[] | string;
      first: number[];
      last: number[];
      pos: number;
      sample: number[];
      ints: number[];
    }[];
    choice: (Case<number[][]> & { p: number[] | null; replace: boolean })[];
    multinomial: (Case<number[]> & { pvals: number[] })[];
  };

  it('a list as the seed', () => {
    for (const { seed, first, last, pos, sample, ints } of golden.arraySeeds) {
      const list = typeof seed === 'string' ? Array.from({ length: 700 }, (_, i) => i) : seed;
      for (const form of [list, Uint32Array.from(list)]) {
        const rng = new RandomState(form);
        const state = rng.getState();
        expect([state.key.slice(0, 3), state.key.slice(-2), state.pos]).toEqual([first, last, pos]);
        expect(Array.from(rng.randomSample(3))).toEqual(sample);
        expect(Array.from(rng.randint(0, 100, 5))).toEqual(ints);
      }
    }
    expect(golden.arraySeeds.map(({ seed }) => seed)).toEqual([
      [1, 2, 3],
      [0],
      [7],
      [4294967295, 0, 12345],
      'range(700)',
      [1, 2],
      [2, 1],
    ]);
  });

  it('choice of any size, with and without replacement and probabilities, twice on one stream', () => {
    for (const { seed, n, p, size, replace, out, next } of golden.choice) {
      const rng = new RandomState(seed);
      const options = { size, replace, ...(p === null ? {} : { p }) };
      for (const ids of out) expect([n, options, Array.from(rng.choice(n, options))]).toEqual([n, options, ids]);
      expect(rng.randomSample()).toBe(next);
    }
    expect(golden.choice.length).toBe(100);
  });

  it('multinomial of any size, row after row', () => {
    for (const { seed, n, pvals, size, out, next } of golden.multinomial) {
      const rng = new RandomState(seed);
      expect(Array.from(rng.multinomial(n, pvals, size))).toEqual(out);
      expect(rng.randomSample()).toBe(next);
    }
    expect(golden.multinomial.length).toBe(144);
  });
});

describe('RandomState', () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

  it('draws one by one what it draws at once', () => {
    const pairs: [(rng: RandomState) => number, (rng: RandomState) => Float64Array][] = [
      [(r) => r.randomSample(), (r) => r.randomSample(9)],
      [(r) => r.rand(), (r) => r.rand(9)],
      [(r) => r.uniform(-2, 3), (r) => r.uniform(-2, 3, 9)],
      [(r) => r.uniform(-2, 3), (r) => r.fillUniform(new Float64Array(9), -2, 3)],
      [(r) => r.randn(), (r) => r.randn(9)],
      [(r) => r.standardNormal(), (r) => r.standardNormal(9)],
      [(r) => r.normal(5, 2), (r) => r.normal(5, 2, 9)],
      [(r) => r.normal(5, 2), (r) => r.fillNormal(new Float64Array(9), 5, 2)],
      [(r) => r.randint(77), (r) => r.randint(77, undefined, 9)],
      [(r) => r.randint(-7, 77), (r) => r.randint(-7, 77, 9)],
    ];
    for (const [one, many] of pairs) {
      const rng = new RandomState(7);
      expect(Array.from({ length: 9 }, () => one(rng))).toEqual(Array.from(many(new RandomState(7))));
    }
  });

  it('fills float32 buffers with the rounded numbers of the same stream', () => {
    const filled = new RandomState(1).fillNormal(new Float32Array(6), 0, 0.01);
    expect(filled).toEqual(Float32Array.from(new RandomState(1).normal(0, 0.01, 6)));
  });

  it('goes on exactly where a saved state left off, a kept gaussian included', () => {
    fc.assert(
      fc.property(seeds, fc.nat(700), fc.nat(3), (seed, uniforms, gaussians) => {
        const rng = new RandomState(seed);
        rng.randomSample(uniforms);
        rng.randn(gaussians);
        const saved = JSON.parse(JSON.stringify(rng.getState())) as RandomStateSnapshot;
        const expected = [...rng.randn(3), ...rng.rand(400), rng.randint(10)];
        const resumed = new RandomState(0);
        resumed.setState(saved);
        expect([...resumed.randn(3), ...resumed.rand(400), resumed.randint(10)]).toEqual(expected);
      }),
    );
  });

  it('permutes and shuffles without losing anything', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.string()), (seed, values) => {
        const n = values.length;
        const ids = new RandomState(seed).permutation(n);
        expect(Array.from(ids).sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        const copy = [...values];
        new RandomState(seed).shuffle(copy);
        expect(copy).toEqual(Array.from(ids, (id) => values[id]));
        expect(new RandomState(seed).permutation(values)).toEqual(copy);
      }),
    );
  });

  it('keeps integers and uniforms in their range, and counts all multinomial trials', () => {
    fc.assert(
      fc.property(seeds, fc.integer(), fc.integer({ min: 1, max: 2 ** 52 }), fc.nat(500), (seed, low, width, n) => {
        const rng = new RandomState(seed);
        const k = rng.randint(low, low + width);
        expect(Number.isInteger(k) && k >= low && k < low + width).toBe(true);
        const u = rng.uniform(low, low + width);
        expect(u >= low && u < low + width).toBe(true);
        const counts = rng.multinomial(n, [0.2, 0.5, 0.3]);
        expect(counts[0] + counts[1] + counts[2]).toBe(n);
      }),
    );
  });

  it('chooses elements of a list as it chooses indices', () => {
    const letters = ['a', 'b', 'c', 'd'];
    const p = [0.1, 0.2, 0.3, 0.4];
    for (const options of [{}, { p }, { replace: false }, { p, replace: false }]) {
      const ids = new RandomState(2).choice(4, { ...options, size: 3 });
      expect(new RandomState(2).choice(letters, { ...options, size: 3 })).toEqual(Array.from(ids, (i) => letters[i]));
      expect(new RandomState(2).choice(letters, options)).toBe(letters[new RandomState(2).choice(4, options)]);
    }
    expect(new RandomState(0).choice([], { size: 0 })).toEqual([]);
  });

  it('allows a sum of probabilities as far from 1 as NumPy does', () => {
    const rng = new RandomState(0);
    expect(() => rng.choice(2, { p: [0.5, 0.5 + 1.4e-8] })).not.toThrow();
    expect(() => rng.choice(2, { p: [0.5, 0.5 + 1.6e-8] })).toThrow(/p sums to 1\.00000001\d*, expected 1$/);
    expect(() => rng.choice(2, { p: Float32Array.of(0.5, 0.5003) })).not.toThrow();
    expect(() => rng.choice(2, { p: Float32Array.of(0.5, 0.5004) })).toThrow(/p sums to/);
    expect(() => rng.multinomial(1, [1, 1e-13, 0.5])).not.toThrow();
  });

  const rng = new RandomState(0);
  const state = rng.getState();
  it.each<[string, () => unknown]>([
    ['RandomState: seed is -1, expected a whole number from 0 to 4294967295', () => new RandomState(-1)],
    ['RandomState: seed is 4294967296, expected', () => new RandomState(2 ** 32)],
    ['RandomState: seed is NaN, expected', () => new RandomState(NaN)],
    ['RandomState: the length of seed is 0, expected a whole number ≥ 1', () => new RandomState([])],
    ['RandomState: seed[1] is -1, expected a whole number from 0 to 4294967295', () => new RandomState([0, -1])],
    ['RandomState: seed[0] is 0.5, expected', () => new RandomState(Float64Array.of(0.5))],
    ['RandomState: seed is null, expected', () => new RandomState(null as unknown as number)],
    ['RandomState.multinomial: size is -1, expected a whole number', () => rng.multinomial(1, [1], -1)],
    ['RandomState.multinomial: size is 1073741824, expected', () => rng.multinomial(1, [0.5, 0.5], 2 ** 30)],
    ['RandomState.randomSample: n is 2.5, expected a whole number', () => rng.randomSample(2.5)],
    ['RandomState.randomSample: n is -1, expected', () => rng.rand(-1)],
    ['RandomState.uniform: low is 2, high is 1, expected finite numbers, low ≤ high', () => rng.uniform(2, 1)],
    ['RandomState.uniform: low is NaN, expected a finite number', () => rng.uniform(NaN, 1)],
    ['RandomState.uniform: high is Infinity, expected a finite number', () => rng.fillUniform([0], 0, Infinity)],
    ['RandomState.standardNormal: n is Infinity, expected', () => rng.randn(Infinity)],
    ['RandomState.normal: scale is -1, expected a finite number ≥ 0', () => rng.normal(0, -1)],
    ['RandomState.normal: scale is Infinity, expected', () => rng.normal(0, Infinity)],
    ['RandomState.normal: loc is NaN, expected a finite number', () => rng.normal(NaN, 1)],
    ['RandomState.randint: low is 0, expected less than high = 0', () => rng.randint(0)],
    ['RandomState.randint: low is 5, expected less than high = 3', () => rng.randint(5, 3)],
    ['RandomState.randint: high is 2.5, expected a whole number', () => rng.randint(2.5)],
    ['RandomState.randint: low is NaN, expected a whole number', () => rng.randint(NaN, 3)],
    [
      'RandomState.randint: high - low is 18014398509481982, expected at most',
      () => rng.randint(1 - 2 ** 53, 2 ** 53 - 1),
    ],
    ['RandomState.permutation: n is -1, expected', () => rng.permutation(-1)],
    ['RandomState.choice: n is 0, expected a whole number from 1', () => rng.choice(0)],
    ['RandomState.choice: the number of values is 0, expected a whole number from 1', () => rng.choice([])],
    ['RandomState.choice: size is -2, expected', () => rng.choice(3, { size: -2 })],
    ['RandomState.choice: size is 4, expected at most 3', () => rng.choice(3, { size: 4, replace: false })],
    ['RandomState.choice: size is 2, expected at most 1', () => rng.choice(2, { size: 2, replace: false, p: [1, 0] })],
    ['RandomState.choice: p has 2 elements, expected 3', () => rng.choice(3, { p: [0.5, 0.5] })],
    ['RandomState.choice: p[1] is -0.5, expected a probability ≥ 0', () => rng.choice(2, { p: [1.5, -0.5] })],
    ['RandomState.choice: p[0] is NaN, expected', () => rng.choice(2, { p: [NaN, 1] })],
    ['RandomState.choice: p sums to 0.75, expected 1', () => rng.choice(2, { p: [0.5, 0.25] })],
    ['RandomState.choice: p[0] is Infinity, expected', () => rng.choice(2, { p: [Infinity, Infinity] })],
    ['RandomState.multinomial: n is -1, expected', () => rng.multinomial(-1, [1])],
    ['RandomState.multinomial: the number of pvals is 0, expected', () => rng.multinomial(1, [])],
    ['RandomState.multinomial: pvals[1] is 1.5, expected a probability in [0, 1]', () => rng.multinomial(1, [0, 1.5])],
    ['RandomState.multinomial: pvals[0] is NaN, expected', () => rng.multinomial(1, [NaN, 1])],
    ['RandomState.multinomial: pvals without the last sum to 1.25, expected', () => rng.multinomial(1, [0.5, 0.75, 0])],
    ['RandomState.setState: key has 2 elements, expected 624', () => rng.setState({ ...state, key: [1, 2] })],
    [
      'RandomState.setState: key[3] is -1, expected',
      () => rng.setState({ ...state, key: state.key.map((word, i) => (i === 3 ? -1 : word)) }),
    ],
    ['RandomState.setState: key is all zeros, expected', () => rng.setState({ ...state, key: state.key.map(() => 0) })],
    ['RandomState.setState: pos is 625, expected', () => rng.setState({ ...state, pos: 625 })],
    ['RandomState.setState: gauss is NaN, expected', () => rng.setState({ ...state, gauss: NaN })],
  ])('says %s', (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
    expect(rng.getState()).toEqual(state); // nothing was drawn
  });
});
