import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { damagedFile } from '../fuzz/damage.ts';
import { targets } from '../fuzz/entries.ts';
import { judge } from '../fuzz/judge.ts';
import { Random } from '../fuzz/random.ts';
import type { Recipe } from '../fuzz/recipe.ts';
import { contents, holdsNonFinite } from '../fuzz/tree.ts';
import { watch } from '../fuzz/watch.ts';

it('nothing that is exported goes wrong in so many calls of a fixed seed', async () => {
  const { wrong, tried, named, right } = await watch({ seed: 1, cases: 4000, milliseconds: 120_000, device: false });
  expect(Object.fromEntries(wrong)).toEqual({});
  expect(tried).toBeGreaterThan(3500);
  expect(named).toBeGreaterThan(1000);
  expect(right).toBeGreaterThan(1000);
}, 150_000);

/** What the fuzzer makes of a function, over so many cases. */
async function verdicts(call: (...args: unknown[]) => unknown, recipe: Recipe): Promise<string[]> {
  const found = new Set<string>();
  for (let index = 0; index < 200; index++) {
    const verdict = await judge({ name: 'probe', own: 'probe', recipe, call }, 1, index);
    if (verdict.kind === 'wrong') found.add(verdict.what.replace(/:.*/s, ''));
  }
  return [...found].sort();
}

const numbers: Recipe = { args: () => [new Float64Array([1, 2]), 2] };

function checked(a: unknown, n: unknown): asserts a is Float64Array {
  if (!(a instanceof Float64Array) || typeof n !== 'number' || a.length !== n) throw new TypeError('probe: bad');
}

it('finds a function right that is', async () => {
  expect(await verdicts((a, n) => checked(a, n), { ...numbers, unbounded: true })).toEqual([]);
});

it.each<[string, (a: unknown, n: unknown) => unknown, string]>([
  ['an unnamed error', (a) => (a as Float64Array).subarray(0), 'unnamed error'],
  ['no check at all', () => 1, 'took what it must not take'],
  [
    'a change by a call that throws',
    (a, n) => {
      if (a instanceof Float64Array) a[0]++;
      checked(a, n);
    },
    'arguments changed by a call that threw TypeError',
  ],
  [
    'a NaN from nowhere',
    (a, n) => {
      checked(a, n);
      return Number.NaN;
    },
    'a number that is not finite from finite ones',
  ],
  [
    'a good call that throws',
    () => {
      throw new RangeError('probe: no');
    },
    'a good call threw RangeError',
  ],
])('finds %s', async (_, call, what) => {
  expect(await verdicts(call, numbers)).toContain(what);
});

it('knows everything that is exported', async () => {
  const names = (await targets({ device: false })).map(({ name }) => name);
  expect(names).toContain('bptt createTrainer');
  expect(names).toContain('bptt/tensor RandomState.choice');
  expect(names).toContain('bptt/data CharVocabulary.fromText');
  expect(names).not.toContain('bptt Trainer.assertAlive');
});

it('damages a file in ways that a seed repeats', () => {
  const file = new Uint8Array(readFileSync(new URL('interop/fixtures/torch/gru.npz', import.meta.url)));
  for (let seed = 0; seed < 50; seed++) {
    expect(damagedFile(new Random(seed), file)).toEqual(damagedFile(new Random(seed), file));
  }
});

it('sees what is in an argument', () => {
  expect(contents({ a: Float32Array.of(1) })).not.toBe(contents({ a: Float32Array.of(2) }));
  expect(holdsNonFinite({ a: [Float32Array.of(Number.NaN)] }, false)).toBe(true);
  expect(holdsNonFinite({ a: 5000 }, true)).toBe(true);
  expect(holdsNonFinite({ a: 5000 }, false)).toBe(false);
});
