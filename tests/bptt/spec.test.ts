import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  directionsOf,
  resolveSpec,
  GATES,
  hasCellState,
  type ModelSpec,
  outputWidth,
  parameterCount,
  parameterLayout,
  stateWidth,
  suffixOf,
} from '../../src/bptt/spec.ts';
import { arbitraryModel } from '../property/models.ts';

const smallest: ModelSpec = { cell: 'elman', inputSize: 3, hiddenSize: 2, outputSize: 4, loss: 'softmaxCrossEntropy' };
const shapes = (spec: ModelSpec) =>
  Object.fromEntries(parameterLayout(resolveSpec(spec)).map(({ name, shape }) => [name, shape]));

describe('resolveSpec', () => {
  it('fills in the defaults', () => {
    expect(resolveSpec(smallest)).toEqual({
      ...smallest,
      input: 'ids',
      nonlinearity: 'tanh',
      layers: 1,
      bidirectional: false,
      bias: 'both',
      initialState: 'zero',
      dropout: 0,
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
        expect(full).toMatchObject(spec);
        expect(resolveSpec(full)).toEqual(full);
      }),
    );
  });

  it.each<[Record<string, unknown>, string]>([
    [{ cell: 'rnn' }, 'cell is rnn, expected elman, gru, gruResetBefore, lstm, lstmPeephole'],
    [{ input: 'words' }, 'input is words, expected ids, dense'],
    [{ nonlinearity: 'gelu' }, 'nonlinearity is gelu, expected tanh, sigmoid, relu, identity'],
    [{ bias: true }, 'bias is true, expected both, input, none'],
    [{ initialState: 'random' }, 'initialState is random, expected zero, learned'],
    [{ outputActivation: 'tanh' }, 'outputActivation is tanh, expected identity, sigmoid'],
    [{ lossAt: 'first' }, 'lossAt is first, expected every, last'],
    [{ loss: 'hinge' }, 'loss is hinge, expected softmaxCrossEntropy, sigmoidCrossEntropy, squaredError, binaryCross'],
    [{ inputSize: 0 }, 'inputSize is 0, expected a whole number ≥ 1'],
    [{ hiddenSize: 1.5 }, 'hiddenSize is 1.5, expected a whole number ≥ 1'],
    [{ hiddenSize: Number.NaN }, 'hiddenSize is NaN, expected a whole number ≥ 1'],
    [{ outputSize: -1 }, 'outputSize is -1, expected a whole number ≥ 0'],
    [{ layers: 0 }, 'layers is 0, expected a whole number ≥ 1'],
    [{ layers: undefined }, 'layers is undefined, expected a whole number ≥ 1'],
    [{ dropout: 1 }, 'dropout is 1, expected 0 ≤ dropout < 1'],
    [{ dropout: -0.1 }, 'dropout is -0.1, expected 0 ≤ dropout < 1'],
    [{ reduction: Number.NaN }, "reduction is NaN, expected 'sum', 'mean' or a finite number"],
    [{ reduction: 'max' }, "reduction is max, expected 'sum', 'mean' or a finite number"],
    [{ outputActivation: 'sigmoid' }, 'outputActivation sigmoid goes with loss squaredError, got softmaxCrossEntropy'],
    [{ cell: 'gru', nonlinearity: 'relu' }, 'nonlinearity relu goes with cell elman, got gru'],
    [
      { loss: 'binaryCrossEntropyOfSoftmax', outputSize: 1 },
      'loss binaryCrossEntropyOfSoftmax needs at least 2 outputs',
    ],
    [{ hiddenSize: 1e5 }, 'the model would have 10000900004 parameters, expected at most 536870912'],
    [{ hiddenSize: Number.MAX_SAFE_INTEGER }, 'the model would have '],
  ])('refuses %j', (change, message) => {
    const make = () => resolveSpec({ ...smallest, ...change } as ModelSpec);
    expect(make).toThrow(RangeError);
    expect(make).toThrow(`resolveSpec: ${message}`);
  });

  it('counts an absurd number of layers without listing it', () => {
    const start = performance.now();
    expect(() => resolveSpec({ ...smallest, layers: 1e9 })).toThrow('parameters, expected at most 536870912');
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('parameterLayout', () => {
  it.each([
    ['torch_rnn.json', 'elman'],
    ['torch_gru.json', 'gru'],
    ['torch_lstm.json', 'lstm'],
  ] as const)('has the names and shapes of PyTorch (%s)', (_, cell) => {
    const [D, H] = [3, 2];
    const G = GATES[cell];
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
  expect(['elman', 'gru', 'gruResetBefore', 'lstm', 'lstmPeephole'].filter((c) => hasCellState(c as 'gru'))).toEqual([
    'lstm',
    'lstmPeephole',
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
