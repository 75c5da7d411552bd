import { sineData } from 'bptt/data';
import { type Cell, elman, softmaxCrossEntropy } from 'bptt/layers';
import { exp, type FloatArray, log, pairwiseSum, singularValues } from 'bptt/tensor';
import { isclose, roundHalfEven, sign } from 'bptt/tensor/numpy';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';

/** NumPy's sums, roundings and elementary functions: `numerics.json`. */
export function replay(file: Fields, check: Check): void {
  for (const fields of file.cases((c) => `n=${c.whole('n', 1)}`)) replaySums(fields, check);
  replayExact(file, check);
  replayFunctions(file, check);
}

function replaySums(fields: Fields, check: Check): void {
  const n = fields.whole('n', 1);
  const values = fields.array('values', [n]);
  const plain = values.reduce((sum, v) => sum + v, 0);
  check.compareData(fields.golden('np_sum'), pairwiseSum(values));
  check.compareData(fields.golden('np_mean'), pairwiseSum(values) / n);
  check.compareData(fields.golden('plain_left_to_right_sum'), plain);
  check.compareData(fields.golden('cumsum_last'), plain);
}

function replayExact(file: Fields, check: Check): void {
  const around = file.optional('np_around');
  if (around) check.compareData(around.golden('y'), around.array('x').map(roundHalfEven));
  const signs = file.optional('np_sign');
  if (signs) check.compareData(signs.golden('y'), signs.array('x').map(sign));
  const close = 'np_isclose_rtol_1e-5_atol_1e-8';
  for (const pair of file.objects(close)) {
    check.sameData(pair, 'isclose', isclose(pair.number('a'), pair.number('b')));
  }
  check.compareData(file.golden('arange_0_2pi_0.2_length'), sineData(0.2).steps);
}

function replayFunctions(file: Fields, check: Check): void {
  const { functions } = check.tolerances.numerics;
  const rows = file.optional('softmax_rows');
  if (rows) {
    const p = softmaxOf(rows, check);
    check.compare(rows.golden('softmax'), p, functions);
    check.compare(rows.golden('softmax_without_max'), p, functions);
  }
  const matrices = 'largest_singular_value';
  for (const fields of file.objects(matrices)) {
    const [m, n] = fields.golden('matrix')!.shape;
    check.compareData(fields.golden('singular_values'), singularValues(fields.array('matrix'), m, n), functions);
  }
  const elementary = file.optional('elementary_functions');
  if (!elementary) return;
  const x = elementary.array('x');
  const through = (f: (y: Float64Array, x: Float64Array) => void, of = x): Float64Array => {
    const y = x.slice();
    f(y, of);
    return y;
  };
  check.compareData(elementary.golden('exp'), through(exp), functions);
  check.compare(elementary.golden('tanh'), unitOf(elman.tanh, x, check), functions);
  check.compare(elementary.golden('logistic'), unitOf(elman.sigmoid, x, check), functions);
  check.compareData(elementary.golden('log_abs'), through(log, x.map(Math.abs)), functions);
}

/** By the engine's loss: the probabilities that it compares. */
function softmaxOf(rows: Fields, check: Check): FloatArray {
  const [R, V] = rows.golden('z')!.shape;
  const engine = check.engineFor(() => [R * V, R * V]);
  const [p, z] = [engine.floats(R * V), engine.floats(R * V)];
  engine.write(z, rows.array('z'));
  engine.lossOutputs(softmaxCrossEntropy, p, z, R, V);
  return p;
}

/** By a step of one unit, each number a sequence, that has nothing to remember. */
function unitOf(cell: Cell, x: Float64Array, check: Check): FloatArray {
  const { length } = x;
  const lengths = [length, length, length, length, 0];
  const engine = check.engineFor(() => lengths);
  const [h, xGates, hGates, previous, empty] = lengths.map((n) => engine.floats(n));
  engine.write(xGates, x);
  const none = { saved: empty, extra: [], operand: empty, innerGates: empty };
  engine.kernels.cellForward(cell, { states: [h], xGates, hGates, previous: [previous], ...none }, length, 1);
  return h;
}
