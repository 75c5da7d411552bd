import { addRowBackward } from './add.ts';
import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { elementwise, inRows, dispatchElementwise } from '../device/elementwise.ts';
import { assertFloats, assertInts } from '../device/assert.ts';
import { matmul } from './matmulKernels.ts';
import type { KernelSource } from '../device/pipelines.ts';
import { memoize, optionsKey } from '../device/memoize.ts';

/**
 * y[r,·] = W·x[r,·] + b for every row, in one dispatch.
 *
 * @param y [R,O], overwritten
 * @param x [R,D]
 * @param W [O,D]
 * @param b [O], or null for none
 * @throws {RangeError} on a length that does not fit.
 */
export function linearForward(
  y: FloatBuffer,
  x: FloatBuffer,
  W: FloatBuffer,
  b: FloatBuffer | null,
  R: number,
  D: number,
  O: number,
): void {
  matmul('linearForward', 'NT', y, x, W, R, D, O, { bias: b });
}

const oneHot = memoize(optionsKey, ({ bias }: { bias: boolean }) =>
  elementwise(
    bias ? 'oneHotLinearForwardBias' : 'oneHotLinearForward',
    { y: 'f32' },
    { W: 'f32', ids: 'i32', ...(bias ? { b: 'f32' } : {}) },
    { D: 'u32', O: 'u32' },
    `let o = i % args.O;
  set_y(i, W(o * args.D + u32(ids(i / args.O)))${bias ? ' + b(o)' : ''});`,
  ),
);

/**
 * The same for one-hot rows: y[r,·] = W[·,ids[r]] + b.
 *
 * @param y [R,O], overwritten
 * @param ids [R], each in [0,D): whoever writes them there checks that
 * @param W [O,D]
 * @param b [O], or null for none
 */
export function oneHotLinearForward(
  y: FloatBuffer,
  ids: IntBuffer,
  W: FloatBuffer,
  b: FloatBuffer | null,
  R: number,
  D: number,
  O: number,
): void {
  assertFloats('oneHotLinearForward', 'y', y, '[R,O]', R, O);
  assertInts('oneHotLinearForward', 'ids', ids, '[R]', R);
  assertFloats('oneHotLinearForward', 'W', W, '[O,D]', O, D);
  if (b) assertFloats('oneHotLinearForward', 'b', b, '[O]', O);
  dispatchElementwise(oneHot({ bias: b !== null }), { y, W, ids, ...(b ? { b } : {}) }, R * O, { D, O });
}

/** Outputs of a workgroup of the scatter, and of each of its invocations. */
const SCATTERED = 128;
const EACH = 4;

/**
 * A workgroup owns one symbol and {@link SCATTERED} outputs: it reads the rows in their order and adds those of its
 * symbol, so that no two invocations add to one element and the bits are the same every time.
 */
const scatter: KernelSource = {
  name: 'oneHotLinearBackward',
  outputs: { dW: 'f32' },
  inputs: { dy: 'f32', ids: 'i32' },
  args: { R: 'u32', D: 'u32', O: 'u32' },
  code: `
@compute @workgroup_size(${SCATTERED / EACH})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = group.x + group.y * groups.x;
  let symbol = number % args.D;
  let first = (number / args.D) * ${SCATTERED}u + lane;
  if (first >= args.O) { return; }
  let o = vec4u(first) + vec4u(0u, 1u, 2u, 3u) * ${SCATTERED / EACH}u;
  let last = min(o, vec4u(args.O - 1u));
  var total = vec4f();
  var met = false;
  for (var r = 0u; r < args.R; r++) {
    if (u32(ids(r)) == symbol) {
      let row = r * args.O;
      total += vec4f(dy(row + last.x), dy(row + last.y), dy(row + last.z), dy(row + last.w));
      met = true;
    }
  }
  if (!met) { return; }
  for (var j = 0u; j < 4u; j++) {
    if (o[j] < args.O) {
      let at = o[j] * args.D + symbol;
      set_dW(at, dW(at) + total[j]);
    }
  }
}`,
};

/** Rows up to which an invocation owns an output and adds row after row. */
const FEW_ROWS = 64;

const scatterFew = elementwise(
  'oneHotLinearBackwardFew',
  { dW: 'f32' },
  { dy: 'f32', ids: 'i32' },
  { R: 'u32', D: 'u32' },
  `for (var r = 0u; r < args.R; r++) {
    let at = i * args.D + u32(ids(r));
    set_dW(at, dW(at) + dy(r * args.count + i));
  }`,
);

/** How a scatter goes: an invocation an output, which adds row after row, or a workgroup a symbol. */
export type ScatterWay = 'rows' | 'symbols';

/**
 * dW[·,ids[r]] += dy[r,·], in one dispatch.
 *
 * @param way left out: the faster one
 */
export function scatterColumns(
  dW: FloatBuffer,
  dy: FloatBuffer,
  ids: IntBuffer,
  R: number,
  D: number,
  O: number,
  way: ScatterWay = R <= FEW_ROWS || dW.device.adapter.software ? 'rows' : 'symbols',
): void {
  if (way === 'rows') {
    dispatchElementwise(scatterFew, { dW, dy, ids }, O, { R, D });
    return;
  }
  dW.device.dispatch(scatter, { dW, dy, ids }, { R, D, O }, inRows(D * Math.ceil(O / SCATTERED)));
}

/**
 * dW[·,ids[r]] += dy[r,·], db += Σ_r dy[r,·], for y[r,·] = W[·,ids[r]] + b.
 *
 * @param dW [O,D], added to
 * @param db [O], added to; null for none
 * @param dy [R,O]
 */
export function oneHotLinearBackward(
  dW: FloatBuffer,
  db: FloatBuffer | null,
  dy: FloatBuffer,
  ids: IntBuffer,
  R: number,
  D: number,
  O: number,
): void {
  assertFloats('oneHotLinearBackward', 'dW', dW, '[O,D]', O, D);
  if (db) assertFloats('oneHotLinearBackward', 'db', db, '[O]', O);
  assertFloats('oneHotLinearBackward', 'dy', dy, '[R,O]', R, O);
  assertInts('oneHotLinearBackward', 'ids', ids, '[R]', R);
  scatterColumns(dW, dy, ids, R, D, O);
  if (db) addRowBackward(db, dy, R, O);
}
