import { RandomState } from '../../tensor/random.ts';
import type { FloatArray } from '../../tensor/shape.ts';
import type { DeviceBuffer, FloatBuffer, IntBuffer } from '../device/buffers.ts';
import type { Device } from '../device/device.ts';
import type { Functions } from './functions.ts';
import { onDevice, onHost } from './functions.ts';

/** The sizes of a case, by letter. */
export type Sizes = Readonly<Record<string, number>>;

/** The arrays of a call, by the names of its arguments. */
export interface Arrays<F, I> {
  readonly f: Readonly<Record<string, F>>;
  readonly i: Readonly<Record<string, I>>;
}

/** How a kernel is shown to be right: on numbers drawn for sizes drawn, against the float64 function of the same name. */
export interface KernelCheck {
  /** The function, and what is special about the way it is called. */
  readonly name: string;
  /** The greatest value of each size; the least is 1. */
  readonly sizes: Sizes;
  /** Which arrays the call writes to. */
  readonly outputs: readonly string[];
  /** An output and the input that it may be. */
  readonly inPlace?: readonly [output: string, input: string];
  /** Whether its floats must all lie in one buffer and begin at multiples of four, as an engine's do. */
  readonly inFours?: boolean;
  /**
   * A way of computing that is never taken on a software adapter, where it takes seconds to compile: it is tried there
   * only when `all` are asked for, or, for `gpu`, not at all.
   */
  readonly only?: 'all' | 'gpu';
  /** All arguments; those of outputs that are only overwritten are filled with anything. */
  arrays(sizes: Sizes, random: RandomState): Arrays<Float32Array<ArrayBuffer>, Int32Array<ArrayBuffer>>;
  call<F, I>(k: Functions<F, I>, { f, i }: Arrays<F, I>, sizes: Sizes): void;
  /**
   * How far each element of an output may be from the truth, derived from WGSL's promises. Those that are left out must be
   * exact.
   *
   * @param before the arguments before the call
   * @param after after it, the truth
   */
  bound?(
    before: Arrays<Float64Array, Int32Array>,
    after: Arrays<Float64Array, Int32Array>,
    sizes: Sizes,
  ): Readonly<Record<string, ArrayLike<number>>>;
}

/** How the arguments lie in the device's memory. */
export interface Placement {
  /** All floats in one buffer, or each in a buffer of its own where the check leaves the choice. */
  readonly together: boolean;
  /** Elements between them that nobody may touch: with 3 nothing begins at a multiple of four. */
  readonly pad: 3 | 4;
  /** Whether an output is the input that it may be. */
  readonly inPlace: boolean;
}

/** What a kernel did wrong. */
export interface KernelFailure {
  readonly name: string;
  readonly sizes: Sizes;
  /** Left out for a whole model, which lays its numbers out itself. */
  readonly placement?: Placement;
  readonly message: string;
}

/** Half a unit in the last place of float32 for any rounding to the nearest; a whole one, since WGSL may round either way. */
export const U: number = 2 ** -23;
/**
 * WGSL may take what is smaller than 2⁻¹²⁶ for 0: so much for up to 10⁴ terms with factors up to 10⁴ each.
 */
const FLUSHED = 1e8 * 2 ** -126;
const LARGEST = 2 ** 128 * (1 - 2 ** -25);
/** The value between the arguments, which no kernel may change. */
const GUARD = 12345.5;

/**
 * Calls the kernel twice on the same numbers: it must come near the truth, give the same bits both times, and leave alone
 * everything that it is not to write to.
 */
export async function runCheck(
  device: Device,
  check: KernelCheck,
  sizes: Sizes,
  seed: number,
  placement: Placement,
): Promise<KernelFailure | null> {
  const before = check.arrays(sizes, new RandomState(seed));
  const layout = new Layout(device, check, before, placement);
  try {
    const first = await layout.run(sizes);
    const second = await layout.run(sizes);
    const message =
      layout.differsFrom(first, second) ??
      layout.touched(first) ??
      distanceFromTruth(check, before, layout.of(first), sizes);
    return message === null ? null : { name: check.name, sizes, placement, message };
  } finally {
    layout.destroy();
  }
}

/** The place of each argument in the buffers. */
class Layout {
  private readonly check: KernelCheck;
  private readonly buffers: DeviceBuffer[] = [];
  /** What each buffer holds before the call. */
  private readonly contents: (Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[] = [];
  private readonly places = new Map<string, { buffer: number; start: number; length: number }>();
  private readonly arguments: Arrays<FloatBuffer, IntBuffer>;

  constructor(
    device: Device,
    check: KernelCheck,
    { f, i }: Arrays<Float32Array<ArrayBuffer>, Int32Array<ArrayBuffer>>,
    { together, pad, inPlace }: Placement,
  ) {
    this.check = check;
    const shared = inPlace ? check.inPlace : undefined;
    const own = Object.entries(f).filter(([name]) => name !== shared?.[0]);
    const groups = together || check.inFours ? [own] : own.map((entry) => [entry]);
    const gap = check.inFours ? 4 : pad;
    for (const group of groups) {
      const numbers: number[] = new Array(gap).fill(GUARD);
      for (const [name, values] of group) {
        this.places.set(name, { buffer: this.contents.length, start: numbers.length, length: values.length });
        numbers.push(...values, ...new Array(gap).fill(GUARD));
        // The next begins at a multiple of four again, or again does not.
        while (numbers.length % 4 !== gap % 4) numbers.push(GUARD);
      }
      this.contents.push(Float32Array.from(numbers));
      this.buffers.push(device.floats(numbers.length, group.map(([name]) => name).join(' ')));
    }
    for (const [name, values] of Object.entries(i)) {
      this.places.set(name, { buffer: this.contents.length, start: 0, length: values.length });
      this.contents.push(values);
      this.buffers.push(device.ints(values.length, name));
    }
    if (shared) this.places.set(shared[0], this.places.get(shared[1])!);
    const view = (name: string): DeviceBuffer => {
      const { buffer, start, length } = this.places.get(name)!;
      return this.buffers[buffer].slice(start, start + length);
    };
    const views = <B>(names: object): Record<string, B> =>
      Object.fromEntries(Object.keys(names).map((name) => [name, view(name) as B]));
    this.arguments = { f: views<FloatBuffer>(f), i: views<IntBuffer>(i) };
  }

  /** What all buffers hold after a call. */
  async run(sizes: Sizes): Promise<(FloatArray | Int32Array)[]> {
    this.buffers.forEach((buffer, b) => {
      buffer.write(this.contents[b]);
    });
    this.check.call(onDevice, this.arguments, sizes);
    return Promise.all(this.buffers.map((buffer) => buffer.read() as Promise<FloatArray | Int32Array>));
  }

  /** The arguments in what {@link run} gave. */
  of(held: readonly (FloatArray | Int32Array)[]): (name: string) => FloatArray | Int32Array {
    return (name) => {
      const { buffer, start, length } = this.places.get(name)!;
      return held[buffer].subarray(start, start + length);
    };
  }

  differsFrom(
    first: readonly (FloatArray | Int32Array)[],
    second: readonly (FloatArray | Int32Array)[],
  ): string | null {
    for (const [b, values] of first.entries()) {
      const at = bitsOf(values).findIndex((bits, e) => bits !== bitsOf(second[b])[e]);
      if (at >= 0) return `gives ${values[at]} and then ${second[b][at]} for the same numbers`;
    }
    return null;
  }

  /** Whether anything has changed that is no output. */
  touched(held: readonly (FloatArray | Int32Array)[]): string | null {
    const outputs = this.check.outputs.map((name) => this.places.get(name)!);
    for (const [b, values] of held.entries()) {
      const was = bitsOf(this.contents[b]);
      const at = bitsOf(values).findIndex(
        (bits, e) =>
          bits !== was[e] &&
          !outputs.some(({ buffer, start, length }) => buffer === b && e >= start && e < start + length),
      );
      if (at >= 0) return `writes ${values[at]} where ${this.contents[b][at]} was to stay, in ${this.buffers[b].label}`;
    }
    return null;
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy();
  }
}

/** The bits of 32-bit numbers. */
export function bitsOf({ buffer, byteOffset, length }: FloatArray | Int32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

/** The truth is the function of `tensor/` or `layers/` itself, in float64, on the kernel's own float32 numbers. */
function distanceFromTruth(
  check: KernelCheck,
  before: Arrays<Float32Array, Int32Array>,
  got: (name: string) => FloatArray | Int32Array,
  sizes: Sizes,
): string | null {
  const copy = (): Arrays<Float64Array, Int32Array> => ({
    f: Object.fromEntries(Object.entries(before.f).map(([name, values]) => [name, Float64Array.from(values)])),
    i: Object.fromEntries(Object.entries(before.i).map(([name, values]) => [name, values.slice()])),
  });
  const after = copy();
  check.call(onHost, after, sizes);
  const bounds = check.bound?.(copy(), after, sizes) ?? {};
  for (const name of check.outputs) {
    const [is, want, bound] = [got(name), after.f[name] ?? after.i[name], bounds[name]];
    for (let e = 0; e < want.length; e++) {
      const far = bound ? bound[e] + FLUSHED : FLUSHED;
      if (isNear(is[e], want[e], far)) continue;
      return `${name}[${e}] is ${is[e]}, expected ${want[e]} ± ${far.toExponential(2)}`;
    }
  }
  return null;
}

function isNear(got: number, want: number, far: number): boolean {
  if (Number.isNaN(want)) return Number.isNaN(got);
  // What float32 cannot hold may be infinite or the largest number.
  if (Math.abs(want) + far >= LARGEST) return got * Math.sign(want) >= LARGEST * (1 - 1e-3);
  return Math.abs(got - want) <= far;
}
