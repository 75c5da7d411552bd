import type { Algebra } from './algebra.ts';
import { assertAlgebra } from './assertAlgebra.ts';

/** A value and its derivative along a direction: a + ε·ȧ with ε² = 0. */
export interface Dual<V> {
  readonly value: V;
  readonly derivative: V;
}

/**
 * Dual numbers (Clifford 1873) over another algebra: a forward formula run on them gives its values and, exactly but for
 * rounding, their derivative along the direction that the inputs' derivatives are.
 *
 *     (a + ε·ȧ)·(b + ε·ḃ) = ab + ε·(ȧb + aḃ),  f(a + ε·ȧ) = f(a) + ε·f′(a)·ȧ
 *
 * At a kink (`abs`, `max`, `min`, `whereGreater`) the derivative is that of the side which the value comes from; `abs` has
 * slope 0 at 0.
 */
export function dualAlgebra<V>(m: Algebra<V>): Algebra<Dual<V>> {
  assertAlgebra('dualAlgebra', m);
  const zero = m.constant(0);
  const one = m.constant(1);
  const dual = (value: V, derivative: V): Dual<V> => ({ value, derivative });
  return {
    constant: (value) => dual(m.constant(value), zero),
    add: (a, b) => dual(m.add(a.value, b.value), m.add(a.derivative, b.derivative)),
    sub: (a, b) => dual(m.sub(a.value, b.value), m.sub(a.derivative, b.derivative)),
    mul: (a, b) => dual(m.mul(a.value, b.value), m.add(m.mul(a.derivative, b.value), m.mul(a.value, b.derivative))),
    div(a, b) {
      const y = m.div(a.value, b.value);
      return dual(y, m.div(m.sub(a.derivative, m.mul(y, b.derivative)), b.value));
    },
    neg: (a) => dual(m.neg(a.value), m.neg(a.derivative)),
    abs(a) {
      const below = m.whereGreater(zero, a.value, m.neg(a.derivative), zero);
      return dual(m.abs(a.value), m.whereGreater(a.value, zero, a.derivative, below));
    },
    sqrt(a) {
      const y = m.sqrt(a.value);
      return dual(y, m.div(a.derivative, m.add(y, y)));
    },
    exp(a) {
      const y = m.exp(a.value);
      return dual(y, m.mul(a.derivative, y));
    },
    log: (a) => dual(m.log(a.value), m.div(a.derivative, a.value)),
    tanh(a) {
      const y = m.tanh(a.value);
      return dual(y, m.mul(a.derivative, m.sub(one, m.mul(y, y))));
    },
    sigmoid(a) {
      const y = m.sigmoid(a.value);
      return dual(y, m.mul(a.derivative, m.mul(y, m.sub(one, y))));
    },
    max: (a, b) => dual(m.max(a.value, b.value), m.whereGreater(b.value, a.value, b.derivative, a.derivative)),
    min: (a, b) => dual(m.min(a.value, b.value), m.whereGreater(a.value, b.value, b.derivative, a.derivative)),
    whereGreater: (a, b, x, y) =>
      dual(
        m.whereGreater(a.value, b.value, x.value, y.value),
        m.whereGreater(a.value, b.value, x.derivative, y.derivative),
      ),
  };
}
