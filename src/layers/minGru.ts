import { logistic } from '../tensor/sigmoid.ts';
import { type Cell, type CellBackward, type CellForward, sigmoidSlope } from './cell.ts';

/**
 * The minimal gated recurrent unit (Feng et al. 2024, "Were RNNs all we needed?"), whose gates do not read the state; gate
 * rows z,n:
 *
 *     z  = σ(x_z)                x = Wih·x_t + bih
 *     h_t = (1 − z) ⊙ h_{t−1} + z ⊙ x_n
 *
 * There is no product with h_{t−1}. It saves z and n.
 */
function minGruForward(
  { states: [next], saved, xGates: x, previous: [prev] }: CellForward,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    const g = b * 2 * H;
    for (let j = 0; j < H; j++) {
      const z = logistic(x[g + j]);
      const n = x[g + H + j];
      next[b * H + j] = (1 - z) * prev[b * H + j] + z * n;
      saved[g + j] = z;
      saved[g + H + j] = n;
    }
  }
}

/** daz = d ⊙ (n − h_{t−1}) ⊙ z(1 − z),  dn = d ⊙ z,  dh_{t−1} = d ⊙ (1 − z), for what reaches h_t: d. */
function minGruBackward(
  { dxGates: dx, dprevious: [dprev], dstates: [dstate], saved, previous: [prev] }: CellBackward,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    const g = b * 2 * H;
    for (let j = 0; j < H; j++) {
      const d = dstate[b * H + j];
      const z = saved[g + j];
      dx[g + j] = d * (saved[g + H + j] - prev[b * H + j]) * z * (1 - z);
      dx[g + H + j] = d * z;
      dprev[b * H + j] = d * (1 - z);
    }
  }
}

/** The minimal GRU: its loops, and the same as a formula. */
export const minGru: Cell = {
  name: 'minGru',
  gates: 2,
  states: ['h'],
  savedBlocks: 2,
  savedNames: ['z', 'n'],
  recurrentProduct: false,
  forward: minGruForward,
  backward: minGruBackward,
  formula: {
    forward(m, { x: [xz, n], previous: [prev] }) {
      const z = m.sigmoid(xz);
      return { states: [m.add(m.mul(m.sub(m.constant(1), z), prev), m.mul(z, n))], saved: [z, n] };
    },
    backward(m, { dstates: [d], saved: [z, n], previous: [prev] }) {
      const daz = sigmoidSlope(m, m.mul(d, m.sub(n, prev)), z);
      return { dx: [daz, m.mul(d, z)], dprevious: [m.mul(d, m.sub(m.constant(1), z))] };
    },
  },
};
