import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CELL_NAMES,
  directionsOf,
  type ModelSpec,
  outputWidth,
  parameterCount,
  parameterLayout,
  resolveSpec,
  specFromJson,
  specToJson,
  stateWidth,
  suffixOf,
} from '../../src/bptt/spec.ts';
import { formulaCell } from '../../src/layers/cell.ts';
import { ctc } from '../../src/layers/ctcLoss.ts';
import { elman } from '../../src/layers/elman.ts';
import { gru } from '../../src/layers/gru.ts';
import { type Loss, softmaxCrossEntropy, squaredError, squaredErrorOfSigmoid } from '../../src/layers/loss.ts';
import { lstm } from '../../src/layers/lstm.ts';
import { arbitraryModel } from '../property/models.ts';

const smallest: ModelSpec = { cell: 'elman', inputSize: 3, hiddenSize: 2, outputSize: 4, loss: 'softmaxCrossEntropy' };
const shapes = (spec: ModelSpec) =>
  Object.fromEntries(parameterLayout(resolveSpec(spec)).map(({ name, shape }) => [name, shape]));

describe('resolveSpec', () => {
  it('fills in the defaults', () => {
    expect(resolveSpec(smallest)).toEqual({
      ...smallest,
      cell: elman.tanh,
      loss: softmaxCrossEntropy,
      input: 'ids',
      nonlinearity: 'tanh',
      layers: 1,
      bidirectional: false,
      bias: 'both',
      initialState: 'zero',
      dropout: { input: 0, between: 0, output: 0 },
      ...{ embedding: null, inputDense: null, outputDense: null, layerNorm: false, residual: false },
      outputBias: true,
      outputActivation: 'identity',
      lossAt: 'every',
      reduction: 'sum',
    });
  });

  it('keeps what was said, and is its own fixed point', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ spec }) => {
        const full = resolveSpec(spec);
        const { cell: _, loss: __, ...rest } = spec;
        expect(full).toMatchObject(rest);
        expect(resolveSpec(full)).toEqual(full);
      }),
    );
  });

  it.each<[Record<string, unknown>, string]>([
    [{ cell: 'rnn' }, "cell is 'rnn', expected elman, gru, gruResetBefore, lstm, lstmPeephole, minGru or a cell"],
    [{ input: 'words' }, "input is 'words', expected ids, dense"],
    [{ nonlinearity: 'gelu' }, "nonlinearity is 'gelu', expected tanh, sigmoid, relu, identity"],
    [{ bias: true }, 'bias is true, expected both, input, none'],
    [{ initialState: 'random' }, "initialState is 'random', expected zero, learned"],
    [{ outputActivation: 'tanh' }, "outputActivation is 'tanh', expected identity, sigmoid"],
    [{ lossAt: 'first' }, "lossAt is 'first', expected every, last"],
    [{ loss: 'hinge' }, "loss is 'hinge', expected softmaxCrossEntropy, sigmoidCrossEntropy, squaredError or a loss"],
    [{ loss: 'toString' }, "loss is 'toString', expected"],
    [{ cell: 'toString' }, "cell is 'toString', expected"],
    [{ inputSize: 0 }, 'inputSize is 0, expected a whole number ≥ 1'],
    [{ hiddenSize: 1.5 }, 'hiddenSize is 1.5, expected a whole number ≥ 1'],
    [{ hiddenSize: Number.NaN }, 'hiddenSize is NaN, expected a whole number ≥ 1'],
    [{ outputSize: -1 }, 'outputSize is -1, expected a whole number ≥ 0'],
    [{ outputSize: '5' }, "outputSize is '5', expected a whole number ≥ 0"],
    [{ dropout: '0' }, "dropout is '0', expected 0 ≤ dropout < 1"],
    [{ layers: 0 }, 'layers is 0, expected a whole number ≥ 1'],
    [{ layers: undefined }, 'layers is undefined, expected a whole number ≥ 1'],
    [{ dropout: 1 }, 'dropout is 1, expected 0 ≤ dropout < 1'],
    [{ dropout: -0.1 }, 'dropout is -0.1, expected 0 ≤ dropout < 1'],
    [{ reduction: Number.NaN }, "reduction is NaN, expected 'sum', 'mean' or a finite number"],
    [{ reduction: 'max' }, "reduction is 'max', expected 'sum', 'mean' or a finite number"],
    [{ outputActivation: 'sigmoid' }, 'outputActivation sigmoid goes with loss squaredError, got softmaxCrossEntropy'],
    [{ cell: 'gru', nonlinearity: 'relu' }, 'nonlinearity relu goes with cell elman, got gru'],
    [
      { loss: { ...squaredError, name: 'pairs', leastOutputs: 2 }, outputSize: 1 },
      'loss pairs needs at least 2 outputs, got 1',
    ],
    [{ hiddenSize: 1e5 }, 'the model would have 10000900004 parameters, expected at most 536870912'],
    [{ hiddenSize: Number.MAX_SAFE_INTEGER }, 'the model would have '],
  ])('refuses %j', (change, message) => {
    const make = () => resolveSpec({ ...smallest, ...change } as ModelSpec);
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message.startsWith('the model') ? `spec: ${message}` : `spec.${message}`);
  });

  it.each([
    [{ bidirectional: 'no' }, "spec.bidirectional is 'no', expected true or false"],
    [{ outputBias: 'no' }, "spec.outputBias is 'no', expected true or false"],
    [{ loss: ctc }, 'spec.loss is a function ctc; call it: ctc()'],
    [{ loss: () => squaredError }, 'spec.loss is a function loss; call it: loss()'],
    [{ cell: () => gru }, 'spec.cell is a function cell, expected elman'],
    [{ loss: null }, 'spec.loss is null, expected softmaxCrossEntropy'],
  ])('refuses the kind of %j', (change, message) => {
    expect(() => resolveSpec({ ...smallest, ...change } as never)).toThrow(message);
  });

  it('counts an absurd number of layers without listing it', () => {
    const start = performance.now();
    expect(() => resolveSpec({ ...smallest, layers: 1e9 })).toThrow('parameters, expected at most 536870912');
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('a cell or loss of one’s own', () => {
  const mine = formulaCell({ ...gru, name: 'mine', formula: gru.formula! });
  const hinge: Loss = { ...squaredError, name: 'hinge' };

  it('stays the object that it is', () => {
    const full = resolveSpec({ ...smallest, cell: mine, loss: hinge });
    expect([full.cell, full.loss]).toEqual([mine, hinge]);
    expect(full.cell).toBe(mine);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no name', { name: '' }, "spec.cell: name is '', expected a name"],
    ['no gates', { gates: 0 }, 'spec.cell mine: gates is 0, expected a whole number from 1 to 1024'],
    [
      'a name too few',
      { savedBlocks: 2, savedNames: ['r'] },
      'spec.cell mine: savedNames is ["r"], expected savedBlocks = 2 different names',
    ],
    ['half a saved block', { savedBlocks: 1.5 }, 'spec.cell mine: savedBlocks is 1.5, expected a whole number ≥ 0'],
    ['inner gates alone', { innerGates: 3 }, 'spec.cell mine: innerGates is 3, expected less than gates 3'],
    [
      'inner gates without a product',
      { innerGates: 1, recurrentProduct: false },
      'spec.cell mine: innerGates is 1, but recurrentProduct is false',
    ],
    ['another first state', { states: ['c', 'h'] }, `spec.cell mine: states is ["c","h"], expected 'h' first`],
    ['a state twice', { states: ['h', 'c', 'c'] }, "spec.cell mine: states has 'c' twice"],
    ['a state that is no name', { states: ['h', 'my state'] }, "spec.cell mine: 'my state' is no name of a state or"],
    ['a name of every object', { states: ['h', 'constructor'] }, "spec.cell mine: 'constructor' is no name of a state"],
    ['a parameter named as a state’s', { extra: { h0: { blocks: 1 } } }, 'spec.cell mine: the name h0 is taken'],
    [
      'a parameter of the library',
      { extra: { weight_hh: { blocks: 1 } } },
      'spec.cell mine: the name weight_hh is taken',
    ],
    [
      'an empty parameter',
      { extra: { gain: { blocks: 0 } } },
      'spec.cell mine: extra.gain.blocks is 0, expected a whole',
    ],
    [
      'too many biases',
      { initialBias: [1, 2, 3, 4] },
      'spec.cell mine: initialBias has 4 numbers, expected at most gates 3',
    ],
    ['no backward', { backward: undefined }, 'spec.cell mine: backward is undefined, expected a function'],
    [
      'no inner backward',
      { innerGates: 1, innerForward: () => {} },
      'spec.cell mine: innerBackward is undefined, expected a function',
    ],
  ])('is refused with %s', (_, change, message) => {
    expect(() => resolveSpec({ ...smallest, cell: { ...mine, ...change } as never })).toThrow(message);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no name', { name: undefined }, 'spec.loss: name is undefined, expected a name'],
    ['other targets', { targets: 'words' }, "spec.loss hinge: targets is 'words', expected classes, values, labels"],
    ['another grain', { per: 'batch' }, "spec.loss hinge: per is 'batch', expected row, sequence"],
    ['labels for each row', { targets: 'labels' }, 'spec.loss hinge: targets labels go with per sequence'],
    ['no outputs', { outputs: null }, 'spec.loss hinge: outputs is null, expected a function'],
  ])('a loss is refused with %s', (_, change, message) => {
    expect(() => resolveSpec({ ...smallest, loss: { ...hinge, ...change } as never })).toThrow(message);
  });

  it('a loss of whole sequences is not taken at the last step', () => {
    const own: Loss = { ...hinge, per: 'sequence' };
    expect(() => resolveSpec({ ...smallest, loss: own, lossAt: 'last' })).toThrow(
      RangeError('spec.lossAt is last, but loss hinge reads every step'),
    );
  });

  it('goes through JSON by its name', () => {
    const through = (spec: ModelSpec, known = {}) => specFromJson(JSON.parse(JSON.stringify(specToJson(spec))), known);
    for (const cell of CELL_NAMES) expect(resolveSpec(through({ ...smallest, cell })).cell.name).toBe(cell);
    const own = { ...smallest, cell: mine, loss: hinge };
    const known = { cells: { mine }, losses: { hinge } };
    expect(resolveSpec(through(own, known))).toEqual(resolveSpec(own));
    expect(() => through(own, { losses: { hinge } })).toThrow(
      RangeError(
        "spec.cell is 'mine', expected elman, gru, gruResetBefore, lstm, lstmPeephole, minGru: hand a cell of your own in `cells`",
      ),
    );
    expect(() => through(own, { cells: { mine } })).toThrow("spec.loss is 'hinge', expected softmaxCrossEntropy");
    expect(() => through(own, { cells: { other: mine }, losses: { hinge } })).toThrow(
      RangeError("specFromJson: cells.other is the cell 'mine', expected a cell of that name"),
    );
    expect(() => through(own, { cells: { mine }, losses: { other: hinge } })).toThrow(
      RangeError("specFromJson: losses.other is the loss 'hinge', expected a loss of that name"),
    );
    expect(() => through(own, { cells: { mine: 'lstm' } })).toThrow(
      "cells.mine is 'lstm', expected a cell of that name",
    );
    expect(() => specFromJson({ ...specToJson(smallest), layers: 0 })).toThrow('spec.layers is 0');
  });

  it('of the library, handed in as an object, comes back the same from JSON', () => {
    for (const cell of [...Object.values(elman), lstm]) {
      const back = resolveSpec(specFromJson(specToJson({ ...smallest, cell })));
      expect(back.cell).toBe(cell);
    }
    const back = resolveSpec(specFromJson(specToJson({ ...smallest, loss: squaredErrorOfSigmoid })));
    expect([back.loss, back.outputActivation]).toEqual([squaredErrorOfSigmoid, 'sigmoid']);
    expect(back.loss).toBe(squaredErrorOfSigmoid);
  });

  it('is not saved under the name of a bundled one, which it would come back as', () => {
    expect(() => specToJson({ ...smallest, cell: { ...mine, name: 'gru' } })).toThrow(
      RangeError("specToJson: a cell of one's own has the name of the bundled gru"),
    );
    expect(() => specToJson({ ...smallest, loss: { ...hinge, name: 'squaredError' } })).toThrow(
      RangeError("specToJson: a loss of one's own has the name of the bundled squaredError"),
    );
  });
});

describe('parameterLayout', () => {
  it.each([
    ['elman', 1],
    ['gru', 3],
    ['lstm', 4],
  ] as const)('has the names and shapes of PyTorch: %s', (cell, G) => {
    const [D, H] = [3, 2];
    expect(shapes({ ...smallest, cell, layers: 2, bidirectional: true, outputSize: 0 })).toEqual({
      weight_ih_l0: [G * H, D],
      weight_hh_l0: [G * H, H],
      bias_ih_l0: [G * H],
      bias_hh_l0: [G * H],
      weight_ih_l0_reverse: [G * H, D],
      weight_hh_l0_reverse: [G * H, H],
      bias_ih_l0_reverse: [G * H],
      bias_hh_l0_reverse: [G * H],
      weight_ih_l1: [G * H, 2 * H],
      weight_hh_l1: [G * H, H],
      bias_ih_l1: [G * H],
      bias_hh_l1: [G * H],
      weight_ih_l1_reverse: [G * H, 2 * H],
      weight_hh_l1_reverse: [G * H, H],
      bias_ih_l1_reverse: [G * H],
      bias_hh_l1_reverse: [G * H],
    });
  });

  it('adds what PyTorch lacks: peepholes, learned states, the output layer', () => {
    const spec = { ...smallest, cell: 'lstmPeephole', bias: 'input', initialState: 'learned' } as const;
    expect(shapes(spec)).toEqual({
      weight_ih_l0: [8, 3],
      weight_hh_l0: [8, 2],
      bias_ih_l0: [8],
      weight_peephole_l0: [6],
      h0_l0: [2],
      c0_l0: [2],
      weight_ho: [4, 2],
      bias_ho: [4],
    });
    expect(Object.keys(shapes({ ...smallest, bias: 'none', outputBias: false, initialState: 'learned' }))).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'h0_l0',
      'weight_ho',
    ]);
    expect(shapes({ ...smallest, bidirectional: true }).weight_ho).toEqual([4, 4]);
  });

  it('stand one after another without a gap, and are counted right', () => {
    fc.assert(
      fc.property(arbitraryModel(), ({ spec }) => {
        const full = resolveSpec(spec);
        let offset = 0;
        for (const place of parameterLayout(full)) {
          expect(place.offset).toBe(offset);
          expect(place.length).toBe(place.shape.reduce((a, b) => a * b, 1));
          offset += place.length;
        }
        expect(parameterCount(full)).toBe(offset);
        expect(new Set(parameterLayout(full).map(({ name }) => name)).size).toBe(parameterLayout(full).length);
      }),
    );
  });
});

it('small facts about a spec', () => {
  const both = resolveSpec({ ...smallest, bidirectional: true, outputSize: 0 });
  expect([directionsOf(both), stateWidth(both), outputWidth(both)]).toEqual([2, 4, 4]);
  const one = resolveSpec(smallest);
  expect([directionsOf(one), stateWidth(one), outputWidth(one)]).toEqual([1, 2, 4]);
  expect(CELL_NAMES).toEqual(['elman', 'gru', 'gruResetBefore', 'lstm', 'lstmPeephole', 'minGru']);
  expect(CELL_NAMES.map((cell) => resolveSpec({ ...smallest, cell }).cell.states.join())).toEqual([
    ...['h', 'h', 'h', 'h,c', 'h,c', 'h'],
  ]);
  expect([suffixOf(0, false), suffixOf(2, true)]).toEqual(['_l0', '_l2_reverse']);
});

it('the goldens that parity reads have the names and shapes that a spec gives', () => {
  // nb004b: the one golden of a whole model that is kept with the tests.
  const { cases } = JSON.parse(readFileSync(new URL('../goldens/nb004b_min_char_rnn.json', import.meta.url), 'utf8'));
  let compared = 0;
  for (const { H, V, params } of cases) {
    const spec = { ...smallest, inputSize: V, hiddenSize: H, outputSize: V, bias: 'input' } as const;
    const of = { weight_ih_l0: 'Wxh', weight_hh_l0: 'Whh', bias_ih_l0: 'bh', weight_ho: 'Why', bias_ho: 'by' };
    for (const [name, notebook] of Object.entries(of)) {
      expect(shapes(spec)[name].reduce((a, b) => a * b, 1)).toBe(params[notebook].flat().length);
      compared++;
    }
  }
  expect(compared).toBe(10);
});
