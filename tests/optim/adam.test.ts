import { describe, expect, it } from 'vitest';
import { adam, adamw } from '../../src/optim/adam.ts';
import { makeMemory } from '../../src/optim/optimizer.ts';
import { expectFollowsTorch, expectRefusesMisfits, expectRefusesOptions, expectSameInFloat32 } from './support.ts';

describe('adam and adamw', () => {
  it.each([
    ['adam', adam({ lr: 0.1 })],
    ['adam_weight_decay_betas', adam({ lr: 0.1, beta1: 0.8, beta2: 0.95, eps: 1e-6, weightDecay: 0.05 })],
    ['adam_amsgrad', adam({ lr: 0.3, beta1: 0.5, beta2: 0.6, amsgrad: true })],
    ['adamw', adamw({ lr: 0.1 })],
    ['adamw_weight_decay', adamw({ lr: 0.1, weightDecay: 0.2 })],
  ])('follow PyTorch: %s', (name, optimizer) => {
    expect(expectFollowsTorch(name, optimizer, 1e-10)).toBe(10 * 17);
  });

  it('say what they are', () => {
    const options = { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false };
    expect(adam()).toMatchObject({ name: 'adam', lr: 0.001, options: { ...options, weightDecay: 0 } });
    expect(adamw()).toMatchObject({ name: 'adamw', lr: 0.001, options: { ...options, weightDecay: 0.01 } });
    expect(adam().initialMemory).toEqual([0, 0]);
    expect(adam({ amsgrad: true }).initialMemory).toEqual([0, 0, 0]);
  });

  it('the first step is lr, whatever the size of the gradient', () => {
    for (const g of [1e-3, 1, 1e6]) {
      const params = Float64Array.of(0);
      const optimizer = adam();
      optimizer.update(params, Float64Array.of(g), makeMemory(optimizer, params), optimizer.numbers(0, 0.1));
      expect(params[0]).toBeCloseTo(-0.1, 5);
    }
  });

  it('decay in the gradient is not decay of the parameters', () => {
    const move = (optimizer: ReturnType<typeof adam>) => {
      const params = Float64Array.of(4);
      optimizer.update(params, Float64Array.of(0), makeMemory(optimizer, params), optimizer.numbers(0, 0.1));
      return params[0];
    };
    expect(move(adamw({ weightDecay: 0.5 }))).toBeCloseTo(4 * (1 - 0.1 * 0.5), 12);
    expect(move(adam({ weightDecay: 0.5 }))).toBeCloseTo(4 - 0.1, 6);
  });

  it('without eps, a parameter that never had a gradient stays where it is', () => {
    const params = Float64Array.of(2);
    const optimizer = adam({ eps: 0 });
    optimizer.update(params, Float64Array.of(0), makeMemory(optimizer, params), optimizer.numbers(0, 0.1));
    expect(params[0]).toBe(2);
  });

  it('float32, and refuse', () => {
    expectSameInFloat32(adam({ lr: 0.01, weightDecay: 0.1 }), 20, 1e-4);
    expectSameInFloat32(adamw({ lr: 0.01, amsgrad: true }), 20, 1e-4);
    for (const make of [adam, adamw]) {
      expectRefusesMisfits(make(), make.name, true);
      expectRefusesOptions(make, {}, [
        ['lr', -1],
        ['beta1', 1],
        ['beta2', 1],
        ['beta2', -0.1],
        ['eps', -1],
        ['weightDecay', NaN],
      ]);
    }
  });
});
