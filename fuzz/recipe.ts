import type { Random } from './random.ts';

/** How a thing that is exported is called. */
export interface Recipe {
  /** Good arguments: a call with them returns. */
  readonly args?: (r: Random) => unknown[] | Promise<unknown[]>;
  /** The call itself; without it the exported function with these arguments. The first of them may be an object with a method. */
  readonly call?: ((...args: never[]) => unknown) | undefined;
  /** What must be as before after a call that threw, beside the arguments' own arrays: of an object its state. */
  readonly state?: ((args: unknown[]) => unknown) | undefined;
  /** How messages may begin beside the function's name. */
  readonly subject?: RegExp;
  /** Why it is not called by itself: what calls it is. */
  readonly leftOut?: string;
  /** Arguments, by index, that are not replaced: what is at fault there is no matter of this call. */
  readonly fixed?: readonly number[];
  /** Finite numbers may give others: an exponential, a logarithm of 0. */
  readonly unbounded?: boolean;
  /** Takes whatever it is given: a test of a value, or a function of JavaScript's own kind. */
  readonly takesAll?: boolean;
  /** Places, as `[1].metadata`, that may hold anything. */
  readonly loose?: RegExp;
  /** Places where a great number asks for work without end. */
  readonly endless?: RegExp;
  /** Bytes of a file that are altered instead of the arguments: which argument they are. */
  readonly file?: number;
  /** How often it comes up, 1 by default: less for what takes long. */
  readonly weight?: number;
  /** Frees what the arguments or the result hold. */
  readonly free?: (args: unknown[], result: unknown) => void;
}

/** Recipes by name: an exported function's, or `Class.method`, `Class.constructor`, `Class.static`. */
export type Recipes = Readonly<Record<string, Recipe>>;
