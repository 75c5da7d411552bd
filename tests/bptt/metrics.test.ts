import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchReader } from '../../src/bptt/batch.ts';
import { MetricSums } from '../../src/bptt/metrics.ts';
import { type ModelSpec, resolveSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { range } from '../layers/support.ts';

const base = { cell: 'elman', inputSize: 2, hiddenSize: 3, outputSize: 3, reduction: 'sum' } as const;
const sizes = fc.record({
  steps: fc.integer({ min: 1, max: 5 }),
  batch: fc.integer({ min: 1, max: 4 }),
  room: fc.integer({ min: 0, max: 2 }),
  weighted: fc.boolean(),
  padding: fc.constantFrom('none', 'lengths', 'mask'),
  last: fc.boolean(),
  seed: fc.nat(1000),
});

test('only rows that count do, each with its weight, of batches smaller than the model', () => {
  fc.assert(
    fc.property(sizes, fc.boolean(), ({ steps, batch, room, weighted, padding, last, seed }, classes) => {
      const loss = classes ? 'softmaxCrossEntropy' : 'sigmoidCrossEntropy';
      const spec = resolveSpec({ ...base, loss, lossAt: last ? 'last' : 'every' } as ModelSpec);
      const B = batch + room;
      const rng = new RandomState(seed);
      const rows = (last ? 1 : steps) * batch;
      const mask = range(steps * batch).map((i) => (padding === 'mask' && i > 0 && rng.rand() < 0.4 ? 0 : 1));
      const lengths = range(batch).map((b) => (padding === 'lengths' && b > 0 ? rng.randint(0, steps + 1) : steps));
      const weights = range(rows).map((i) => (weighted ? rng.randint(i === 0 ? 1 : 0, 4) : 1));
      const present = (t: number, b: number): boolean =>
        last
          ? range(steps).some((s) => mask[s * batch + b] === 1 && s < lengths[b])
          : mask[t * batch + b] === 1 && t < lengths[b];
      const outputs = rng.rand(rows * 3);
      const targets = classes ? Int32Array.from(rng.randint(0, 3, rows)) : rng.rand(rows * 3);
      // What does not count may be anything.
      for (let i = 0; i < rows; i++) {
        if (present(Math.floor(i / batch), i % batch) && weights[i] > 0) continue;
        if (classes) targets[i] = -100;
        else targets.fill(Number.NaN, 3 * i, 3 * i + 3);
      }
      const reader = new BatchReader(spec, steps, B, 1, 'float64');
      reader.read({
        ...{ inputs: new Int32Array(steps * batch), targets, steps, batch, lossWeights: weights },
        ...(padding === 'mask' ? { mask } : { lengths }),
      });
      const names = classes ? (['accuracy', 'confusion'] as const) : (['accuracy', 'rmse', 'mae'] as const);
      const sums = new MetricSums(spec, names);
      sums.add(outputs, reader, B);
      const got = sums.result(0);
      let [count, right, squares, differences] = [0, 0, 0, 0];
      const confusion = range(3).map(() => [0, 0, 0]);
      for (let i = 0; i < rows; i++) {
        const weight = present(Math.floor(i / batch), i % batch) ? weights[i] : 0;
        if (weight === 0) continue;
        count += weight;
        const row = Array.from(outputs.subarray(3 * i, 3 * i + 3));
        if (classes) {
          const taken = row.indexOf(Math.max(...row));
          confusion[targets[i]][taken]++;
          if (taken === targets[i]) right += weight;
        } else {
          for (const [v, y] of row.entries()) {
            const target = targets[3 * i + v];
            if (y > 0.5 === target > 0.5) right += weight / 3;
            squares += (weight / 3) * (y - target) ** 2;
            differences += (weight / 3) * Math.abs(y - target);
          }
        }
      }
      expect(got.accuracy).toBeCloseTo(right / count, 12);
      if (classes) expect(got.confusion).toEqual(confusion);
      else {
        expect(got.rmse).toBeCloseTo(Math.sqrt(squares / count), 12);
        expect(got.mae).toBeCloseTo(differences / count, 12);
      }
    }),
  );
});
