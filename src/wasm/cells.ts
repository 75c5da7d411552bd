import { type CellKernels, cellFunctions } from '../bptt/engine.ts';
import {
  accessor,
  type Cell,
  type CellBackward,
  type CellForward,
  type CellPart,
  type PartProgram,
} from '../layers/cell.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { ModuleBuilder, type Signature } from './assembler.ts';
import { emitCellPart, type FormulaCell, partsOf } from './formulas.ts';
import { type CompiledModule, host } from './host.ts';
import type { WasmMemory } from './memory.ts';

interface CompiledCell {
  readonly module: CompiledModule;
  readonly signatures: readonly Signature[];
  readonly programs: ReadonlyMap<CellPart, { readonly name: string; readonly program: PartProgram }>;
}

/** By cell: compiled for a memory of one's own, and for shared memory. */
const compiled = new WeakMap<Cell, [own?: CompiledCell, shared?: CompiledCell]>();
let cells = 0;

/** The parts of a cell in a module of their own, compiled at their first use. */
function compiledCell(cell: FormulaCell, shared: boolean): CompiledCell {
  const found = compiled.get(cell) ?? [];
  compiled.set(cell, found);
  const index = shared ? 1 : 0;
  const make = (): CompiledCell => {
    const m = new ModuleBuilder();
    const id = `cell${cells++}`;
    const programs = new Map(
      partsOf(cell).map((part) => {
        const name = `${id}.${part}`;
        return [part, { name, program: emitCellPart(m, name, cell, part) }];
      }),
    );
    const module = new (host().Module)(m.bytes(shared ? 'shared' : 'own'));
    return { module, signatures: m.signatures, programs };
  };
  found[index] ??= make();
  return found[index];
}

export function hasFormula(cell: Cell): cell is FormulaCell {
  return cell.formula !== undefined;
}

type Run = (step: CellForward<FloatArray> | CellBackward<FloatArray>, B: number, H: number) => void;

/** The parts of a cell: kernels made from its formula, or, of a cell without one, its own functions on the same memory. */
export function cellKernels(w: WasmMemory): CellKernels<FloatArray> {
  const made = new WeakMap<Cell, Map<CellPart, Run>>();
  const runsOf = (cell: FormulaCell): Map<CellPart, Run> => {
    let runs = made.get(cell);
    if (!runs) {
      const { module, signatures, programs } = compiledCell(cell, w.variant.shared);
      w.recorder.link(module, signatures);
      runs = new Map([...programs].map(([part, { name, program }]) => [part, runOf(w, cell, part, name, program)]));
      made.set(cell, runs);
    }
    return runs;
  };
  const kernel =
    (part: CellPart, own: CellKernels<FloatArray>['cellForward']) =>
    (cell: Cell, step: CellForward<FloatArray> & CellBackward<FloatArray>, B: number, H: number): void => {
      if (hasFormula(cell)) runsOf(cell).get(part)!(step, B, H);
      else w.recorder.outside(() => own(cell, step, B, H));
    };
  const { cellForward, cellInnerForward, cellBackward, cellInnerBackward } = cellFunctions as Record<
    keyof CellKernels<FloatArray>,
    (cell: Cell, step: CellForward<FloatArray> & CellBackward<FloatArray>, B: number, H: number) => void
  >;
  return {
    cellForward: kernel('forward', cellForward),
    cellInnerForward: kernel('innerForward', cellInnerForward),
    cellBackward: kernel('backward', cellBackward),
    cellInnerBackward: kernel('innerBackward', cellInnerBackward),
  } as CellKernels<FloatArray>;
}

function runOf(w: WasmMemory, cell: Cell, part: CellPart, name: string, { outputs, inputs }: PartProgram): Run {
  const fn = `cell ${cell.name}: ${part}`;
  const call = w.recorder.call[name];
  const arrays = [...outputs, ...inputs].map(({ name: array, width, shared }) => ({
    ...{ array, width, shared, of: accessor(array), shape: shared ? `[${width}H]` : `[B,${width}H]` },
  }));
  return (step, B, H) => {
    const addresses = arrays.map(({ array, width, shared, of, shape }) =>
      w.at(fn, array, of(step), shape, shared ? 1 : B, width * H),
    );
    call(...addresses, B, H);
  };
}
