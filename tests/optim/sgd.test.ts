import { describe, expect, it } from 'vitest';
import { makeMemory } from '../../src/optim/optimizer.ts';
import { sgd } from '../../src/optim/sgd.ts';
import {
  dtypes,
  expectFollowsTorch,
  expectRefusesMisfits,
  expectRefusesOptions,
  expectSameInFloat32,
  from,
} from './support.ts';

describe('sgd', () => {
  it.each([
    ['sgd', sgd({ lr: 0.5 })],
    ['sgd_momentum', sgd({ lr: 0.2, momentum: 0.9 })],
    ['sgd_momentum_dampening_weight_decay', sgd({ lr: 0.2, momentum: 0.8, dampening: 0.3, weightDecay: 0.05 })],
    ['sgd_nesterov', sgd({ lr: 0.2, momentum: 0.9, nesterov: true })],
  ])('follows PyTorch: %s', (name, optimizer) => {
    expect(expectFollowsTorch(name, optimizer, 1e-12)).toBe(10 * 17);
  });

  it('says what it is', () => {
    expect(sgd({ lr: 0.1 })).toMatchObject({
      name: 'sgd',
      lr: 0.1,
      options: { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
      initialMemory: [],
    });
    expect(sgd({ lr: 0.1, momentum: 0.5 }).initialMemory).toEqual([0]);
  });

  it.each(dtypes)('weight decay pulls towards 0, %s', (dtype) => {
    const params = from(dtype, [1, -2]);
    const decaying = sgd({ lr: 1, weightDecay: 0.5 });
    decaying.update(params, from(dtype, [0, 0]), [], decaying.numbers(0, 0.5));
    expect(Array.from(params)).toEqual([0.75, -1.5]);
    const plain = sgd({ lr: 1 });
    plain.update(params, from(dtype, [1, 1]), [], plain.numbers(0, 0.5));
    expect(Array.from(params)).toEqual([0.25, -2]);
  });

  it('the first step ignores the memory, as PyTorch makes it then', () => {
    const optimizer = sgd({ lr: 1, momentum: 0.5, dampening: 0.5 });
    const params = Float64Array.of(0);
    const memory = makeMemory(optimizer, params);
    memory[0][0] = 100;
    optimizer.update(params, Float64Array.of(1), memory, optimizer.numbers(0, 1));
    expect(params[0]).toBe(-1);
    optimizer.update(params, Float64Array.of(1), memory, optimizer.numbers(1, 1));
    expect(params[0]).toBe(-2); // v = 0.5·1 + 0.5·1
  });

  it('float32', () => {
    expectSameInFloat32(sgd({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }));
    expectSameInFloat32(sgd({ lr: 0.1 }));
  });

  it('refuses', () => {
    expectRefusesMisfits(sgd({ lr: 0.1 }), 'sgd', false);
    expectRefusesMisfits(sgd({ lr: 0.1, momentum: 0.9 }), 'sgd', true);
    expectRefusesOptions(sgd, { lr: 0.1 }, [
      ['lr', -1],
      ['lr', NaN],
      ['lr', Infinity],
      ['momentum', -0.1],
      ['momentum', NaN],
      ['dampening', -1],
      ['weightDecay', -1],
      ['weightDecay', Infinity],
    ]);
    const message = 'sgd: nesterov needs momentum > 0 and dampening 0, got 0 and 0';
    expect(() => sgd({ lr: 1, nesterov: true })).toThrow(RangeError(message));
    expect(() => sgd({ lr: 1, nesterov: true, momentum: 0.5, dampening: 0.1 })).toThrow('got 0.5 and 0.1');
  });
});
