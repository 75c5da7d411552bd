import { describe, expect, it } from 'vitest';
import type { Algebra } from '../../src/algebra/algebra.ts';
import { numberAlgebra } from '../../src/algebra/numbers.ts';
import { adagrad } from '../../src/optim/adagrad.ts';
import { adam, adamw } from '../../src/optim/adam.ts';
import {
  assertLearningRate,
  assertRanges,
  formulaOptimizer,
  learningRateAt,
  makeMemory,
  type Optimizer,
  signOf,
  type UpdateFormula,
  whereNonZero,
} from '../../src/optim/optimizer.ts';
import { rmsprop } from '../../src/optim/rmsprop.ts';
import { notebookRprop, rprop } from '../../src/optim/rprop.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';

import { dtypes, from } from './support.ts';

describe('makeMemory', () => {
  it.each(dtypes)('blocks of the size and dtype of the parameters, at their initial values; %s', (dtype) => {
    const params = from(dtype, [1, 2, 3]);
    expect(makeMemory(rprop({ lr: 0.5 }), params)).toStrictEqual([
      from(dtype, [0.5, 0.5, 0.5]),
      from(dtype, [0, 0, 0]),
    ]);
    expect(makeMemory(adam({ amsgrad: true }), params)).toHaveLength(3);
    expect(Array.from(params)).toEqual([1, 2, 3]);
    const none: Optimizer = { ...adam(), initialMemory: [] };
    expect(makeMemory(none, params)).toEqual([]);
  });
});

describe('formulaOptimizer', () => {
  /** Sign descent with a count of its steps: a rule of one's own. */
  const counting = formulaOptimizer({
    name: 'counting',
    lr: 0.5,
    options: {},
    initialMemory: [10],
    numbers: (step, rate) => ({ rate: rate / (step + 1) }),
    formula: (m, { theta, g, memory: [count], numbers: { rate } }) => ({
      theta: m.sub(theta, m.mul(rate, signOf(m, g))),
      memory: [m.add(count, m.constant(1))],
    }),
  });

  it.each(dtypes)('runs a formula over any number of parameters, %s', (dtype) => {
    for (const P of [0, 1, 255, 256, 257, 600]) {
      const params = from(dtype, new Array(P).fill(1));
      const grads = from(
        dtype,
        Array.from({ length: P }, (_, i) => (i % 3) - 1),
      );
      const memory = makeMemory(counting, params);
      counting.update(params, grads, memory, counting.numbers(1, 0.5));
      expect(Array.from(params)).toEqual(Array.from(grads, (g) => 1 - 0.25 * g));
      expect(memory[0].every((count) => count === 11)).toBe(true);
      expect(Array.from(grads)).toEqual(Array.from({ length: P }, (_, i) => (i % 3) - 1));
    }
  });

  it('a name is only a name: a rule called sgd moves by its own formula', () => {
    const named = { ...counting, name: 'sgd' };
    const params = Float64Array.of(1);
    named.update(params, Float64Array.of(100), makeMemory(named, params), named.numbers(0, 0.5));
    expect(params[0]).toBe(0.5);
  });

  it('refuses a formula that gives another number of memory blocks', () => {
    expect(() => formulaOptimizer({ ...counting, formula: (_, { theta }) => ({ theta, memory: [] }) })).toThrow(
      RangeError('counting: memory of the formula has 0 blocks, expected 1'),
    );
  });

  type Formula = (m: Algebra<number>, parameter: Parameters<UpdateFormula>[1] & { theta: number }) => unknown;
  const withFormula = (formula: Formula) => formulaOptimizer({ ...counting, formula } as never);
  const wrong: [string, () => unknown, string][] = [
    ['no rule', () => formulaOptimizer(undefined as never), 'formulaOptimizer: rule is undefined, expected an object'],
    [
      'no name',
      () => formulaOptimizer({ ...counting, name: '' } as never),
      "formulaOptimizer: name is '', expected a name",
    ],
    [
      'no lr',
      () => formulaOptimizer({ ...counting, lr: undefined } as never),
      'optimizer counting: lr is undefined, expected a number ≥ 0 or a schedule',
    ],
    [
      'no numbers',
      () => formulaOptimizer({ ...counting, numbers: undefined } as never),
      'optimizer counting: numbers is undefined, expected a function',
    ],
    [
      'no formula',
      () => formulaOptimizer({ ...counting, formula: undefined } as never),
      'optimizer counting: formula is undefined, expected a function',
    ],
    [
      'no initialMemory',
      () => formulaOptimizer({ ...counting, initialMemory: undefined } as never),
      'optimizer counting: initialMemory is undefined, expected a list of numbers, [] for none',
    ],
    [
      'initialMemory of texts',
      () => formulaOptimizer({ ...counting, initialMemory: ['0'] } as never),
      "optimizer counting: initialMemory holds '0', expected finite numbers",
    ],
    [
      'numbers that are none',
      () => formulaOptimizer({ ...counting, numbers: () => ({ rate: '1' }) } as never),
      "optimizer counting: numbers gives '1' for rate, expected a number",
    ],
    [
      'numbers that give nothing',
      () => formulaOptimizer({ ...counting, numbers: () => undefined } as never),
      'optimizer counting: numbers gives undefined, expected an object of numbers by name',
    ],
    [
      'returns nothing',
      () => withFormula(() => undefined),
      'optimizer counting: formula returns undefined, expected { theta, memory }',
    ],
    [
      'no theta',
      () => withFormula((_, { memory }) => ({ memory })),
      'optimizer counting: formula gives no theta, expected { theta, memory }',
    ],
    [
      'no memory',
      () => withFormula((_, { theta }) => ({ theta })),
      'optimizer counting: formula gives undefined for memory, expected a list, [] for none',
    ],
    [
      'an unknown number',
      () => withFormula((m, { theta, numbers, memory }) => ({ theta: m.mul(theta, numbers.rat as never), memory })),
      'optimizer counting: formula uses a value that is undefined: it reads a number or a block of memory that the rule does not have (numbers rate; 1 blocks)',
    ],
    [
      'a number as a value',
      () => withFormula((m, { theta, memory }) => ({ theta: m.mul(theta, 2), memory })),
      'optimizer counting: formula uses the number 2 as a value: write m.constant(2)',
    ],
    [
      'a number as memory',
      () => withFormula((_, { theta }) => ({ theta, memory: [0] })),
      'optimizer counting: formula uses the number 0 as a value: write m.constant(0)',
    ],
    [
      'JavaScript',
      () => withFormula((_, { theta, memory }) => ({ theta: theta * 2, memory })),
      'optimizer counting: formula compares or adds values with JavaScript: use m.whereGreater, m.add, …',
    ],
  ];

  it.each(wrong)('refuses a rule with %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('whereNonZero and signOf', () => {
    expect([-2, 0, 3].map((a) => signOf(numberAlgebra, a))).toEqual([-1, 0, 1]);
    expect([-2, 0, 3].map((a) => whereNonZero(numberAlgebra, a, 7))).toEqual([7, 0, 7]);
    expect(whereNonZero(numberAlgebra, 0, Number.NaN)).toBe(0);
  });
});

describe('the loops of every bundled rule are its formula', () => {
  const rules: Optimizer[] = [
    sgd({ lr: 0.1, weightDecay: 0.01 }),
    sgd({ lr: 0.1, momentum: 0.9, dampening: 0.2, weightDecay: 0.01 }),
    sgd({ lr: 0.1, momentum: 0.9, nesterov: true }),
    adagrad({ weightDecay: 0.1, lrDecay: 0.1 }),
    adagrad({ epsInRoot: false, initialAccumulator: 0.5 }),
    rmsprop({ momentum: 0.5, weightDecay: 0.1 }),
    rmsprop({ centered: true, alpha: 0.9 }),
    adam({ weightDecay: 0.1 }),
    adam({ amsgrad: true, eps: 0 }),
    adamw({ amsgrad: true }),
    rprop(),
    notebookRprop(),
  ];

  it.each(rules.map((rule, i) => [`${i} ${rule.name}`, rule] as const))('%s', (_, rule) => {
    const { update: _loop, formula, ...rest } = rule;
    const plain = formulaOptimizer({ ...rest, formula: formula! });
    const rng = new RandomState(11);
    const [got, want] = [0, 1].map(() => new RandomState(12).randn(300));
    const [memory, wanted] = [makeMemory(rule, got), makeMemory(plain, want)];
    for (let step = 0; step < 6; step++) {
      // Every seventh gradient is 0, as of a symbol that a batch lacks.
      const grads = rng.randn(300).map((g, i) => (i % 7 === 0 ? 0 : g));
      const numbers = rule.numbers(step, 0.05);
      rule.update(got, grads, memory, numbers);
      plain.update(want, grads, wanted, numbers);
      for (const [a, b] of [[got, want], ...memory.map((block, i) => [block, wanted[i]])]) {
        for (let i = 0; i < a.length; i++) {
          // A few roundings of float64 a step.
          expect(Math.abs(a[i] - b[i])).toBeLessThanOrEqual(64 * 2 ** -53 * Math.max(1, Math.abs(b[i])));
        }
      }
    }
    expect(got).not.toStrictEqual(new RandomState(12).randn(300));
  });
});

describe('learning rates', () => {
  it('are numbers or schedules', () => {
    expect(learningRateAt(0.1, 7)).toBe(0.1);
    expect(learningRateAt((step) => step / 2, 7)).toBe(3.5);
    expect(learningRateAt(0, 0)).toBe(0);
  });

  it.each([-1, NaN, Infinity])('refuse %f', (bad) => {
    const message = `learningRateAt: lr at step 3 is ${bad}, expected a finite number ≥ 0`;
    expect(() => learningRateAt(() => bad, 3)).toThrow(RangeError(message));
    expect(() => learningRateAt(bad, 3)).toThrow(message);
    expect(() => assertLearningRate('f', bad)).toThrow(RangeError(`f: lr is ${bad}, expected 0 ≤ lr < Infinity`));
    expect(() => assertLearningRate('f', () => bad)).not.toThrow();
  });

  const refused: [() => unknown, string][] = [
    [() => adam({ learningRate: 5 } as object), 'adam: unknown option learningRate, did you mean lr?'],
    [() => adam({ epsilon: 1 } as object), 'adam: unknown option epsilon, did you mean eps?'],
    [() => adam(0.1 as never), 'adam: options is 0.1, expected an object with lr, beta1'],
    [() => adam({ lr: 'x' as never }), "adam: lr is 'x', expected a number ≥ 0 or a schedule"],
    [() => adam({ beta1: '0.9' as never }), "adam: beta1 is '0.9', expected 0 ≤ beta1 < 1"],
    [() => adam({ amsgrad: 1 as never }), 'adam: amsgrad is 1, expected true or false'],
    [() => adamw({ weightdecay: 1 } as object), 'adamw: unknown option weightdecay, did you mean weightDecay?'],
    [() => sgd({ momentum: 2 } as never), 'sgd: lr is undefined, expected a number ≥ 0 or a schedule'],
    [() => (sgd as () => unknown)(), 'sgd: options is undefined, expected an object with lr, momentum'],
    [() => sgd({ lr: 1, nesterov: 'no' as never }), "sgd: nesterov is 'no', expected true or false"],
    [() => adagrad({ lr_decay: 1 } as object), 'adagrad: unknown option lr_decay, did you mean lrDecay?'],
    [() => adagrad({ epsInRoot: 0 as never }), 'adagrad: epsInRoot is 0, expected true or false'],
    [() => rmsprop({ rho: 1 } as object), 'rmsprop: unknown option rho, did you mean alpha?'],
    [() => rmsprop({ centered: 1 as never }), 'rmsprop: centered is 1, expected true or false'],
    [() => rprop({ delta: 1 } as object), 'rprop: unknown option delta, expected lr, etaPlus'],
    [() => notebookRprop({ lr: 1 } as object), 'notebookRprop: unknown option lr, expected delta, etaPlus, etaMinus'],
    [
      () => learningRateAt((() => '0.1') as never, 3),
      "learningRateAt: lr at step 3 is '0.1', expected a finite number ≥ 0",
    ],
  ];

  it.each(refused)('%s', (make, message) => {
    expect(make).toThrow(message);
  });

  it('assertRanges names what is wrong', () => {
    expect(() => assertRanges('f', { a: [1, 0, 2], b: [2, 0, 2] })).toThrow(
      RangeError('f: b is 2, expected 0 ≤ b < 2'),
    );
    expect(() => assertRanges('f', { a: [0, 0, 2] })).not.toThrow();
  });
});
