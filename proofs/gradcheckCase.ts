import type { LossFunction, Params, VectorFunction } from 'bptt';
import type { RandomState } from 'bptt/tensor';

/** A differentiable function with everything that {@link gradcheck} needs. */
export interface Check {
  fn: VectorFunction | LossFunction;
  params: Params;
}

/** A function under check at sizes still to be chosen. */
export interface GradcheckCase {
  name: string;
  /** The smallest value of each size, under the letters of ARCHITECTURE.md, e.g. `{ M: 1, K: 1, N: 1 }`. */
  smallest: Readonly<Record<string, number>>;
  /** Draws parameters and whatever else it needs at these sizes. */
  make(sizes: Record<string, number>, random: RandomState): Check;
}

/** Declares a case; the sizes that `make` may read are those of `smallest`. */
export function defineCase<S extends string>(
  name: string,
  smallest: Record<S, number>,
  make: (sizes: Record<S, number>, random: RandomState) => Check,
): GradcheckCase {
  return { name, smallest, make: make as GradcheckCase['make'] };
}

/** A forward and a backward function of the library, called as its users call them. */
export interface Operation<K extends string> {
  params: Record<K, Float64Array>;
  /** The number of outputs of `forward`. */
  outputs: number;
  /** The gradients that `backward` adds to what is there; it overwrites the others. */
  adds?: readonly NoInfer<K>[];
  forward(out: Float64Array, params: Record<K, Float64Array>): void;
  backward(gradients: Record<K, Float64Array>, dout: Float64Array, params: Record<K, Float64Array>): void;
}

/**
 * Makes an operation checkable. Buffers that are to be overwritten come filled with NaN and those to be added to with
 * zeros, so that a gradient that keeps to the wrong convention is wrong. Each backward runs twice, the second time over
 * numbers to add to.
 */
export function operation<K extends string>(op: Operation<K>): Check {
  const names = Object.keys(op.params) as K[];
  const adds = new Set(op.adds ?? []);
  const run = (dout: Float64Array, params: Record<K, Float64Array>, before: number) => {
    const gradients = Object.fromEntries(
      names.map((name) => [name, new Float64Array(params[name].length).fill(adds.has(name) ? before : Number.NaN)]),
    ) as Record<K, Float64Array>;
    op.backward(gradients, dout.slice(), params);
    return gradients;
  };
  const fn: VectorFunction = {
    forward(params) {
      const out = new Float64Array(op.outputs).fill(Number.NaN);
      op.forward(out, params as Record<K, Float64Array>);
      return out;
    },
    backward(dout, params) {
      const gradients = run(dout, params as Record<K, Float64Array>, 0);
      const before = 0.75;
      const again = run(dout, params as Record<K, Float64Array>, before);
      for (const name of names) {
        const expected = adds.has(name) ? gradients[name].map((g) => g + before) : gradients[name];
        const worst = expected.findIndex((g, i) => !(Math.abs(again[name][i] - g) <= 1e-12 * (1 + Math.abs(g))));
        if (worst >= 0) {
          throw new Error(`gradient of ${name}[${worst}] is ${again[name][worst]}, expected ${expected[worst]}`);
        }
      }
      return gradients;
    },
  };
  return { fn, params: op.params };
}

/** n normal numbers at a distance of at least 0.1 from each of `kinks`, where a function has no derivative. */
export function awayFrom(kinks: readonly number[], random: RandomState, n: number): Float64Array {
  return random.randn(n).map((x) => {
    const near = kinks.find((kink) => Math.abs(x - kink) < 0.1);
    return near === undefined ? x : near + (x < near ? -0.1 : 0.1);
  });
}

/** n ids in [0, size), every other one equal to the one before, so that repeats add up. */
export function repeatingIds(random: RandomState, n: number, size: number): Int32Array {
  const ids = Int32Array.from({ length: n }, () => random.randint(size));
  for (let i = 1; i < n; i += 2) ids[i] = ids[i - 1];
  return ids;
}
