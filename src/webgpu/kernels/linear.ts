import type * as host from '../../layers/linear.ts';
import { assertFloats, assertInts, type OnDevice } from '../device/assert.ts';
import { dispatchElementwise, elementwise } from '../device/elementwise.ts';
import { addRowBackward } from './add.ts';
import { gatherColumns, gatherColumnsBackward } from './gather.ts';
import { matmul } from './matmulKernels.ts';

/** y[r,·] = W·x[r,·] + b for every row, in one dispatch: y [R,O], x [R,D], W [O,D], b [O] or null for none. */
export const linearForward: OnDevice<typeof host.linearForward> = (y, x, W, b, R, D, O) => {
  matmul('linearForward', 'NT', y, x, W, R, D, O, { bias: b });
};

const gatherAndAdd = elementwise(
  'oneHotLinearForward',
  { y: 'f32' },
  { W: 'f32', ids: 'i32', b: 'f32' },
  { D: 'u32', O: 'u32' },
  `let o = i % args.O;
  set_y(i, W(o * args.D + u32(ids(i / args.O))) + b(o));`,
);

/** The same for one-hot rows: y[r,·] = W[·,ids[r]] + b, with ids [R], each in [0,D). */
export const oneHotLinearForward: OnDevice<typeof host.oneHotLinearForward> = (y, ids, W, b, R, D, O) => {
  if (b === null) {
    gatherColumns(y, W, ids, R, D, O);
    return;
  }
  assertFloats('oneHotLinearForward', { y }, '[R,O]', R, O);
  assertInts('oneHotLinearForward', { ids }, '[R]', R);
  assertFloats('oneHotLinearForward', { W }, '[O,D]', O, D);
  assertFloats('oneHotLinearForward', { b }, '[O]', O);
  dispatchElementwise(gatherAndAdd, { y, W, ids, b }, R * O, { D, O });
};

/** dW[·,ids[r]] += dy[r,·] and, unless `db` is null, db += Σ_r dy[r,·], for y[r,·] = W[·,ids[r]] + b. */
export const oneHotLinearBackward: OnDevice<typeof host.oneHotLinearBackward> = (dW, db, dy, ids, R, D, O) => {
  assertFloats('oneHotLinearBackward', { db }, '[O]', O);
  gatherColumnsBackward(dW, dy, ids, R, D, O);
  if (db !== null) addRowBackward(db, dy, R, O);
};
