import { type Cell, formulaCell, lstm } from 'bptt/layers';
import { logistic, tanhOf } from 'bptt/tensor';

/** The LSTM as somebody would write it who does not find it in the library: the formulas of one unit, for every engine. */
export const formulaLstm: Cell = formulaCell({ ...lstm, name: 'formulaLstm', formula: lstm.formula! });

/** The same in plain loops, which engines `ts` and `wasm` run as they are. */
export const loopLstm: Cell = {
  name: 'loopLstm',
  gates: 4,
  states: ['h', 'c'],
  savedBlocks: 5,
  initialBias: [0, 1, 0, 0],

  forward({ states: [h, c], saved, xGates, hGates, previous: [, cPrevious] }, B, H) {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const x = b * 4 * H + j;
        const s = b * 5 * H + j;
        const u = b * H + j;
        const i = logistic(xGates[x] + hGates[x]);
        const f = logistic(xGates[x + H] + hGates[x + H]);
        const g = tanhOf(xGates[x + 2 * H] + hGates[x + 2 * H]);
        const o = logistic(xGates[x + 3 * H] + hGates[x + 3 * H]);
        const next = f * cPrevious[u] + i * g;
        const tc = tanhOf(next);
        saved[s] = i;
        saved[s + H] = f;
        saved[s + 2 * H] = g;
        saved[s + 3 * H] = o;
        saved[s + 4 * H] = tc;
        c[u] = next;
        h[u] = o * tc;
      }
    }
  },

  backward({ dxGates, dprevious: [, dcPrevious], dstates: [dh, dc], saved, previous: [, cPrevious] }, B, H) {
    for (let b = 0; b < B; b++) {
      for (let j = 0; j < H; j++) {
        const x = b * 4 * H + j;
        const s = b * 5 * H + j;
        const u = b * H + j;
        const i = saved[s];
        const f = saved[s + H];
        const g = saved[s + 2 * H];
        const o = saved[s + 3 * H];
        const tc = saved[s + 4 * H];
        const d = dh[u];
        const dct = dc[u] + d * o * (1 - tc * tc);
        dxGates[x] = dct * g * i * (1 - i);
        dxGates[x + H] = dct * cPrevious[u] * f * (1 - f);
        dxGates[x + 2 * H] = dct * i * (1 - g * g);
        dxGates[x + 3 * H] = d * tc * o * (1 - o);
        dcPrevious[u] = dct * f;
      }
    }
  },
};
