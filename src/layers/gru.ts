import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import { type Cell, type CellBackward, type CellForward, sigmoidSlope, tanhSlope } from './cell.ts';

/**
 * The gated recurrent unit as PyTorch and cuDNN compute it, the reset gate after the product; gate rows r,z,n:
 *
 *     r  = σ(x_r + h_r)          x = Wih·x_t + bih,  h = Whh·h_{t−1} + bhh
 *     z  = σ(x_z + h_z)
 *     n  = tanh(x_n + r ⊙ h_n)
 *     h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
 *
 * It saves r, z, n and h_n. The form of the paper, with the reset before the product, is `gruResetBefore.ts`.
 */
function gruForward(
  { states: [next], saved, xGates: x, hGates: h, previous: [prev] }: CellForward,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    const s = b * 4 * H;
    for (let j = 0; j < H; j++) {
      const hn = h[g + 2 * H + j];
      const r = logistic(x[g + j] + h[g + j]);
      const z = logistic(x[g + H + j] + h[g + H + j]);
      const n = tanhOf(x[g + 2 * H + j] + r * hn);
      next[b * H + j] = (1 - z) * n + z * prev[b * H + j];
      saved[s + j] = r;
      saved[s + H + j] = z;
      saved[s + 2 * H + j] = n;
      saved[s + 3 * H + j] = hn;
    }
  }
}

/**
 * Of h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}, for what reaches h_t: d
 *
 *     dan = d ⊙ (1 − z) ⊙ (1 − n²)                       the gradient of x_n
 *     dar = dan ⊙ h_n ⊙ r(1 − r),  daz = d ⊙ (h_{t−1} − n) ⊙ z(1 − z)
 *     dh_n = dan ⊙ r,  and past the product: d ⊙ z
 */
function gruBackward(
  { dxGates: dx, dhGates: dh, dprevious: [dprev], dstates: [dstate], saved, previous: [prev] }: CellBackward,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    const s = b * 4 * H;
    for (let j = 0; j < H; j++) {
      const d = dstate[b * H + j];
      const r = saved[s + j];
      const z = saved[s + H + j];
      const n = saved[s + 2 * H + j];
      const dan = d * (1 - z) * (1 - n * n);
      const dar = dan * saved[s + 3 * H + j] * r * (1 - r);
      const daz = d * (prev[b * H + j] - n) * z * (1 - z);
      dx[g + j] = dar;
      dx[g + H + j] = daz;
      dx[g + 2 * H + j] = dan;
      dh[g + j] = dar;
      dh[g + H + j] = daz;
      dh[g + 2 * H + j] = dan * r;
      dprev[b * H + j] = d * z;
    }
  }
}

/** The GRU: its loops, and the same as a formula. */
export const gru: Cell = {
  name: 'gru',
  gates: 3,
  states: ['h'],
  savedBlocks: 4,
  savedNames: ['r', 'z', 'n', 'h_n'],
  separateHiddenGradient: true,
  directHiddenGradient: true,
  forward: gruForward,
  backward: gruBackward,
  formula: {
    forward(m, { x: [xr, xz, xn], h: [hr, hz, hn], previous: [prev] }) {
      const r = m.sigmoid(m.add(xr, hr));
      const z = m.sigmoid(m.add(xz, hz));
      const n = m.tanh(m.add(xn, m.mul(r, hn)));
      const next = m.add(m.mul(m.sub(m.constant(1), z), n), m.mul(z, prev));
      return { states: [next], saved: [r, z, n, hn] };
    },
    backward(m, { dstates: [d], saved: [r, z, n, hn], previous: [prev] }) {
      const dan = tanhSlope(m, m.mul(d, m.sub(m.constant(1), z)), n);
      const dar = sigmoidSlope(m, m.mul(dan, hn), r);
      const daz = sigmoidSlope(m, m.mul(d, m.sub(prev, n)), z);
      return { dx: [dar, daz, dan], dh: [dar, daz, m.mul(dan, r)], dprevious: [m.mul(d, z)] };
    },
  },
};
