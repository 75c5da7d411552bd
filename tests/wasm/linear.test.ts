import { expect, it } from 'vitest';
import * as layers from '../../src/layers/linear.ts';
import { linearKernels } from '../../src/wasm/linear.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const make = (w: WasmMemory) => linearKernels(w);
const run = twins(make, layers);
const O = 11;

it('linearForward is the float64 function to rounding: sums of D products of numbers up to 1', () => {
  forEverySize(({ R, n: D, one: biased, seed }) => {
    const draw = new Draw(seed);
    const b = biased ? draw.floats(O) : null;
    const values = { y: draw.floats(R * O), x: draw.floats(R * D), W: draw.floats(O * D), b };
    const { got, want } = run(values, (k, { y, x, W, b }) => k.linearForward(y, x, W, b, R, D, O));
    expectNear(got.y, want.y, gamma(D + 2) * (D + 1));
  });
});

it('oneHotLinearForward is a gather and one addition', () => {
  forEverySize(({ R, n: O, one: biased, other: few, seed }) => {
    const draw = new Draw(seed);
    const D = few ? R + 1 : 2;
    const b = biased ? draw.floats(O) : null;
    const values = { y: draw.floats(R * O), ids: draw.ids(R, D), W: draw.floats(O * D), b };
    const { got, want } = run(values, (k, { y, ids, W, b }) => k.oneHotLinearForward(y, ids, W, b, R, D, O));
    expect(got.y).toEqual(Float32Array.from(want.y));
  });
});

it('oneHotLinearBackward adds up to R rows to what is there', () => {
  forEverySize(({ R, n: O, one: biased, other: few, seed }) => {
    const draw = new Draw(seed);
    const D = few ? R + 1 : 2;
    const db = biased ? draw.floats(O) : null;
    const values = { dW: draw.floats(O * D), db, dy: draw.floats(R * O), ids: draw.ids(R, D) };
    const { got, want } = run(values, (k, { dW, db, dy, ids }) => k.oneHotLinearBackward(dW, db, dy, ids, R, D, O));
    expectNear(got.dW, want.dW, gamma(R) * (R + 1));
    if (biased) expectNear(got.db, want.db, gamma(R) * (R + 1));
  });
});

it('all refuse what does not fit', () => {
  const [R, D] = [2, 3];
  const [y, x, W, b] = [new Float32Array(R * O), new Float32Array(R * D), new Float32Array(O * D), new Float32Array(O)];
  const ids = new Int32Array(R);
  expectRefuses(make, 'linearForward', 'y x W b R D O', [y, x, W, b, R, D, O]);
  expectRefuses(make, 'oneHotLinearForward', 'y ids W b R D O', [y, ids, W, b, R, D, O]);
  expectRefuses(make, 'oneHotLinearBackward', 'dW db dy ids R D O', [W, b, y, ids, R, D, O]);
  const w = new WasmMemory(1000);
  const { oneHotLinearForward, oneHotLinearBackward } = make(w);
  const [one, table, bad] = [w.floats(O), w.floats(O * D), w.ints(1).fill(-1)];
  expect(() => oneHotLinearForward(one, bad, table, null, 1, D, O)).toThrow(
    'oneHotLinearForward: ids[0] is -1, expected 0 … 2',
  );
  expect(() => oneHotLinearBackward(table, null, one, bad, 1, D, O)).toThrow(
    'oneHotLinearBackward: ids[0] is -1, expected 0 … 2',
  );
});
