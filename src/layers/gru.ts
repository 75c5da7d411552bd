import { type Cell, formulaCell, sigmoidSlope, tanhSlope } from './cell.ts';

/**
 * The gated recurrent unit as PyTorch and cuDNN compute it, the reset gate after the product; gate rows r,z,n:
 *
 *     r  = σ(x_r + h_r)          x = Wih·x_t + bih,  h = Whh·h_{t−1} + bhh
 *     z  = σ(x_z + h_z)
 *     n  = tanh(x_n + r ⊙ h_n)
 *     h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
 *
 * The form of the paper, with the reset before the product, is `gruResetBefore.ts`.
 */
export const gru: Cell = formulaCell({
  name: 'gru',
  gates: 3,
  states: ['h'],
  savedBlocks: 4,
  separateHiddenGradient: true,
  directHiddenGradient: true,
  formula: {
    forward(m, { x: [xr, xz, xn], h: [hr, hz, hn], previous: [prev] }) {
      const r = m.sigmoid(m.add(xr, hr));
      const z = m.sigmoid(m.add(xz, hz));
      const n = m.tanh(m.add(xn, m.mul(r, hn)));
      const next = m.add(m.mul(m.sub(m.constant(1), z), n), m.mul(z, prev));
      return { states: [next], saved: [r, z, n, hn] };
    },

    /**
     * Of h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}, for what reaches h_t: d
     *
     *     dan = d ⊙ (1 − z) ⊙ (1 − n²)                       the gradient of x_n
     *     dar = dan ⊙ h_n ⊙ r(1 − r),  daz = d ⊙ (h_{t−1} − n) ⊙ z(1 − z)
     *     dh_n = dan ⊙ r,  and past the product: d ⊙ z
     */
    backward(m, { dstates: [d], saved: [r, z, n, hn], previous: [prev] }) {
      const dan = tanhSlope(m, m.mul(d, m.sub(m.constant(1), z)), n);
      const dar = sigmoidSlope(m, m.mul(dan, hn), r);
      const daz = sigmoidSlope(m, m.mul(d, m.sub(prev, n)), z);
      return { dx: [dar, daz, dan], dh: [dar, daz, m.mul(dan, r)], dprevious: [m.mul(d, z)] };
    },
  },
});
