import { describe } from '../check/describe.ts';
import type { Algebra } from './algebra.ts';

/** A value that knows which inputs went into it. */
export interface Traced {
  /** Marks them as used. */
  used(): void;
  /** Throws: JavaScript's operators see one value only, not the values that a formula runs on. */
  [Symbol.toPrimitive](): never;
}

/** Where a formula stands, for messages. */
export interface TracedFormula {
  /** Who runs it, e.g. `cell mine: forward`. */
  readonly name: string;
  /** What it may have read where a value is undefined, e.g. `a gate, state or block that the cell does not have`. */
  readonly reads: string;
}

/** A value of a formula under trace. */
export function tracedValue({ name }: Pick<TracedFormula, 'name'>, use: () => void): Traced {
  let done = false;
  return {
    used() {
      if (done) return;
      done = true;
      use();
    },
    [Symbol.toPrimitive]() {
      throw new TypeError(`${name} compares or adds values with JavaScript: use m.whereGreater, m.add, …`);
    },
  };
}

/**
 * Throws unless a formula's operand or result is a value.
 *
 * @throws {TypeError} naming the formula and what it used in the place of a value.
 */
export function assertTraced({ name, reads }: TracedFormula, value: unknown): asserts value is Traced {
  if (typeof (value as Partial<Traced> | null | undefined)?.used === 'function') return;
  if (value === undefined) throw new TypeError(`${name} uses a value that is undefined: it reads ${reads}`);
  if (typeof value === 'number') {
    throw new TypeError(`${name} uses the number ${value} as a value: write m.constant(${value})`);
  }
  throw new TypeError(`${name} uses ${describe(value)} as a value, expected a result of m or an input`);
}

/** An algebra that computes nothing: it notes what each result is made of, and refuses what is no value. */
export function tracerAlgebra(formula: TracedFormula): Algebra<Traced> {
  const operation = (...from: readonly Traced[]): Traced => {
    for (const value of from) assertTraced(formula, value);
    return tracedValue(formula, () => {
      for (const value of from) value.used();
    });
  };
  const [unary, binary] = [(a: Traced) => operation(a), (a: Traced, b: Traced) => operation(a, b)];
  return {
    constant(value) {
      if (typeof value !== 'number' || Number.isNaN(value)) {
        const got = typeof value === 'object' && value !== null ? 'a value' : describe(value);
        throw new TypeError(`${formula.name}: m.constant of ${got}, expected a number`);
      }
      return tracedValue(formula, () => {});
    },
    ...{ add: binary, sub: binary, mul: binary, div: binary, max: binary, min: binary },
    whereGreater: (a, b, x, y) => operation(a, b, x, y),
    ...{ neg: unary, abs: unary, sqrt: unary, exp: unary, log: unary, tanh: unary, sigmoid: unary },
  };
}
