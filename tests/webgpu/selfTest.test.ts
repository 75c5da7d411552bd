import { describe, expect, it } from 'vitest';
import { selfTest } from '../../src/webgpu/selfTest/selfTest.ts';
import { openTestDevice } from './device.ts';
import { plantInKernel } from './plant.ts';

describe('selfTest', () => {
  it('finds nothing wrong, and says how much it tried', async () => {
    const device = await openTestDevice();
    // All of them are tried in kernels.test.ts.
    const only = [
      'tanh',
      'softmax',
      'matmulNN rows',
      'gatherRowsBackward',
      'update adam',
      'model of gru, kernel by kernel',
    ];
    const { adapter, checks, failures } = await selfTest(device, { cases: 3, only });
    expect(failures).toEqual([]);
    expect(adapter).toBe(device.adapter);
    expect(checks).toBe(18);
    await expect(selfTest(device, { only: ['tanhh'] })).rejects.toThrow('selfTest: only is tanhh, expected names');
    device.dispose();
  });

  it.each([
    ['a wrong sign', 'tanhBackward', '(1.0 - y(i) * y(i))', '(1.0 + y(i) * y(i))'],
    ['an element left out', 'sumAxis', 'at += 1u) { total', 'at += 2u) { total'],
    ['a neighbour written to', 'relu', 'set_y(i,', 'set_y(i + 1u,'],
    ['a text that does not compile', 'scale', 'args.alpha * x(i)', 'args.beta * x(i)'],
  ])('names the kernel that has %s', async (_, name, right, wrong) => {
    const device = await openTestDevice();
    plantInKernel(device, name, right, wrong);
    const { failures } = await selfTest(device, { cases: 1, only: [name, 'multiply'] });
    expect(failures.map((failure) => failure.name)).toEqual([name]);
    device.dispose();
  });
});
