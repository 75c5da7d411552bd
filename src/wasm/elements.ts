import { type Expr, type FunctionBuilder, type I32, i32, type Local, type V128, v128 } from './assembler.ts';

/** How the body of {@link forEachElement} reaches the elements that it is at. */
export interface Elements {
  load(array: Expr<'i32'>): Expr<'v128'>;
  store(array: Expr<'i32'>, value: V128): void;
}

/**
 * A loop over the elements of arrays, four at a time; what is left over one at a time by the same code in the first
 * lane, so that an element's value does not depend on where it stands.
 */
export function forEachElement(f: FunctionBuilder, count: I32, body: (at: Elements) => void): void {
  const i = f.int(0);
  const end = f.int(i32.shl(count, 2));
  const end4 = f.int(i32.and(end, -16));
  f.while(i32.lessThan(i, end4), () => {
    body({
      load: (array) => v128.load(i32.add(array, i)),
      store: (array, value) => f.store(i32.add(array, i), value),
    });
    f.advance(i, 16);
  });
  f.while(i32.lessThan(i, end), () => {
    body({
      load: (array) => v128.loadOne(i32.add(array, i)),
      store: (array, value) => f.storeOne(i32.add(array, i), value),
    });
    f.advance(i, 4);
  });
}

/** `rows` times the body, whose pointers it moves on by as many floats each time. */
export function forEachRow(
  f: FunctionBuilder,
  rows: I32,
  pointers: readonly (readonly [pointer: Local<'i32'>, floats: I32])[],
  body: () => void,
): void {
  const r = f.int(0);
  const strides = pointers.map(([pointer, floats]) => [pointer, f.int(i32.shl(floats, 2))] as const);
  f.while(i32.lessThan(r, rows), () => {
    body();
    for (const [pointer, stride] of strides) f.advance(pointer, stride);
    f.advance(r, 1);
  });
}

/** Pointers to the blocks of `floats` floats that stand one after another from `start`. */
export function blocksOf(f: FunctionBuilder, start: I32, floats: I32, count: number): Local<'i32'>[] {
  return Array.from({ length: count }, (_, i) => f.int(i32.add(start, i32.shl(i32.mul(floats, i), 2))));
}
