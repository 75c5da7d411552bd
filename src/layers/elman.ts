import type { Algebra } from '../algebra/algebra.ts';
import { reluBackward } from '../tensor/relu.ts';
import { logistic, sigmoidBackward } from '../tensor/sigmoid.ts';
import { tanhBackward, tanhOf } from '../tensor/tanh.ts';
import { type Cell, type CellBackward, type CellForward, sigmoidSlope } from './cell.ts';

/** What the Elman cell puts its sum through. */
export type Nonlinearity = 'tanh' | 'sigmoid' | 'relu' | 'identity';

/**
 * The simple recurrent net (Elman 1990; the notebooks' `hs[t]`):
 *
 *     h_t = f(x + h)         x = Wih·x_t + bih,  h = Whh·h_{t−1} + bhh
 */
function elmanForward(f: Nonlinearity, { states: [y], xGates: x, hGates: h }: CellForward): void {
  if (f === 'tanh') for (let i = 0; i < y.length; i++) y[i] = tanhOf(x[i] + h[i]);
  else if (f === 'sigmoid') for (let i = 0; i < y.length; i++) y[i] = logistic(x[i] + h[i]);
  else if (f === 'relu') for (let i = 0; i < y.length; i++) y[i] = Math.max(x[i] + h[i], 0);
  else for (let i = 0; i < y.length; i++) y[i] = x[i] + h[i];
}

/** dx = dh = f′·d, for what reaches h_t: d. */
function elmanBackward(f: Nonlinearity, { dxGates: dx, dstates: [d], states: [y] }: CellBackward): void {
  if (f === 'tanh') tanhBackward(dx, d, y);
  else if (f === 'sigmoid') sigmoidBackward(dx, d, y);
  else if (f === 'relu') reluBackward(dx, d, y);
  else dx.set(d);
}

/** The Elman cell with one nonlinearity: its loops, and the same as a formula. */
function elmanCell(f: Nonlinearity): Cell {
  return {
    name: 'elman',
    gates: 1,
    states: ['h'],
    savedBlocks: 0,
    forward: (step) => elmanForward(f, step),
    backward: (step) => elmanBackward(f, step),
    formula: {
      forward: (m, { x: [x], h: [h] }) => ({ states: [apply(m, f, m.add(x, h))] }),
      backward: (m, { dstates: [d], states: [y] }) => ({ dx: [slope(m, f, d, y)] }),
    },
  };
}

function apply<V>(m: Algebra<V>, f: Nonlinearity, a: V): V {
  if (f === 'tanh') return m.tanh(a);
  if (f === 'sigmoid') return m.sigmoid(a);
  return f === 'relu' ? m.max(a, m.constant(0)) : a;
}

/** d·f′(a), told by y = f(a); at the kink of relu the slope is taken as 0. */
function slope<V>(m: Algebra<V>, f: Nonlinearity, d: V, y: V): V {
  if (f === 'tanh') return m.mul(m.sub(m.constant(1), m.mul(y, y)), d);
  if (f === 'sigmoid') return sigmoidSlope(m, d, y);
  return f === 'relu' ? m.whereGreater(y, m.constant(0), d, m.constant(0)) : d;
}

/** The Elman cell with each nonlinearity. */
export const elman: Readonly<Record<Nonlinearity, Cell>> = {
  tanh: elmanCell('tanh'),
  sigmoid: elmanCell('sigmoid'),
  relu: elmanCell('relu'),
  identity: elmanCell('identity'),
};

/** The nonlinearities of the Elman cell, and the activations of dense layers. */
export const NONLINEARITIES = Object.keys(elman) as readonly Nonlinearity[];
