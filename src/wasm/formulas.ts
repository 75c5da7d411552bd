import type { Algebra } from '../algebra/algebra.ts';
import { type Cell, type CellFormula, type CellPart, type PartProgram, partProgram } from '../layers/cell.ts';
import type { UpdateFormula } from '../optim/optimizer.ts';
import { type FunctionBuilder, f32x4, i32, type Local, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise, forEachElement, forEachRow } from './elements.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { sigmoid } from './sigmoid.ts';
import { tanh } from './tanh.ts';

type Lanes = Local<'v128'>;

/** A formula as SIMD code, four units at a time: each operation adds its instructions to a function, its result in a local. */
export function lanesAlgebra(f: FunctionBuilder): Algebra<Lanes> {
  return {
    constant: (value) => f.vector(value),
    add: (a, b) => f.let(f32x4.add(a, b)),
    sub: (a, b) => f.let(f32x4.sub(a, b)),
    mul: (a, b) => f.let(f32x4.mul(a, b)),
    div: (a, b) => f.let(f32x4.div(a, b)),
    neg: (a) => f.let(f32x4.neg(a)),
    abs: (a) => f.let(f32x4.abs(a)),
    sqrt: (a) => f.let(f32x4.sqrt(a)),
    exp: (a) => f.let(exp(f, a)),
    log: (a) => f.let(log(f, a)),
    tanh: (a) => f.let(tanh(f, a)),
    sigmoid: (a) => f.let(sigmoid(f, a)),
    // pmax(a, b) is b where a < b, else a: a NaN in a stays.
    max: (a, b) => f.let(f32x4.firstMax(a, b)),
    min: (a, b) => f.let(f32x4.firstMin(a, b)),
    whereGreater: (a, b, x, y) => f.let(v128.select(x, y, f32x4.greater(a, b))),
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
    // A pointer to each block, which moves on by a row of its array for each sequence.
    const pointers = arrays.map(({ blocks, first }, a) =>
      Array.from({ length: blocks }, (_, k) => f.int(i32.add(params[a], i32.shl(i32.mul(H, first + k), 2)))),
    );
    const moving = arrays.flatMap(({ shared, width }, a) => {
      if (shared) return [];
      const floats = f.int(i32.mul(H, width));
      return pointers[a].map((pointer) => [pointer, floats] as const);
    });
    const outputs = pointers.slice(0, program.outputs.length);
    const inputs = new Map(program.inputs.map((input, i) => [input.name, pointers[outputs.length + i]]));
    forEachRow(f, B, moving, () => {
      forEachElement(f, H, (at) => {
        const values = program.run(lanesAlgebra(f), (input, block) => f.let(at.load(inputs.get(input)![block])));
        // All is read before anything is written: an output may be an input's array.
        for (const [a, blocks] of outputs.entries()) {
          for (const [k, pointer] of blocks.entries()) at.store(pointer, values[a][k]);
        }
      });
    });
  });
  return program;
}

/**
 * Adds the kernel `name(params, grads, …memory, P, …numbers)` of an update rule.
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
  emitElementwise(m, name, 2 + blocks, names.length, (f, at, [params, grads, ...rest], splats) => {
    const memory = rest.slice(0, blocks);
    const before = memory.map((block) => f.let(at.load(block)));
    const after = formula(lanesAlgebra(f), {
      ...{ theta: f.let(at.load(params)), g: f.let(at.load(grads)), memory: before },
      numbers: Object.fromEntries(names.map((number, i) => [number, splats[i]])),
    });
    at.store(params, after.theta);
    for (const [i, block] of memory.entries()) if (after.memory[i] !== before[i]) at.store(block, after.memory[i]);
  });
}
