import type { Algebra } from 'bptt/algebra';
import * as l from 'bptt/layers';
import { l2Backward, l2Forward } from 'bptt/optim';
import * as t from 'bptt/tensor';
import { compareExactly, type DifferentiableFormula, EXACT_TOLERANCE, formulaOfCell } from 'bptt/testing';
import { bundledCells } from './gradcheckLayers.ts';

/** What one case gave. */
export interface ExactResult {
  name: string;
  units: number;
  /** The largest relative error of the backward. */
  worst: number;
  passed: boolean;
  /** What is wrong; empty where nothing is. */
  where: string;
}

/** Random inputs that each case is tried at. */
const UNITS = 1000;

/** Runs one case. */
export function runExact(one: DifferentiableFormula, seed: number, units: number = UNITS): ExactResult {
  const { worst, where, apart } = compareExactly(one, { units, seed });
  const passed = worst <= EXACT_TOLERANCE && apart === '';
  return { name: one.name, units, worst, passed, where: passed ? '' : apart || where };
}

/** A table: a line for each case, and below it what failed. */
export function formatExact(results: readonly ExactResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const rows = results.map(({ name, units, worst, passed }) =>
    [
      name.padEnd(width),
      'exact',
      String(units).padStart(6),
      worst.toExponential(1).padStart(8),
      passed ? 'ok' : 'FAILED',
    ].join('  '),
  );
  const notes = results.filter(({ passed }) => !passed).map(({ name, where }) => `${name}: ${where}`);
  const verdict = notes.length > 0 ? `FAILED (${notes.length} of ${results.length})` : 'ok';
  return [...rows, ...notes, `${results.length} formulas against their exact derivatives: ${verdict}`].join('\n');
}

type Forward = DifferentiableFormula['forward'];

/** y = f(x) of one number; the backward reads the input or the output. */
function unary(
  name: string,
  forward: Forward,
  loops: (y: Float64Array, x: Float64Array) => unknown,
  backward: (dx: Float64Array, dy: Float64Array, yOrX: Float64Array) => void,
  reads: 'input' | 'output',
  draw?: (random: t.RandomState) => number[],
): DifferentiableFormula {
  return {
    ...{ name, inputs: ['x'], forward, ...(draw ? { draw } : {}) },
    loops(inputs) {
      const y = new Float64Array(1);
      loops(y, Float64Array.from(inputs));
      return [...y];
    },
    backward(inputs, dout, outputs) {
      const dx = new Float64Array(1);
      backward(dx, Float64Array.from(dout), Float64Array.from(reads === 'input' ? inputs : outputs));
      return [...dx];
    },
  };
}

/** Values of a row and their backward. */
function row(
  name: string,
  n: number,
  forward: Forward,
  loops: (x: Float64Array) => Float64Array,
  backward: (dy: Float64Array, x: Float64Array, y: Float64Array) => Float64Array,
): DifferentiableFormula {
  return {
    ...{ name, inputs: Array.from({ length: n }, (_, i) => `x[${i}]`), forward },
    loops: (inputs) => [...loops(Float64Array.from(inputs))],
    backward: (inputs, dout, outputs) => [
      ...backward(Float64Array.from(dout), Float64Array.from(inputs), Float64Array.from(outputs)),
    ],
  };
}

/** ln Σ e^z, shifted by the largest as the loops do it. */
function logSumExp<V>(m: Algebra<V>, z: readonly V[]): { sum: V; max: V; exps: readonly V[] } {
  const max = z.reduce((a, b) => m.max(a, b));
  const exps = z.map((value) => m.exp(m.sub(value, max)));
  return { sum: exps.reduce((a, b) => m.add(a, b)), max, exps };
}

/** One row of a loss with its weight, the loss's own loops beside it. */
function loss(name: string, value: l.Loss, targets: readonly number[], forward: Forward): DifferentiableFormula {
  const V = value.targets === 'classes' ? 4 : targets.length;
  const window = (inputs: readonly number[], weight: number): l.LossWindow => ({
    ...{ R: 1, T: 1, B: 1, V, S: 0, losses: new Float64Array(1), outputs: new Float64Array(V) },
    dlogits: new Float64Array(V),
    logits: Float64Array.from(inputs),
    targetIds: Int32Array.from(value.targets === 'classes' ? targets : []),
    targetValues: Float64Array.from(value.targets === 'values' ? targets : []),
    weights: Float64Array.of(weight),
    ...{ lengths: new Int32Array(0), targetLengths: new Int32Array(0), scratch: new Float64Array(0) },
  });
  return {
    ...{ name, inputs: Array.from({ length: V }, (_, i) => `logits[${i}]`), forward },
    loops(inputs) {
      const w = window(inputs, 1);
      value.forward(w);
      return [w.losses[0]];
    },
    backward(inputs, [dout]) {
      const w = window(inputs, dout);
      value.forward(w);
      value.backward(w);
      return [...w.dlogits];
    },
  };
}

const SOFT = [0.2, 1, 0.7] as const;
const VALUES = [0.5, -1.5, 2] as const;

/** Σ (o − y)² */
function squares<V>(m: Algebra<V>, outputs: readonly V[]): V {
  const errors = outputs.map((o, i) => m.sub(o, m.constant(VALUES[i])));
  return errors.map((e) => m.mul(e, e)).reduce((a, b) => m.add(a, b));
}

/** Everything that is written as a formula, or that has one beside its loops here: cells, losses, functions of `tensor/`. */
export const exactCases: DifferentiableFormula[] = [
  unary('tanh', (m, [x]) => [m.tanh(x)], t.tanh, t.tanhBackward, 'output'),
  unary('sigmoid', (m, [x]) => [m.sigmoid(x)], t.sigmoid, t.sigmoidBackward, 'output'),
  unary('relu', (m, [x]) => [m.max(x, m.constant(0))], t.relu, t.reluBackward, 'output'),
  unary('exp', (m, [x]) => [m.exp(x)], t.exp, t.expBackward, 'output'),
  unary(
    'log',
    (m, [x]) => [m.log(x)],
    t.log,
    t.logBackward,
    'input',
    (random) => [random.uniform(0.1, 4)],
  ),
  unary(
    'clip',
    (m, [x]) => [m.min(m.max(x, m.constant(-0.8)), m.constant(0.6))],
    (y, x) => t.clip(y, x, -0.8, 0.6),
    (dx, dy, x) => t.clipBackward(dx, dy, x, -0.8, 0.6),
    'input',
  ),
  unary(
    'l2',
    (m, [w]) => [m.mul(m.constant(0.3), m.mul(w, w))],
    (y, w) => y.fill(l2Forward(w, 0.3)),
    (dw, dout, w) => l2Backward(dw, w, 0.3 * dout[0]),
    'input',
  ),
  row(
    'multiply',
    2,
    (m, [x, y]) => [m.mul(x, y)],
    ([x, y]) => {
      const z = new Float64Array(1);
      t.multiply(z, Float64Array.of(x), Float64Array.of(y));
      return z;
    },
    (dz, [x, y]) => {
      const [dx, dy] = [new Float64Array(1), new Float64Array(1)];
      t.multiplyBackward(dx, dy, dz, Float64Array.of(x), Float64Array.of(y));
      return Float64Array.of(dx[0], dy[0]);
    },
  ),
  row(
    'softmax',
    4,
    (m, z) => {
      const { sum, exps } = logSumExp(m, z);
      return exps.map((e) => m.div(e, sum));
    },
    (z) => {
      const p = new Float64Array(4);
      t.softmax(p, z, 1, 4);
      return p;
    },
    (dp, _, p) => {
      const dz = new Float64Array(4);
      t.softmaxBackward(dz, dp, p, 1, 4);
      return dz;
    },
  ),
  row(
    'logSoftmax',
    4,
    (m, z) => {
      const { sum, max } = logSumExp(m, z);
      return z.map((value) => m.sub(m.sub(value, max), m.log(sum)));
    },
    (z) => {
      const y = new Float64Array(4);
      t.logSoftmax(y, z, 1, 4);
      return y;
    },
    (dy, _, y) => {
      const dz = new Float64Array(4);
      t.logSoftmaxBackward(dz, dy, y, 1, 4);
      return dz;
    },
  ),
  row(
    'logSumExp',
    4,
    (m, z) => {
      const { sum, max } = logSumExp(m, z);
      return [m.add(max, m.log(sum))];
    },
    (z) => {
      const s = new Float64Array(1);
      t.logSumExp(s, z, 1, 4);
      return s;
    },
    (ds, z, s) => {
      const dz = new Float64Array(4);
      t.logSumExpBackward(dz, ds, z, s, 1, 4);
      return dz;
    },
  ),
  loss('softmaxCrossEntropy', l.softmaxCrossEntropy, [2], (m, z) => {
    const { sum, max } = logSumExp(m, z);
    return [m.sub(m.log(sum), m.sub(z[2], max))];
  }),
  loss('sigmoidCrossEntropy', l.sigmoidCrossEntropy, SOFT, (m, z) => {
    const one = m.constant(1);
    const terms = z.map((x, i) => {
      const straight = m.sub(m.max(x, m.constant(0)), m.mul(x, m.constant(SOFT[i])));
      return m.add(straight, m.log(m.add(one, m.exp(m.neg(m.abs(x))))));
    });
    return [terms.reduce((a, b) => m.add(a, b))];
  }),
  loss('squaredError', l.squaredError, VALUES, (m, z) => [squares(m, z)]),
  loss('squaredError of a sigmoid', l.squaredErrorOfSigmoid, VALUES, (m, z) => [
    squares(
      m,
      z.map((x) => m.sigmoid(x)),
    ),
  ]),
  ...bundledCells.map(([name, cell]) => ({ ...formulaOfCell(cell), name })),
];
