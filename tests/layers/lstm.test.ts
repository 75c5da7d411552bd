import { describe, expect, it } from 'vitest';
import { lstmStepBackward, lstmStepForward, lstmWeightBackward } from '../../src/layers/lstm.ts';
import { drawer, dtypes, expectNear, expectRejects, garbage, logistic, range, times } from './support.ts';

const B = 3;
const H = 4;

describe.each(dtypes)('LSTM step, %s', (dtype) => {
  const draw = drawer(dtype, 4);
  const zx = draw(B * 4 * H);
  const hPrev = draw(B * H);
  const cPrev = draw(B * H);
  const Whh = draw(4 * H * H);
  const bhh = draw(4 * H);
  const p = draw(3 * H);
  const blank = (n: number) => garbage(dtype, n);

  const variants = [
    [true, false],
    [false, false],
    [true, true],
    [false, true],
  ];
  it.each(variants)('rows i, f, g, o; bias %s, peepholes %s', (biased, peepholes) => {
    const bias = biased ? bhh : null;
    const peep = peepholes ? p : null;
    const [h, c, cache, a] = [H, H, 5 * H, 4 * H].map((n) => blank(B * n));
    lstmStepForward(h, c, cache, a, zx, hPrev, cPrev, Whh, bias, peep, B, H);
    for (let i = 0; i < B * H; i++) {
      const [b, j] = [Math.floor(i / H), i % H];
      const pre = (gate: number) =>
        zx[b * 4 * H + gate * H + j] + times(Whh, gate * H + j, hPrev, b * H, H) + (bias?.[gate * H + j] ?? 0);
      const look = (row: number, cell: number) => (peep ? peep[row * H + j] * cell : 0);
      const input = logistic(pre(0) + look(0, cPrev[i]));
      const forget = logistic(pre(1) + look(1, cPrev[i]));
      const g = Math.tanh(pre(2));
      const next = forget * cPrev[i] + input * g;
      const o = logistic(pre(3) + look(2, next));
      expectNear(c.subarray(i, i + 1), [next], 20 * (H + 6));
      expectNear(h.subarray(i, i + 1), [o * Math.tanh(next)], 20 * (H + 6));
      const kept = range(5).map((block) => cache[b * 5 * H + block * H + j]);
      for (const [block, want] of [input, forget, g, o, Math.tanh(next)].entries()) {
        expectNear(cache.subarray(b * 5 * H + block * H + j).subarray(0, 1), [want], 20 * (H + 6));
        expect(kept[block]).not.toBeNaN();
      }
    }
  });

  it.each([true, false])('backward overwrites; dcPrev may be dc; peepholes %s', (peepholes) => {
    const peep = peepholes ? p : null;
    const [h, c, cache] = [H, H, 5 * H].map((n) => blank(B * n));
    lstmStepForward(h, c, cache, blank(B * 4 * H), zx, hPrev, cPrev, Whh, bhh, peep, B, H);
    const [dh, dc] = [draw(B * H), draw(B * H)];
    const [da, dhPrev, dcPrev] = [4 * H, H, H].map((n) => blank(B * n));
    lstmStepBackward(da, dhPrev, dcPrev, dh, dc, cache, cPrev, Whh, peep, B, H);
    const wantDhPrev = range(B * H).map((i) => {
      const [b, j] = [Math.floor(i / H), i % H];
      const [input, forget, g, o, tc] = range(5).map((block) => cache[b * 5 * H + block * H + j]);
      const look = (row: number) => peep?.[row * H + j] ?? 0;
      const dao = dh[i] * tc * o * (1 - o);
      const dct = dc[i] + dh[i] * o * (1 - tc * tc) + dao * look(2);
      const dai = dct * g * input * (1 - input);
      const daf = dct * cPrev[i] * forget * (1 - forget);
      const want = [dai, daf, dct * input * (1 - g * g), dao];
      for (const [gate, value] of want.entries()) {
        expectNear(da.subarray(b * 4 * H + gate * H + j).subarray(0, 1), [value], 128);
      }
      expectNear(dcPrev.subarray(i, i + 1), [dct * forget + dai * look(0) + daf * look(1)], 128);
      return range(4 * H).reduce((sum, k) => sum + da[b * 4 * H + k] * Whh[k * H + j], 0);
    });
    expectNear(dhPrev, wantDhPrev, 8 * (4 * H + 2));
    const inPlace = dc.slice();
    lstmStepBackward(blank(B * 4 * H), blank(B * H), inPlace, dh, inPlace, cache, cPrev, Whh, peep, B, H);
    expect(inPlace).toStrictEqual(dcPrev);
  });

  it('weights and peepholes are added to', () => {
    const R = 5;
    const [da, before, cellBefore, cell] = [4 * H, H, H, H].map((n) => draw(R * n));
    const [dWhh, dbhh, dp] = [4 * H * H, 4 * H, 3 * H].map((n) => blank(n).fill(1));
    lstmWeightBackward(dWhh, dbhh, dp, da, before, cellBefore, cell, R, H);
    const sum = (f: (r: number) => number) => range(R).reduce((total, r) => total + f(r), 1);
    const want = range(4 * H * H).map((i) => sum((r) => da[r * 4 * H + Math.floor(i / H)] * before[r * H + (i % H)]));
    expectNear(dWhh, want, 8 * R);
    expectNear(
      dbhh,
      range(4 * H).map((j) => sum((r) => da[r * 4 * H + j])),
      8 * R,
    );
    const wantP = range(3 * H).map((k) => {
      const [row, j] = [Math.floor(k / H), k % H];
      const gate = [0, 1, 3][row];
      return sum((r) => da[r * 4 * H + gate * H + j] * (row === 2 ? cell : cellBefore)[r * H + j]);
    });
    expectNear(dp, wantP, 16 * R);
    const alone = blank(4 * H * H).fill(1);
    lstmWeightBackward(alone, null, null, da, before, cellBefore, cell, R, H);
    expect(alone).toStrictEqual(dWhh);
  });

  it('refuses what does not fit', () => {
    const n = (size: number) => draw(B * size);
    const forward = 'h* c cache a zx hPrev cPrev Whh bhh p B H';
    const args = [n(H), n(H), n(5 * H), n(4 * H), zx, hPrev, cPrev, Whh];
    let refused = expectRejects(lstmStepForward, forward, [...args, bhh, p, B, H]);
    refused += expectRejects(lstmStepForward, forward, [...args, null, null, B, H]);
    const backward = 'da* dhPrev dcPrev dh dc cache cPrev Whh p B H';
    const gradients = [zx, n(H), n(H), n(H), n(H), n(5 * H), cPrev, Whh];
    refused += expectRejects(lstmStepBackward, backward, [...gradients, p, B, H]);
    const weights = 'dWhh* dbhh dp da hPrev cPrev c R H';
    refused += expectRejects(lstmWeightBackward, weights, [Whh, bhh, p, zx, hPrev, cPrev, n(H), B, H]);
    expect(refused).toBe(3 * (10 + 8 + 9 + 7));
  });
});
