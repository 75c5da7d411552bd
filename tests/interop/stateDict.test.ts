import { describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/bptt/safetensors.ts';
import type { ModelSpec, NamedTensors } from '../../src/bptt/spec.ts';
import { bundledLayout, bundledSpec } from '../../src/interop/bundledSpec.ts';
import {
  FormatError,
  fromStateDict,
  modelConfig,
  readNpz,
  readTorch,
  type StateTensor,
  specOfConfig,
  toStateDict,
  writeNpz,
} from '../../src/interop/index.ts';
import { expectAnswer, expectClose } from './expectAnswer.ts';
import { CELLS, netOf } from './nets.ts';
import { answer, fixture, TORCH_NETS, torchFacts } from './reference.ts';

async function read(file: string): Promise<Record<string, StateTensor>> {
  const bytes = fixture(`torch/${file}`);
  if (file.endsWith('safetensors')) return readSafetensors(bytes).tensors;
  return file.endsWith('npz') ? await readNpz(bytes) : await readTorch(bytes);
}

describe.each(TORCH_NETS)('%s of PyTorch answers here what it answered there', (name) => {
  const facts = torchFacts(name);
  const spec = { nonlinearity: facts.nonlinearity ?? 'tanh' } as const;

  test.each(['.safetensors', '.npz', '.z.npz', '.pt', '.ckpt.pt'])('%s', async (suffix) => {
    const arrays = await read(name + suffix);
    const model = fromStateDict(arrays, { spec });
    expectAnswer(model, facts);
    expect(bundledSpec(model.spec)).toMatchObject({
      cell: facts.kind === 'RNN' ? 'elman' : facts.kind.toLowerCase(),
      layers: facts.layers,
      bidirectional: facts.bidirectional,
      bias: facts.bias ? 'both' : 'none',
      inputSize: facts.D,
      hiddenSize: facts.H,
      outputSize: facts.V,
    });
    // and back: PyTorch's own names, shapes and bits
    const state = toStateDict(model);
    expect(await readNpz(writeNpz(state))).toStrictEqual(await readNpz(fixture(`torch/${name}.npz`)));
    expect(readSafetensors(writeSafetensors(state)).tensors).toStrictEqual(
      (await read(`${name}.safetensors`)) as object,
    );
  });
});

/**
 * What rounding the weights may change in an answer: to first order the sum, over all weights, of what each of them
 * changes when it moves by half a unit in its last place (2⁻¹¹ of it in F16, 2⁻⁸ in BF16), and 5 % more for the rest.
 */
function roundingBound(
  model: { spec: ModelSpec; parameters: NamedTensors },
  half: number,
  ask: (m: typeof model) => number[],
): number[] {
  const base = ask(model);
  const bound = base.map(() => 2e-6);
  for (const [name, values] of Object.entries(model.parameters)) {
    for (let i = 0; i < values.length; i++) {
      const moved = Float64Array.from(values);
      moved[i] += Math.abs(values[i]) * half;
      const there = ask({ ...model, parameters: { ...model.parameters, [name]: moved } });
      for (let k = 0; k < bound.length; k++) bound[k] += 1.05 * Math.abs(there[k] - base[k]);
    }
  }
  return bound;
}

test.each([
  ['gru', 'f16', 2 ** -11],
  ['gru', 'bf16', 2 ** -8],
  ['lstm_bi_nobias', 'f16', 2 ** -11],
  ['lstm_bi_nobias', 'bf16', 2 ** -8],
])('%s in %s answers within the rounding of its weights', async (name, format, half) => {
  const facts = torchFacts(name);
  const whole = fromStateDict(await read(`${name}.safetensors`));
  const halves = fromStateDict(await read(`${name}.${format}.safetensors`));
  for (const [parameter, values] of Object.entries(halves.parameters)) {
    values.forEach((value, i) => {
      const exact = whole.parameters[parameter][i];
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(half * Math.abs(exact) + 2 ** -25);
    });
  }
  const ask = (model: { spec: ModelSpec; parameters: NamedTensors }) => answer(model, facts).y;
  const bound = roundingBound(whole, half, ask);
  ask(halves).forEach((value, i) => void expect(Math.abs(value - facts.y[i])).toBeLessThanOrEqual(bound[i]));
  const written = writeSafetensors(toStateDict(whole), { dtype: format.toUpperCase() as 'F16' | 'BF16' });
  expect(fromStateDict(readSafetensors(written).tensors).parameters).toStrictEqual(halves.parameters);
});

/** A state_dict of some sizes. */
const tensor = (...shape: number[]): StateTensor => {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, values: Float32Array.from({ length }, (_, i) => Math.sin(i + shape.length)) };
};
const lstm = (prefix: string, D = 3, H = 2): Record<string, StateTensor> => ({
  [`${prefix}weight_ih_l0`]: tensor(4 * H, D),
  [`${prefix}weight_hh_l0`]: tensor(4 * H, H),
  [`${prefix}bias_ih_l0`]: tensor(4 * H),
  [`${prefix}bias_hh_l0`]: tensor(4 * H),
});

describe('names', () => {
  test.each(['', 'lstm.', 'module.encoder.rnn.', '_orig_mod.rnn.'])('the prefix %j', (prefix) => {
    const model = fromStateDict({ ...lstm(prefix), 'decoder.weight': tensor(5, 2), 'decoder.bias': tensor(5) });
    expect(model.spec).toMatchObject({ cell: 'lstm', outputSize: 5, outputBias: true });
    expect(model.recognised.join('\n')).toContain('decoder.weight: output layer of 5');
  });

  test('an LSTMCell, without layers in its names', () => {
    const cell = Object.fromEntries(
      Object.entries(lstm('cell.')).map(([name, value]) => [name.replace('_l0', ''), value]),
    );
    expect(fromStateDict(cell).spec).toMatchObject({ cell: 'lstm', outputSize: 0 });
  });

  test('the library’s own names, every cell', () => {
    for (const cell of CELLS) {
      const net = netOf({
        cell,
        inputSize: 3,
        hiddenSize: 4,
        outputSize: 2,
        input: 'dense',
        loss: 'squaredError',
        layers: 2,
        bidirectional: true,
        initialState: 'learned',
      });
      const full = bundledSpec(net.spec);
      const own: Record<string, StateTensor> = {};
      for (const { name, shape } of bundledLayout(full)) own[name] = { shape, values: net.parameters[name] };
      const model = fromStateDict(own, { spec: { cell } });
      expect(bundledSpec(model.spec)).toEqual(full);
      expect(model.parameters).toStrictEqual(net.parameters);
    }
  });

  test('an embedding before the layers is folded into them', () => {
    const table = tensor(6, 3);
    const plain = fromStateDict({ ...lstm('rnn.'), 'fc.weight': tensor(6, 2) });
    const model = fromStateDict({ 'emb.weight': table, ...lstm('rnn.'), 'fc.weight': tensor(6, 2) });
    expect(model.spec).toMatchObject({ input: 'ids', inputSize: 6, outputBias: false });
    const ids = [0, 5, 2, 3];
    const vectors = ids.flatMap((id) => Array.from(table.values.subarray(3 * id, 3 * id + 3)));
    // a product of three numbers below 1, rounded once to float32
    expectClose(answer(model, { T: 2, B: 2, x: ids }).y, answer(plain, { T: 2, B: 2, x: vectors }).y, 1e-6);
  });

  test('an embedding and an output layer of one shape are told apart by their places, or by name', () => {
    const same = { 'encoder.weight': tensor(6, 2), ...lstm('rnn.', 2), 'decoder.weight': tensor(6, 2) };
    expect(fromStateDict(same).recognised.join()).toContain('encoder.weight: an embedding');
    const turned = fromStateDict(same, { embedding: 'decoder.', output: 'encoder.' });
    expect(turned.recognised.join()).toContain('decoder.weight: an embedding');
    expect(turned.recognised.join()).toContain('encoder.weight: output layer');
  });

  test('two nets in one file, and names to leave out', () => {
    const two = { ...lstm('encoder.'), ...lstm('decoder.') };
    expect(() => fromStateDict(two)).toThrow(
      'fromStateDict: recurrent layers found: encoder., decoder.; expected one, say which by `recurrent`',
    );
    expect(() => fromStateDict(two, { recurrent: 'encoder.' })).toThrow('not understood: decoder.weight_ih_l0 [8,3], ');
    const rename = (name: string) => (name.startsWith('decoder.') ? null : name);
    expect(fromStateDict(two, { rename }).spec.cell).toBe('lstm');
    expect(() => fromStateDict(two, { rename: (name) => name.replace(/^..coder/, 'rnn') })).toThrow(
      'two tensors are called rnn.weight_ih_l0',
    );
  });

  test('what a state_dict does not say is given, or assumed and said', () => {
    const rnn = { 'rnn.weight_ih_l0': tensor(2, 3), 'rnn.weight_hh_l0': tensor(2, 2), 'rnn.bias_ih_l0': tensor(2) };
    const model = fromStateDict(rnn);
    expect(model.spec).toMatchObject({ cell: 'elman', bias: 'input', loss: 'squaredError', input: 'dense' });
    expect(model.recognised.join()).toContain('nonlinearity tanh was assumed');
    const given = fromStateDict(rnn, {
      spec: { nonlinearity: 'relu', loss: 'softmaxCrossEntropy', input: 'ids', lossAt: 'last' },
    });
    expect(given.spec).toMatchObject({
      nonlinearity: 'relu',
      loss: 'softmaxCrossEntropy',
      input: 'ids',
      lossAt: 'last',
    });
    expect(given.recognised.join()).not.toContain('assumed');
  });

  test('float64 stays float64, for all', () => {
    const mixed = { ...lstm(''), bias_hh_l0: { shape: [8], values: new Float64Array(8).fill(1 / 3) } };
    const { parameters } = fromStateDict(mixed);
    expect(Object.values(parameters).every((values) => values instanceof Float64Array)).toBe(true);
    expect(parameters.bias_hh_l0[0]).toBe(1 / 3);
  });
});

describe('refused by name', () => {
  const without = (name: string) => Object.fromEntries(Object.entries(lstm('rnn.')).filter(([key]) => key !== name));
  test.each<[string, Record<string, StateTensor>, object, string]>([
    ['nothing', {}, {}, 'recurrent layers found: none; expected one'],
    [
      'a projection',
      { ...lstm('rnn.'), 'rnn.weight_hr_l0': tensor(1, 2) },
      {},
      'rnn.weight_hr_l0: an LSTM with a projection (proj_size) is not supported',
    ],
    ['a missing weight', without('rnn.weight_ih_l0'), {}, 'rnn.weight_ih_l0 is missing'],
    ['a missing bias', without('rnn.bias_ih_l0'), {}, 'rnn.bias_ih_l0 [8] is missing'],
    ['a layer short', { ...lstm('rnn.'), 'rnn.weight_hh_l1': tensor(8, 2) }, {}, 'rnn.weight_ih_l1 [8,2] is missing'],
    [
      'a layer apart',
      { ...lstm('rnn.'), 'rnn.weight_hh_l2': tensor(8, 2) },
      {},
      'not understood: rnn.weight_hh_l2 [8,2]',
    ],
    [
      'a wrong shape',
      { ...lstm('rnn.'), 'rnn.bias_ih_l0': tensor(7) },
      {},
      'rnn.bias_ih_l0 has shape [7], expected [8]',
    ],
    [
      'three sizes',
      { ...lstm('rnn.'), 'rnn.weight_hh_l0': tensor(8, 2, 1) },
      {},
      'rnn.weight_hh_l0 has shape [8,2,1], expected two sizes',
    ],
    [
      'odd rows',
      { ...lstm('rnn.'), 'rnn.weight_hh_l0': tensor(10, 2) },
      {},
      'rnn.weight_hh_l0 has 5·H rows, expected H, 3H or 4H',
    ],
    [
      'a cell of other rows',
      lstm('rnn.'),
      { spec: { cell: 'gru' } },
      'cell gru has 3·H rows, rnn.weight_hh_l0 has 4·H: lstm',
    ],
    [
      'other layers',
      { ...lstm('rnn.'), 'conv.weight': tensor(3, 3, 3), 'norm.bias': tensor(2) },
      {},
      'not understood: conv.weight [3,3,3], norm.bias [2]',
    ],
    [
      'two output layers',
      { ...lstm('rnn.'), 'a.weight': tensor(1, 2), 'b.weight': tensor(1, 2) },
      {},
      'output layers found: a., b.; expected one, say which by `output`',
    ],
    ['an output layer that is not there', lstm('rnn.'), { output: 'fc.' }, 'output layers found: none'],
    [
      'integers',
      { ...lstm('rnn.'), 'rnn.bias_ih_l0': { shape: [8], values: new Int32Array(8) } },
      {},
      'rnn.bias_ih_l0 holds whole numbers',
    ],
    [
      'NaN',
      { ...lstm('rnn.'), 'rnn.bias_ih_l0': { shape: [8], values: new Float32Array(8).fill(Number.NaN, 5) } },
      {},
      'bias_ih_l0 holds NaN at element 5',
    ],
    ['a layer twice', { ...lstm('rnn.'), 'rnn.weight_hh': tensor(8, 2) }, {}, 'rnn.weight_hh is there twice'],
    ['a spec that is none', lstm('rnn.'), { spec: { dropout: 2 } }, 'dropout is 2'],
    [
      'a table that is too large',
      { 'e.weight': { shape: [2 ** 25, 0], values: new Float32Array(0) }, ...lstm('rnn.', 0) },
      {},
      'exceeds 2²⁷ numbers',
    ],
  ])('%s', (_, arrays, options, message) => {
    expect(() => fromStateDict(arrays, options)).toThrow(FormatError);
    expect(() => fromStateDict(arrays, options)).toThrow(message);
  });
});

describe('toStateDict', () => {
  const spec: ModelSpec = {
    cell: 'lstm',
    inputSize: 3,
    hiddenSize: 2,
    outputSize: 2,
    bias: 'input',
    loss: 'squaredError',
  };

  test('adds recurrent biases of zeros, as PyTorch has both or none; prefixes are given', () => {
    const state = toStateDict(netOf(spec), { recurrent: 'lstm.', output: 'out.' });
    expect(Object.keys(state)).toEqual([
      'lstm.weight_ih_l0',
      'lstm.weight_hh_l0',
      'lstm.bias_ih_l0',
      'lstm.bias_hh_l0',
      'out.weight',
      'out.bias',
    ]);
    expect(state['lstm.bias_hh_l0']).toEqual({ shape: [8], dtype: 'F32', values: new Float32Array(8) });
  });

  test.each<[Partial<ModelSpec>, string]>([
    [{ cell: 'lstmPeephole' }, 'no peepholes (cell lstmPeephole)'],
    [{ cell: 'gruResetBefore' }, 'no reset before the product (cell gruResetBefore)'],
    [{ cell: 'elman', nonlinearity: 'sigmoid' }, 'no nonlinearity sigmoid'],
    [{ initialState: 'learned' }, 'no learned initial state'],
  ])('%o is refused', (part, message) => {
    expect(() => toStateDict(netOf({ ...spec, ...part }))).toThrow(message);
  });

  test('a parameter that is missing is named', () => {
    const { parameters } = netOf(spec);
    expect(() => toStateDict({ spec, parameters: { ...parameters, bias_ho: new Float32Array(1) } })).toThrow(
      'toStateDict: bias_ho has 1 elements, expected [2]',
    );
    const { bias_ho: _, ...rest } = parameters;
    expect(() => toStateDict({ spec, parameters: rest })).toThrow('toStateDict: bias_ho has no elements');
  });
});

test('config.json says the spec, and gives it back', () => {
  const spec: ModelSpec = {
    cell: 'gru',
    inputSize: 5,
    hiddenSize: 7,
    outputSize: 5,
    layers: 2,
    loss: 'softmaxCrossEntropy',
  };
  const config = modelConfig(spec);
  expect(config).toMatchObject({
    model_type: 'bptt',
    architectures: ['GRU'],
    hidden_size: 7,
    num_hidden_layers: 2,
    vocab_size: 5,
  });
  expect(specOfConfig(JSON.stringify(config))).toEqual(bundledSpec(spec));
  expect(modelConfig({ ...spec, cell: 'elman', input: 'dense' })).not.toHaveProperty('vocab_size');
  expect(() => specOfConfig('{')).toThrow('specOfConfig: config.json is not JSON');
  expect(() => specOfConfig('{"bptt":3}')).toThrow('no spec under "bptt"');
  expect(() => specOfConfig('{"bptt":{"cell":"cnn"}}')).toThrow('specOfConfig: ');
});
