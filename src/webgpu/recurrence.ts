import type { DeviceBuffer } from './buffers.ts';
import {
  backwardKernels,
  type CellWgsl,
  FLAGS,
  type ForwardOptions,
  forwardKernels,
  type StepOptions,
  unitsOf,
} from './cellKernels.ts';
import type { Workgroups } from './commands.ts';
import type { Device } from './device.ts';
import { overElements } from './elements.ts';
import type { Stage } from './fuse.ts';
import type { BackwardRecurrence, ForwardRecurrence } from './parseRecurrence.ts';
import { powerOfTwoFrom, powerOfTwoUpTo } from './sizes.ts';
import type { WalkOptions } from './walk.ts';

type Tensors = Readonly<Record<string, DeviceBuffer>>;
type Numbers = Readonly<Record<'B' | 'H' | 'D' | 'stride' | 'steps' | 'flags', number>>;

const forwards = new Map<CellWgsl, ReturnType<typeof forwardKernels>>();
const backwards = new Map<CellWgsl, ReturnType<typeof backwardKernels>>();

function remembered<K, V>(map: Map<K, V>, key: K, make: (key: K) => V): V {
  let value = map.get(key);
  if (!value) {
    value = make(key);
    map.set(key, value);
  }
  return value;
}

/** The forward kernels of a cell, written once. */
export const forwardOf = (cell: CellWgsl): ReturnType<typeof forwardKernels> =>
  remembered(forwards, cell, forwardKernels);
export const backwardOf = (cell: CellWgsl): ReturnType<typeof backwardKernels> =>
  remembered(backwards, cell, backwardKernels);

/** The tile of an invocation that does one step. One that is emulated gains by a larger one, of which there are fewer. */
function tileOf(device: Device, B: number): StepOptions {
  return { rows: B >= 8 ? 8 : B >= 4 ? 4 : B >= 2 ? 2 : 1, fours: device.adapter.software ? 2 : 1 };
}

/** One step of a cell, product and gates in one dispatch. */
export function stepForward(cell: CellWgsl, tensors: Tensors, B: number, H: number): void {
  const all = { bhh: tensors.Whh, mask: tensors.Whh, ...tensors };
  const numbers = { B, H, D: 0, stride: 0, steps: 1, flags: 'bhh' in tensors ? FLAGS.bhh : 0 };
  forwardStep(cell, { gathers: false, starts: false }, all, numbers);
}

function forwardStep(
  cell: CellWgsl,
  options: ForwardOptions,
  tensors: Tensors,
  numbers: Numbers,
  tile = tileOf(tensors.Whh.device, numbers.B),
): void {
  const { B, H } = numbers;
  const tiles = Math.ceil(B / tile.rows) * Math.ceil(H / unitsOf(cell, tile.fours));
  overElements(forwardOf(cell).step({ ...options, ...tile }), tensors, tiles, numbers);
}

/** Weights that the invocations of a workgroup keep, and that it reads out of the cache. */
const MOST_HELD = 16_384;
const MOST_READ = 131_072;
/** Steps of one dispatch: a device that is busy with one for a second may be taken for hung. */
const MOST_STEPS = 1024;
/** Workgroups that are wanted on a GPU before each of them takes a second sequence. */
const BUSY = 64;

/** How a recurrence is walked in one dispatch; what does not fit in a workgroup is made smaller. */
export interface WalkPlan {
  /** Sequences of a workgroup. */
  readonly rows: number;
  /** Outputs of an invocation, a multiple of four. */
  readonly units: number;
  /** Products of a sum whose weights an invocation keeps; 0 where it reads them at every step. */
  readonly held: number;
  /** Invocations that share out a sum where they do not keep weights. */
  readonly parts: number;
  /** Invocations of a workgroup at most, 256 unless given. */
  readonly threads?: number;
}

/**
 * How a recurrence is done: `true` as suits the device and the sizes, `false` a dispatch a step; or in one dispatch by that
 * plan, or a dispatch a step whose invocations make that tile.
 */
export type RecurrenceWay = boolean | WalkPlan | StepOptions;

/**
 * The plan that suits the sizes, of y [outputs] = W·operand [inner] a step; null where it is better done step by step. A
 * GPU has invocations to spare, of which each does little; of a software adapter's few each gains by doing much.
 */
function planWalk(device: Device, B: number, inner: number, outputs: number): WalkPlan | null {
  if (inner * outputs > MOST_READ) return null;
  const { software } = device.adapter;
  const held = inner * outputs <= MOST_HELD;
  if (software) return { units: 16, held: held ? 32 : 0, rows: held ? 1 : B, parts: 1 };
  const units = 4;
  return { units, held: held ? 16 : 0, rows: B / BUSY, parts: (256 * units) / outputs };
}

/** A plan in the sizes of a kernel. */
export interface Walk {
  readonly options: WalkOptions & { readonly [option: string]: number };
  readonly numbers: { readonly parts: number; readonly share: number; readonly width: number };
  readonly workgroups: Workgroups;
}

/** A plan in the sizes of its kernel; null where a workgroup has not so much room. */
export function walkBy(plan: WalkPlan, device: Device, B: number, inner: number, outputs: number): Walk | null {
  const { maxComputeWorkgroupStorageSize: memory, maxComputeInvocationsPerWorkgroup } = device.limits;
  const most = Math.min(plan.threads ?? 256, maxComputeInvocationsPerWorkgroup);
  const { units } = plan;
  const across = Math.ceil(outputs / units);
  const held = across * Math.ceil(inner / plan.held) <= most ? plan.held : 0;
  const share = held || Math.ceil(inner / Math.max(1, Math.floor(plan.parts)));
  const parts = Math.ceil(inner / share);
  // Kernels for few sizes, so that few are compiled.
  const room = powerOfTwoFrom(Math.max(inner, held, 16));
  const tiles = powerOfTwoFrom(Math.max(across * parts, 4));
  const threads = Math.min(most, tiles);
  for (let rows = Math.min(8, powerOfTwoUpTo(Math.max(1, plan.rows))); rows >= 1; rows /= 2) {
    if (4 * rows * (room + units * tiles) > memory) continue;
    return {
      options: { rows, units, held, room, tiles, threads },
      numbers: { parts, share, width: units * across },
      workgroups: [Math.ceil(B / rows), 1, 1],
    };
  }
  return null;
}

function isTile(way: RecurrenceWay): way is StepOptions {
  return typeof way === 'object' && 'fours' in way;
}

/** How a recurrence is done in one dispatch; null where it is done step by step. */
function walkOf(
  { steps, B }: ForwardRecurrence | BackwardRecurrence,
  way: RecurrenceWay,
  inner: number,
  outputs: number,
): Walk | null {
  if (way === false || isTile(way) || steps.length > MOST_STEPS) return null;
  const { device } = steps[0].Whh;
  const plan = way === true ? planWalk(device, B, inner, outputs) : way;
  return plan && walkBy(plan, device, B, inner, outputs);
}

/** All steps of a direction, with the gather of its input and its start: one dispatch, or one for each step. */
export function runForward(recurrence: ForwardRecurrence, way: RecurrenceWay): Stage {
  const { cell, B, H, steps, masks, stride, start, startC, gather } = recurrence;
  const walk = walkOf(recurrence, way, H, cell.gates * H);
  const { Whh } = steps[0];
  const tensorsOf = (n: number): Record<string, DeviceBuffer> => {
    const { zx, ...tensors } = steps[n].tensors;
    const input = gather ? { ids: gather.ids[n], Wih: gather.Wih, bih: gather.bih ?? Whh } : { zx };
    return { bhh: Whh, mask: masks?.[n] ?? Whh, ...tensors, ...input };
  };
  const starting: Record<string, DeviceBuffer> = { given: start.given, keep: start.keep, h0: start.learned ?? Whh };
  if (startC) Object.assign(starting, { givenC: startC.given, c0: startC.learned ?? Whh });
  const gathers = gather !== null;
  const flags =
    ('bhh' in steps[0].tensors ? FLAGS.bhh : 0) |
    (gather?.bih ? FLAGS.bih : 0) |
    (start.learned ? FLAGS.learned : 0) |
    (masks ? FLAGS.masked : 0);
  const numbers = { B, H, D: gather?.D ?? 0, stride, flags };
  if (walk) {
    const tensors = { ...tensorsOf(0), ...starting };
    const kernel = forwardOf(cell).walk({ gathers, starts: true, ...walk.options });
    const all = { ...numbers, steps: steps.length, ...walk.numbers };
    return {
      name: `${cell.name} forward, ${steps.length} steps in a dispatch`,
      run: () => start.given.device.dispatch(kernel, tensors, all, walk.workgroups),
    };
  }
  return {
    name: `${cell.name} forward, a dispatch a step`,
    run: () => {
      for (let n = 0; n < steps.length; n++) {
        const starts = n === 0;
        const tensors = { ...tensorsOf(n), ...(starts ? starting : {}) };
        forwardStep(cell, { gathers, starts }, tensors, { ...numbers, steps: 1 }, isTile(way) ? way : undefined);
      }
    },
  };
}

/** All backward steps of a direction: one dispatch, or one for each step; one more where `dhNext` is wanted. */
export function runBackward(recurrence: BackwardRecurrence, way: RecurrenceWay): Stage {
  const { cell, B, H, steps, masks, stride, dfinal, dfinalC, dc, dhNext, span } = recurrence;
  const walk = walkOf(recurrence, way, cell.gates * H, H);
  const tensorsOf = (n: number): Record<string, DeviceBuffer> => ({
    ...steps[n].tensors,
    dfinal,
    ...(dc && dfinalC ? { dc, dfinalC } : {}),
    mask: masks?.[n] ?? steps[n].Whh,
  });
  const { device } = dfinal;
  const numbers = { B, H, steps: steps.length, span, flags: masks ? FLAGS.masked : 0 };
  const tile = isTile(way) ? way : tileOf(device, B);
  const tiles = Math.ceil(B / tile.rows) * Math.ceil(H / (4 * tile.fours));
  const last = steps.length - 1;
  const tail = (): void => {
    if (!dhNext) return;
    // It stands where the last step stands, so that "the step after it" is that step itself.
    const at = { ...numbers, stride: 0, n: steps.length };
    overElements(backwardOf(cell).step({ ...tile, tail: true }), { ...tensorsOf(last), dhNext }, tiles, at);
  };
  if (walk) {
    const kernel = backwardOf(cell).walk(walk.options);
    const all = { ...numbers, stride, n: 0, ...walk.numbers };
    return {
      name: `${cell.name} backward, ${steps.length} steps in a dispatch`,
      run: () => {
        device.dispatch(kernel, tensorsOf(0), all, walk.workgroups);
        tail();
      },
    };
  }
  const kernel = backwardOf(cell).step({ ...tile, tail: false });
  return {
    name: `${cell.name} backward, a dispatch a step`,
    run: () => {
      for (let n = 0; n <= last; n++) overElements(kernel, tensorsOf(n), tiles, { ...numbers, stride, n });
      tail();
    },
  };
}
