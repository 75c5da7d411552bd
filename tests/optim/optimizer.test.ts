import { describe, expect, it } from 'vitest';
import { adam } from '../../src/optim/adam.ts';
import {
  expectLearningRate,
  expectOptions,
  learningRateAt,
  makeSlots,
  type Optimizer,
} from '../../src/optim/optimizer.ts';
import { rprop } from '../../src/optim/rprop.ts';
import { dtypes, from } from './support.ts';

describe('makeSlots', () => {
  it.each(dtypes)('blocks of the size and dtype of the parameters, at their initial values; %s', (dtype) => {
    const params = from(dtype, [1, 2, 3]);
    expect(makeSlots(rprop({ lr: 0.5 }), params)).toStrictEqual([from(dtype, [0.5, 0.5, 0.5]), from(dtype, [0, 0, 0])]);
    expect(makeSlots(adam({ amsgrad: true }), params)).toHaveLength(3);
    expect(Array.from(params)).toEqual([1, 2, 3]);
    const none: Optimizer = { ...adam(), initialSlots: [] };
    expect(makeSlots(none, params)).toEqual([]);
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
    expect(() => expectLearningRate('f', bad)).toThrow(RangeError(`f: lr is ${bad}, expected 0 ≤ lr < Infinity`));
    expect(() => expectLearningRate('f', () => bad)).not.toThrow();
  });

  it('expectOptions names what is wrong', () => {
    expect(() => expectOptions('f', { a: [1, 0, 2], b: [2, 0, 2] })).toThrow(
      RangeError('f: b is 2, expected 0 ≤ b < 2'),
    );
    expect(() => expectOptions('f', { a: [0, 0, 2] })).not.toThrow();
  });
});
