import { linearBackward, linearForward } from 'bptt/layers';
import { checkLayer, type LayerUnderTest, type Tensors } from 'bptt/testing';
import { describe, expect, test } from 'vitest';

type Sizes = Record<'B' | 'H', number>;

/** A leaky integrator of one's own: y = a ⊙ x + (1 − a) ⊙ s with a = σ(w), one a for each unit. */
const leaky: LayerUnderTest<'B' | 'H'> = {
  name: 'leaky',
  sizes: { B: [1, 4], H: [1, 5] },
  batch: 'B',
  inputs: { x: ['B', 'H'], s: ['B', 'H'] },
  parameters: { w: ['H'] },
  outputs: { y: ['B', 'H'] },
  caches: { a: ['H'] },
  forward({ y }, { a }, { x, s }, { w }, { B, H }) {
    for (let j = 0; j < H; j++) a[j] = 1 / (1 + Math.exp(-w[j]));
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) y[b * H + j] = a[j] * x[b * H + j] + (1 - a[j]) * s[b * H + j];
    }
  },
  backward({ x: dx, s: ds }, { w: dw }, { y: dy }, { a }, { x, s }, _w, _y, { B, H }) {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const i = b * H + j;
        dx[i] = a[j] * dy[i];
        ds[i] = (1 - a[j]) * dy[i];
        dw[j] += dy[i] * (x[i] - s[i]) * a[j] * (1 - a[j]);
      }
    }
  },
};

describe('checkLayer', () => {
  test('a right layer passes, and says how much was checked', () => {
    const report = checkLayer(leaky, { runs: 20, seed: 1 });
    expect(report.runs).toBe(20);
    expect(report.gradients).toBeGreaterThan(20 * 3);
  });

  test('the library’s own linear layer passes', () => {
    const report = checkLayer<'R' | 'D' | 'O'>({
      name: 'linear',
      sizes: { R: [1, 3], D: [1, 4], O: [1, 4] },
      batch: 'R',
      inputs: { x: ['R', 'D'] },
      parameters: { W: ['O', 'D'], b: ['O'] },
      outputs: { y: ['R', 'O'] },
      forward: ({ y }, _, { x }, { W, b }, { R, D, O }) => linearForward(y, x, W, b, R, D, O),
      backward: ({ x: dx }, { W: dW, b: db }, { y: dy }, _, { x }, { W }, _y, { R, D, O }) =>
        linearBackward(dx, dW, db, dy, x, W, R, D, O),
    });
    expect(report.gradients).toBeGreaterThan(0);
  });

  test('a parameter gradient that is no sum over the batch is caught where differences are not exact enough', () => {
    const mean: LayerUnderTest<'B' | 'H'> = {
      ...leaky,
      name: 'mean',
      backward(dinputs, dparameters, doutputs, caches, inputs, parameters, outputs, sizes) {
        const own = { w: dparameters.w.slice().fill(0) };
        leaky.backward(dinputs, own, doutputs, caches, inputs, parameters, outputs, sizes);
        own.w.forEach((d, i) => {
          dparameters.w[i] += d / sizes.B;
        });
      },
    };
    // Four examples at most: a mean is off by a factor of up to 4, a relative error of ¾.
    expect(() => checkLayer(mean, { tolerance: 0.8 })).toThrow(/the sum of the examples' dparameters\.w\[0\] is /);
    expect(checkLayer(leaky, { tolerance: 0.8 }).runs).toBe(30);
  });

  const broken: [string, RegExp, Partial<LayerUnderTest<'B' | 'H'>>][] = [
    ['a gradient of the wrong sign', /gradients differ from central differences/, wrap(({ x }) => negate(x))],
    [
      'a parameter gradient that overwrites',
      /dparameters\.w\[0\] is .* added to 0\.5/,
      {
        backward(dinputs, dparameters, ...rest) {
          dparameters.w.fill(0);
          leaky.backward(dinputs, dparameters, ...rest);
        },
      },
    ],
    [
      'an input gradient that adds',
      /dinputs\.x\[0\] depends on what stood there before/,
      {
        backward(dinputs, ...rest) {
          const before = dinputs.x.slice();
          leaky.backward(dinputs, ...rest);
          dinputs.x.forEach((d, i) => {
            dinputs.x[i] = d + before[i];
          });
        },
      },
    ],
    [
      'an output that adds',
      /outputs\.y\[0\] depends on what stood there before/,
      {
        forward(outputs, ...rest) {
          const before = outputs.y.slice();
          leaky.forward(outputs, ...rest);
          outputs.y.forEach((v, i) => {
            outputs.y[i] = v + before[i];
          });
        },
      },
    ],
    [
      'a pass that writes to its input',
      /x\[0\] was changed by a pass/,
      {
        forward(outputs, caches, inputs, ...rest) {
          leaky.forward(outputs, caches, inputs, ...rest);
          inputs.x[0] += 1;
        },
      },
    ],
    [
      'a gradient out of nothing',
      /where nothing comes from above/,
      wrap(({ s }) =>
        s.forEach((d, i) => {
          s[i] = d + 1;
        }),
      ),
    ],
    [
      'examples that leak into one another',
      /of example 0 alone/,
      {
        forward(outputs, caches, inputs, parameters, sizes) {
          leaky.forward(outputs, caches, inputs, parameters, sizes);
          const { y } = outputs;
          if (sizes.B > 1) for (let j = 0; j < sizes.H; j++) y[j] += inputs.x[sizes.H + j];
        },
        backward(dinputs, dparameters, doutputs, caches, inputs, parameters, outputs, sizes) {
          leaky.backward(dinputs, dparameters, doutputs, caches, inputs, parameters, outputs, sizes);
          if (sizes.B > 1) for (let j = 0; j < sizes.H; j++) dinputs.x[sizes.H + j] += doutputs.y[j];
        },
      },
    ],
    [
      'numbers that float32 cannot hold',
      /in float32/,
      {
        forward(outputs, caches, inputs, parameters, sizes) {
          leaky.forward(outputs, caches, inputs, parameters, sizes);
          const big = 1e6;
          outputs.y.forEach((v, i) => {
            outputs.y[i] = v + big;
            outputs.y[i] -= big;
          });
        },
      },
    ],
  ];

  test.each(broken)('%s is caught', (_, message, change) => {
    const layer = { ...leaky, name: 'broken', ...change };
    // A lost digit is a kink to differences; only float32 is to be judged there.
    const options = String(message).includes('float32') ? { tolerance: 0.5 } : {};
    expect(() => checkLayer(layer, options)).toThrow(message);
    expect(() => checkLayer(layer, options)).toThrow(
      /checkLayer: broken: [\s\S]*sizes \{.*\}, numbers from seed \d+; run with seed 0/,
    );
  });

  test('state kept between calls is caught', () => {
    let calls = 0;
    const layer = { ...leaky, name: 'stateful' };
    layer.forward = (outputs: Tensors, caches: Tensors, inputs: Tensors, parameters: Tensors, sizes: Sizes) => {
      leaky.forward(outputs, caches, inputs, parameters, sizes);
      outputs.y[0] += calls++ % 2;
    };
    expect(() => checkLayer(layer)).toThrow(/differs between two equal calls|depends on what stood/);
  });

  test('a layer without anything to differentiate is refused', () => {
    const nothing: LayerUnderTest<'B'> = {
      name: 'nothing',
      sizes: { B: [1, 1] },
      inputs: { x: ['B'] },
      outputs: { y: ['B'] },
      fill: (values) => values.fill(0),
      // |x| at 0: a kink is all there is.
      forward: ({ y }, _, { x }) => y.set(x.map(Math.abs)),
      backward: ({ x: dx }, _, { y: dy }) => dx.set(dy),
    };
    expect(() => checkLayer(nothing)).toThrow(/checkLayer: nothing/);
  });
});

function negate(values: Tensors[string]): void {
  values.forEach((v, i) => {
    values[i] = -v;
  });
}

/** The right backward, and then something done to the gradients of the inputs. */
function wrap(change: (dinputs: Tensors) => void): Partial<LayerUnderTest<'B' | 'H'>> {
  return {
    backward(dinputs, ...rest) {
      leaky.backward(dinputs, ...rest);
      change(dinputs);
    },
  };
}
