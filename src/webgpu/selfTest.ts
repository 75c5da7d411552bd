import { RandomState } from '../tensor/random.ts';
import { type KernelCheck, type KernelFailure, runCheck } from './check.ts';
import { checksFor } from './checks.ts';
import type { AdapterDescription, Device } from './device.ts';
import { messageOf, WebgpuError } from './errors.ts';

export interface SelfTestOptions {
  /** Random cases for each kernel, 2 unless given. */
  cases?: number;
  /** Of the random numbers. */
  seed?: number;
  /** The names of the kernels to try, all unless given. */
  only?: readonly string[];
  /** Also ways of computing that are never taken on such an adapter. */
  all?: boolean;
}

export interface SelfTestReport {
  readonly adapter: AdapterDescription;
  /** Cases tried. */
  readonly checks: number;
  /** The kernels that are wrong here, with what they did. */
  readonly failures: readonly KernelFailure[];
}

/**
 * Tries every kernel on this device against the float64 functions of `tensor/` and `layers/`, on random numbers at random
 * sizes, within bounds derived from what WGSL promises.
 *
 * @throws {WebgpuError} where the device is lost, {RangeError} where there is nothing to try.
 */
export async function selfTest(device: Device, options: SelfTestOptions = {}): Promise<SelfTestReport> {
  const { cases = 2, seed = 1, only, all = false } = options;
  const random = new RandomState(seed);
  const failures: KernelFailure[] = [];
  const tried = checksFor(device, all).filter(({ name }) => only?.includes(name) ?? true);
  if (tried.length === 0) throw new RangeError(`selfTest: only is ${only}, expected names of kernels`);
  for (const check of tried) {
    for (let c = 0; c < cases; c++) {
      const failure = await tryCase(device, check, random, c % 2 === 1);
      if (failure) failures.push(failure);
    }
  }
  return { adapter: device.adapter, checks: cases * tried.length, failures };
}

async function tryCase(
  device: Device,
  check: KernelCheck,
  random: RandomState,
  odd: boolean,
): Promise<KernelFailure | null> {
  const sizes = Object.fromEntries(
    Object.entries(check.sizes).map(([letter, most]) => [letter, random.randint(1, most + 1)]),
  );
  const placement = { together: false, pad: odd ? 3 : 4, inPlace: odd && check.inPlace !== undefined } as const;
  try {
    return await runCheck(device, check, sizes, random.randint(2 ** 31 - 1), placement);
  } catch (error) {
    if (error instanceof WebgpuError && (error.kind === 'lost' || error.kind === 'disposed')) throw error;
    return { name: check.name, sizes, placement, message: messageOf(error) };
  }
}
