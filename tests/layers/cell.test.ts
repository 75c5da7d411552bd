import { describe, expect, it } from 'vitest';
import type { Algebra } from '../../src/algebra/algebra.ts';
import { numberAlgebra } from '../../src/algebra/numbers.ts';
import { assertCell } from '../../src/layers/assertCell.ts';
import {
  accessor,
  type Cell,
  type CellFormula,
  cellSizes,
  formulaCell,
  partProgram,
  sigmoidSlope,
  tanhSlope,
  type UnitBackward,
  type UnitForward,
} from '../../src/layers/cell.ts';
import { elman } from '../../src/layers/elman.ts';
import { gru } from '../../src/layers/gru.ts';
import { gruResetBefore } from '../../src/layers/gruResetBefore.ts';
import { lstm, lstmPeephole } from '../../src/layers/lstm.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { drawStep, expectNear } from './support.ts';

type WithFormula = Cell & { readonly formula: CellFormula };
const own = (cell: Cell) => cell as WithFormula;

describe('cellSizes', () => {
  it('of the bundled cells', () => {
    expect(cellSizes(elman.tanh)).toEqual({ hidden: 1, inner: 0, extra: 0, direct: false, separate: false });
    expect(cellSizes(gru)).toEqual({ hidden: 3, inner: 0, extra: 0, direct: true, separate: true });
    expect(cellSizes(gruResetBefore)).toEqual({ hidden: 2, inner: 1, extra: 0, direct: true, separate: true });
    expect(cellSizes(lstmPeephole)).toEqual({ hidden: 4, inner: 0, extra: 3, direct: false, separate: false });
  });

  it('without a product the state always gets past it, and no gradient is separate', () => {
    const sizes = cellSizes({ ...gru, recurrentProduct: false });
    expect(sizes).toEqual({ hidden: 0, inner: 0, extra: 0, direct: true, separate: false });
  });
});

describe('partProgram', () => {
  it('lists the arrays that a formula uses, and no others', () => {
    const names = (cell: Cell, part: Parameters<typeof partProgram>[1]) =>
      partProgram(own(cell), part).inputs.map(({ name }) => name);
    expect(names(elman.tanh, 'forward')).toEqual(['xGates', 'hGates']);
    expect(names(elman.tanh, 'backward')).toEqual(['dstates0', 'states0']);
    expect(names(elman.identity, 'backward')).toEqual(['dstates0']);
    expect(names(lstm, 'forward')).toEqual(['xGates', 'hGates', 'previous1']);
    expect(names(lstmPeephole, 'backward')).toEqual([
      'dstates0',
      'dstates1',
      'saved',
      'states1',
      'previous1',
      'extra0',
    ]);
    expect(names(gruResetBefore, 'innerForward')).toEqual(['xGates', 'innerGates', 'previous0', 'saved']);
    expect(names(gruResetBefore, 'innerBackward')).toEqual(['dstates0', 'saved']);
  });

  it('places outputs: which part of a cell with inner gates saves what', () => {
    const outputs = (cell: Cell, part: Parameters<typeof partProgram>[1]) =>
      partProgram(own(cell), part).outputs.map(({ name, first, blocks, width }) => [name, first, blocks, width]);
    expect(outputs(gruResetBefore, 'forward')).toEqual([
      ['operand', 0, 1, 1],
      ['saved', 0, 2, 3],
    ]);
    expect(outputs(gruResetBefore, 'innerForward')).toEqual([
      ['states0', 0, 1, 1],
      ['saved', 2, 1, 3],
    ]);
    expect(outputs(gruResetBefore, 'backward')).toEqual([
      ['dxGates', 0, 3, 3],
      ['dhGates', 0, 2, 2],
      ['dprevious0', 0, 1, 1],
    ]);
    expect(outputs(lstmPeephole, 'backward')).toEqual([
      ['dxGates', 0, 4, 4],
      ['dprevious1', 0, 1, 1],
      ['dextra0', 0, 3, 3],
    ]);
  });

  it('asks only for what is used', () => {
    const asked: string[] = [];
    partProgram(own(gruResetBefore), 'forward').run(numberAlgebra, (name, block) => {
      asked.push(`${name} ${block}`);
      return 0.5;
    });
    expect(asked.toSorted()).toEqual(['hGates 0', 'hGates 1', 'previous0 0', 'xGates 0', 'xGates 1']);
  });

  it("gives the operand's gradient, 0 too, and null where a cell has no operand", () => {
    for (const [cell, want] of [
      [gruResetBefore, 0],
      [gru, null],
    ] as const) {
      let seen: unknown;
      const backward: CellFormula['backward'] = (m, unit) => {
        seen = unit.doperand;
        return cell.formula!.backward(m, unit);
      };
      const { formula } = own(cell);
      partProgram({ ...own(cell), formula: { ...formula, backward } }, 'backward').run(numberAlgebra, () => 0);
      expect(seen).toBe(want);
    }
  });
});

describe('a formula that gives another number of values than the description says', () => {
  type Change = Partial<CellFormula> | ((formula: CellFormula) => Partial<CellFormula>);
  const refused = (cell: Cell, change: Change, message: string) => {
    const formula = cell.formula!;
    const changed = { ...formula, ...(typeof change === 'function' ? change(formula) : change) };
    expect(() => formulaCell({ ...cell, formula: changed })).toThrow(RangeError(message));
  };
  const one = <V>(m: Algebra<V>): V => m.constant(1);

  it('forward', () => {
    refused(
      lstm,
      { forward: (m) => ({ states: [one(m)], saved: [] }) },
      'cell lstm: forward gives 1 states, expected 2',
    );
    refused(
      lstm,
      (f) => ({ forward: (m, unit) => ({ ...f.forward(m, unit), saved: [one(m)] }) }),
      'cell lstm: forward gives 1 saved blocks, expected 5',
    );
    refused(
      gruResetBefore,
      { forward: (m) => ({ saved: [one(m), one(m)] }) },
      'cell gruResetBefore: forward gives no operand, inner gates need one',
    );
    refused(
      gruResetBefore,
      { innerForward: (m) => ({ states: [one(m)] }) },
      'cell gruResetBefore: innerForward gives 0 saved blocks, expected 1',
    );
  });

  it('backward', () => {
    const with_ =
      (given: object): Change =>
      (f) => ({ backward: (m, unit) => ({ ...f.backward(m, unit), ...given }) });
    refused(gru, with_({ dx: [] }), 'cell gru: backward gives 0 gradients of xGates, expected 3');
    refused(gru, with_({ dh: undefined }), 'cell gru: backward gives 0 gradients of hGates, expected 3');
    refused(
      elman.tanh,
      with_({ dh: [1] }),
      'cell elman: backward gives 1 gradients of hGates, expected 0: a gradient of hGates apart from that of xGates needs separateHiddenGradient: true',
    );
    refused(gru, with_({ dprevious: [] }), 'cell gru: backward gives 0 gradients of previous states, expected 1');
    refused(gru, with_({ dprevious: [null] }), 'cell gru: backward gives no gradient of the previous h');
    refused(lstm, with_({ dprevious: [null, null] }), 'cell lstm: backward gives no gradient of the previous c');
    refused(
      lstmPeephole,
      with_({ dextra: [] }),
      'cell lstmPeephole: backward gives 0 gradients of extra parameters, expected 3',
    );
    refused(
      gruResetBefore,
      { innerBackward: () => ({ dinner: [] }) },
      'cell gruResetBefore: innerBackward gives 0 gradients of inner gates, expected 1',
    );
  });
});

describe('formulaCell', () => {
  it('its loops take any size in turn', () => {
    for (const [B, H] of [
      [2, 3],
      [1, 5],
      [2, 3],
    ]) {
      const { forward } = drawStep(gru, 'float64', 6, B, H);
      gru.forward(forward, B, H);
      const alone = drawStep(formulaCell(own(gru)), 'float64', 6, B, H);
      formulaCell(own(gru)).forward(alone.forward, B, H);
      expect(forward.states[0]).toStrictEqual(alone.forward.states[0]);
      expect(forward.states[0].every(Number.isFinite)).toBe(true);
    }
  });

  it.each([elman.tanh, gru, gruResetBefore, lstm, lstmPeephole])(
    '$name: its loops write what the plain loops write, every sequence of every chunk',
    (cell) => {
      const parts = (one: Cell) => {
        // 3 sequences of a chunk of 256 units, and one more chunk.
        const [B, H] = [4, 85];
        const { forward, backward } = drawStep(one, 'float64', 7, B, H);
        one.forward(forward, B, H);
        one.innerForward?.(forward, B, H);
        one.innerBackward?.(backward, B, H);
        one.backward(backward, B, H);
        return { forward, backward };
      };
      const [plain, made] = [parts(cell), parts(formulaCell(own(cell)))];
      for (const [name, values] of [...Object.entries(plain.forward), ...Object.entries(plain.backward)]) {
        const other = (name in made.forward ? made.forward : made.backward)[name as never] as FloatArray | FloatArray[];
        const pairs = Array.isArray(values) ? values.map((v, i) => [v, (other as FloatArray[])[i]]) : [[values, other]];
        for (const [want, got] of pairs) {
          // What a cell does not write (the gradient past the product of a cell that has none) stays NaN.
          const untouched = want.every(Number.isNaN);
          if (untouched) expect(got.every(Number.isNaN)).toBe(true);
          else expectNear(got, want, 16);
        }
      }
    },
  );

  it('has inner parts only where there are inner gates', () => {
    expect(formulaCell(own(gru)).innerForward).toBeUndefined();
    expect(formulaCell(own(gruResetBefore)).innerBackward).toBeTypeOf('function');
  });

  it('accessor finds an array by its name', () => {
    const { forward, backward } = drawStep(lstmPeephole, 'float64', 1, 1, 2);
    expect(accessor('states1')(forward)).toBe(forward.states[1]);
    expect(accessor('xGates')(forward)).toBe(forward.xGates);
    expect(accessor('dextra0')(backward)).toBe(backward.dextra[0]);
  });

  it('slopes', () => {
    expect(sigmoidSlope(numberAlgebra, 2, 0.25)).toBe(2 * 0.25 * 0.75);
    expect(tanhSlope(numberAlgebra, 2, 0.5)).toBe(1.5);
  });
});

describe('assertCell', () => {
  const wrong: [Partial<Record<keyof Cell, unknown>>, string][] = [
    [{ name: '' }, "cell: name is '', expected a name"],
    [{ gates: 0 }, 'cell gru: gates is 0, expected a whole number from 1 to 1024'],
    [{ savedBlocks: -1 }, 'cell gru: savedBlocks is -1, expected a whole number ≥ 0'],
    [{ innerGates: 1.5 }, 'cell gru: innerGates is 1.5, expected a whole number ≥ 0'],
    [{ innerGates: 3 }, 'cell gru: innerGates is 3, expected less than gates 3'],
    [{ innerGates: 1, recurrentProduct: false }, 'cell gru: innerGates is 1, but recurrentProduct is false'],
    [{ innerGates: 1 }, 'cell gru: innerForward is undefined, expected a function'],
    [{ states: ['c'] }, `cell gru: states is ["c"], expected 'h' first`],
    [{ states: ['h', 'h'] }, "cell gru: states has 'h' twice"],
    [{ states: ['h', 'c d'] }, "cell gru: 'c d' is no name of a state or parameter"],
    [{ extra: { bias_ih: { blocks: 1 } } }, 'cell gru: the name bias_ih is taken'],
    [{ extra: { h0: { blocks: 1 } } }, 'cell gru: the name h0 is taken'],
    [{ extra: { gain: { blocks: 0 } } }, 'cell gru: extra.gain.blocks is 0, expected a whole number ≥ 1'],
    [{ extra: { toString: { blocks: 1 } } }, "cell gru: 'toString' is no name of a state or parameter"],
    [{ initialBias: [0, 0, 0, 1] }, 'cell gru: initialBias has 4 numbers, expected at most gates 3'],
    [{ states: undefined }, `cell gru: states is undefined, expected 'h' first`],
    [{ savedBlocks: undefined }, 'cell gru: savedBlocks is undefined, expected a whole number ≥ 0'],
    [{ saveBlocks: 1 } as object, 'cell gru: unknown option saveBlocks, did you mean savedBlocks?'],
    [{ extra: { gain: null } }, 'cell gru: extra.gain.blocks is undefined, expected a whole number ≥ 1'],
    [{ initialBias: 1 }, 'cell gru: initialBias is 1, expected at most gates 3'],
    [{ directHiddenGradient: 'no' }, "cell gru: directHiddenGradient is 'no', expected true or false"],
    [{ forward: undefined }, 'cell gru: forward is undefined, expected a function'],
  ];

  it.each(wrong)('%o', (change, message) => {
    expect(() => assertCell({ ...gru, ...change } as Cell)).toThrow(message);
    expect(() => assertCell(gru)).not.toThrow();
  });

  it.each([
    ['lstm', "cell is 'lstm', expected a cell"],
    [undefined, 'cell is undefined, expected a cell'],
  ])('%s', (cell, message) => {
    expect(() => assertCell(cell as never)).toThrow(TypeError(message));
  });
});

describe('formulaCell refuses what is wrong with a formula', () => {
  const plain = {
    name: 'mine',
    gates: 1,
    states: ['h'],
    savedBlocks: 0,
    formula: {
      forward: (m, { x: [x], h: [h] }) => ({ states: [m.tanh(m.add(x, h))] }),
      backward: (m, { dstates: [d], states: [h] }) => ({ dx: [tanhSlope(m, d, h)] }),
    },
  } satisfies Parameters<typeof formulaCell>[0];
  type Formula = Record<string, (m: Algebra<number>, unit: UnitForward<number> & UnitBackward<number>) => unknown>;
  const withFormula = (formula: Formula, change: object = {}) =>
    formulaCell({ ...plain, ...change, formula: { ...plain.formula, ...formula } } as never);

  it('a right one passes', () => {
    expect(withFormula({}).forward).toBeTypeOf('function');
  });

  const undefinedValue =
    'cell mine: forward uses a value that is undefined: it reads a gate, state or block that the cell does not have';
  const operators = 'cell mine: forward compares or adds values with JavaScript: use m.whereGreater, m.add, …';
  const wrong: [string, () => unknown, string][] = [
    ['states missing', () => withFormula({}, { states: undefined }), 'cell mine: states is undefined, expected'],
    ['no gates', () => withFormula({}, { gates: 0 }), 'cell mine: gates is 0, expected a whole number from 1 to 1024'],
    ['gates missing', () => withFormula({}, { gates: undefined }), 'cell mine: gates is undefined, expected'],
    [
      'savedBlocks missing',
      () => withFormula({}, { savedBlocks: undefined }),
      'cell mine: savedBlocks is undefined, expected',
    ],
    [
      'formula missing',
      () => formulaCell({ ...plain, formula: undefined } as never),
      'cell mine: formula is undefined, expected { forward, backward }',
    ],
    [
      'without backward',
      () => withFormula({ backward: undefined as never }),
      'cell mine: formula: backward is undefined, expected a function',
    ],
    [
      'inner gates without their part',
      () => withFormula({}, { gates: 2, innerGates: 1 }),
      'cell mine: formula: innerForward is undefined, expected a function',
    ],
    [
      'returns nothing',
      () => withFormula({ forward: () => undefined }),
      'cell mine: forward returns undefined, expected an object of its results',
    ],
    [
      'no list',
      () => withFormula({ backward: (_, { dstates }) => ({ dx: dstates[0] }) }),
      'cell mine: backward gives { used } for gradients of xGates, expected a list of 1',
    ],
    ['a gate too many', () => withFormula({ forward: (m, { x }) => ({ states: [m.tanh(x[1])] }) }), undefinedValue],
    ['returns an undefined value', () => withFormula({ forward: (_, { x }) => ({ states: [x[1]] }) }), undefinedValue],
    [
      'a number as a value',
      () => withFormula({ forward: (m, { x }) => ({ states: [m.mul(2, x[0])] }) }),
      'cell mine: forward uses the number 2 as a value: write m.constant(2)',
    ],
    [
      'another thing as a value',
      () => withFormula({ forward: (m, { x }) => ({ states: [m.neg(x as never)] }) }),
      'cell mine: forward uses a list as a value, expected a result of m or an input',
    ],
    ['adds', () => withFormula({ forward: (_, { x, h }) => ({ states: [x[0] + h[0]] }) }), operators],
    ['compares', () => withFormula({ forward: (_, { x, h }) => ({ states: [x[0] > h[0] ? x[0] : h[0]] }) }), operators],
    [
      'a constant that is none',
      () => withFormula({ forward: (m, { x }) => ({ states: [m.constant(x[0])] }) }),
      'cell mine: forward: m.constant of a value, expected a number',
    ],
    [
      'a direct gradient without the flag',
      () => withFormula({ backward: (_, { dstates }) => ({ dx: dstates, dprevious: dstates }) }),
      'cell mine: backward gives a gradient of the previous h past the product, which needs directHiddenGradient: true',
    ],
    [
      'a hidden gradient without the flag',
      () => withFormula({ backward: (_, { dstates }) => ({ dx: dstates, dh: dstates }) }),
      'cell mine: backward gives 1 gradients of hGates, expected 0: a gradient of hGates apart from that of xGates needs separateHiddenGradient: true',
    ],
  ];

  it.each(wrong)('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
