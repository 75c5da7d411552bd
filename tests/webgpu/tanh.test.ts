import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../src/webgpu/device.ts';
import { tanh } from '../../src/webgpu/tanh.ts';
import { openTestDevice } from './device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.dispose());

it('tanh', async () => {
  const x = device.floats([-1e4, -1, 0, 0.1, 0.3, 1e4]);
  tanh(x, x);
  const y = await x.read();
  [-1, Math.tanh(-1), 0, Math.tanh(0.1), Math.tanh(0.3), 1].forEach((want, i) => {
    expect(Math.abs(y[i] - want)).toBeLessThanOrEqual(8 * 2 ** -23 * Math.abs(want));
  });
});
