import { describe, expect, it } from 'vitest';
import { elmanStepBackward, elmanStepForward, elmanWeightBackward, type Nonlinearity } from '../../src/layers/elman.ts';
import { drawer, dtypes, expectNear, expectRejects, garbage, logistic, range, times } from './support.ts';

const B = 3;
const H = 4;
const functions: [Nonlinearity, (z: number) => number, (h: number) => number][] = [
  ['tanh', Math.tanh, (h) => 1 - h * h],
  ['sigmoid', logistic, (h) => h * (1 - h)],
  ['relu', (z) => Math.max(z, 0), (h) => (h > 0 ? 1 : 0)],
  ['identity', (z) => z, () => 1],
];

describe.each(dtypes)('Elman step, %s', (dtype) => {
  const draw = drawer(dtype, 1);
  const zx = draw(B * H);
  const hPrev = draw(B * H);
  const Whh = draw(H * H);
  const bhh = draw(H);

  it.each(functions)('h = f(zx + Whh·hPrev + bhh), f = %s', (name, f) => {
    for (const bias of [bhh, null]) {
      const h = garbage(dtype, B * H);
      elmanStepForward(h, zx, hPrev, Whh, bias, name, B, H);
      const want = range(B * H).map((i) => {
        const [b, j] = [Math.floor(i / H), i % H];
        return f(zx[i] + times(Whh, j, hPrev, b * H, H) + (bias?.[j] ?? 0));
      });
      // H products and three additions, of numbers up to about 8.
      expectNear(h, want, 8 * (H + 4));
    }
  });

  it.each(functions)('dz = f′·dh, dhPrev = dz·Whh, both overwritten, f = %s', (name, _, derivative) => {
    const h = garbage(dtype, B * H);
    elmanStepForward(h, zx, hPrev, Whh, bhh, name, B, H);
    const dh = draw(B * H);
    const dz = garbage(dtype, B * H);
    const dhPrev = garbage(dtype, B * H);
    elmanStepBackward(dz, dhPrev, dh, h, Whh, name, B, H);
    const wantDz = range(B * H).map((i) => dh[i] * derivative(h[i]));
    expectNear(dz, wantDz, 16);
    const want = range(B * H).map((i) =>
      range(H).reduce((sum, k) => sum + dz[i - (i % H) + k] * Whh[k * H + (i % H)], 0),
    );
    expectNear(dhPrev, want, 8 * (H + 2));
  });

  it('dWhh += dzᵀ·hPrev, dbhh += Σ dz, over all rows', () => {
    const R = 5;
    const dz = draw(R * H);
    const before = draw(R * H);
    const dWhh = garbage(dtype, H * H).fill(1);
    const dbhh = garbage(dtype, H).fill(1);
    elmanWeightBackward(dWhh, dbhh, dz, before, R, H);
    const sum = (f: (r: number) => number) => range(R).reduce((total, r) => total + f(r), 1);
    expectNear(
      dWhh,
      range(H * H).map((i) => sum((r) => dz[r * H + Math.floor(i / H)] * before[r * H + (i % H)])),
      8 * R,
    );
    expectNear(
      dbhh,
      range(H).map((j) => sum((r) => dz[r * H + j])),
      8 * R,
    );
    const alone = garbage(dtype, H * H).fill(1);
    elmanWeightBackward(alone, null, dz, before, R, H);
    expect(alone).toStrictEqual(dWhh);
  });

  it('works with nothing to do', () => {
    const none = garbage(dtype, 0);
    expect(() => elmanStepForward(none, none, none, Whh, bhh, 'tanh', 0, H)).not.toThrow();
    expect(() => elmanStepBackward(none, none, none, none, Whh, 'tanh', 0, H)).not.toThrow();
  });

  it('refuses what does not fit', () => {
    const h = () => garbage(dtype, B * H);
    let refused = expectRejects(elmanStepForward, 'h* zx hPrev Whh bhh f B H', [
      h(),
      zx,
      hPrev,
      Whh,
      bhh,
      'tanh',
      B,
      H,
    ]);
    refused += expectRejects(elmanStepForward, 'h* zx hPrev Whh bhh f B H', [h(), zx, hPrev, Whh, null, 'tanh', B, H]);
    refused += expectRejects(elmanStepBackward, 'dz* dhPrev dh h Whh f B H', [h(), h(), zx, hPrev, Whh, 'relu', B, H]);
    refused += expectRejects(elmanWeightBackward, 'dWhh* dbhh dz hPrev R H', [Whh, bhh, zx, hPrev, B, H]);
    expect(refused).toBe(3 * (5 + 4 + 5 + 4));
  });
});
