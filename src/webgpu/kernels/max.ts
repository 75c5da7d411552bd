import type * as host from '../../tensor/max.ts';
import { assertFloats, assertInts, type OnDevice } from '../device/assert.ts';
import { dispatchElementwise, elementwise, IS_NAN_WGSL } from '../device/elementwise.ts';

const forward = elementwise(
  'maxAxis',
  { y: 'f32', argmax: 'i32' },
  { x: 'f32' },
  { axis: 'u32', inner: 'u32' },
  `let start = i / args.inner * args.axis * args.inner + i % args.inner;
  var best = 0u;
  var largest = x(start);
  for (var a = 1u; a < args.axis; a++) {
    let value = x(start + a * args.inner);
    if (!is_nan(largest) && (value > largest || is_nan(value))) {
      best = a;
      largest = value;
    }
  }
  set_y(i, largest);
  set_argmax(i, i32(best));`,
  IS_NAN_WGSL,
);

/**
 * y[o,i] = max_a x[o,a,i] and argmax[o,i], the first a that reaches it; x is seen as `[outer, axis, inner]`, axis ≥ 1.
 * A NaN in the axis wins.
 */
export const maxAxis: OnDevice<typeof host.maxAxis> = (y, argmax, x, outer, axis, inner) => {
  assertFloats('maxAxis', { y }, '[outer,inner]', outer, inner);
  assertInts('maxAxis', { argmax }, '[outer,inner]', outer, inner);
  assertFloats('maxAxis', { x }, '[outer,axis,inner]', outer, axis, inner);
  if (axis < 1) throw new RangeError(`maxAxis: axis is ${axis}, expected at least 1`);
  dispatchElementwise(forward, { y, argmax, x }, outer * inner, { axis, inner });
};

const backward = elementwise(
  'maxAxisBackward',
  { dx: 'f32' },
  { dy: 'f32', argmax: 'i32' },
  { axis: 'u32', inner: 'u32' },
  `let at = i / (args.axis * args.inner) * args.inner + i % args.inner;
  let a = i / args.inner % args.axis;
  set_dx(i, select(0.0, dy(at), u32(argmax(at)) == a));`,
);

/** dx[o,argmax[o,i],i] = dy[o,i] and 0 elsewhere, for y = maxAxis(x). `dx` is overwritten. */
export const maxAxisBackward: OnDevice<typeof host.maxAxisBackward> = (dx, dy, argmax, outer, axis, inner) => {
  assertFloats('maxAxisBackward', { dx }, '[outer,axis,inner]', outer, axis, inner);
  assertFloats('maxAxisBackward', { dy }, '[outer,inner]', outer, inner);
  assertInts('maxAxisBackward', { argmax }, '[outer,inner]', outer, inner);
  dispatchElementwise(backward, { dx, dy, argmax }, dx.length, { axis, inner });
};
