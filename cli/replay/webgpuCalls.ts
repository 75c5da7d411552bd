/** What passes between `webgpu.ts` and the thread that drives the device, `webgpuDriver.ts`. */

/** An argument of a kernel: a part of the memory, or a value as it is. */
export type Argument = { readonly of: 'floats' | 'ints'; readonly from: number; readonly to: number } | Value;

type Value = number | string | boolean | null | undefined;

export interface PlainCall {
  readonly kernel: string;
  readonly args: readonly Argument[];
}

export type Order =
  /** Memory for an engine of that number: so many numbers, of either type. */
  | { readonly do: 'open'; readonly engine: number; readonly memory: SharedArrayBuffer }
  /** Calls that will be run again and again. */
  | { readonly do: 'record'; readonly engine: number; readonly program: number; readonly calls: readonly PlainCall[] }
  | { readonly do: 'run'; readonly engine: number; readonly program: number };

/** The answer to an order. */
export type Answer = { readonly done: true } | { readonly error: string };
