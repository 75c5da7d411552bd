import { assertBuffer, assertFloats } from '../device/assert.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchElementwise, elementwise, inRows, THREADS } from '../device/elementwise.ts';
import type { KernelSource } from '../device/pipelines.ts';
import { workgroupwise } from '../device/rowwise.ts';

/** Elements that one workgroup adds up before their sum becomes one of several. */
const CHUNK = 4096;

/**
 * y[o,piece,i] = Σ_a term(x[o,a,i]) over the a of a piece of the axis. A workgroup stands for `width` values of i beside
 * each other, with 64/width invocations along the axis for each, which first add up their own and then one another's.
 */
function sums(name: string, term: string, width: number): KernelSource {
  return workgroupwise(
    `${name} ${width}`,
    { y: 'f32' },
    { x: 'f32' },
    { axis: 'u32', inner: 'u32', pieces: 'u32' },
    `let strips = (args.inner + ${width - 1}u) / ${width}u;
  let i = number % strips * ${width}u + lane % ${width}u;
  let o = number / strips / args.pieces;
  let begin = number / strips % args.pieces * ${CHUNK}u;
  let end = min(args.axis, begin + ${CHUNK}u);
  var own = 0.0;
  if (i < args.inner) {
    for (var a = begin + lane / ${width}u; a < end; a += ${THREADS / width}u) {
      let value = x((o * args.axis + a) * args.inner + i);
      own += ${term};
    }
  }
  lanes[lane] = own;
  workgroupBarrier();
  if (lane < ${width}u && i < args.inner) {
    var total = 0.0;
    for (var at = lane; at < ${THREADS}u; at += ${width}u) { total += lanes[at]; }
    set_y(number / strips * args.inner + i, total);
  }`,
    `var<workgroup> lanes: array<f32, ${THREADS}>;`,
  );
}

const WIDE = 16;
const sum = { narrow: sums('sumAxis', 'value', 1), wide: sums('sumAxis', 'value', WIDE) };
const square = { narrow: sums('sumOfSquares', 'value * value', 1), wide: sums('sumOfSquares', 'value * value', WIDE) };

/** The kernel for these sizes, in pieces where the axis is long, and their sum. */
function reduce(kernel: typeof sum, y: FloatBuffer, x: FloatBuffer, outer: number, axis: number, inner: number): void {
  const { device } = y;
  const pieces = Math.max(1, Math.ceil(axis / CHUNK));
  const [source, width] = inner < WIDE ? [kernel.narrow, 1] : [kernel.wide, WIDE];
  const out = pieces === 1 ? y : device.scratch('sums of pieces', outer * pieces * inner);
  const workgroups = Math.ceil(inner / width) * pieces * outer;
  device.dispatch(source, { y: out, x }, { axis, inner, pieces, workgroups }, inRows(workgroups));
  if (pieces > 1) reduce(sum, y, out, outer, pieces, inner);
}

/**
 * y[o,i] = Σ_a x[o,a,i]: the sum along one axis of x seen as `[outer, axis, inner]`, in a fixed order.
 * Rows of a matrix `[R,n]`: (R, n, 1). Columns: (1, R, n). All of x: (1, n, 1).
 */
export function sumAxis(y: FloatBuffer, x: FloatBuffer, outer: number, axis: number, inner: number): void {
  assertFloats('sumAxis', { y }, '[outer,inner]', outer, inner);
  assertFloats('sumAxis', { x }, '[outer,axis,inner]', outer, axis, inner);
  reduce(sum, y, x, outer, axis, inner);
}

const backward = elementwise(
  'sumAxisBackward',
  { dx: 'f32' },
  { dy: 'f32' },
  { axis: 'u32', inner: 'u32' },
  'set_dx(i, dy(i / (args.axis * args.inner) * args.inner + i % args.inner));',
);

/** dx[o,a,i] = dy[o,i] for every a, for y = sumAxis(x). `dx` is overwritten. */
export function sumAxisBackward(dx: FloatBuffer, dy: FloatBuffer, outer: number, axis: number, inner: number): void {
  assertFloats('sumAxisBackward', { dx }, '[outer,axis,inner]', outer, axis, inner);
  assertFloats('sumAxisBackward', { dy }, '[outer,inner]', outer, inner);
  dispatchElementwise(backward, { dx, dy }, dx.length, { axis, inner });
}

/** y [1] = Σ x², the square of the Euclidean norm, in a fixed order. Infinite from a norm of 1.8e19 on. */
export function sumOfSquares(y: FloatBuffer, x: FloatBuffer): void {
  assertFloats('sumOfSquares', { y }, '[1]', 1);
  assertBuffer('sumOfSquares', 'x', x);
  assertFloats('sumOfSquares', { x }, '[n]', x.length);
  reduce(square, y, x, 1, x.length, 1);
}
