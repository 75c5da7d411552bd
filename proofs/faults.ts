export type FaultKind =
  | 'sign'
  | 'dropped term'
  | 'transposed operand'
  | 'wrong operand'
  | 'wrong gate'
  | 'missing accumulation'
  | 'off by one in time'
  | 'wrong index';

/** A change of the source: in `file`, the only `find` becomes `replace`. */
export interface Planted {
  /** Under `src/`, or an example from the root. */
  file: string;
  find: string;
  replace: string;
}

/** One planted fault. */
export interface Fault extends Planted {
  kind: FaultKind;
  /** The gradient checks that should notice: a regular expression for the whole name of a case; none for `unitTests`. */
  cases: string;
}

/** The file of a fault, from the root of the repository. */
export function sourceOf({ file }: Pick<Planted, 'file'>): string {
  return file.startsWith('examples/') ? file : `src/${file}`;
}

/** `source` with the fault in it. */
export function plant(source: string, { find, replace }: Planted): string {
  return source.split(find).join(replace);
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
  ...faultsOf('tensor/exp.ts', unitTests, [
    ['sign', 'y[i] * dy[i]', '-y[i] * dy[i]', 'exp'],
    ['dropped term', 'y[i] * dy[i]', 'dy[i]', 'exp'],
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
    ['sign', 'dw[j * vocabulary + id] += dy', 'dw[j * vocabulary + id] -= dy', 'gatherColumns'],
    ['missing accumulation', 'dw[j * vocabulary + id] += dy', 'dw[j * vocabulary + id] = dy', 'gatherColumns'],
    ['transposed operand', 'dw[j * vocabulary + id] += dy', 'dw[id * n + j] += dy', 'gatherColumns'],
  ]),
  ...faultsOf('tensor/layerNorm.ts', 'layerNorm', [
    ['sign', 'gain[j] - sum - normalized', 'gain[j] + sum - normalized'],
    ['dropped term', 'gain[j] - sum - normalized', 'gain[j] - normalized'],
    ['dropped term', ' - normalized[row + j] * dot', ''],
    ['dropped term', 'inverse[r] * (dy', '(dy'],
    ['dropped term', 'dot /= n', ''],
    ['dropped term', 'variance / n + eps', 'variance / n'],
    ['wrong operand', 'const g = dy[row + j] * gain[j]', 'const g = dy[row + j]'],
    ['missing accumulation', 'dgain[j] += dy', 'dgain[j] = dy'],
    ['missing accumulation', 'dbias[j] += dy', 'dbias[j] = dy'],
    ['wrong index', 'inverse[r] = scale', 'inverse[0] = scale'],
    ['dropped term', 'variance / n + eps', 'variance + eps', unitTests],
  ]),
  ...faultsOf('tensor/log.ts', unitTests, [
    ['sign', 'dy[i] / x[i]', '-dy[i] / x[i]', 'log'],
    ['dropped term', 'dy[i] / x[i]', 'dy[i]', 'log'],
    ['wrong operand', 'dy[i] / x[i]', 'dy[i] * x[i]', 'log'],
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
  ...faultsOf('tensor/matmul.ts', 'matmulNT.*', [
    ['dropped term', '  matmulNT(da, dc, b, m, n, k, accumulate);\n', '', 'matmulNN.*'],
    ['dropped term', '  matmulTN(db, a, dc, k, m, n, accumulate);\n', '', 'matmulNN.*'],
    [
      'transposed operand',
      'matmulNT(da, dc, b, m, n, k, accumulate)',
      'matmulNN(da, dc, b, m, n, k, accumulate)',
      'matmulNN.*',
    ],
    [
      'transposed operand',
      'matmulTN(db, a, dc, k, m, n, accumulate)',
      'matmulNN(db, a, dc, k, m, n, accumulate)',
      'matmulNN.*',
    ],
    ['missing accumulation', 'matmulNT(da, dc, b, m, n, k, accumulate)', 'matmulNT(da, dc, b, m, n, k)', 'matmulNN.*'],
    ['missing accumulation', 'matmulTN(db, a, dc, k, m, n, accumulate)', 'matmulTN(db, a, dc, k, m, n)', 'matmulNN.*'],
    ['wrong index', 's6 += x * b[row + 6]', 's6 += x * b[row + 5]', 'matmulNN.*'],
    ['dropped term', '  if (m2 < m) addOneRow(c, m2 * n, a, m2 * k, b, k, n);\n', '', 'matmulNN.*'],
    ['sign', 'c[out + n + j] += dotRest(a, row1', 'c[out + n + j] -= dotRest(a, row1', 'matmulNN.*'],
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
    ['dropped term', '  matmulNT(da, b, dc, k, n, m, accumulate);\n', '', 'matmulTN.*'],
    ['dropped term', '  matmulNN(db, a, dc, k, m, n, accumulate);\n', '', 'matmulTN.*'],
    [
      'transposed operand',
      'matmulNT(da, b, dc, k, n, m, accumulate)',
      'matmulNT(da, dc, b, m, n, k, accumulate)',
      'matmulTN.*',
    ],
    [
      'transposed operand',
      'matmulNN(db, a, dc, k, m, n, accumulate)',
      'matmulTN(db, a, dc, k, m, n, accumulate)',
      'matmulTN.*',
    ],
    ['missing accumulation', 'matmulNT(da, b, dc, k, n, m, accumulate)', 'matmulNT(da, b, dc, k, n, m)', 'matmulTN.*'],
    ['missing accumulation', 'matmulNN(db, a, dc, k, m, n, accumulate)', 'matmulNN(db, a, dc, k, m, n)', 'matmulTN.*'],
    ['sign', 'c[m2 * n + j] += dotRest(', 'c[m2 * n + j] -= dotRest(', 'matmulTN.*'],
    ['transposed operand', 'dotRest(a, i + 1, m, b', 'dotRest(a, i + 1, 1, b', 'matmulTN.*'],
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
    ['dropped term', '  fill(dx, 0);\n', ''],
  ]),
  ...faultsOf('tensor/multiply.ts', 'multiplyRow', [
    ['wrong operand', 'multiply(dx, dz, y)', 'multiply(dx, dz, x)', 'multiply'],
    ['wrong operand', 'multiply(dy, dz, x)', 'multiply(dy, dz, y)', 'multiply'],
    ['dropped term', '  multiply(dy, dz, x);\n', '', 'multiply'],
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
    ['wrong operand', 'scaleRows(dx, dy, s, rows, n)', 'scaleRows(dx, x, s, rows, n)', 'scaleRows'],
    ['missing accumulation', 'sum += dy[r * n + j] * x[r * n + j]', 'sum = dy[r * n + j] * x[r * n + j]', 'scaleRows'],
    ['sign', 'ds[r] = sum', 'ds[r] = -sum', 'scaleRows'],
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
  ...faultsOf('tensor/viewSum.ts', unitTests, [
    ['wrong operand', 'Math.abs(axes[i].stride) <= Math.abs(axis.stride)', 'axes[i].stride <= axis.stride'],
    ['wrong index', 'BUFFER - (BUFFER % block)', 'BUFFER'],
    ['wrong index', 'outer.stride === size * stride', 'Math.abs(outer.stride) === size * stride'],
  ]),
  ...faultsOf('tensor/tanh.ts', unitTests, [
    ['sign', '(1 - y[i] * y[i]) * dy[i]', '(1 + y[i] * y[i]) * dy[i]', 'tanh'],
    ['dropped term', '(1 - y[i] * y[i]) * dy[i]', '(1 - y[i]) * dy[i]', 'tanh'],
    ['dropped term', '(1 - y[i] * y[i]) * dy[i]', 'dy[i]', 'tanh'],
    ['sign', 'x < 0 ? -y : y', 'y'],
    ['dropped term', '15 + 6 * rr + s * t', '15 + 6 * rr'],
    ['dropped term', 's + (STOPS[3 * j + 1] + ', 's + ('],
    ['wrong index', 'STOPS[3 * j + 2]', 'STOPS[3 * j + 5]'],
    ['dropped term', '(2772 + xx * 27)', '2772'],
  ]),
];

const simd: Fault[] = [
  ...faultsOf('simd/products.ts', unitTests, [
    ['missing accumulation', 'if (accumulate) copy(cCopy, c);', ''],
    ['dropped term', 'copy(aCopy, a);', ''],
    ['dropped term', 'copy(c, cCopy);', ''],
    ['wrong operand', 'work, ENOUGH', 'work, Infinity'],
  ]),
  ...faultsOf('simd/orthogonalInit.ts', unitTests, [
    ['dropped term', 'f.advance(pb, 8 * PANEL);', ''],
    ['wrong index', 'v128.load(c, i * VECTOR)', 'v128.load(c)'],
    ['wrong index', 'b.byteOffset + 8 * b0', 'b.byteOffset'],
    ['dropped term', 'if (wantsSimd(1, 0)) return', 'return'],
  ]),
  ...faultsOf('simd/memory.ts', unitTests, [['dropped term', 'if (pages > 0) this.memory.grow(pages);', '']]),
];

const layers: Fault[] = [
  ...faultsOf('layers/linear.ts', 'linear.*', [
    ['dropped term', '  if (dx) matmulNN(dx, dy, W, R, O, D, addToDx);\n', ''],
    ['transposed operand', 'matmulNN(dx, dy, W, R, O, D, addToDx)', 'matmulNT(dx, dy, W, R, O, D, addToDx)'],
    ['missing accumulation', 'matmulNN(dx, dy, W, R, O, D, addToDx)', 'matmulNN(dx, dy, W, R, O, D)'],
    ['transposed operand', 'matmulTN(dW, dy, x, O, R, D, true)', 'matmulTN(dW, x, dy, D, R, O, true)'],
    ['missing accumulation', 'matmulTN(dW, dy, x, O, R, D, true)', 'matmulTN(dW, dy, x, O, R, D)'],
    ['dropped term', 'D, true);\n  if (db) addRowBackward(db, dy, R, O);', 'D, true);'],
    ['dropped term', '  gatherColumnsBackward(dW, dy, ids, R, D, O);\n', '', 'oneHotLinear.*'],
    ['dropped term', 'ids, R, D, O);\n  if (db) addRowBackward(db, dy, R, O);', 'ids, R, D, O);', 'oneHotLinear.*'],
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
  ...faultsOf('layers/ctc.ts', unitTests, [
    ['sign', 'dlogits[j] = w[b] * expOf(logProbs[j])', 'dlogits[j] = -w[b] * expOf(logProbs[j])'],
    ['dropped term', 'dlogits[j] = w[b] * expOf(logProbs[j])', 'dlogits[j] = expOf(logProbs[j])'],
    ['dropped term', '(w[b] * beta[states + s]) / sum', 'beta[states + s] / sum'],
    ['dropped term', '(w[b] * beta[states + s]) / sum', 'w[b] * beta[states + s]'],
    ['dropped term', 'skips ? alpha[before + s - 2] : NEVER', 'NEVER'],
    ['dropped term', 'skips ? beta[s + 2] : NEVER', 'NEVER'],
    ['dropped term', 's + 1 < n ? beta[s + 1] : NEVER', 'NEVER'],
    ['wrong operand', 'labels[b * S + (s >> 1)] !== labels[b * S + (s >> 1) + 1]', 'true'],
    ['dropped term', 'beta[s] = s >= n - 2 ? 0 : NEVER', 'beta[s] = s >= n - 1 ? 0 : NEVER'],
    ['off by one in time', 't < N - 1; s++', 't < N; s++'],
    [
      'wrong index',
      'const last = ((N - 1) * B + b) * states;\n    const possible',
      'const last = ((T - 1) * B + b) * states;\n    const possible',
    ],
    ['dropped term', 'let t = possible ? N : 0', 'let t = 0'],
    ['wrong operand', 'symbol !== labels[b * S + (s >> 1) - 1]', 'true', unitTests],
    ['dropped term', 'sum = s < 2 ? 0 : NEVER', 'sum = s < 1 ? 0 : NEVER', unitTests],
    ['dropped term', 'n > 1 ? alpha[last + n - 2] : NEVER, NEVER);\n    }', 'NEVER, NEVER);\n    }', unitTests],
    ['dropped term', 'if (N === 0) loss = n === 1 ? 0 : Number.POSITIVE_INFINITY', 'if (N === 0) loss = 0', unitTests],
    ['dropped term', 'needed++', '', unitTests],
    ['dropped term', 'best !== previous && ', '', unitTests],
  ]),
  ...faultsOf('layers/squaredError.ts', 'squaredError', [
    ['sign', '2 * w[r] * (o', '-2 * w[r] * (o'],
    ['dropped term', '2 * w[r] * (o', 'w[r] * (o'],
    ['dropped term', '2 * w[r] * (o', '2 * (o'],
  ]),
  ...faultsOf('layers/haar.ts', unitTests, [
    ['sign', 't[i * BLOCK + j] = -2 * sum;', 't[i * BLOCK + j] = 2 * sum;'],
    ['sign', 'signs[k] = x[0] < 0 ? 1 : -1;', 'signs[k] = x[0] < 0 ? -1 : 1;'],
    ['dropped term', 'c32 += x3 * b3;', ''],
    ['wrong index', 'let panel = Math.floor(first / wide);', 'let panel = Math.ceil(first / wide);'],
  ]),
  ...faultsOf('layers/elman.ts', 'elman, .*, a step', [
    ['dropped term', "if (f === 'tanh') tanhBackward(dx, d, y);", "if (f === 'tanh') dx.set(d);"],
    ['wrong operand', 'sigmoidBackward(dx, d, y)', 'tanhBackward(dx, d, y)'],
    ['dropped term', 'reluBackward(dx, d, y)', 'dx.set(d)'],
    ['sign', 'else dx.set(d);', 'else for (let i = 0; i < y.length; i++) dx[i] = -d[i];'],
    ['dropped term', 'y[i] = tanhOf(x[i] + h[i])', 'y[i] = tanhOf(x[i])'],
    ['dropped term', 'm.mul(m.sub(m.constant(1), m.mul(y, y)), d)', 'm.mul(m.sub(m.constant(1), y), d)', unitTests],
    ['wrong operand', 'm.max(a, m.constant(0)) : a', 'm.min(a, m.constant(0)) : a', unitTests],
  ]),
  ...faultsOf('layers/gru.ts', 'gru, a step', [
    ['dropped term', 'd * (1 - z) * (1 - n * n)', 'd * (1 - n * n)'],
    ['dropped term', 'd * (1 - z) * (1 - n * n)', 'd * (1 - z)'],
    ['sign', 'd * (1 - z) * (1 - n * n)', 'd * (1 - z) * (1 + n * n)'],
    ['wrong gate', 'dan * saved[s + 3 * H + j] * r * (1 - r)', 'dan * n * r * (1 - r)'],
    ['wrong gate', 'dan * saved[s + 3 * H + j] * r * (1 - r)', 'dan * saved[s + 3 * H + j] * z * (1 - z)'],
    ['dropped term', 'dan * saved[s + 3 * H + j] * r * (1 - r)', 'dan * saved[s + 3 * H + j] * r'],
    ['sign', '(prev[b * H + j] - n)', '(n - prev[b * H + j])'],
    ['dropped term', '(prev[b * H + j] - n)', 'prev[b * H + j]'],
    ['dropped term', '* z * (1 - z);', '* z;'],
    ['wrong gate', 'dx[g + j] = dar', 'dx[g + j] = daz'],
    ['wrong gate', 'dx[g + H + j] = daz', 'dx[g + H + j] = dar'],
    ['wrong gate', 'dx[g + 2 * H + j] = dan', 'dx[g + 2 * H + j] = dan * r'],
    ['wrong gate', 'dh[g + j] = dar', 'dh[g + j] = daz'],
    ['wrong gate', 'dh[g + H + j] = daz', 'dh[g + H + j] = dar'],
    ['dropped term', 'dh[g + 2 * H + j] = dan * r', 'dh[g + 2 * H + j] = dan'],
    ['wrong gate', 'dprev[b * H + j] = d * z', 'dprev[b * H + j] = d * (1 - z)'],
    ['dropped term', 'dprev[b * H + j] = d * z', 'dprev[b * H + j] = 0'],
    ['dropped term', 'tanhOf(x[g + 2 * H + j] + r * hn)', 'tanhOf(x[g + 2 * H + j] + hn)'],
    ['sign', 'm.sub(prev, n)', 'm.add(prev, n)', unitTests],
    ['dropped term', 'm.mul(dan, r)]', 'dan]', unitTests],
    ['wrong operand', 'm.sub(m.constant(1), z), n)', 'z, n)', unitTests],
  ]),
  ...faultsOf('layers/gruResetBefore.ts', 'gruResetBefore, a step', [
    ['dropped term', 'd[b * H + j] * (1 - saved[b * 3 * H + H + j]) * (1 - n * n)', 'd[b * H + j] * (1 - n * n)'],
    ['dropped term', '* (1 - n * n)', ''],
    ['dropped term', 'drh[i] * prev[i] * r * (1 - r)', 'drh[i] * r * (1 - r)'],
    ['dropped term', 'drh[i] * prev[i] * r * (1 - r)', 'drh[i] * prev[i] * r'],
    ['sign', 'd * (prev[i] - n) * z * (1 - z)', 'd * (n - prev[i]) * z * (1 - z)'],
    ['wrong gate', 'd * (prev[i] - n) * z * (1 - z)', 'd * (prev[i] - n) * r * (1 - r)'],
    ['wrong gate', 'dx[g + j] = dar', 'dx[g + j] = daz'],
    ['wrong gate', 'dx[g + H + j] = daz', 'dx[g + H + j] = dar'],
    ['dropped term', 'dx[g + 2 * H + j] = dan[i]', 'dx[g + 2 * H + j] = 0'],
    ['wrong gate', 'dh[b * 2 * H + j] = dar', 'dh[b * 2 * H + j] = daz'],
    ['dropped term', 'dh[b * 2 * H + H + j] = daz', 'dh[b * 2 * H + H + j] = 0'],
    ['dropped term', 'd * z + drh[i] * r', 'd * z'],
    ['dropped term', 'd * z + drh[i] * r', 'drh[i] * r'],
    ['wrong gate', 'd * z + drh[i] * r', 'd * z + drh[i] * z'],
    ['dropped term', 'operand[b * H + j] = r * prev[b * H + j]', 'operand[b * H + j] = prev[b * H + j]'],
    ['dropped term', 'm.add(m.mul(d, z), m.mul(drh, r))', 'm.mul(d, z)', unitTests],
    ['dropped term', 'operand: m.mul(r, prev)', 'operand: prev', unitTests],
  ]),
  ...faultsOf('layers/lstm.ts', 'lstm(Peephole)?, a step', [
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
    ['wrong operand', 'dct * prev * f * (1 - f)', 'dct * tc * f * (1 - f)'],
    ['dropped term', 'dct * prev * f * (1 - f)', 'dct * prev * f'],
    ['wrong gate', 'dct * i * (1 - g * g)', 'dct * f * (1 - g * g)'],
    ['dropped term', 'dct * i * (1 - g * g)', 'dct * i'],
    ['wrong gate', 'da[a + j] = dai', 'da[a + j] = daf'],
    ['wrong gate', 'da[a + H + j] = daf', 'da[a + H + j] = dai'],
    ['wrong gate', 'da[a + 3 * H + j] = dao', 'da[a + 3 * H + j] = daf'],
    ['wrong gate', 'dct * f + (p', 'dct * i + (p'],
    ['dropped term', 'dai * p[j] + daf * p[H + j]', 'dai * p[j]'],
    ['dropped term', 'dai * p[j] + daf * p[H + j]', 'daf * p[H + j]'],
    ['sign', 'dp[b * 3 * H + j] = dai * prev', 'dp[b * 3 * H + j] = -dai * prev'],
    ['off by one in time', 'dao * c[b * H + j]', 'dao * prev'],
    ['wrong gate', '= daf * prev;', '= dai * prev;'],
    ['wrong operand', 'm.add(ofH, m.mul(dao, po))', 'ofH', unitTests],
    ['wrong gate', 'm.add(m.mul(dai, pi), m.mul(daf, pf))', 'm.add(m.mul(dai, pf), m.mul(daf, pi))', unitTests],
    ['dropped term', 'm.add(dc, tanhSlope(m, m.mul(d, o), tc))', 'tanhSlope(m, m.mul(d, o), tc)', unitTests],
  ]),
  ...faultsOf('layers/cell.ts', unitTests, [
    ['dropped term', 'm.sub(m.constant(1), m.mul(y, y))', 'm.constant(1)'],
    ['wrong index', '(b * width + first + k) * H', '(b * width + k) * H'],
    ['wrong index', 'rows.load(from[i], b * width * H + at, width * H)', 'rows.load(from[i], at, width * H)'],
  ]),
  ...faultsOf('layers/loss.ts', 'squaredError of a sigmoid', [
    ['dropped term', '    sigmoidBackward(w.dlogits, w.dlogits, w.outputs);\n', ''],
  ]),
  ...faultsOf('examples/binaryCrossEntropyOfSoftmax.ts', unitTests, [
    ['sign', '(1 - y) * o - y * rest - o * others)', '(1 - y) * o + y * rest - o * others)'],
    ['dropped term', '(1 - y) * o - y * rest - o * others)', '(1 - y) * o - o * others)'],
    ['sign', ' + yTop * o - o * others)', ' + yTop * o + o * others)'],
    ['dropped term', ' + yTop * o - o', ' - o'],
    ['dropped term', 'top * (o / rest)', 'top * o'],
    ['dropped term', 'w * ((1 - y)', '((1 - y)'],
    ['dropped term', 'w * (term(', '(term('],
    ['missing accumulation', 'others += term(p', 'others = term(p'],
    ['sign', '((1 - y) * p) / (1 - p) - y;\n}', '((1 - y) * p) / (1 - p) + y;\n}'],
    ['dropped term', 'weights[r] === 0 ? 0 : ', ''],
  ]),
];

const optim: Fault[] = [
  ...faultsOf('optim/l2.ts', 'l2', [
    ['sign', '2 * lambda', '-2 * lambda'],
    ['dropped term', '2 * lambda', 'lambda'],
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
    ['off by one in time', '(step + 1) / steps, 1', 'step / steps, 1'],
    ['off by one in time', 'after(step - steps)', 'after(step)'],
  ]),
  ...faultsOf('optim/sgd.ts', unitTests, [
    [
      'sign',
      'params[i] -= rate * (grads[i] + decay * params[i])',
      'params[i] += rate * (grads[i] + decay * params[i])',
    ],
    ['dropped term', 'params[i] -= rate * (grads[i] + decay * params[i])', 'params[i] -= rate * grads[i]'],
    ['off by one in time', 'keep: step === 0 ?', 'keep: step === 1 ?'],
    ['dropped term', '1 : 1 - dampening', '1 : 1'],
    ['dropped term', 'nesterov ? g + momentum * v : v', 'v'],
    ['missing accumulation', 'velocity[i] = v;', ''],
  ]),
  ...faultsOf('optim/adagrad.ts', unitTests, [
    ['sign', 'params[i] -= (rate * g)', 'params[i] += (rate * g)'],
    ['missing accumulation', 'const m = memory[i] + g * g;', 'const m = g * g;'],
    ['dropped term', 'Math.sqrt(m + inside) + outside', 'Math.sqrt(m) + outside'],
    ['dropped term', 'Math.sqrt(m + inside) + outside', 'Math.sqrt(m + inside)'],
    ['dropped term', 'const g = grads[i] + decay * params[i];', 'const g = grads[i];'],
    ['dropped term', 'rate / (1 + step * lrDecay)', 'rate'],
  ]),
  ...faultsOf('optim/rmsprop.ts', unitTests, [
    ['sign', 'params[i] -= rate * b', 'params[i] += rate * b'],
    ['missing accumulation', 'alpha * square[i] + rest * g * g', 'rest * g * g'],
    ['dropped term', 'Math.max(v - a * a, 0)', 'v'],
    ['dropped term', 'momentum * buffer[i] + d', 'd'],
    ['dropped term', 'g === 0 ? 0 : g /', 'g /'],
    ['dropped term', 'const g = grads[i] + decay * params[i];', 'const g = grads[i];'],
  ]),
  ...faultsOf('optim/adam.ts', unitTests, [
    ['sign', 'shrink * params[i] - step', 'shrink * params[i] + step'],
    ['dropped term', 'mean === 0 ? 0 : (size', '(size'],
    ['off by one in time', 'powOf(beta1, step + 1)', 'powOf(beta1, step + 2)'],
    ['dropped term', 'size: rate / (1 - powOf(beta1, step + 1))', 'size: rate'],
    ['dropped term', 'root: Math.sqrt(1 - powOf(beta2, step + 1))', 'root: 1'],
    ['wrong operand', 'beta2 * v[i] + rest2 * g * g', 'beta2 * v[i] + rest2 * g'],
    ['dropped term', 'square = Math.max(largest[i], square);', ''],
    ['dropped term', 'coupled: decoupled ? 0 : weightDecay', 'coupled: 0'],
    ['dropped term', 'shrink: decoupled ? 1 - rate * weightDecay : 1', 'shrink: 1'],
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
  ...faultsOf('optim/optimizer.ts', unitTests, [['wrong index', 'start += CHUNK) {', 'start += CHUNK + 1) {']]),
];

const bptt: Fault[] = [
  ...faultsOf('bptt/recurrence.ts', 'sequence: .*', [
    ['dropped term', '  k.add(dh, dh, dhPrevious);\n', ''],
    ['dropped term', '  k.copy(r.dhPrevious, r.dfinal[0]);\n', ''],
    ['dropped term', 'k.copy(r.dfinalOthers[s - 1], r.dfinal[s])', 's', 'sequence: lstm.*'],
    ['off by one in time', 'for (let i = r.steps - 1; i >= 0; i--)', 'for (let i = r.steps - 1; i > 0; i--)'],
    ['off by one in time', 'for (let i = r.steps - 1; i >= 0; i--)', 'for (let i = 0; i < r.steps; i++)'],
    [
      'off by one in time',
      'i > 0 && i % backSteps === 0',
      'i > 0 && (i + 1) % backSteps === 0',
      'sequence: .*truncated.*',
    ],
    ['off by one in time', 'r.reverse ? r.steps - 1 - i : i, i > 0', 'i, i > 0', 'sequence: .*both.*'],
    ['dropped term', '    for (const d of dpreviousOthers) k.fill(d, 0);\n', '', 'sequence: lstm.*truncated.*'],
    ['missing accumulation', 'B, hidden * H, H, direct)', 'B, hidden * H, H, false)', 'sequence: gru.*'],
    ['missing accumulation', 'B, hidden * H, H, direct)', 'B, hidden * H, H, true)', 'sequence: (elman|lstm).*'],
    ['wrong operand', 'step.dhGates, w.Whh!', 'step.dxGates, w.Whh!', 'sequence: gru.*'],
    [
      'dropped term',
      '    k.matmulNN(step.doperand, step.dinnerGates, w.innerWhh!, B, inner * H, H);\n',
      '',
      'sequence: gruResetBefore.*',
    ],
    [
      'wrong operand',
      'k.linearForward(step.innerGates, step.operand,',
      'k.linearForward(step.innerGates, step.previous[0],',
      'sequence: gruResetBefore.*',
    ],
    ['dropped term', '  k.holdStateBackward(dhPrevious, dh, present, B, H);\n', '', 'sequence: .*(padding|gaps).*'],
    [
      'wrong operand',
      'dpreviousOthers[s], dothers[s], present',
      'dpreviousOthers[s], dh, present',
      'sequence: lstm.*(padding|gaps).*',
    ],
    ['dropped term', '  k.clearRows(step.dxGates, present, B, cell.gates * H);\n', '', 'sequence: .*(padding|gaps).*'],
    [
      'dropped term',
      '  if (separate) k.clearRows(step.dhGates, present, B, hidden * H);\n',
      '',
      'sequence: gru.*(padding|gaps).*',
    ],
    [
      'dropped term',
      '  if (inner > 0) k.clearRows(step.dinnerGates, present, B, inner * H);\n',
      '',
      'sequence: gruResetBefore.*(padding|gaps).*',
    ],
    ['dropped term', 'k.clearRows(dextra, present, B, blocks[e] * H)', 'e', 'sequence: lstmPeephole.*(padding|gaps).*'],
    [
      'dropped term',
      'k.holdStateForward(step.states[s], step.previous[s], present, B, H)',
      's',
      'sequence: .*(padding|gaps).*',
    ],
    [
      'wrong operand',
      'k.startStateBackward(dinitial, dw.initial?.[s] ?? null,',
      'k.startStateBackward(dinitial, null,',
      'sequence: .*learned.*',
    ],
    ['dropped term', '  backwardEnd(k, r);\n', ''],
  ]),
  ...faultsOf('bptt/weightGradients.ts', unitTests, [
    ['missing accumulation', 'k.matmulTN(dW, dy, x, O, R, D, true)', 'k.matmulTN(dW, dy, x, O, R, D)'],
    ['transposed operand', 'k.matmulTN(dW, dy, x, O, R, D, true)', 'k.matmulTN(dW, x, dy, D, R, O, true)'],
    ['dropped term', '    else k.addRowBackward(dW, dy, R, O);\n', ''],
    ['dropped term', 'db === null ? [ofW] :', 'db !== null ? [ofW] :'],
  ]),
  ...faultsOf('bptt/direction.ts', 'sequence: .*both.*', [
    ['off by one in time', 'reverse ? [t, t + 1] : [t + 1, t]', 'reverse ? [t + 1, t] : [t + 1, t]'],
    ['off by one in time', 'reverse ? [0, 1] : [1, 0]', '[1, 0]'],
    ['off by one in time', 'reverse ? [steps, 0] : [0, steps]', 'reverse ? [steps - 1, 0] : [0, steps]'],
    ['off by one in time', 'reverse ? [steps, 0] : [0, steps]', 'reverse ? [steps, 1] : [0, steps]'],
    [
      'off by one in time',
      'previous: rowsOf(states, before, steps)',
      'previous: rowsOf(states, after, steps)',
      'sequence: .*',
    ],
    [
      'off by one in time',
      'dpreviousOthers: rowsOf(dothers, before, steps)',
      'dpreviousOthers: rowsOf(dothers, after, steps)',
      unitTests,
    ],
  ]),
  ...faultsOf('bptt/recurrent.ts', 'sequence: .*both.*', [
    ['missing accumulation', 'r.D, d > 0)', 'r.D, false)'],
    ['missing accumulation', 'r.D, d > 0)', 'r.D, true)', 'sequence: .*'],
    ['wrong index', 'k.takeColumns(r.dh, dstates, R, 2 * H, d * H, H)', 'k.takeColumns(r.dh, dstates, R, 2 * H, 0, H)'],
    ['dropped term', 'if (dropoutMask !== null) k.multiply(dx!, dx!, dropoutMask);', '', 'sequence: .*dropout.*'],
    ['dropped term', 'if (dresidual !== null) k.add(dresidual, dresidual, doutput);', '', 'sequence: .*residual.*'],
    ['dropped term', 'else if (residual !== null) k.copy(dstates, doutput);', '', 'sequence: residual.*'],
    [
      'wrong operand',
      'norm === null ? states : output, residual',
      'states, residual',
      'sequence: .*normalised.*residual.*',
    ],
    [
      'wrong operand',
      'dgain, dbias, doutput, normalized',
      'dbias, dgain, doutput, normalized',
      'sequence: .*normalised.*',
    ],
    [
      'wrong operand',
      'residual: !residual ? null : (below',
      'residual: !residual ? null : (x',
      'sequence: .*normalised.*',
    ],
    ['wrong operand', 'r.dhGates, { x: r.previous[0] }', 'r.dxGates, { x: r.previous[0] }', 'sequence: gru.*'],
    ['off by one in time', '{ x: r.previous[0] }', '{ x: r.states[0] }', 'sequence: .*'],
    ['wrong operand', '{ x: r.operand }', '{ x: r.previous[0] }', 'sequence: gruResetBefore.*'],
    [
      'dropped term',
      'dw.innerWhh!, dw.innerBhh, r.dinnerGates',
      'dw.innerWhh!, null, r.dinnerGates',
      'sequence: gruResetBefore.*',
    ],
    ['dropped term', 'list.push({ dW: dw.extra[e]', 'void ({ dW: dw.extra[e]', 'sequence: lstmPeephole.*'],
  ]),
  ...faultsOf('bptt/model.ts', 'sequence: .*', [
    ['dropped term', '    k.fill(stack.doutput(kind), 0);\n', '', 'sequence: .*last.*'],
    [
      'wrong index',
      'this.dlast, B, n * H, d * H, H);',
      'this.dlast, B, n * H, 0, H);',
      'sequence: both directions, loss at the last step',
    ],
    ['wrong index', 'rows[b * 2 + 1] = (first * B', 'rows[b * 2 + 1] = (last * B', unitTests],
    ['off by one in time', 'let last = steps - 1;', 'let last = Math.max(0, steps - 2);', unitTests],
    ['dropped term', 'while (first < last && mask !== null &&', 'while (first > last && mask !== null &&', unitTests],
  ]),
  ...faultsOf('bptt/outputLayers.ts', 'sequence: .*', [
    ['wrong operand', 'dWho, dbho, dlogits, { x: z }', 'dWho, dbho, dlogits, { x: dz }'],
    ['dropped term', 'dWho, dbho, dlogits', 'dWho, null, dlogits'],
    ['dropped term', '    else k.copy(dz, dlogits);\n', '', 'sequence: no output layer'],
    [
      'dropped term',
      'if (dropoutMask !== null) k.multiply(dh, dh, dropoutMask);',
      '',
      'sequence: .*dropout of.*outputs',
    ],
    ['wrong operand', 'gradients.get(Who)', "gradients.get('weight_ho')", 'sequence: tied.*'],
    ['wrong operand', '(dh, dz, z, { x: read }, R)', '(dh, dz, z, { x: z }, R)', 'sequence: dense layers.*'],
  ]),
  ...faultsOf('bptt/inputLayers.ts', 'sequence: .*', [
    [
      'dropped term',
      'if (dvectors !== null && dropoutMask !== null) k.multiply(dvectors, dvectors, dropoutMask);',
      '',
      'sequence: .*dropout of.*(inputs|vectors).*',
    ],
    [
      'dropped term',
      'if (dtable !== null) k.gatherRowsBackward',
      'if (dtable === null) k.gatherRowsBackward',
      'sequence: .*embedding.*',
    ],
    ['wrong operand', 'input: hidden === null ? read : { x: hidden }', 'input: read', 'sequence: dense.*'],
  ]),
  ...faultsOf('bptt/denseLayer.ts', 'sequence: .*dense.*', [
    ['wrong operand', 'Backward`](dy, dy, y);', 'Backward`](dy, dy, dy);'],
    ['dropped term', 'if (dx !== null) k.matmulNN(dx, dy, W, R, O, D);', ''],
    ['dropped term', 'linearGradients<F, I>(dW, db, dy', 'linearGradients<F, I>(dW, null, dy'],
  ]),
  ...faultsOf('bptt/batch.ts', unitTests, [
    ['dropped term', 'hostWeights[t * B + b] = own * present;', 'hostWeights[t * B + b] = own;'],
    ['dropped term', 'if (hostMask[Math.floor(i / sequences) * B + (i % sequences)] !== 1) continue;', ''],
    ['dropped term', 'if (pairs.length > 1) {', 'if (pairs.length > 99) {'],
    ['wrong index', '[(t * B + b) * width, (t * sequences + b) * width]', '[(t * B + b) * width, (t * B + b) * width]'],
    ['wrong index', 'hostMask[t * B + b] = t < length ? 1 : 0', 'hostMask[t * B + b] = t <= length ? 1 : 0'],
    ['dropped term', 'spec.loss.meanOverOutputs ? V : 1', '1'],
    [
      'dropped term',
      'const masked = lengths !== undefined || mask !== undefined || sequences < B;',
      'const masked = lengths !== undefined || mask !== undefined;',
    ],
  ]),
  ...faultsOf('bptt/shards.ts', 'trainer, L2', [
    ['missing accumulation', '      engine.kernels.fill(model.gradients.flat, 0);\n', ''],
  ]),
  ...faultsOf('bptt/cpuSession.ts', unitTests, [
    [
      'dropped term',
      'if (l2 > 0) for (const { w, dw } of this.decaying) engine.optim.l2Backward(dw, w, l2);',
      '',
      'trainer, L2',
    ],
    [
      'off by one in time',
      'Math.min(this.options.stride ?? steps, steps)',
      'Math.max(0, Math.min(this.options.stride ?? steps, steps) - 1)',
    ],
    ['dropped term', 'for (const gradient of this.frozen) gradient.fill(0);', ''],
    [
      'dropped term',
      '[params, ...blocks].entries()) block.set(before[i]);',
      '[params].entries()) block.set(before[i]);',
    ],
    ['wrong index', 'this.segments.slice(0, last + 1)', 'this.segments.slice(0, last)'],
    ['dropped term', 'initial.set(values)', 'initial.fill(0)'],
  ]),
  ...faultsOf('bptt/engine.ts', unitTests, [
    ['dropped term', 'return blocks.every(hasOnlyFinite);', 'return hasOnlyFinite(params);'],
    ['wrong operand', 'return sum === 0;', 'return sum <= 0 || Number.isNaN(sum);'],
  ]),
  ...faultsOf('bptt/parameterGroups.ts', unitTests, [
    ['dropped term', 'lrFactor * learningRateAt', 'learningRateAt'],
    ['wrong index', 'own.length > 0 ? own[0] + 1 : 0', 'own.length > 0 ? own[0] : 0'],
    ['dropped term', 'last?.to === offset && last.rule === rule', 'last?.to === offset'],
    ['dropped term', 'name.length - last.length >= at && name', 'name'],
  ]),
  ...faultsOf('bptt/trainer.ts', unitTests, [
    ['dropped term', 'if (batches.length > 1) for (const batch of batches) this.read(batch);\n', ''],
    ['dropped term', "if (mode === 'train') this.updates++;", ''],
    ['dropped term', "if (mode === 'train' && counts) this.updates++;", ''],
    [
      'dropped term',
      "if (mode === 'evaluate') this.session.restoreStates();\n    }\n    return () => losses;",
      '}\n    return () => losses;',
    ],
  ]),
  ...faultsOf('bptt/stepper.ts', unitTests, [
    ['dropped term', '    if (started) this.carryOn();\n', ''],
    ['dropped term', '    this.started = false;\n', ''],
  ]),
  ...faultsOf('bptt/predictor.ts', unitTests, [
    ['off by one in time', 'if (i > 0) for (const shard', 'if (i > 1) for (const shard'],
    ['wrong index', 'if (place.windows && place.windows.T >= T)', 'if (place.windows && place.windows.T > T)'],
  ]),
  ...faultsOf('bptt/inferenceModel.ts', unitTests, [
    ['wrong index', 'const from = i * predictor.sequences;', 'const from = 0;'],
    ['off by one in time', '(w * T + t) * sequences', 't * sequences'],
    ['dropped term', '* sequences + from) * V);', '* sequences) * V);'],
  ]),
  ...faultsOf('bptt/inspector.ts', unitTests, [
    ['off by one in time', 'lossWeights[step] = batch', 'lossWeights[step - 1] = batch'],
    ['wrong index', '(t * names.length + block) * H', '(block * steps + t) * H'],
    ['missing accumulation', 'dx[t * D + i] += d', 'dx[t * D + i] = d'],
    ['wrong operand', 'named([r.dh, ...r.dothers])', 'named([r.dh, ...r.dpreviousOthers])'],
  ]),
  ...faultsOf('bptt/beamSearch.ts', unitTests, [
    ['dropped term', 'if (logP === Number.NEGATIVE_INFINITY) return;', ''],
    ['dropped term', "  assertLogits('beamSearch', logits);\n", ''],
  ]),
  ...faultsOf('bptt/spec.ts', unitTests, [
    ['dropped term', "loss === squaredErrorOfSigmoid ? 'sigmoid' : full.outputActivation", 'full.outputActivation'],
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
    ['wrong index', 'storeApart(f, pointer, stride, value, 1)', 'storeApart(f, pointer, stride, value, 4)'],
    ['wrong index', 'f.storeLane(pointer, lanes, lane)', 'f.storeLane(pointer, lanes, 0)'],
  ]),
  ...faultsOf('wasm/exp.ts', unitTests, [
    ['sign', 'f32x4.mul(n, LN2_LOW))', 'f32x4.mul(n, -LN2_LOW))'],
    ['dropped term', 'f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r)', 'r'],
    ['wrong operand', 'const half = f.let(i32x4.shr(whole, 1));', 'const half = f.let(i32x4.shr(whole, 5));'],
    ['dropped term', 'f32x4.pmax(f32x4.pmin(x, 90), -105)', 'f32x4.pmin(x, 90)'],
    ['wrong operand', 'f32x4.pmin(x, 90), -105)', 'f32x4.pmin(x, 88), -105)'],
  ]),
  ...faultsOf('wasm/log.ts', unitTests, [
    ['sign', 'f32x4.mul(n, LN2_LOW)), f32x4.mul(square, 0.5))', 'f32x4.mul(n, -LN2_LOW)), f32x4.mul(square, 0.5))'],
    ['dropped term', 'f32x4.sub(f32x4.convertI32x4(whole), v128.and(tiny, 23))', 'f32x4.convertI32x4(whole)'],
    ['dropped term', 'v128.select(finite, x, f32x4.less(x, Number.POSITIVE_INFINITY))', 'finite'],
    ['dropped term', 'v128.select(Number.NEGATIVE_INFINITY, result, f32x4.equal(x, 0))', 'result'],
    ['dropped term', 'f32x4.mul(log(f, u), f32x4.div(x, f32x4.sub(u, 1)))', 'log(f, u)'],
    ['dropped term', 'v128.select(x, corrected, f32x4.equal(u, 1))', 'corrected'],
  ]),
  ...faultsOf('wasm/tanh.ts', unitTests, [
    ['sign', 'f32x4.less(size, 0.625)), signOf(x))', 'f32x4.less(size, 0.625)), 0)'],
    ['wrong operand', 'exp(f, f32x4.add(size, size))', 'exp(f, size)'],
  ]),
  ...faultsOf('wasm/layerNorm.ts', unitTests, [
    ['dropped term', 'f32x4.add(f32x4.div(squares, count), epsilon)', 'f32x4.div(squares, count)'],
    ['dropped term', ', f32x4.mul(value, slope))', ', 0)'],
    ['missing accumulation', 'f32x4.add(at.load(dbias), d)', 'd'],
    ['wrong operand', 'f32x4.mul(d, at.load(gain)), mean', 'd, mean'],
  ]),
  ...faultsOf('wasm/relu.ts', unitTests, [['sign', 'f32x4.greater(at.load(y), 0)', 'f32x4.less(at.load(y), 0)']]),
  ...faultsOf('wasm/sigmoid.ts', unitTests, [
    ['wrong operand', 'v128.select(e, 1, f32x4.less(x, 0))', 'v128.select(1, e, f32x4.less(x, 0))'],
    ['dropped term', 'return f32x4.mul(y, f32x4.sub(1, y));', 'return f32x4.sub(1, y);'],
    ['dropped term', 'f32x4.mul(sigmoidSlope(f.let(at.load(y))), at.load(dy))', 'sigmoidSlope(f.let(at.load(y)))'],
  ]),
  ...faultsOf('wasm/add.ts', unitTests, [
    ['wrong operand', 'f32x4.add(at.load(x), at.load(y))', 'f32x4.add(at.load(x), at.load(x))'],
    ['dropped term', 'f32x4.add(at.load(x), at.load(b))', 'at.load(x)'],
    ['missing accumulation', 'f32x4.add(at.load(db), at.load(dy))', 'at.load(dy)'],
  ]),
  ...faultsOf('wasm/multiply.ts', unitTests, [
    ['wrong operand', 'f32x4.mul(at.load(x), at.load(y))', 'f32x4.mul(at.load(x), at.load(x))'],
  ]),
  ...faultsOf('wasm/l2.ts', unitTests, [
    ['sign', 'f32x4.add(at.load(y), f32x4.mul', 'f32x4.sub(at.load(y), f32x4.mul'],
    ['missing accumulation', 'f32x4.add(at.load(y), f32x4.mul(alpha, at.load(x)))', 'f32x4.mul(alpha, at.load(x))'],
    ['dropped term', '2 * lambda', 'lambda'],
    ['dropped term', 'lambda * sumOfSquares', 'sumOfSquares'],
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
  ...faultsOf('wasm/engine.ts', unitTests, [
    ['dropped term', 'buffer[i] = halfOfNumber(values[i], BF16)', 'buffer[i] = halfOfNumber(values[i], BF16) & 0x7fff'],
  ]),
  ...faultsOf('wasm/softmaxCrossEntropy.ts', unitTests, [
    ['dropped term', 'exp(f, f32x4.sub(at.load(z), max))', 'exp(f, f.let(at.load(z)))'],
    ['dropped term', 'at.store(p, f32x4.div(at.load(p), sum))', 'at.store(p, at.load(p))'],
    ['sign', 'f32x4.sub(log(f, sum), f32x4.sub(target, max))', 'f32x4.add(log(f, sum), f32x4.sub(target, max))'],
    ['dropped term', 'f32x4.mul(weight, at.load(p))', 'at.load(p)'],
    ['sign', 'f32x4.sub(v128.load32Zero(target), weight)', 'f32x4.add(v128.load32Zero(target), weight)'],
    ['wrong index', 'i32.add(dz, i32.shl(i32.load(targets), 2))', 'i32.add(dz, i32.load(targets))'],
  ]),
  ...faultsOf('wasm/gather.ts', unitTests, [
    ['wrong index', 'i32.mul(i32.load(ids), n)', 'i32.load(ids)'],
    ['missing accumulation', 'f32x4.add(at.loadApart(from, stride), at.load(dy))', 'at.load(dy)'],
    ['missing accumulation', 'f32x4.add(at.load(row), at.load(dy))', 'at.load(dy)'],
    ['dropped term', '    forEachElement(f, i32.mul(V, columns), (at) => at.store(table, 0));\n', ''],
    ['wrong index', 'call.gatherRows(y + 4 * j,', 'call.gatherRows(y,'],
    ['wrong index', 'i32.mul(i32.load(ids), n), halves ? 1 : 2)', 'i32.mul(i32.load(ids), n), 2)'],
    ['dropped term', 'if (every) f.advance(W, 2);', ''],
    ['wrong index', 'W + bytes * j * V', 'W + 4 * j * V'],
    ['wrong index', 'call.gatherRowsBackward(table, dy + 4 * j,', 'call.gatherRowsBackward(table, dy,'],
    ['wrong index', 'gatherEveryColumnBackward(dW + 4 * j * V,', 'gatherEveryColumnBackward(dW,'],
    ['dropped term', 'Math.min(width, n - j)', 'width'],
  ]),
  ...faultsOf('wasm/matmul.ts', unitTests, [
    ['wrong operand', '[bf16.widenLow(eight), bf16.widenHigh(eight)]', '[bf16.widenHigh(eight), bf16.widenLow(eight)]'],
    ['wrong operand', 'v === 0 ? x : second', 'x'],
    ['wrong operand', 'v128.and(left, UPPER_HALVES)', 'i32x4.shl(left, 16)'],
    ['wrong index', 'f.store16(i32.add(out, place)', 'f.store16(i32.add(out, i32.shl(w, 1))'],
    ['wrong index', 'b + bytes * (j * k + l)', 'b + 4 * (j * k + l)'],
    ['wrong index', 'packedA + 4 * paddedRows * l', 'packedA'],
    ['dropped term', 'if (fixed !== null && made !== null) w.recorder', 'if (false) w.recorder'],
  ]),
  ...faultsOf('wasm/linear.ts', unitTests, [
    [
      'dropped term',
      'gatherColumns(yAt, WAt, idsAt, R, D, O);\n      if (b) addRow',
      'gatherColumns(yAt, WAt, idsAt, R, D, O);\n      if (!b) addRow',
    ],
    ['dropped term', '      gatherColumnsBackward(dWAt, dyAt, idsAt, R, D, O);\n', ''],
  ]),
  ...faultsOf('wasm/clip.ts', unitTests, [
    ['dropped term', 'f32x4.pmin(f32x4.pmax(g, low), high)', 'f32x4.pmin(g, high)'],
    ['missing accumulation', 'v128.or(anyBad, at.lanes(bad, 0))', 'at.lanes(bad, 0)'],
    ['dropped term', 'f.if(f64.lessThan(factor, 1), () => {', 'f.if(f64.lessThan(factor, 1e9), () => {'],
    ['dropped term', 'f32x4.mul(f32x4.mul(at.load(grads), first), rest)', 'f32x4.mul(at.load(grads), first)'],
    ['dropped term', 'f64.sqrt(sumOfSquares(f, grads, n))', 'sumOfSquares(f, grads, n)'],
  ]),
  ...faultsOf('wasm/formulas.ts', unitTests, [
    ['wrong operand', 'v128.select(x(), y(), greater)', 'v128.select(y(), x(), greater)'],
    ['wrong operand', 'Object.is(y.constant, 0)', 'y.constant !== undefined'],
    ['missing accumulation', 'v128.or(bad, at.lanes(notFinite(values[i]), 0))', 'at.lanes(notFinite(values[i]), 0)'],
    ['sign', 'sub: binary(f32x4.sub)', 'sub: binary(f32x4.add)'],
    ['wrong index', 'i32.mul(bytes, first)', '0'],
    ['wrong index', 'f.int(i32.mul(H, width))', 'f.int(H)'],
    ['dropped term', 'if (shared) return [];', ''],
  ]),
  ...faultsOf('wasm/steps.ts', unitTests, [
    ['wrong index', 'i32.add(i32.mul(t, strides[k]), base)', 'base'],
    ['wrong index', 'f.advance(t, direction);', 'f.advance(t, 1);'],
    [
      'dropped term',
      'i32.and(i32.eq(i32.remainder(left, every), 0), i32.lessThan(0, left))',
      'i32.eq(i32.remainder(left, every), 0)',
    ],
    ['dropped term', '(maxSteps <= 2 || last.every((call, i) => isCall(call, i, maxSteps - 1)))', 'true'],
  ]),
  ...faultsOf('wasm/recorder.ts', unitTests, [
    ['dropped term', 'calls.slice(from, from', 'calls.slice(from + 1, from'],
    ['dropped term', 'for (const part of parts) part();', 'parts[0]();'],
    ['dropped term', '    this.tracing = null;\n    try', '    try'],
  ]),
  ...faultsOf('wasm/recurrence.ts', unitTests, [
    ['wrong index', 'first: reverse ? steps - 1 : 0', 'first: 0'],
    ['dropped term', '      pack(r, weights.packNN, (H, blocks) => [blocks * H, H]);\n', ''],
    ['dropped term', 'backSteps < steps ? cut : undefined', 'undefined'],
  ]),
];

/** Kernels on a WebGPU device, which are compared with the functions that they stand for. */
const webgpu: Fault[] = [
  ...faultsOf('webgpu/kernels/tanh.ts', unitTests, [
    ['sign', 'return sign(x) *', 'return'],
    ['wrong operand', 'exp(-2.0 * size)', 'exp(-size)'],
    ['dropped term', '(1.0 - y(i) * y(i)) * dy(i)', '(1.0 - y(i) * y(i))'],
  ]),
  ...faultsOf('webgpu/kernels/sigmoid.ts', unitTests, [
    ['wrong operand', 'select(1.0, e, x < 0.0)', 'select(e, 1.0, x < 0.0)'],
    ['dropped term', 'y(i) * (1.0 - y(i)) * dy(i)', '(1.0 - y(i)) * dy(i)'],
  ]),
  ...faultsOf('webgpu/kernels/relu.ts', unitTests, [
    ['dropped term', ' || is_nan(x(i))', ''],
    ['wrong operand', 'select(0.0, dy(i), y(i) > 0.0)', 'select(0.0, dy(i), dy(i) > 0.0)'],
  ]),
  ...faultsOf('webgpu/kernels/layerNorm.ts', unitTests, [
    ['dropped term', '/ count + args.eps)', '/ count)'],
    ['dropped term', ' - normalized(start + j) * slope', ''],
    ['missing accumulation', 'set_dgain(j, dgain(j) + gain)', 'set_dgain(j, gain)'],
  ]),
  ...faultsOf('webgpu/kernels/softmax.ts', unitTests, [
    ['dropped term', "exp(z(start + j) - m);')}\n  let sum", "exp(z(start + j));')}\n  let sum"],
    ['dropped term', '(dp(start + j) - dot)', 'dp(start + j)'],
  ]),
  ...faultsOf('webgpu/kernels/logSoftmax.ts', unitTests, [
    ['dropped term', ' - m - log_sum', ' - log_sum'],
    ['sign', 'dy(start + j) - exp', 'dy(start + j) + exp'],
  ]),
  ...faultsOf('webgpu/device/rowwise.ts', unitTests, [
    ['wrong index', "'max(total, value)'", "'total'"],
    ['wrong index', 'var j = lane; j < args.n;', 'var j = lane; j + 1u < args.n;'],
  ]),
  ...faultsOf('webgpu/kernels/softmaxCrossEntropy.ts', unitTests, [
    ['wrong operand', 'select(0.0, 1.0, j == id)', 'select(1.0, 0.0, j == id)'],
    ['sign', 'log(total) - (of_target - m)', 'log(total) + (of_target - m)'],
    ['dropped term', 'set_o(start + j, o(start + j) / total)', 'set_o(start + j, o(start + j))'],
  ]),
  ...faultsOf('webgpu/kernels/lossKernel.ts', unitTests, [
    ['dropped term', 'weight(i) * sum, 0.0, weight(i) == 0.0', 'weight(i) * sum, 1.0, weight(i) == 0.0'],
    ['wrong index', 'let start = i * args.V;', 'let start = i;'],
  ]),
  ...faultsOf('webgpu/kernels/sigmoidCrossEntropy.ts', unitTests, [
    ['sign', 'max(x, 0.0) - x * target_value', 'max(x, 0.0) + x * target_value'],
    ['dropped term', ' * t + 1.0 / 3.0', ' * t'],
    ['sign', '(o(start + j) - target_value(start + j))', '(target_value(start + j) - o(start + j))'],
  ]),
  ...faultsOf('webgpu/kernels/squaredError.ts', unitTests, [
    ['dropped term', 'sum += e * e', 'sum += e'],
    ['dropped term', '2.0 * weight(i)', 'weight(i)'],
    ['dropped term', "' * y * (1.0 - y)'", "''"],
  ]),
  ...faultsOf('webgpu/kernels/gather.ts', unitTests, [
    ['transposed operand', "'j * args.vocabulary + id'", "'id * args.n + j'"],
    ['missing accumulation', 'table(at) + dy(r * args.n + j)', 'dy(r * args.n + j)'],
    ['missing accumulation', 'table(at) + total[e]', 'total[e]'],
    ['wrong index', 'let j = own[e];', 'let j = first;'],
  ]),
  ...faultsOf('webgpu/kernels/sum.ts', unitTests, [
    ['wrong index', 'var a = begin + lane', 'var a = begin + 0u * lane'],
    ['wrong index', 'let end = min(args.axis, ', 'let end = max(args.axis, '],
    ['transposed operand', '(o * args.axis + a) * args.inner + i', '(o * args.inner + i) * args.axis + a'],
    ['dropped term', "'value * value', 1)", "'value', 1)"],
  ]),
  ...faultsOf('webgpu/kernels/max.ts', unitTests, [
    ['dropped term', '!is_nan(largest) && ', ''],
    ['wrong operand', 'value > largest ||', 'value >= largest ||'],
    ['wrong index', 'i / args.inner % args.axis', 'i % args.axis'],
  ]),
  ...faultsOf('webgpu/kernels/clip.ts', unitTests, [
    ['dropped term', ', x(i), is_nan(x(i))', ', x(i), false'],
    ['dropped term', 'x(i) > args.low && x(i)', 'x(i)'],
    ['wrong operand', 'set_norm(0u, length)', 'set_norm(0u, squares(0u))'],
    ['wrong operand', 'if (!(factor >= 1.0))', 'if (!(factor <= 1.0))'],
  ]),
  ...faultsOf('webgpu/kernels/state.ts', unitTests, [
    ['sign', 'total += (1.0 - keep(b)) * dh', 'total += keep(b) * dh'],
    ['missing accumulation', 'set_dh0(i, dh0(i) + total)', 'set_dh0(i, total)'],
    ['wrong operand', 'if (mask(i / args.H) != 1.0)', 'if (mask(i / args.H) == 1.0)'],
  ]),
  ...faultsOf('webgpu/kernels/columns.ts', unitTests, [
    ['wrong index', 'args.wide + args.offset + i', 'args.wide + i'],
  ]),
  ...faultsOf('webgpu/kernels/linear.ts', unitTests, [
    ['dropped term', ' + b(o)', ''],
    ['dropped term', '  if (db !== null) addRowBackward(db, dy, R, O);\n', ''],
  ]),
  ...faultsOf('webgpu/kernels/drawSymbol.ts', unitTests, [
    ['wrong operand', 'if (sum > goal)', 'if (sum >= total)'],
    ['dropped term', 'total += exp((z(v) - top) * boldness)', 'total += exp(z(v) - top)'],
  ]),
  ...faultsOf('webgpu/kernels/matmulKernels.ts', unitTests, [
    ['wrong index', 'let end = min(args.k, begin + args.depth);', 'let end = args.k;'],
    ['wrong index', ' + begin * ', ' + 0u * '],
    ['missing accumulation', 'if (args.accumulate == 1u) { four += c(at / 4u); }', ''],
    ['missing accumulation', 'if (args.accumulate == 1u) { sum += c(i); }', ''],
    ['wrong index', 'min(4u, args.n - j)', '4u'],
    ['dropped term', '    at += args.size;\n', ''],
    ['wrong index', 'line % 4 === 0', 'line % 2 === 0'],
    ['dropped term', "isMultiple ? ''", "true ? ''"],
  ]),
  ...faultsOf('webgpu/training/predictor.ts', unitTests, [
    ['off by one in time', 'if (i > 0) carryOn(engine, model)', 'if (i > 1) carryOn(engine, model)'],
  ]),
  ...faultsOf('webgpu/training/persistentRecurrence.ts', unitTests, [
    ['dropped term', 'split < args.kSplits; split++', 'split < 1u; split++'],
    ['wrong index', 'u + r) * args.paddedOutputs + o]; }', 'u) * args.paddedOutputs + o]; }'],
    ['off by one in time', 'weightsInRegisters}u * split;', 'weightsInRegisters}u * split + 1u;'],
    ['dropped term', "'min(args.kPerSplit, inner - k0)'", "'min(args.kPerSplit, inner - k0) - 1u'"],
    ['wrong index', 'k}u + k0];', 'k}u];'],
    ['wrong index', 'sums[to + 2u] = total.z;', 'sums[to + 2u] = total.y;'],
  ]),
  ...faultsOf('webgpu/training/cellKernels.ts', unitTests, [
    ['dropped term', 'if (is_cut(n)) { return 0.0; }', ''],
    ['dropped term', 'if (carry(b) == 1.0) { return', 'if (true) { return'],
    ['dropped term', '&& mask(row) != 1.0) {', '&& false) {'],
    ['dropped term', 'if (lacks(after)) { return dh(after * args.H + j); }', ''],
    ['dropped term', 'if (n == 0u) { return dfinal0(b * args.H + j); }', 'if (n == 0u) { return 0.0; }'],
    ['off by one in time', '(args.steps - n) % args.backSteps == 0u', '(args.steps - n + 1u) % args.backSteps == 0u'],
    [
      'missing accumulation',
      'let d0 = dh(at) + incoming0(row, b, j, sum, n);',
      'let d0 = incoming0(row, b, j, sum, n);',
    ],
    ['dropped term', 'if (is_cut(n + 1u)) {', 'if (false) {'],
    ['wrong operand', "separate ? 'dhGates' : 'dxGates'", "separate ? 'dxGates' : 'dxGates'"],
    ['dropped term', "direct ? ' + dprevious0(b * args.H + j)' : ''", "''"],
    ['dropped term', 'set_dprevious0(i, incoming0(', 'set_dprevious0(i, 0.0 * incoming0('],
  ]),
  ...faultsOf('webgpu/training/weightGradients.ts', unitTests, [
    ['missing accumulation', 'set_m(at, m(at) + sum[j]);', 'set_m(at, sum[j]);'],
    ['wrong index', 'let N = max(g.N, 1u);', 'let N = max(g.N, 4u);'],
    ['dropped term', 'return select(m_at(at), 1.0, ones); }', 'return m_at(at); }'],
    ['wrong index', 'first += Math.ceil(O / rows)', 'first += Math.floor(O / rows)'],
  ]),
  ...faultsOf('webgpu/training/update.ts', unitTests, [
    ['dropped term', 'g + args.twice * w', 'g'],
    ['wrong operand', 'vec4f(-args.limit), vec4f(args.limit)', 'vec4f(-args.limit), vec4f(2.0 * args.limit)'],
    ['dropped term', 'scaled += found.y * share * share;', 'scaled += found.y;'],
    ['dropped term', 'if (stopped != 0.0 || failed != 0.0) { return; }', 'if (failed != 0.0) { return; }'],
    ['dropped term', 'if (bad != 0.0) { failed', 'if (false) { failed'],
    ['wrong index', 'let i = 4u * e;', 'let i = e;'],
    ['dropped term', '< vec4u(length); }', '<= vec4u(length); }'],
    ['wrong operand', "u)) == vec4u())` : ''}", "u)) != vec4u())` : ''}"],
    ['wrong index', 'first += numbers.length;', 'first = numbers.length;'],
    ['dropped term', ' + f32(faults(place))', ''],
    ['dropped term', 'set_before(e, was);', ''],
  ]),
  ...faultsOf('webgpu/device/pollBackoff.ts', unitTests, [
    ['dropped term', 'if (this.sent.length === 0) this.since', 'this.since'],
    ['dropped term', 'if (!first || done.some(({ list }) => list !== first.list)) return;', 'if (!first) return;'],
    ['dropped term', 'Math.min(1, times / took.times)', '(times / took.times)'],
    ['dropped term', 'isLate ? (now - this.since) / 2 : now', 'now'],
    ['missing accumulation', 'this.sent = awaited.slice(count);', 'this.sent = [];'],
  ]),
  ...faultsOf('webgpu/training/formulas.ts', unitTests, [
    ['sign', 'value < 0 || Object.is(value, -0)', 'Object.is(value, -0)'],
    [
      'wrong operand',
      'whereGreater(a: string, b: string, x: string, y',
      'whereGreater(a: string, b: string, y: string, x',
    ],
    ['wrong operand', 'select(a, b, a < b && !is_nan(a))', 'select(b, a, a < b && !is_nan(a))'],
    ['wrong operand', 'select(a, b, b < a && !is_nan(a))', 'select(b, a, b < a && !is_nan(a))'],
    ['wrong index', 'shared ? number :', '!shared ? number :'],
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
  ...bptt,
  ...wasm,
  ...webgpu,
  ...interop,
];
