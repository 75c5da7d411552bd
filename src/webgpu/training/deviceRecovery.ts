import type { FailedStep, Session, Snapshot, StepResult } from '../../bptt/session.ts';
import type { Device } from '../device/device.ts';
import { WebgpuError } from '../device/errors.ts';
import type { StagedStep, WebgpuSession } from './session.ts';

/** How often in a row a device may be lost before a call gives up. */
const MOST_LOSSES = 3;
/** How long a failed call waits to hear whether it failed because the device is gone. */
const LOSS_TOLD_MS = 100;

/** A session that survives the loss of its device. */
export interface RecoveringSession extends Session<StagedStep> {
  /** The session on the present device. */
  readonly current: WebgpuSession;
}

/**
 * Does the work, and where its device is lost meanwhile, does it again.
 *
 * @param device the one that the work was done on
 * @param onLost hears of a loss, so that the work finds another device
 */
export async function survivingLosses<T>(work: () => Promise<T>, device: () => Device, onLost: () => void): Promise<T> {
  for (let losses = 0; ; losses++) {
    try {
      return await work();
    } catch (error) {
      const reason = await reasonOf(error, device());
      if (!(reason instanceof WebgpuError && reason.kind === 'lost') || losses === MOST_LOSSES) throw reason;
      onLost();
    }
  }
}

/**
 * A session around sessions: after every `snapshotEvery` updates it copies the state off the device. When the device is
 * lost, it makes another session, goes back to the copy and repeats the updates after it, so that nothing is lost and every
 * loss is what it would have been.
 *
 * @param first the session to begin with
 * @param snapshot its state
 * @param reopen makes a session on another device
 */
export function withDeviceRecovery(
  first: WebgpuSession,
  snapshot: Snapshot,
  reopen: () => Promise<WebgpuSession>,
  snapshotEvery: number,
): RecoveringSession {
  let current = first;
  /** Whether the device of `current` is gone, so that the next call begins on another. */
  let isLost = false;
  let latest = snapshot;
  /** The updates since `latest`. */
  let journal: StagedStep[] = [];
  /** Whether states are saved: then they are those of `latest` and the journal, too. */
  let saved = false;

  const ready = async (): Promise<WebgpuSession> => {
    if (!isLost) return current;
    current.dispose();
    current = await reopen();
    current.restore(latest);
    await current.run(journal);
    if (saved) current.saveStates();
    isLost = false;
    return current;
  };

  const surviving = <T>(work: (session: WebgpuSession) => T | Promise<T>): Promise<T> =>
    survivingLosses(
      async () => work(await ready()),
      () => current.device,
      () => {
        isLost = true;
      },
    );

  /** Does what needs no answer; where the device is lost, `ready` makes up for it. */
  const now = (work: () => void): void => {
    if (isLost) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof WebgpuError && error.kind === 'lost')) throw error;
      isLost = true;
    }
  };

  const train = async (staged: readonly StagedStep[]): Promise<StepResult[]> => {
    const all: StepResult[] = [];
    while (all.length < staged.length) {
      const from = all.length;
      const some = staged.slice(from, from + snapshotEvery - journal.length);
      const results = await surviving((session) => session.run(some));
      all.push(...results);
      const failed = results.findIndex((result) => result.failed !== null);
      journal.push(...some.slice(0, failed < 0 ? some.length : failed));
      if (journal.length >= snapshotEvery) {
        latest = await surviving((session) => session.snapshot());
        journal = [];
      }
      if (failed >= 0) break;
    }
    return all;
  };

  const { spec, dtype, layout, partition, states, engine, synchronous } = first;
  return {
    ...{ spec, dtype, layout, partition, states, engine, synchronous },
    get current() {
      return current;
    },
    get description() {
      return current.description;
    },
    stage: (batch, mode, rng, numbers) => current.stage(batch, mode, rng, numbers),
    run: (staged) => (staged[0]?.mode === 'train' ? train(staged) : surviving((session) => session.run(staged))),
    failedStep: (staged): Promise<FailedStep> => surviving((session) => session.failedStep(staged)),
    snapshot: () => surviving((session) => session.snapshot()),
    restore(given) {
      latest = given;
      journal = [];
      now(() => current.restore(given));
    },
    saveStates() {
      saved = true;
      now(() => current.saveStates());
    },
    restoreStates() {
      saved = false;
      now(() => current.restoreStates());
    },
    dispose: () => current.dispose(),
  };
}

/** What an error comes from: calls that fail because the device is gone may say something else. */
async function reasonOf(error: unknown, device: Device): Promise<unknown> {
  if (error instanceof WebgpuError && error.kind !== 'validation') return error;
  if (!(error instanceof WebgpuError || error instanceof DOMException)) return error;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const told = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, LOSS_TOLD_MS, null);
  });
  const lost = await Promise.race([device.lost, told]);
  clearTimeout(timer);
  return lost ?? error;
}
