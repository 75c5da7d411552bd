import type { Recurrence } from '../../bptt/recurrence.ts';
import { cellSizes } from '../../layers/cell.ts';
import type { DeviceBuffer, FloatBuffer, IntBuffer } from '../device/buffers.ts';
import type { Workgroups } from '../device/commands.ts';
import type { Device } from '../device/device.ts';
import { dispatchElementwise } from '../device/elementwise.ts';
import { powerOfTwoFrom, powerOfTwoUpTo } from '../device/sizes.ts';
import { linearForward } from '../kernels/linear.ts';
import { startStateBackward } from '../kernels/state.ts';
import { backwardKernels, FLAGS, forwardKernels, type StepOptions, unitsOf } from './cellKernels.ts';
import type { PersistentOptions } from './persistentRecurrence.ts';

type DeviceRecurrence = Recurrence<FloatBuffer, IntBuffer>;
type Tensors = Readonly<Record<string, DeviceBuffer>>;

/** A stage of a pass, ready to run, and its name where the choice is reported. */
export interface Stage {
  readonly name: string;
  run(): void;
}

/** The tile of an invocation that does one step. On a software adapter fewer, larger tiles are faster. */
function tileOf(device: Device, B: number): StepOptions {
  return { rows: B >= 8 ? 8 : B >= 4 ? 4 : B >= 2 ? 2 : 1, fours: device.adapter.software ? 2 : 1 };
}

/** The most weights that a workgroup's invocations keep in registers, and that it reads through the cache in every step. */
const MOST_IN_REGISTERS = 16_384;
const MOST_READ = 131_072;
/** Steps of one dispatch: a device that is busy with one for a second may be taken for hung. */
const MOST_STEPS = 1024;
/** Workgroups that a GPU should have before each of them takes a second sequence. */
const BUSY = 64;

/** How a recurrence is computed in one dispatch; what does not fit into a workgroup is made smaller. */
export interface PersistentPlan {
  /** Sequences of a workgroup. */
  readonly rows: number;
  /** A multiple of four. */
  readonly outputsPerThread: number;
  /** Products of an output whose weights an invocation keeps; 0 where it reads them in every step. */
  readonly weightsInRegisters: number;
  /** Splits of a sum where weights are read in every step. */
  readonly kSplits: number;
  /** Invocations of a workgroup at most, 256 unless given. */
  readonly threads?: number;
}

/**
 * How a recurrence is computed: `true` as suits the device and the sizes, `false` a dispatch for each step; or in one
 * dispatch by that plan, or a dispatch for each step with that tile.
 */
export type RecurrencePlan = boolean | PersistentPlan | StepOptions;

/**
 * The plan for y [outputs] = W·operand [inner] in every step; null where a dispatch for each step is faster. A GPU has many
 * invocations, of which each does little; a software adapter has few, which should do much each.
 */
function planPersistent(device: Device, B: number, inner: number, outputs: number): PersistentPlan | null {
  if (inner * outputs > MOST_READ) return null;
  const { software } = device.adapter;
  const fits = inner * outputs <= MOST_IN_REGISTERS;
  if (software) return { outputsPerThread: 16, weightsInRegisters: fits ? 32 : 0, rows: fits ? 1 : B, kSplits: 1 };
  const outputsPerThread = 4;
  return {
    ...{ outputsPerThread, weightsInRegisters: fits ? 16 : 0, rows: B / BUSY },
    kSplits: (256 * outputsPerThread) / outputs,
  };
}

/** A plan in the sizes of a kernel. */
export interface FittedPlan {
  readonly options: PersistentOptions;
  readonly numbers: { readonly kSplits: number; readonly kPerSplit: number; readonly paddedOutputs: number };
  readonly workgroups: Workgroups;
}

/** A plan in the sizes of its kernel; null where a workgroup's memory is too small. */
export function fitPlan(
  plan: PersistentPlan,
  device: Device,
  B: number,
  inner: number,
  outputs: number,
): FittedPlan | null {
  const { maxComputeWorkgroupStorageSize: memory, maxComputeInvocationsPerWorkgroup } = device.limits;
  const most = Math.min(plan.threads ?? 256, maxComputeInvocationsPerWorkgroup);
  const { outputsPerThread } = plan;
  const threadsAcross = Math.ceil(outputs / outputsPerThread);
  const weightsInRegisters =
    threadsAcross * Math.ceil(inner / plan.weightsInRegisters) <= most ? plan.weightsInRegisters : 0;
  const kPerSplit = weightsInRegisters || Math.ceil(inner / Math.max(1, Math.floor(plan.kSplits)));
  const kSplits = Math.ceil(inner / kPerSplit);
  // Kernels for few sizes, so that few are compiled.
  const operandCapacity = powerOfTwoFrom(Math.max(inner, weightsInRegisters, 16));
  const tileCount = powerOfTwoFrom(Math.max(threadsAcross * kSplits, 4));
  const threads = Math.min(most, tileCount);
  for (let rows = Math.min(8, powerOfTwoUpTo(Math.max(1, plan.rows))); rows >= 1; rows /= 2) {
    if (4 * rows * (operandCapacity + outputsPerThread * tileCount) > memory) continue;
    return {
      options: { rows, outputsPerThread, weightsInRegisters, operandCapacity, tileCount, threads },
      numbers: { kSplits, kPerSplit, paddedOutputs: outputsPerThread * threadsAcross },
      workgroups: [Math.ceil(B / rows), 1, 1],
    };
  }
  return null;
}

function isTile(plan: RecurrencePlan): plan is StepOptions {
  return typeof plan === 'object' && 'fours' in plan;
}

/** How a recurrence is computed in one dispatch; null where it is a dispatch for each step. */
function fittedPlan(
  { steps, B, carry: { device } }: DeviceRecurrence,
  persistent: RecurrencePlan,
  inner: number,
  outputs: number,
): FittedPlan | null {
  if (persistent === false || isTile(persistent) || steps > MOST_STEPS) return null;
  const plan = persistent === true ? planPersistent(device, B, inner, outputs) : persistent;
  return plan && fitPlan(plan, device, B, inner, outputs);
}

/** `name0`, `name1`, … */
function numbered(name: string, buffers: readonly DeviceBuffer[], from = 0): Record<string, DeviceBuffer> {
  return Object.fromEntries(buffers.map((buffer, k) => [`${name}${k + from}`, buffer]));
}

/** The steps in the order in which they are computed, and the stride from the rows of one to those of the next, modulo 2³². */
function orderOf({ steps, B }: DeviceRecurrence, fromTheLast: boolean): { at(n: number): number; stride: number } {
  return fromTheLast ? { at: (n) => steps - 1 - n, stride: -B } : { at: (n) => n, stride: B };
}

/** The buffers of step t, by the names of {@link forwardKernels} and {@link backwardKernels}. */
function tensorsOf(r: DeviceRecurrence, t: number): Tensors {
  const { weights: w, input, steps } = r;
  const at = <B extends DeviceBuffer>(buffer: B): B => {
    const width = buffer.length / steps;
    return buffer.slice(t * width, (t + 1) * width) as B;
  };
  const { Wih } = w; // stands for what the recurrence lacks
  return {
    ...{ Wih, bih: w.bih ?? Wih, Whh: w.Whh ?? Wih, bhh: w.bhh ?? Wih, mask: r.mask ? at(r.mask) : Wih },
    ...('ids' in input ? { ids: at(input.ids) } : {}),
    ...numbered('states', r.states.map(at)),
    ...numbered('previous', r.previous.map(at)),
    ...numbered('extra', w.extra),
    ...{ saved: at(r.saved), xGates: at(r.xGates), dxGates: at(r.dxGates), dhGates: at(r.dhGates), dh: at(r.dh) },
    ...{ carry: r.carry, dprevious0: r.dhPrevious },
    ...numbered('initial', r.initial),
    ...numbered(
      'learned',
      r.initial.map((_, k) => w.initial?.[k] ?? Wih),
    ),
    ...numbered('dfinal', r.dfinal),
    ...numbered('dextra', r.dextra.map(at)),
    ...numbered('dstates', r.dothers.map(at), 1),
    ...numbered('dprevious', r.dpreviousOthers.map(at), 1),
  };
}

/** All steps of a direction, with the gather of its input and its start: one dispatch, or one for each step. */
export function forwardStage(r: DeviceRecurrence, persistent: RecurrencePlan): Stage {
  const { cell, B, H, steps, weights: w, input } = r;
  const { hidden } = cellSizes(cell);
  const { device } = r.carry;
  const kernels = forwardKernels(cell);
  const gathers = 'ids' in input;
  const flags =
    (w.bhh ? FLAGS.bhh : 0) |
    (gathers && w.bih ? FLAGS.bih : 0) |
    (w.initial ? FLAGS.learned : 0) |
    (r.mask ? FLAGS.masked : 0);
  const order = orderOf(r, r.reverse);
  const numbers = { B, H, D: r.D, stride: order.stride, steps, flags };
  const plan = hidden > 0 ? fittedPlan(r, persistent, H, hidden * H) : null;
  const begin = (): void => {
    if (!gathers) linearForward(r.xGates, input.x, w.Wih, w.bih, steps * B, r.D, cell.gates * H);
  };
  if (hidden === 0 || plan) {
    return {
      name: `${cell.name} forward, ${steps} steps in a dispatch`,
      run() {
        begin();
        const tensors = tensorsOf(r, order.at(0));
        if (plan) {
          const kernel = kernels.persistent({ gathers, starts: true, ...plan.options });
          device.dispatch(kernel, tensors, { ...numbers, ...plan.numbers }, plan.workgroups);
        } else dispatchElementwise(kernels.unit({ gathers, starts: true }), tensors, B * H, numbers);
      },
    };
  }
  const tile = isTile(persistent) ? persistent : tileOf(device, B);
  const tiles = Math.ceil(B / tile.rows) * Math.ceil(H / unitsOf(cell, tile.fours));
  return {
    name: `${cell.name} forward, a dispatch a step`,
    run() {
      begin();
      for (let n = 0; n < steps; n++) {
        const kernel = kernels.step({ gathers, starts: n === 0, ...tile });
        dispatchElementwise(kernel, tensorsOf(r, order.at(n)), tiles, numbers);
      }
    },
  };
}

/** All backward steps of a direction: one dispatch, or one for each step; a few more where the initial states' gradients are wanted. */
export function backwardStage(r: DeviceRecurrence, backSteps: number, persistent: RecurrencePlan): Stage {
  const { cell, B, H, steps, gradients: dw } = r;
  const { hidden } = cellSizes(cell);
  const { device } = r.carry;
  const kernels = backwardKernels(cell);
  const wanted = r.dinitial !== null || dw.initial !== null;
  const flags = r.mask ? FLAGS.masked : 0;
  const order = orderOf(r, !r.reverse);
  const numbers = { B, H, stride: order.stride, steps, n: 0, backSteps: backSteps < steps ? backSteps : 0, flags };
  const plan = hidden > 0 ? fittedPlan(r, persistent, hidden * H, H) : null;
  const tile = isTile(persistent) ? persistent : tileOf(device, B);
  const tiles = Math.ceil(B / tile.rows) * Math.ceil(H / (4 * tile.fours));
  const end = (): void => {
    if (!wanted) return;
    if (hidden > 0) {
      // The tail has the buffers of the last step, so that the step after it in time is that step itself.
      const at = { ...numbers, stride: 0, n: steps };
      dispatchElementwise(kernels.step({ ...tile, tail: true }), tensorsOf(r, order.at(steps - 1)), tiles, at);
    }
    for (const [s, dstart] of [r.dhPrevious, ...r.dstartOthers].entries()) {
      startStateBackward(r.dinitial?.[s] ?? dstart, dw.initial?.[s] ?? null, dstart, r.carry, B, H);
    }
  };
  if (hidden === 0 || plan) {
    return {
      name: `${cell.name} backward, ${steps} steps in a dispatch`,
      run() {
        const tensors = tensorsOf(r, order.at(0));
        if (plan) {
          const kernel = kernels.persistent(plan.options);
          device.dispatch(kernel, tensors, { ...numbers, ...plan.numbers }, plan.workgroups);
        } else dispatchElementwise(kernels.unit({}), tensors, B * H, numbers);
        end();
      },
    };
  }
  return {
    name: `${cell.name} backward, a dispatch a step`,
    run() {
      const kernel = kernels.step({ ...tile, tail: false });
      for (let n = 0; n < steps; n++) dispatchElementwise(kernel, tensorsOf(r, order.at(n)), tiles, { ...numbers, n });
      end();
    },
  };
}
