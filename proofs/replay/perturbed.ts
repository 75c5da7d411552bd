import type { CellBackward, CellForward } from 'bptt';
import { type CpuEngine, defaultStages, type Stages, tsEngine } from 'bptt';
import type { LossWindow } from 'bptt/layers';
import type { FloatArray } from 'bptt/tensor';
import type { ReplayEngine } from './engines.ts';
import type { Rounding } from './tolerances.ts';

type Kernels = CpuEngine['kernels'];
type LossStages = Pick<Stages<FloatArray, Int32Array>, 'lossOutputs' | 'lossForward' | 'lossBackward'>;
type Optim = CpuEngine['optim'];
type Anything = (...args: unknown[]) => unknown;
type PlainKernel = Exclude<keyof Kernels, keyof CellParts>;
type CellParts = Pick<Kernels, 'cellForward' | 'cellInnerForward' | 'cellBackward' | 'cellInnerBackward'>;

/**
 * How a kernel rounds, given its sizes. Its first `writes` arguments are outputs, the other floats are inputs.
 *
 * A sum of K products errs as if each product were off by a factor 1 + θ with |θ| ≤ γ_K = K·u/(1 − K·u) (Higham,
 * "Accuracy and Stability of Numerical Algorithms", 3.1): `inputs` is that K, and the few roundings on the way to and
 * from the sum. The result is then rounded once more.
 */
interface Roundings {
  writes: number;
  inputs: (...sizes: number[]) => number;
}

const rounded = (writes: number, inputs: Roundings['inputs']): Roundings => ({ writes, inputs });

/** Every kernel of the loops through time; null moves numbers without computing any. */
const kernelRoundings: Readonly<Record<PlainKernel, Roundings | null>> = {
  linearForward: rounded(1, (_, D) => D + 1),
  oneHotLinearForward: rounded(1, () => 1),
  oneHotLinearBackward: rounded(2, (R) => R + 1),
  matmulNN: rounded(1, (_, K) => K + 1),
  matmulTN: rounded(1, (_, K) => K + 1),
  startStateForward: null,
  // `carry` is 1 or 0, and stays it.
  startStateBackward: rounded(2, () => 0),
  holdStateForward: null,
  holdStateBackward: null,
  clearRows: null,
  placeColumns: null,
  takeColumns: null,
  copy: null,
  fill: null,
  add: rounded(1, () => 1),
  gatherRows: null,
  gatherRowsBackward: rounded(1, (R) => R + 1),
  layerNorm: rounded(3, (...sizes) => sizes[sizes.length - 1] + 6),
  layerNormBackward: rounded(3, (R, n) => R + n + 6),
  relu: rounded(1, () => 0),
  reluBackward: rounded(1, () => 0),
  sigmoid: rounded(1, () => 4),
  sigmoidBackward: rounded(1, () => 3),
  tanh: rounded(1, () => 3),
  tanhBackward: rounded(1, () => 3),
  addRowBackward: rounded(1, (R) => R + 1),
  multiply: rounded(1, () => 1),
  sumAxis: rounded(1, (_, axis) => axis),
};

/** Gates are products of a few factors such as 1 − z after their sums and functions. */
const GATES = 8;

/** The arrays of a step that each part of a cell reads and writes. What it does both with is perturbed once it is written. */
const cellArrays = {
  cellForward: { reads: ['xGates', 'hGates', 'previous', 'extra'], writes: ['states', 'saved', 'operand'] },
  cellInnerForward: { reads: ['xGates', 'innerGates', 'previous', 'extra'], writes: ['states', 'saved'] },
  cellBackward: {
    reads: ['dstates', 'saved', 'states', 'previous', 'extra', 'dinnerGates', 'doperand'],
    writes: ['dxGates', 'dhGates', 'dprevious', 'dextra'],
  },
  cellInnerBackward: { reads: ['dstates', 'saved', 'states', 'previous', 'extra'], writes: ['dinnerGates'] },
} as const satisfies Readonly<
  Record<keyof CellParts, { reads: readonly (keyof Arrays)[]; writes: readonly (keyof Arrays)[] }>
>;

type Arrays = CellForward & CellBackward;

/** The roundings of a loss's sums over V outputs, and those of its gradient. */
const lossRoundings: Readonly<Record<string, { forward: (V: number) => number; backward: (V: number) => number }>> = {
  softmaxCrossEntropy: { forward: (V) => V + 4, backward: () => 3 },
  sigmoidCrossEntropy: { forward: (V) => V + 6, backward: () => 3 },
  // Of σ too, where the outputs go through it.
  squaredError: { forward: (V) => V + 3, backward: () => 6 },
  binaryCrossEntropyOfSoftmax: { forward: (V) => V + 8, backward: (V) => V + 8 },
};

/** An update rule is a handful of operations on each element; more than this none has. */
const UPDATE = 12;

/** Which block of a rule's memory holds whole numbers (signs). */
const wholeBlocks: Readonly<Record<string, number>> = { notebookRprop: 1 };

/** Numbers that are off at random, the same from the same seed. */
class Perturber {
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
export function perturbedEngine(rounding: Rounding, seed: number): ReplayEngine {
  const perturber = new Perturber(rounding, seed);
  const functions = 2 * rounding.functions;
  const engine = tsEngine('float64');
  const kernels = {
    ...perturbedKernels(engine.kernels, perturber),
    ...perturbedCells(engine.kernels, perturber, functions),
  };
  const perturbed: CpuEngine = {
    ...engine,
    name: 'perturbed',
    kernels,
    ...defaultStages(kernels, perturbedLosses(engine, perturber, functions)),
    optim: perturbedOptim(engine.optim, perturber),
    write: (buffer, values) => {
      buffer.set(values);
      perturber.given(buffer.subarray(0, values.length) as Float64Array);
    },
  };
  return {
    name: perturbed.name,
    dtype: 'float64',
    make: () => perturbed,
    floats: (values) => {
      const x = Float64Array.from(values);
      perturber.given(x);
      return x;
    },
  };
}

function perturbedKernels(kernels: Kernels, perturber: Perturber): Pick<Kernels, PlainKernel> {
  const perturbed = Object.entries(kernelRoundings).map(([name, roundings]): [string, Anything] => {
    const kernel = kernels[name as PlainKernel] as Anything;
    if (roundings === null) return [name, kernel];
    const { writes, inputs } = roundings;
    // From call to call a kernel mostly sees the same sizes.
    const copies: Float64Array[] = [];
    return [
      name,
      (...args) => {
        const n = inputs(...args.filter((arg) => typeof arg === 'number'));
        const perturbedArgs = args.map((arg, i) => {
          if (i < writes || !isFloats(arg)) return arg;
          copies[i] = perturber.copy(arg, n, copies[i]);
          return copies[i];
        });
        kernel(...perturbedArgs);
        for (let i = 0; i < writes; i++) {
          const output = args[i];
          if (isFloats(output)) perturber.array(output, 1);
        }
      },
    ];
  });
  return Object.fromEntries(perturbed) as unknown as Pick<Kernels, PlainKernel>;
}

/** States and gates come out of functions, gradients out of products. */
function perturbedCells(kernels: Kernels, perturber: Perturber, functions: number): CellParts {
  const part = (name: keyof CellParts): Anything => {
    const { reads, writes } = cellArrays[name];
    const outputs = name === 'cellForward' || name === 'cellInnerForward' ? functions : 1;
    return (cell, given, B, H) => {
      const step = given as Readonly<Record<string, Float64Array | readonly Float64Array[]>>;
      const copyOf = (x: Float64Array) => perturber.copy(x, GATES);
      const read = reads.map((array) => {
        const of = step[array];
        return [array, isFloats(of) ? copyOf(of) : of.map(copyOf)];
      });
      (kernels[name] as Anything)(cell, { ...step, ...Object.fromEntries(read) }, B, H);
      // Two names may mean the same array.
      for (const array of new Set(writes.flatMap((name) => step[name]))) perturber.array(array, outputs);
    };
  };
  const parts = (Object.keys(cellArrays) as (keyof CellParts)[]).map((name) => [name, part(name)]);
  return Object.fromEntries(parts) as unknown as CellParts;
}

function perturbedLosses(engine: CpuEngine, perturber: Perturber, functions: number): LossStages {
  const copies = ({ logits, outputs, targetValues, weights }: LossWindow, n: number) => {
    const [own, values, factors] = [logits, targetValues, weights].map((x) => perturber.copy(x as Float64Array, n));
    return { logits: own, targetValues: values, weights: factors, outputs: outputs as Float64Array };
  };
  return {
    lossOutputs(loss, outputs, logits, R, V) {
      engine.lossOutputs(loss, outputs, perturber.copy(logits as Float64Array, V + 1), R, V);
      perturber.array(outputs as Float64Array, functions);
    },
    lossForward(loss, window) {
      engine.lossForward(loss, { ...window, ...copies(window, lossRoundings[loss.name].forward(window.V)) });
      perturber.array(window.losses as Float64Array, functions);
      perturber.array(window.outputs as Float64Array, functions);
    },
    lossBackward(loss, window) {
      const n = lossRoundings[loss.name].backward(window.V);
      const read = copies(window, n);
      engine.lossBackward(loss, { ...window, ...read, outputs: perturber.copy(read.outputs, n) });
      perturber.array(window.dlogits as Float64Array, 1);
    },
  };
}

function perturbedOptim(optim: Optim, perturber: Perturber): Optim {
  return {
    ...optim,
    update(optimizer, params, grads, memory, numbers, before) {
      const blocks = [params, ...memory];
      const finite = optim.update(optimizer, params, perturber.copy(grads as Float64Array, 1), memory, numbers, before);
      // The step is off relative to itself, and what it leads to is rounded.
      for (const [b, block] of blocks.entries()) {
        if (b - 1 === wholeBlocks[optimizer.name]) continue;
        for (let i = 0; i < block.length; i++) {
          const x = before[b][i];
          block[i] = perturber.number(x + perturber.number(block[i] - x, UPDATE), 1);
        }
      }
      return finite;
    },
    clipByNorm: (grads, maxNorm) => {
      perturber.array(grads as Float64Array, grads.length + 4);
      return optim.clipByNorm(grads, maxNorm);
    },
    l2Forward: (w, lambda) => optim.l2Forward(perturber.copy(w as Float64Array, w.length), lambda),
    l2Backward: (dw, w, lambda) => {
      optim.l2Backward(dw, perturber.copy(w as Float64Array, 2), lambda);
      perturber.array(dw as Float64Array, 1);
    },
  };
}
