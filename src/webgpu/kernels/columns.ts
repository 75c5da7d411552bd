import type * as host from '../../tensor/columns.ts';
import { assertFloats, type OnDevice } from '../device/assert.ts';
import { dispatchElementwise, elementwise } from '../device/elementwise.ts';

const SIZES = { wide: 'u32', offset: 'u32', n: 'u32' } as const;
/** The place of element i of the block in the wide tensor. */
const WIDE = 'let at = (i / args.n) * args.wide + args.offset + i % args.n;';

const place = elementwise('placeColumns', { y: 'f32' }, { x: 'f32' }, SIZES, `${WIDE} set_y(at, x(i));`);
const take = elementwise(
  'takeColumns',
  { y: 'f32' },
  { x: 'f32' },
  { ...SIZES, accumulate: 'u32' },
  `${WIDE} set_y(i, select(x(at), y(i) + x(at), args.accumulate == 1u));`,
);

/** y[r, offset + j] = x[r,j]: x [R,n] becomes a block of columns of y [R,N]. */
export const placeColumns: OnDevice<typeof host.placeColumns> = (y, x, rows, N, offset, n) => {
  assertFloats('placeColumns', { y }, '[R,N]', rows, N);
  assertFloats('placeColumns', { x }, '[R,n]', rows, n);
  assertOffset('placeColumns', N, offset, n);
  dispatchElementwise(place, { y, x }, rows * n, { wide: N, offset, n });
};

/** y[r,j] = x[r, offset + j] of x [R,N], or y [R,n] += that when `accumulate` is set. */
export const takeColumns: OnDevice<typeof host.takeColumns> = (y, x, rows, N, offset, n, accumulate = false) => {
  assertFloats('takeColumns', { x }, '[R,N]', rows, N);
  assertFloats('takeColumns', { y }, '[R,n]', rows, n);
  assertOffset('takeColumns', N, offset, n);
  dispatchElementwise(take, { y, x }, rows * n, { wide: N, offset, n, accumulate: accumulate ? 1 : 0 });
};

function assertOffset(fn: string, N: number, offset: number, n: number): void {
  if (!(Number.isInteger(offset) && offset >= 0 && offset + n <= N)) {
    throw new RangeError(`${fn}: offset is ${offset}, expected 0 … ${N - n}: ${n} of ${N} columns`);
  }
}
