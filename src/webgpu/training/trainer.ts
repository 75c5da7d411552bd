import type { Session } from '../../bptt/session.ts';
import type { ModelSpec, ResolvedSpec } from '../../bptt/spec.ts';
import { Trainer, type TrainerOptions } from '../../bptt/trainer.ts';
import { assertTrainerOptions } from '../../bptt/trainerChecks.ts';
import { type Device, type DeviceOptions, openDevice } from '../device/device.ts';
import { deviceFor } from './deviceFor.ts';
import { type RecoveringSession, withDeviceRecovery } from './deviceRecovery.ts';
import { type StagedStep, WebgpuSession } from './session.ts';

/** What {@link webgpuTrainer} takes beside the spec. */
export interface WebgpuTrainerOptions extends TrainerOptions {
  /** The device to compute on, which then stays its owner's. Left out: one is opened, and closed by `dispose`. */
  device?: Device;
  /** How devices are opened. */
  deviceOptions?: DeviceOptions;
  /**
   * After so many updates the trainer copies its state off the device. When the device is lost, it opens another, goes
   * back to the copy and repeats the updates after it, so that nothing is lost and every loss is what it would have been.
   * Left out: the loss of the device is a {@link WebgpuError} `lost`.
   */
  snapshotEvery?: number;
}

/**
 * A trainer whose numbers stay on a WebGPU device: parameters, gradients, optimizer memory, states and losses. A call of
 * `train` sends the batches of many steps at once, and reads nothing but the losses, once.
 */
export class WebgpuTrainer extends Trainer<StagedStep> {
  private readonly sessionNow: () => WebgpuSession;

  /** Made by {@link webgpuTrainer}. */
  constructor(session: Session<StagedStep>, sessionNow: () => WebgpuSession, options: TrainerOptions) {
    super(session, options);
    this.sessionNow = sessionNow;
  }

  /** The device that computes, with its counters; another one after a loss. */
  get device(): Device {
    return this.sessionNow().device;
  }

  /** What a training step does, stage by stage: which stages are fused, and how recurrences are computed. */
  async stages(): Promise<readonly string[]> {
    const { stages } = await this.sessionNow().trainingStep();
    return stages;
  }
}

/**
 * A trainer on a WebGPU device, its parameters zero.
 *
 * @throws {RangeError | TypeError} where spec or options make no sense, {WebgpuError} where no device can be opened.
 */
export async function webgpuTrainer(
  spec: ModelSpec | ResolvedSpec,
  { device: given, deviceOptions, snapshotEvery, ...options }: WebgpuTrainerOptions,
): Promise<WebgpuTrainer> {
  assertTrainerOptions(options);
  if (snapshotEvery !== undefined && !(Number.isInteger(snapshotEvery) && snapshotEvery >= 1)) {
    throw new RangeError(`trainer: snapshotEvery is ${snapshotEvery}, expected a whole number ≥ 1`);
  }
  const device = await deviceFor('trainer', given, deviceOptions);
  try {
    const first = new WebgpuSession(device, given === undefined, spec, options);
    if (snapshotEvery === undefined) return new WebgpuTrainer(first, () => first, options);
    const reopen = async (): Promise<WebgpuSession> =>
      new WebgpuSession(await openDevice(deviceOptions), true, spec, options);
    const session: RecoveringSession = withDeviceRecovery(first, await first.snapshot(), reopen, snapshotEvery);
    return new WebgpuTrainer(session, () => session.current, options);
  } catch (error) {
    if (!given) device.dispose();
    throw error;
  }
}
