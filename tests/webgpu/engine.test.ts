import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Params } from '../../src/bptt/gradcheck.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import type { RandomState } from '../../src/tensor/random.ts';
import type { Device } from '../../src/webgpu/device.ts';
import { type WebgpuEngineOptions, webgpuEngine } from '../../src/webgpu/engine.ts';
import { arbitraryModel, drawData, kinds, Runner, type SequenceCase, stateNames } from '../property/models.ts';
import { openTestDevice } from './device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.dispose());

/** In a browser only that it works there too. */
const inBrowser = 'document' in globalThis;

const FLOAT32 = 2 ** -23; // WGSL may round either way

/** Loss and gradients by the engine, computed twice: the second time what was recorded runs. */
async function byEngine(c: SequenceCase, options: WebgpuEngineOptions): Promise<[Params, Params]> {
  const engine = webgpuEngine(device, options);
  const data = drawData(c);
  const model = new SequenceModel(engine, c.spec, { steps: c.room, batch: c.B, inputGradient: true });
  const { stack, spec } = model;
  const { variables, ids, targets, finals, uniforms } = data;
  const own = (values: Float64Array) => Float32Array.from(values);
  model.load(
    {
      inputs: spec.input === 'ids' ? ids : own(variables.x),
      targets: targets instanceof Int32Array ? targets : own(targets),
      ...(c.lengths ? { lengths: c.lengths } : {}),
      ...(c.mask ? { mask: c.mask } : {}),
      ...(c.lossWeights ? { lossWeights: c.lossWeights } : {}),
    },
    c.keep,
  );
  for (const { name } of model.parameters.places) engine.write(model.parameters.get(name)!, variables[name]);
  for (const { name, layer, direction, which } of stateNames(spec)) {
    engine.write(stack.given(layer, direction)[which], variables[name]);
    if (finals[name]) engine.write(stack.dfinal(layer, direction)[which], finals[name]);
  }
  const stream = uniforms.flatMap((u) => Array.from(u));
  const pass = async (): Promise<Params> => {
    let drawn = 0;
    model.forward({ randomSample: () => stream[drawn++] } as unknown as RandomState);
    engine.fill(model.gradients.flat, 0);
    model.backward(true, c.span);
    const got: Params = { loss: Float64Array.from(await model.loss.read()) };
    const gradients = await model.gradients.flat.read();
    for (const { name, offset, length } of model.gradients.places) {
      got[name] = Float64Array.from(gradients.subarray(offset, offset + length));
    }
    for (const { name, layer, direction, which } of stateNames(spec)) {
      got[name] = Float64Array.from(await stack.dgiven(layer, direction)[which].read());
    }
    if (spec.input === 'dense') {
      got.x = Float64Array.from((await stack.dx.read()).subarray(0, c.T * c.B * spec.inputSize));
    }
    return got;
  };
  const both: [Params, Params] = [await pass(), await pass()];
  engine.dispose();
  return both;
}

/**
 * How far float32 may be from float64 after so many operations: on the way from any number to the loss and back there
 * are at most 2·T·layers steps, each with a sum of `inner` products and a few functions of some ulps.
 */
function boundOf(c: SequenceCase, scale: number): number {
  const { hiddenSize, inputSize, layers = 1, outputSize } = c.spec;
  const inner = 2 * hiddenSize + inputSize + outputSize + 40;
  return 2 * c.T * layers * inner * FLOAT32 * scale;
}

/**
 * The walk as it stands, fused with a dispatch a step, and fused with whole recurrences: as this device does them, as a
 * GPU does small ones, and with weights that are too many to be kept; and with tiles and workgroups of another size.
 */
const ways = {
  walk: { fused: false },
  steps: { persistent: false },
  tiles: { persistent: { rows: 2, fours: 1 } },
  persistent: {},
  kept: { persistent: { rows: 1, units: 4, held: 16, parts: 1 } },
  read: { persistent: { rows: 4, units: 8, held: 0, parts: 3, threads: 4 } },
} as const satisfies Record<string, WebgpuEngineOptions>;

describe('loss and gradients of whole models are those of float64, in every feature, and the same bits twice', () => {
  // Kernels take long to compile on a software adapter, so that not every cell goes every way.
  const fused = kinds.filter(
    (kind) => kind.cell !== 'gruResetBefore' && !('nonlinearity' in kind && /sigmoid|identity/.test(kind.nonlinearity)),
  );
  const all = [
    ...(inBrowser ? [] : kinds.map((kind) => [kind, 'walk'] as const)),
    ...(inBrowser ? [] : fused.map((kind) => [kind, 'steps'] as const)),
    ...fused.filter(({ cell }) => !inBrowser && cell === 'lstm').map((kind) => [kind, 'tiles'] as const),
    ...fused.filter(({ cell }) => !inBrowser && cell !== 'lstm').map((kind) => [kind, 'read'] as const),
    ...fused.filter(({ cell }) => !inBrowser && cell !== 'elman').map((kind) => [kind, 'kept'] as const),
    ...fused.filter((_, k) => k === 0).map((kind) => [kind, 'persistent'] as const),
  ];

  it.each(all)('%o, %s', async (kind, way) => {
    let compared = 0;
    const cases = arbitraryModel({
      kind: fc.constant(kind),
      hiddenSize: fc.integer({ min: 1, max: 9 }),
      B: fc.constantFrom(1, 5),
      lengths: fc.array(fc.nat({ max: 6 }), { minLength: 5, maxLength: 5 }),
      mask: fc.array(fc.constantFrom(1, 0), { minLength: 30, maxLength: 30 }),
      lossWeights: fc.array(fc.constantFrom(1, 0.5, 0, 2), { minLength: 30, maxLength: 30 }),
      keep: fc.array(fc.constantFrom(0, 1), { minLength: 5, maxLength: 5 }),
      span: fc.integer({ min: 1, max: 6 }),
    });
    const runs = fc.sample(cases, { numRuns: 5, seed: 20261121 });
    for (const c of runs) {
      const runner = new Runner(c);
      const want: Params = { ...runner.gradients(), loss: runner.model.loss as Float64Array };
      const [got, again] = await byEngine(c, ways[way]);
      const scale = Math.max(1, ...Object.values(want).flatMap((values) => [...values].map(Math.abs)));
      const bound = boundOf(c, scale);
      for (const [name, values] of Object.entries(want)) {
        expect(got[name].length).toBe(values.length);
        for (let i = 0; i < values.length; i++) {
          if (!(Math.abs(got[name][i] - values[i]) <= bound)) {
            throw new Error(`${name}[${i}]: got ${got[name][i]}, want ${values[i]} ± ${bound}\n${JSON.stringify(c)}`);
          }
          compared++;
        }
      }
      expect(again).toEqual(got);
    }
    expect(compared).toBeGreaterThan(200);
  });
});
