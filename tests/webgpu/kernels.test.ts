import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { RandomState } from '../../src/tensor/random.ts';
import { type KernelCheck, type Placement, runCheck, type Sizes } from '../../src/webgpu/selfTest/check.ts';
import { checksFor } from '../../src/webgpu/selfTest/checks.ts';
import { modelCalls, modelChecks, modelSizes, runModelCheck } from '../../src/webgpu/selfTest/modelChecks.ts';
import { webgpuEngine } from '../../src/webgpu/training/engine.ts';
import { openTestDevice } from './device.ts';

const device = await openTestDevice();
let cases = 0;
afterAll(() => {
  const host = 'document' in globalThis ? 'Chromium' : 'Node';
  console.log(`WebGPU: ${cases} kernel checks passed in ${host}`);
  device.dispose();
});

/** Around the edges of vectors, workgroups and tiles. */
const EDGES = [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 257, 521];

function sizesOf({ sizes }: KernelCheck): fc.Arbitrary<Sizes> {
  const one = (most: number): fc.Arbitrary<number> =>
    fc.oneof(fc.constantFrom(...EDGES.filter((edge) => edge <= most), most), fc.integer({ min: 1, max: most }));
  return fc.record(Object.fromEntries(Object.entries(sizes).map(([letter, most]) => [letter, one(most)])));
}

function placementOf({ inPlace }: KernelCheck): fc.Arbitrary<Placement> {
  return fc.record({
    together: fc.boolean(),
    pad: fc.constantFrom(3, 4),
    inPlace: inPlace ? fc.boolean() : fc.constant(false),
  });
}

describe('each kernel is within its bound of the float64 function, gives the same bits twice, touches nothing else', () => {
  it.each(checksFor(device, true).map((check) => [check.name, check] as const))(
    '%s',
    async (_, check) => {
      await fc.assert(
        fc.asyncProperty(sizesOf(check), fc.nat(), placementOf(check), async (sizes, seed, placement) => {
          expect(await runCheck(device, check, sizes, seed, placement)).toBeNull();
          cases++;
        }),
        // What is made for GPUs takes a software adapter a second to compile, in every variant.
        { numRuns: check.only && device.adapter.software ? 2 : 6 },
      );
    },
    180_000,
  );
});

describe('passes of each model are within their bound of float64, give the same bits twice, touch nothing else', () => {
  it.each(modelChecks.map((check) => [check.name, check] as const))('%s', async (_, check) => {
    for (let seed = 0; seed < 6; seed++) {
      const sizes = modelSizes(new RandomState(seed));
      expect(await runModelCheck(device, check, sizes, seed)).toBeNull();
      cases++;
    }
  });

  const sizes = { T: 3, B: 4, H: 2, V: 3 };

  it('so every kernel and stage that an engine has is tried', () => {
    const tried = new Set<string>(
      modelChecks.flatMap((check) => modelCalls(device, check, sizes).map(({ kernel }) => kernel)),
    );
    const names = checksFor(device, true).map(({ name }) => name.split(/[ ,]/)[0]);
    const engine = webgpuEngine(device);
    const stages = ['recurrenceForward', 'recurrenceBackward', 'lossOutputs', 'lossForward', 'lossBackward'];
    const all = [...Object.keys(engine.kernels), ...stages, 'lossForwardBackward', 'weightGradients'];
    expect(all.length).toBeGreaterThan(25);
    expect(all.filter((name) => !(name in engine) && !(name in engine.kernels))).toEqual([]);
    expect(all.filter((name) => !tried.has(name) && !names.includes(name))).toEqual([]);
  });

  it.each([
    ['a dispatch a step', /, a dispatch a step$/],
    ['all steps in a dispatch', /, 3 steps in a dispatch$/],
  ])('of which those that are called «%s» are', (way, recurrence) => {
    const those = modelChecks.filter(({ name }) => name.endsWith(way));
    expect(those.length).toBeGreaterThan(2);
    for (const check of those) {
      const stages = modelCalls(device, check, sizes).map(({ name }) => name);
      const walked = stages.filter((stage) => recurrence.test(stage));
      expect(walked.length, check.name).toBe(2 * (check.spec.layers ?? 1)); // forward and backward
    }
  });
});
