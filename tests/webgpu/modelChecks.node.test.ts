import { describe, expect, it } from 'vitest';
import { selfTest } from '../../src/webgpu/selfTest/selfTest.ts';
import { openTestDevice } from './device.ts';
import { plantInKernel } from './plant.ts';

// That they pass where nothing is wrong is in kernels.test.ts.
describe('a check of a whole model', () => {
  /** What makes a kernel do nothing at all. */
  const main = /fn main\([^{]*\{/;
  const idle = '$& if (args.count > 0u) { return; }';

  it.each([
    ['elmanForwardPersistent', /tanh_of\((v\d+)\);/, '$1;', 'elman tanh, all steps in a dispatch', 'elman forward, '],
    ['gruBackward', /= 1\.0 - /, '= 1.0 + ', 'gru, a dispatch a step', 'gru backward, a dispatch a step: '],
    ['lstmForward', /= p1;/, '= p7;', 'lstm, a dispatch a step', 'lstmForward: '], // does not compile
    ['holdStateForward', '!= 1.0', '== 1.0', 'gru, kernel by kernel', 'holdStateForward: '],
    ['weightGradients', main, idle, 'gru, a dispatch a step', 'weightGradients: the gradient of weight_hh_l0'],
    ['scatter columns by rows', main, idle, 'gru, a dispatch a step', 'weightGradients: the gradient of weight_ih'],
  ])('names %s where «%s» is «%s»', async (kernel, right, wrong, model, culprit) => {
    const device = await openTestDevice();
    plantInKernel(device, kernel, right, wrong);
    const name = `model of ${model}`;
    const { failures } = await selfTest(device, { cases: 4, only: [name, 'multiply'] });
    expect(new Set(failures.map((failure) => failure.name))).toEqual(new Set([name]));
    for (const { message } of failures) expect(message).toContain(culprit);
    device.dispose();
  });
});
