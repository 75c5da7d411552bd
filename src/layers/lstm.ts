import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import { type Cell, type CellBackward, type CellForward, sigmoidSlope, tanhSlope } from './cell.ts';

/**
 * The long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000); gate rows i,f,g,o:
 *
 *     i = σ(x_i + h_i + p_i ⊙ c_{t−1})       x = Wih·x_t + bih,  h = Whh·h_{t−1} + bhh
 *     f = σ(x_f + h_f + p_f ⊙ c_{t−1})
 *     g = tanh(x_g + h_g)
 *     c_t = f ⊙ c_{t−1} + i ⊙ g
 *     o = σ(x_o + h_o + p_o ⊙ c_t)
 *     h_t = o ⊙ tanh(c_t)
 *
 * The peepholes p (Gers, Schraudolph & Schmidhuber 2002), rows i,f,o, let the gates see the cell; without them p = 0. It
 * saves i, f, g, o and tanh(c_t).
 */
function lstmForward(
  { states: [h, c], saved, xGates: x, hGates, previous: [, cPrev], extra: [p] }: CellForward,
  B: number,
  H: number,
): void {
  for (let b = 0; b < B; b++) {
    const a = b * 4 * H;
    const s = b * 5 * H;
    for (let j = 0; j < H; j++) {
      const prev = cPrev[b * H + j];
      const i = logistic(x[a + j] + hGates[a + j] + (p ? p[j] * prev : 0));
      const f = logistic(x[a + H + j] + hGates[a + H + j] + (p ? p[H + j] * prev : 0));
      const g = tanhOf(x[a + 2 * H + j] + hGates[a + 2 * H + j]);
      const next = f * prev + i * g;
      const o = logistic(x[a + 3 * H + j] + hGates[a + 3 * H + j] + (p ? p[2 * H + j] * next : 0));
      const tc = tanhOf(next);
      h[b * H + j] = o * tc;
      c[b * H + j] = next;
      saved[s + j] = i;
      saved[s + H + j] = f;
      saved[s + 2 * H + j] = g;
      saved[s + 3 * H + j] = o;
      saved[s + 4 * H + j] = tc;
    }
  }
}

/**
 * Of h_t = o ⊙ tanh(c_t) and c_t = f ⊙ c_{t−1} + i ⊙ g, for what reaches them: d and dc
 *
 *     dao = d ⊙ tanh(c_t) ⊙ o(1 − o)
 *     dct = dc + d ⊙ o ⊙ (1 − tanh²(c_t)) + dao ⊙ p_o
 *     dai = dct ⊙ g ⊙ i(1 − i),  daf = dct ⊙ c_{t−1} ⊙ f(1 − f),  dag = dct ⊙ i ⊙ (1 − g²)
 *     dc_{t−1} = dct ⊙ f + dai ⊙ p_i + daf ⊙ p_f
 *     dp_i = dai ⊙ c_{t−1},  dp_f = daf ⊙ c_{t−1},  dp_o = dao ⊙ c_t
 */
function lstmBackward(step: CellBackward, B: number, H: number): void {
  const { dxGates: da, saved } = step;
  const [dh, dc] = step.dstates;
  const [, dcPrev] = step.dprevious;
  const [, c] = step.states;
  const [, cPrev] = step.previous;
  const [p] = step.extra;
  const [dp] = step.dextra;
  for (let b = 0; b < B; b++) {
    const a = b * 4 * H;
    const s = b * 5 * H;
    for (let j = 0; j < H; j++) {
      const i = saved[s + j];
      const f = saved[s + H + j];
      const g = saved[s + 2 * H + j];
      const o = saved[s + 3 * H + j];
      const tc = saved[s + 4 * H + j];
      const prev = cPrev[b * H + j];
      const d = dh[b * H + j];
      const dao = d * tc * o * (1 - o);
      const dct = dc[b * H + j] + d * o * (1 - tc * tc) + (p ? dao * p[2 * H + j] : 0);
      const dai = dct * g * i * (1 - i);
      const daf = dct * prev * f * (1 - f);
      da[a + j] = dai;
      da[a + H + j] = daf;
      da[a + 2 * H + j] = dct * i * (1 - g * g);
      da[a + 3 * H + j] = dao;
      dcPrev[b * H + j] = dct * f + (p ? dai * p[j] + daf * p[H + j] : 0);
      if (!p) continue;
      dp[b * 3 * H + j] = dai * prev;
      dp[b * 3 * H + H + j] = daf * prev;
      dp[b * 3 * H + 2 * H + j] = dao * c[b * H + j];
    }
  }
}

/** The LSTM with or without peepholes: its loops, and the same as a formula. */
function lstmCell(peepholes: boolean): Cell {
  return {
    name: peepholes ? 'lstmPeephole' : 'lstm',
    gates: 4,
    states: ['h', 'c'],
    savedBlocks: 5,
    savedNames: ['i', 'f', 'g', 'o', 'tanh_c'],
    ...(peepholes ? { extra: { weight_peephole: { blocks: 3 } } } : {}),
    initialBias: [0, 1, 0, 0],
    forward: lstmForward,
    backward: lstmBackward,
    formula: {
      forward(m, { x: [xi, xf, xg, xo], h: [hi, hf, hg, ho], previous: [, prev], extra: [pi, pf, po] }) {
        const seen = (a: typeof xi, p: typeof xi, cell: typeof xi) => (peepholes ? m.add(a, m.mul(p, cell)) : a);
        const i = m.sigmoid(seen(m.add(xi, hi), pi, prev));
        const f = m.sigmoid(seen(m.add(xf, hf), pf, prev));
        const g = m.tanh(m.add(xg, hg));
        const c = m.add(m.mul(f, prev), m.mul(i, g));
        const o = m.sigmoid(seen(m.add(xo, ho), po, c));
        const tc = m.tanh(c);
        return { states: [m.mul(o, tc), c], saved: [i, f, g, o, tc] };
      },
      backward(
        m,
        { dstates: [d, dc], saved: [i, f, g, o, tc], states: [, c], previous: [, prev], extra: [pi, pf, po] },
      ) {
        const dao = sigmoidSlope(m, m.mul(d, tc), o);
        const ofH = m.add(dc, tanhSlope(m, m.mul(d, o), tc));
        const dct = peepholes ? m.add(ofH, m.mul(dao, po)) : ofH;
        const dai = sigmoidSlope(m, m.mul(dct, g), i);
        const daf = sigmoidSlope(m, m.mul(dct, prev), f);
        const dag = tanhSlope(m, m.mul(dct, i), g);
        const before = m.mul(dct, f);
        return {
          dx: [dai, daf, dag, dao],
          dprevious: [null, peepholes ? m.add(before, m.add(m.mul(dai, pi), m.mul(daf, pf))) : before],
          ...(peepholes ? { dextra: [m.mul(dai, prev), m.mul(daf, prev), m.mul(dao, c)] } : {}),
        };
      },
    },
  };
}

/** The LSTM without peepholes: states h and c, gate rows i, f, g, o as in PyTorch. Formula: `layers/lstm.ts`. */
export const lstm: Cell = lstmCell(false);
/** The LSTM whose gates see the cell through peepholes, `weight_peephole` [3,H] in rows i, f, o. */
export const lstmPeephole: Cell = lstmCell(true);
