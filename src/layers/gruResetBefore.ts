import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import { type Cell, type CellBackward, type CellForward, sigmoidSlope, tanhSlope } from './cell.ts';

/**
 * The gated recurrent unit as in the paper (Cho et al. 2014), the reset gate before the product; gate rows r,z,n:
 *
 *     r  = σ(x_r + h_r)                 x = Wih·x_t + bih,  h_{r,z} = Whh_{r,z}·h_{t−1} + bhh_{r,z}
 *     z  = σ(x_z + h_z)
 *     n  = tanh(x_n + i_n)              i_n = Whh_n·(r ⊙ h_{t−1}) + bhh_n
 *     h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
 *
 * Two products a step: the first part gives the operand r ⊙ h_{t−1} of the second. It saves r, z and n.
 */
function resetForward(
  { saved, operand, xGates: x, hGates: h, previous: [prev] }: CellForward,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) {
      const r = logistic(x[b * 3 * H + j] + h[b * 2 * H + j]);
      operand[b * H + j] = r * prev[b * H + j];
      saved[b * 3 * H + j] = r;
      saved[b * 3 * H + H + j] = logistic(x[b * 3 * H + H + j] + h[b * 2 * H + H + j]);
    }
  }
}

function candidateForward(
  { states: [next], saved, xGates: x, innerGates, previous: [prev] }: CellForward,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    for (let j = 0; j < H; j++) {
      const z = saved[g + H + j];
      const n = tanhOf(x[g + 2 * H + j] + innerGates[b * H + j]);
      next[b * H + j] = (1 - z) * n + z * prev[b * H + j];
      saved[g + 2 * H + j] = n;
    }
  }
}

/** dan = d ⊙ (1 − z) ⊙ (1 − n²), the gradient of i_n; the loop through time makes drh = dan·Whh_n of it. */
function candidateBackward({ dinnerGates: dan, dstates: [d], saved }: CellBackward, B: number, H: number): void {
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) {
      const n = saved[b * 3 * H + 2 * H + j];
      dan[b * H + j] = d[b * H + j] * (1 - saved[b * 3 * H + H + j]) * (1 - n * n);
    }
  }
}

/** dar = drh ⊙ h_{t−1} ⊙ r(1 − r),  daz = d ⊙ (h_{t−1} − n) ⊙ z(1 − z),  and past the product: d ⊙ z + drh ⊙ r */
function resetBackward(step: CellBackward, B: number, H: number): void {
  const { dxGates: dx, dhGates: dh, dinnerGates: dan, doperand: drh, saved } = step;
  const [dstate] = step.dstates;
  const [dprev] = step.dprevious;
  const [prev] = step.previous;
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    for (let j = 0; j < H; j++) {
      const i = b * H + j;
      const d = dstate[i];
      const r = saved[g + j];
      const z = saved[g + H + j];
      const n = saved[g + 2 * H + j];
      const dar = drh[i] * prev[i] * r * (1 - r);
      const daz = d * (prev[i] - n) * z * (1 - z);
      dx[g + j] = dar;
      dx[g + H + j] = daz;
      dx[g + 2 * H + j] = dan[i];
      dh[b * 2 * H + j] = dar;
      dh[b * 2 * H + H + j] = daz;
      dprev[i] = d * z + drh[i] * r;
    }
  }
}

/** The GRU of the paper: its loops, and the same as a formula. */
export const gruResetBefore: Cell = {
  name: 'gruResetBefore',
  gates: 3,
  innerGates: 1,
  states: ['h'],
  savedBlocks: 3,
  savedNames: ['r', 'z', 'n'],
  directHiddenGradient: true,
  forward: resetForward,
  innerForward: candidateForward,
  innerBackward: candidateBackward,
  backward: resetBackward,
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
    innerBackward: (m, { dstates: [d], saved: [, z, n] }) => ({
      dinner: [tanhSlope(m, m.mul(d, m.sub(m.constant(1), z)), n)],
    }),
    backward(m, { dstates: [d], saved: [r, z, n], previous: [prev], dinner: [dan], doperand }) {
      const drh = doperand!;
      const dar = sigmoidSlope(m, m.mul(drh, prev), r);
      const daz = sigmoidSlope(m, m.mul(d, m.sub(prev, n)), z);
      return { dx: [dar, daz, dan], dh: [dar, daz], dprevious: [m.add(m.mul(d, z), m.mul(drh, r))] };
    },
  },
};
