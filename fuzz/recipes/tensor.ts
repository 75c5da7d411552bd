import ndarray from 'ndarray';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

/**
 * The arguments of each function, as its documentation writes them: `c[M,N]` an array of floats, `ids[R]<V` whole numbers
 * below V, `alpha` a number, `accumulate?` a flag that may be left out, an upper-case or listed letter alone a size. `x>0`
 * after an array: its numbers are positive.
 */
export const SIGNATURES: readonly string[] = [
  'add z[n] x[n] y[n]',
  'addRow y[R,n] x[R,n] b[n] R n',
  'addRowBackward db[n] dy[R,n] R n',
  'addScaled y[n] x[n] alpha',
  'clip y[n] x[n] low high',
  'clipBackward dx[n] dy[n] x[n] low high',
  'exp y[n] x[n]',
  'expBackward dx[n] dy[n] y[n]',
  'gatherColumns y[R,n] w[n,V] ids[R]<V R V n',
  'gatherColumnsBackward dw[n,V] dy[R,n] ids[R]<V R V n',
  'gatherRows y[R,n] table[V,n] ids[R]<V R V n',
  'gatherRowsBackward dtable[V,n] dy[R,n] ids[R]<V R V n',
  'layerNorm y[R,n] normalized[R,n] inverse[R] x[R,n] gain[n] bias[n] eps R n',
  'layerNormBackward dx[R,n] dgain[n] dbias[n] dy[R,n] normalized[R,n] inverse[R] gain[n] R n',
  'log y[n] x[n]>0',
  'logBackward dx[n] dy[n] x[n]>0',
  'logSoftmax y[R,n] z[R,n] R n',
  'logSoftmaxBackward dz[R,n] dy[R,n] y[R,n] R n',
  'logSumExp s[R] z[R,n] R n',
  'logSumExpBackward dz[R,n] ds[R] z[R,n] s[R] R n',
  'matmulNN c[M,N] a[M,K] b[K,N] M K N accumulate?',
  'matmulNNBackward da[M,K] db[K,N] dc[M,N] a[M,K] b[K,N] M K N accumulate?',
  'matmulNT c[M,N] a[M,K] b[N,K] M K N accumulate?',
  'matmulNTBackward da[M,K] db[N,K] dc[M,N] a[M,K] b[N,K] M K N accumulate?',
  'matmulTN c[M,N] a[K,M] b[K,N] M K N accumulate?',
  'matmulTNBackward da[K,M] db[K,N] dc[M,N] a[K,M] b[K,N] M K N accumulate?',
  'matvec y[M] a[M,K] x[K] M K accumulate?',
  'matvecBackward da[M,K] dx[K] dy[M] a[M,K] x[K] M K accumulate?',
  'maxAxis y[a,c] argmax[a,c]<b x[a,b,c] a b c',
  'maxAxisBackward dx[a,b,c] dy[a,c] argmax[a,c]<b a b c',
  'multiply z[n] x[n] y[n]',
  'multiplyBackward dx[n] dy[n] dz[n] x[n] y[n]',
  'multiplyRow y[R,n] x[R,n] s[n] R n',
  'multiplyRowBackward dx[R,n] ds[n] dy[R,n] x[R,n] s[n] R n',
  'outer c[M,N] x[M] y[N] M N accumulate?',
  'outerBackward dx[M] dy[N] dc[M,N] x[M] y[N] M N accumulate?',
  'relu y[n] x[n]',
  'reluBackward dx[n] dy[n] y[n]',
  'scale y[n] x[n] alpha',
  'scaleBackward dx[n] dy[n] x[n] alpha',
  'scaleRows y[R,n] x[R,n] s[R] R n',
  'scaleRowsBackward dx[R,n] ds[R] dy[R,n] x[R,n] s[R] R n',
  'sigmoid y[n] x[n]',
  'sigmoidBackward dx[n] dy[n] y[n]',
  'singularValues a[R,n] R n',
  'softmax p[R,n] z[R,n] R n',
  'softmaxBackward dz[R,n] dp[R,n] p[R,n] R n',
  'sumAxis y[a,c] x[a,b,c] a b c',
  'sumAxisBackward dx[a,b,c] dy[a,c] a b c',
  'sumOfSquares x[n]',
  'tanh y[n] x[n]',
  'tanhBackward dx[n] dy[n] y[n]',
];

type Sizes = Record<string, number>;

/** Sizes by letter, mostly small; now and then large enough that a call goes by SIMD. */
export function sizesOf(r: Random): Sizes {
  const most = r.chance(0.1) ? 40 : 5;
  return Object.fromEntries([...'RnMKNVabcTBSDHGO'].map((letter) => [letter, r.whole(1, most)]));
}

type Shaped = (values: Float32Array | Float64Array | Int32Array, shape: number[]) => unknown;

/** The arguments that a signature tells. */
export function argumentsOf(
  r: Random,
  signature: string,
  sizes: Sizes = sizesOf(r),
  shaped: Shaped = (v) => v,
): unknown[] {
  const Floats = r.chance(0.5) ? Float32Array : Float64Array;
  const args: unknown[] = [];
  for (const token of signature.split(' ').slice(1)) {
    const array = /^\w+\[([\w,+]+)\](?:<(\w)|>(0))?$/.exec(token);
    if (array) {
      const [, letters, below, positive] = array;
      const shape = letters.split(',').map((letter) => sizes[letter] ?? Number(letter));
      const length = shape.reduce((product, size) => product * size, 1);
      const values = below
        ? Int32Array.from({ length }, () => r.whole(0, sizes[below] - 1))
        : new Floats(length).map(() => r.between(positive ? 0.1 : -3, 3));
      args.push(shaped(values, shape));
    } else if (token in sizes) args.push(sizes[token]);
    else if (token.endsWith('?')) {
      if (r.chance(0.5)) args.push(r.chance(0.5));
    } else if (token === 'low') args.push(r.between(-2, 0));
    else if (token === 'high') args.push(r.between(0, 2));
    else args.push(r.between(0.1, 1));
  }
  return args;
}

/** A recipe for each signature. */
export function recipesOf(signatures: readonly string[], more: Partial<Recipe> = {}): Recipes {
  return Object.fromEntries(
    signatures.map((signature) => [
      signature.split(' ')[0],
      { args: (r: Random) => argumentsOf(r, signature), ...more } satisfies Recipe,
    ]),
  );
}

/** Of one number, in the innermost loops: what is no number gives what JavaScript makes of it. */
const SCALAR: Recipe = { leftOut: 'a function of one number, called for each element' };

export const tensor: Recipes = {
  ...recipesOf(SIGNATURES),
  placeColumns: {
    args(r) {
      const s = sizesOf(r);
      const offset = r.whole(0, 3);
      const wide = offset + s.n + r.whole(0, 2);
      return [new Float32Array(s.R * wide), new Float32Array(s.R * s.n), s.R, wide, offset, s.n];
    },
  },
  takeColumns: {
    args(r) {
      const s = sizesOf(r);
      const offset = r.whole(0, 3);
      const wide = offset + s.n + r.whole(0, 2);
      return [new Float64Array(s.R * s.n), new Float64Array(s.R * wide), s.R, wide, offset, s.n, r.chance(0.5)];
    },
  },
  pairwiseSum: {
    args(r) {
      const stride = r.whole(1, 3);
      const n = r.whole(0, 200);
      return [Float64Array.from({ length: n * stride + 5 }, () => r.between(-1, 1)), r.whole(0, 4), n, stride];
    },
    // one element, added up again and again
    endless: /\[2\] = \d{8}.*\[3\] = -?0|\[3\] = -?0.*\[2\] = \d{8}/,
  },
  dtypeOf: { args: (r) => [r.pick([new Float32Array(1), new Float64Array(2)])] },
  zeros: { args: (r) => [r.pick(['float32', 'float64']), r.whole(0, 100)] },
  setSimd: { args: () => ['auto'] },
  simdCounts: { args: () => [] },
  expOf: SCALAR,
  logOf: SCALAR,
  log1pOf: SCALAR,
  tanhOf: SCALAR,
  logistic: SCALAR,
  powOf: SCALAR,
  logSumExpOf: SCALAR,
};

const ALONG_AXIS: readonly string[] = [
  'sumAxis y[a,c] x[a,b,c]',
  'sumAxisBackward dx[a,b,c] dy[a,c]',
  'maxAxis y[a,c] argmax[a,c]<b x[a,b,c]',
  'maxAxisBackward dx[a,b,c] dy[a,c] argmax[a,c]<b',
];

const FLAT_ALONE = ['layerNorm', 'singularValues', 'sumOfSquares'];

/** The same on views: without sizes. */
const VIEW_SIGNATURES = SIGNATURES.filter(
  (line) => !/Axis/.test(line) && !FLAT_ALONE.some((name) => line.startsWith(name)),
).map((line) => line.replace(/(?: [RnMKNV])+(?= |$)/, ''));

const onViews = (signature: string, more: (r: Random) => unknown[] = () => []): Recipe => ({
  args: (r) => [...argumentsOf(r, signature, sizesOf(r), (values, shape) => view(values, shape)), ...more(r)],
});

/** A view in which the fuzzer may replace data, shape, stride and offset. */
export function view(values: Float32Array | Float64Array | Int32Array, shape: number[]): unknown {
  return ndarray(values as Float64Array, shape);
}

export const views: Recipes = {
  ...Object.fromEntries(VIEW_SIGNATURES.map((signature) => [signature.split(' ')[0], onViews(signature)])),
  ...Object.fromEntries(ALONG_AXIS.map((signature) => [signature.split(' ')[0], onViews(signature, () => [1])])),
  rowMajor: { args: (r) => [view(new Float64Array(6), r.pick([[6], [2, 3], [3, 2]]))] },
  // The package ndarray's own function, handed on as it is.
  ndarray: {
    args: (r) => [new Float64Array(6), r.pick([[6], [2, 3]])],
    takesAll: true,
    subject: /./,
    unbounded: true,
    fixed: [0, 1],
  },
};
