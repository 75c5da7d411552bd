import { describe, expect, it } from 'vitest';
import { makeMemory } from '../../src/optim/optimizer.ts';
import { rmsprop } from '../../src/optim/rmsprop.ts';
import { expectFollowsTorch, expectRefusesMisfits, expectRefusesOptions, expectSameInFloat32 } from './support.ts';

describe('rmsprop', () => {
  it.each([
    ['rmsprop', rmsprop({ lr: 0.05 })],
    ['rmsprop_centered_momentum', rmsprop({ lr: 0.02, alpha: 0.9, momentum: 0.5, centered: true, weightDecay: 0.01 })],
  ])('follows PyTorch: %s', (name, optimizer) => {
    expect(expectFollowsTorch(name, optimizer, 1e-12)).toBe(10 * 17);
  });

  it('says what it is', () => {
    expect(rmsprop()).toMatchObject({
      name: 'rmsprop',
      lr: 0.01,
      options: { alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
      initialMemory: [0, 0, 0],
    });
  });

  it('centered on a constant gradient: rounding never makes the variance negative', () => {
    const optimizer = rmsprop({ alpha: 0.5, centered: true });
    const params = Float64Array.of(0);
    const memory = makeMemory(optimizer, params);
    for (let step = 0; step < 200; step++)
      optimizer.update(params, Float64Array.of(0.1), memory, optimizer.numbers(step, 1e-9));
    expect(Number.isFinite(params[0])).toBe(true);
  });

  it('without eps, a parameter that never had a gradient stays where it is', () => {
    const optimizer = rmsprop({ eps: 0 });
    const params = Float64Array.of(2);
    optimizer.update(params, Float64Array.of(0), makeMemory(optimizer, params), optimizer.numbers(0, 0.1));
    expect(params[0]).toBe(2);
  });

  it('float32, and refuses', () => {
    // The centered variance v − a² loses digits; the steps stay small.
    expectSameInFloat32(rmsprop({ lr: 1e-3, alpha: 0.9, centered: true, momentum: 0.5 }), 20, 1e-3);
    expectSameInFloat32(rmsprop({ lr: 1e-2, weightDecay: 0.1 }), 20, 1e-4);
    expectRefusesMisfits(rmsprop(), 'rmsprop', true);
    expectRefusesOptions(rmsprop, {}, [
      ['lr', -1],
      ['alpha', 1],
      ['alpha', -0.1],
      ['eps', -1],
      ['momentum', NaN],
      ['weightDecay', -1],
    ]);
  });
});
