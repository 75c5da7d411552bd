import { describe, expect, it } from 'vitest';
import { selfTest } from '../../src/webgpu/selfTest/selfTest.ts';
import { openTestDevice } from './device.ts';
import { plantInKernel } from './plant.ts';

// That they pass where nothing is wrong is in kernels.test.ts.
describe('a check of a whole walk', () => {
  /** What makes a kernel do nothing at all. */
  const main = /fn main\([^{]*\{/;
  const idle = '$& if (args.count > 0u) { return; }';

  it.each([
    ['elman tanhForwardWalk', 'tanh_of(z)', 'z', 'elman tanh, all steps in a dispatch', 'elman tanh forward, '],
    ['gruBackward', 'dan * r', 'dan', 'gru, a dispatch a step', 'gru backward, a dispatch a step: '],
    ['lstmForward', 'f * cp +', 'f * cpp +', 'lstm, a dispatch a step', 'lstmForward: '], // does not compile
    ['holdStateForward', '!= 1.0', '== 1.0', 'gru, call by call', 'holdStateForward: '],
    ['weightGradients', main, idle, 'gru, a dispatch a step', 'weightGradients: the gradient of weight_hh_l0'],
    [
      'oneHotLinearBackwardFew',
      main,
      idle,
      'gru, a dispatch a step',
      'oneHotLinearBackward: the gradient of weight_ih',
    ],
  ])('names %s where «%s» is «%s»', async (kernel, right, wrong, walk, culprit) => {
    const device = await openTestDevice();
    plantInKernel(device, kernel, right, wrong);
    const name = `walk of ${walk}`;
    const { failures } = await selfTest(device, { cases: 4, only: [name, 'multiply'] });
    expect(new Set(failures.map((failure) => failure.name))).toEqual(new Set([name]));
    for (const { message } of failures) expect(message).toContain(culprit);
    device.dispose();
  });
});
