import { describe, expect, it } from 'vitest';
import {
  clearRows,
  holdStateBackward,
  holdStateForward,
  startStateBackward,
  startStateForward,
} from '../../src/layers/state.ts';
import { drawer, dtypes, expectRejects, from, garbage } from './support.ts';

const B = 3;
const H = 2;

describe.each(dtypes)('states, %s', (dtype) => {
  const draw = drawer(dtype, 10);
  const given = from(dtype, [1, 2, 3, 4, 5, 6]);
  const h0 = from(dtype, [-1, -2]);
  const keep = from(dtype, [1, 0, 1]);

  it('a window starts from what was given, or from h0, or from 0', () => {
    const h = garbage(dtype, B * H);
    startStateForward(h, given, h0, keep, B, H);
    expect(Array.from(h)).toEqual([1, 2, -1, -2, 5, 6]);
    startStateForward(h.fill(NaN), given, null, keep, B, H);
    expect(Array.from(h)).toEqual([1, 2, 0, 0, 5, 6]);
    const spoilt = from(dtype, [1, 2, NaN, NaN, 5, 6]);
    startStateForward(h, spoilt, null, keep, B, H);
    expect(Array.from(h)).toEqual([1, 2, 0, 0, 5, 6]);
  });

  it('and sends its gradient where it came from', () => {
    const dh = from(dtype, [1, 2, 3, 4, 5, 6]);
    const [dgiven, dh0] = [garbage(dtype, B * H), from(dtype, [10, 20])];
    startStateBackward(dgiven, dh0, dh, keep, B, H);
    expect(Array.from(dgiven)).toEqual([1, 2, 0, 0, 5, 6]);
    expect(Array.from(dh0)).toEqual([13, 24]);
    startStateBackward(dh, null, dh, keep, B, H); // in place
    expect(Array.from(dh)).toEqual([1, 2, 0, 0, 5, 6]);
  });

  it('a state stands still where there is no step, and its gradient passes by', () => {
    const h = from(dtype, [1, 2, 3, 4, 5, 6]);
    const hPrev = from(dtype, [10, 20, 30, 40, 50, 60]);
    holdStateForward(h, hPrev, keep, B, H);
    expect(Array.from(h)).toEqual([1, 2, 30, 40, 5, 6]);
    const dhPrev = from(dtype, [1, 2, NaN, NaN, 5, 6]);
    holdStateBackward(dhPrev, hPrev, keep, B, H);
    expect(Array.from(dhPrev)).toEqual([1, 2, 30, 40, 5, 6]);
  });

  it('a step that did not happen sends nothing on, not even infinities', () => {
    const y = from(dtype, [1, 2, 3, NaN, Infinity, -6, 7, 8, 9]);
    clearRows(y, keep, 3, 3);
    expect(Array.from(y)).toEqual([1, 2, 3, 0, 0, 0, 7, 8, 9]);
  });

  it('refuses what does not fit', () => {
    const n = () => draw(B * H);
    let refused = expectRejects(startStateForward, 'h* given h0 keep B H', [n(), n(), h0, keep, B, H]);
    refused += expectRejects(startStateBackward, 'dgiven* dh0 dh keep B H', [n(), h0, n(), keep, B, H]);
    refused += expectRejects(startStateBackward, 'dgiven* dh0 dh keep B H', [n(), null, n(), keep, B, H]);
    refused += expectRejects(holdStateForward, 'h* hPrev mask B H', [n(), n(), keep, B, H]);
    refused += expectRejects(holdStateBackward, 'dhPrev* dh mask B H', [n(), n(), keep, B, H]);
    refused += expectRejects(clearRows, 'y* mask B n', [n(), keep, B, H]);
    expect(refused).toBe(3 * (4 + 4 + 3 + 3 + 3 + 2));
  });
});
