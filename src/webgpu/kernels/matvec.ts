import type * as host from '../../tensor/matvec.ts';
import { assertFloats, type OnDevice } from '../device/assert.ts';
import { matmulNN, matmulNT, matmulTN } from './matmul.ts';

/** y [M] = A [M,K]·x [K], or y += A·x when `accumulate` is set. */
export const matvec: OnDevice<typeof host.matvec> = (y, a, x, m, k, accumulate) => {
  assertFloats('matvec', { y }, '[M]', m);
  assertFloats('matvec', { a }, '[M,K]', m, k);
  assertFloats('matvec', { x }, '[K]', k);
  matmulNT(y, x, a, 1, k, m, accumulate);
};

/** dA [M,K] = dy·xᵀ and dx [K] = Aᵀ·dy, for y = A·x; both overwritten (or added to). */
export const matvecBackward: OnDevice<typeof host.matvecBackward> = (da, dx, dy, a, x, m, k, accumulate) => {
  assertFloats('matvecBackward', { da, a }, '[M,K]', m, k);
  assertFloats('matvecBackward', { dx, x }, '[K]', k);
  assertFloats('matvecBackward', { dy }, '[M]', m);
  matmulTN(da, dy, x, m, 1, k, accumulate);
  matmulNN(dx, dy, a, 1, m, k, accumulate);
};
