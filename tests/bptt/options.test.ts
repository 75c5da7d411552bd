import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createModel } from '../../src/bptt/createModel.ts';
import { createTrainer } from '../../src/bptt/createTrainer.ts';
import {
  assertOptions,
  BATCH_FIELDS,
  COMMON_NAMES,
  CREATE_TRAINER_OPTIONS,
  FIT_OPTIONS,
  SPEC_FIELDS,
} from '../../src/bptt/options.ts';
import { resolveSpec } from '../../src/bptt/spec.ts';
import { nearestName } from '../../src/check/options.ts';
import { sgd } from '../../src/optim/sgd.ts';

const spec = { cell: 'gru', inputSize: 3, hiddenSize: 2, outputSize: 3, loss: 'softmaxCrossEntropy' } as const;
const options = { steps: 4, batch: 2, optimizer: sgd({ lr: 0.1 }), engine: 'ts' } as const;
const tables = [SPEC_FIELDS, CREATE_TRAINER_OPTIONS, BATCH_FIELDS, FIT_OPTIONS];

test('one wrong letter of a name of seven or more is corrected', () => {
  for (const table of tables) {
    const known = Object.keys(table);
    const within = (a: string, b: string): boolean => a !== b && b.toLowerCase().includes(a.toLowerCase());
    // A name that holds another one may be taken for it.
    const names = known.filter((name) => name.length >= 7 && !known.some((other) => within(other, name)));
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.constantFrom('drop', 'swap', 'add', 'case'),
        (name, at, how) => {
          const i = at % (name.length - 1);
          const wrong = {
            drop: name.slice(0, i) + name.slice(i + 1),
            swap: name.slice(0, i) + name[i + 1] + name[i] + name.slice(i + 2),
            add: `${name.slice(0, i)}q${name.slice(i)}`,
            case: name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
          }[how];
          fc.pre(!known.includes(wrong));
          expect(nearestName(wrong, known, COMMON_NAMES)).toBe(name);
        },
      ),
    );
  }
});

test('what is far from everything has no suggestion', () => {
  expect(nearestName('qqqqqq', Object.keys(FIT_OPTIONS), COMMON_NAMES)).toBe(null);
  expect(nearestName('constructor', Object.keys(FIT_OPTIONS), COMMON_NAMES)).toBe(null);
  const all = Object.keys(SPEC_FIELDS).join(', ');
  expect(() => assertOptions('spec', { qqqqqq: 1 }, SPEC_FIELDS)).toThrow(
    `spec: unknown option qqqqqq, expected ${all}`,
  );
});

test('names of other libraries lead to those here', async () => {
  const cases: [object, object, string][] = [
    [
      {},
      { learningRate: 0.1 },
      'createTrainer: unknown option learningRate, did you mean optimizer? (the learning rate',
    ],
    [{}, { lr: 0.1 }, 'did you mean optimizer?'],
    [{}, { batchSize: 3 }, 'createTrainer: unknown option batchSize, did you mean batch?'],
    [{}, { seq_len: 3 }, 'did you mean steps?'],
    [{}, { clipNorm: 3 }, 'did you mean clip? (clip: { norm: 5 } or clip: { value: 5 })'],
    [{}, { epochs: 3 }, 'createTrainer: unknown option epochs, it is an option of fit'],
    [{}, { hidden: 3 }, 'createTrainer: unknown option hidden, hiddenSize is a field of the spec'],
    [{}, { num_layers: 2 }, 'layers is a field of the spec'],
    [{ hidden: 3 }, {}, 'spec: unknown option hidden, did you mean hiddenSize?'],
    [{ num_layers: 2 }, {}, 'spec: unknown option num_layers, did you mean layers?'],
    [{ return_sequences: false }, {}, "did you mean lossAt? ('every' or 'last')"],
    [{ optimizer: 2 }, {}, 'spec: unknown option optimizer, it is an option of createTrainer'],
  ];
  for (const [change, more, message] of cases) {
    await expect(createTrainer({ ...spec, ...change } as never, { ...options, ...more })).rejects.toThrow(message);
  }
});

test('values that make no sense are named', async () => {
  const cases: [unknown, string][] = [
    [{ ...options, clip: 5 }, 'trainer: clip is 5, expected { norm: 5 } or { value: 5 }'],
    [{ ...options, clip: { nrom: 5 } }, 'trainer: clip is { nrom }, expected { norm: 5 } or { value: 5 }'],
    [{ ...options, clip: { norm: 5, value: 1 } }, 'trainer: clip is { norm, value }, expected'],
    [{ ...options, clip: { norm: '5' } }, "trainer: clip.norm is '5', expected a number > 0"],
    [{ ...options, clip: null }, 'trainer: clip is null'],
    [{ ...options, optimizer: undefined }, 'trainer: optimizer is undefined, expected one of bptt/optim'],
    [
      { ...options, optimizer: 'adam' },
      "trainer: optimizer is 'adam', expected one of bptt/optim, as in optimizer: adam(",
    ],
    [{ ...options, optimizer: sgd }, 'trainer: optimizer is a function sgd, expected one of bptt/optim'],
    [{ ...options, steps: undefined }, 'trainer: steps is undefined, expected a whole number ≥ 1'],
    [{ ...options, batch: 1.5 }, 'trainer: batch is 1.5, expected a whole number ≥ 1'],
    [{ ...options, labels: 0 }, 'trainer: labels is 0'],
    [{ ...options, accumulate: 0 }, 'trainer: accumulate is 0, expected a whole number ≥ 1'],
    [{ ...options, frozen: 'bias_ho' }, "trainer: frozen is 'bias_ho', expected a list of names"],
    [{ ...options, dtype: 'float16' }, "createTrainer: dtype is 'float16', expected float32, float64"],
    [{ ...options, init: 'xavier' }, "createTrainer: init is 'xavier', expected minCharRnn, torch, orthogonal"],
    [{ ...options, threads: 'many' }, "createTrainer: threads is 'many', expected 1 … batch = 2"],
    [{ ...options, seed: -1 }, 'seed'],
    [undefined, 'createTrainer: options is undefined, expected an object with steps'],
    [[], 'createTrainer: options is a list'],
  ];
  for (const [wrong, message] of cases) {
    await expect(createTrainer(spec, wrong as never), message).rejects.toThrow(message);
  }
  expect(() => resolveSpec(undefined as never)).toThrow('spec: options is undefined, expected an object with cell');
  expect(() => resolveSpec({ ...spec, dropout: 0.5 })).toThrow(
    'spec.dropout is 0.5, but it works between layers: it needs layers ≥ 2',
  );
});

test('a batch with a misspelt field is refused, and a batch that is no list', async () => {
  const trainer = await createTrainer(spec, options);
  const batch = { inputs: new Int32Array(8), targets: new Int32Array(8) };
  const cases: [unknown, string][] = [
    [[{ ...batch, length: [4, 4] }], 'batch: unknown option length, did you mean lengths?'],
    [[{ ...batch, sampleWeight: [4, 4] }], 'batch: unknown option sampleWeight, did you mean lossWeights?'],
    [[{ x: batch.inputs, y: batch.targets }], 'batch: unknown option x, did you mean inputs?'],
    [batch, 'trainer.train: batches is an object, expected a list of batches: train([batch])'],
    [[[batch]], 'batch is a list, expected an object with inputs and targets'],
    [[{ ...batch, lengths: 3 }], 'batch.lengths is 3, expected an array of numbers'],
    [[{ ...batch, mask: '1' }], "batch.mask is '1', expected an array of numbers"],
    [[{ ...batch, carry: 'yes' }], "batch.carry is 'yes', expected true, false or an array [batch] of 0 and 1"],
    [[undefined], 'batch is undefined, expected an object with inputs and targets'],
  ];
  for (const [wrong, message] of cases) await expect(trainer.train(wrong as never)).rejects.toThrow(message);
  await expect(trainer.predict([{ inputs: batch.inputs }] as never)).rejects.toThrow('batch is a list, expected');
  const model = await createModel(spec, await trainer.parameters());
  await expect(model.predict([{ inputs: batch.inputs }] as never)).rejects.toThrow('batch is a list, expected');
  await expect(model.predict({ inputs: batch.inputs, lengths: 3 } as never)).rejects.toThrow('batch.lengths is 3');
  expect((await trainer.train([{ ...batch, carry: true }])).length).toBe(1);
});
