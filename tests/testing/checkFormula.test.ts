import { describe, expect, it } from 'vitest';
import { bundledCells } from '../../proofs/gradcheckLayers.ts';
import type { Algebra } from '../../src/algebra/algebra.ts';
import { type Cell, type CellFormula, formulaCell } from '../../src/layers/cell.ts';
import { gru } from '../../src/layers/gru.ts';
import { gruResetBefore } from '../../src/layers/gruResetBefore.ts';
import { lstmPeephole } from '../../src/layers/lstm.ts';
import {
  assertExact,
  checkFormula,
  compareExactly,
  EXACT_TOLERANCE,
  formulaOfCell,
} from '../../src/testing/checkFormula.ts';

describe('checkFormula', () => {
  it.each(bundledCells)('%s: backward is the derivative of forward to rounding', (_, cell) => {
    const report = checkFormula(cell, { units: 2000, seed: 1 });
    expect(report.units).toBe(2000);
    expect(report.worst).toBeLessThan(EXACT_TOLERANCE);
  });

  /** A cell whose backward is wrong in one place by a part in 10⁹, which central differences would let pass. */
  const off = (cell: Cell, change: Partial<CellFormula>): Cell =>
    formulaCell({ ...cell, formula: { ...cell.formula!, ...change } });
  const slightly = 1 + 1e-9;

  it('finds what central differences cannot see, and names it', () => {
    const formula = lstmPeephole.formula!;
    const wrong: [RegExp, Partial<CellFormula>][] = [
      [
        /^cell lstmPeephole: backward is not the derivative of forward: the gradient of xGates\[1\] is \S+, by dual numbers \S+$/,
        {
          backward(m, unit) {
            const given = formula.backward(m, unit);
            return { ...given, dx: given.dx.map((d, k) => (k === 1 ? m.mul(d, m.constant(slightly)) : d)) };
          },
        },
      ],
      [
        /the gradient of previous c/,
        {
          backward(m, unit) {
            const given = formula.backward(m, unit);
            return { ...given, dprevious: [null, m.mul(given.dprevious![1]!, m.constant(slightly))] };
          },
        },
      ],
      [
        /the gradient of weight_peephole\[2\]/,
        {
          backward(m, unit) {
            const given = formula.backward(m, unit);
            return { ...given, dextra: given.dextra!.map((d, k) => (k === 2 ? m.neg(d) : d)) };
          },
        },
      ],
    ];
    for (const [message, change] of wrong) expect(() => checkFormula(off(lstmPeephole, change))).toThrow(message);
  });

  it('sees both parts of a cell with inner gates, and a hidden gradient of its own', () => {
    const inner = gruResetBefore.formula!;
    const wrongInner = off(gruResetBefore, {
      innerBackward: (m, unit) => ({
        dinner: inner.innerBackward!(m, unit).dinner.map((d) => m.mul(d, m.constant(slightly))),
      }),
    });
    expect(() => checkFormula(wrongInner)).toThrow(/cell gruResetBefore: .*the gradient of /);
    const wrongHidden = off(gru, {
      backward(m, unit) {
        const given = gru.formula!.backward(m, unit);
        return { ...given, dh: given.dx };
      },
    });
    expect(() => checkFormula(wrongHidden)).toThrow(/cell gru: .*the gradient of hGates\[2\]/);
  });

  it('refuses parts that give another number of values, and a cell without a formula', () => {
    const formula: CellFormula = {
      ...gru.formula!,
      backward: (m, unit) => ({ ...gru.formula!.backward(m, unit), dh: [] }),
    };
    expect(() => checkFormula({ ...gru, formula })).toThrow(
      RangeError('cell gru: backward gives 0 gradients of hGates, expected 3'),
    );
    const { formula: _, ...bare } = gru;
    expect(() => formulaOfCell(bare)).toThrow(TypeError('cell gru has no formula'));
  });

  it('holds loops to the formula', () => {
    const square = {
      ...{ name: 'square', inputs: ['x'], forward: <V>(m: Algebra<V>, [x]: readonly V[]) => [m.mul(x, x)] },
      ...{ backward: ([x]: readonly number[], [d]: readonly number[]) => [2 * x * d] },
    };
    expect(assertExact({ ...square, loops: ([x]) => [x ** 2] }).worst).toBeLessThan(EXACT_TOLERANCE);
    expect(() => assertExact({ ...square, loops: ([x]) => [x ** 2 * (1 + 1e-12)] })).toThrow(
      /^square: output 0 of the loops is \S+, of the formula \S+$/,
    );
  });

  it('a NaN is no agreement, and nothing at all is no error', () => {
    const nan = {
      name: 'nan',
      inputs: ['x'],
      forward: <V>(_: unknown, [x]: readonly V[]) => [x],
      backward: () => [Number.NaN],
    };
    expect(compareExactly(nan).worst).toBeNaN();
    expect(() => assertExact(nan)).toThrow(/nan: .*the gradient of x is NaN, by dual numbers/);
    const zero = { ...nan, forward: <V>(m: { constant(v: number): V }) => [m.constant(1)], backward: () => [0] };
    expect(assertExact(zero)).toEqual({ units: 200, worst: 0, where: '', apart: '' });
  });
});
