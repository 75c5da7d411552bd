import { copy } from '../tensor/detached.ts';
import type { FloatArray } from '../tensor/shape.ts';
import type { ModuleBuilder } from '../wasm/assembler.ts';
import { wantsSimd } from './choice.ts';
import { atFirstUse, CopyMemory } from './memory.ts';

/**
 * From this many elements on, SIMD with the copying takes a half to a fifth of the loops' time, where there is an exponential
 * behind each element.
 */
const ENOUGH = 512;

/**
 * y = f(x) by the kernel `name(y, x, …sizes)`, on a copy. What it gives tells whether it could be done: what does not fit is
 * left to the loops, which say so.
 */
export function elementwiseOnCopy(
  name: string,
  emit: (m: ModuleBuilder) => void,
): (y: FloatArray, x: FloatArray, ...sizes: number[]) => boolean {
  const simd = atFirstUse(() => new CopyMemory(emit));
  return (y, x, ...sizes) => {
    if (!(y instanceof Float32Array && x instanceof Float32Array)) return false;
    if (!wantsSimd(y.length, ENOUGH) || y.length !== x.length) return false;
    const memory = simd();
    const room = memory?.room(y.length)?.[0];
    if (!memory || !room) return false;
    copy(room, x);
    memory.call[name](room.byteOffset, room.byteOffset, ...sizes);
    copy(y, room);
    return true;
  };
}
