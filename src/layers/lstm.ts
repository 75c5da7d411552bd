import { type Cell, formulaCell, sigmoidSlope, tanhSlope } from './cell.ts';

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
 * The peepholes p (Gers, Schraudolph & Schmidhuber 2002), rows i,f,o, let the gates see the cell; without them p = 0.
 */
function lstmCell(peepholes: boolean): Cell {
  return formulaCell({
    name: peepholes ? 'lstmPeephole' : 'lstm',
    gates: 4,
    states: ['h', 'c'],
    savedBlocks: 5,
    ...(peepholes ? { extra: { weight_peephole: { blocks: 3 } } } : {}),
    initialBias: [0, 1, 0, 0],
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

      /**
       * Of h_t = o ⊙ tanh(c_t) and c_t = f ⊙ c_{t−1} + i ⊙ g, for what reaches them: d and dc
       *
       *     dao = d ⊙ tanh(c_t) ⊙ o(1 − o)
       *     dct = dc + d ⊙ o ⊙ (1 − tanh²(c_t)) + dao ⊙ p_o
       *     dai = dct ⊙ g ⊙ i(1 − i),  daf = dct ⊙ c_{t−1} ⊙ f(1 − f),  dag = dct ⊙ i ⊙ (1 − g²)
       *     dc_{t−1} = dct ⊙ f + dai ⊙ p_i + daf ⊙ p_f
       *     dp_i = dai ⊙ c_{t−1},  dp_f = daf ⊙ c_{t−1},  dp_o = dao ⊙ c_t
       */
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
  });
}

export const lstm: Cell = lstmCell(false);
export const lstmPeephole: Cell = lstmCell(true);
