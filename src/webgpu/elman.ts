import type { Nonlinearity } from '../layers/elman.ts';
import { addRowBackward } from './add.ts';
import type { FloatBuffer } from './buffers.ts';
import { type CellWgsl, gatesBackwardKernel } from './cellKernels.ts';
import { IS_NAN_WGSL, overElements } from './elements.ts';
import { expectFloats } from './expect.ts';
import { matmulNN, matmulTN } from './matmul.ts';
import { stepForward } from './recurrence.ts';
import { SIGMOID_WGSL } from './sigmoid.ts';
import { TANH_WGSL } from './tanh.ts';

const NONLINEARITIES: Readonly<Record<Nonlinearity, { f: string; df: string; functions?: string }>> = {
  tanh: { f: 'tanh_of(z)', df: '(1.0 - y * y) * d', functions: TANH_WGSL },
  sigmoid: { f: 'sigmoid_of(z)', df: 'y * (1.0 - y) * d', functions: SIGMOID_WGSL },
  relu: { f: 'select(0.0, z, z > 0.0 || is_nan(z))', df: 'select(0.0, d, y > 0.0)', functions: IS_NAN_WGSL },
  identity: { f: 'z', df: 'd' },
};

/** h_t = f(zx_t + Whh·h_{t−1} + bhh); dz = f′·dh. */
function elmanWgsl(f: Nonlinearity): CellWgsl {
  const { f: forward, df, functions = '' } = NONLINEARITIES[f];
  return {
    name: `elman ${f}`,
    gates: 1,
    hasC: false,
    cacheBlocks: 0,
    splitGradients: false,
    peepholes: false,
    next: `${functions}
fn next(x: vec4f, s: vec4f, row: u32, j: u32, hp: f32, cp: f32) -> Next {
  let z = x.x + s.x;
  return Next(${forward}, 0.0);
}`,
    back: `
fn back(row: u32, j: u32, d: f32, dc: f32) -> Back {
  let y = h(row * args.H + j);
  return Back(vec4f(${df}, 0.0, 0.0, 0.0), 0.0, 0.0);
}`,
    past: null,
  };
}

/** The Elman cell with each of its nonlinearities. */
export const ELMAN: Readonly<Record<Nonlinearity, CellWgsl>> = {
  tanh: elmanWgsl('tanh'),
  sigmoid: elmanWgsl('sigmoid'),
  relu: elmanWgsl('relu'),
  identity: elmanWgsl('identity'),
};

const gatesBackward = {
  tanh: gatesBackwardKernel(ELMAN.tanh),
  sigmoid: gatesBackwardKernel(ELMAN.sigmoid),
  relu: gatesBackwardKernel(ELMAN.relu),
  identity: gatesBackwardKernel(ELMAN.identity),
};

/**
 * h_t = f(zx_t + Whh·h_{t−1} + bhh), product and nonlinearity in one dispatch.
 *
 * @param h [B,H], overwritten
 * @param zx [B,H]
 * @param hPrev [B,H]
 * @param Whh [H,H]
 * @param bhh [H], or null for none
 */
export function elmanStepForward(
  h: FloatBuffer,
  zx: FloatBuffer,
  hPrev: FloatBuffer,
  Whh: FloatBuffer,
  bhh: FloatBuffer | null,
  f: Nonlinearity,
  B: number,
  H: number,
): void {
  expectFloats('elmanStepForward', 'h', h, '[B,H]', B, H);
  expectFloats('elmanStepForward', 'zx', zx, '[B,H]', B, H);
  expectFloats('elmanStepForward', 'hPrev', hPrev, '[B,H]', B, H);
  expectFloats('elmanStepForward', 'Whh', Whh, '[H,H]', H, H);
  if (bhh) expectFloats('elmanStepForward', 'bhh', bhh, '[H]', H);
  stepForward(ELMAN[f], { h, hPrev, zx, Whh, ...(bhh ? { bhh } : {}) }, B, H);
}

/**
 * dz = f′·dh and dh_{t−1} = dz·Whh, for h_t = f(z_t).
 *
 * @param dz [B,H], overwritten
 * @param dhPrev [B,H], overwritten
 * @param dh [B,H], everything that reaches h_t
 * @param h [B,H], what the forward step gave
 */
export function elmanStepBackward(
  dz: FloatBuffer,
  dhPrev: FloatBuffer,
  dh: FloatBuffer,
  h: FloatBuffer,
  Whh: FloatBuffer,
  f: Nonlinearity,
  B: number,
  H: number,
): void {
  expectFloats('elmanStepBackward', 'dz', dz, '[B,H]', B, H);
  expectFloats('elmanStepBackward', 'dhPrev', dhPrev, '[B,H]', B, H);
  expectFloats('elmanStepBackward', 'dh', dh, '[B,H]', B, H);
  expectFloats('elmanStepBackward', 'h', h, '[B,H]', B, H);
  expectFloats('elmanStepBackward', 'Whh', Whh, '[H,H]', H, H);
  overElements(gatesBackward[f], { dzx: dz, h, dh }, B * H, { H });
  matmulNN(dhPrev, dz, Whh, B, H, H);
}

/**
 * dWhh += Σ_t dz_tᵀ·h_{t−1} and dbhh += Σ_t dz_t over the R = T·B rows of a sequence.
 *
 * @param dWhh [H,H], added to
 * @param dbhh [H], added to; null for none
 * @param dz [R,H]
 * @param hPrev [R,H], the states before each step
 */
export function elmanWeightBackward(
  dWhh: FloatBuffer,
  dbhh: FloatBuffer | null,
  dz: FloatBuffer,
  hPrev: FloatBuffer,
  R: number,
  H: number,
): void {
  expectFloats('elmanWeightBackward', 'dWhh', dWhh, '[H,H]', H, H);
  if (dbhh) expectFloats('elmanWeightBackward', 'dbhh', dbhh, '[H]', H);
  expectFloats('elmanWeightBackward', 'dz', dz, '[R,H]', R, H);
  expectFloats('elmanWeightBackward', 'hPrev', hPrev, '[R,H]', R, H);
  matmulTN(dWhh, dz, hPrev, H, R, H, true);
  if (dbhh) addRowBackward(dbhh, dz, R, H);
}
