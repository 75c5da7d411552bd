import type { OnnxModel } from '../../src/interop/index.ts';
import { answer } from './reference.ts';

export interface Flat {
  shape: number[];
  values: number[];
}

/** The same elements with the axes in another order: axis k of the result is axis perm[k]. */
function transpose({ shape, values }: Flat, perm: number[]): Flat {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = perm.map((axis) => shape[axis]);
  const result: number[] = [];
  const walk = (axis: number, at: number): void => {
    if (axis === perm.length) result.push(values[at]);
    else for (let i = 0; i < sizes[axis]; i++) walk(axis + 1, at + i * strides[perm[axis]]);
  };
  walk(0, 0);
  return { shape: sizes, values: result };
}

/** Y, Y_h and Y_c of a model of one node, by the plain loops, in ONNX's layout. */
export function nodeOutputs(model: OnnxModel, inputs: Record<string, Flat>, layout: number): Record<string, number[]> {
  const X = layout ? transpose(inputs.X, [1, 0, 2]) : inputs.X;
  const [T, B] = X.shape;
  const lengths = inputs.sequence_lens?.values;
  // A net in direction `reverse` reads its sequences from their ends.
  const flip = ({ shape, values }: Flat): Flat => {
    const size = shape[shape.length - 1];
    const flipped = new Array<number>(values.length).fill(0);
    for (let b = 0; b < B; b++) {
      for (let t = 0; t < T; t++) {
        for (let i = 0; i < size; i++) flipped[(t * B + b) * size + i] = values[((T - 1 - t) * B + b) * size + i];
      }
    }
    return { shape, values: flipped };
  };
  if (model.reversed && lengths) throw new Error('no case is reversed and has lengths');
  const x = model.reversed ? flip(X).values : X.values;
  const h0 = inputs.initial_h?.values;
  const c0 = inputs.initial_c?.values;
  const { y, hT, cT } = answer(model, { T, B, x, ...(h0 && { h0 }), ...(c0 && { c0 }), ...(lengths && { lengths }) });
  const dirs = model.spec.bidirectional ? 2 : 1;
  const H = model.spec.hiddenSize;
  const flat: Flat = { shape: [T, B, dirs, H], values: y };
  const whole = model.reversed ? { ...flat, values: flip({ shape: [T, B, H], values: y }).values } : flat;
  return {
    Y: transpose(whole, layout ? [1, 0, 2, 3] : [0, 2, 1, 3]).values,
    Y_h: transpose({ shape: [dirs, B, H], values: hT }, layout ? [1, 0, 2] : [0, 1, 2]).values,
    Y_c: cT,
  };
}
