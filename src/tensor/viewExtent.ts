import type { NdArray } from 'ndarray';
import { describe } from '../check/describe.ts';
import { isList } from '../check/values.ts';

/** A view on numbers, as far as its extent needs one. */
type AnyView = Pick<NdArray<Float64Array | Float32Array | Int32Array>, 'data' | 'shape' | 'stride' | 'offset'>;

/**
 * Throws unless every element of a view lies inside its data. A view of no elements always does.
 *
 * @throws {RangeError} naming function, argument, the indices that the view reaches and those that its data have.
 */
export function assertInside(fn: string, arg: string, view: AnyView): void {
  assertView(fn, arg, view);
  const { data, shape, stride, offset } = view;
  const numbers = `shape [${shape}], stride [${stride}], offset ${offset}`;
  let low = offset;
  let high = offset;
  let empty = false;
  for (let d = 0; d < shape.length; d++) {
    if (!Number.isSafeInteger(shape[d]) || shape[d] < 0 || !Number.isSafeInteger(stride[d] + offset)) {
      throw new RangeError(`${fn}: ${arg} has ${numbers}, expected whole numbers and sizes ≥ 0`);
    }
    const reach = (shape[d] - 1) * stride[d];
    if (reach < 0) low += reach;
    else high += reach;
    empty ||= shape[d] === 0;
  }
  if (empty) return;
  if (low < 0 || high >= data.length) {
    throw new RangeError(
      `${fn}: ${arg} of ${numbers} reaches from ${low} to ${high}, expected 0 … ${data.length - 1}, the indices of its data`,
    );
  }
}

/**
 * Throws unless a value is a view of the package ndarray.
 *
 * @throws {TypeError} naming function, argument and value.
 */
export function assertView(fn: string, arg: string, value: unknown): asserts value is AnyView {
  const view = value as Partial<NdArray<Float64Array>> | null | undefined;
  if (
    typeof view === 'object' &&
    isList(view?.data) &&
    isList(view.shape) &&
    isList(view.stride) &&
    view.stride.length === view.shape.length &&
    typeof view.pick === 'function'
  ) {
    return;
  }
  throw new TypeError(`${fn}: ${arg} is ${describe(value)}, expected a view of the package ndarray`);
}
