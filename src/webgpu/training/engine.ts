import { defaultStages, type Engine, type Kernels, type Stages } from '../../bptt/engine.ts';
import { LruMap } from '../../bptt/lruMap.ts';
import type { Cell, CellBackward, CellForward, CellPart } from '../../layers/cell.ts';
import { accessor } from '../../layers/cell.ts';
import type { DeviceBuffer, FloatBuffer, IntBuffer } from '../device/buffers.ts';
import type { CommandList } from '../device/commands.ts';
import type { Device } from '../device/device.ts';
import { dispatchElementwise } from '../device/elementwise.ts';
import { add, addRowBackward } from '../kernels/add.ts';
import { placeColumns, takeColumns } from '../kernels/columns.ts';
import { copy, fill } from '../kernels/copy.ts';
import { gatherRows, gatherRowsBackward } from '../kernels/gather.ts';
import { layerNorm, layerNormBackward } from '../kernels/layerNorm.ts';
import { linearForward, oneHotLinearBackward, oneHotLinearForward } from '../kernels/linear.ts';
import { matmulNN, matmulTN } from '../kernels/matmul.ts';
import { multiply } from '../kernels/multiply.ts';
import { relu, reluBackward } from '../kernels/relu.ts';
import { sigmoid, sigmoidBackward } from '../kernels/sigmoid.ts';
import {
  clearRows,
  holdStateBackward,
  holdStateForward,
  startStateBackward,
  startStateForward,
} from '../kernels/state.ts';
import { sumAxis } from '../kernels/sum.ts';
import { tanh, tanhBackward } from '../kernels/tanh.ts';
import { isFused, partKernels } from './cellKernels.ts';
import { lossOutputs, lossPart } from './loss.ts';
import { backwardStage, forwardStage, type RecurrencePlan } from './recurrence.ts';
import { weightGradients } from './weightGradients.ts';

type DeviceKernels = Kernels<FloatBuffer, IntBuffer>;
type DeviceStages = Stages<FloatBuffer, IntBuffer>;

/** The kernels that the default stages are made of, one or a few dispatches each. */
const kernels: DeviceKernels = {
  ...{ add, addRowBackward, multiply, copy, fill, placeColumns, takeColumns, sumAxis, matmulNN, matmulTN },
  ...{ linearForward, oneHotLinearForward, oneHotLinearBackward },
  ...{ gatherRows, gatherRowsBackward, layerNorm, layerNormBackward },
  ...{ tanh, tanhBackward, sigmoid, sigmoidBackward, relu, reluBackward },
  ...{ clearRows, holdStateForward, holdStateBackward, startStateForward, startStateBackward },
  cellForward: (cell, step, B, H) => runPart(cell, 'forward', step, B, H),
  cellInnerForward: (cell, step, B, H) => runPart(cell, 'innerForward', step, B, H),
  cellBackward: (cell, step, B, H) => runPart(cell, 'backward', step, B, H),
  cellInnerBackward: (cell, step, B, H) => runPart(cell, 'innerBackward', step, B, H),
};

function runPart(
  cell: Cell,
  part: CellPart,
  step: CellForward<FloatBuffer> | CellBackward<FloatBuffer>,
  B: number,
  H: number,
): void {
  const { source, program } = partKernels(cell)(part);
  const names = [...program.outputs, ...program.inputs].map(({ name }) => name);
  const tensors = Object.fromEntries(names.map((name) => [name, accessor(name)(step)]));
  dispatchElementwise(source, tensors, B * H, { H });
}

/** What {@link webgpuEngine} takes beside the device. */
export interface WebgpuEngineOptions {
  /** How many numbers the engine will be asked for: memory that is allocated at once. More is allocated when needed. */
  readonly room?: { readonly floats: number; readonly ints: number };
  /** `default`: the loops of `bptt/`, kernel by kernel, which the fused stages are tested against. Default `fused`. */
  readonly stages?: 'fused' | 'default';
  /** Whether a recurrence that is small enough is one dispatch, and not one for each step; or its plan. Default true. */
  readonly persistent?: RecurrencePlan;
}

/** A kernel or stage that a pass called, with its arguments. */
export interface EngineCall {
  readonly kernel: keyof DeviceKernels | keyof DeviceStages;
  readonly args: readonly unknown[];
  /** The kernel, or the stage and how it is done. */
  readonly name: string;
  run(): void;
}

/** Numbers that a pass writes to a buffer. */
export interface EngineWrite {
  readonly to: FloatBuffer | IntBuffer;
  /** Copied already. */
  readonly values: Float32Array | Int32Array;
}

/** The float32 engine on a device. Its kernels note dispatches; nothing has run before somebody reads. */
export interface WebgpuEngine extends Engine<FloatBuffer, IntBuffer> {
  readonly device: Device;
  /** The kernels and stages that a pass calls, instead of running them. */
  calls(pass: () => void): EngineCall[];
  /** What is written meanwhile, instead of writing it. */
  writes(load: () => void): EngineWrite[];
  /** Frees the memory. */
  dispose(): void;
}

const DEFAULT_ROOM = 65_536;
/** Buffers have room for a multiple of so many elements: no other buffer shares the last four. */
const ALIGNMENT = 4;
/** Compiled passes whose commands are kept. */
const KEPT_LISTS = 64;

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
  { room, stages = 'fused', persistent = true }: WebgpuEngineOptions = {},
): WebgpuEngine {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const most = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 4);
  const arenaRoom = (wanted: number): number => Math.min(Math.max(wanted, 1), most - (most % ALIGNMENT));
  const floats = new Arena(
    (length) => device.floats(length, 'numbers of the engine'),
    arenaRoom(room?.floats ?? DEFAULT_ROOM),
  );
  const ints = new Arena((length) => device.ints(length, 'ids of the engine'), arenaRoom(room?.ints ?? DEFAULT_ROOM));
  const lists = new LruMap<() => void, CommandList>(KEPT_LISTS, (list) => list.destroy());
  let noted: EngineCall[] | null = null;
  let written: EngineWrite[] | null = null;

  const call = (kernel: EngineCall['kernel'], args: readonly unknown[], run: () => void, name = kernel as string) => {
    if (noted) noted.push({ kernel, args, name, run });
    else run();
  };
  const notedKernels = Object.fromEntries(
    Object.entries(kernels).map(([name, kernel]) => [
      name,
      (...args: unknown[]) =>
        call(name as keyof DeviceKernels, args, () => (kernel as (...args: unknown[]) => void)(...args)),
    ]),
  ) as unknown as DeviceKernels;
  const loops = defaultStages<FloatBuffer, IntBuffer>(notedKernels, {
    lossOutputs: (...args) => call('lossOutputs', args, () => lossOutputs(...args)),
    lossForward: (loss, window) => call('lossForward', [loss, window], () => lossPart(loss, 'forward', window)),
    lossBackward: (loss, window) => call('lossBackward', [loss, window], () => lossPart(loss, 'backward', window)),
  });
  const fused: DeviceStages = {
    ...loops,
    recurrenceForward(r) {
      if (!isFused(r.cell)) return loops.recurrenceForward(r);
      const { name, run } = forwardStage(r, persistent);
      call('recurrenceForward', [r], run, name);
    },
    recurrenceBackward(r, backSteps) {
      if (!isFused(r.cell)) return loops.recurrenceBackward(r, backSteps);
      const { name, run } = backwardStage(r, backSteps, persistent);
      call('recurrenceBackward', [r, backSteps], run, name);
    },
    lossForwardBackward: (loss, window) =>
      call('lossForwardBackward', [loss, window], () => lossPart(loss, 'forwardBackward', window)),
    weightGradients: (gradients) => call('weightGradients', [gradients], () => weightGradients(gradients)),
  };
  const write = (to: FloatBuffer | IntBuffer, values: ArrayLike<number>): void => {
    if (written)
      written.push({ to, values: to.dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values) });
    else to.write(values);
  };

  return {
    name: 'webgpu',
    dtype: 'float32',
    device,
    kernels: notedKernels,
    ...(stages === 'fused' ? fused : loops),
    floats: (length) => floats.take(length),
    ints: (length) => ints.take(length),
    lengthOf: (buffer: DeviceBuffer) => buffer.length,
    slice: (buffer, start, end) => buffer.slice(start, end),
    sliceInts: (buffer, start, end) => buffer.slice(start, end),
    write,
    writeInts: write,
    compile: (pass) => () => {
      // A pass inside of another one belongs to that.
      if (noted || device.isRecording) pass();
      else lists.get(pass, () => device.list(pass)).submit();
    },
    calls(pass) {
      const calls: EngineCall[] = [];
      noted = calls;
      try {
        pass();
      } finally {
        noted = null;
      }
      return calls;
    },
    writes(load) {
      const writes: EngineWrite[] = [];
      written = writes;
      try {
        load();
      } finally {
        written = null;
      }
      return writes;
    },
    dispose() {
      for (const list of lists.values()) list.destroy();
      floats.dispose();
      ints.dispose();
    },
  };
}
