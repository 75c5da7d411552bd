import { expect } from 'vitest';
import type { ModelSpec, NamedTensors } from '../../src/bptt/spec.ts';
import { answer, type TorchFacts } from './reference.ts';

/**
 * Every number within `bound`, 2e-6 by default: the other library computed in float32, whose rounding errors in these nets
 * (states below 1, fewer than ten steps) are a few times 2⁻²⁴ ≈ 6e-8.
 */
export function expectClose(got: ArrayLike<number>, wanted: ArrayLike<number>, bound = 2e-6): void {
  expect(got.length).toBe(wanted.length);
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i] - wanted[i]);
    if (!(difference <= worst)) worst = difference; // NaN too
  }
  expect(worst).toBeLessThanOrEqual(bound);
}

export function expectAnswer(model: { spec: ModelSpec; parameters: NamedTensors }, facts: TorchFacts): void {
  const { y, hT, cT } = answer(model, facts);
  expectClose(y, facts.y);
  expectClose(hT, facts.hT);
  expectClose(cT, facts.cT ?? []);
}
