import { describe, expect, it } from 'vitest';
import { linearBackward, linearForward, oneHotLinearBackward, oneHotLinearForward } from '../../src/layers/linear.ts';
import { drawer, dtypes, expectNear, expectRejects, from, garbage, range, times } from './support.ts';

const R = 5;
const D = 4;
const O = 3;
const ids = Int32Array.of(3, 0, 3, 1, 3); // repeated, and 2 never

describe.each(dtypes)('linear layer, %s', (dtype) => {
  const draw = drawer(dtype, 5);
  const x = draw(R * D);
  const W = draw(O * D);
  const b = draw(O);
  const dy = draw(R * O);
  const hot = from(
    dtype,
    range(R * D).map((i) => (ids[Math.floor(i / D)] === i % D ? 1 : 0)),
  );

  it.each([true, false])('y = W·x + b, overwritten; bias %s', (biased) => {
    const bias = biased ? b : null;
    const y = garbage(dtype, R * O);
    linearForward(y, x, W, bias, R, D, O);
    const want = range(R * O).map((i) => times(W, i % O, x, Math.floor(i / O) * D, D) + (bias?.[i % O] ?? 0));
    expectNear(y, want, 8 * (D + 2));
    const one = garbage(dtype, R * O);
    oneHotLinearForward(one, ids, W, bias, R, D, O);
    const same = garbage(dtype, R * O);
    linearForward(same, hot, W, bias, R, D, O);
    expect(one).toStrictEqual(same);
  });

  it('dx overwritten or added to, dW and db added to', () => {
    const sum = (n: number, f: (i: number) => number) => range(n).reduce((total, i) => total + f(i), 0);
    const dx = garbage(dtype, R * D);
    const [dW, db] = [garbage(dtype, O * D).fill(1), garbage(dtype, O).fill(1)];
    linearBackward(dx, dW, db, dy, x, W, R, D, O);
    expectNear(
      dx,
      range(R * D).map((i) => sum(O, (o) => dy[Math.floor(i / D) * O + o] * W[o * D + (i % D)])),
      8 * (O + 2),
    );
    const wantW = range(O * D).map((i) => 1 + sum(R, (r) => dy[r * O + Math.floor(i / D)] * x[r * D + (i % D)]));
    expectNear(dW, wantW, 8 * (R + 2));
    expectNear(
      db,
      range(O).map((o) => 1 + sum(R, (r) => dy[r * O + o])),
      8 * (R + 2),
    );
    const added = garbage(dtype, R * D).fill(1);
    linearBackward(added, garbage(dtype, O * D), null, dy, x, W, R, D, O, true);
    expectNear(
      added,
      dx.map((v) => v + 1),
      8 * (O + 2),
    );
    const alone = garbage(dtype, O * D).fill(1);
    linearBackward(null, alone, null, dy, x, W, R, D, O);
    expect(alone).toStrictEqual(dW);
  });

  it('one-hot rows give what the product gives', () => {
    const [dW, db, want, wantB] = [O * D, O, O * D, O].map((n) => garbage(dtype, n).fill(1));
    oneHotLinearBackward(dW, db, dy, ids, R, D, O);
    linearBackward(null, want, wantB, dy, hot, W, R, D, O);
    expectNear(dW, want, 8 * R);
    expect(db).toStrictEqual(wantB);
    for (let o = 0; o < O; o++) expect(dW[o * D + 2]).toBe(1); // never read, never touched
    const alone = garbage(dtype, O * D).fill(1);
    oneHotLinearBackward(alone, null, dy, ids, R, D, O);
    expect(alone).toStrictEqual(dW);
  });

  it('refuses what does not fit', () => {
    const y = garbage(dtype, R * O);
    let refused = expectRejects(linearForward, 'y* x W b R D O', [y, x, W, b, R, D, O]);
    refused += expectRejects(linearBackward, 'dx dW* db dy x W R D O', [x, W, b, dy, x, W, R, D, O]);
    refused += expectRejects(linearBackward, 'dx dW* db dy x W R D O', [null, W, null, dy, x, W, R, D, O]);
    refused += expectRejects(oneHotLinearForward, 'y* ids W b R D O', [y, ids, W, b, R, D, O]);
    refused += expectRejects(oneHotLinearBackward, 'dW* db dy ids R D O', [W, b, dy, ids, R, D, O]);
    expect(refused).toBe(3 * (4 + 6 + 4 + 3 + 3) + 2 * 2);
    for (const bad of [-1, D]) {
      const wrong = Int32Array.of(0, 1, bad, 0, 0);
      const message = `ids[2] is ${bad}, expected 0 … ${D - 1}`;
      expect(() => oneHotLinearForward(y, wrong, W, b, R, D, O)).toThrow(RangeError(`oneHotLinearForward: ${message}`));
      expect(() => oneHotLinearBackward(W, b, dy, wrong, R, D, O)).toThrow(`oneHotLinearBackward: ${message}`);
    }
  });
});
