import { assertFloats } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { allocate, assertRange, assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFlag, assertList, assertObject, isList } from '../check/values.ts';
import { binomial } from './binomial.ts';
import { logOf } from './log.ts';
import type { FloatArray } from './shape.ts';

const KEY_LENGTH = 624;
const MIDDLE = 397;
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;
const MAX_UINT32 = 0xffffffff;
const MAX_INT32 = 0x7fffffff;
const FLOAT64_TOLERANCE = Math.sqrt(Number.EPSILON);
const FLOAT32_TOLERANCE = Math.sqrt(2 ** -23);

/** Everything a {@link RandomState} remembers; survives JSON. `gauss` is the gaussian kept for the next call, if any. */
export interface RandomStateSnapshot {
  readonly key: readonly number[];
  readonly pos: number;
  readonly hasGauss: boolean;
  readonly gauss: number;
}

/** How {@link RandomState.choice} draws: `p` are the probabilities (uniform without), `replace` is true by default. */
export interface ChoiceOptions {
  readonly replace?: boolean;
  readonly p?: ArrayLike<number>;
}

/** A list that can be written to: an array or any typed array. */
export interface MutableArrayLike<T> {
  readonly length: number;
  [index: number]: T;
}

/**
 * NumPy's `numpy.random.RandomState(seed)`: the same calls in the same order give the same numbers, integers and uniforms
 * bit for bit, gaussians up to the last bit of a logarithm, the same on every host.
 *
 * One stream of 32-bit words feeds every draw. Each method says how many words it takes, so that a NumPy program can be
 * followed draw by draw. Arguments are checked before anything is drawn.
 *
 * Sources: Matsumoto & Nishimura, Mersenne Twister, ACM TOMACS 8 (1998); Marsaglia & Bray, A convenient method for
 * generating normal variables, SIAM Review 6 (1964), the polar method.
 */
export class RandomState {
  readonly #key: Uint32Array = new Uint32Array(KEY_LENGTH);
  #pos: number = KEY_LENGTH;
  #hasGauss = false;
  #gauss = 0;
  readonly #uniform = (): number => this.#double();

  /**
   * A list of numbers seeds by all of them, as NumPy does; a list of one number is another seed than the number.
   *
   * @throws {RangeError} when seed is not a whole number from 0 to 2³²-1, or a list of such, not empty.
   */
  constructor(seed: number | ArrayLike<number>) {
    if (isList(seed)) {
      assertWhole('RandomState', 'the length of seed', seed.length, 1);
      for (let i = 0; i < seed.length; i++) assertWhole('RandomState', `seed[${i}]`, seed[i], 0, MAX_UINT32);
      seedByArray(this.#key, seed);
      return;
    }
    assertWhole('RandomState', 'seed', seed, 0, MAX_UINT32);
    seedByNumber(this.#key, seed);
  }

  /** A copy of the state; after {@link setState} with it the stream goes on exactly from here. */
  getState(): RandomStateSnapshot {
    return { key: Array.from(this.#key), pos: this.#pos, hasGauss: this.#hasGauss, gauss: this.#gauss };
  }

  /** @throws {RangeError} when the state is not one that {@link getState} can return; the stream is then left as it was. */
  setState(state: RandomStateSnapshot): void {
    const fn = 'RandomState.setState';
    assertObject(fn, 'state', state, 'what getState gave');
    assertList(fn, 'key', state.key, 'a list of numbers');
    if (state.key.length !== KEY_LENGTH) {
      throw new RangeError(`${fn}: key has ${state.key.length} elements, expected ${KEY_LENGTH}`);
    }
    for (let i = 0; i < KEY_LENGTH; i++) assertWhole(fn, `key[${i}]`, state.key[i], 0, MAX_UINT32);
    if (state.key[0] < UPPER_BIT && Array.prototype.every.call(state.key, (word, i) => i === 0 || word === 0)) {
      throw new RangeError(`${fn}: key is all zeros, expected a state that can generate`);
    }
    assertWhole(fn, 'pos', state.pos, 0, KEY_LENGTH);
    assertRange(fn, 'gauss', state.gauss);
    assertFlag(fn, 'hasGauss', state.hasGauss);
    this.#key.set(state.key);
    this.#pos = state.pos;
    this.#hasGauss = state.hasGauss;
    this.#gauss = state.gauss;
  }

  /** Uniform in [0, 1) with 53 random bits; two words each. `random_sample()`, `random_sample(n)`. */
  randomSample(): number;
  randomSample(n: number): Float64Array;
  randomSample(n?: number): number | Float64Array {
    if (n === undefined) return this.#double();
    return this.fillUniform(vector('randomSample', n), 0, 1);
  }

  /** {@link randomSample} under NumPy's other name. */
  rand(): number;
  rand(n: number): Float64Array;
  rand(n?: number): number | Float64Array {
    return n === undefined ? this.randomSample() : this.randomSample(n);
  }

  /**
   * Uniform in [low, high); two words each.
   *
   * @throws {RangeError} when a bound is not finite or low > high.
   */
  uniform(low: number, high: number): number;
  uniform(low: number, high: number, n: number): Float64Array;
  uniform(low: number, high: number, n?: number): number | Float64Array {
    if (n === undefined) return this.fillUniform([0], low, high)[0];
    return this.fillUniform(vector('uniform', n), low, high);
  }

  /** Overwrites `out` with the numbers that {@link uniform} would return. */
  fillUniform<A extends FloatArray | number[]>(out: A, low: number, high: number): A {
    const fn = 'RandomState.uniform';
    if (!Array.isArray(out)) assertFloats(fn, 'out', out);
    assertRange(fn, 'low', low);
    assertRange(fn, 'high', high);
    const range = high - low;
    if (!(range >= 0 && range < Infinity)) {
      throw new RangeError(`RandomState.uniform: low is ${low}, high is ${high}, expected finite numbers, low ≤ high`);
    }
    for (let i = 0; i < out.length; i++) out[i] = low + range * this.#double();
    return out;
  }

  /**
   * Gaussian of mean 0 and standard deviation 1. They are made in pairs, four words a try; the second of a pair waits for
   * the next gaussian call, even if other draws come between.
   */
  standardNormal(): number;
  standardNormal(n: number): Float64Array;
  standardNormal(n?: number): number | Float64Array {
    if (n === undefined) return this.#gaussian();
    return this.fillNormal(vector('standardNormal', n), 0, 1);
  }

  /** {@link standardNormal} under NumPy's other name. */
  randn(): number;
  randn(n: number): Float64Array;
  randn(n?: number): number | Float64Array {
    return n === undefined ? this.standardNormal() : this.standardNormal(n);
  }

  /**
   * Gaussian of mean `loc` and standard deviation `scale`, drawn as {@link standardNormal}.
   *
   * @throws {RangeError} when an argument is not finite or scale < 0.
   */
  normal(loc: number, scale: number): number;
  normal(loc: number, scale: number, n: number): Float64Array;
  normal(loc: number, scale: number, n?: number): number | Float64Array {
    if (n === undefined) return this.fillNormal([0], loc, scale)[0];
    return this.fillNormal(vector('normal', n), loc, scale);
  }

  /** Overwrites `out` with the numbers that {@link normal} would return. */
  fillNormal<A extends FloatArray | number[]>(out: A, loc: number, scale: number): A {
    assertList('RandomState.normal', 'out', out);
    assertRange('RandomState.normal', 'loc', loc);
    assertRange('RandomState.normal', 'scale', scale, 0);
    for (let i = 0; i < out.length; i++) out[i] = loc + scale * this.#gaussian();
    return out;
  }

  /**
   * Whole numbers in [0, low), or in [low, high) if high is given; `n` of them come in a Float64Array, which holds the
   * whole range to 2⁵³ exactly. One word a try, masked to the next power of two and rejected when too large; two words
   * for ranges above 2³²; none for a range of one number.
   *
   * @throws {RangeError} when a bound is not a whole number, low ≥ high, or the range is wider than 2⁵³.
   */
  randint(low: number, high?: number): number;
  randint(low: number, high: number | undefined, n: number): Float64Array;
  randint(low: number, high?: number, n?: number): number | Float64Array {
    const fn = 'RandomState.randint';
    const [from, to] = high === undefined ? [0, low] : [low, high];
    assertWhole(fn, 'low', from, -Number.MAX_SAFE_INTEGER);
    assertWhole(fn, 'high', to, -Number.MAX_SAFE_INTEGER);
    if (from >= to) throw new RangeError(`${fn}: low is ${from}, expected less than high = ${to}`);
    const max = to - from - 1;
    if (max > Number.MAX_SAFE_INTEGER) throw new RangeError(`${fn}: high - low is ${to - from}, expected at most 2^53`);
    if (n === undefined) return from + this.#upTo(max);
    const out = vector('randint', n);
    for (let i = 0; i < n; i++) out[i] = from + this.#upTo(max);
    return out;
  }

  /** A shuffled copy of `values`, or of 0 … n-1. Draws as {@link shuffle}. */
  permutation(n: number): Int32Array;
  permutation<T>(values: ArrayLike<T>): T[];
  permutation<T>(a: number | ArrayLike<T>): Int32Array | T[] {
    if (typeof a !== 'number') {
      if (typeof a !== 'string') assertList('RandomState.permutation', 'values', a, 'a number or a list');
      const values = Array.from(a);
      this.shuffle(values);
      return values;
    }
    assertWhole('RandomState.permutation', 'n', a, 0, MAX_INT32);
    const ids = Int32Array.from({ length: a }, (_, i) => i);
    this.shuffle(ids);
    return ids;
  }

  /** Shuffles in place (Fisher–Yates): for i = length-1 … 1 a masked draw from 0 … i, as in {@link randint}, is swapped with i. */
  shuffle<T>(values: MutableArrayLike<T>): void {
    assertList('RandomState.shuffle', 'values', values);
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.#upTo(i);
      const kept = values[i];
      values[i] = values[j];
      values[j] = kept;
    }
  }

  /**
   * One of 0 … n-1, or of the elements of an array; with `size` a list of that many, with or without replacement.
   *
   * With `p` every draw takes one uniform and is the first index whose cumulative probability exceeds it; without
   * replacement those that came twice are drawn again with the found ones' probability set to 0. Without `p` it is
   * {@link randint}, or the head of a {@link permutation}.
   *
   * @throws {RangeError} when there is nothing to choose from, more is asked than there is, or p has another length, a
   * negative or NaN entry, or a sum further from 1 than 1.5e-8 (3.5e-4 for a Float32Array).
   */
  choice(n: number, options?: ChoiceOptions & { readonly size?: undefined }): number;
  choice(n: number, options: ChoiceOptions & { readonly size: number }): Int32Array;
  choice<T>(values: ArrayLike<T>, options?: ChoiceOptions & { readonly size?: undefined }): T;
  choice<T>(values: ArrayLike<T>, options: ChoiceOptions & { readonly size: number }): T[];
  choice<T>(
    a: number | ArrayLike<T>,
    options: ChoiceOptions & { readonly size?: number | undefined } = {},
  ): number | Int32Array | T | T[] {
    const fn = 'RandomState.choice';
    assertOptions(fn, options, ['size', 'replace', 'p']);
    const { size, replace = true, p } = options;
    if (typeof a !== 'number' && typeof a !== 'string') assertList(fn, 'values', a, 'a number or a list');
    assertFlag(fn, 'replace', replace);
    if (p !== undefined) assertList(fn, 'p', p);
    const length = typeof a === 'number' ? a : a.length;
    const k = size ?? 1;
    assertWhole(fn, typeof a === 'number' ? 'n' : 'the number of values', length, k === 0 ? 0 : 1, MAX_INT32);
    assertWhole(fn, 'size', k, 0, MAX_INT32);
    if (p !== undefined) assertProbabilities(fn, p, length);
    if (!replace) {
      const available = p === undefined ? length : Array.from(p).filter((pi) => pi > 0).length;
      if (k > available) {
        throw new RangeError(
          `${fn}: size is ${k}, expected at most ${available}, all that can be drawn without replacement`,
        );
      }
    }
    const ids = replace ? this.#choiceWithReplacement(length, k, p) : this.#choiceWithoutReplacement(length, k, p);
    if (typeof a === 'number') return size === undefined ? ids[0] : ids;
    return size === undefined ? a[ids[0]] : Array.from(ids, (id) => a[id]);
  }

  /**
   * How often each of the K = `pvals.length` outcomes comes up in `n` trials, [K]; with `size` that many such experiments one
   * after another, [size,K]. Each is a row of binomial draws, each given what the earlier ones left. A binomial takes one
   * uniform (inversion) while n·p ≤ 30, two a try (BTPE) above.
   *
   * As in NumPy the last outcome takes what the others leave, whatever its own probability says.
   *
   * @throws {RangeError} when n or size is not a whole number ≥ 0, a probability lies outside [0, 1], or all but the last
   * sum to more than 1 + 1e-12.
   */
  multinomial(n: number, pvals: ArrayLike<number>, size = 1): Int32Array {
    const fn = 'RandomState.multinomial';
    assertWhole(fn, 'n', n, 0, MAX_INT32);
    assertList(fn, 'pvals', pvals);
    assertWhole(fn, 'the number of pvals', pvals.length, 1);
    assertWhole(fn, 'size', size, 0, Math.floor(MAX_INT32 / pvals.length));
    const last = pvals.length - 1;
    for (let i = 0; i <= last; i++) {
      if (!(Number.isFinite(pvals[i]) && pvals[i] >= 0 && pvals[i] <= 1)) {
        throw new RangeError(`${fn}: pvals[${i}] is ${describe(pvals[i])}, expected a probability in [0, 1]`);
      }
    }
    const total = kahanSum(pvals, last);
    if (total > 1 + 1e-12) throw new RangeError(`${fn}: pvals without the last sum to ${total}, expected at most 1`);
    const counts = new Int32Array(size * pvals.length);
    for (let row = 0; row < counts.length; row += pvals.length) {
      let left = n;
      let remaining = 1;
      for (let i = 0; i < last && left > 0; i++) {
        const count = binomial(left, pvals[i] / remaining, this.#uniform);
        counts[row + i] = count;
        left -= count;
        remaining -= pvals[i];
      }
      counts[row + last] += left;
    }
    return counts;
  }

  #choiceWithReplacement(length: number, size: number, p: ArrayLike<number> | undefined): Int32Array {
    const ids = new Int32Array(size);
    const cdf = p === undefined ? undefined : cumulative(p);
    for (let i = 0; i < size; i++)
      ids[i] = cdf === undefined ? this.#upTo(length - 1) : firstAbove(cdf, this.#double());
    return ids;
  }

  #choiceWithoutReplacement(length: number, size: number, p: ArrayLike<number> | undefined): Int32Array {
    if (p === undefined) return this.permutation(length).slice(0, size);
    const rest = Float64Array.from(p);
    const found = new Set<number>();
    while (found.size < size) {
      for (const id of found) rest[id] = 0;
      const cdf = cumulative(rest);
      for (const u of this.randomSample(size - found.size)) found.add(firstAbove(cdf, u));
    }
    return Int32Array.from(found);
  }

  /** A whole number in [0, max]. */
  #upTo(max: number): number {
    if (max === 0) return 0;
    const high = Math.floor(max / 2 ** 32);
    const highMask = high === 0 ? 0 : MAX_UINT32 >>> Math.clz32(high);
    const lowMask = high === 0 ? MAX_UINT32 >>> Math.clz32(max) : MAX_UINT32;
    for (;;) {
      const highWord = high === 0 ? 0 : (this.#uint32() & highMask) >>> 0;
      const value = highWord * 2 ** 32 + ((this.#uint32() & lowMask) >>> 0);
      if (value <= max) return value;
    }
  }

  #gaussian(): number {
    if (this.#hasGauss) {
      const kept = this.#gauss;
      this.#hasGauss = false;
      this.#gauss = 0;
      return kept;
    }
    let x1: number;
    let x2: number;
    let r2: number;
    do {
      x1 = 2 * this.#double() - 1;
      x2 = 2 * this.#double() - 1;
      r2 = x1 * x1 + x2 * x2;
    } while (r2 >= 1 || r2 === 0);
    const f = Math.sqrt((-2 * logOf(r2)) / r2);
    this.#hasGauss = true;
    this.#gauss = f * x1;
    return f * x2;
  }

  /** 27 bits of one word above 26 of the next. */
  #double(): number {
    const a = this.#uint32() >>> 5;
    const b = this.#uint32() >>> 6;
    return (a * 2 ** 26 + b) / 2 ** 53;
  }

  #uint32(): number {
    if (this.#pos === KEY_LENGTH) this.#twist();
    let y = this.#key[this.#pos++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  #twist(): void {
    const key = this.#key;
    for (let i = 0; i < KEY_LENGTH; i++) {
      const y = (key[i] & UPPER_BIT) | (key[(i + 1) % KEY_LENGTH] & LOWER_BITS);
      key[i] = key[(i + MIDDLE) % KEY_LENGTH] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#pos = 0;
  }
}

/** Knuth's generator (TAOCP 2, 3rd ed., p. 106) fills the key [624] from one word. */
function seedByNumber(key: Uint32Array, seed: number): void {
  key[0] = seed;
  for (let i = 1; i < KEY_LENGTH; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
}

/** `init_by_array` of Matsumoto & Nishimura (2002): every word of the seed reaches every word of the key [624]. */
function seedByArray(key: Uint32Array, seed: ArrayLike<number>): void {
  seedByNumber(key, 19650218);
  let i = 1;
  const mix = (factor: number, addend: number): void => {
    key[i] = (key[i] ^ Math.imul(key[i - 1] ^ (key[i - 1] >>> 30), factor)) + addend;
    i++;
    if (i === KEY_LENGTH) {
      key[0] = key[KEY_LENGTH - 1];
      i = 1;
    }
  };
  for (let k = 0, j = 0; k < Math.max(KEY_LENGTH, seed.length); k++) {
    mix(1664525, seed[j] + j);
    j = (j + 1) % seed.length;
  }
  for (let k = 1; k < KEY_LENGTH; k++) mix(1566083941, -i);
  key[0] = UPPER_BIT; // so that the key is not all zeros
}

function assertProbabilities(fn: string, p: ArrayLike<number>, length: number): void {
  if (p.length !== length) throw new RangeError(`${fn}: p has ${p.length} elements, expected ${length}`);
  for (let i = 0; i < length; i++) {
    if (!(Number.isFinite(p[i]) && p[i] >= 0)) {
      throw new RangeError(`${fn}: p[${i}] is ${describe(p[i])}, expected a probability ≥ 0`);
    }
  }
  const total = kahanSum(p, length);
  const tolerance = p instanceof Float32Array ? FLOAT32_TOLERANCE : FLOAT64_TOLERANCE;
  if (!(Math.abs(total - 1) <= tolerance)) throw new RangeError(`${fn}: p sums to ${total}, expected 1`);
}

function vector(method: string, n: number): Float64Array {
  return allocate(`RandomState.${method}`, 'n', n, Float64Array);
}

/** The sum of the first n, with the rounding error of each addition carried into the next. */
function kahanSum(x: ArrayLike<number>, n: number): number {
  let sum = 0;
  let carry = 0;
  for (let i = 0; i < n; i++) {
    const y = x[i] - carry;
    const t = sum + y;
    carry = t - sum - y;
    sum = t;
  }
  return sum;
}

/** Running sums divided by the last one, which is therefore exactly 1. */
function cumulative(p: ArrayLike<number>): Float64Array {
  const cdf = new Float64Array(p.length);
  let sum = 0;
  for (let i = 0; i < cdf.length; i++) {
    sum += p[i];
    cdf[i] = sum;
  }
  for (let i = 0; i < cdf.length; i++) cdf[i] /= sum;
  return cdf;
}

/** The first index whose entry is > u, by bisection; u < 1 = the last entry, so there is one. */
function firstAbove(cdf: Float64Array, u: number): number {
  let below = 0;
  let above = cdf.length - 1;
  while (below < above) {
    const middle = (below + above) >>> 1;
    if (cdf[middle] > u) above = middle;
    else below = middle + 1;
  }
  return above;
}
