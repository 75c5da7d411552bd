import { describe, expect, it } from 'vitest';
import { gruStepBackward, gruStepForward, gruWeightBackward } from '../../src/layers/gru.ts';
import { drawer, dtypes, expectNear, expectRejects, garbage, logistic, range, times } from './support.ts';

const B = 3;
const H = 4;

describe.each(dtypes)('GRU step, %s', (dtype) => {
  const draw = drawer(dtype, 2);
  const zx = draw(B * 3 * H);
  const hPrev = draw(B * H);
  const Whh = draw(3 * H * H);
  const bhh = draw(3 * H);
  const blank = (n: number) => garbage(dtype, n);

  it.each([true, false])('rows r, z, n, the reset after the product; bias %s', (biased) => {
    const bias = biased ? bhh : null;
    const [h, cache, zh] = [blank(B * H), blank(B * 4 * H), blank(B * 3 * H)];
    gruStepForward(h, cache, zh, zx, hPrev, Whh, bias, B, H);
    const wantCache = new Array<number>(B * 4 * H);
    const want = range(B * H).map((i) => {
      const [b, j] = [Math.floor(i / H), i % H];
      const own = (gate: number) => times(Whh, gate * H + j, hPrev, b * H, H) + (bias?.[gate * H + j] ?? 0);
      const input = (gate: number) => zx[b * 3 * H + gate * H + j];
      const r = logistic(input(0) + own(0));
      const z = logistic(input(1) + own(1));
      const n = Math.tanh(input(2) + r * own(2));
      for (const [block, value] of [r, z, n, own(2)].entries()) wantCache[b * 4 * H + block * H + j] = value;
      return (1 - z) * n + z * hPrev[i];
    });
    expectNear(h, want, 20 * (H + 6));
    expectNear(cache, wantCache, 20 * (H + 6));
  });

  it('a gate z of 1 keeps the state, a gate of 0 takes the new', () => {
    for (const [gate, keeps] of [
      [60, true],
      [-60, false],
    ] as const) {
      const open = zx.slice();
      for (let b = 0; b < B; b++) open.fill(gate * 4, b * 3 * H + H, b * 3 * H + 2 * H);
      const [h, cache] = [blank(B * H), blank(B * 4 * H)];
      gruStepForward(h, cache, blank(B * 3 * H), open, hPrev, Whh, bhh, B, H);
      const n = range(B * H).map((i) => cache[Math.floor(i / H) * 4 * H + 2 * H + (i % H)]);
      expectNear(h, keeps ? hPrev : n, 4);
    }
  });

  it('backward overwrites dzx, dzh, dhPrev, which agree where the formulas do', () => {
    const cache = blank(B * 4 * H);
    gruStepForward(blank(B * H), cache, blank(B * 3 * H), zx, hPrev, Whh, bhh, B, H);
    const dh = draw(B * H);
    const [dzx, dzh, dhPrev] = [blank(B * 3 * H), blank(B * 3 * H), blank(B * H)];
    gruStepBackward(dzx, dzh, dhPrev, dh, cache, hPrev, Whh, B, H);
    const want = range(B * H).map((i) => {
      const [b, j] = [Math.floor(i / H), i % H];
      const [r, z, n, zhn] = range(4).map((block) => cache[b * 4 * H + block * H + j]);
      const at = b * 3 * H + j;
      const dn = dh[i] * (1 - z) * (1 - n * n);
      expectNear(dzx.subarray(at + 2 * H, at + 2 * H + 1), [dn], 16);
      expectNear(dzh.subarray(at + 2 * H, at + 2 * H + 1), [dn * r], 16);
      expectNear(dzx.subarray(at, at + 1), [dn * zhn * r * (1 - r)], 32);
      expectNear(dzx.subarray(at + H, at + H + 1), [dh[i] * (hPrev[i] - n) * z * (1 - z)], 32);
      expect([dzh[at], dzh[at + H]]).toEqual([dzx[at], dzx[at + H]]);
      return dh[i] * z + range(3 * H).reduce((sum, k) => sum + dzh[b * 3 * H + k] * Whh[k * H + j], 0);
    });
    expectNear(dhPrev, want, 8 * (3 * H + 3));
  });

  it('weights are added to, with and without a bias', () => {
    const R = 5;
    const [dzh, before] = [draw(R * 3 * H), draw(R * H)];
    const [dWhh, dbhh] = [blank(3 * H * H).fill(1), blank(3 * H).fill(1)];
    gruWeightBackward(dWhh, dbhh, dzh, before, R, H);
    const sum = (f: (r: number) => number) => range(R).reduce((total, r) => total + f(r), 1);
    const want = range(3 * H * H).map((i) => sum((r) => dzh[r * 3 * H + Math.floor(i / H)] * before[r * H + (i % H)]));
    expectNear(dWhh, want, 8 * R);
    expectNear(
      dbhh,
      range(3 * H).map((j) => sum((r) => dzh[r * 3 * H + j])),
      8 * R,
    );
    const alone = blank(3 * H * H).fill(1);
    gruWeightBackward(alone, null, dzh, before, R, H);
    expect(alone).toStrictEqual(dWhh);
  });

  it('refuses what does not fit', () => {
    const forward = 'h* cache zh zx hPrev Whh bhh B H';
    const n = (size: number) => draw(B * size);
    let refused = expectRejects(gruStepForward, forward, [n(H), n(4 * H), n(3 * H), zx, hPrev, Whh, bhh, B, H]);
    refused += expectRejects(gruStepForward, forward, [n(H), n(4 * H), n(3 * H), zx, hPrev, Whh, null, B, H]);
    const backward = 'dzx* dzh dhPrev dh cache hPrev Whh B H';
    refused += expectRejects(gruStepBackward, backward, [zx, n(3 * H), n(H), n(H), n(4 * H), hPrev, Whh, B, H]);
    refused += expectRejects(gruWeightBackward, 'dWhh* dbhh dzh hPrev R H', [Whh, bhh, zx, hPrev, B, H]);
    expect(refused).toBe(3 * (7 + 6 + 7 + 4));
  });
});
