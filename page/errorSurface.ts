import { CpuTrainer, type ModelSpec, tsEngine } from 'bptt';
import { notebookRprop } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';

/** The sequences of bits that the linear net counts the ones of, their length, updates, and points of the grid on a side. */
const B = 20;
const T = 10;
const UPDATES = 150;
const POINTS = 81;

/** Notebook 003: h_t = wx·x_t + wRec·h_{t−1}, the last one the output. */
const spec: ModelSpec = {
  ...{ cell: 'elman', nonlinearity: 'identity', input: 'dense', inputSize: 1, hiddenSize: 1, outputSize: 0 },
  ...{ bias: 'none', loss: 'squaredError', lossAt: 'last', reduction: 'mean' },
};

/** The error of a net of two weights, and the way that Rprop takes over it. */
export interface ErrorSurface {
  /** The weights of the columns and rows. */
  readonly wx: Float64Array;
  readonly wRec: Float64Array;
  /** [wRec.length, wx.length] */
  readonly loss: Float64Array;
  /** [wx, wRec, loss] before the first update and after each. */
  readonly path: readonly (readonly [wx: number, wRec: number, loss: number])[];
}

/** A linear net learns to count ones by Rprop, from (−10, 7) as in the notebook; and the error around its way. */
export function errorSurface(seed: number): ErrorSurface {
  const rng = new RandomState(seed);
  const inputs = new Float64Array(T * B); // [T,B,1]
  const targets = new Float64Array(B);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      inputs[t * B + b] = Math.round(rng.rand());
      targets[b] += inputs[t * B + b];
    }
  }
  const batch = { inputs, targets, steps: T, batch: B };
  const trainer = new CpuTrainer(tsEngine('float64'), spec, { steps: T, batch: B, optimizer: notebookRprop() });
  const [wx, wRec] = ['weight_ih_l0', 'weight_hh_l0'].map((name) => trainer.model.parameters.get(name)!);
  [wx[0], wRec[0]] = [-10, 7];
  const path = Array.from({ length: UPDATES + 1 }, () => {
    const [x, r] = [wx[0], wRec[0]];
    return [x, r, trainer.update(batch)] as const;
  });
  const axis = (low: number, high: number): Float64Array =>
    Float64Array.from({ length: POINTS }, (_, i) => low + (i * (high - low)) / (POINTS - 1));
  // Around the whole way, one to each side.
  const around = (i: 0 | 1): Float64Array => {
    const way = path.map((point) => point[i]);
    return axis(Math.floor(Math.min(...way)) - 1, Math.ceil(Math.max(...way)) + 1);
  };
  const [columns, rows] = [around(0), around(1)];
  const loss = new Float64Array(POINTS * POINTS);
  for (const [r, w] of rows.entries()) {
    for (const [c, v] of columns.entries()) {
      [wx[0], wRec[0]] = [v, w];
      loss[r * POINTS + c] = trainer.lossOf(batch);
    }
  }
  return { wx: columns, wRec: rows, loss, path };
}
