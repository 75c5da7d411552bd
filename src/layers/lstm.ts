import { addRow, addRowBackward } from '../tensor/add.ts';
import { matmulNN, matmulNT, matmulTN } from '../tensor/matmul.ts';
import { expectLength, type FloatArray } from '../tensor/shape.ts';
import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import { expectTensor } from './expect.ts';

/**
 * One step of the long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 *
 *     a = zx + Whh·h_{t−1} + bhh                   zx = Wih·x_t + bih, rows i,f,g,o as PyTorch
 *     i = σ(a_i + p_i ⊙ c_{t−1})
 *     f = σ(a_f + p_f ⊙ c_{t−1})
 *     g = tanh(a_g)
 *     c_t = f ⊙ c_{t−1} + i ⊙ g
 *     o = σ(a_o + p_o ⊙ c_t)
 *     h_t = o ⊙ tanh(c_t)
 *
 * The peepholes p (Gers, Schraudolph & Schmidhuber 2002) let the gates see the cell; without them p = 0.
 *
 * @param h [B,H], overwritten
 * @param c [B,H], overwritten
 * @param cache [B,5H], overwritten with i, f, g, o and tanh(c_t), which backward needs
 * @param a [B,4H], scratch, overwritten
 * @param zx [B,4H]
 * @param hPrev [B,H]
 * @param cPrev [B,H]
 * @param Whh [4H,H]
 * @param bhh [4H], or null for none
 * @param p [3H] rows i,f,o, or null for no peepholes
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function lstmStepForward(
  h: FloatArray,
  c: FloatArray,
  cache: FloatArray,
  a: FloatArray,
  zx: FloatArray,
  hPrev: FloatArray,
  cPrev: FloatArray,
  Whh: FloatArray,
  bhh: FloatArray | null,
  p: FloatArray | null,
  B: number,
  H: number,
): void {
  expectLength('lstmStepForward', 'h', h, '[B,H]', B, H);
  expectTensor('lstmStepForward', 'c', c, h, '[B,H]', B, H);
  expectTensor('lstmStepForward', 'cache', cache, h, '[B,5H]', B, 5 * H);
  expectTensor('lstmStepForward', 'a', a, h, '[B,4H]', B, 4 * H);
  expectTensor('lstmStepForward', 'zx', zx, h, '[B,4H]', B, 4 * H);
  expectTensor('lstmStepForward', 'hPrev', hPrev, h, '[B,H]', B, H);
  expectTensor('lstmStepForward', 'cPrev', cPrev, h, '[B,H]', B, H);
  expectTensor('lstmStepForward', 'Whh', Whh, h, '[4H,H]', 4 * H, H);
  if (bhh) expectTensor('lstmStepForward', 'bhh', bhh, h, '[4H]', 4 * H);
  if (p) expectTensor('lstmStepForward', 'p', p, h, '[3H]', 3 * H);
  a.set(zx);
  matmulNT(a, hPrev, Whh, B, H, 4 * H, true);
  if (bhh) addRow(a, a, bhh, B, 4 * H);
  for (let b = 0; b < B; b++) {
    const g4 = b * 4 * H;
    const k = b * 5 * H;
    for (let j = 0; j < H; j++) {
      const prev = cPrev[b * H + j];
      const i = logistic(a[g4 + j] + (p ? p[j] * prev : 0));
      const f = logistic(a[g4 + H + j] + (p ? p[H + j] * prev : 0));
      const g = tanhOf(a[g4 + 2 * H + j]);
      const next = f * prev + i * g;
      const o = logistic(a[g4 + 3 * H + j] + (p ? p[2 * H + j] * next : 0));
      const tc = tanhOf(next);
      cache[k + j] = i;
      cache[k + H + j] = f;
      cache[k + 2 * H + j] = g;
      cache[k + 3 * H + j] = o;
      cache[k + 4 * H + j] = tc;
      c[b * H + j] = next;
      h[b * H + j] = o * tc;
    }
  }
}

/**
 * Of h_t = o ⊙ tanh(c_t) and c_t = f ⊙ c_{t−1} + i ⊙ g, backwards through the gates:
 *
 *     dao = dh ⊙ tanh(c_t) ⊙ o(1 − o)
 *     dct = dc + dh ⊙ o ⊙ (1 − tanh²(c_t)) + dao ⊙ p_o
 *     dai = dct ⊙ g ⊙ i(1 − i),  daf = dct ⊙ c_{t−1} ⊙ f(1 − f),  dag = dct ⊙ i ⊙ (1 − g²)
 *     dc_{t−1} = dct ⊙ f + dai ⊙ p_i + daf ⊙ p_f
 *     dh_{t−1} = [dai, daf, dag, dao]·Whh
 *
 * @param da [B,4H], overwritten: the gradient of `zx_t` and of `Whh·h_{t−1} + bhh` alike
 * @param dhPrev [B,H], overwritten
 * @param dcPrev [B,H], overwritten; may be `dc`
 * @param dh [B,H], everything that reaches h_t
 * @param dc [B,H], what reaches c_t from the step after
 * @param cache [B,5H], what the forward step gave
 */
export function lstmStepBackward(
  da: FloatArray,
  dhPrev: FloatArray,
  dcPrev: FloatArray,
  dh: FloatArray,
  dc: FloatArray,
  cache: FloatArray,
  cPrev: FloatArray,
  Whh: FloatArray,
  p: FloatArray | null,
  B: number,
  H: number,
): void {
  expectLength('lstmStepBackward', 'da', da, '[B,4H]', B, 4 * H);
  expectTensor('lstmStepBackward', 'dhPrev', dhPrev, da, '[B,H]', B, H);
  expectTensor('lstmStepBackward', 'dcPrev', dcPrev, da, '[B,H]', B, H);
  expectTensor('lstmStepBackward', 'dh', dh, da, '[B,H]', B, H);
  expectTensor('lstmStepBackward', 'dc', dc, da, '[B,H]', B, H);
  expectTensor('lstmStepBackward', 'cache', cache, da, '[B,5H]', B, 5 * H);
  expectTensor('lstmStepBackward', 'cPrev', cPrev, da, '[B,H]', B, H);
  expectTensor('lstmStepBackward', 'Whh', Whh, da, '[4H,H]', 4 * H, H);
  if (p) expectTensor('lstmStepBackward', 'p', p, da, '[3H]', 3 * H);
  for (let b = 0; b < B; b++) {
    const g4 = b * 4 * H;
    const k = b * 5 * H;
    for (let j = 0; j < H; j++) {
      const i = cache[k + j];
      const f = cache[k + H + j];
      const g = cache[k + 2 * H + j];
      const o = cache[k + 3 * H + j];
      const tc = cache[k + 4 * H + j];
      const d = dh[b * H + j];
      const dao = d * tc * o * (1 - o);
      const dct = dc[b * H + j] + d * o * (1 - tc * tc) + (p ? dao * p[2 * H + j] : 0);
      const dai = dct * g * i * (1 - i);
      const daf = dct * cPrev[b * H + j] * f * (1 - f);
      da[g4 + j] = dai;
      da[g4 + H + j] = daf;
      da[g4 + 2 * H + j] = dct * i * (1 - g * g);
      da[g4 + 3 * H + j] = dao;
      dcPrev[b * H + j] = dct * f + (p ? dai * p[j] + daf * p[H + j] : 0);
    }
  }
  matmulNN(dhPrev, da, Whh, B, 4 * H, H);
}

/**
 * dWhh += Σ_t da_tᵀ·h_{t−1}, dbhh += Σ_t da_t over the R = T·B rows of a sequence, and for the peepholes
 * dp_i += Σ dai ⊙ c_{t−1}, dp_f += Σ daf ⊙ c_{t−1}, dp_o += Σ dao ⊙ c_t.
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
  dWhh: FloatArray,
  dbhh: FloatArray | null,
  dp: FloatArray | null,
  da: FloatArray,
  hPrev: FloatArray,
  cPrev: FloatArray,
  c: FloatArray,
  R: number,
  H: number,
): void {
  expectLength('lstmWeightBackward', 'dWhh', dWhh, '[4H,H]', 4 * H, H);
  if (dbhh) expectTensor('lstmWeightBackward', 'dbhh', dbhh, dWhh, '[4H]', 4 * H);
  if (dp) expectTensor('lstmWeightBackward', 'dp', dp, dWhh, '[3H]', 3 * H);
  expectTensor('lstmWeightBackward', 'da', da, dWhh, '[R,4H]', R, 4 * H);
  expectTensor('lstmWeightBackward', 'hPrev', hPrev, dWhh, '[R,H]', R, H);
  expectTensor('lstmWeightBackward', 'cPrev', cPrev, dWhh, '[R,H]', R, H);
  expectTensor('lstmWeightBackward', 'c', c, dWhh, '[R,H]', R, H);
  matmulTN(dWhh, da, hPrev, 4 * H, R, H, true);
  if (dbhh) addRowBackward(dbhh, da, R, 4 * H);
  if (!dp) return;
  for (let r = 0; r < R; r++) {
    for (let j = 0; j < H; j++) {
      dp[j] += da[r * 4 * H + j] * cPrev[r * H + j];
      dp[H + j] += da[r * 4 * H + H + j] * cPrev[r * H + j];
      dp[2 * H + j] += da[r * 4 * H + 3 * H + j] * c[r * H + j];
    }
  }
}
