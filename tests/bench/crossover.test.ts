import { describe, expect, it } from 'vitest';
import { crossoverLine, crossoverRows, type Meeting } from '../../bench/crossover.ts';
import { crossoverTable } from '../../bench/report.ts';

const meet = (H: number, B: number, ratio: number, software = false): Meeting => {
  return { ...{ H, B, wasm: 100, webgpu: 100 * ratio, ratio }, ...{ adapter: 'H200', software } };
};

describe('crossoverLine', () => {
  it('gives for each batch the size from which on WebGPU stays ahead', () => {
    // Batch 8 wins at 64, loses at 128 and wins from 256 on; batch 1 never wins.
    const ratios = [meet(64, 1, 0.1), meet(128, 1, 0.2), meet(256, 1, 0.9)];
    const ofEight = [meet(64, 8, 1.2), meet(128, 8, 1), meet(256, 8, 3)];
    expect(crossoverLine([...ratios, ...ofEight])).toBe(
      'WebGPU beats WebAssembly end to end on H200: batch 8: from H 256 on',
    );
  });

  it('says where there is none, and that the adapter is a program', () => {
    expect(crossoverLine([meet(64, 1, 0.5, true), meet(128, 1, 1, true)])).toBe(
      'WebGPU beats WebAssembly end to end on H200 (software): nowhere on this adapter',
    );
  });
});

it('the grid has a row for each size and a column for each batch', () => {
  const meetings = [meet(64, 1, 0.125), meet(64, 8, 2), meet(128, 1, 1.5)];
  expect(crossoverRows(meetings)).toEqual([
    ['webgpu / wasm', 'batch 1', 'batch 8'],
    ['H 64', '0.13', '2.0'],
    ['H 128', '1.5', '–'],
  ]);
  expect(crossoverTable(meetings).split('\n')).toHaveLength(5);
});
