import { assertWhole } from '../check/numbers.ts';
import { expOf } from '../tensor/exp.ts';
import { logOf } from '../tensor/log.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import type { Algebra } from './algebra.ts';

/** The most elements of a row. */
const MOST_WIDTH = 2 ** 28;

/**
 * A formula on rows of n elements at once, computed in float64 and rounded when a result is stored: each operation is a
 * plain loop over the row. The rows of intermediate results are made at first use and used again after {@link begin}, so
 * that a loop over many rows allocates nothing that outlives its first round.
 */
export class RowAlgebra implements Algebra<Float64Array> {
  /** Elements of a row that lie side by side in an array, and how many such pieces a row has. */
  private readonly width: number;
  private readonly pieces: number;
  private readonly n: number;
  private readonly rows: Float64Array[] = [];
  private readonly constants = new Map<number, Float64Array>();
  private used = 0;

  /** @throws {RangeError} on a width or number of pieces that is not a whole number ≥ 1. */
  constructor(width: number, pieces = 1) {
    assertWhole('RowAlgebra', 'width', width, 1, MOST_WIDTH);
    assertWhole('RowAlgebra', 'pieces', pieces, 1, MOST_WIDTH / width);
    this.width = width;
    this.pieces = pieces;
    this.n = width * pieces;
  }

  /** Starts a round: rows handed out before may be overwritten. */
  begin(): void {
    this.used = 0;
  }

  /** A row of an array: its pieces begin at `start`, `start + stride`, … */
  load(from: FloatArray, start: number, stride = 0): Float64Array {
    const { width, pieces } = this;
    const y = this.row();
    for (let p = 0; p < pieces; p++) {
      const own = p * width;
      const at = start + p * stride;
      for (let i = 0; i < width; i++) y[own + i] = from[at + i];
    }
    return y;
  }

  /** Overwrites a row of an array. */
  store(to: FloatArray, start: number, a: Float64Array, stride = 0): void {
    const { width, pieces } = this;
    for (let p = 0; p < pieces; p++) {
      const own = p * width;
      const at = start + p * stride;
      for (let i = 0; i < width; i++) to[at + i] = a[own + i];
    }
  }

  /** A number for every element, of this round only. */
  splat(value: number): Float64Array {
    return this.row().fill(value);
  }

  constant(value: number): Float64Array {
    let row = this.constants.get(value);
    if (!row) {
      row = new Float64Array(this.n).fill(value);
      this.constants.set(value, row);
    }
    return row;
  }

  add(a: Float64Array, b: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = a[i] + b[i];
    return y;
  }

  sub(a: Float64Array, b: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = a[i] - b[i];
    return y;
  }

  mul(a: Float64Array, b: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = a[i] * b[i];
    return y;
  }

  div(a: Float64Array, b: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = a[i] / b[i];
    return y;
  }

  neg(a: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = -a[i];
    return y;
  }

  abs(a: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = Math.abs(a[i]);
    return y;
  }

  sqrt(a: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = Math.sqrt(a[i]);
    return y;
  }

  exp(a: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = expOf(a[i]);
    return y;
  }

  log(a: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = logOf(a[i]);
    return y;
  }

  tanh(a: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = tanhOf(a[i]);
    return y;
  }

  sigmoid(a: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = logistic(a[i]);
    return y;
  }

  max(a: Float64Array, b: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = a[i] < b[i] ? b[i] : a[i];
    return y;
  }

  min(a: Float64Array, b: Float64Array): Float64Array {
    const y = this.row();
    for (let i = 0; i < y.length; i++) y[i] = b[i] < a[i] ? b[i] : a[i];
    return y;
  }

  whereGreater(a: Float64Array, b: Float64Array, x: Float64Array, y: Float64Array): Float64Array {
    const z = this.row();
    for (let i = 0; i < z.length; i++) z[i] = a[i] > b[i] ? x[i] : y[i];
    return z;
  }

  private row(): Float64Array {
    let row = this.rows[this.used];
    if (!row) {
      row = new Float64Array(this.n);
      this.rows.push(row);
    }
    this.used++;
    return row;
  }
}
