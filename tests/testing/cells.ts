import { type Cell, formulaCell, sigmoidSlope, tanhSlope } from 'bptt/layers';

/**
 * A cell of plain loops: a leaky integrator with a second state that counts up, h_t = a·h_{t−1} + (1 − a)·tanh(x + Whh·h_{t−1})
 * with a = σ(w), c_t = c_{t−1}/2 + h_t.
 */
export const leaky: Cell = {
  name: 'leaky',
  gates: 1,
  states: ['h', 'c'],
  savedBlocks: 1,
  directHiddenGradient: true,
  extra: { leak: { blocks: 1 } },
  forward({ states: [h, c], saved, xGates, hGates, previous: [h0, c0], extra: [w] }, B, H) {
    for (let i = 0; i < B * H; i++) {
      const a = 1 / (1 + Math.exp(-w[i % H]));
      saved[i] = Math.tanh(xGates[i] + hGates[i]);
      const next = a * h0[i] + (1 - a) * saved[i];
      h[i] = next;
      c[i] = c0[i] / 2 + next;
    }
  },
  backward(
    { dxGates, dprevious: [dh0, dc0], dextra: [dw], dstates: [dh, dc], saved, previous: [h0], extra: [w] },
    B,
    H,
  ) {
    for (let i = 0; i < B * H; i++) {
      const a = 1 / (1 + Math.exp(-w[i % H]));
      const d = dh[i] + dc[i];
      dxGates[i] = d * (1 - a) * (1 - saved[i] * saved[i]);
      dw[i] = d * (h0[i] - saved[i]) * a * (1 - a);
      dh0[i] = d * a;
      dc0[i] = dc[i] / 2;
    }
  },
};

/**
 * Everything at once: three states, two inner gates, two parameters of its own, saved blocks of both parts, a hidden gradient
 * of fewer gates.
 *
 *     r = σ(x_r + h_r + p_0 ⊙ c),  z = tanh(x_z + h_z),  operand = r ⊙ h + q ⊙ m
 *     u = σ(x_u + i_u),  n = tanh(x_n + i_n + p_1 ⊙ c)                      i = Whh_inner·operand + bhh_inner
 *     h ← u ⊙ n + (1 − u) ⊙ z ⊙ h,  c ← r ⊙ c + n,  m ← u − m/2
 */
export const everything: Cell = formulaCell({
  name: 'everything',
  gates: 4,
  innerGates: 2,
  states: ['h', 'c', 'm'],
  savedBlocks: 4,
  directHiddenGradient: true,
  extra: { p: { blocks: 2 }, q: { blocks: 1, initial: 0.5 } },
  formula: {
    forward(m, { x: [xr, xz], h: [hr, hz], previous: [h, c, memory], extra: [p, , q] }) {
      const r = m.sigmoid(m.add(m.add(xr, hr), m.mul(p, c)));
      const z = m.tanh(m.add(xz, hz));
      return { operand: m.add(m.mul(r, h), m.mul(q, memory)), saved: [r, z] };
    },
    innerForward(m, { x: [, , xu, xn], h: [iu, into], previous: [h, c, memory], extra: [, p], saved: [r, z] }) {
      const u = m.sigmoid(m.add(xu, iu));
      const n = m.tanh(m.add(m.add(xn, into), m.mul(p, c)));
      const kept = m.mul(m.mul(m.sub(m.constant(1), u), z), h);
      const next = [m.add(m.mul(u, n), kept), m.add(m.mul(r, c), n), m.add(m.mul(m.constant(-0.5), memory), u)];
      return { states: next, saved: [u, n] };
    },
    innerBackward(m, { dstates: [dh, dc, dm], saved: [, z, u, n], previous: [h] }) {
      const du = m.add(m.mul(dh, m.sub(n, m.mul(z, h))), dm);
      return { dinner: [sigmoidSlope(m, du, u), tanhSlope(m, m.add(m.mul(dh, u), dc), n)] };
    },
    backward(
      m,
      {
        dstates: [dh, dc, dm],
        saved: [r, z, u],
        previous: [h, c, memory],
        extra: [p0, p1, q],
        dinner: [dau, dan],
        doperand,
      },
    ) {
      const d = doperand!;
      const dar = sigmoidSlope(m, m.add(m.mul(d, h), m.mul(dc, c)), r);
      const through = m.mul(dh, m.sub(m.constant(1), u));
      const daz = tanhSlope(m, m.mul(through, h), z);
      return {
        dx: [dar, daz, dau, dan],
        dh: [dar, daz],
        dprevious: [
          m.add(m.mul(through, z), m.mul(d, r)),
          m.add(m.mul(dc, r), m.add(m.mul(dar, p0), m.mul(dan, p1))),
          m.add(m.mul(m.constant(-0.5), dm), m.mul(d, q)),
        ],
        dextra: [m.mul(dar, c), m.mul(dan, c), m.mul(d, memory)],
      };
    },
  },
});

/** Of a cell: neither a product with h nor inner gates, a state that h does not see until the next step, no saved block. */
export const still: Cell = formulaCell({
  name: 'still',
  gates: 1,
  states: ['h', 'c'],
  savedBlocks: 0,
  recurrentProduct: false,
  formula: {
    forward: (m, { x: [x], previous: [h, c] }) => ({
      states: [m.tanh(m.add(m.add(x, h), c)), m.mul(m.constant(0.5), h)],
    }),
    backward(m, { dstates: [dh, dc], states: [h] }) {
      const da = tanhSlope(m, dh, h);
      return { dx: [da], dprevious: [m.add(da, m.mul(m.constant(0.5), dc)), da] };
    },
  },
});
