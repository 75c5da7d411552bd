import {
  type Loss,
  type LossWindow,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from 'bptt/layers';
import { checkLoss } from 'bptt/testing';
import { describe, expect, test } from 'vitest';

/** Of each sequence the squared distance of the mean of its outputs from its first target row: a loss per sequence. */
const ofMeans: Loss = {
  name: 'ofMeans',
  targets: 'values',
  per: 'sequence',
  scratchSize: ({ B, V }) => B * V,
  outputs: (o, z) => o.set(z),
  forward({ losses, outputs, logits, targetValues, weights, lengths, scratch, B, V }) {
    outputs.set(logits);
    for (let b = 0; b < B; b++) {
      losses[b] = 0;
      for (let v = 0; v < V; v++) {
        let sum = 0;
        for (let t = 0; t < lengths[b]; t++) sum += logits[(t * B + b) * V + v];
        scratch[b * V + v] = sum / lengths[b] - targetValues[b * V + v];
        if (weights[b] !== 0) losses[b] += weights[b] * scratch[b * V + v] ** 2;
      }
    }
  },
  backward({ dlogits, weights, lengths, scratch, T, B, V }) {
    for (let i = 0; i < T * B * V; i++) {
      const [t, b, v] = [Math.floor(i / (B * V)), Math.floor(i / V) % B, i % V];
      dlogits[i] = t < lengths[b] ? (2 * weights[b] * scratch[b * V + v]) / lengths[b] : 0;
    }
  },
};

describe('a right loss passes', () => {
  test.each(
    [softmaxCrossEntropy, sigmoidCrossEntropy, squaredError, squaredErrorOfSigmoid, ofMeans].map(
      (loss, i) => [`${i} ${loss.name}`, loss] as const,
    ),
  )('%s', (_, loss) => {
    const report = checkLoss(loss, { seed: 3 });
    expect(report.runs).toBe(30);
    expect(report.gradients).toBeGreaterThan(200);
    expect(report.padded).toBeGreaterThan(5);
  });
});

/** A loss with something done after its forward and after its backward. */
function followed(loss: Loss, change: { forward?(w: LossWindow): void; backward?(w: LossWindow): void }): Loss {
  return {
    ...loss,
    name: 'broken',
    forward(w) {
      loss.forward(w);
      change.forward?.(w);
    },
    backward(w) {
      loss.backward(w);
      change.backward?.(w);
    },
  };
}

const broken: [string, RegExp, Loss][] = [
  [
    'a wrong gradient',
    /gradients differ from central differences/,
    followed(squaredError, {
      backward: ({ dlogits }) =>
        dlogits.forEach((d, i) => {
          dlogits[i] = 1.001 * d;
        }),
    }),
  ],
  [
    'a loss of padding',
    /row \d of weight 0 has loss 1, expected 0/,
    followed(squaredError, {
      forward: ({ losses, weights }) =>
        weights.forEach((w, i) => {
          if (w === 0) losses[i] = 1;
        }),
    }),
  ],
  [
    'a gradient of padding',
    /dlogits\[\d+\] \(row \d+, of weight 0\) is 1, expected 0/,
    followed(squaredError, {
      backward: ({ dlogits, weights, V }) =>
        weights.forEach((w, i) => {
          if (w === 0) dlogits[i * V] = 1;
        }),
    }),
  ],
  [
    'a loss of a padded target of 0',
    /row \d of weight 0 has loss NaN, expected 0, with padded targets \(0\)/,
    followed(squaredError, {
      forward: ({ losses, targetValues, weights, V }) =>
        weights.forEach((w, r) => {
          if (w === 0) losses[r] = w / targetValues[r * V];
        }),
    }),
  ],
  [
    'a gradient of a padded target of 0',
    /dlogits\[\d+\] \(row \d+, of weight 0\) is NaN, expected 0, with padded targets \(0\)/,
    followed(squaredError, {
      backward: ({ dlogits, targetValues, weights, V }) =>
        weights.forEach((w, r) => {
          if (w === 0) dlogits[r * V] = w / targetValues[r * V];
        }),
    }),
  ],
  [
    'a gradient past the length',
    /past the length of its sequence/,
    { ...ofMeans, name: 'broken', backward: (w) => ofMeans.backward({ ...w, lengths: w.lengths.map(() => w.T) }) },
  ],
  [
    'logits past the length',
    /depends on the logits of padding/,
    followed(ofMeans, {
      forward({ losses, logits, lengths, weights, T, B, V }) {
        for (let b = 0; b < B; b++)
          if (lengths[b] < T && weights[b] !== 0) losses[b] += weights[b] * logits[((T - 1) * B + b) * V];
      },
    }),
  ],
  [
    'a weight that is no factor',
    /losses with twice the weights \[\d+\] is .*, twice as much is/,
    followed(squaredError, {
      forward: ({ losses, weights }) =>
        weights.forEach((w, i) => {
          if (w !== 0) losses[i] += 1;
        }),
    }),
  ],
  [
    'a loss that adds',
    /losses\[0\] depends on what stood there before/,
    {
      ...squaredError,
      name: 'broken',
      forward(w) {
        const before = w.losses[0];
        squaredError.forward(w);
        w.losses[0] += before;
      },
    },
  ],
  [
    'a gradient that adds',
    /dlogits\[0\] depends on what stood there before/,
    {
      ...squaredError,
      name: 'broken',
      backward(w) {
        const before = w.dlogits[0];
        squaredError.backward(w);
        w.dlogits[0] += before;
      },
    },
  ],
  [
    'outputs of another kind',
    /what outputs\(\) gives: \[\d+\] is .*, forward leaves/,
    { ...sigmoidCrossEntropy, name: 'broken', outputs: (o, z) => o.set(z) },
  ],
  [
    'a write to the logits',
    /forward writes to logits, which it is to leave alone/,
    followed(squaredError, {
      forward: ({ logits }) => {
        logits[0] += 1;
      },
    }),
  ],
  [
    'a write behind the back',
    /logits\[0\] was changed by a pass/,
    followed(squaredError, {
      forward: ({ logits }) => {
        logits.subarray(0)[0] += 1;
      },
    }),
  ],
  [
    'a write past the end',
    /backward writes dlogits\[\d+\], which has \d+ elements/,
    followed(squaredError, {
      backward: ({ dlogits }) => {
        dlogits[dlogits.length] = 1;
      },
    }),
  ],
  [
    'rows that see one another',
    /losses of row \d alone/,
    followed(squaredError, {
      forward: ({ losses, outputs, weights, R, V }) => {
        if (R > 1 && weights[0] !== 0 && weights[1] !== 0) losses[0] += weights[0] * outputs[V];
      },
    }),
  ],
  [
    'digits that float32 lacks',
    /in float32/,
    followed(squaredError, {
      forward: ({ outputs }) => {
        outputs.forEach((v, i) => {
          outputs[i] = v + 1e6;
          outputs[i] -= 1e6;
        });
      },
    }),
  ],
];

describe('a broken loss is caught', () => {
  test.each(broken)('%s', (_, message, loss) => {
    // Lost digits show in float64, too, where outputs are compared; only float32 is to be judged there.
    const judged = String(message).includes('float32') ? { ...loss, outputs: roughly } : loss;
    expect(() => checkLoss(judged)).toThrow(message);
    expect(() => checkLoss(judged)).toThrow(
      /checkLoss: broken: [\s\S]*sizes \{.*\}, numbers from seed \d+; run with seed 0/,
    );
  });
});

const roughly: Loss['outputs'] = (o, z) =>
  z.forEach((v, i) => {
    o[i] = v + 1e6;
    o[i] -= 1e6;
  });

test.each<[unknown, string]>([
  [undefined, 'checkLoss: loss is undefined, expected a loss'],
  ['squaredError', "checkLoss: loss is 'squaredError', expected a loss"],
  [{ ...squaredError, per: 'step' }, "checkLoss: loss squaredError: per is 'step', expected row, sequence"],
  [{ ...squaredError, outputs: undefined }, 'checkLoss: loss squaredError: outputs is undefined, expected a function'],
])('what is no loss is named: %j', (loss, message) => {
  expect(() => checkLoss(loss as never)).toThrow(message);
});
