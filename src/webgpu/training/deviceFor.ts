import { describe } from '../../check/describe.ts';
import { Device, type DeviceOptions, openDevice } from '../device/device.ts';

/**
 * The device that was given, or one that is opened.
 *
 * @throws {TypeError} where what was given is none, {WebgpuError} where none can be opened.
 */
export async function deviceFor(fn: string, given: unknown, options: DeviceOptions | undefined): Promise<Device> {
  if (given === undefined) return openDevice(options);
  if (given instanceof Device) return given;
  throw new TypeError(`${fn}: device is ${describe(given)}, expected a device, as openDevice gives it`);
}
