import { describe } from '../check/describe.ts';
import type { Algebra } from './algebra.ts';

/** Every operation: who adds one has to list it, too. */
const OPERATIONS: Readonly<Record<keyof Algebra<unknown>, true>> = {
  ...{ constant: true, add: true, sub: true, mul: true, div: true, neg: true, abs: true, sqrt: true, exp: true },
  ...{ log: true, tanh: true, sigmoid: true, max: true, min: true, whereGreater: true },
};

/** @throws {TypeError} naming function and the operation that is missing, unless the value is an algebra. */
export function assertAlgebra(fn: string, value: unknown): void {
  for (const name of Object.keys(OPERATIONS)) {
    const operation: unknown = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
    if (typeof operation !== 'function') throw new TypeError(`${fn}: m is ${describe(value)}, which has no ${name}`);
  }
}
