import type { Algebra } from '../algebra/algebra.ts';
import { type Cell, type CellFormula, type CellPart, type PartProgram, partProgram } from '../layers/cell.ts';
import type { UpdateFormula } from '../optim/optimizer.ts';
import {
  type Expr,
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from './assembler.ts';
import { forEachElement, forEachRow } from './elements.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { notFinite } from './notFinite.ts';
import { sigmoid } from './sigmoid.ts';
import { tanh } from './tanh.ts';

/** Four numbers. An input is loaded where it is used first, so that few of them occupy registers at a time. */
interface Lanes {
  (): Local<'v128'>;
  /** Of a constant. */
  readonly constant?: number;
}

/** A formula as SIMD code, four units at a time: each operation adds its instructions to a function, its result in a local. */
export function lanesAlgebra(f: FunctionBuilder): Algebra<Lanes> {
  type Operand = Local<'v128'>;
  const kept = (value: Expr<'v128'>): Lanes => {
    const local = f.let(value);
    return () => local;
  };
  const unary =
    (of: (a: Operand) => Expr<'v128'>) =>
    (a: Lanes): Lanes =>
      kept(of(a()));
  const binary =
    (of: (a: Operand, b: Operand) => Expr<'v128'>) =>
    (a: Lanes, b: Lanes): Lanes =>
      kept(of(a(), b()));
  return {
    constant: (value) =>
      Object.assign(
        input(f, () => f.vector(value)),
        { constant: value },
      ),
    add: binary(f32x4.add),
    sub: binary(f32x4.sub),
    mul: binary(f32x4.mul),
    div: binary(f32x4.div),
    neg: unary(f32x4.neg),
    abs: unary(f32x4.abs),
    sqrt: unary(f32x4.sqrt),
    exp: unary((a) => exp(f, a)),
    log: unary((a) => log(f, a)),
    tanh: unary((a) => tanh(f, a)),
    sigmoid: unary((a) => sigmoid(f, a)),
    // pmax(a, b) is b where a < b, else a: a NaN in a stays.
    max: binary(f32x4.pmax),
    min: binary(f32x4.pmin),
    whereGreater(a, b, x, y) {
      const greater = f32x4.greater(a(), b());
      // The bits of +0 are zeros.
      return kept(Object.is(y.constant, 0) ? v128.and(x(), greater) : v128.select(x(), y(), greater));
    },
  };
}

/** A value that is computed when it is used first. */
function input(f: FunctionBuilder, value: () => Expr<'v128'>): Lanes {
  let local: Local<'v128'> | null = null;
  return () => {
    local ??= f.let(value());
    return local;
  };
}

/** A cell whose loops are made from its formula. */
export type FormulaCell = Cell & { readonly formula: CellFormula };

/** The parts that a cell has. */
export function partsOf({ innerGates = 0 }: Cell): readonly CellPart[] {
  return innerGates > 0 ? ['forward', 'innerForward', 'backward', 'innerBackward'] : ['forward', 'backward'];
}

/**
 * Adds the kernel `name(…outputs, …inputs, B, H)` of a part of a cell, its arrays in the order of the part's program, and
 * gives the program.
 */
export function emitCellPart(m: ModuleBuilder, name: string, cell: FormulaCell, part: CellPart): PartProgram {
  const program = partProgram(cell, part);
  const arrays = [...program.outputs, ...program.inputs];
  m.function(name, [...arrays.map(() => 'i32' as const), 'i32', 'i32'], (f, params) => {
    const [B, H] = params.slice(-2);
    const bytes = f.int(i32.shl(H, 2));
    const flat = arrays.every(({ shared, width }) => !shared && width === 1);
    // A pointer to each block; it moves on by a row of its array for each sequence.
    const pointers = arrays.map(({ blocks, first }, a) => {
      let pointer = first === 0 ? params[a] : f.int(i32.add(params[a], i32.mul(bytes, first)));
      return Array.from({ length: blocks }, (_, k) => {
        if (k > 0) pointer = f.int(i32.add(pointer, bytes));
        return pointer;
      });
    });
    const rows = new Map([[1, H]]);
    const moving = arrays.flatMap(({ shared, width }, a) => {
      if (shared) return [];
      const floats = rows.get(width) ?? f.int(i32.mul(H, width));
      rows.set(width, floats);
      return pointers[a].map((pointer) => [pointer, floats] as const);
    });
    const outputs = pointers.slice(0, program.outputs.length);
    const inputs = new Map(program.inputs.map((input, i) => [input.name, pointers[outputs.length + i]]));
    const units = (count: I32): void =>
      forEachElement(f, count, (at) => {
        const results = program.run(lanesAlgebra(f), (array, block) =>
          input(f, () => at.load(inputs.get(array)![block])),
        );
        // All is read before anything is written: an output may be an input's array.
        const values = results.map((blocks) => blocks.map((value) => value()));
        for (const [a, blocks] of outputs.entries()) {
          for (const [k, pointer] of blocks.entries()) at.store(pointer, values[a][k]);
        }
      });
    if (flat) units(i32.mul(B, H));
    else forEachRow(f, B, moving, () => units(H));
  });
  return program;
}

/**
 * Adds the kernel `name(params, grads, …memory, …before, P, …numbers)` of an update rule: it leaves what parameters and memory
 * held in `before`, and gives 0 where all that they hold now is finite.
 *
 * @param blocks of memory
 * @param names of the numbers, in the order of the arguments
 */
export function emitUpdate(
  m: ModuleBuilder,
  name: string,
  formula: UpdateFormula,
  blocks: number,
  names: readonly string[],
): void {
  const types = [...Array<'i32'>(2 + blocks + 1 + blocks + 1).fill('i32'), ...names.map(() => 'f32' as const)];
  m.function(name, types, (f, all) => {
    const arrays = all.slice(0, 2 * blocks + 3) as Local<'i32'>[];
    const [params, grads] = arrays;
    const moved = [params, ...arrays.slice(2, 2 + blocks)];
    const before = arrays.slice(2 + blocks);
    const P = all[arrays.length] as Local<'i32'>;
    const splats = (all.slice(arrays.length + 1) as Local<'f32'>[]).map((number) => f.let(f32x4.splat(number)));
    const bad = f.local('v128');
    forEachElement(f, P, (at) => {
      const held = moved.map((block) => input(f, () => at.load(block)));
      const [theta, ...memory] = held;
      const after = formula(lanesAlgebra(f), {
        ...{ theta, memory, g: input(f, () => at.load(grads)) },
        numbers: Object.fromEntries(names.map((number, i) => [number, () => splats[i]])),
      });
      // All is read before anything is written.
      const values = [after.theta, ...after.memory].map((value) => value());
      for (const [i, block] of before.entries()) at.store(block, held[i]());
      for (const [i, block] of moved.entries()) {
        // What the rule leaves as it is stays where it is.
        if (after.memory[i - 1] === held[i]) continue;
        at.store(block, values[i]);
        f.set(bad, v128.or(bad, at.lanes(notFinite(values[i]), 0)));
      }
    });
    f.return(v128.anyTrue(bad));
  });
}
