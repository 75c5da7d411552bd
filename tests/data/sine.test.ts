import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sineData } from '../../src/data/index.ts';

const { cases } = JSON.parse(readFileSync(new URL('../goldens/nb001_elman.json', import.meta.url), 'utf8')) as {
  cases: { task: string; step: number; S: number[][][]; T: number[][][] }[];
};

describe('sineData', () => {
  it('is the golden data', () => {
    const { step, S, T } = cases.find(({ task }) => task === 'regression')!;
    const data = sineData(step);
    expect(data.steps).toBe(S[0].length);
    for (const [got, wanted] of [
      [data.S, S.flat(2)],
      [data.T, T.flat(2)],
    ]) {
      expect(got.length).toBe(wanted.length);
      for (let i = 0; i < wanted.length; i++) expect(got[i]).toBeCloseTo(wanted[i], 15);
    }
  });

  it('rolls the target by one along time', () => {
    const { S, T, steps, B, D } = sineData();
    expect([steps, B, D]).toEqual([32, 2, 2]);
    for (let b = 0; b < B; b++) {
      for (let t = 0; t < steps; t++) {
        for (let d = 0; d < D; d++) {
          const previous = (t + steps - 1) % steps;
          expect(T[(b * steps + t) * D + d]).toBe(S[(b * steps + previous) * D + d]);
        }
      }
    }
  });

  it('has a layout with time first', () => {
    const [notebook, time] = [sineData(0.2), sineData(0.2, 'time-first')];
    for (const key of ['S', 'T'] as const) {
      for (let t = 0; t < 32; t++) {
        for (let b = 0; b < 2; b++) {
          for (let d = 0; d < 2; d++) expect(time[key][(t * 2 + b) * 2 + d]).toBe(notebook[key][(b * 32 + t) * 2 + d]);
        }
      }
    }
    expect(sineData(7).steps).toBe(1);
  });

  it('refuses steps that never arrive', () => {
    for (const step of [0, -1, NaN, Infinity, 1e-9]) {
      expect(() => sineData(step)).toThrow(
        `sineData: step is ${step}, expected a ${step > 0 && step < Infinity ? 'positive' : 'finite'} number`,
      );
    }
  });
});
