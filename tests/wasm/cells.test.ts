import { describe, expect, it } from 'vitest';
import { exactly, float32Precision, isWithin, type Radius, radiusAlgebra } from '../../src/algebra/radius.ts';
import { accessor, type Cell, type CellBackward, type CellForward, partProgram } from '../../src/layers/cell.ts';
import { elman } from '../../src/layers/elman.ts';
import { gru } from '../../src/layers/gru.ts';
import { gruResetBefore } from '../../src/layers/gruResetBefore.ts';
import { lstm, lstmPeephole } from '../../src/layers/lstm.ts';
import { minGru } from '../../src/layers/minGru.ts';
import { cellKernels } from '../../src/wasm/cells.ts';
import { type FormulaCell, partsOf } from '../../src/wasm/formulas.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw } from './support.ts';

/** The errors that the functions' own tests hold them to, in ulp. */
const bounds = radiusAlgebra(float32Precision({ exp: 2, log: 1, tanh: 3, sigmoid: 4 }));

const cells: Readonly<Record<string, Cell>> = {
  ...Object.fromEntries(Object.entries(elman).map(([f, cell]) => [`elman ${f}`, cell])),
  ...{ gru, gruResetBefore, lstm, lstmPeephole, minGru },
};

const kernelOf = {
  forward: 'cellForward',
  innerForward: 'cellInnerForward',
  backward: 'cellBackward',
  innerBackward: 'cellInnerBackward',
} as const;

/** Sizes with every kind of rest beside four, no sequence, and no unit. */
const sizes = [
  [1, 1],
  [1, 4],
  [2, 7],
  [3, 13],
  [5, 16],
  [0, 5],
  [2, 0],
];

type Step = CellForward<Float32Array> & CellBackward<Float32Array>;

/** Arrays by the names of a part's program, as the step that they belong to. */
function stepOf(arrays: ReadonlyMap<string, Float32Array>): Step {
  const step: Record<string, Float32Array | Float32Array[]> = {};
  for (const [name, array] of arrays) {
    const [, list, index] = /^([a-z]+)(\d+)$/.exec(name) ?? [];
    if (list === undefined) step[name] = array;
    else {
      step[list] ??= [];
      (step[list] as Float32Array[])[Number(index)] = array;
    }
  }
  return step as unknown as Step;
}

describe.each(Object.entries(cells))('%s', (_, cell) => {
  it.each(partsOf(cell))('%s is the formula, to within what rounding can do to it', (part) => {
    const { inputs, outputs, run } = partProgram(cell as FormulaCell, part);
    for (const [B, H] of sizes) {
      const draw = new Draw(B * 31 + H);
      const arrays = new Map<string, Float32Array>();
      const w = new WasmMemory(4 * 64 * (B + 1) * (H + 1) * (inputs.length + outputs.length));
      for (const { name, width, shared } of [...outputs, ...inputs]) {
        if (arrays.has(name)) continue;
        const array = w.floats((shared ? 1 : B) * width * H);
        array.set(draw.floats(array.length, 2));
        arrays.set(name, array);
      }
      const before = new Map([...arrays].map(([name, array]) => [name, array.slice()]));
      cellKernels(w)[kernelOf[part]](cell, stepOf(arrays), B, H);
      const written = new Map([...arrays].map(([name, array]) => [name, new Set<number>(array.keys())]));
      for (let b = 0; b < B; b++) {
        for (let j = 0; j < H; j++) {
          const at = (array: { width: number; first: number; shared: boolean }, k: number): number =>
            ((array.shared ? 0 : b * array.width) + array.first + k) * H + j;
          const byName = new Map(inputs.map((array) => [array.name, array]));
          const want = run<Radius>(bounds, (name, k) => exactly(before.get(name)![at(byName.get(name)!, k)]));
          for (const [o, array] of outputs.entries()) {
            for (const [k, bound] of want[o].entries()) {
              const got = arrays.get(array.name)![at(array, k)];
              written.get(array.name)!.delete(at(array, k));
              if (!isWithin(bound, got))
                throw new Error(`${array.name}[${b},${k},${j}] is ${got}, ${bound.value} ± ${bound.radius}`);
              expect(bound.radius).toBeLessThan(2 ** -12);
            }
          }
        }
      }
      // What the part does not write stays, bit for bit.
      for (const [name, left] of written) {
        for (const i of left) expect(arrays.get(name)![i]).toBe(before.get(name)![i]);
      }
    }
  });

  it('refuses an array that does not fit or is elsewhere, and writes nothing', () => {
    for (const part of partsOf(cell)) {
      const { inputs, outputs } = partProgram(cell as FormulaCell, part);
      const w = new WasmMemory(100_000);
      const kernels = cellKernels(w);
      const [B, H] = [2, 3];
      const make = (more: string | null, elsewhere: string | null): Map<string, Float32Array> =>
        new Map(
          [...outputs, ...inputs].map(({ name, width, shared }) => {
            const length = (shared ? 1 : B) * width * H + (name === more ? 1 : 0);
            return [name, name === elsewhere ? new Float32Array(length).fill(7) : w.floats(length).fill(7)];
          }),
        );
      for (const { name } of [...outputs, ...inputs]) {
        for (const [arrays, error] of [
          [make(name, null), new RegExp(`^cell ${cell.name}: ${part}: ${name} has \\d+ elements, expected`)],
          [
            make(null, name),
            new RegExp(`^cell ${cell.name}: ${part}: ${name} is not in the memory of this wasm engine$`),
          ],
        ] as const) {
          const step = stepOf(arrays);
          expect(accessor(name)(step)).toBe(arrays.get(name));
          expect(() => kernels[kernelOf[part]](cell, step, B, H)).toThrow(error);
          for (const array of arrays.values()) expect(array.every((v) => v === 7)).toBe(true);
        }
      }
    }
  });
});

it('a cell without a formula runs its own functions on the same memory', () => {
  const own: Cell = {
    ...{ name: 'own', gates: 1, states: ['h'], savedBlocks: 0 },
    forward({ states: [h], xGates }, B, H) {
      for (let i = 0; i < B * H; i++) h[i] = 2 * xGates[i];
    },
    backward: () => {},
  };
  const w = new WasmMemory(1000);
  const [h, xGates] = [w.floats(6), w.floats(6).fill(3)];
  const step = { states: [h], xGates } as unknown as Step;
  cellKernels(w).cellForward(own, step, 2, 3);
  expect([...h]).toEqual([6, 6, 6, 6, 6, 6]);
  h.fill(1);
  // Its calls cannot be recorded: the trace says so and runs nothing.
  expect(w.recorder.trace(() => cellKernels(w).cellForward(own, step, 2, 3))).toBe(null);
  expect([...h]).toEqual([1, 1, 1, 1, 1, 1]);
});
