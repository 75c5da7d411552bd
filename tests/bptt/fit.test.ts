import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createTrainer } from '../../src/bptt/createTrainer.ts';
import { type EpochRecord, type FitData, type FitOptions, fit as fitTrainer } from '../../src/bptt/fit.ts';
import { partsOf, type Sequence, SequenceBatches } from '../../src/bptt/sequenceBatches.ts';
import { type ModelSpec, resolveSpec } from '../../src/bptt/spec.ts';
import type { TrainerOptions, TrainingBatch } from '../../src/bptt/trainer.ts';
import { seriesWindows } from '../../src/data/seriesWindows.ts';
import { ctc } from '../../src/layers/ctcLoss.ts';
import { adam } from '../../src/optim/adam.ts';
import { cosineDecay } from '../../src/optim/schedule.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { from, range } from '../layers/support.ts';

const classes: ModelSpec = {
  cell: 'gru',
  inputSize: 4,
  hiddenSize: 6,
  outputSize: 3,
  loss: 'softmaxCrossEntropy',
  lossAt: 'last',
  reduction: 'mean',
};
const tags: ModelSpec = { ...classes, lossAt: 'every' };
const values: ModelSpec = {
  cell: 'elman',
  input: 'dense',
  inputSize: 2,
  hiddenSize: 4,
  outputSize: 2,
  loss: 'squaredError',
  reduction: 'mean',
};

const make = (spec: ModelSpec, options: Partial<TrainerOptions> = {}) =>
  createTrainer(spec, {
    ...{ steps: 8, batch: 4, optimizer: sgd({ lr: 0.1 }), engine: 'ts', dtype: 'float64', seed: 1 },
    ...options,
  });

/** Sequences whose class is their first symbol, modulo 3. */
function sequences(n: number, seed = 0): Sequence[] {
  const rng = new RandomState(seed);
  return range(n).map(() => {
    const inputs = Int32Array.from(rng.randint(0, 4, rng.randint(1, 9)));
    return { inputs, targets: inputs[0] % 3 };
  });
}

/** Batches as fit makes them of sequences, by hand. */
const batchOf = (list: Sequence[]): TrainingBatch => {
  const steps = Math.max(...list.map(({ inputs }) => inputs.length));
  const inputs = new Int32Array(steps * list.length);
  for (const [b, s] of list.entries()) {
    for (let t = 0; t < s.inputs.length; t++) inputs[t * list.length + b] = s.inputs[t];
  }
  const targets = Int32Array.from(list, (s) => s.targets as number);
  return { inputs, targets, steps, batch: list.length, lengths: list.map((s) => s.inputs.length) };
};

describe('batches of sequences', () => {
  test('hold every sequence once, whatever the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        fc.boolean(),
        (lengths, batch, bucket, shuffle) => {
          const spec = resolveSpec(tags);
          const list = lengths.map((n, i) => ({ inputs: Array(n).fill(i % 4), targets: Array(n).fill(i % 3) }));
          const sizes = { steps: 8, labels: 8, batch };
          const all = new SequenceBatches('fit', spec, 'float32', sizes, list);
          const rng = shuffle ? new RandomState(1) : undefined;
          const seen: string[] = [];
          let padding = 0;
          for (const made of all.batches(Int32Array.from(lengths.keys()), bucket, rng)) {
            const { inputs, targets, steps = 0, batch: B = 0, lengths: own = Array<number>(B).fill(steps) } = made;
            expect(B).toBeLessThanOrEqual(batch);
            for (let b = 0; b < B; b++) {
              const column = (a: ArrayLike<number>) => range(own[b]).map((t) => a[t * B + b]);
              seen.push(`${column(inputs)}/${column(targets)}`);
              padding += steps - own[b];
            }
          }
          expect(seen.toSorted()).toEqual(list.map((s) => `${s.inputs}/${s.targets}`).toSorted());
          if (bucket) {
            // No way to cut the sorted lengths into batches has less padding than each batch's own spread.
            const sorted = lengths.toSorted((a, b) => a - b);
            const least = sorted.reduce(
              (sum, n, i) => sum + sorted[Math.min(sorted.length - 1, i - (i % batch) + batch - 1)] - n,
              0,
            );
            expect(padding).toBe(least);
          }
        },
      ),
    );
  });

  test('vectors, values and labels are laid out as a batch wants them', () => {
    const sizes = { steps: 4, labels: 3, batch: 2 };
    const dense = new SequenceBatches('fit', resolveSpec(values), 'float32', sizes, [
      { inputs: [1, 2, 3, 4], targets: [5, 6, 7, 8] },
      { inputs: new Float64Array([9, 10]), targets: new Float64Array([11, 12]) },
    ]);
    const [batch] = dense.batches(Int32Array.of(0, 1), false);
    expect(batch).toEqual({
      inputs: Float32Array.of(1, 2, 9, 10, 3, 4, 0, 0),
      targets: Float32Array.of(5, 6, 11, 12, 7, 8, 0, 0),
      ...{ steps: 2, batch: 2, lengths: Int32Array.of(2, 1) },
    });
    const full = resolveSpec(tags);
    const loss = { ...full.loss, targets: 'labels', per: 'sequence' } as const;
    const labelled = new SequenceBatches('fit', { ...full, loss }, 'float32', sizes, [
      { inputs: [1, 2], targets: [2] },
      { inputs: [3, 0], targets: [1, 0, 1] },
    ]);
    const [own] = labelled.batches(Int32Array.of(0, 1), false);
    expect(own).toEqual({
      ...{ inputs: Int32Array.of(1, 3, 2, 0), steps: 2, batch: 2 },
      ...{ targets: Int32Array.of(2, 0, 0, 1, 0, 1), targetLengths: [1, 3] },
    });
    expect(partsOf(Int32Array.of(5, 6, 7), null, 2)).toEqual([Int32Array.of(5, 6), Int32Array.of(7)]);
  });
});

describe('fit', () => {
  test('is the explicit loop over its batches', async () => {
    const list = sequences(10);
    const trainer = await make(classes);
    const history = await fitTrainer(trainer, { sequences: list }, { epochs: 2, shuffle: false, bucket: false });
    const own = await make(classes);
    const losses: number[] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      let sum = 0;
      for (let i = 0; i < 10; i += 4) {
        const part = list.slice(i, i + 4);
        const [loss] = await own.train([batchOf(part)]);
        sum += loss * part.length;
      }
      losses.push(sum / 10);
    }
    expect(await trainer.parameters()).toEqual(await own.parameters());
    expect(history).toEqual({
      epochs: losses.map((loss, i) => ({ epoch: i + 1, updates: 3 * (i + 1), learningRate: 0.1, loss, metrics: {} })),
      best: losses[1] < losses[0] ? 2 : 1,
      stopped: 'epochs',
    });
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
  });

  test('learns, says how well, and the same seed gives the same bits', async () => {
    const run = async (seed: number, epochs: number) => {
      const trainer = await make({ ...classes, hiddenSize: 10 }, { optimizer: adam({ lr: 0.02 }), batch: 8 });
      const options: FitOptions = {
        epochs,
        seed,
        validation: 0.25,
        metrics: ['accuracy', 'confusion', 'perplexity', 'bits'],
      };
      const history = await fitTrainer(trainer, { sequences: sequences(120) }, options);
      return { history, parameters: await trainer.parameters() };
    };
    const first = await run(3, 25);
    const { metrics, validationLoss } = first.history.epochs[24];
    expect(metrics.accuracy).toBe(1);
    const { confusion = [] } = metrics;
    expect(confusion.flat().reduce((a, b) => a + b)).toBe(30);
    expect(confusion[0][0] + confusion[1][1] + confusion[2][2]).toBe(30);
    expect(metrics.perplexity).toBeCloseTo(Math.exp(validationLoss!), 12);
    expect(metrics.bits).toBeCloseTo(validationLoss! / Math.log(2), 12);
    const short = await run(3, 2);
    expect(await run(3, 2)).toEqual(short);
    expect((await run(4, 2)).parameters).not.toEqual(short.parameters);
  }, 60_000);

  test.each(['sum', 'mean', 0.5] as const)('the loss is the mean of a row for reduction %s', async (reduction) => {
    const spec = { ...tags, reduction };
    const list = sequences(7).map(({ inputs }) => ({ inputs, targets: Array.from(inputs, (v) => v % 3) }));
    const trainer = await make(spec, { optimizer: sgd({ lr: 0 }) });
    const options: FitOptions = { epochs: 1, validation: { sequences: list }, metrics: ['accuracy'] };
    const { epochs } = await fitTrainer(trainer, { sequences: list }, options);
    let [loss, rows, right] = [0, 0, 0];
    for (const { inputs, targets } of list) {
      const p = await trainer.predict({ inputs: Int32Array.from(Array.from(inputs)), batch: 1 });
      for (const [t, target] of targets.entries()) {
        const row = Array.from(p.subarray(t * 3, t * 3 + 3));
        loss -= Math.log(row[target]);
        if (row.indexOf(Math.max(...row)) === target) right++;
        rows++;
      }
    }
    expect(epochs[0].loss).toBeCloseTo(loss / rows, 12);
    expect(epochs[0].validationLoss).toBeCloseTo(loss / rows, 12);
    expect(epochs[0].metrics.accuracy).toBe(right / rows);
  });

  test('rmse and mae are those of all values; accuracy of a sigmoid is by halves', async () => {
    const rng = new RandomState(5);
    const list = range(5).map((i) => ({ inputs: rng.randn(2 * (i + 1)), targets: rng.rand(2 * (i + 1)) }));
    for (const spec of [values, { ...values, loss: 'sigmoidCrossEntropy' } as ModelSpec]) {
      const trainer = await make(spec, { optimizer: sgd({ lr: 0 }) });
      const sigmoid = spec !== values;
      const { epochs } = await fitTrainer(
        trainer,
        { sequences: list },
        { epochs: 1, metrics: ['rmse', 'mae', ...(sigmoid ? (['accuracy'] as const) : [])] },
      );
      let [squares, differences, right, n] = [0, 0, 0, 0];
      for (const { inputs, targets } of list) {
        const y = await trainer.predict({ inputs, batch: 1 });
        for (let i = 0; i < y.length; i++) {
          squares += (y[i] - targets[i]) ** 2;
          differences += Math.abs(y[i] - targets[i]);
          if (y[i] > 0.5 === targets[i] > 0.5) right++;
          n++;
        }
      }
      const { metrics } = epochs[0];
      expect(metrics.rmse).toBeCloseTo(Math.sqrt(squares / n), 12);
      expect(metrics.mae).toBeCloseTo(differences / n, 12);
      if (sigmoid) expect(metrics.accuracy).toBeCloseTo(right / n, 12);
    }
  });

  test('windows of a series: the last ones are held out', async () => {
    const series = from(
      'float64',
      range(20).map((t) => t / 20),
    );
    const windows = seriesWindows(series, { windowLength: 3, horizon: 2 });
    const spec: ModelSpec = { ...values, inputSize: 1, lossAt: 'last' };
    const trainer = await make(spec, { optimizer: sgd({ lr: 0 }) });
    const { epochs } = await fitTrainer(trainer, { windows }, { epochs: 1, validation: 0.25, metrics: ['mae'] });
    let sum = 0;
    for (const n of [12, 13, 14, 15]) {
      const y = await trainer.predict({ inputs: series.subarray(n, n + 3), batch: 1 });
      for (let v = 0; v < 2; v++) sum += Math.abs(y[v] - series[n + 3 + v]);
    }
    expect(windows.starts).toHaveLength(16);
    expect(epochs[0].metrics.mae).toBeCloseTo(sum / 8, 12);
  });

  test('batches keep their order and their states; a function gives those of an epoch', async () => {
    const text = Int32Array.from(new RandomState(2).randint(0, 3, 33));
    const window = (n: number): TrainingBatch => ({
      ...{ inputs: text.slice(n * 8, n * 8 + 8), targets: text.slice(n * 8 + 1, n * 8 + 9), batch: 1, carry: n > 0 },
    });
    const own = await make(tags);
    for (let epoch = 0; epoch < 2; epoch++) await own.train(range(4).map(window));
    for (const batches of [range(4).map(window), () => range(4).map(window)]) {
      const trainer = await make(tags);
      await fitTrainer(trainer, { batches }, { epochs: 2 });
      expect(await trainer.parameters()).toEqual(await own.parameters());
    }
    // What is held out carries on from itself.
    const trainer = await make(tags, { optimizer: sgd({ lr: 0 }) });
    const validation = { batches: range(4).map(window) };
    const options: FitOptions = { epochs: 1, validation, metrics: ['perplexity'] };
    const { epochs } = await fitTrainer(trainer, { batches: [window(0)] }, options);
    const losses = await trainer.evaluate(range(4).map(window));
    expect(epochs[0].validationLoss).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 12);
    await expect(fitTrainer(trainer, validation, { epochs: 1, metrics: ['accuracy'] })).rejects.toThrow(
      'fit: metrics accuracy compare outputs, but a batch carries',
    );
    const part = await fitTrainer(trainer, validation, { epochs: 1, validation: 0.5 });
    expect(part.epochs[0].updates).toBe(3);
  });

  test('stops early and puts the best weights back', async () => {
    // A rate that grows: good at first, then ever worse.
    const lr = (step: number): number => (step < 6 ? 0.5 : 40);
    const run = async (more: Partial<FitOptions>) => {
      const trainer = await make(classes, { optimizer: sgd({ lr }) });
      const kept: Record<string, unknown>[] = [];
      const onEpoch = async (): Promise<void> => {
        kept.push(await trainer.parameters());
      };
      const data: FitData = { sequences: sequences(8) };
      const history = await fitTrainer(trainer, data, {
        epochs: 50,
        patience: 4,
        validation: { sequences: sequences(8) },
        onEpoch,
        ...more,
      });
      return { history, kept, last: await trainer.parameters() };
    };
    const { history, kept, last } = await run({});
    expect(history.stopped).toBe('patience');
    expect(history.epochs.length).toBe(history.best! + 4);
    const best = history.epochs[history.best! - 1].validationLoss!;
    for (const { validationLoss } of history.epochs) expect(validationLoss).toBeGreaterThanOrEqual(best);
    expect(history.best).toBeGreaterThan(1);
    expect(last).toEqual(kept[history.best! - 1]);
    expect(last).not.toEqual(kept.at(-1));
    const plain = await run({ restoreBest: false });
    expect(plain.last).toEqual(plain.kept.at(-1));
    const by = await run({ metrics: ['accuracy'], monitor: 'accuracy' });
    const accuracies = by.history.epochs.map(({ metrics }) => metrics.accuracy!);
    expect(by.history.best).toBe(accuracies.indexOf(Math.max(...accuracies)) + 1);
    const strict = await run({ minDelta: 10 });
    expect([strict.history.best, strict.history.epochs.length]).toEqual([1, 5]);
  });

  test('callbacks and a signal stop it', async () => {
    const data: FitData = { sequences: sequences(8) };
    const seen: number[][] = [];
    const trainer = await make(classes);
    const stop = await fitTrainer(trainer, data, {
      epochs: 3,
      onBatch: ({ epoch, batch, updates }) => {
        seen.push([epoch, batch, updates]);
        return batch < 2 || epoch < 2;
      },
    });
    expect(seen).toEqual([
      [1, 1, 1],
      [1, 2, 2],
      [2, 1, 3],
      [2, 2, 4],
    ]);
    expect([stop.stopped, stop.epochs.length]).toEqual(['callback', 1]);
    const records: EpochRecord[] = [];
    const after = await fitTrainer(trainer, data, { epochs: 3, onEpoch: async (record) => records.push(record) < 2 });
    expect(after.epochs).toEqual(records);
    expect([after.stopped, records.length, after.best]).toEqual([
      'callback',
      2,
      records[1].loss < records[0].loss ? 2 : 1,
    ]);
    const abort = new AbortController();
    const { signal } = abort;
    const onBatch = ({ batch }: { batch: number }): void => {
      if (batch === 2) abort.abort();
    };
    const before = trainer.step;
    const aborted = await fitTrainer(trainer, data, { epochs: 3, signal, onBatch });
    expect([aborted.stopped, trainer.step - before]).toEqual(['signal', 2]);
    expect((await fitTrainer(trainer, data, { epochs: 1, signal })).best).toBe(null);
  });

  test('the event loop has turns', async () => {
    const trainer = await make(classes);
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const turns: number[] = [];
    const turn = vi.spyOn(globalThis, 'setImmediate').mockImplementation(((call: () => void) => {
      turns.push(now);
      return setTimeout(call);
    }) as unknown as typeof setImmediate);
    try {
      // 5 batches of 5 ms an epoch; a turn is due after 12 ms.
      const onBatch = (): void => {
        now += 5;
      };
      await fitTrainer(trainer, { sequences: sequences(20) }, { epochs: 2, onBatch, metrics: ['accuracy'] });
    } finally {
      clock.mockRestore();
      turn.mockRestore();
    }
    expect(turns).toEqual([15, 30, 45]);
  });

  test('a loss per sequence: labels of different lengths', async () => {
    const spec: ModelSpec = { ...tags, loss: ctc() };
    const trainer = await make(spec, { labels: 2, optimizer: adam({ lr: 0.05 }) });
    // Each symbol but 0 is a label, 1 or 2; 3 is silence.
    const list = range(12).map(() => ({ inputs: [1, 3, 2, 3], targets: [1, 2] }));
    list.push({ inputs: [3, 1, 3, 3, 3], targets: [1] });
    const { epochs } = await fitTrainer(trainer, { sequences: list }, { epochs: 30 });
    expect(epochs[29].loss).toBeLessThan(0.2 * epochs[0].loss);
    const long = { sequences: [{ inputs: [1, 2, 1, 2, 1], targets: [1, 2, 1] }] };
    await expect(fitTrainer(trainer, long, { epochs: 1 })).rejects.toThrow(
      'sequences[0].targets has 3 labels, the trainer was made for labels: 2',
    );
    const measured = { epochs: 1, metrics: ['accuracy'] } as const;
    await expect(fitTrainer(trainer, { sequences: list }, measured)).rejects.toThrow(
      'accuracy needs classes as targets',
    );
  });

  test('a schedule counts updates, and gradients accumulate', async () => {
    const lr = cosineDecay(0.1, 10);
    const trainer = await make(classes, { optimizer: sgd({ lr }), batch: 2, accumulate: 2 });
    const { epochs } = await fitTrainer(trainer, { sequences: sequences(9) }, { epochs: 2 });
    expect(epochs.map(({ updates, learningRate }) => [updates, learningRate])).toEqual([
      [3, lr(3)],
      [6, lr(6)],
    ]);
  });

  test('misuse is named', async () => {
    const trainer = await make(classes);
    await expect(fitTrainer({} as never, { sequences: sequences(4) }, { epochs: 1 })).rejects.toThrow(
      'fit: trainer is {}, expected a trainer, as createTrainer gives it',
    );
    const data = { sequences: sequences(4) };
    const cases: [unknown, unknown, string][] = [
      [data, { epochs: 0 }, 'fit: epochs is 0, expected a whole number ≥ 1'],
      [data, {}, 'fit: epochs is undefined'],
      [data, undefined, 'fit: options is undefined, expected an object with epochs'],
      [data, { epoch: 1 }, 'fit: unknown option epoch, did you mean epochs?'],
      [data, { epochs: 1, batchSize: 2 }, 'unknown option batchSize, did you mean batch?'],
      [data, { epochs: 1, learningRate: 2 }, 'unknown option learningRate, optimizer is an option of createTrainer'],
      [data, { epochs: 1, hidden: 2 }, 'unknown option hidden, hiddenSize is a field of the spec'],
      [data, { epochs: 1, batch: 5 }, "fit: batch is 5, expected a whole number from 1 to the trainer's 4"],
      [data, { epochs: 1, validation: 1 }, 'fit: validation is 1, expected a share between 0 and 1, or data'],
      [data, { epochs: 1, metrics: 'accuracy' }, "fit: metrics is 'accuracy', expected a list"],
      [data, { epochs: 1, metrics: ['acuracy'] }, 'fit: unknown metric acuracy, did you mean accuracy?'],
      [data, { epochs: 1, metrics: ['f1'] }, 'fit: unknown metric f1, expected accuracy, perplexity'],
      [
        data,
        { epochs: 1, metrics: ['rmse'] },
        'metric rmse needs values as targets, the model has loss softmaxCrossEntropy',
      ],
      [data, { epochs: 1, monitor: 'accuracy' }, "fit: monitor is 'accuracy', expected loss or a number among metrics"],
      [data, { epochs: 1, patience: 0 }, 'fit: patience is 0'],
      [data, { epochs: 1, minDelta: -1 }, 'fit: minDelta is -1'],
      [
        [batchOf(sequences(2))],
        { epochs: 1 },
        'fit: data is a list, expected { sequences }, { windows } or { batches }',
      ],
      [{ sequences: [] }, { epochs: 1 }, 'fit: sequences is empty, expected a list of at least one sequence'],
      [{ sequences: [{ inputs: [], targets: 0 }] }, { epochs: 1 }, 'fit: sequences[0].inputs has 0 elements'],
      [
        { sequences: [{ inputs: [1.5], targets: 0 }] },
        { epochs: 1 },
        'fit: sequences[0].inputs[0] is 1.5, expected an id',
      ],
      [
        { sequences: [{ inputs: 'ab', targets: 0 }] },
        { epochs: 1 },
        "fit: sequences[0].inputs is 'ab', expected a list of ids",
      ],
      [
        { sequences: [{ inputs: Array(9).fill(0), targets: 0 }] },
        { epochs: 1 },
        'sequences[0] has 9 steps, the trainer was made for steps: 8',
      ],
      [
        { sequences: [{ inputs: [1, 2], targets: [0, 1] }] },
        { epochs: 1 },
        'sequences[0].targets has 2 elements, expected [1]',
      ],
      [{ sequences: [{ inputs: [4], targets: 0 }] }, { epochs: 1 }, 'batch.inputs[0] is 4, expected an id from 0 to 3'],
      [{ batches: 3 }, { epochs: 1 }, 'fit: batches is 3, expected a list or a function'],
      [{ batches: () => [] }, { epochs: 1 }, 'fit: epoch 1 has no batches'],
      [{ batches: () => [] }, { epochs: 1, validation: 0.1 }, 'validation is a share, expected batches as a list'],
      [{ batches: [batchOf(sequences(2))] }, { epochs: 1, validation: 0.1 }, 'there is only 1 to be shared'],
      [{ windows: { inputs: [], targets: [], starts: [] } }, { epochs: 1 }, 'as seriesWindows gives them'],
    ];
    for (const [what, options, message] of cases) {
      await expect(fitTrainer(trainer, what as FitData, options as FitOptions), message).rejects.toThrow(message);
    }
    expect(trainer.step).toBe(0);
  });
});
