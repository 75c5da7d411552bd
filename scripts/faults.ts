export type FaultKind =
  | 'sign'
  | 'dropped term'
  | 'transposed operand'
  | 'wrong operand'
  | 'wrong gate'
  | 'missing accumulation'
  | 'off by one in time'
  | 'wrong index';

/** One planted fault: in `file`, the only `find` becomes `replace`. */
export interface Fault {
  /** Under `src/`. */
  file: string;
  kind: FaultKind;
  find: string;
  replace: string;
  /** The gradient checks that should notice: a regular expression for the whole name of a case; none for `unitTests`. */
  cases: string;
}

type Row = readonly [kind: FaultKind, find: string, replace: string, cases?: string];

/** The faults of one file; rows without a `cases` of their own take the file's. */
function faultsOf(file: string, cases: string, rows: readonly Row[]): Fault[] {
  return rows.map(([kind, find, replace, own = cases]) => ({ file, kind, find, replace, cases: own }));
}

/** Where there is no gradient to check, the file's unit tests must notice. */
export const unitTests = '';

const tensor: Fault[] = [
  ...faultsOf('tensor/add.ts', 'addRow', [
    ['sign', 'db[j] += dy[r * n + j]', 'db[j] -= dy[r * n + j]'],
    ['missing accumulation', 'db[j] += dy[r * n + j]', 'db[j] = dy[r * n + j]'],
    ['transposed operand', 'db[j] += dy[r * n + j]', 'db[j] += dy[j * rows + r]'],
  ]),
  ...faultsOf('tensor/clip.ts', 'clip', [
    ['sign', '? dy[i] : 0', '? -dy[i] : 0'],
    ['dropped term', 'x[i] > low && x[i] < high', 'x[i] < high'],
    ['dropped term', 'x[i] > low && x[i] < high', 'x[i] > low'],
  ]),
  ...faultsOf('tensor/columns.ts', '(place|take)Columns.*', [
    ['wrong index', 'y[r * N + offset + j] = x[r * n + j]', 'y[r * N + j] = x[r * n + j]'],
    ['wrong index', '+ x[r * N + offset + j]', '+ x[r * n + offset + j]'],
    ['missing accumulation', '(accumulate ? y[r * n + j] : 0) + x', 'x'],
  ]),
  ...faultsOf('tensor/exp.ts', 'exp', [
    ['sign', 'y[i] * dy[i]', '-y[i] * dy[i]'],
    ['dropped term', 'y[i] * dy[i]', 'dy[i]'],
  ]),
  ...faultsOf('tensor/exp.ts', unitTests, [
    ['sign', 'steps * STEP_LOW - rest', 'steps * STEP_LOW + rest'],
    ['dropped term', 'ROOTS[at + 1] + r', 'r'],
    ['dropped term', '- (steps * STEP_LOW - rest)', ''],
    ['wrong index', '(n & 127) << 1', '(n & 63) << 1'],
    ['dropped term', '+ r * (1 / 120)', ''],
    ['dropped term', ' * powerOfTwo(steps / 128)', ''],
  ]),
  ...faultsOf('tensor/gather.ts', 'gatherRows', [
    ['sign', 'dtable[to + j] += dy[r * n + j]', 'dtable[to + j] -= dy[r * n + j]'],
    ['missing accumulation', 'dtable[to + j] += dy[r * n + j]', 'dtable[to + j] = dy[r * n + j]'],
    ['wrong index', 'const to = ids[r] * n', 'const to = ids[0] * n'],
    ['dropped term', 'dtable[to + j] += dy[r * n + j]', 'if (r > 0) dtable[to + j] += dy[r * n + j]'],
  ]),
  ...faultsOf('tensor/gather.ts', 'gatherColumns', [
    ['sign', 'dw[j * vocabulary + id] += dy', 'dw[j * vocabulary + id] -= dy'],
    ['missing accumulation', 'dw[j * vocabulary + id] += dy', 'dw[j * vocabulary + id] = dy'],
    ['transposed operand', 'dw[j * vocabulary + id] += dy', 'dw[id * n + j] += dy'],
  ]),
  ...faultsOf('tensor/log.ts', 'log', [
    ['sign', 'dy[i] / x[i]', '-dy[i] / x[i]'],
    ['dropped term', 'dy[i] / x[i]', 'dy[i]'],
    ['wrong operand', 'dy[i] / x[i]', 'dy[i] * x[i]'],
  ]),
  ...faultsOf('tensor/log.ts', unitTests, [
    ['sign', 'k * LN2_LOW + INTERVALS', '-k * LN2_LOW + INTERVALS'],
    ['dropped term', 'z - zHigh + rest * toOne', 'z - zHigh'],
    ['dropped term', ' + INTERVALS[at + 2] + rLow', ' + rLow'],
    ['dropped term', ' - r * (1 / 7)', ''],
    ['wrong index', '(word >> 13) & 127', '(word >> 12) & 127'],
    ['dropped term', 'logOfSum(sum, x - (sum - 1), 0)', 'logOfSum(sum, 0, 0)'],
  ]),
  ...faultsOf('tensor/logSoftmax.ts', 'logSoftmax', [
    ['sign', 'dy[row + j] - expOf(y[row + j]) * sum', 'dy[row + j] + expOf(y[row + j]) * sum'],
    ['dropped term', 'dy[row + j] - expOf(y[row + j]) * sum', 'dy[row + j]'],
    ['dropped term', 'expOf(y[row + j]) * sum', 'expOf(y[row + j])'],
    ['wrong operand', 'expOf(y[row + j]) * sum', 'y[row + j] * sum'],
    ['dropped term', 'for (let j = 0; j < n; j++) sum += dy', 'for (let j = 1; j < n; j++) sum += dy'],
  ]),
  ...faultsOf('tensor/logSumExp.ts', 'logSumExp', [
    ['sign', 'ds[r] * expOf(z[r * n + j] - s[r])', '-ds[r] * expOf(z[r * n + j] - s[r])'],
    ['dropped term', 'ds[r] * expOf(z[r * n + j] - s[r])', 'expOf(z[r * n + j] - s[r])'],
    ['dropped term', 'expOf(z[r * n + j] - s[r])', 'expOf(z[r * n + j])'],
  ]),
  ...faultsOf('tensor/matmul.ts', 'matmulNN.*', [
    ['dropped term', '  matmulNT(da, dc, b, m, n, k, accumulate);\n', ''],
    ['dropped term', '  matmulTN(db, a, dc, k, m, n, accumulate);\n', ''],
    ['transposed operand', 'matmulNT(da, dc, b, m, n, k, accumulate)', 'matmulNN(da, dc, b, m, n, k, accumulate)'],
    ['transposed operand', 'matmulTN(db, a, dc, k, m, n, accumulate)', 'matmulNN(db, a, dc, k, m, n, accumulate)'],
    ['missing accumulation', 'matmulNT(da, dc, b, m, n, k, accumulate)', 'matmulNT(da, dc, b, m, n, k)'],
    ['missing accumulation', 'matmulTN(db, a, dc, k, m, n, accumulate)', 'matmulTN(db, a, dc, k, m, n)'],
    ['wrong index', 's6 += x * b[row + 6]', 's6 += x * b[row + 5]'],
    ['dropped term', '  if (m2 < m) addOneRow(c, m2 * n, a, m2 * k, b, k, n);\n', ''],
    ['sign', 'c[out + n + j] += dotRest(a, row1', 'c[out + n + j] -= dotRest(a, row1'],
  ]),
  ...faultsOf('tensor/matmul.ts', 'matmulNT.*', [
    ['dropped term', '  matmulNN(da, dc, b, m, n, k, accumulate);\n', ''],
    ['dropped term', '  matmulTN(db, dc, a, n, m, k, accumulate);\n', ''],
    ['transposed operand', 'matmulNN(da, dc, b, m, n, k, accumulate)', 'matmulNT(da, dc, b, m, n, k, accumulate)'],
    ['transposed operand', 'matmulTN(db, dc, a, n, m, k, accumulate)', 'matmulTN(db, a, dc, k, m, n, accumulate)'],
    ['missing accumulation', 'matmulNN(da, dc, b, m, n, k, accumulate)', 'matmulNN(da, dc, b, m, n, k)'],
    ['missing accumulation', 'matmulTN(db, dc, a, n, m, k, accumulate)', 'matmulTN(db, dc, a, n, m, k)'],
    ['wrong index', 's2 += x * b[b2 + l] + xx', 's2 += x * b[b1 + l] + xx'],
    ['wrong operand', 's12 += y * w + yy * ww', 's12 += x * w + xx * ww'],
    ['dropped term', '  if (m2 < m) dotOneRow(c, m2 * n, a, m2 * k, b, k, n);\n', ''],
    ['sign', 'c[out + n + j] += dotRest(a, a1', 'c[out + n + j] -= dotRest(a, a1'],
  ]),
  ...faultsOf('tensor/matmul.ts', 'matmulTN.*', [
    ['dropped term', '  matmulNT(da, b, dc, k, n, m, accumulate);\n', ''],
    ['dropped term', '  matmulNN(db, a, dc, k, m, n, accumulate);\n', ''],
    ['transposed operand', 'matmulNT(da, b, dc, k, n, m, accumulate)', 'matmulNT(da, dc, b, m, n, k, accumulate)'],
    ['transposed operand', 'matmulNN(db, a, dc, k, m, n, accumulate)', 'matmulTN(db, a, dc, k, m, n, accumulate)'],
    ['missing accumulation', 'matmulNT(da, b, dc, k, n, m, accumulate)', 'matmulNT(da, b, dc, k, n, m)'],
    ['missing accumulation', 'matmulNN(db, a, dc, k, m, n, accumulate)', 'matmulNN(db, a, dc, k, m, n)'],
    ['sign', 'c[m2 * n + j] += dotRest(', 'c[m2 * n + j] -= dotRest('],
    ['transposed operand', 'dotRest(a, i + 1, m, b', 'dotRest(a, i + 1, 1, b'],
  ]),
  ...faultsOf('tensor/matvec.ts', 'matvec.*', [
    ['dropped term', '  outer(da, dy, x, m, k, accumulate, products);\n', ''],
    ['transposed operand', 'outer(da, dy, x, m, k, accumulate, products)', 'outer(da, x, dy, k, m, accumulate)'],
    ['transposed operand', 'matmulNN(dx, dy, a, 1, m, k, accumulate)', 'matmulNT(dx, dy, a, 1, m, k, accumulate)'],
    ['missing accumulation', 'outer(da, dy, x, m, k, accumulate, products)', 'outer(da, dy, x, m, k)'],
    ['missing accumulation', 'matmulNN(dx, dy, a, 1, m, k, accumulate)', 'matmulNN(dx, dy, a, 1, m, k)'],
  ]),
  ...faultsOf('tensor/max.ts', 'maxAxis', [
    ['sign', '] = dy[o * inner + i];', '] = -dy[o * inner + i];'],
    ['wrong index', 'const a = argmax[o * inner + i];', 'const a = 0;'],
    ['dropped term', '  dx.fill(0);\n', ''],
  ]),
  ...faultsOf('tensor/multiply.ts', 'multiply', [
    ['wrong operand', 'multiply(dx, dz, y)', 'multiply(dx, dz, x)'],
    ['wrong operand', 'multiply(dy, dz, x)', 'multiply(dy, dz, y)'],
    ['dropped term', '  multiply(dy, dz, x);\n', ''],
  ]),
  ...faultsOf('tensor/multiply.ts', 'multiplyRow', [
    ['wrong operand', 'multiplyRow(dx, dy, s, rows, n)', 'multiplyRow(dx, x, s, rows, n)'],
    ['sign', 'ds[j] += dy[r * n + j] * x[r * n + j]', 'ds[j] -= dy[r * n + j] * x[r * n + j]'],
    ['missing accumulation', 'ds[j] += dy[r * n + j]', 'ds[j] = dy[r * n + j]'],
    ['dropped term', 'ds[j] += dy[r * n + j] * x[r * n + j]', 'ds[j] += dy[r * n + j]'],
  ]),
  ...faultsOf('tensor/outer.ts', 'outer.*', [
    ['wrong operand', 'matmulNT(dx, y, dc, 1, n, m, accumulate)', 'matmulNT(dx, dy, dc, 1, n, m, accumulate)'],
    ['transposed operand', 'matmulNN(dy, x, dc, 1, m, n, accumulate)', 'matmulNT(dy, x, dc, 1, m, n, accumulate)'],
    ['missing accumulation', 'matmulNT(dx, y, dc, 1, n, m, accumulate)', 'matmulNT(dx, y, dc, 1, n, m)'],
    ['missing accumulation', 'matmulNN(dy, x, dc, 1, m, n, accumulate)', 'matmulNN(dy, x, dc, 1, m, n)'],
  ]),
  ...faultsOf('tensor/pow.ts', unitTests, [
    ['dropped term', 'low + y * logRest', 'low'],
    ['dropped term', 'low + y * logRest', 'y * logRest'],
    ['sign', 'y > 0 === x > 0', 'y > 0'],
  ]),
  ...faultsOf('tensor/relu.ts', 'relu', [
    ['sign', 'y[i] > 0 ? dy[i] : 0', 'y[i] > 0 ? -dy[i] : 0'],
    ['dropped term', 'y[i] > 0 ? dy[i] : 0', 'dy[i]'],
  ]),
  ...faultsOf('tensor/scale.ts', 'scale', [
    ['sign', 'scale(dx, dy, alpha)', 'scale(dx, dy, -alpha)'],
    ['dropped term', 'scale(dx, dy, alpha)', 'scale(dx, dy, 1)'],
    ['sign', 'dalpha += dy[i] * x[i]', 'dalpha -= dy[i] * x[i]'],
    ['missing accumulation', 'dalpha += dy[i] * x[i]', 'dalpha = dy[i] * x[i]'],
  ]),
  ...faultsOf('tensor/scale.ts', 'scaleRows', [
    ['wrong operand', 'scaleRows(dx, dy, s, rows, n)', 'scaleRows(dx, x, s, rows, n)'],
    ['missing accumulation', 'sum += dy[r * n + j] * x[r * n + j]', 'sum = dy[r * n + j] * x[r * n + j]'],
    ['sign', 'ds[r] = sum', 'ds[r] = -sum'],
  ]),
  ...faultsOf('tensor/sigmoid.ts', 'sigmoid', [
    ['sign', 'y[i] * (1 - y[i]) * dy[i]', 'y[i] * (1 + y[i]) * dy[i]'],
    ['dropped term', 'y[i] * (1 - y[i]) * dy[i]', '(1 - y[i]) * dy[i]'],
    ['dropped term', 'y[i] * (1 - y[i]) * dy[i]', 'y[i] * dy[i]'],
  ]),
  ...faultsOf('tensor/softmax.ts', 'softmax', [
    ['sign', '(dp[row + j] - dot)', '(dp[row + j] + dot)'],
    ['dropped term', '(dp[row + j] - dot)', 'dp[row + j]'],
    ['dropped term', 'p[row + j] * (dp[row + j] - dot)', 'dp[row + j] - dot'],
    ['dropped term', 'dot += dp[row + j] * p[row + j]', 'dot += dp[row + j]'],
    ['missing accumulation', 'dot += dp[row + j] * p[row + j]', 'dot = dp[row + j] * p[row + j]'],
  ]),
  ...faultsOf('tensor/sum.ts', 'sumAxis', [
    ['sign', '= dy[o * inner + i]', '= -dy[o * inner + i]'],
    ['transposed operand', '= dy[o * inner + i]', '= dy[i * outer + o]'],
  ]),
  ...faultsOf('tensor/sin.ts', unitTests, [
    ['sign', 'quarter & 2 ? -y : y', 'y'],
    ['sign', '- r * rest);', '+ r * rest);'],
    ['dropped term', 'r + (rest - ', 'r - ('],
    ['wrong index', '(n + shift) & 3', 'n & 3'],
  ]),
  ...faultsOf('tensor/tanh.ts', 'tanh', [
    ['sign', '(1 - y[i] * y[i]) * dy[i]', '(1 + y[i] * y[i]) * dy[i]'],
    ['dropped term', '(1 - y[i] * y[i]) * dy[i]', '(1 - y[i]) * dy[i]'],
    ['dropped term', '(1 - y[i] * y[i]) * dy[i]', 'dy[i]'],
  ]),
  ...faultsOf('tensor/tanh.ts', unitTests, [
    ['sign', 'x < 0 ? -y : y', 'y'],
    ['dropped term', '15 + 6 * rr + s * t', '15 + 6 * rr'],
    ['dropped term', 's + (STOPS[3 * j + 1] + ', 's + ('],
    ['wrong index', 'STOPS[3 * j + 2]', 'STOPS[3 * j + 5]'],
    ['dropped term', '(2772 + xx * 27)', '2772'],
  ]),
];

const layers: Fault[] = [
  ...faultsOf('layers/linear.ts', 'linear.*', [
    ['dropped term', '  if (dx) matmulNN(dx, dy, W, R, O, D, addToDx);\n', ''],
    ['transposed operand', 'matmulNN(dx, dy, W, R, O, D, addToDx)', 'matmulNT(dx, dy, W, R, O, D, addToDx)'],
    ['missing accumulation', 'matmulNN(dx, dy, W, R, O, D, addToDx)', 'matmulNN(dx, dy, W, R, O, D)'],
    ['transposed operand', 'matmulTN(dW, dy, x, O, R, D, true)', 'matmulTN(dW, x, dy, D, R, O, true)'],
    ['missing accumulation', 'matmulTN(dW, dy, x, O, R, D, true)', 'matmulTN(dW, dy, x, O, R, D)'],
    ['dropped term', 'D, true);\n  if (db) addRowBackward(db, dy, R, O);', 'D, true);'],
  ]),
  ...faultsOf('layers/linear.ts', 'oneHotLinear.*', [
    ['dropped term', '  gatherColumnsBackward(dW, dy, ids, R, D, O);\n', ''],
    ['dropped term', 'ids, R, D, O);\n  if (db) addRowBackward(db, dy, R, O);', 'ids, R, D, O);'],
  ]),
  ...faultsOf('layers/elman.ts', 'elmanStep.*', [
    ['dropped term', "if (f === 'tanh') tanhBackward(dz, dh, h);", "if (f === 'tanh') scale(dz, dh, 1);"],
    ['wrong operand', 'sigmoidBackward(dz, dh, h)', 'tanhBackward(dz, dh, h)'],
    ['dropped term', 'reluBackward(dz, dh, h)', 'scale(dz, dh, 1)'],
    ['sign', 'scale(dz, dh, 1)', 'scale(dz, dh, -1)'],
    ['transposed operand', 'matmulNN(dhPrev, dz, Whh, B, H, H)', 'matmulNT(dhPrev, dz, Whh, B, H, H)'],
    ['wrong operand', 'matmulNN(dhPrev, dz, Whh, B, H, H)', 'matmulNN(dhPrev, dh, Whh, B, H, H)'],
    ['transposed operand', 'matmulTN(dWhh, dz, hPrev, H, R, H, true)', 'matmulTN(dWhh, hPrev, dz, H, R, H, true)'],
    ['missing accumulation', 'matmulTN(dWhh, dz, hPrev, H, R, H, true)', 'matmulTN(dWhh, dz, hPrev, H, R, H)'],
    ['dropped term', '  if (dbhh) addRowBackward(dbhh, dz, R, H);\n', ''],
  ]),
  ...faultsOf('layers/gru.ts', 'gruStep.*', [
    ['dropped term', 'd * (1 - z) * (1 - n * n)', 'd * (1 - n * n)'],
    ['dropped term', 'd * (1 - z) * (1 - n * n)', 'd * (1 - z)'],
    ['sign', 'd * (1 - z) * (1 - n * n)', 'd * (1 - z) * (1 + n * n)'],
    ['wrong gate', 'dan * zhn * r * (1 - r)', 'dan * n * r * (1 - r)'],
    ['wrong gate', 'dan * zhn * r * (1 - r)', 'dan * zhn * z * (1 - z)'],
    ['dropped term', 'dan * zhn * r * (1 - r)', 'dan * zhn * r'],
    ['sign', '(hPrev[b * H + j] - n)', '(n - hPrev[b * H + j])'],
    ['dropped term', '(hPrev[b * H + j] - n)', 'hPrev[b * H + j]'],
    ['dropped term', '* z * (1 - z);', '* z;'],
    ['wrong gate', 'dzx[g + j] = dar', 'dzx[g + j] = daz'],
    ['wrong gate', 'dzx[g + H + j] = daz', 'dzx[g + H + j] = dar'],
    ['wrong gate', 'dzx[g + 2 * H + j] = dan', 'dzx[g + 2 * H + j] = dan * r'],
    ['wrong gate', 'dzh[g + j] = dar', 'dzh[g + j] = daz'],
    ['wrong gate', 'dzh[g + H + j] = daz', 'dzh[g + H + j] = dar'],
    ['dropped term', 'dzh[g + 2 * H + j] = dan * r', 'dzh[g + 2 * H + j] = dan'],
    ['wrong gate', 'dhPrev[b * H + j] = d * z', 'dhPrev[b * H + j] = d * (1 - z)'],
    ['dropped term', 'dhPrev[b * H + j] = d * z', 'dhPrev[b * H + j] = 0'],
    ['wrong operand', 'matmulNN(dhPrev, dzh, Whh, B, 3 * H, H, true)', 'matmulNN(dhPrev, dzx, Whh, B, 3 * H, H, true)'],
    [
      'missing accumulation',
      'matmulNN(dhPrev, dzh, Whh, B, 3 * H, H, true)',
      'matmulNN(dhPrev, dzh, Whh, B, 3 * H, H)',
    ],
    [
      'missing accumulation',
      'matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true)',
      'matmulTN(dWhh, dzh, hPrev, 3 * H, R, H)',
    ],
    [
      'transposed operand',
      'matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true)',
      'matmulTN(dWhh, hPrev, dzh, H, R, 3 * H, true)',
    ],
    ['dropped term', '  if (dbhh) addRowBackward(dbhh, dzh, R, 3 * H);\n', ''],
  ]),
  ...faultsOf('layers/gruResetBefore.ts', 'gruResetBeforeStep.*', [
    ['dropped term', '(1 - z) * (1 - n * n)', '(1 - n * n)'],
    ['dropped term', '(1 - z) * (1 - n * n)', '(1 - z)'],
    ['transposed operand', 'matmulNN(drh, dan, Whh.', 'matmulNT(drh, dan, Whh.'],
    ['wrong gate', 'matmulNN(drh, dan, Whh.subarray(2 * H * H)', 'matmulNN(drh, dan, Whh.subarray(0, H * H)'],
    ['dropped term', 'drh[b * H + j] * prev * r * (1 - r)', 'drh[b * H + j] * r * (1 - r)'],
    ['dropped term', 'drh[b * H + j] * prev * r * (1 - r)', 'drh[b * H + j] * prev * r'],
    ['sign', 'd * (prev - n) * z * (1 - z)', 'd * (n - prev) * z * (1 - z)'],
    ['wrong gate', 'd * (prev - n) * z * (1 - z)', 'd * (prev - n) * r * (1 - r)'],
    ['wrong gate', 'dzx[g + j] = dar', 'dzx[g + j] = daz'],
    ['wrong gate', 'dzx[g + H + j] = daz', 'dzx[g + H + j] = dar'],
    ['dropped term', 'dzx[g + 2 * H + j] = dan[b * H + j]', 'dzx[g + 2 * H + j] = 0'],
    ['wrong gate', 'dzh[g + j] = dar', 'dzh[g + j] = daz'],
    ['dropped term', 'dzh[g + H + j] = daz', 'dzh[g + H + j] = 0'],
    ['wrong gate', 'dzh[g + 2 * H + j] = 0', 'dzh[g + 2 * H + j] = dan[b * H + j]'],
    ['dropped term', 'd * z + drh[b * H + j] * r', 'd * z'],
    ['dropped term', 'd * z + drh[b * H + j] * r', 'drh[b * H + j] * r'],
    ['wrong gate', 'd * z + drh[b * H + j] * r', 'd * z + drh[b * H + j] * z'],
    [
      'missing accumulation',
      'matmulNN(dhPrev, dzh, Whh, B, 3 * H, H, true)',
      'matmulNN(dhPrev, dzh, Whh, B, 3 * H, H)',
    ],
    [
      'missing accumulation',
      'matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true)',
      'matmulTN(dWhh, dzh, hPrev, 3 * H, R, H)',
    ],
    ['wrong operand', 'dan, rh, H, R, H, true)', 'dan, hPrev, H, R, H, true)'],
    ['missing accumulation', 'dan, rh, H, R, H, true)', 'dan, rh, H, R, H)'],
    ['wrong operand', 'addRowBackward(dbhh, dzx, R, 3 * H)', 'addRowBackward(dbhh, dzh, R, 3 * H)'],
  ]),
  ...faultsOf('layers/lstm.ts', 'lstmStep.*', [
    ['dropped term', 'd * tc * o * (1 - o)', 'd * tc * o'],
    ['dropped term', 'd * tc * o * (1 - o)', 'd * o * (1 - o)'],
    ['wrong gate', 'd * tc * o * (1 - o)', 'd * tc * i * (1 - i)'],
    ['dropped term', 'dc[b * H + j] + d * o', 'd * o'],
    ['dropped term', 'd * o * (1 - tc * tc)', 'd * o'],
    ['wrong gate', 'd * o * (1 - tc * tc)', 'd * f * (1 - tc * tc)'],
    ['sign', 'd * o * (1 - tc * tc)', 'd * o * (1 + tc * tc)'],
    ['dropped term', ' + (p ? dao * p[2 * H + j] : 0)', ''],
    ['wrong gate', 'dct * g * i * (1 - i)', 'dct * i * i * (1 - i)'],
    ['dropped term', 'dct * g * i * (1 - i)', 'dct * g * i'],
    ['wrong operand', 'dct * cPrev[b * H + j] * f * (1 - f)', 'dct * tc * f * (1 - f)'],
    ['dropped term', 'dct * cPrev[b * H + j] * f * (1 - f)', 'dct * cPrev[b * H + j] * f'],
    ['wrong gate', 'dct * i * (1 - g * g)', 'dct * f * (1 - g * g)'],
    ['dropped term', 'dct * i * (1 - g * g)', 'dct * i'],
    ['wrong gate', 'da[g4 + j] = dai', 'da[g4 + j] = daf'],
    ['wrong gate', 'da[g4 + H + j] = daf', 'da[g4 + H + j] = dai'],
    ['wrong gate', 'da[g4 + 3 * H + j] = dao', 'da[g4 + 3 * H + j] = daf'],
    ['wrong gate', 'dct * f + (p', 'dct * i + (p'],
    ['dropped term', 'dai * p[j] + daf * p[H + j]', 'dai * p[j]'],
    ['dropped term', 'dai * p[j] + daf * p[H + j]', 'daf * p[H + j]'],
    ['transposed operand', 'matmulNN(dhPrev, da, Whh, B, 4 * H, H)', 'matmulNT(dhPrev, da, Whh, B, 4 * H, H)'],
    ['missing accumulation', 'matmulTN(dWhh, da, hPrev, 4 * H, R, H, true)', 'matmulTN(dWhh, da, hPrev, 4 * H, R, H)'],
    ['wrong operand', 'matmulTN(dWhh, da, hPrev, 4 * H, R, H, true)', 'matmulTN(dWhh, da, cPrev, 4 * H, R, H, true)'],
    ['dropped term', '  if (dbhh) addRowBackward(dbhh, da, R, 4 * H);\n', ''],
    ['missing accumulation', 'dp[j] += da', 'dp[j] = da'],
    ['missing accumulation', 'dp[H + j] += da', 'dp[H + j] = da'],
    ['sign', 'dp[2 * H + j] += da', 'dp[2 * H + j] -= da'],
    ['off by one in time', '3 * H + j] * c[r * H + j]', '3 * H + j] * cPrev[r * H + j]'],
    ['wrong gate', 'dp[H + j] += da[r * 4 * H + H + j]', 'dp[H + j] += da[r * 4 * H + j]'],
  ]),
  ...faultsOf('layers/state.ts', '(start|hold)State', [
    ['sign', 'dh0[j] += (1 - keep[b]) * d', 'dh0[j] -= (1 - keep[b]) * d'],
    ['missing accumulation', 'dh0[j] += (1 - keep[b]) * d', 'dh0[j] = (1 - keep[b]) * d'],
    ['dropped term', 'dh0[j] += (1 - keep[b]) * d', 'dh0[j] += d'],
    ['dropped term', '= keep[b] * d', '= d'],
    ['dropped term', '  holdStateForward(dhPrev, dh, mask, B, H);\n', ''],
    ['wrong operand', 'holdStateForward(dhPrev, dh, mask, B, H)', 'dhPrev.set(dh)'],
    ['wrong operand', 'if (mask[b] !== 1) y.fill', 'if (mask[b] === 1) y.fill'],
  ]),
  ...faultsOf('layers/softmaxCrossEntropy.ts', 'softmaxCrossEntropy', [
    ['sign', '-= w[r]', '+= w[r]'],
    ['dropped term', '    dz[r * V + targets[r]] -= w[r];\n', ''],
    ['dropped term', 'w[r] * p[r * V + j]', 'p[r * V + j]'],
    ['dropped term', '-= w[r]', '-= 1'],
    ['wrong index', 'dz[r * V + targets[r]]', 'dz[r * V + targets[0]]'],
  ]),
  ...faultsOf('layers/sigmoidCrossEntropy.ts', 'sigmoidCrossEntropy', [
    ['sign', '(o[r * V + j] - targets[r * V + j])', '(o[r * V + j] + targets[r * V + j])'],
    ['dropped term', '(o[r * V + j] - targets[r * V + j])', 'o[r * V + j]'],
    ['dropped term', 'w[r] * (o', '(o'],
  ]),
  ...faultsOf('layers/squaredError.ts', 'squaredError', [
    ['sign', '2 * w[r] * (o', '-2 * w[r] * (o'],
    ['dropped term', '2 * w[r] * (o', 'w[r] * (o'],
    ['dropped term', '2 * w[r] * (o', '2 * (o'],
  ]),
  ...faultsOf('layers/binaryCrossEntropyOfSoftmax.ts', 'binaryCrossEntropyOfSoftmax', [
    ['sign', '(1 - y) * top - y * rest', '(1 - y) * top + y * rest'],
    ['dropped term', '(1 - y) * top - y * rest', '(1 - y) * top'],
    ['dropped term', ' - top * others)', ')'],
    ['sign', ' - o * others)', ' + o * others)'],
    ['dropped term', ' + y * o -', ' -'],
    ['dropped term', 'top * (o / rest)', 'top * o'],
    ['dropped term', 'w[r] * ((1 - y) * top', '((1 - y) * top'],
    ['dropped term', 'w[r] * (term(', '(term('],
    ['missing accumulation', 'others += term(', 'others = term('],
    ['sign', '((1 - y) * p) / (1 - p) - y', '((1 - y) * p) / (1 - p) + y'],
  ]),
];

const optim: Fault[] = [
  ...faultsOf('optim/l2.ts', 'l2', [
    ['sign', '2 * lambda', '-2 * lambda'],
    ['dropped term', '2 * lambda', 'lambda'],
  ]),
  ...faultsOf('optim/sgd.ts', unitTests, [
    [
      'sign',
      'params[i] -= lr * (grads[i] + weightDecay * params[i])',
      'params[i] += lr * (grads[i] + weightDecay * params[i])',
    ],
    ['dropped term', 'params[i] -= lr * (grads[i] + weightDecay * params[i])', 'params[i] -= lr * grads[i]'],
    ['off by one in time', 'const keep = step === 0', 'const keep = step === 1'],
    ['dropped term', '1 : 1 - dampening', '1 : 1'],
    ['dropped term', 'nesterov ? g + momentum * v : v', 'v'],
    ['missing accumulation', 'velocity[i] = v;', ''],
  ]),
  ...faultsOf('optim/adagrad.ts', unitTests, [
    ['sign', 'params[i] -= (lr * g)', 'params[i] += (lr * g)'],
    ['missing accumulation', 'const m = memory[i] + g * g;', 'const m = g * g;'],
    ['dropped term', 'Math.sqrt(m + inside) + outside', 'Math.sqrt(m) + outside'],
    ['dropped term', 'Math.sqrt(m + inside) + outside', 'Math.sqrt(m + inside)'],
    ['dropped term', 'const g = grads[i] + weightDecay * params[i];', 'const g = grads[i];'],
    ['dropped term', 'rate / (1 + step * lrDecay)', 'rate'],
  ]),
  ...faultsOf('optim/rmsprop.ts', unitTests, [
    ['sign', 'params[i] -= lr * b', 'params[i] += lr * b'],
    ['missing accumulation', 'alpha * square[i] + (1 - alpha) * g * g', '(1 - alpha) * g * g'],
    ['dropped term', 'Math.max(0, v - a * a)', 'v'],
    ['dropped term', 'momentum * buffer[i] + d', 'd'],
    ['dropped term', 'g === 0 ? 0 : g /', 'g /'],
    ['dropped term', 'const g = grads[i] + weightDecay * params[i];', 'const g = grads[i];'],
  ]),
  ...faultsOf('optim/adam.ts', unitTests, [
    ['sign', 'shrink * params[i] - step', 'shrink * params[i] + step'],
    ['dropped term', 'mi === 0 ? 0 : (size', '(size'],
    ['off by one in time', 'const t = step + 1;', 'const t = step + 2;'],
    ['dropped term', 'const size = rate / (1 - powOf(beta1, t));', 'const size = rate;'],
    ['dropped term', 'const root = Math.sqrt(1 - powOf(beta2, t));', 'const root = 1;'],
    ['wrong operand', 'beta2 * v[i] + (1 - beta2) * g * g', 'beta2 * v[i] + (1 - beta2) * g'],
    ['dropped term', 'vMax === v ? vi : Math.max(vMax[i], vi)', 'vi'],
    ['dropped term', 'const coupled = decoupled ? 0 : weightDecay;', 'const coupled = 0;'],
    ['dropped term', 'const shrink = decoupled ? 1 - rate * weightDecay : 1;', 'const shrink = 1;'],
  ]),
  ...faultsOf('optim/rprop.ts', unitTests, [
    ['sign', 'params[i] -= sign * deltas[i]', 'params[i] += sign * deltas[i]'],
    ['wrong operand', 'sign === signs[i] ? etaPlus : etaMinus', 'sign === signs[i] ? etaMinus : etaPlus'],
    ['missing accumulation', 'signs[i] = sign;', ''],
    ['sign', 'params[i] -= Math.sign(g) * deltas[i]', 'params[i] += Math.sign(g) * deltas[i]'],
    ['dropped term', 'const g = agreement < 0 ? 0 : grads[i];', 'const g = grads[i];'],
    [
      'dropped term',
      'Math.min(Math.max(deltas[i] * factor, minStep), maxStep)',
      'Math.max(deltas[i] * factor, minStep)',
    ],
    [
      'dropped term',
      'Math.min(Math.max(deltas[i] * factor, minStep), maxStep)',
      'Math.min(deltas[i] * factor, maxStep)',
    ],
  ]),
  ...faultsOf('optim/clip.ts', unitTests, [
    ['sign', 'clip(grads, grads, -limit, limit)', 'clip(grads, grads, 0, limit)'],
    ['dropped term', 'if (factor < 1) for', 'for'],
    ['wrong operand', ': powOf(sum, 1 / p)', ': powOf(sum, p)'],
    ['dropped term', 'powOf(sumOfPowers(grads, p, largest), 1 / p)', 'sumOfPowers(grads, p, largest)'],
    ['wrong operand', 'largest * powOf(', '1 * powOf('],
  ]),
  ...faultsOf('optim/schedule.ts', unitTests, [
    ['wrong operand', 'Math.floor(step / every)', 'step / every'],
    ['dropped term', 'Math.min(step, steps)', 'step'],
    ['off by one in time', '(step + 1)) / steps', 'step) / steps'],
    ['off by one in time', 'rate(step - steps)', 'rate(step)'],
  ]),
];

const time: Fault[] = [
  ...faultsOf('bptt/cells.ts', 'sequence: (elman|gru|gruResetBefore|lstm|lstmPeephole)', [
    ['off by one in time', 'dw.bhh, s.dzx, s.hPrev, R, H)', 'dw.bhh, s.dzx, s.dzx, R, H)'],
    ['wrong operand', 'dw.bhh, s.dzh, s.hPrev, R, H)', 'dw.bhh, s.dzx, s.hPrev, R, H)'],
    ['wrong operand', 'dw.bhh, s.dzx, s.dzh, s.dan', 'dw.bhh, s.dzh, s.dzh, s.dan'],
    ['off by one in time', 's.hPrev, s.cPrev, s.c, R, H)', 's.hPrev, s.c, s.c, R, H)'],
    ['off by one in time', 's.hPrev, s.cPrev, s.c, R, H)', 's.hPrev, s.cPrev, s.cPrev, R, H)'],
    ['off by one in time', 's.dh, dcNext, s.cache, s.cPrev', 's.dh, dcNext, s.cache, s.c'],
    [
      'off by one in time',
      's.dzh, scratch.dhNext, s.dh, s.cache, s.hPrev',
      's.dzh, scratch.dhNext, s.dh, s.cache, s.h',
    ],
    ['off by one in time', 'state, s.dh, s.cache, s.hPrev', 'state, s.dh, s.cache, s.h'],
    ['off by one in time', 'scratch.dhNext, s.dh, s.h, w.Whh', 'scratch.dhNext, s.dh, s.hPrev, w.Whh'],
  ]),
  ...faultsOf('bptt/direction.ts', 'sequence: .*', [
    [
      'off by one in time',
      'const before = this.slotRange(reverse ? 1 : 0, steps)',
      'const before = this.slotRange(reverse ? 0 : 1, steps)',
    ],
    [
      'off by one in time',
      'const before = this.slotRange(reverse ? 1 : 0, steps)',
      'const before = this.slotRange(0, steps)',
    ],
    [
      'off by one in time',
      'const after = this.slotRange(reverse ? 0 : 1, steps)',
      'const after = this.slotRange(0, steps)',
    ],
    ['off by one in time', 'final: this.slot(reverse ? 0 : steps)', 'final: this.slot(reverse ? 1 : steps)'],
    ['off by one in time', 'start: this.slot(reverse ? steps : 0)', 'start: this.slot(reverse ? steps - 1 : 0)'],
  ]),
  ...faultsOf('bptt/recurrent.ts', 'sequence: .*', [
    ['dropped term', '          k.add(s.dh, s.dh, scratch.dhNext);\n', ''],
    ['off by one in time', 'for (let i = steps - 1; i >= 0; i--)', 'for (let i = steps - 1; i > 0; i--)'],
    ['off by one in time', 'for (let i = steps - 1; i >= 0; i--)', 'for (let i = 0; i < steps; i++)'],
    ['off by one in time', 'i > 0 && i % span === 0', 'i > 0 && (i + 1) % span === 0', 'sequence: .*, truncated.*'],
    ['dropped term', 'if (twoStates) engine.fill(scratch.dcNext, 0);', '', 'sequence: lstm, truncated.*'],
    ['dropped term', '        engine.copy(scratch.dhNext, dfinal.h);\n', '', 'sequence: .*'],
    ['dropped term', '        if (twoStates) engine.copy(scratch.dcNext, dfinal.c);\n', '', 'sequence: lstm.*'],
    [
      'dropped term',
      '          if (masked) this.passByMissingSteps(k, s, scratch);\n',
      '',
      'sequence: .*(padding|gaps).*',
    ],
    [
      'dropped term',
      'if (masked && twoStates) engine.copy(scratch.state, scratch.dcNext);',
      '',
      'sequence: lstm.*(padding|gaps).*',
    ],
    ['dropped term', '    k.clearRows(s.dzx, s.mask, B, GH);\n', '', 'sequence: .*(padding|gaps).*'],
    [
      'dropped term',
      '    if (cell.splitGradients) k.clearRows(s.dzh, s.mask, B, GH);\n',
      '',
      'sequence: gru.*(padding|gaps).*',
    ],
    ['dropped term', 'if (cell.resetBefore) {', 'if (B === 0) {', 'sequence: gru.*(padding|gaps).*'],
    [
      'dropped term',
      '    k.holdStateBackward(scratch.dhNext, s.dh, s.mask, B, H);\n',
      '',
      'sequence: .*(padding|gaps).*',
    ],
    [
      'wrong operand',
      'holdStateBackward(scratch.dcNext, scratch.state',
      'holdStateBackward(scratch.dcNext, s.dh',
      'sequence: lstm.*(padding|gaps).*',
    ],
    [
      'wrong operand',
      'k.startStateBackward(dgiven.h, dw.h0',
      'k.startStateBackward(dgiven.h, null',
      'sequence: .*learned.*',
    ],
    ['dropped term', '        k.startStateBackward(dgiven.h, dw.h0, scratch.dhNext, this.keep, B, H);\n', ''],
    ['dropped term', '        cell.weights(k, sequence, dw, R, H);\n', ''],
    ['missing accumulation', 'dzx, views, w, dw, R, d > 0)', 'dzx, views, w, dw, R, false)', 'sequence: .*both.*'],
    ['missing accumulation', 'dzx, views, w, dw, R, d > 0)', 'dzx, views, w, dw, R, true)'],
    [
      'wrong index',
      'k.takeColumns(dh, views.doutput, R, 2 * H, d * H, H)',
      'k.takeColumns(dh, views.doutput, R, 2 * H, 0, H)',
      'sequence: .*both.*',
    ],
    ['dropped term', '        k.multiply(below, below, views.dropoutMask);\n', '', 'sequence: .*dropout.*'],
  ]),
  ...faultsOf('bptt/model.ts', 'sequence: .*', [
    [
      'dropped term',
      "      if (spec.outputActivation === 'sigmoid') k.sigmoidBackward(dz, dz, o);\n",
      '',
      'sequence: squared.*',
    ],
    ['wrong operand', 'k.linearBackward(dh, dWho, dbho, dz, h', 'k.linearBackward(dh, dWho, dbho, dz, dh'],
    ['dropped term', 'k.linearBackward(dh, dWho, dbho,', 'k.linearBackward(dh, dWho, null,'],
    ['dropped term', '      engine.fill(stack.doutput(steps), 0);\n', '', 'sequence: .*last.*'],
    [
      'wrong index',
      'k.takeColumns(stack.dfinal(spec.layers - 1, d).h, dh, B, stateWidth(spec), d * H, H)',
      'k.takeColumns(stack.dfinal(spec.layers - 1, d).h, dh, B, stateWidth(spec), 0, H)',
      'sequence: both directions, loss at the last step',
    ],
    ['dropped term', '      engine.copy(dh, dz);\n', '', 'sequence: no output layer'],
  ]),
  ...faultsOf('bptt/shards.ts', 'trainer, L2', [
    ['missing accumulation', '      engines[i].fill(model.gradients.flat, 0);\n', ''],
  ]),
  ...faultsOf('bptt/trainer.ts', 'trainer, L2', [
    [
      'dropped term',
      'if (options.l2) for (const { w, dw } of this.weightMatrices) this.optim.l2Backward(dw, w, options.l2);',
      '',
    ],
  ]),
];

const training: Fault[] = [
  ...faultsOf('bptt/trainer.ts', unitTests, [
    ['off by one in time', 'stateAfter(slot, layer)', 'stateAfter(Math.max(0, slot - 1), layer)'],
    ['dropped term', 'this.updates++;', ''],
  ]),
];

const simd: Fault[] = [
  ...faultsOf('simd/products.ts', unitTests, [
    ['missing accumulation', 'if (accumulate) cCopy.set(c);', ''],
    ['dropped term', 'aCopy.set(a);', ''],
    ['dropped term', 'c.set(cCopy);', ''],
    ['wrong operand', 'm * k * n, ENOUGH', 'm * k * n, Infinity'],
  ]),
  ...faultsOf('simd/memory.ts', unitTests, [
    ['wrong index', 'this.end = SCRATCH_BYTES;', 'this.end = 0;'],
    ['dropped term', 'this.end += bytesOf(length);', ''],
    ['dropped term', 'if (pages > 0) this.memory.grow(pages);', ''],
  ]),
];

/** The twins: their unit tests compare them with the functions that they stand for. Products have faults of their own. */
const wasm: Fault[] = [
  ...faultsOf('wasm/elements.ts', unitTests, [
    ['dropped term', 'f.while(i32.lessThan(i, end), () => {', 'f.while(i32.lessThan(i, end4), () => {'],
    ['wrong index', 'i32.and(end, -16)', 'end'],
    ['wrong index', 'shuffle(value, beside, [0, 4, 4, 4])', 'shuffle(value, beside, [0, 1, 4, 4])'],
    ['wrong index', 'i32x4.of(0, 4, 8, 12)', 'i32x4.of(0, 4, 12, 8)'],
    ['dropped term', '  f.set(all, join(all, v128.shuffle(all, all, [1, 0, 3, 2])));\n', ''],
    ['wrong operand', 'fold(f, count, Number.NEGATIVE_INFINITY,', 'fold(f, count, 0,'],
    ['dropped term', 'for (const [pointer, stride] of strides) f.advance(pointer, stride);', ''],
    ['wrong index', "shape === '[R]' ? 1 : n", 'n'],
    ['wrong index', 'i32.shl(i32.mul(floats, i), 2)', 'i32.shl(floats, 2)'],
    ['wrong index', 'f.int(i32.mul(H, own.length))', 'f.int(H)'],
    ['wrong index', 'storeApart(f, pointer, stride, value, 1)', 'storeApart(f, pointer, stride, value, 4)'],
    ['wrong index', 'f.storeLane(pointer, lanes, lane)', 'f.storeLane(pointer, lanes, 0)'],
  ]),
  ...faultsOf('wasm/exp.ts', unitTests, [
    ['sign', 'f32x4.mul(n, LN2_LOW))', 'f32x4.mul(n, -LN2_LOW))'],
    ['dropped term', 'f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r)', 'r'],
    ['wrong operand', 'const half = f.let(i32x4.shr(whole, 1));', 'const half = f.let(i32x4.shr(whole, 5));'],
    ['dropped term', 'f32x4.firstMax(f32x4.firstMin(x, 90), -105)', 'f32x4.firstMin(x, 90)'],
    ['wrong operand', 'f32x4.firstMin(x, 90), -105)', 'f32x4.firstMin(x, 88), -105)'],
  ]),
  ...faultsOf('wasm/log.ts', unitTests, [
    ['sign', 'f32x4.mul(n, LN2_LOW)), f32x4.mul(square, 0.5))', 'f32x4.mul(n, -LN2_LOW)), f32x4.mul(square, 0.5))'],
    ['dropped term', 'f32x4.sub(f32x4.ofInts(whole), v128.and(tiny, 23))', 'f32x4.ofInts(whole)'],
    ['dropped term', 'v128.select(finite, x, f32x4.less(x, Number.POSITIVE_INFINITY))', 'finite'],
    ['dropped term', 'v128.select(Number.NEGATIVE_INFINITY, result, f32x4.equal(x, 0))', 'result'],
    ['dropped term', 'f32x4.mul(log(f, u), f32x4.div(x, f32x4.sub(u, 1)))', 'log(f, u)'],
    ['dropped term', 'v128.select(x, corrected, f32x4.equal(u, 1))', 'corrected'],
  ]),
  ...faultsOf('wasm/tanh.ts', unitTests, [
    ['sign', 'f32x4.less(size, 0.625)), signOf(x))', 'f32x4.less(size, 0.625)), 0)'],
    ['wrong operand', 'exp(f, f32x4.add(size, size))', 'exp(f, size)'],
    ['sign', 'return f32x4.sub(1, f32x4.mul(y, y));', 'return f32x4.add(1, f32x4.mul(y, y));'],
    ['dropped term', 'f32x4.mul(tanhSlope(f.let(at.load(y))), at.load(dy))', 'tanhSlope(f.let(at.load(y)))'],
  ]),
  ...faultsOf('wasm/sigmoid.ts', unitTests, [
    ['wrong operand', 'v128.select(e, 1, f32x4.less(x, 0))', 'v128.select(1, e, f32x4.less(x, 0))'],
    ['dropped term', 'return f32x4.mul(y, f32x4.sub(1, y));', 'return f32x4.sub(1, y);'],
    ['dropped term', 'f32x4.mul(sigmoidSlope(f.let(at.load(y))), at.load(dy))', 'sigmoidSlope(f.let(at.load(y)))'],
  ]),
  ...faultsOf('wasm/relu.ts', unitTests, [
    ['wrong operand', 'f32x4.max(at.load(x), 0)', 'f32x4.firstMax(0, at.load(x))'],
    ['wrong operand', 'f32x4.greater(at.load(y), 0)', 'f32x4.greater(at.load(dy), 0)'],
  ]),
  ...faultsOf('wasm/add.ts', unitTests, [
    ['wrong operand', 'f32x4.add(at.load(x), at.load(y))', 'f32x4.add(at.load(x), at.load(x))'],
    ['dropped term', 'f32x4.add(at.load(x), at.load(b))', 'at.load(x)'],
    ['missing accumulation', 'f32x4.add(at.load(db), at.load(dy))', 'at.load(dy)'],
  ]),
  ...faultsOf('wasm/multiply.ts', unitTests, [
    ['wrong operand', 'f32x4.mul(at.load(x), at.load(y))', 'f32x4.mul(at.load(x), at.load(x))'],
  ]),
  ...faultsOf('wasm/scale.ts', unitTests, [
    ['sign', 'f32x4.add(at.load(y), f32x4.mul', 'f32x4.sub(at.load(y), f32x4.mul'],
    ['missing accumulation', 'f32x4.add(at.load(y), f32x4.mul(alpha, at.load(x)))', 'f32x4.mul(alpha, at.load(x))'],
  ]),
  ...faultsOf('wasm/sum.ts', unitTests, [
    ['wrong index', 'shuffle(lanes, lanes, [2, 3, 0, 1])', 'shuffle(lanes, lanes, [0, 1, 2, 3])'],
    ['dropped term', 'for (const sum of sums) f.set(sum, 0);', ''],
    ['wrong index', '[x, floats] as const', '[x, inner] as const'],
    ['dropped term', 'f64.add(f64.lane(both, 0), f64.lane(both, 1))', 'f64.lane(both, 0)'],
  ]),
  ...faultsOf('wasm/columns.ts', unitTests, [
    ['wrong index', 'copyRows(yAt + 4 * offset,', 'copyRows(yAt,'],
    ['wrong index', 'xAt + 4 * offset, n, N,', 'xAt + 4 * offset, n, n,'],
    ['missing accumulation', 'accumulate ? addRows : copyRows', 'copyRows'],
  ]),
  ...faultsOf('wasm/state.ts', unitTests, [
    ['wrong operand', 'learned ? at.load(h0) : 0, goesOn)', '0, goesOn)'],
    ['wrong operand', 'f32x4.mul(begins, d)', 'f32x4.mul(goesOn, d)'],
    ['missing accumulation', 'f32x4.add(at.load(dh0), f32x4.mul(begins, d))', 'f32x4.mul(begins, d)'],
    ['dropped term', 'at.store(dgiven, f32x4.mul(goesOn, d))', 'at.store(dgiven, d)'],
    ['sign', 'f32x4.unequal(v128.loadSplat(mask), 1)', 'f32x4.equal(v128.loadSplat(mask), 1)'],
  ]),
  ...faultsOf('wasm/loss.ts', unitTests, [
    ['dropped term', 'f32x4.mul(weight, loss), f32x4', 'loss, f32x4'],
    ['dropped term', 'v128.and(f32x4.mul(weight, loss), f32x4.unequal(weight, 0))', 'f32x4.mul(weight, loss)'],
  ]),
  ...faultsOf('wasm/squaredError.ts', unitTests, [
    ['sign', 'const e = f.let(f32x4.sub(', 'const e = f.let(f32x4.add('],
    ['dropped term', 'f32x4.mul(2, v128.loadSplat(weights))', 'v128.loadSplat(weights)'],
    ['sign', 'f32x4.mul(twice, f32x4.sub(', 'f32x4.mul(twice, f32x4.add('],
  ]),
  ...faultsOf('wasm/sigmoidCrossEntropy.ts', unitTests, [
    ['dropped term', 'f32x4.add(linear, log1p(f, e))', 'f32x4.add(linear, 0)'],
    ['wrong operand', 'log1p(f, e)', 'e'],
    ['sign', 'f32x4.sub(f32x4.max(x, 0), f32x4.mul(x', 'f32x4.add(f32x4.max(x, 0), f32x4.mul(x'],
    [
      'dropped term',
      'f32x4.mul(weight, f32x4.sub(at.load(o), at.load(targets)))',
      'f32x4.sub(at.load(o), at.load(targets))',
    ],
  ]),
  ...faultsOf('wasm/softmaxCrossEntropy.ts', unitTests, [
    ['dropped term', 'exp(f, f32x4.sub(at.load(z), max))', 'exp(f, f.let(at.load(z)))'],
    ['dropped term', 'at.store(p, f32x4.div(at.load(p), sum))', 'at.store(p, at.load(p))'],
    ['sign', 'f32x4.sub(log(f, sum), f32x4.sub(target, max))', 'f32x4.add(log(f, sum), f32x4.sub(target, max))'],
    ['dropped term', 'f32x4.mul(weight, at.load(p))', 'at.load(p)'],
    ['sign', 'f32x4.sub(v128.loadOne(target), weight)', 'f32x4.add(v128.loadOne(target), weight)'],
    ['wrong index', 'i32.add(dz, i32.shl(i32.load(targets), 2))', 'i32.add(dz, i32.load(targets))'],
  ]),
  ...faultsOf('wasm/binaryCrossEntropyOfSoftmax.ts', unitTests, [
    ['dropped term', 'f.let(log1p(f, exp(f, logRest)))', 'f.let(exp(f, logRest))'],
    ['wrong operand', 'v128.select(f32x4.sub(logRest, logSum), logOthers, isLargest(at))', 'logOthers'],
    ['sign', 'f32x4.sub(1, y), log1P', 'f32x4.add(1, y), log1P'],
    ['wrong index', 'f.advance(place, 4))', 'f.advance(place, 8))'],
    ['sign', 'f32x4.sub(f32x4.sub(share, f32x4.mul(y, rest))', 'f32x4.sub(f32x4.add(share, f32x4.mul(y, rest))'],
    ['dropped term', 'f32x4.sub(ofTop, f32x4.mul(o, others))', 'ofTop'],
    ['dropped term', 'f32x4.mul(share, f32x4.div(o, rest))', 'f32x4.div(o, rest)'],
    ['dropped term', 'v128.and(f32x4.mul(weight, sum), f32x4.unequal(weight, 0))', 'f32x4.mul(weight, sum)'],
  ]),
  ...faultsOf('wasm/gather.ts', unitTests, [
    ['wrong index', 'i32.mul(i32.load(ids), n)', 'i32.load(ids)'],
    ['missing accumulation', 'f32x4.add(at.loadApart(from, stride), at.load(dy))', 'at.load(dy)'],
    ['missing accumulation', 'f32x4.add(at.load(row), at.load(dy))', 'at.load(dy)'],
    ['dropped term', '    forEachElement(f, i32.mul(V, columns), (at) => at.store(table, 0));\n', ''],
    ['wrong index', 'call.gatherRows(y + 4 * j,', 'call.gatherRows(y,'],
    ['wrong index', 'call.gatherRowsBackward(table, dy + 4 * j,', 'call.gatherRowsBackward(table, dy,'],
    ['wrong index', 'gatherEveryColumnBackward(dW + 4 * j * V,', 'gatherEveryColumnBackward(dW,'],
    ['dropped term', 'Math.min(width, n - j)', 'width'],
  ]),
  ...faultsOf('wasm/linear.ts', unitTests, [
    ['missing accumulation', 'matmulNN(dx, dy, W, R, O, D, addToDx)', 'matmulNN(dx, dy, W, R, O, D)'],
    ['missing accumulation', 'matmulTN(dW, dy, x, O, R, D, true)', 'matmulTN(dW, dy, x, O, R, D)'],
    [
      'dropped term',
      'gatherColumns(yAt, WAt, idsAt, R, D, O);\n      if (b) addRow',
      'gatherColumns(yAt, WAt, idsAt, R, D, O);\n      if (!b) addRow',
    ],
    ['dropped term', '      gatherColumnsBackward(dWAt, dyAt, idsAt, R, D, O);\n', ''],
  ]),
  ...faultsOf('wasm/elman.ts', unitTests, [
    ['dropped term', '      w.call.copy(hAt, zxAt, B * H);\n', ''],
    ['dropped term', 'if (bhh) addRow(h, h, bhh, B, H);', ''],
    ['missing accumulation', 'matmulTN(dWhh, dz, hPrev, H, R, H, true)', 'matmulTN(dWhh, dz, hPrev, H, R, H)'],
    ['dropped term', '      else w.call.copy(dzAt, dhAt, B * H);\n', ''],
  ]),
  ...faultsOf('wasm/gru.ts', unitTests, [
    ['wrong gate', 'f32x4.add(at.load(input[1]), at.load(own[1]))', 'f32x4.add(at.load(input[1]), at.load(own[0]))'],
    ['dropped term', 'f32x4.mul(r, zhn)', 'zhn'],
    ['wrong operand', 'f32x4.mul(f32x4.sub(1, z), n)', 'f32x4.mul(z, n)'],
    ['sign', 'f32x4.sub(at.load(hPrev), n)', 'f32x4.add(at.load(hPrev), n)'],
    ['dropped term', 'f.let(f32x4.mul(dan, r))', 'dan'],
    ['dropped term', 'f32x4.mul(f32x4.mul(dan, zhn), sigmoidSlope(r))', 'f32x4.mul(dan, zhn)'],
    ['wrong gate', '[r, z, n, zhn].forEach', '[z, r, n, zhn].forEach'],
  ]),
  ...faultsOf('wasm/gruResetBefore.ts', unitTests, [
    ['wrong gate', 'f32x4.add(at.load(input[1]), at.load(own[1]))', 'f32x4.add(at.load(input[1]), at.load(own[0]))'],
    ['dropped term', 'at.store(rh, f32x4.mul(r, at.load(hPrev)))', 'at.store(rh, at.load(hPrev))'],
    ['dropped term', 'f32x4.add(at.load(input[2]), at.load(zn))', 'at.load(input[2])'],
    ['wrong gate', 'bhh.subarray(2 * H), B, H)', 'bhh.subarray(0, H), B, H)'],
    ['sign', 'f32x4.add(f32x4.mul(d, z), f32x4.mul(dr, r))', 'f32x4.sub(f32x4.mul(d, z), f32x4.mul(dr, r))'],
    ['dropped term', '[dar, daz, 0].forEach', '[dar, daz, at.load(dan)].forEach'],
    [
      'wrong operand',
      'f32x4.mul(f32x4.mul(dr, prev), sigmoidSlope(r))',
      'f32x4.mul(f32x4.mul(d, prev), sigmoidSlope(r))',
    ],
  ]),
  ...faultsOf('wasm/lstm.ts', unitTests, [
    ['dropped term', 'f32x4.add(at.load(input[gate]), at.load(own[gate]))', 'at.load(own[gate])'],
    ['wrong gate', 'seen(1, 1, prev)', 'seen(1, 0, prev)'],
    ['wrong operand', 'seen(3, 2, next)', 'seen(3, 2, prev)'],
    ['dropped term', 'f32x4.add(f32x4.mul(forget, prev), f32x4.mul(i, g))', 'f32x4.mul(i, g)'],
    ['dropped term', 'f32x4.mul(f32x4.mul(d, o), tanhSlope(tc))', 'f32x4.mul(d, o)'],
    ['dropped term', '      if (peephole) f.set(dct, f32x4.add(dct, f32x4.mul(dao, at.load(peepholes[2]))));\n', ''],
    ['wrong operand', 'f32x4.mul(f32x4.mul(dct, g), sigmoidSlope(i))', 'f32x4.mul(f32x4.mul(dct, g), sigmoidSlope(g))'],
    ['wrong gate', 'f32x4.mul(daf, at.load(peepholes[1]))', 'f32x4.mul(daf, at.load(peepholes[0]))'],
    ['wrong operand', '[dao, c] as const', '[dao, cPrev] as const'],
    ['missing accumulation', 'f32x4.add(at.load(dps[k]), f32x4.mul(', 'f32x4.add(0, f32x4.mul('],
  ]),
  ...faultsOf('wasm/clip.ts', unitTests, [
    ['dropped term', 'f32x4.firstMin(f32x4.firstMax(at.load(x), low), high)', 'f32x4.firstMin(at.load(x), high)'],
    ['dropped term', 'f.if(f64.lessThan(factor, 1), () => {', 'f.if(f64.lessThan(factor, 1e9), () => {'],
    ['dropped term', 'f32x4.mul(f32x4.mul(at.load(grads), first), rest)', 'f32x4.mul(at.load(grads), first)'],
    ['dropped term', 'f64.sqrt(sumOfSquares(f, grads, n))', 'sumOfSquares(f, grads, n)'],
  ]),
  ...faultsOf('wasm/l2.ts', unitTests, [
    ['dropped term', '2 * lambda', 'lambda'],
    ['dropped term', 'lambda * sumOfSquares', 'sumOfSquares'],
  ]),
  ...faultsOf('wasm/sgd.ts', unitTests, [
    [
      'sign',
      'f32x4.sub(theta, f32x4.mul(lr, f32x4.add(at.load(grads)',
      'f32x4.add(theta, f32x4.mul(lr, f32x4.add(at.load(grads)',
    ],
    [
      'missing accumulation',
      'f32x4.add(f32x4.mul(keep, at.load(velocity)), f32x4.mul(share, g))',
      'f32x4.mul(share, g)',
    ],
    ['dropped term', 'f32x4.add(g, f32x4.mul(momentum, v))', 'v'],
    ['wrong operand', 'nesterov ? call.nesterovUpdate : call.momentumUpdate', 'call.momentumUpdate'],
  ]),
  ...faultsOf('wasm/adagrad.ts', unitTests, [
    ['missing accumulation', 'f32x4.add(at.load(memory), f32x4.mul(g, g))', 'f32x4.mul(g, g)'],
    ['dropped term', 'v128.and(step, f32x4.unequal(g, 0))', 'step'],
    ['wrong operand', 'epsInRoot ? 0 : eps', 'epsInRoot ? eps : 0'],
  ]),
  ...faultsOf('wasm/adam.ts', unitTests, [
    ['wrong operand', '        1 - beta1,\n', '        1 - beta2,\n'],
    ['dropped term', 'f32x4.div(f32x4.sqrt(square), root)', 'f32x4.sqrt(square)'],
    ['dropped term', 'f32x4.mul(shrink, theta)', 'theta'],
    ['dropped term', 'v128.and(step, f32x4.unequal(mean, 0))', 'step'],
    ['dropped term', 'f32x4.max(at.load(vMax), square)', 'square'],
  ]),
  ...faultsOf('wasm/rmsprop.ts', unitTests, [
    ['missing accumulation', 'f32x4.add(f32x4.mul(alpha, at.load(square)), f32x4', 'f32x4.add(0, f32x4'],
    ['dropped term', 'f32x4.max(f32x4.sub(variance, f32x4.mul(a, a)), 0)', 'f32x4.sub(variance, f32x4.mul(a, a))'],
    ['dropped term', 'f32x4.sub(variance, f32x4.mul(a, a))', 'variance'],
    ['dropped term', 'f32x4.add(f32x4.mul(momentum, at.load(buffer)), d)', 'd'],
    ['dropped term', ', f32x4.unequal(g, 0))', ', f32x4.equal(g, g))'],
  ]),
  ...faultsOf('wasm/rprop.ts', unitTests, [
    ['wrong operand', 'v128.select(etaPlus, etaMinus, f32x4.equal', 'v128.select(etaMinus, etaPlus, f32x4.equal'],
    ['dropped term', 'f32x4.mul(sign(g), sign(f.let(at.load(previous))))', 'f32x4.mul(g, at.load(previous))'],
    ['dropped term', 'f32x4.firstMin(f32x4.firstMax(grown, least), most)', 'f32x4.firstMin(grown, most)'],
    ['dropped term', '    f.set(g, v128.select(0, g, changed));\n', ''],
    ['dropped term', 'v128.select(v128.or(signOf(x), 1), x, f32x4.greater(f32x4.abs(x), 0))', 'v128.or(signOf(x), 1)'],
  ]),
];

/** Kernels on a WebGPU device, which are compared with the functions that they stand for. */
const webgpu: Fault[] = [
  ...faultsOf('webgpu/tanh.ts', unitTests, [
    ['sign', 'return sign(x) *', 'return'],
    ['wrong operand', 'exp(-2.0 * size)', 'exp(-size)'],
    ['dropped term', '(1.0 - y(i) * y(i)) * dy(i)', '(1.0 - y(i) * y(i))'],
  ]),
  ...faultsOf('webgpu/sigmoid.ts', unitTests, [
    ['wrong operand', 'select(1.0, e, x < 0.0)', 'select(e, 1.0, x < 0.0)'],
    ['dropped term', 'y(i) * (1.0 - y(i)) * dy(i)', '(1.0 - y(i)) * dy(i)'],
  ]),
  ...faultsOf('webgpu/relu.ts', unitTests, [
    ['dropped term', ' || is_nan(x(i))', ''],
    ['wrong operand', 'select(0.0, dy(i), y(i) > 0.0)', 'select(0.0, dy(i), dy(i) > 0.0)'],
  ]),
  ...faultsOf('webgpu/softmax.ts', unitTests, [
    ['dropped term', "exp(z(start + j) - m);')}\n  let sum", "exp(z(start + j));')}\n  let sum"],
    ['dropped term', '(dp(start + j) - dot)', 'dp(start + j)'],
  ]),
  ...faultsOf('webgpu/logSoftmax.ts', unitTests, [
    ['dropped term', ' - m - log_sum', ' - log_sum'],
    ['sign', 'dy(start + j) - exp', 'dy(start + j) + exp'],
  ]),
  ...faultsOf('webgpu/rows.ts', unitTests, [
    ['dropped term', 'lanes[lane] = own;', 'lanes[lane / 2u] = own;'],
    ['wrong index', "'max(total, value)'", "'total'"],
    ['wrong index', 'var j = lane; j < args.n;', 'var j = lane; j + 1u < args.n;'],
  ]),
  ...faultsOf('webgpu/softmaxCrossEntropy.ts', unitTests, [
    ['wrong operand', 'select(0.0, 1.0, is_target)', 'select(1.0, 0.0, is_target)'],
    ['sign', '(log(sum) - (target_z - m))', '(log(sum) + (target_z - m))'],
    ['dropped term', ', 0.0, weight == 0.0', ', 1.0, weight == 0.0'],
  ]),
  ...faultsOf('webgpu/sigmoidCrossEntropy.ts', unitTests, [
    ['sign', 'max(x, 0.0) - x * targets', 'max(x, 0.0) + x * targets'],
    ['dropped term', ' * t + 1.0 / 3.0', ' * t'],
    ['sign', '(o(i) - targets(i))', '(targets(i) - o(i))'],
  ]),
  ...faultsOf('webgpu/squaredError.ts', unitTests, [
    ['dropped term', 'own += e * e', 'own += e'],
    ['dropped term', '2.0 * w(i / args.n)', 'w(i / args.n)'],
  ]),
  ...faultsOf('webgpu/gather.ts', unitTests, [
    ['transposed operand', "'j * args.vocabulary + id'", "'id * args.n + j'"],
    ['missing accumulation', 'var sum = ', 'var sum = 0.0 * '],
    ['dropped term', '(links(row) & 1u) == 0u || ', ''],
  ]),
  ...faultsOf('webgpu/sum.ts', unitTests, [
    ['wrong index', 'var a = begin + lane', 'var a = begin + 0u * lane'],
    ['wrong index', 'let end = min(args.axis, ', 'let end = max(args.axis, '],
    ['transposed operand', '(o * args.axis + a) * args.inner + i', '(o * args.inner + i) * args.axis + a'],
    ['dropped term', "'value * value', 1)", "'value', 1)"],
  ]),
  ...faultsOf('webgpu/max.ts', unitTests, [
    ['dropped term', '!is_nan(largest) && ', ''],
    ['wrong operand', 'value > largest ||', 'value >= largest ||'],
    ['wrong index', 'i / args.inner % args.axis', 'i % args.axis'],
  ]),
  ...faultsOf('webgpu/clip.ts', unitTests, [
    ['dropped term', ', x(i), is_nan(x(i))', ', x(i), false'],
    ['dropped term', 'x(i) > args.low && x(i)', 'x(i)'],
    ['wrong operand', 'set_norm(0u, length)', 'set_norm(0u, squares(0u))'],
    ['wrong operand', 'if (!(factor >= 1.0))', 'if (!(factor <= 1.0))'],
  ]),
  ...faultsOf('webgpu/gruResetBefore.ts', unitTests, [
    ['wrong gate', 'set_rh(i, r * hPrev(i))', 'set_rh(i, hPrev(i))'],
    ['dropped term', 'd * z + drh(i) * r', 'd * z'],
    ['dropped term', '  matmulTN(dWhh.slice(2 * H * H, 3 * H * H), dan, rh, H, R, H, true);\n', ''],
  ]),
  ...faultsOf('webgpu/state.ts', unitTests, [
    ['sign', 'total += (1.0 - keep(b)) * dh', 'total += keep(b) * dh'],
    ['missing accumulation', 'set_dh0(i, dh0(i) + total)', 'set_dh0(i, total)'],
    ['wrong operand', 'if (mask(i / args.H) != 1.0)', 'if (mask(i / args.H) == 1.0)'],
  ]),
  ...faultsOf('webgpu/columns.ts', unitTests, [['wrong index', 'args.wide + args.offset + i', 'args.wide + i']]),
  ...faultsOf('webgpu/binaryCrossEntropyOfSoftmax.ts', unitTests, [
    ['sign', 'y * log_p + (1.0 - y) * log_other', 'y * log_p - (1.0 - y) * log_other'],
  ]),
  ...faultsOf('webgpu/linear.ts', unitTests, [
    ['missing accumulation', 'dW(at) + dy(r * args.count + i)', 'dy(r * args.count + i)'],
    ['missing accumulation', 'dW(at) + total[j]', 'total[j]'],
  ]),
  ...faultsOf('webgpu/drawSymbol.ts', unitTests, [
    ['wrong operand', 'if (sum > goal)', 'if (sum >= total)'],
    ['dropped term', 'total += exp((z(v) - top) * boldness)', 'total += exp(z(v) - top)'],
  ]),
  ...faultsOf('webgpu/fuse.ts', unitTests, [
    ['dropped term', 'if (db) gradients.push({ c: db, a: dz, b: null, K: R, M, N: 0 });', ''],
    ['wrong operand', 'b: hPrev, K: R, M, N: H', 'b: dz, K: R, M, N: H'],
  ]),
  ...faultsOf('webgpu/matmulKernels.ts', unitTests, [
    ['wrong index', 'let end = min(args.k, begin + args.depth);', 'let end = args.k;'],
    ['wrong index', ' + begin * ', ' + 0u * '],
    ['missing accumulation', 'if (args.accumulate == 1u) { four += c(at / 4u); }', ''],
    ['missing accumulation', 'if (args.accumulate == 1u) { sum += c(i); }', ''],
    ['wrong index', 'min(4u, args.n - j)', '4u'],
    ['dropped term', '    at += args.size;\n', ''],
    ['wrong index', 'line % 4 === 0', 'line % 2 === 0'],
    ['dropped term', "isMultiple ? ''", "true ? ''"],
  ]),
  ...faultsOf('webgpu/walk.ts', unitTests, [
    ['dropped term', 'part < args.parts; part++', 'part < 1u; part++'],
    ['wrong index', 'u + r) * args.width + o]; }', 'u) * args.width + o]; }'],
    ['wrong index', 'k}u + k0];', 'k}u];'],
    ['off by one in time', 'held}u * part;', 'held}u * part + 1u;'],
    ['dropped term', "'min(args.share, inner - k0)'", "'min(args.share, inner - k0) - 1u'"],
    ['wrong index', 'sums[to + 2u] = total.z;', 'sums[to + 2u] = total.y;'],
  ]),
  ...faultsOf('webgpu/cellKernels.ts', unitTests, [
    ['dropped term', 'if (keep(b) == 1.0) { return', 'if (true) { return'],
    ['dropped term', '&& mask(row) != 1.0) { now = Next(hp, cp); }', '&& false) { now = Next(hp, cp); }'],
    ['dropped term', 'if (lacks(after)) { return dh(at); }', ''],
    ['dropped term', 'if (is_cut(n)) { return 0.0; }', ''],
    ['dropped term', 'if (n == 0u) { return dfinal(b * args.H + j); }', 'if (n == 0u) { return 0.0; }'],
    ['off by one in time', '(args.steps - n) % args.span == 0u', '(args.steps - n + 1u) % args.span == 0u'],
    ['missing accumulation', 'let d = dh(at) + incoming(row, b, j, sum, n);', 'let d = incoming(row, b, j, sum, n);'],
    ['wrong gate', "splitGradients && gate === G - 1 ? 'g.n'", "splitGradients && gate === G ? 'g.n'"],
    ['dropped term', 'if (lacks(row)) { g = Back(vec4f(), 0.0, dc_next); }', ''],
  ]),
  ...faultsOf('webgpu/elman.ts', unitTests, [
    ['dropped term', "'(1.0 - y * y) * d'", "'(1.0 - y) * d'"],
    ['wrong operand', 'let z = x.x + s.x;', 'let z = x.x - s.x;'],
  ]),
  ...faultsOf('webgpu/gru.ts', unitTests, [
    ['wrong operand', 'return Next((1.0 - z) * n + z * hp, 0.0);', 'return Next(z * n + (1.0 - z) * hp, 0.0);'],
    ['dropped term', '(hPrev(row * args.H + j) - n) * z', 'hPrev(row * args.H + j) * z'],
    ['wrong gate', "past: 'd * cache(row * 4u * args.H + args.H + j)'", "past: 'd * cache(row * 4u * args.H + j)'"],
  ]),
  ...faultsOf('webgpu/lstm.ts', unitTests, [
    ['dropped term', 'return Next(o * tc, c_next);', 'return Next(o * c_next, c_next);'],
    ['wrong gate', 'let daf = dct * cPrev(row * args.H + j) * f', 'let daf = dct * cPrev(row * args.H + j) * i'],
    ['dropped term', 'let dct = dc + d * o', 'let dct = d * o'],
    ['wrong gate', 'let gate = select(block, 3u, block == 2u);', 'let gate = block;'],
    ['wrong gate', "peep(0, 'dai')", "peep(1, 'dai')"],
    ['off by one in time', 'if (block == 2u) { seen = c(at); }', ''],
  ]),
  ...faultsOf('webgpu/weightGradients.ts', unitTests, [
    ['missing accumulation', 'set_m(at, m(at) + sum[j]);', 'set_m(at, sum[j]);'],
    ['wrong index', 'let N = max(g.N, 1u);', 'let N = max(g.N, 4u);'],
    ['dropped term', 'return select(m_at(at), 1.0, ones); }', 'return m_at(at); }'],
    ['wrong index', 'first += Math.ceil(M / rows)', 'first += Math.floor(M / rows)'],
  ]),
  ...faultsOf('webgpu/crossEntropyStage.ts', unitTests, [
    ['sign', 'weight * (share - select(0.0, 1.0, j == goal))', 'weight * (share + select(0.0, 1.0, j == goal))'],
    ['dropped term', 'weight * (log(sum) - (z(start + goal) - m))', 'weight * (log(sum) - z(start + goal))'],
  ]),
  ...faultsOf('webgpu/update.ts', unitTests, [
    ['dropped term', 'g + args.twice * w', 'g'],
    ['wrong operand', 'vec4f(-args.limit), vec4f(args.limit)', 'vec4f(-args.limit), vec4f(2.0 * args.limit)'],
    ['dropped term', 'scaled += found.y * share * share;', 'scaled += found.y;'],
    ['dropped term', 'if (stopped != 0.0 || failed != 0.0) { return; }', 'if (failed != 0.0) { return; }'],
    ['dropped term', 'if (bad != 0.0) { failed', 'if (false) { failed'],
    ['wrong index', 'let i = 4u * e;', 'let i = e;'],
    ['dropped term', '< vec4u(length); }', '<= vec4u(length); }'],
    ['wrong operand', "u)) == vec4u())` : ''}", "u)) != vec4u())` : ''}"],
  ]),
  ...faultsOf('webgpu/patience.ts', unitTests, [
    ['dropped term', 'if (this.sent.length === 0) this.since', 'this.since'],
    ['dropped term', 'if (!first || done.some(({ list }) => list !== first.list)) return;', 'if (!first) return;'],
    ['dropped term', 'Math.min(1, times / took.times)', '(times / took.times)'],
    ['dropped term', 'isLate ? (now - this.since) / 2 : now', 'now'],
    ['missing accumulation', 'this.sent = awaited.slice(count);', 'this.sent = [];'],
  ]),
  ...faultsOf('webgpu/rules.ts', unitTests, [
    ['missing accumulation', 'slot0 += g * g;', 'slot0 = g * g;'],
    [
      'dropped term',
      'slot1 = args.beta2 * slot1 + args.rest2 * g * g;',
      'slot1 = args.beta2 * slot1 + args.rest2 * g;',
    ],
    ['sign', 'theta -= s * slot0;`', 'theta += s * slot0;`'],
    ['dropped term', 'let g = select(g0, 0.0, agreement < 0.0);', 'let g = g0;'],
    ['off by one in time', 'powOf(beta1, step + 1)', 'powOf(beta1, step + 2)'],
    ['dropped term', 'g + args.momentum * slot0', 'args.momentum * slot0'],
    ['dropped term', 'variance = max(0.0, slot0 - slot1 * slot1);', ''],
    ['wrong operand', 'slot2 = max(slot2, slot1);', 'slot2 = slot1;'],
    ['dropped term', '    theta *= step_c;\n', ''],
  ]),
];

const interop: Fault[] = [
  ...faultsOf('interop/foreignModel.ts', unitTests, [
    ['transposed operand', 'E[n * D + d]', 'E[d * N + n]'],
    ['wrong index', 'result[j * m + i] = a[i * n + j]', 'result[i * n + j] = a[i * n + j]'],
  ]),
  ...faultsOf('interop/hdf5.ts', unitTests, [
    ['wrong operand', 'const littleEndian = (bits & 1) === 0;', 'const littleEndian = true;'],
    [
      'dropped term',
      'const name = this.zeroEnded(names + reader.u64());',
      'const name = this.zeroEnded(reader.u64());',
    ],
  ]),
  ...faultsOf('interop/kerasExport.ts', unitTests, [
    ['wrong gate', 'const GRU_BLOCKS = [1, 0, 2];', 'const GRU_BLOCKS = [0, 1, 2];'],
    ['dropped term', 'value + hh[i]', 'value'],
  ]),
  ...faultsOf('interop/npz.ts', unitTests, [
    ['wrong operand', "order !== '>'", 'true'],
    ['transposed operand', "fortran === 'True' ? rowMajor(values, shape) : values", 'values'],
  ]),
  ...faultsOf('interop/onnx.ts', unitTests, [
    ['wrong gate', 'const LSTM_BLOCKS = [0, 2, 3, 1];', 'const LSTM_BLOCKS = [0, 1, 2, 3];'],
    ['wrong gate', 'const PEEPHOLE_BLOCKS = [0, 2, 1];', 'const PEEPHOLE_BLOCKS = [0, 1, 2];'],
    ['wrong gate', 'const GRU_BLOCKS = [1, 0, 2];', 'const GRU_BLOCKS = [0, 1, 2];'],
    ['wrong operand', "? 'gru' : 'gruResetBefore'", "? 'gruResetBefore' : 'gru'"],
    [
      'wrong index',
      'bias_hh: reorderBlocks(part(B, d, G * H, G * H), order)',
      'bias_hh: reorderBlocks(part(B, d, G * H), order)',
    ],
  ]),
  ...faultsOf('interop/stateDict.ts', unitTests, [
    ['wrong operand', 'hiddenSize: H,', 'hiddenSize: D,'],
    ['dropped term', "if (spec.cell === 'lstmPeephole') cannot('peepholes (cell lstmPeephole)');", ''],
  ]),
  ...faultsOf('interop/tfjs.ts', unitTests, [
    ['dropped term', 'value * scale.scale + scale.min', 'value * scale.scale'],
    ['wrong index', 'at += size;', 'at = size;'],
  ]),
  ...faultsOf('interop/torch.ts', unitTests, [
    ['wrong index', 'sum + at * strides[axis], offset', 'sum + at * strides[axis], 0'],
    ['wrong index', 'bytes.subarray(offset * size, (offset + count) * size)', 'bytes.subarray(0, count * size)'],
    [
      'dropped term',
      "'collections.OrderedDict': orderedDict,",
      "'collections.OrderedDict': orderedDict, 'os.system': () => null,",
    ],
  ]),
];

/** For every backward function at least one fault of each kind that applies to it. */
export const faults: readonly Fault[] = [
  ...tensor,
  ...simd,
  ...layers,
  ...optim,
  ...time,
  ...training,
  ...wasm,
  ...webgpu,
  ...interop,
];
