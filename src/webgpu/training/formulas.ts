import type { Algebra } from '../../algebra/algebra.ts';
import type { PartArray, PartProgram } from '../../layers/cell.ts';
import { IS_NAN_WGSL } from '../device/elementwise.ts';
import { SIGMOID_WGSL } from '../kernels/sigmoid.ts';
import { TANH_WGSL } from '../kernels/tanh.ts';

/**
 * WGSL: the functions that formulas call. `max_of` and `min_of` keep a NaN of their first argument; `sqrt` of 0 is computed
 * as 1/inverseSqrt(0) on some devices, which WGSL leaves undefined.
 */
export const FORMULA_WGSL: string = `${TANH_WGSL}${SIGMOID_WGSL}${IS_NAN_WGSL}
fn max_of(a: f32, b: f32) -> f32 { return select(a, b, a < b && !is_nan(a)); }
fn min_of(a: f32, b: f32) -> f32 { return select(a, b, b < a && !is_nan(a)); }
fn sqrt_of(a: f32) -> f32 { return select(sqrt(a), 0.0, a == 0.0); }`;

/** A formula as WGSL: a value is the name of a `let`, or a literal. The functions it calls are {@link FORMULA_WGSL}. */
export class WgslAlgebra implements Algebra<string> {
  private readonly lines: string[] = [];

  /** The statements that define every name handed out so far. */
  get statements(): string {
    return this.lines.join('\n  ');
  }

  /** The name of an expression of type f32. */
  name(expression: string): string {
    const name = `v${this.lines.length}`;
    this.lines.push(`let ${name} = ${expression};`);
    return name;
  }

  /** @throws {RangeError} where float32 cannot hold it. */
  constant(value: number): string {
    if (!Number.isFinite(Math.fround(value))) {
      throw new RangeError(`formula: constant ${value}, expected a finite number of float32`);
    }
    const size = Math.abs(value);
    const text = Number.isInteger(size) && size < 1e15 ? `${size}.0` : `${size}`;
    return value < 0 || Object.is(value, -0) ? `(-${text})` : text;
  }

  add(a: string, b: string): string {
    return this.name(`${a} + ${b}`);
  }

  sub(a: string, b: string): string {
    return this.name(`${a} - ${b}`);
  }

  mul(a: string, b: string): string {
    return this.name(`${a} * ${b}`);
  }

  div(a: string, b: string): string {
    return this.name(`${a} / ${b}`);
  }

  neg(a: string): string {
    return this.name(`-${a}`);
  }

  abs(a: string): string {
    return this.name(`abs(${a})`);
  }

  sqrt(a: string): string {
    return this.name(`sqrt_of(${a})`);
  }

  exp(a: string): string {
    return this.name(`exp(${a})`);
  }

  log(a: string): string {
    return this.name(`log(${a})`);
  }

  tanh(a: string): string {
    return this.name(`tanh_of(${a})`);
  }

  sigmoid(a: string): string {
    return this.name(`sigmoid_of(${a})`);
  }

  max(a: string, b: string): string {
    return this.name(`max_of(${a}, ${b})`);
  }

  min(a: string, b: string): string {
    return this.name(`min_of(${a}, ${b})`);
  }

  whereGreater(a: string, b: string, x: string, y: string): string {
    return this.name(`select(${y}, ${x}, ${a} > ${b})`);
  }
}

/** A part of a cell in WGSL. */
export interface PartWgsl {
  /** What defines {@link values}. */
  readonly statements: string;
  /** For each output its blocks. */
  readonly values: readonly (readonly string[])[];
}

/**
 * A part of a cell as statements for unit `j` of the sequence whose step is row `row` of every array.
 *
 * @param given WGSL for an input that the kernel has at hand; null where it is read from its buffer
 */
export function partWgsl(program: PartProgram, given: (name: string, block: number) => string | null): PartWgsl {
  const m = new WgslAlgebra();
  const arrays = new Map(program.inputs.map((input) => [input.name, input]));
  const values = program.run(m, (name, block) =>
    m.name(given(name, block) ?? `${name}(${elementAt(arrays.get(name)!, block)})`),
  );
  return { statements: m.statements, values };
}

/** WGSL: the place of a block's element in an array. */
export function elementAt({ first, width, shared }: PartArray, block: number): string {
  const number = `${first + block}u`;
  return `${shared ? number : `(row * ${width}u + ${number})`} * args.H + j`;
}
