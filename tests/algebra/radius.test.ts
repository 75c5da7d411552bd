import { describe, expect, it } from 'vitest';
import type { Algebra } from '../../src/algebra/algebra.ts';
import { numberAlgebra } from '../../src/algebra/numbers.ts';
import { exactly, float32Precision, isWithin, type Radius, radiusAlgebra } from '../../src/algebra/radius.ts';
import { gru } from '../../src/layers/gru.ts';
import { lstmPeephole } from '../../src/layers/lstm.ts';
import { RandomState } from '../../src/tensor/random.ts';

/** Every operation rounded to float32: a twin as engines have it, with functions off by up to ½ ulp. */
const round =
  <A extends number[]>(op: (...args: A) => number) =>
  (...args: A) =>
    Math.fround(op(...args));
const single: Algebra<number> = {
  ...numberAlgebra,
  constant: Math.fround,
  ...{ add: round(numberAlgebra.add), sub: round(numberAlgebra.sub), mul: round(numberAlgebra.mul) },
  ...{ div: round(numberAlgebra.div), sqrt: round(numberAlgebra.sqrt), exp: round(numberAlgebra.exp) },
  ...{ log: round(numberAlgebra.log), tanh: round(numberAlgebra.tanh), sigmoid: round(numberAlgebra.sigmoid) },
};

const precision = float32Precision({ exp: 0.5, log: 0.5, tanh: 0.5, sigmoid: 0.5 });
const m = radiusAlgebra(precision);

type Formula = <V>(n: Algebra<V>, inputs: readonly V[]) => readonly V[];

const lstmForward: Formula = (n, v) => {
  const unit = { x: v.slice(0, 4), h: v.slice(4, 8), previous: v.slice(8, 10), extra: v.slice(10, 13), saved: [] };
  const { states = [], saved = [] } = lstmPeephole.formula!.forward(n, unit);
  return [...states, ...saved];
};

const lstmBackward: Formula = (n, v) => {
  const {
    dx,
    dprevious = [],
    dextra = [],
  } = lstmPeephole.formula!.backward(n, {
    ...{ dstates: v.slice(0, 2), saved: v.slice(2, 7).map((x) => n.sigmoid(x)), states: v.slice(7, 9) },
    ...{ previous: v.slice(9, 11), extra: v.slice(11, 14), dinner: [], doperand: null },
  });
  return [...dx, dprevious[1]!, ...dextra];
};

const gruForward: Formula = (n, v) => {
  const { states = [], saved = [] } = gru.formula!.forward(n, {
    ...{ x: v.slice(0, 3), h: v.slice(3, 6), previous: v.slice(6, 7), extra: [], saved: [] },
  });
  return [...states, ...saved];
};

/** What an update rule and a loss are made of: roots, quotients, logarithms, comparisons. */
const others: Formula = (n, [a, b, c]) => {
  const positive = n.add(n.mul(a, a), n.constant(0.1));
  return [
    n.div(b, n.add(n.sqrt(positive), n.constant(1e-8))),
    n.log(n.add(n.exp(b), positive)),
    n.max(n.abs(a), n.neg(b)),
    n.min(n.sub(a, b), c),
    n.whereGreater(n.add(a, b), c, n.exp(a), n.exp(b)),
    n.sqrt(n.max(n.sub(n.mul(a, a), n.mul(b, b)), n.constant(0))),
  ];
};

const formulas: [name: string, formula: Formula, inputs: number, widest: number][] = [
  ['lstmPeephole forward', lstmForward, 13, 64],
  ['lstmPeephole backward', lstmBackward, 14, 128],
  ['gru forward', gruForward, 7, 32],
  ['roots, quotients, logarithms, comparisons', others, 3, 4096],
];

const UNITS = 100_000;

describe('radiusAlgebra', () => {
  it.each(formulas)(
    '%s: holds for float32, is not absurdly wide, and twice the bound is out',
    (_, formula, count, widest) => {
      const rng = new RandomState(5);
      let wide = 0;
      let outputs = 0;
      let closest = 0;
      for (let unit = 0; unit < UNITS; unit++) {
        const inputs = Array.from({ length: count }, () => Math.fround(1.5 * rng.randn()));
        const bounds = formula(m, inputs.map(exactly));
        const twin = formula(single, inputs);
        const exact = formula(numberAlgebra, inputs);
        for (const [i, bound] of bounds.entries()) {
          if (!isWithin(bound, twin[i]))
            throw new Error(`output ${i} of ${inputs}: ${twin[i]}, bound ${JSON.stringify(bound)}`);
          if (bound.value !== exact[i]) throw new Error(`output ${i}: value ${bound.value}, expected ${exact[i]}`);
          if (bound.radius === 0) continue; // an input handed through
          const shift = 2 * bound.radius;
          if (isWithin(bound, bound.value + shift) || isWithin(bound, bound.value - shift))
            throw new Error(`output ${i}: twice the bound is in`);
          outputs++;
          // In units of rounding of the largest number about.
          if (!(bound.radius <= widest * 2 ** -24 * Math.max(1, Math.abs(bound.value)))) wide++;
          closest = Math.max(closest, Math.abs(twin[i] - bound.value) / bound.radius);
        }
      }
      expect(wide / outputs).toBeLessThan(0.01);
      // A bound that no error comes near would let faults through.
      expect(closest).toBeGreaterThan(0.4);
      expect(closest).toBeLessThanOrEqual(1);
    },
  );

  it('each operation by itself holds against its arguments moved within their radii', () => {
    const rng = new RandomState(6);
    const exact = { ...precision, unitRoundoff: 0, underflow: 0, errors: zeroErrors };
    const bare = radiusAlgebra(exact);
    const moved = ({ value, radius }: Radius) =>
      value + radius * (rng.randint(4) === 0 ? rng.uniform(-1, 1) : rng.randint(2) * 2 - 1);
    const within = (bound: Radius, got: number, op: string) => {
      if (!isWithin({ ...bound, radius: bound.radius * (1 + 1e-9) + 1e-15 }, got))
        throw new Error(`${op}: ${got}, ${JSON.stringify(bound)}`);
    };
    let checked = 0;
    for (let i = 0; i < 20_000; i++) {
      const draw = (positive: boolean): Radius => {
        const value = positive ? 0.01 + Math.abs(rng.randn()) : 2 * rng.randn();
        return { value, radius: Math.abs(value) * 10 ** rng.uniform(-7, -0.05) };
      };
      for (const op of ['neg', 'abs', 'exp', 'tanh', 'sigmoid', 'sqrt', 'log'] as const) {
        const a = draw(op === 'sqrt' || op === 'log');
        within(bare[op](a), numberAlgebra[op](moved(a)), op);
        checked++;
      }
      for (const op of ['add', 'sub', 'mul', 'div', 'max', 'min'] as const) {
        const [a, b] = [draw(false), draw(false)];
        within(bare[op](a, b), numberAlgebra[op](moved(a), moved(b)), op);
        checked++;
      }
      const [a, b, x, y] = [draw(false), draw(false), draw(false), draw(false)];
      within(
        bare.whereGreater(a, b, x, y),
        numberAlgebra.whereGreater(moved(a), moved(b), moved(x), moved(y)),
        'where',
      );
    }
    expect(checked).toBe(13 * 20_000);
  });

  it('takes each error parameter', () => {
    for (const name of ['div', 'sqrt', 'exp', 'log', 'tanh', 'sigmoid'] as const) {
      const at = (error: Parameters<typeof float32Precision>[0]) => {
        const n = radiusAlgebra(float32Precision(error));
        const one = exactly(1.25);
        return (name === 'div' ? n.div(one, exactly(3)) : n[name](one)).radius;
      };
      const fine = at({ [name]: 0.5 });
      expect(at({ [name]: 4 }) / fine).toBeCloseTo(8, 5);
      expect(at({ [name]: () => 0.5 })).toBeCloseTo(0.5, 5);
    }
    expect(radiusAlgebra(float32Precision()).constant(0.1).radius).toBe(Math.fround(0.1) - 0.1);
    expect(radiusAlgebra(float32Precision()).constant(1).radius).toBe(0);
    expect(radiusAlgebra(float32Precision({}, 2 ** -149)).mul(exactly(1e-30), exactly(1e-30)).radius).toBeLessThan(
      2 ** -148,
    );
  });

  it('says nothing where an argument may leave the domain, and keeps both sides of an open comparison', () => {
    const about = (value: number, radius: number): Radius => ({ value, radius });
    expect(m.div(exactly(1), about(0.5, 0.5)).radius).toBe(Infinity);
    expect(m.log(about(0.5, 0.5)).radius).toBe(Infinity);
    expect(m.sqrt(about(0.25, 0.5)).radius).toBeGreaterThanOrEqual(0.5);
    const [x, y] = [about(1, 0.25), about(3, 0.5)];
    expect(m.whereGreater(about(1, 0.1), exactly(0), x, y)).toEqual(x);
    expect(m.whereGreater(exactly(0), exactly(0), x, y)).toEqual(y);
    expect(m.whereGreater(about(0.05, 0.1), exactly(0), x, y)).toEqual(about(1, 2.5));
    expect(m.max(about(1, 0.3), about(5, 0.1))).toEqual(about(5, 0.1));
    expect(m.max(about(1, 0.3), about(1.2, 0.1))).toEqual(about(1.2, 0.3));
    expect(m.min(about(1, 0.3), about(5, 0.1))).toEqual(about(1, 0.3));
    expect(m.min(about(1, 0.1), about(1.2, 0.3))).toEqual(about(1, 0.3));
    expect(isWithin(exactly(1), Number.NaN)).toBe(false);
  });
});

const zeroErrors = { div: 0, sqrt: 0, exp: 0, log: 0, tanh: 0, sigmoid: 0 };
