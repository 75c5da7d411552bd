import { type Callee, type FunctionBuilder, type I32, i32, type Local, ModuleBuilder } from './assembler.ts';
import { host } from './host.ts';
import type { WasmMemory } from './memory.ts';
import type { Call } from './recorder.ts';

/** A call of a kernel in step t of a loop: each argument is base + t·stride. */
interface StepCall {
  readonly kernel: string;
  readonly bases: readonly number[];
  readonly strides: readonly number[];
}

/** The steps that a loop runs: `count` of them, from `first` on, one up or down at a time. */
export interface StepRange {
  readonly first: number;
  readonly count: number;
  readonly direction: 1 | -1;
}

/** Another form of the step, taken where the number of the step, counted from the loop's end, is a multiple of `every`. */
export interface OtherStep {
  readonly every: number;
  run(t: number): void;
}

/**
 * Runs a loop over time steps inside WebAssembly. What a step calls is found out by tracing three of them: the kernels are
 * the same, and every address is base + t·stride. The loop over such calls does not depend on the number of steps, so that
 * it is compiled once for all lengths of window.
 */
export class StepLoops {
  private readonly w: WasmMemory;
  /** The names of the loops by what they call. There are as many as directions of models on this memory, times a few. */
  private readonly loops = new Map<string, string>();

  constructor(w: WasmMemory) {
    this.w = w;
  }

  /** The number of loops compiled so far. */
  get size(): number {
    return this.loops.size;
  }

  /**
   * Runs `step(t)` for every step of the range.
   *
   * @param maxSteps steps 0 … maxSteps − 1 may be traced
   * @param other see {@link OtherStep}; step number 0, the last one, is never one of those
   */
  run(range: StepRange, maxSteps: number, step: (t: number) => void, other?: OtherStep): void {
    const { first, count, direction } = range;
    const usual = this.callsOf(step, maxSteps);
    const others = other === undefined ? [] : this.callsOf(other.run, maxSteps);
    if (usual === null || others === null) {
      for (let i = 0, t = first; i < count; i++, t += direction) {
        const left = count - 1 - i;
        if (other !== undefined && left > 0 && left % other.every === 0) other.run(t);
        else step(t);
      }
      return;
    }
    const key = JSON.stringify([usual, others]);
    let name = this.loops.get(key);
    if (name === undefined) {
      name = this.compile(usual, others);
      this.loops.set(key, name);
    }
    this.w.recorder.call[name](first, count, direction, other?.every ?? 0);
  }

  /** Null where a step is no such list of calls. */
  private callsOf(step: (t: number) => void, maxSteps: number): readonly StepCall[] | null {
    const { recorder } = this.w;
    const trace = (t: number): readonly Call[] | null => {
      const recording = recorder.trace(() => step(t));
      return recording === null || recording.callbacks.length > 0 ? null : recording.calls;
    };
    const zero = trace(0);
    const one = maxSteps > 1 ? trace(1) : zero;
    const last = maxSteps > 2 ? trace(maxSteps - 1) : one;
    if (zero === null || one === null || last === null) return null;
    const calls = zero.map(({ kernel, args }, i) => ({
      kernel,
      bases: args,
      strides: args.map((arg, k) => (one[i]?.args[k] ?? Number.NaN) - arg),
    }));
    const isCall = ({ kernel, args }: Call, i: number, t: number): boolean =>
      kernel === calls[i]?.kernel && args.every((arg, k) => arg === calls[i].bases[k] + t * calls[i].strides[k]);
    const fit =
      one.length === calls.length &&
      last.length === calls.length &&
      one.every((call, i) => isCall(call, i, 1)) &&
      (maxSteps <= 2 || last.every((call, i) => isCall(call, i, maxSteps - 1)));
    return fit ? calls : null;
  }

  /** Makes the function `name(first, count, direction, every)`, and gives its name. */
  private compile(usual: readonly StepCall[], others: readonly StepCall[]): string {
    const { recorder } = this.w;
    const name = `steps${this.loops.size}`;
    const m = new ModuleBuilder();
    const used = new Set([...usual, ...others].map(({ kernel }) => kernel));
    const callees = new Map([...used].map((kernel) => [kernel, m.import(recorder.signatures.get(kernel)!)]));
    m.function(name, ['i32', 'i32', 'i32', 'i32'], (f, [t, left, direction, every]) => {
      f.while(i32.lessThan(0, left), () => {
        f.advance(left, -1);
        const step = (): void => emitCalls(f, usual, callees, t);
        if (others.length === 0) step();
        else {
          const isOther = i32.and(i32.eq(i32.remainder(left, every), 0), i32.lessThan(0, left));
          f.if(isOther, () => emitCalls(f, others, callees, t), step);
        }
        f.advance(t, direction);
      });
    });
    recorder.link(new (host().Module)(m.bytes('none')), m.signatures);
    return name;
  }
}

function emitCalls(
  f: FunctionBuilder,
  calls: readonly StepCall[],
  callees: ReadonlyMap<string, Callee>,
  t: Local<'i32'>,
): void {
  for (const { kernel, bases, strides } of calls) {
    const args = bases.map((base, k): I32 => (strides[k] === 0 ? base : i32.add(i32.mul(t, strides[k]), base)));
    f.call(callees.get(kernel)!, args);
  }
}
