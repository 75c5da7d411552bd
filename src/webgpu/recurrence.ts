import type { DeviceBuffer } from './buffers.ts';
import { backwardKernels, type CellWgsl, FLAGS, type ForwardOptions, forwardKernels } from './cellKernels.ts';
import { overElements } from './elements.ts';
import type { Stage } from './fuse.ts';
import type { BackwardRecurrence, ForwardRecurrence } from './parseRecurrence.ts';
import { powerOfTwoFrom } from './sizes.ts';

type Tensors = Readonly<Record<string, DeviceBuffer>>;

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

/** Sequences of a tile: as many as use up the weights that it loads. */
export function rowsFor(B: number): number {
  return B >= 8 ? 8 : B >= 4 ? 4 : B >= 2 ? 2 : 1;
}

/** How many invocations compute a step of B sequences, tile by tile. */
export function tilesOf(gates: number, rows: number, B: number, H: number): number {
  return Math.ceil(B / rows) * (gates === 1 ? Math.ceil(H / 4) : H);
}

/** One step of a cell, product and gates in one dispatch. */
export function stepForward(cell: CellWgsl, tensors: Tensors, B: number, H: number): void {
  const rows = rowsFor(B);
  const kernel = forwardOf(cell)({ gathers: false, starts: false, rows, room: 0, threads: 0 });
  const all = { bhh: tensors.Whh, mask: tensors.Whh, ...tensors };
  const numbers = { B, H, D: 0, stride: 0, steps: 1, flags: 'bhh' in tensors ? FLAGS.bhh : 0 };
  overElements(kernel, all, tilesOf(cell.gates, rows, B, H), numbers);
}

/** G·H² up to which a workgroup walks all steps by itself, its weights coming out of the cache. */
const WALKED = 131_072;
/** Steps of one dispatch: a device that is busy with one for a second may be taken for hung. */
const MOST_STEPS = 1024;

/** How a recurrence is walked in one dispatch: `rows` sequences a workgroup; null where it is done step by step. */
function walk(
  { cell, steps, B, H }: ForwardRecurrence | BackwardRecurrence,
  floatsPerUnit: number,
  tiles: number,
): { rows: number; threads: number; room: number } | null {
  if (cell.gates * H * H > WALKED || steps.length > MOST_STEPS) return null;
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = steps[0].Whh.device.limits;
  const threads = Math.min(256, maxComputeInvocationsPerWorkgroup, powerOfTwoFrom(Math.max(tiles, 32)));
  // Kernels for few sizes, so that few are compiled.
  const room = powerOfTwoFrom(Math.max(H, 16));
  for (let rows = rowsFor(B); rows >= 1; rows /= 2) {
    if (4 * rows * floatsPerUnit * room <= maxComputeWorkgroupStorageSize) return { rows, threads, room };
  }
  return null;
}

/** All steps of a direction, with the gather of its input and its start: one dispatch, or one for each step. */
export function runForward(recurrence: ForwardRecurrence, persistent: boolean): Stage {
  const { cell, B, H, steps, masks, stride, start, startC, gather } = recurrence;
  const walked = persistent ? walk(recurrence, 2, tilesOf(cell.gates, 1, 1, H)) : null;
  const rows = walked?.rows ?? rowsFor(B);
  const { Whh } = steps[0];
  const tensorsOf = (n: number): Record<string, DeviceBuffer> => {
    const { zx, ...tensors } = steps[n].tensors;
    const input = gather ? { ids: gather.ids[n], Wih: gather.Wih, bih: gather.bih ?? Whh } : { zx };
    return { bhh: Whh, mask: masks?.[n] ?? Whh, ...tensors, ...input };
  };
  const starting: Record<string, DeviceBuffer> = { given: start.given, keep: start.keep, h0: start.learned ?? Whh };
  if (startC) Object.assign(starting, { givenC: startC.given, c0: startC.learned ?? Whh });
  const options = (starts: boolean): ForwardOptions => ({
    ...{ gathers: gather !== null, starts, rows },
    ...{ room: walked?.room ?? 0, threads: walked?.threads ?? 0 },
  });
  const flags =
    ('bhh' in steps[0].tensors ? FLAGS.bhh : 0) |
    (gather?.bih ? FLAGS.bih : 0) |
    (start.learned ? FLAGS.learned : 0) |
    (masks ? FLAGS.masked : 0);
  const numbers = { B, H, D: gather?.D ?? 0, stride, flags };
  if (walked) {
    const { device } = start.given;
    const tensors = { ...tensorsOf(0), ...starting };
    const kernel = forwardOf(cell)(options(true));
    return {
      name: `${cell.name} forward, ${steps.length} steps in a dispatch`,
      run: () => device.dispatch(kernel, tensors, { ...numbers, steps: steps.length }, [Math.ceil(B / rows), 1, 1]),
    };
  }
  return {
    name: `${cell.name} forward, a dispatch a step`,
    run: () => {
      for (let n = 0; n < steps.length; n++) {
        const tensors = { ...tensorsOf(n), ...(n === 0 ? starting : {}) };
        const kernel = forwardOf(cell)(options(n === 0));
        overElements(kernel, tensors, tilesOf(cell.gates, rows, B, H), { ...numbers, steps: 1 });
      }
    },
  };
}

/** All backward steps of a direction: one dispatch, or one for each step; one more where `dhNext` is wanted. */
export function runBackward(recurrence: BackwardRecurrence, persistent: boolean): Stage {
  const { cell, B, H, steps, masks, stride, dfinal, dfinalC, dc, dhNext, span } = recurrence;
  const walked = persistent ? walk(recurrence, 2 * cell.gates, Math.ceil(H / 4)) : null;
  const rows = walked?.rows ?? rowsFor(B);
  const tensorsOf = (n: number): Record<string, DeviceBuffer> => ({
    ...steps[n].tensors,
    dfinal,
    ...(dc && dfinalC ? { dc, dfinalC } : {}),
    mask: masks?.[n] ?? steps[n].Whh,
  });
  const numbers = { B, H, steps: steps.length, span, flags: masks ? FLAGS.masked : 0 };
  const last = steps.length - 1;
  const tiles = Math.ceil(B / rowsFor(B)) * Math.ceil(H / 4);
  const tail = (): void => {
    if (!dhNext) return;
    const options = { rows: rowsFor(B), room: 0, threads: 0, tail: true };
    // It stands where the last step stands, so that "the step after it" is that step itself.
    const at = { ...numbers, stride: 0, n: steps.length };
    overElements(backwardOf(cell)(options), { ...tensorsOf(last), dhNext }, tiles, at);
  };
  const options = { rows, tail: false };
  if (walked) {
    const { device } = dfinal;
    const kernel = backwardOf(cell)({ ...options, room: walked.room, threads: walked.threads });
    return {
      name: `${cell.name} backward, ${steps.length} steps in a dispatch`,
      run: () => {
        device.dispatch(kernel, tensorsOf(0), { ...numbers, stride, n: 0 }, [Math.ceil(B / rows), 1, 1]);
        tail();
      },
    };
  }
  const kernel = backwardOf(cell)({ ...options, room: 0, threads: 0 });
  return {
    name: `${cell.name} backward, a dispatch a step`,
    run: () => {
      for (let n = 0; n <= last; n++) overElements(kernel, tensorsOf(n), tiles, { ...numbers, stride, n });
      tail();
    },
  };
}
