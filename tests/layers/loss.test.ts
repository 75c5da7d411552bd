import { describe, expect, it } from 'vitest';
import {
  type Loss,
  type LossWindow,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from '../../src/layers/loss.ts';
import { checkLoss } from '../../src/testing/checkLoss.ts';
import { dtypes, expectNear, from, garbage, logistic } from './support.ts';

const Z = [0.5, -1, 2, 3, 0, -0.25];
const Y = [0.25, 1, 0.5, 0, 1, 0.75];
const W = [0.5, 2];
const IDS = [2, 0];

/** [R,V] = [2,3], row by row: the loss of a row and its gradient, written down. */
const rows: [
  string,
  Loss,
  (z: number[], y: number[], id: number) => { loss: number; outputs: number[]; gradient: number[] },
][] = [
  [
    'softmaxCrossEntropy',
    softmaxCrossEntropy,
    (z, _, id) => {
      const sum = z.reduce((total, value) => total + Math.exp(value), 0);
      const outputs = z.map((value) => Math.exp(value) / sum);
      return { loss: -Math.log(outputs[id]), outputs, gradient: outputs.map((p, i) => p - Number(i === id)) };
    },
  ],
  [
    'sigmoidCrossEntropy',
    sigmoidCrossEntropy,
    (z, y) => {
      const outputs = z.map(logistic);
      const terms = outputs.map((o, i) => -y[i] * Math.log(o) - (1 - y[i]) * Math.log(1 - o));
      return { loss: terms.reduce((a, b) => a + b), outputs, gradient: outputs.map((o, i) => o - y[i]) };
    },
  ],
  [
    'squaredError',
    squaredError,
    (z, y) => ({
      loss: z.reduce((sum, o, i) => sum + (o - y[i]) ** 2, 0),
      outputs: z,
      gradient: z.map((o, i) => 2 * (o - y[i])),
    }),
  ],
  [
    'squaredErrorOfSigmoid',
    squaredErrorOfSigmoid,
    (z, y) => {
      const outputs = z.map(logistic);
      const loss = outputs.reduce((sum, o, i) => sum + (o - y[i]) ** 2, 0);
      return { loss, outputs, gradient: outputs.map((o, i) => 2 * (o - y[i]) * o * (1 - o)) };
    },
  ],
];

describe.each(dtypes)('losses per row, %s', (dtype) => {
  it.each(rows)('%s', (_, loss, plain) => {
    const none = from(dtype, []);
    const window: LossWindow = {
      ...{ R: 2, T: 2, B: 1, V: 3, S: 0, logits: from(dtype, Z), weights: from(dtype, W), scratch: none },
      ...{ losses: garbage(dtype, 2), outputs: garbage(dtype, 6), dlogits: garbage(dtype, 6) },
      targetIds: Int32Array.from(loss.targets === 'classes' ? IDS : []),
      targetValues: loss.targets === 'values' ? from(dtype, Y) : none,
      ...{ lengths: new Int32Array(0), targetLengths: new Int32Array(0) },
    };
    loss.forward(window);
    loss.backward(window);
    const want = [0, 1].map((r) => plain(Z.slice(r * 3, r * 3 + 3), Y.slice(r * 3, r * 3 + 3), IDS[r]));
    expectNear(
      window.losses,
      want.map((row, r) => W[r] * row.loss),
      16,
    );
    expectNear(
      window.outputs,
      want.flatMap((row) => row.outputs),
      16,
    );
    expectNear(
      window.dlogits,
      want.flatMap((row, r) => row.gradient.map((g) => W[r] * g)),
      16,
    );
    const outputs = garbage(dtype, 6);
    loss.outputs(outputs, window.logits, 2, 3);
    expect(outputs).toStrictEqual(window.outputs);
  });
});

describe('every bundled loss keeps the promises of a loss', () => {
  it.each(rows)('%s', (_, loss) => {
    expect(checkLoss(loss, { runs: 20, seed: 8 }).gradients).toBeGreaterThan(100);
  });

  it('and says what it is', () => {
    for (const [, loss] of rows) expect(loss.per).toBe('row');
    expect(softmaxCrossEntropy).toMatchObject({ targets: 'classes' });
    expect(softmaxCrossEntropy.meanOverOutputs ?? false).toBe(false);
    for (const loss of [sigmoidCrossEntropy, squaredError, squaredErrorOfSigmoid]) {
      expect(loss).toMatchObject({ targets: 'values', meanOverOutputs: true });
    }
  });
});
