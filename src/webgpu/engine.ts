import type { Engine } from '../bptt/engine.ts';
import { add } from './add.ts';
import {
  binaryCrossEntropyOfSoftmaxBackward,
  binaryCrossEntropyOfSoftmaxForward,
} from './binaryCrossEntropyOfSoftmax.ts';
import type { FloatBuffer, IntBuffer } from './buffers.ts';
import type { Call, CallName, WalkKernels } from './calls.ts';
import { placeColumns, takeColumns } from './columns.ts';
import type { CommandList } from './commands.ts';
import { copy, fill } from './copy.ts';
import type { Device } from './device.ts';
import { elmanStepBackward, elmanStepForward, elmanWeightBackward } from './elman.ts';
import { fuse, runCall, type WalkStage } from './fuse.ts';
import { gruStepBackward, gruStepForward, gruWeightBackward } from './gru.ts';
import {
  gruResetBeforeStepBackward,
  gruResetBeforeStepForward,
  gruResetBeforeWeightBackward,
} from './gruResetBefore.ts';
import { linearBackward, linearForward, oneHotLinearBackward, oneHotLinearForward } from './linear.ts';
import { lstmStepBackward, lstmStepForward, lstmWeightBackward } from './lstm.ts';
import { multiply } from './multiply.ts';
import type { RecurrenceWay } from './recurrence.ts';
import { scale } from './scale.ts';
import { sigmoid, sigmoidBackward } from './sigmoid.ts';
import { sigmoidCrossEntropyBackward, sigmoidCrossEntropyForward } from './sigmoidCrossEntropy.ts';
import { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from './softmaxCrossEntropy.ts';
import { squaredErrorBackward, squaredErrorForward } from './squaredError.ts';
import { clearRows, holdStateBackward, holdStateForward, startStateBackward, startStateForward } from './state.ts';
import { sumAxis } from './sum.ts';

/** Every kernel of the walk, one or a few dispatches each. */
const walkKernels: WalkKernels = {
  ...{ add, multiply, scale, copy, fill, placeColumns, takeColumns, sumAxis, sigmoid, sigmoidBackward },
  ...{ binaryCrossEntropyOfSoftmaxForward, binaryCrossEntropyOfSoftmaxBackward },
  ...{ elmanStepForward, elmanStepBackward, elmanWeightBackward },
  ...{ gruStepForward, gruStepBackward, gruWeightBackward },
  ...{ gruResetBeforeStepForward, gruResetBeforeStepBackward, gruResetBeforeWeightBackward },
  ...{ linearForward, linearBackward, oneHotLinearForward, oneHotLinearBackward },
  ...{ lstmStepForward, lstmStepBackward, lstmWeightBackward },
  ...{ sigmoidCrossEntropyForward, sigmoidCrossEntropyBackward },
  ...{ softmaxCrossEntropyForward, softmaxCrossEntropyBackward },
  ...{ squaredErrorForward, squaredErrorBackward },
  ...{ clearRows, holdStateForward, holdStateBackward, startStateForward, startStateBackward },
};

export interface WebgpuEngineOptions {
  /** How many numbers the engine will be asked for: room that is taken at once. More is taken when needed. */
  readonly room?: { readonly floats: number; readonly ints: number };
  /** Whether stages of a walk are fused. Default true; the walk alone is what they are tested against. */
  readonly fused?: boolean;
  /** Whether a fused recurrence that is small enough is one dispatch, and not one for each step, or its way. Default true. */
  readonly persistent?: RecurrenceWay;
}

/** Numbers that were written while a step was being staged, in order. */
export interface Write {
  readonly to: FloatBuffer | IntBuffer;
  readonly values: ArrayLike<number>;
}

/** The float32 engine on a device. Its kernels note dispatches; nothing has run before somebody reads. */
export interface WebgpuEngine extends Engine<FloatBuffer, IntBuffer> {
  readonly device: Device;
  /** What a walk calls, instead of running it; what it writes from the host is left out. */
  record(walk: () => void): Call[];
  /** What a walk writes from the host, instead of writing it; what it calls is left out. */
  staged(walk: () => void, take: (write: Write) => void): void;
  /** Gives the memory back. */
  dispose(): void;
  /** The stages that do what the calls do. */
  stages(calls: readonly Call[], options?: Parameters<typeof fuse>[2]): WalkStage[];
}

const DEFAULT_ROOM = 65_536;
/** Buffers have room for a multiple of so many elements: nothing stands in what is left of the last four. */
const ALIGNMENT = 4;

/** Views of few large buffers. */
class Arena<B extends FloatBuffer | IntBuffer> {
  private readonly make: (length: number) => B;
  private readonly room: number;
  private readonly made: B[] = [];
  private end = 0;

  constructor(make: (length: number) => B, room: number) {
    this.make = make;
    this.room = room;
  }

  take(length: number): B {
    const current = this.made.at(-1);
    const start = this.end;
    if (current && start + length <= current.length) {
      this.end = start + roomFor([length]);
      return current.slice(start, start + length) as B;
    }
    const next = this.make(roomFor([Math.max(length, this.room)]));
    this.made.push(next);
    this.end = roomFor([length]);
    return next.slice(0, length) as B;
  }

  dispose(): void {
    for (const buffer of this.made) buffer.destroy();
  }
}

/** The room that buffers of these lengths take up. */
export function roomFor(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + Math.ceil(length / ALIGNMENT) * ALIGNMENT, 0);
}

/** The engine whose kernels run on a WebGPU device. */
export function webgpuEngine(
  device: Device,
  { room, fused = true, persistent = true }: WebgpuEngineOptions = {},
): WebgpuEngine {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const most = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 4);
  const arenaRoom = (wanted: number): number => Math.min(Math.max(wanted, 1), most - (most % ALIGNMENT));
  const floats = new Arena(
    (length) => device.floats(length, 'numbers of the engine'),
    arenaRoom(room?.floats ?? DEFAULT_ROOM),
  );
  const ints = new Arena((length) => device.ints(length, 'ids of the engine'), arenaRoom(room?.ints ?? DEFAULT_ROOM));
  let calls: Call[] | null = null;
  let take: ((write: Write) => void) | null = null;

  const noted = Object.fromEntries(
    Object.keys(walkKernels).map((name) => {
      const kernel = name as CallName;
      const call = (...args: Call['args']): void => {
        if (calls) calls.push({ kernel, args } as Call);
        else if (!take) runCall(walkKernels, { kernel, args } as Call);
      };
      return [kernel, call];
    }),
  ) as unknown as WalkKernels;

  const write = (to: FloatBuffer | IntBuffer, values: ArrayLike<number>): void => {
    if (take) take({ to, values });
    else if (!calls) to.write(values);
  };

  const record = (walk: () => void): Call[] => {
    const recorded: Call[] = [];
    calls = recorded;
    try {
      walk();
    } finally {
      calls = null;
    }
    return recorded;
  };

  const stages = (recorded: readonly Call[], options?: Parameters<typeof fuse>[2]): WalkStage[] =>
    fused
      ? fuse(recorded, walkKernels, { persistent, ...options })
      : recorded.map((call) => ({ name: call.kernel, parts: [call], run: () => runCall(walkKernels, call) }));

  return {
    name: 'webgpu',
    dtype: 'float32',
    device,
    kernels: noted,
    floats: (length) => floats.take(length),
    ints: (length) => ints.take(length),
    lengthOf: (buffer) => buffer.length,
    slice: (buffer, start, end) => buffer.slice(start, end),
    sliceInts: (buffer, start, end) => buffer.slice(start, end),
    write,
    writeInts: write,
    copy: noted.copy,
    fill: noted.fill,
    repeatable: (walk) => {
      let list: CommandList | null = null;
      return () => {
        if (take) return;
        if (calls) walk();
        else {
          list ??= device.list(() => {
            for (const stage of stages(record(walk))) stage.run();
          });
          list.submit();
        }
      };
    },
    record,
    staged: (walk, taker) => {
      take = taker;
      try {
        walk();
      } finally {
        take = null;
      }
    },
    stages,
    dispose: () => {
      floats.dispose();
      ints.dispose();
    },
  };
}
