import { type LocalEngine, tsEngine } from 'bptt/bptt';
import type { ReplayEngine } from './engines.ts';
import type { Rounding } from './tolerances.ts';

type Kernels = LocalEngine['kernels'];
type Optim = LocalEngine['optim'];
type Anything = (...args: unknown[]) => unknown;

/**
 * How a kernel rounds, given its sizes. Its first `writes` arguments are outputs, the other floats are inputs.
 *
 * A sum of K products errs as if each product were off by a factor 1 + θ with |θ| ≤ γ_K = K·u/(1 − K·u) (Higham,
 * "Accuracy and Stability of Numerical Algorithms", 3.1): `inputs` is that K, and the few roundings on the way to and
 * from the sum. `outputs` counts what errs relative to the result: its own rounding, and the elementary function that
 * it comes out of.
 */
interface Roundings {
  writes: number;
  inputs: (...sizes: number[]) => number;
  outputs: 'rounded' | 'function';
}

const rounded = (writes: number, inputs: Roundings['inputs']): Roundings => ({ writes, inputs, outputs: 'rounded' });
const ofFunctions = (writes: number, inputs: Roundings['inputs']): Roundings => ({
  writes,
  inputs,
  outputs: 'function',
});
/** Gates are products of a few factors such as 1 − z after their sums and functions. */
const GATES = 8;

/** Every kernel of the walk through time; null moves numbers without computing any. */
const kernelRoundings: Readonly<Record<keyof Kernels, Roundings | null>> = {
  linearForward: rounded(1, (_, D) => D + 1),
  linearBackward: rounded(3, (R, _, O) => Math.max(R, O) + 1),
  oneHotLinearForward: rounded(1, () => 1),
  oneHotLinearBackward: rounded(2, (R) => R + 1),
  elmanStepForward: ofFunctions(1, (_, H) => H + 2),
  elmanStepBackward: rounded(2, (_, H) => H + 3),
  elmanWeightBackward: rounded(2, (R) => R + 1),
  gruStepForward: ofFunctions(3, (_, H) => H + GATES),
  gruStepBackward: rounded(3, (_, H) => 3 * H + GATES),
  gruWeightBackward: rounded(2, (R) => R + 1),
  gruResetBeforeStepForward: ofFunctions(4, (_, H) => 2 * H + GATES),
  gruResetBeforeStepBackward: rounded(5, (_, H) => 3 * H + GATES),
  gruResetBeforeWeightBackward: rounded(2, (R) => R + 1),
  lstmStepForward: ofFunctions(4, (_, H) => H + GATES),
  lstmStepBackward: rounded(3, (_, H) => 4 * H + GATES),
  lstmWeightBackward: rounded(3, (R) => R + 1),
  softmaxCrossEntropyForward: ofFunctions(2, (_, V) => V + 4),
  softmaxCrossEntropyBackward: rounded(1, () => 3),
  sigmoidCrossEntropyForward: ofFunctions(2, (_, V) => V + 6),
  sigmoidCrossEntropyBackward: rounded(1, () => 3),
  squaredErrorForward: rounded(1, (_, V) => V + 3),
  squaredErrorBackward: rounded(1, () => 3),
  binaryCrossEntropyOfSoftmaxForward: ofFunctions(2, (_, V) => V + 8),
  binaryCrossEntropyOfSoftmaxBackward: rounded(1, (_, V) => V + 8),
  startStateForward: null,
  // `keep` is 1 or 0, and stays it.
  startStateBackward: rounded(2, () => 0),
  holdStateForward: null,
  holdStateBackward: null,
  clearRows: null,
  placeColumns: null,
  takeColumns: null,
  add: rounded(1, () => 1),
  multiply: rounded(1, () => 1),
  scale: rounded(1, () => 2),
  sigmoid: ofFunctions(1, () => 1),
  sigmoidBackward: rounded(1, () => 3),
  sumAxis: rounded(1, (_, axis) => axis),
};

/** An update rule is a handful of operations on each element; more than this none has. */
const UPDATE = 12;

/** Which blocks hold whole numbers (signs), counting params, grads, memory. */
const wholeBlocks: Partial<Record<keyof Optim, number>> = { notebookRpropUpdate: 3 };

const updateRules = [
  'adagradUpdate',
  'adamUpdate',
  'momentumUpdate',
  'notebookRpropUpdate',
  'rmspropUpdate',
  'rpropUpdate',
  'sgdUpdate',
] as const;

/** Numbers that are off at random, the same from the same seed. */
class Shaker {
  private readonly amplitude: number;
  private state: number;

  constructor({ unit, times }: Rounding, seed: number) {
    // Uniform in ±√3 has the root mean square 1.
    this.amplitude = Math.sqrt(3) * times * unit;
    this.state = Math.imul(seed, 0x9e3779b1) | 1;
  }

  /** x, off by n roundings. */
  number(x: number, n: number): number {
    // xorshift (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003)
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return x * (1 + this.amplitude * n * (this.state * 2 ** -31));
  }

  /** In place. */
  array(x: Float64Array, n: number): void {
    for (let i = 0; i < x.length; i++) if (x[i] !== 0) x[i] = this.number(x[i], n);
  }

  /** Into `room`, where that has the right length. */
  copy(x: Float64Array, n: number, room?: Float64Array): Float64Array {
    const y = room?.length === x.length ? room : new Float64Array(x.length);
    for (let i = 0; i < x.length; i++) y[i] = x[i] === 0 ? 0 : this.number(x[i], n);
    return y;
  }

  /** A given number is off only where the narrower format cannot hold it. */
  given(x: Float64Array): void {
    for (let i = 0; i < x.length; i++) if (Math.fround(x[i]) !== x[i]) x[i] = this.number(x[i], 1);
  }
}

const isFloats = (arg: unknown): arg is Float64Array => arg instanceof Float64Array;

/**
 * The float64 engine with the roundings of a coarser one played at random (Monte Carlo arithmetic; Parker, "Monte Carlo
 * arithmetic: how to gamble with your computer", IEEE CSE 2, 2000): every number that a kernel reads or writes is off by
 * what its {@link Roundings} allow, `times` over. So a net that runs on it drifts from the exact one as rounding errors
 * travel, through time, through the gradient, through the division of an update rule, and as far.
 */
export function shakenEngine(rounding: Rounding, seed: number): ReplayEngine {
  const shaker = new Shaker(rounding, seed);
  const engine = tsEngine('float64');
  const shaken: LocalEngine = {
    ...engine,
    name: 'shaken',
    kernels: shakenKernels(engine.kernels, shaker, 2 * rounding.functions),
    optim: shakenOptim(engine.optim, shaker),
    write: (buffer, values) => {
      buffer.set(values);
      shaker.given(buffer.subarray(0, values.length) as Float64Array);
    },
  };
  return {
    name: shaken.name,
    dtype: 'float64',
    make: () => shaken,
    floats: (values) => {
      const x = Float64Array.from(values);
      shaker.given(x);
      return x;
    },
  };
}

function shakenKernels(kernels: Kernels, shaker: Shaker, functions: number): Kernels {
  const shaken = Object.entries(kernelRoundings).map(([name, roundings]): [string, Anything] => {
    const kernel = kernels[name as keyof Kernels] as Anything;
    if (roundings === null) return [name, kernel];
    const { writes, inputs, outputs } = roundings;
    // From call to call a kernel mostly sees the same sizes.
    const copies: Float64Array[] = [];
    return [
      name,
      (...args) => {
        const n = inputs(...args.filter((arg) => typeof arg === 'number'));
        const shakenArgs = args.map((arg, i) => {
          if (i < writes || !isFloats(arg)) return arg;
          copies[i] = shaker.copy(arg, n, copies[i]);
          return copies[i];
        });
        kernel(...shakenArgs);
        for (let i = 0; i < writes; i++) {
          const output = args[i];
          if (isFloats(output)) shaker.array(output, outputs === 'function' ? functions : 1);
        }
      },
    ];
  });
  return Object.fromEntries(shaken) as unknown as Kernels;
}

function shakenOptim(optim: Optim, shaker: Shaker): Optim {
  const rules = updateRules.map((name): [string, Anything] => [
    name,
    (...args) => {
      const [, grads] = args;
      const blocks = new Set(args.filter((arg, i) => arg !== grads && isFloats(arg) && i !== wholeBlocks[name]));
      const before = Array.from(blocks as Set<Float64Array>, (block) => ({ block, values: block.slice() }));
      (optim[name] as Anything)(...args.map((arg) => (arg === grads ? shaker.copy(grads as Float64Array, 1) : arg)));
      // The step is off relative to itself, and what it leads to is rounded.
      for (const { block, values } of before) {
        for (let i = 0; i < block.length; i++) {
          block[i] = shaker.number(values[i] + shaker.number(block[i] - values[i], UPDATE), 1);
        }
      }
    },
  ]);
  return {
    ...optim,
    ...Object.fromEntries(rules),
    clipByNorm: (grads, maxNorm) => {
      shaker.array(grads as Float64Array, grads.length + 4);
      return optim.clipByNorm(grads, maxNorm);
    },
    l2Forward: (w, lambda) => optim.l2Forward(shaker.copy(w as Float64Array, w.length), lambda),
    l2Backward: (dw, w, lambda) => {
      optim.l2Backward(dw, shaker.copy(w as Float64Array, 2), lambda);
      shaker.array(dw as Float64Array, 1);
    },
  };
}
