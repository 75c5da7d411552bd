import type { Algebra } from '../algebra/algebra.ts';
import { RowAlgebra } from '../algebra/rows.ts';
import { assertTraced, type TracedFormula, tracedValue, tracerAlgebra } from '../algebra/tracer.ts';
import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertOptions, type Synonyms } from '../check/options.ts';
import { assertAttached, assertFunction } from '../check/values.ts';
import type { FloatArray } from '../tensor/shape.ts';

/** A learning rate, or a schedule: from the number of updates done so far (0, 1, …) to the rate of the next one. */
export type LearningRate = number | ((step: number) => number);

/** The numbers of one update, by name: the learning rate with its corrections, decay factors, eps. */
export type StepNumbers = Readonly<Record<string, number>>;

/**
 * An update rule over one flat block of parameters.
 *
 * It keeps nothing itself: its memory is blocks of the parameters' size, made once by {@link makeMemory} and handed to
 * every update, so that a run can save and restore them and an engine can hold them where it likes.
 */
export interface Optimizer {
  /** The rule's name, e.g. `'adagrad'`: model files and states record it. No engine looks a rule up by it. */
  readonly name: string;
  readonly lr: LearningRate;
  /** The rule's numbers beside the learning rate, e.g. `{ eps: 1e-8 }`. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** The value that each block of memory starts with; its length is the number of blocks. */
  readonly initialMemory: readonly number[];
  /** What the blocks of memory are called, in their order; saved with them. The bundled rules have names for all. */
  readonly memoryNames?: readonly string[];
  /**
   * The numbers of an update, the same for every engine and always under the same names.
   *
   * @param step the number of updates done before this one
   * @param lr the learning rate of this update
   */
  numbers(step: number, lr: number): StepNumbers;
  /**
   * Moves `params` one step down the gradient.
   *
   * @param params [P], updated
   * @param grads [P], left as they are
   * @param memory what {@link makeMemory} made, updated
   */
  update(params: FloatArray, grads: FloatArray, memory: readonly FloatArray[], numbers: StepNumbers): void;
  /** The formula that `update` was made from: the twins on other engines are made from it, too. */
  readonly formula?: UpdateFormula;
  /**
   * The same rule with some of its options and its learning rate changed: what a group of parameters needs whose options
   * are its own.
   *
   * @throws {RangeError | TypeError} on an option that the rule does not have, or out of range.
   */
  with?(changes: Readonly<Record<string, unknown>>): Optimizer;
}

/** One parameter of an update, over an algebra. */
export type UpdateFormula = <V>(
  m: Algebra<V>,
  parameter: {
    /** The parameter and its gradient. */
    readonly theta: V;
    readonly g: V;
    readonly memory: readonly V[];
    readonly numbers: Readonly<Record<string, V>>;
  },
) => { theta: V; memory: readonly V[] };

/** Elements that {@link formulaOptimizer}'s loop takes at a time. */
const CHUNK = 256;

/**
 * An optimizer whose loop is made from its formula; with its formula it runs on every engine.
 *
 * @throws {RangeError | TypeError} naming the rule and what it lacks, or what is wrong with what its formula uses and gives.
 */
export function formulaOptimizer(
  rule: Omit<Optimizer, 'update' | 'formula'> & { readonly formula: UpdateFormula },
): Optimizer {
  assertRule(rule);
  const { formula } = rule;
  const whole = new RowAlgebra(CHUNK);
  return {
    ...rule,
    update(params, grads, memory, numbers) {
      assertMemory(rule, params, grads, memory);
      for (let start = 0; start < params.length; start += CHUNK) {
        const n = Math.min(CHUNK, params.length - start);
        const m = n === CHUNK ? whole : new RowAlgebra(n);
        m.begin();
        const splats = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, m.splat(value)]));
        const after = formula(m, {
          ...{ theta: m.load(params, start), g: m.load(grads, start), numbers: splats },
          memory: memory.map((block) => m.load(block, start)),
        });
        m.store(params, start, after.theta);
        for (let i = 0; i < memory.length; i++) m.store(memory[i], start, after.memory[i]);
      }
    },
  };
}

/** Throws unless a rule has all that it needs; its formula is run once on values that refuse what is no value. */
function assertRule(
  rule: Omit<Optimizer, 'update' | 'formula'> & { readonly formula: UpdateFormula },
  maker = 'formulaOptimizer',
): void {
  if (typeof rule !== 'object' || rule === null) {
    throw new TypeError(`${maker}: rule is ${describe(rule)}, expected an object`);
  }
  const { name, lr, initialMemory, formula } = rule;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`${maker}: name is ${describe(name)}, expected a name`);
  }
  const fn = `optimizer ${name}`;
  assertLearningRate(fn, lr);
  for (const own of ['numbers', 'formula'] as const) assertFunction(fn, own, rule[own]);
  if (!Array.isArray(initialMemory)) {
    throw new TypeError(`${fn}: initialMemory is ${describe(initialMemory)}, expected a list of numbers, [] for none`);
  }
  const bad = initialMemory.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new RangeError(`${fn}: initialMemory holds ${describe(bad)}, expected finite numbers`);
  const given: unknown = rule.numbers(0, typeof lr === 'number' ? lr : 1);
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`${fn}: numbers gives ${describe(given)}, expected an object of numbers by name`);
  }
  for (const [own, value] of Object.entries(given)) {
    if (typeof value !== 'number') {
      throw new TypeError(`${fn}: numbers gives ${describe(value)} for ${own}, expected a number`);
    }
  }
  const traced: TracedFormula = {
    name: `${fn}: formula`,
    reads: `a number or a block of memory that the rule does not have (numbers ${Object.keys(given).join(', ')}; ${initialMemory.length} blocks)`,
  };
  const value = () => tracedValue(traced, () => {});
  const result: unknown = formula(tracerAlgebra(traced), {
    ...{ theta: value(), g: value(), memory: initialMemory.map(value) },
    numbers: Object.fromEntries(Object.keys(given).map((own) => [own, value()])),
  });
  if (typeof result !== 'object' || result === null) {
    throw new TypeError(`${traced.name} returns ${describe(result)}, expected { theta, memory }`);
  }
  const { theta, memory } = result as { theta: unknown; memory: unknown };
  if (theta === undefined) throw new TypeError(`${traced.name} gives no theta, expected { theta, memory }`);
  if (!Array.isArray(memory)) {
    throw new TypeError(`${traced.name} gives ${describe(memory)} for memory, expected a list, [] for none`);
  }
  assertBlockCount(name, 'memory of the formula', memory, rule);
  for (const after of [theta, ...memory]) assertTraced(traced, after);
}

/**
 * An optimizer with a loop of its own beside its formula.
 *
 * @param loop what {@link Optimizer.update} does once the blocks have been checked
 */
export function optimizerOf(
  rule: Omit<Optimizer, 'update' | 'formula'> & { readonly formula: UpdateFormula },
  loop: Optimizer['update'],
): Optimizer {
  assertRule(rule, 'optimizerOf');
  if (typeof loop !== 'function') throw new TypeError(`optimizerOf: loop is ${describe(loop)}, expected a function`);
  return {
    ...rule,
    update(params, grads, memory, numbers) {
      assertMemory(rule, params, grads, memory);
      loop(params, grads, memory, numbers);
    },
  };
}

/** Throws unless there are as many blocks of memory as the rule has, each like the gradient of the parameters' size and dtype. */
function assertMemory(
  rule: Pick<Optimizer, 'name' | 'initialMemory'>,
  params: FloatArray,
  grads: FloatArray,
  memory: readonly FloatArray[],
): void {
  assertBlockCount(rule.name, 'memory', memory, rule);
  assertBlocks(rule.name, params, { grads, ...Object.fromEntries(memory.map((block, i) => [`memory[${i}]`, block])) });
}

function assertBlockCount(
  fn: string,
  what: string,
  memory: readonly unknown[],
  { initialMemory }: Pick<Optimizer, 'initialMemory'>,
): void {
  if (memory.length === initialMemory.length) return;
  throw new RangeError(`${fn}: ${what} has ${memory.length} blocks, expected ${initialMemory.length}`);
}

/** x where a is not 0, else 0. */
export function whereNonZero<V>(m: Algebra<V>, a: V, x: V): V {
  return m.whereGreater(m.abs(a), m.constant(0), x, m.constant(0));
}

/** −1, 0 or 1 */
export function signOf<V>(m: Algebra<V>, a: V): V {
  const zero = m.constant(0);
  return m.whereGreater(a, zero, m.constant(1), m.whereGreater(zero, a, m.constant(-1), zero));
}

/** @throws {TypeError} naming function and value, unless it is an update rule. */
export function assertOptimizer(fn: string, optimizer: unknown): asserts optimizer is Optimizer {
  const { update, numbers, initialMemory, options } = (optimizer ?? {}) as Partial<Optimizer>;
  const whole = typeof options === 'object' && options !== null && Array.isArray(initialMemory);
  if (!(typeof update === 'function' && typeof numbers === 'function' && whole)) {
    const wanted = 'expected one of bptt/optim, as in optimizer: adam({ lr: 0.001 })';
    throw new TypeError(`${fn}: optimizer is ${describe(optimizer)}, ${wanted}`);
  }
  const { name, lr, formula, memoryNames, with: withOptions } = optimizer as Optimizer;
  if (typeof name !== 'string') throw new TypeError(`${fn}: optimizer.name is ${describe(name)}, expected a name`);
  if (typeof lr !== 'number' && typeof lr !== 'function') {
    throw new TypeError(`${fn}: optimizer.lr is ${describe(lr)}, expected a number ≥ 0 or a schedule`);
  }
  if (formula !== undefined && typeof formula !== 'function') {
    throw new TypeError(`${fn}: optimizer.formula is ${describe(formula)}, expected a function`);
  }
  if (withOptions !== undefined && typeof withOptions !== 'function') {
    throw new TypeError(`${fn}: optimizer.with is ${describe(withOptions)}, expected a function`);
  }
  for (const [option, value] of Object.entries(options)) {
    if (typeof value === 'number' || typeof value === 'boolean') continue;
    throw new TypeError(`${fn}: optimizer.options.${option} is ${describe(value)}, expected a number or a flag`);
  }
  const isName = (one: unknown): boolean => typeof one === 'string';
  if (memoryNames !== undefined && !(Array.isArray(memoryNames) && memoryNames.every(isName))) {
    throw new TypeError(`${fn}: optimizer.memoryNames is ${describe(memoryNames)}, expected a list of names`);
  }
  const bad = initialMemory.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const got = describe(initialMemory[bad]);
    throw new RangeError(`${fn}: optimizer.initialMemory[${bad}] is ${got}, expected a finite number`);
  }
}

/** The memory of an optimizer for `params`: blocks of the same size and dtype, at their initial values. */
export function makeMemory(optimizer: Optimizer, params: FloatArray): FloatArray[] {
  assertOptimizer('makeMemory', optimizer);
  assertFloats('makeMemory', 'params', params);
  assertAttached('makeMemory', 'params', params);
  return optimizer.initialMemory.map((value) => params.slice().fill(value));
}

/** The learning rate of the update after `step` others. */
export function learningRateAt(lr: LearningRate, step: number): number {
  assertWhole('learningRateAt', 'step', step, 0);
  const value: unknown = typeof lr === 'function' ? lr(step) : lr;
  if (!(typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`learningRateAt: lr at step ${step} is ${describe(value)}, expected a finite number ≥ 0`);
  }
  return value;
}

/**
 * Throws unless each block has the size and dtype of the parameters.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function assertBlocks(fn: string, params: FloatArray, blocks: Record<string, FloatArray>): void {
  for (const [name, block] of Object.entries(blocks)) {
    assertLength(fn, name, block, '[P]', params.length);
    assertDtype(fn, name, block, params);
  }
}

/**
 * Throws unless each option lies in its range [low, high).
 *
 * @throws {RangeError} naming function, option, value and range.
 */
export function assertRanges(fn: string, options: Record<string, [value: number, low: number, high: number]>): void {
  for (const [name, [value, low, high]] of Object.entries(options)) {
    if (typeof value !== 'number' || !(value >= low && value < high)) {
      throw new RangeError(`${fn}: ${name} is ${describe(value)}, expected ${low} ≤ ${name} < ${high}`);
    }
  }
}

/** Names of other libraries. */
const SYNONYMS: Synonyms = {
  learningrate: ['lr', 'delta'],
  stepsize: ['lr', 'delta'],
  schedule: ['lr'],
  scheduler: ['lr'],
  decay: ['weightDecay', 'lrDecay'],
  l2: ['weightDecay'],
  epsilon: ['eps'],
  rho: ['alpha'],
  betas: ['beta1'],
  initialaccumulatorvalue: ['initialAccumulator'],
};

/**
 * Throws unless every option is one that the rule has.
 *
 * @throws {TypeError} naming function and option, and the one that was meant.
 */
export function assertRuleOptions(fn: string, options: object, known: readonly string[]): void {
  assertOptions(fn, options, known, SYNONYMS);
}

/**
 * Throws unless a learning rate is a finite number ≥ 0 or a schedule; a schedule is looked at when it is asked.
 *
 * @throws {RangeError | TypeError} naming function, value and range.
 */
export function assertLearningRate(fn: string, lr: LearningRate): void {
  if (typeof lr === 'number') assertRanges(fn, { lr: [lr, 0, Infinity] });
  else if (typeof lr !== 'function') {
    throw new TypeError(`${fn}: lr is ${describe(lr)}, expected a number ≥ 0 or a schedule`);
  }
}
