import type { layerNorm as LayerNorm, layerNormBackward as LayerNormBackward } from '../tensor/layerNorm.ts';
import { type FunctionBuilder, f32x4, i32x4, type Local, type ModuleBuilder, v128 } from './assembler.ts';
import { forEachElement, forEachRow, sumOf } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** y = gain ⊙ x̂ + bias with x̂ = (x − mean)/sqrt(var + eps) of each row, and its backward. */
export function layerNormKernels(w: WasmMemory): {
  layerNorm: typeof LayerNorm;
  layerNormBackward: typeof LayerNormBackward;
} {
  const { call } = w;
  return {
    layerNorm(y, normalized, inverse, x, gain, bias, eps, R, n) {
      const fn = 'layerNorm';
      const yAt = w.at(fn, 'y', y, '[R,n]', R, n);
      const normalizedAt = w.at(fn, 'normalized', normalized, '[R,n]', R, n);
      const inverseAt = w.at(fn, 'inverse', inverse, '[R]', R);
      const xAt = w.at(fn, 'x', x, '[R,n]', R, n);
      const gainAt = w.at(fn, 'gain', gain, '[n]', n);
      call[fn](yAt, normalizedAt, inverseAt, xAt, gainAt, w.at(fn, 'bias', bias, '[n]', n), R, n, eps);
    },
    layerNormBackward(dx, dgain, dbias, dy, normalized, inverse, gain, R, n) {
      const fn = 'layerNormBackward';
      const dxAt = w.at(fn, 'dx', dx, '[R,n]', R, n);
      const dgainAt = w.at(fn, 'dgain', dgain, '[n]', n);
      const dbiasAt = w.at(fn, 'dbias', dbias, '[n]', n);
      const dyAt = w.at(fn, 'dy', dy, '[R,n]', R, n);
      const normalizedAt = w.at(fn, 'normalized', normalized, '[R,n]', R, n);
      const inverseAt = w.at(fn, 'inverse', inverse, '[R]', R);
      call[fn](dxAt, dgainAt, dbiasAt, dyAt, normalizedAt, inverseAt, w.at(fn, 'gain', gain, '[n]', n), R, n);
    },
  };
}

/** n as a float in every lane. */
function countOf(f: FunctionBuilder, n: Local<'i32'>): Local<'v128'> {
  return f.let(f32x4.convertI32x4(i32x4.splat(n)));
}

export function emitLayerNorm(m: ModuleBuilder): void {
  const eight = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  m.function('layerNorm', [...eight, 'f32'], (f, [y, normalized, inverse, x, gain, bias, R, n, eps]) => {
    const epsilon = f.let(f32x4.splat(eps));
    const count = countOf(f, n);
    const rows = [
      [y, n],
      [normalized, n],
      [x, n],
      [inverse, 1],
    ] as const;
    forEachRow(f, R, rows, () => {
      const sum = sumOf(f, n, (at) => at.load(x));
      const mean = f.let(f32x4.div(sum, count));
      const squares = sumOf(f, n, (at) => {
        const d = f.let(f32x4.sub(at.load(x), mean));
        return f32x4.mul(d, d);
      });
      const scale = f.let(f32x4.div(1, f32x4.sqrt(f32x4.add(f32x4.div(squares, count), epsilon))));
      f.storeOne(inverse, scale);
      forEachElement(f, n, (at) => {
        const value = f.let(f32x4.mul(f32x4.sub(at.load(x), mean), scale));
        at.store(normalized, value);
        at.store(y, f32x4.add(f32x4.mul(at.load(gain), value), at.load(bias)));
      });
    });
  });
  m.function('layerNormBackward', [...eight, 'i32'], (f, [dx, dgain, dbias, dy, normalized, inverse, gain, R, n]) => {
    const count = countOf(f, n);
    const rows = [
      [dx, n],
      [dy, n],
      [normalized, n],
      [inverse, 1],
    ] as const;
    forEachRow(f, R, rows, () => {
      // Of g = dy ⊙ gain.
      const sum = sumOf(f, n, (at) => f32x4.mul(at.load(dy), at.load(gain)));
      const dot = sumOf(f, n, (at) => f32x4.mul(f32x4.mul(at.load(dy), at.load(gain)), at.load(normalized)));
      const mean = f.let(f32x4.div(sum, count));
      const slope = f.let(f32x4.div(dot, count));
      const scale = f.let(v128.loadSplat(inverse));
      forEachElement(f, n, (at) => {
        const d = f.let(at.load(dy));
        const value = f.let(at.load(normalized));
        at.store(dgain, f32x4.add(at.load(dgain), f32x4.mul(d, value)));
        at.store(dbias, f32x4.add(at.load(dbias), d));
        const centred = f32x4.sub(f32x4.mul(d, at.load(gain)), mean);
        at.store(dx, f32x4.mul(scale, f32x4.sub(centred, f32x4.mul(value, slope))));
      });
    });
  });
}
