import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CpuEngine, tsEngine } from '../../src/bptt/engine.ts';
import { assertGradcheck, type Params } from '../../src/bptt/gradcheck.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import { ParameterBlock } from '../../src/bptt/parameters.ts';
import { RecurrentStack } from '../../src/bptt/recurrent.ts';
import { type ModelSpec, parameterLayout, resolveSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { wasmEngine } from '../../src/wasm/engine.ts';
import { expectNear } from '../layers/support.ts';
import { type Kind, kinds } from '../property/models.ts';

/** A stack whose final states are the initial states of a model, as in docs/encoder-decoder.md. */
interface Case {
  kind: Kind;
  layers: number;
  T: number;
  S: number;
  B: number;
  /** Of the encoder's sequences and the decoder's. */
  read: readonly number[];
  written: readonly number[];
  seed: number;
}

const H = 3;
const V = 4;

const cases: fc.Arbitrary<Case> = fc
  .record({
    kind: fc.constantFrom<Kind[]>(...kinds),
    layers: fc.integer({ min: 1, max: 2 }),
    T: fc.integer({ min: 1, max: 4 }),
    S: fc.integer({ min: 1, max: 4 }),
    B: fc.integer({ min: 1, max: 3 }),
    lengths: fc.array(fc.nat({ max: 3 }), { minLength: 6, maxLength: 6 }),
    seed: fc.nat(),
  })
  .map(({ lengths, ...c }) => ({
    ...c,
    read: lengths.slice(0, c.B).map((length) => 1 + (length % c.T)),
    written: lengths.slice(3, 3 + c.B).map((length) => 1 + (length % c.S)),
  }));

/** The net on an engine; the weights are written into `values`, the gradients come with the loss. */
function netOf({ kind, layers, T, S, B, read, written, seed }: Case, engine: CpuEngine) {
  const shared: ModelSpec = {
    ...kind,
    layers,
    inputSize: V,
    hiddenSize: H,
    outputSize: V,
    loss: 'softmaxCrossEntropy',
  };
  const spec = resolveSpec({ ...shared, outputSize: 0 });
  const layout = parameterLayout(spec);
  const [parameters, gradients] = [new ParameterBlock(engine, layout), new ParameterBlock(engine, layout)];
  const encoder = new RecurrentStack(engine, spec, T, B, parameters, gradients);
  const decoder = new SequenceModel(engine, shared, { steps: S, batch: B });
  const rng = new RandomState(seed % 2 ** 32);
  const draw = (n: number): Int32Array => Int32Array.from(rng.randint(0, V, n));
  encoder.ids.set(draw(T * B));
  for (let b = 0; b < B; b++) for (let t = 0; t < read[b]; t++) encoder.mask[t * B + b] = 1;
  const batch = { inputs: draw(S * B), targets: draw(S * B), lengths: written, steps: S };
  const values = { encoder: parameters.flat, decoder: decoder.parameters.flat };
  for (const block of Object.values(values)) block.set(rng.randn(block.length).map((v) => 0.7 * v));
  const window = { steps: T, masked: true, dropping: false };
  const eachState = (visit: (layer: number, state: number) => void): void => {
    for (let layer = 0; layer < layers; layer++) for (let s = 0; s < spec.cell.states.length; s++) visit(layer, s);
  };
  const compute = (): { loss: number; gradients: Record<keyof typeof values, FloatArray> } => {
    encoder.forward(window);
    decoder.load(batch, true);
    eachState((layer, s) => {
      decoder.stack.initial(layer)[s].set(encoder.recurrence(window, layer).final[s]);
    });
    for (const block of [gradients, decoder.gradients]) block.flat.fill(0);
    decoder.forwardBackward();
    eachState((layer, s) => {
      encoder.dfinal(layer)[s].set(decoder.stack.dinitial(layer)![s]);
    });
    encoder.doutput(window).fill(0);
    engine.weightGradients(encoder.backward(window, Number.POSITIVE_INFINITY));
    return { loss: decoder.loss[0], gradients: { encoder: gradients.flat, decoder: decoder.gradients.flat } };
  };
  return { values, compute };
}

test('the gradient of an encoder that a decoder goes on from is that of central differences, for every cell', () => {
  fc.assert(
    fc.property(cases, (c) => {
      const { values, compute } = netOf(c, tsEngine('float64'));
      assertGradcheck(
        { loss: () => compute().loss, gradients: () => compute().gradients as Params },
        values as Params,
        { mode: 'sampled', samples: 6 },
      );
    }),
    { numRuns: 25 },
  );
});

test('and on engine wasm that of engine ts', () => {
  fc.assert(
    fc.property(cases, (c) => {
      const [here, there] = [netOf(c, tsEngine('float64')), netOf(c, wasmEngine({ lengths: [20_000] }))];
      for (const name of ['encoder', 'decoder'] as const) {
        there.values[name].set(here.values[name]);
        here.values[name].set(there.values[name]);
      }
      const [want, got] = [here.compute(), there.compute()];
      // At most 2·8 steps forward and back of sums of up to 16 products and a few functions, gates and weights around 1.
      for (const name of ['encoder', 'decoder'] as const) {
        expectNear(got.gradients[name], want.gradients[name], 2 * 16 * 40 * 4);
      }
      expect(Math.abs(got.loss - want.loss)).toBeLessThan(1e-4 * Math.max(1, want.loss));
    }),
    { numRuns: 25 },
  );
});
