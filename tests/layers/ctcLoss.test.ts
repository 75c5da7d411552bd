import { describe, expect, it } from 'vitest';
import { createTrainer } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { CpuTrainer } from '../../src/bptt/trainer.ts';
import { ctcForward, ctcGreedyDecode } from '../../src/layers/ctc.ts';
import { ctc } from '../../src/layers/ctcLoss.ts';
import { adam } from '../../src/optim/adam.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { checkLoss } from '../../src/testing/checkLoss.ts';

/** Labels that fit into so many steps, any of V but the blank. */
const labelsBut = (blank: number) => (rng: RandomState, steps: number, _: number, V: number) =>
  Array.from({ length: rng.randint(Math.floor((steps + 1) / 2) + 1) }, () => (blank + 1 + rng.randint(V - 1)) % V);

describe('ctc as a loss', () => {
  it.each([0, 1])('keeps the promises of a loss per sequence, blank %i', (blank) => {
    const report = checkLoss(ctc({ blank }), { labels: labelsBut(blank), seed: 2 });
    expect(report.gradients).toBeGreaterThan(200);
    expect(report.padded).toBeGreaterThan(3);
  });

  it('says what it is, and refuses a blank that is none', () => {
    expect(ctc()).toMatchObject({ name: 'ctc', targets: 'labels', per: 'sequence', leastOutputs: 2 });
    expect(ctc({ blank: 4 }).leastOutputs).toBe(5);
    expect(() => ctc({ blank: -1 })).toThrow(RangeError('ctc: blank is -1, expected a whole number ≥ 0'));
    expect(() => ctc({ blank: 0.5 })).toThrow('ctc: blank is 0.5');
  });

  const sizes = { inputSize: 3, hiddenSize: 6, outputSize: 4 };
  const spec: ModelSpec = { cell: 'gru', input: 'dense', ...sizes, loss: ctc(), reduction: 'mean' };

  it('a model computes it in windows shorter than its own, with fewer labels and sequences', () => {
    const [T, B, V] = [4, 2, 4];
    const rng = new RandomState(3);
    const model: SequenceModel<FloatArray, Int32Array> = new SequenceModel(
      tsEngine('float64'),
      { ...spec, reduction: 'sum' },
      { steps: 6, batch: 3, labels: 5 },
    );
    model.parameters.flat.set(rng.randn(model.parameters.flat.length));
    const batch = {
      ...{ inputs: rng.randn(T * B * 3), steps: T, batch: B, lengths: [4, 3] },
      ...{ targets: Int32Array.of(1, 3, 2, 2), targetLengths: [2, 2] },
    };
    model.load(batch);
    model.forward();
    const losses = new Float64Array(B);
    // The model's rows are of three sequences, one of them empty.
    const logits = new Float64Array(T * B * V);
    const all = model.logits();
    for (let t = 0; t < T; t++) logits.set(all.subarray(t * 3 * V, (t * 3 + B) * V), t * B * V);
    const [logProbs, alpha] = [new Float64Array(T * B * V), new Float64Array(T * B * 5)];
    const lengths = Int32Array.from(batch.lengths);
    const targetLengths = Int32Array.from(batch.targetLengths);
    ctcForward(
      losses,
      logProbs,
      alpha,
      logits,
      batch.targets,
      targetLengths,
      lengths,
      Float64Array.of(1, 1),
      0,
      T,
      B,
      V,
      2,
    );
    expect(model.loss[0]).toBeCloseTo(losses[0] + losses[1], 12);
    expect(model.loss[0]).toBeGreaterThan(0);
  });

  it('refuses at once what cannot be aligned, and reads nothing of a sequence of weight 0', async () => {
    const trainer = await createTrainer(spec, { engine: 'ts', steps: 3, batch: 2, optimizer: adam() });
    const inputs = new Float32Array(3 * 2 * 3).fill(0.5);
    const batch = { inputs, targets: Int32Array.of(1, 2, 1, 3, 3, 0), targetLengths: [3, 2] };
    const [before] = await trainer.evaluate([batch]);
    const refused: [object, string][] = [
      [
        { targets: Int32Array.of(1, 1, 2, 3, 3, 0) },
        'batch.lengths[0] is 3: loss ctc needs one for each of its 3 labels',
      ],
      [
        { lengths: [3, 2] },
        'batch.lengths[1] is 2: loss ctc needs one for each of its 2 labels and one between equal ones',
      ],
      [{ targets: Int32Array.of(1, 0, 1, 3, 3, 0) }, 'batch.targets[1] is 0, the blank of loss ctc, which is no label'],
      [{ targets: Int32Array.of(1, 2, 1, 3, 4, 0) }, 'batch.targets[4] is 4, expected a label from 0 to 3'],
    ];
    for (const [change, message] of refused) {
      await expect(trainer.train([{ ...batch, ...change }])).rejects.toThrow(message);
    }
    expect(trainer.step).toBe(0);
    const silent = { ...batch, targets: Int32Array.of(1, 2, 1, -1, 0, 99), targetLengths: [3, 3], lossWeights: [1, 0] };
    expect(Number.isFinite((await trainer.train([silent]))[0])).toBe(true);
    expect((await trainer.evaluate([batch]))[0]).not.toBe(before);
    trainer.dispose();
  });

  /** Each sequence shows its labels as noisy one-hot vectors that last one to three steps, with pauses between. */
  function utterances(rng: RandomState, B: number, T: number, S: number) {
    const inputs = new Float64Array(T * B * 3).map(() => 0.1 * rng.randn());
    const targets = new Int32Array(B * S);
    const targetLengths: number[] = [];
    const lengths: number[] = [];
    for (let b = 0; b < B; b++) {
      const count = 1 + rng.randint(S);
      let t = 0;
      for (let s = 0; s < count; s++) {
        const label = rng.randint(3);
        targets[b * S + s] = label + 1;
        t += 1;
        for (const end = t + 1 + rng.randint(3); t < end; t++) inputs[(t * B + b) * 3 + label] += 1;
      }
      targetLengths.push(count);
      lengths.push(t + 1);
    }
    return { inputs, targets, targetLengths, lengths, steps: T, batch: B };
  }

  it.each([
    ['wasm', 1],
    ['wasm', 2],
  ] as const)('gives the losses of engine ts on %s with %i threads', async (engine, threads) => {
    const [T, B, S] = [14, 5, 3];
    const losses: Float64Array[] = [];
    for (const options of [{ engine: 'ts' }, { engine, threads }] as const) {
      const trainer = await createTrainer(spec, {
        ...{ steps: T, batch: B, labels: S, optimizer: adam({ lr: 0.02 }), seed: 6 },
        ...options,
      });
      const rng = new RandomState(8);
      const batches = Array.from({ length: 20 }, () => {
        const { inputs, ...batch } = utterances(rng, B, T, S);
        return { ...batch, inputs: Float32Array.from(inputs), lossWeights: [1, 0.5, 0, 1, 2] };
      });
      losses.push(await trainer.train(batches));
      trainer.dispose();
    }
    for (const [i, loss] of losses[0].entries()) expect(Math.abs(losses[1][i] - loss)).toBeLessThan(1e-4);
    expect(losses[0][19]).toBeLessThan(losses[0][0]);
  });

  it('trains a net to read labels off a signal', () => {
    const [T, B, S] = [14, 8, 3];
    const trainer = new CpuTrainer(
      tsEngine('float64'),
      { ...spec, hiddenSize: 12 },
      {
        ...{ steps: T, batch: B, labels: S, optimizer: adam({ lr: 0.02 }), clip: { norm: 5 } },
      },
    );
    const rng = new RandomState(4);
    trainer.model.parameters.flat.set(rng.uniform(-0.3, 0.3, trainer.model.parameters.flat.length));
    const losses = Array.from({ length: 250 }, () => trainer.update(utterances(rng, B, T, S)));
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses.slice(-20).reduce((a, b) => a + b) / 20).toBeLessThan(0.2);
    const test = utterances(new RandomState(99), B, T, S);
    trainer.model.load(test);
    trainer.model.predict();
    const decoded = ctcGreedyDecode(trainer.model.logits(), Int32Array.from(test.lengths), 0, T, B, 4);
    const right = decoded.filter(
      (labels, b) => labels.join() === test.targets.slice(b * S, b * S + test.targetLengths[b]).join(),
    );
    expect(right.length).toBeGreaterThanOrEqual(7);
  });
});
