import type * as host from '../../tensor/matmul.ts';
import type { OnDevice } from '../device/assert.ts';
import { matmul } from './matmulKernels.ts';

/** C [M,N] = A [M,K]·B [K,N], or C += A·B when `accumulate` is set. `c` must not share elements with `a` or `b`. */
export const matmulNN: OnDevice<typeof host.matmulNN> = (c, a, b, m, k, n, accumulate = false) => {
  matmul('matmulNN', 'NN', c, a, b, m, k, n, { accumulate });
};

/** dA [M,K] = dC·Bᵀ and dB [K,N] = Aᵀ·dC, for C = A·B; both overwritten (or added to). */
export const matmulNNBackward: OnDevice<typeof host.matmulNNBackward> = (da, db, dc, a, b, m, k, n, accumulate) => {
  matmulNT(da, dc, b, m, n, k, accumulate);
  matmulTN(db, a, dc, k, m, n, accumulate);
};

/**
 * C [M,N] = A [M,K]·Bᵀ with B [N,K], or C += A·Bᵀ when `accumulate` is set: rows of A times weights `[out,in]`. `c` must
 * not share elements with `a` or `b`.
 */
export const matmulNT: OnDevice<typeof host.matmulNT> = (c, a, b, m, k, n, accumulate = false) => {
  matmul('matmulNT', 'NT', c, a, b, m, k, n, { accumulate });
};

/** dA [M,K] = dC·B and dB [N,K] = dCᵀ·A, for C = A·Bᵀ; both overwritten (or added to). */
export const matmulNTBackward: OnDevice<typeof host.matmulNTBackward> = (da, db, dc, a, b, m, k, n, accumulate) => {
  matmulNN(da, dc, b, m, n, k, accumulate);
  matmulTN(db, dc, a, n, m, k, accumulate);
};

/**
 * C [M,N] = Aᵀ·B with A [K,M] and B [K,N], or C += Aᵀ·B when `accumulate` is set: the weight gradient, a sum of outer
 * products over the K rows. `c` must not share elements with `a` or `b`.
 */
export const matmulTN: OnDevice<typeof host.matmulTN> = (c, a, b, m, k, n, accumulate = false) => {
  matmul('matmulTN', 'TN', c, a, b, m, k, n, { accumulate });
};

/** dA [K,M] = B·dCᵀ and dB [K,N] = A·dC, for C = Aᵀ·B; both overwritten (or added to). */
export const matmulTNBackward: OnDevice<typeof host.matmulTNBackward> = (da, db, dc, a, b, m, k, n, accumulate) => {
  matmulNT(da, b, dc, k, n, m, accumulate);
  matmulNN(db, a, dc, k, m, n, accumulate);
};
