import { addRowBackward } from './add.ts';
import type { FloatBuffer } from './buffers.ts';
import { type CellWgsl, gatesBackwardKernel } from './cellKernels.ts';
import { elementwise, overElements } from './elements.ts';
import { expectFloats } from './expect.ts';
import { matmulNN, matmulTN } from './matmul.ts';
import { stepForward } from './recurrence.ts';
import { SIGMOID_WGSL } from './sigmoid.ts';
import { TANH_WGSL } from './tanh.ts';

/**
 * a = zx + Whh·h_{t−1} + bhh; i = σ(a_i + p_i ⊙ c_{t−1}), f = σ(a_f + p_f ⊙ c_{t−1}), g = tanh(a_g),
 * c_t = f ⊙ c_{t−1} + i ⊙ g, o = σ(a_o + p_o ⊙ c_t), h_t = o ⊙ tanh(c_t); the cache holds i, f, g, o and tanh(c_t).
 */
function lstmWgsl(peepholes: boolean): CellWgsl {
  const peep = (block: number, c: string): string => (peepholes ? ` + p(${block}u * args.H + j) * ${c}` : '');
  return {
    name: peepholes ? 'lstmPeephole' : 'lstm',
    gates: 4,
    hasC: true,
    cacheBlocks: 5,
    splitGradients: false,
    peepholes,
    next: `${SIGMOID_WGSL}${TANH_WGSL}
fn next(x: vec4f, s: vec4f, row: u32, j: u32, hp: f32, cp: f32) -> Next {
  let a = x + s;
  let i = sigmoid_of(a.x${peep(0, 'cp')});
  let f = sigmoid_of(a.y${peep(1, 'cp')});
  let g = tanh_of(a.z);
  let c_next = f * cp + i * g;
  let o = sigmoid_of(a.w${peep(2, 'c_next')});
  let tc = tanh_of(c_next);
  let at = row * 5u * args.H + j;
  set_cache(at, i);
  set_cache(at + args.H, f);
  set_cache(at + 2u * args.H, g);
  set_cache(at + 3u * args.H, o);
  set_cache(at + 4u * args.H, tc);
  return Next(o * tc, c_next);
}`,
    back: `
fn back(row: u32, j: u32, d: f32, dc: f32) -> Back {
  let at = row * 5u * args.H + j;
  let i = cache(at);
  let f = cache(at + args.H);
  let g = cache(at + 2u * args.H);
  let o = cache(at + 3u * args.H);
  let tc = cache(at + 4u * args.H);
  let dao = d * tc * o * (1.0 - o);
  let dct = dc + d * o * (1.0 - tc * tc)${peep(2, 'dao')};
  let dai = dct * g * i * (1.0 - i);
  let daf = dct * cPrev(row * args.H + j) * f * (1.0 - f);
  return Back(vec4f(dai, daf, dct * i * (1.0 - g * g), dao), 0.0, dct * f${peep(0, 'dai')}${peep(1, 'daf')});
}`,
    past: null,
  };
}

export const LSTM: CellWgsl = lstmWgsl(false);
export const LSTM_PEEPHOLE: CellWgsl = lstmWgsl(true);

const gatesBackward = { without: gatesBackwardKernel(LSTM), with: gatesBackwardKernel(LSTM_PEEPHOLE) };

/**
 * One step of the long short-term memory, product and gates in one dispatch.
 *
 * @param h [B,H], overwritten
 * @param c [B,H], overwritten
 * @param cache [B,5H], overwritten with i, f, g, o and tanh(c_t)
 * @param a [B,4H], not used: the product stays in registers
 * @param zx [B,4H]
 * @param hPrev [B,H]
 * @param cPrev [B,H]
 * @param Whh [4H,H]
 * @param bhh [4H], or null for none
 * @param p [3H] rows i,f,o, or null for no peepholes
 */
export function lstmStepForward(
  h: FloatBuffer,
  c: FloatBuffer,
  cache: FloatBuffer,
  a: FloatBuffer,
  zx: FloatBuffer,
  hPrev: FloatBuffer,
  cPrev: FloatBuffer,
  Whh: FloatBuffer,
  bhh: FloatBuffer | null,
  p: FloatBuffer | null,
  B: number,
  H: number,
): void {
  expectFloats('lstmStepForward', 'h', h, '[B,H]', B, H);
  expectFloats('lstmStepForward', 'c', c, '[B,H]', B, H);
  expectFloats('lstmStepForward', 'cache', cache, '[B,5H]', B, 5 * H);
  expectFloats('lstmStepForward', 'a', a, '[B,4H]', B, 4 * H);
  expectFloats('lstmStepForward', 'zx', zx, '[B,4H]', B, 4 * H);
  expectFloats('lstmStepForward', 'hPrev', hPrev, '[B,H]', B, H);
  expectFloats('lstmStepForward', 'cPrev', cPrev, '[B,H]', B, H);
  expectFloats('lstmStepForward', 'Whh', Whh, '[4H,H]', 4 * H, H);
  if (bhh) expectFloats('lstmStepForward', 'bhh', bhh, '[4H]', 4 * H);
  if (p) expectFloats('lstmStepForward', 'p', p, '[3H]', 3 * H);
  const tensors = { h, hPrev, c, cPrev, cache, zx, Whh, ...(bhh ? { bhh } : {}), ...(p ? { p } : {}) };
  stepForward(p ? LSTM_PEEPHOLE : LSTM, tensors, B, H);
}

/**
 * dao = dh ⊙ tanh(c_t) ⊙ o(1 − o), dct = dc + dh ⊙ o ⊙ (1 − tanh²(c_t)) + dao ⊙ p_o, dai = dct ⊙ g ⊙ i(1 − i),
 * daf = dct ⊙ c_{t−1} ⊙ f(1 − f), dag = dct ⊙ i ⊙ (1 − g²), dc_{t−1} = dct ⊙ f + dai ⊙ p_i + daf ⊙ p_f,
 * dh_{t−1} = [dai, daf, dag, dao]·Whh.
 *
 * @param da [B,4H], overwritten
 * @param dhPrev [B,H], overwritten
 * @param dcPrev [B,H], overwritten; may be `dc`
 * @param dh [B,H], everything that reaches h_t
 * @param dc [B,H], what reaches c_t from the step after
 * @param cache [B,5H], what the forward step gave
 */
export function lstmStepBackward(
  da: FloatBuffer,
  dhPrev: FloatBuffer,
  dcPrev: FloatBuffer,
  dh: FloatBuffer,
  dc: FloatBuffer,
  cache: FloatBuffer,
  cPrev: FloatBuffer,
  Whh: FloatBuffer,
  p: FloatBuffer | null,
  B: number,
  H: number,
): void {
  expectFloats('lstmStepBackward', 'da', da, '[B,4H]', B, 4 * H);
  expectFloats('lstmStepBackward', 'dhPrev', dhPrev, '[B,H]', B, H);
  expectFloats('lstmStepBackward', 'dcPrev', dcPrev, '[B,H]', B, H);
  expectFloats('lstmStepBackward', 'dh', dh, '[B,H]', B, H);
  expectFloats('lstmStepBackward', 'dc', dc, '[B,H]', B, H);
  expectFloats('lstmStepBackward', 'cache', cache, '[B,5H]', B, 5 * H);
  expectFloats('lstmStepBackward', 'cPrev', cPrev, '[B,H]', B, H);
  expectFloats('lstmStepBackward', 'Whh', Whh, '[4H,H]', 4 * H, H);
  if (p) expectFloats('lstmStepBackward', 'p', p, '[3H]', 3 * H);
  const tensors = { dzx: da, dc: dcPrev, dcNext: dc, cache, cPrev, dh, ...(p ? { p } : {}) };
  overElements(p ? gatesBackward.with : gatesBackward.without, tensors, B * H, { H });
  matmulNN(dhPrev, da, Whh, B, 4 * H, H);
}

const peepholesBackward = elementwise(
  'lstmPeepholesBackward',
  { dp: 'f32' },
  { da: 'f32', cPrev: 'f32', c: 'f32' },
  { R: 'u32', H: 'u32' },
  `let block = i / args.H;
  let j = i % args.H;
  let gate = select(block, 3u, block == 2u);
  var total = 0.0;
  for (var r = 0u; r < args.R; r++) {
    let at = r * args.H + j;
    var seen = cPrev(at);
    if (block == 2u) { seen = c(at); }
    total += da((r * 4u + gate) * args.H + j) * seen;
  }
  set_dp(i, dp(i) + total);`,
);

/** dp_i += Σ dai ⊙ c_{t−1}, dp_f += Σ daf ⊙ c_{t−1}, dp_o += Σ dao ⊙ c_t. */
export function peepholeBackward(
  dp: FloatBuffer,
  da: FloatBuffer,
  cPrev: FloatBuffer,
  c: FloatBuffer,
  R: number,
  H: number,
): void {
  overElements(peepholesBackward, { dp, da, cPrev, c }, 3 * H, { R, H });
}

/**
 * dWhh += Σ_t da_tᵀ·h_{t−1}, dbhh += Σ_t da_t over the R = T·B rows of a sequence, and the peepholes' gradients.
 *
 * @param dWhh [4H,H], added to
 * @param dbhh [4H], added to; null for none
 * @param dp [3H], added to; null for no peepholes
 * @param da [R,4H]
 * @param hPrev [R,H], the states before each step
 * @param cPrev [R,H], the cells before each step
 * @param c [R,H], the cells after each step
 */
export function lstmWeightBackward(
  dWhh: FloatBuffer,
  dbhh: FloatBuffer | null,
  dp: FloatBuffer | null,
  da: FloatBuffer,
  hPrev: FloatBuffer,
  cPrev: FloatBuffer,
  c: FloatBuffer,
  R: number,
  H: number,
): void {
  expectFloats('lstmWeightBackward', 'dWhh', dWhh, '[4H,H]', 4 * H, H);
  if (dbhh) expectFloats('lstmWeightBackward', 'dbhh', dbhh, '[4H]', 4 * H);
  if (dp) expectFloats('lstmWeightBackward', 'dp', dp, '[3H]', 3 * H);
  expectFloats('lstmWeightBackward', 'da', da, '[R,4H]', R, 4 * H);
  expectFloats('lstmWeightBackward', 'hPrev', hPrev, '[R,H]', R, H);
  expectFloats('lstmWeightBackward', 'cPrev', cPrev, '[R,H]', R, H);
  expectFloats('lstmWeightBackward', 'c', c, '[R,H]', R, H);
  matmulTN(dWhh, da, hPrev, 4 * H, R, H, true);
  if (dbhh) addRowBackward(dbhh, da, R, 4 * H);
  if (dp) peepholeBackward(dp, da, cPrev, c, R, H);
}
