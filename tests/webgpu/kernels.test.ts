import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type KernelCheck, type Placement, runCheck, type Sizes } from '../../src/webgpu/check.ts';
import { checksFor } from '../../src/webgpu/checks.ts';
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
