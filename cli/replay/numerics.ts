import { sineData } from 'bptt/data';
import { exp, type FloatArray, log, pairwiseSum, sigmoid, singularValues, softmax, tanh } from 'bptt/tensor';
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
  check.compare(fields.golden('np_sum'), pairwiseSum(values));
  check.compare(fields.golden('np_mean'), pairwiseSum(values) / n);
  check.compare(fields.golden('plain_left_to_right_sum'), plain);
  check.compare(fields.golden('cumsum_last'), plain);
}

function replayExact(file: Fields, check: Check): void {
  const around = file.optional('np_around');
  if (around) check.compare(around.golden('y'), around.array('x').map(roundHalfEven));
  const signs = file.optional('np_sign');
  if (signs) check.compare(signs.golden('y'), signs.array('x').map(sign));
  const close = 'np_isclose_rtol_1e-5_atol_1e-8';
  for (const pair of file.objects(close)) {
    check.same(pair, 'isclose', isclose(pair.number('a'), pair.number('b')));
  }
  check.compare(file.golden('arange_0_2pi_0.2_length'), sineData(0.2).steps);
}

function replayFunctions(file: Fields, check: Check): void {
  const { functions } = check.tolerances.numerics;
  const rows = file.optional('softmax_rows');
  if (rows) {
    const golden = rows.golden('z')!;
    const z = check.floats(rows.array('z'));
    const [R, V] = golden.shape;
    softmax(z, z, R, V);
    check.compare(rows.golden('softmax'), z, functions);
    check.compare(rows.golden('softmax_without_max'), z, functions);
  }
  const matrices = 'largest_singular_value';
  for (const fields of file.objects(matrices)) {
    const [m, n] = fields.golden('matrix')!.shape;
    check.compare(fields.golden('singular_values'), singularValues(fields.array('matrix'), m, n), functions);
  }
  const elementary = file.optional('elementary_functions');
  if (!elementary) return;
  const x = check.floats(elementary.array('x'));
  const through = (f: (y: FloatArray, x: FloatArray) => void, of = x): FloatArray => {
    const y = x.slice();
    f(y, of);
    return y;
  };
  check.compare(elementary.golden('exp'), through(exp), functions);
  check.compare(elementary.golden('tanh'), through(tanh), functions);
  check.compare(elementary.golden('logistic'), through(sigmoid), functions);
  check.compare(elementary.golden('log_abs'), through(log, x.map(Math.abs)), functions);
}
