import { expOf } from '../tensor/exp.ts';
import { logOf } from '../tensor/log.ts';
import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import type { Algebra } from './algebra.ts';

/** A formula on float64 numbers: the meaning that every other interpreter is held to. */
export const numberAlgebra: Algebra<number> = {
  constant: (value) => value,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  abs: Math.abs,
  sqrt: Math.sqrt,
  exp: expOf,
  log: logOf,
  tanh: tanhOf,
  sigmoid: logistic,
  max: (a, b) => (a < b ? b : a),
  min: (a, b) => (b < a ? b : a),
  whereGreater: (a, b, x, y) => (a > b ? x : y),
};
