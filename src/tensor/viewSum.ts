import type { NdArray } from 'ndarray';
import { pairwiseSum } from './pairwiseSum.ts';
import type { FloatArray } from './shape.ts';

/** How many elements NumPy's buffered iterator takes at a time, `np.getbufsize()`. */
const BUFFER = 8192;

/** One dimension of a view. */
interface Axis {
  size: number;
  stride: number;
}

/**
 * The sum of all elements of a view in the order in which `np.sum` adds them, which is the order of memory and not of the
 * indices: axes from the longest stride to the shortest, each in its own direction (NumPy does not turn a reversed axis
 * round), neighbouring axes joined where one stride does for both. A view that becomes a single axis is one pairwise sum.
 * Otherwise as many whole inner axes as fit into 8192 elements make a block; a pairwise sum over as many blocks as fit is
 * added to the total, and the next one starts anew with each index of the axes further out.
 *
 * This is the rule of NumPy 2.4. Older versions give the same for up to 8192 elements and cut longer sums differently.
 */
export function viewSum(view: NdArray<FloatArray>): number {
  if (view.size === 0) return 0;
  const axes = joined(byStride(view));
  const { data, offset } = view;
  // 0 + …: NumPy starts with its identity, so that the sum of [-0] is 0
  if (axes.length === 0) return 0 + data[offset];
  const inner = axes[axes.length - 1];
  if (axes.length === 1) return 0 + pairwiseSum(data, offset, inner.size, inner.stride);
  let total = 0;
  if (inner.size > BUFFER) {
    forEachStart(axes.slice(0, -1), offset, (start) => {
      total += pairwiseSum(data, start, inner.size, inner.stride);
    });
    return total;
  }
  let first = axes.length - 1; // the outermost axis of a block
  let block = inner.size;
  while (first > 0 && block * axes[first - 1].size <= BUFFER) block *= axes[--first].size;
  const buffer = new Float64Array(BUFFER - (BUFFER % block));
  const fill = { n: 0 };
  const flush = (): void => {
    if (fill.n > 0) total += pairwiseSum(buffer, 0, fill.n);
    fill.n = 0;
  };
  const append = (start: number): void => {
    forEachStart(axes.slice(first), start, (at) => {
      buffer[fill.n++] = data[at];
    });
    if (fill.n === buffer.length) flush();
  };
  if (first === 0) {
    append(offset);
    flush();
    return total;
  }
  forEachStart(axes.slice(0, first - 1), offset, (start) => {
    forEachStart([axes[first - 1]], start, append);
    flush();
  });
  return total;
}

/** The axes of more than one element, from the longest stride in; an axis of stride 0 stays where it is. */
function byStride(view: NdArray<FloatArray>): Axis[] {
  const axes: Axis[] = []; // from the innermost out, as NumPy sorts them
  for (let d = view.dimension - 1; d >= 0; d--) {
    const axis = { size: view.shape[d], stride: view.stride[d] };
    if (axis.size === 1) continue;
    let to = axes.length;
    for (let i = axes.length - 1; i >= 0; i--) {
      if (axes[i].stride === 0 || axis.stride === 0) continue; // no order between these two
      if (Math.abs(axes[i].stride) <= Math.abs(axis.stride)) break;
      to = i;
    }
    axes.splice(to, 0, axis);
  }
  return axes.reverse();
}

/** The same elements in the same order with as few axes as possible. */
function joined(axes: Axis[]): Axis[] {
  const fewer: Axis[] = [];
  for (const { size, stride } of axes) {
    const outer = fewer.at(-1);
    if (outer !== undefined && outer.stride === size * stride)
      fewer[fewer.length - 1] = { size: outer.size * size, stride };
    else fewer.push({ size, stride });
  }
  return fewer;
}

/** Calls `visit` with the place of every index of `axes`, the last axis fastest. */
function forEachStart(axes: readonly Axis[], start: number, visit: (start: number) => void): void {
  if (axes.length === 0) {
    visit(start);
    return;
  }
  const [{ size, stride }] = axes;
  const inner = axes.slice(1);
  for (let i = 0; i < size; i++) forEachStart(inner, start + i * stride, visit);
}
