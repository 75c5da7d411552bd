import { type Cell, formulaCell, sigmoidSlope, tanhSlope } from './cell.ts';

/**
 * The gated recurrent unit as in the paper (Cho et al. 2014), the reset gate before the product; gate rows r,z,n:
 *
 *     r  = σ(x_r + h_r)                 x = Wih·x_t + bih,  h_{r,z} = Whh_{r,z}·h_{t−1} + bhh_{r,z}
 *     z  = σ(x_z + h_z)
 *     n  = tanh(x_n + i_n)              i_n = Whh_n·(r ⊙ h_{t−1}) + bhh_n
 *     h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
 *
 * Two products a step: the first part gives the operand r ⊙ h_{t−1} of the second.
 */
export const gruResetBefore: Cell = formulaCell({
  name: 'gruResetBefore',
  gates: 3,
  innerGates: 1,
  states: ['h'],
  savedBlocks: 3,
  directHiddenGradient: true,
  formula: {
    forward(m, { x: [xr, xz], h: [hr, hz], previous: [prev] }) {
      const r = m.sigmoid(m.add(xr, hr));
      const z = m.sigmoid(m.add(xz, hz));
      return { operand: m.mul(r, prev), saved: [r, z] };
    },

    innerForward(m, { x: [, , xn], h: [hn], previous: [prev], saved: [, z] }) {
      const n = m.tanh(m.add(xn, hn));
      return { states: [m.add(m.mul(m.sub(m.constant(1), z), n), m.mul(z, prev))], saved: [n] };
    },

    /** dan = d ⊙ (1 − z) ⊙ (1 − n²), the gradient of i_n; the loop makes drh = dan·Whh_n of it. */
    innerBackward: (m, { dstates: [d], saved: [, z, n] }) => ({
      dinner: [tanhSlope(m, m.mul(d, m.sub(m.constant(1), z)), n)],
    }),

    /** dar = drh ⊙ h_{t−1} ⊙ r(1 − r),  daz = d ⊙ (h_{t−1} − n) ⊙ z(1 − z),  and past the product: d ⊙ z + drh ⊙ r */
    backward(m, { dstates: [d], saved: [r, z, n], previous: [prev], dinner: [dan], doperand }) {
      const drh = doperand!;
      const dar = sigmoidSlope(m, m.mul(drh, prev), r);
      const daz = sigmoidSlope(m, m.mul(d, m.sub(prev, n)), z);
      return { dx: [dar, daz, dan], dh: [dar, daz], dprevious: [m.add(m.mul(d, z), m.mul(drh, r))] };
    },
  },
});
