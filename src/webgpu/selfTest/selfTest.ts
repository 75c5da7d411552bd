import { RandomState } from '../../tensor/random.ts';
import type { AdapterDescription, Device } from '../device/device.ts';
import { messageOf, WebgpuError } from '../device/errors.ts';
import { type KernelFailure, runCheck } from './check.ts';
import { checksFor } from './checks.ts';
import { modelChecks, modelSizes, runModelCheck } from './modelChecks.ts';

/** What {@link selfTest} takes beside the device. */
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

/** What {@link selfTest} found. */
export interface SelfTestReport {
  readonly adapter: AdapterDescription;
  /** Cases tried. */
  readonly checks: number;
  /** The kernels that are wrong here, with what they did. */
  readonly failures: readonly KernelFailure[];
}

/**
 * Tries every kernel on this device against the float64 functions of `tensor/`, `layers/` and `optim/`, on random numbers
 * at random sizes, within bounds derived from what WGSL promises: those that can be called one by one, and the
 * stages of training in small models, forward and back.
 *
 * @throws {WebgpuError} where the device is lost, {RangeError} where there is nothing to try.
 */
export async function selfTest(device: Device, options: SelfTestOptions = {}): Promise<SelfTestReport> {
  const { cases = 2, seed = 1, only, all = false } = options;
  const random = new RandomState(seed);
  const failures: KernelFailure[] = [];
  const isAsked = ({ name }: { name: string }): boolean => only?.includes(name) ?? true;
  const kernels = checksFor(device, all).filter(isAsked);
  const models = modelChecks.filter(isAsked);
  const checks = cases * (kernels.length + models.length);
  if (checks === 0) throw new RangeError(`selfTest: only is ${only}, expected names of kernels`);
  for (const check of kernels) {
    for (let c = 0; c < cases; c++) {
      const sizes = Object.fromEntries(
        Object.entries(check.sizes).map(([letter, most]) => [letter, random.randint(1, most + 1)]),
      );
      const odd = c % 2 === 1;
      const placement = { together: false, pad: odd ? 3 : 4, inPlace: odd && check.inPlace !== undefined } as const;
      const seed = random.randint(2 ** 31 - 1);
      await note({ name: check.name, sizes, placement }, () => runCheck(device, check, sizes, seed, placement));
    }
  }
  for (const check of models) {
    for (let c = 0; c < cases; c++) {
      const sizes = modelSizes(random);
      const seed = random.randint(2 ** 31 - 1);
      await note({ name: check.name, sizes }, () => runModelCheck(device, check, sizes, seed));
    }
  }
  return { adapter: device.adapter, checks, failures };

  async function note(
    tried: Omit<KernelFailure, 'message'>,
    attempt: () => Promise<KernelFailure | null>,
  ): Promise<void> {
    try {
      const failure = await attempt();
      if (failure) failures.push(failure);
    } catch (error) {
      if (error instanceof WebgpuError && (error.kind === 'lost' || error.kind === 'disposed')) throw error;
      failures.push({ ...tried, message: messageOf(error) });
    }
  }
}
