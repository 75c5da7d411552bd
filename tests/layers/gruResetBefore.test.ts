import { describe, expect, it } from 'vitest';
import {
  gruResetBeforeStepBackward,
  gruResetBeforeStepForward,
  gruResetBeforeWeightBackward,
} from '../../src/layers/gruResetBefore.ts';
import { drawer, dtypes, expectNear, expectRejects, garbage, logistic, range, times } from './support.ts';

const B = 3;
const H = 4;

describe.each(dtypes)('GRU step with the reset before the product, %s', (dtype) => {
  const draw = drawer(dtype, 3);
  const zx = draw(B * 3 * H);
  const hPrev = draw(B * H);
  const Whh = draw(3 * H * H);
  const bhh = draw(3 * H);
  const blank = (n: number) => garbage(dtype, n);

  it.each([true, false])('rows r, z, n; bias %s', (biased) => {
    const bias = biased ? bhh : null;
    const [h, cache, rh] = [blank(B * H), blank(B * 3 * H), blank(B * H)];
    gruResetBeforeStepForward(h, cache, rh, blank(B * 3 * H), zx, hPrev, Whh, bias, B, H);
    for (let b = 0; b < B; b++) {
      const prev = Array.from(hPrev.slice(b * H, (b + 1) * H));
      const pre = (gate: number, j: number, state: number[]) =>
        zx[b * 3 * H + gate * H + j] + times(Whh, gate * H + j, state) + (bias?.[gate * H + j] ?? 0);
      const r = range(H).map((j) => logistic(pre(0, j, prev)));
      const z = range(H).map((j) => logistic(pre(1, j, prev)));
      const reset = prev.map((value, j) => r[j] * value);
      const n = range(H).map((j) => Math.tanh(pre(2, j, reset)));
      expectNear(
        h.slice(b * H, (b + 1) * H),
        range(H).map((j) => (1 - z[j]) * n[j] + z[j] * prev[j]),
        20 * (H + 6),
      );
      expectNear(cache.slice(b * 3 * H, (b + 1) * 3 * H), [...r, ...z, ...n], 20 * (H + 6));
      expectNear(rh.slice(b * H, (b + 1) * H), reset, 20 * (H + 6));
    }
  });

  it('backward overwrites, and leaves zeros where the product with hPrev has no share', () => {
    const cache = blank(B * 3 * H);
    gruResetBeforeStepForward(blank(B * H), cache, blank(B * H), blank(B * 3 * H), zx, hPrev, Whh, bhh, B, H);
    const dh = draw(B * H);
    const [dzx, dzh, dan, dhPrev, scratch] = [3 * H, 3 * H, H, H, H].map((n) => blank(B * n));
    gruResetBeforeStepBackward(dzx, dzh, dan, dhPrev, scratch, dh, cache, hPrev, Whh, B, H);
    const want = range(B * H).map((i) => {
      const [b, j] = [Math.floor(i / H), i % H];
      const gate = (block: number, k = j) => cache[b * 3 * H + block * H + k];
      const one = (block: number) => dzx.subarray(b * 3 * H + block * H + j).subarray(0, 1);
      const drh = range(H).reduce((sum, k) => sum + dan[b * H + k] * Whh[(2 * H + k) * H + j], 0);
      expectNear(dan.subarray(i, i + 1), [dh[i] * (1 - gate(1)) * (1 - gate(2) ** 2)], 32);
      expectNear(one(0), [drh * hPrev[i] * gate(0) * (1 - gate(0))], 16 * H);
      expectNear(one(1), [dh[i] * (hPrev[i] - gate(2)) * gate(1) * (1 - gate(1))], 32);
      expect(one(2)[0]).toBe(dan[i]);
      expect(range(3).map((block) => dzh[b * 3 * H + block * H + j])).toEqual([one(0)[0], one(1)[0], 0]);
      const own = range(2 * H).reduce((sum, k) => sum + dzx[b * 3 * H + k] * Whh[k * H + j], 0);
      return dh[i] * gate(1) + drh * gate(0) + own;
    });
    expectNear(dhPrev, want, 16 * (3 * H + 3));
  });

  it('weights are added to, the rows of n with r ⊙ hPrev', () => {
    const R = 5;
    const [dzx, dzh, dan, before, rh] = [3 * H, 3 * H, H, H, H].map((n) => draw(R * n));
    for (let r = 0; r < R; r++) dzh.fill(0, r * 3 * H + 2 * H, (r + 1) * 3 * H);
    const [dWhh, dbhh] = [blank(3 * H * H).fill(1), blank(3 * H).fill(1)];
    gruResetBeforeWeightBackward(dWhh, dbhh, dzx, dzh, dan, before, rh, R, H);
    const sum = (f: (r: number) => number) => range(R).reduce((total, r) => total + f(r), 1);
    const want = range(3 * H * H).map((i) => {
      const [row, j] = [Math.floor(i / H), i % H];
      if (row < 2 * H) return sum((r) => dzh[r * 3 * H + row] * before[r * H + j]);
      return sum((r) => dan[r * H + row - 2 * H] * rh[r * H + j]);
    });
    expectNear(dWhh, want, 8 * R);
    expectNear(
      dbhh,
      range(3 * H).map((j) => sum((r) => dzx[r * 3 * H + j])),
      8 * R,
    );
    const alone = blank(3 * H * H).fill(1);
    gruResetBeforeWeightBackward(alone, null, dzx, dzh, dan, before, rh, R, H);
    expect(alone).toStrictEqual(dWhh);
  });

  it('refuses what does not fit', () => {
    const n = (size: number) => draw(B * size);
    const forward = 'h* cache rh zh zx hPrev Whh bhh B H';
    const args = [n(H), n(3 * H), n(H), n(3 * H), zx, hPrev, Whh];
    let refused = expectRejects(gruResetBeforeStepForward, forward, [...args, bhh, B, H]);
    refused += expectRejects(gruResetBeforeStepForward, forward, [...args, null, B, H]);
    const backward = 'dzx* dzh dan dhPrev scratch dh cache hPrev Whh B H';
    const gradients = [zx, n(3 * H), n(H), n(H), n(H), n(H), n(3 * H), hPrev, Whh];
    refused += expectRejects(gruResetBeforeStepBackward, backward, [...gradients, B, H]);
    const weights = 'dWhh* dbhh dzx dzh dan hPrev rh R H';
    refused += expectRejects(gruResetBeforeWeightBackward, weights, [Whh, bhh, zx, zx, n(H), hPrev, n(H), B, H]);
    expect(refused).toBe(3 * (8 + 7 + 9 + 7));
  });
});
