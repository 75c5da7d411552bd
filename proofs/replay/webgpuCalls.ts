/** What passes between `webgpu.ts` and the thread that drives the device, `webgpuDriver.ts`. */
import {
  type Cell,
  elman,
  gru,
  gruResetBefore,
  type Loss,
  lstm,
  lstmPeephole,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from 'bptt/layers';
import { binaryCrossEntropyOfSoftmax } from '../../examples/binaryCrossEntropyOfSoftmax.ts';

/** The cells and losses of the goldens, which pass by their place in this list: their functions cannot. */
const KNOWN: readonly (Cell | Loss)[] = [
  ...Object.values(elman),
  ...[gru, gruResetBefore, lstm, lstmPeephole],
  ...[softmaxCrossEntropy, sigmoidCrossEntropy, squaredError, squaredErrorOfSigmoid, binaryCrossEntropyOfSoftmax],
];

/** An argument of a kernel or stage: a part of the memory, a cell or loss, a value as it is, or a list or record of such. */
export type Argument =
  | { readonly of: 'floats' | 'ints'; readonly from: number; readonly to: number }
  | { readonly known: number }
  | { readonly list: readonly Argument[] }
  | { readonly record: Readonly<Record<string, Argument>> }
  | number
  | string
  | boolean
  | null
  | undefined;

/** Arrays are views of the engine's memory. The steps of a recurrence become a list. */
export function argumentOf(value: unknown): Argument {
  if (value instanceof Float32Array || value instanceof Int32Array) {
    const from = value.byteOffset / 4;
    return { of: value instanceof Float32Array ? 'floats' : 'ints', from, to: from + value.length };
  }
  if (typeof value !== 'object' || value === null) return value as Argument;
  const known = KNOWN.indexOf(value as Cell);
  if (known >= 0) return { known };
  if (Array.isArray(value)) return { list: value.map(argumentOf) };
  const record: Record<string, Argument> = {};
  for (const [name, field] of Object.entries(value)) {
    if (typeof field !== 'function') record[name] = argumentOf(field);
    else if (name === 'step') {
      const { steps } = value as { steps: number };
      record.step = { list: Array.from({ length: steps }, (_, t) => argumentOf(field(t))) };
    }
  }
  return { record };
}

/** The inverse of {@link argumentOf}, with buffers of the device for parts of the memory. */
export function reviveArgument(
  argument: Argument,
  slice: (of: 'floats' | 'ints', from: number, to: number) => unknown,
): unknown {
  if (typeof argument !== 'object' || argument === null) return argument;
  if ('of' in argument) return slice(argument.of, argument.from, argument.to);
  if ('known' in argument) return KNOWN[argument.known];
  if ('list' in argument) return argument.list.map((item) => reviveArgument(item, slice));
  const record: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(argument.record)) record[name] = reviveArgument(field, slice);
  const { step } = record;
  if (Array.isArray(step)) record.step = (t: number): unknown => step[t];
  return record;
}

/** A call of a kernel or of a stage of the engine. */
export interface PlainCall {
  readonly fn: string;
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
