import type { Clip, ModelSpec, Scheme } from 'bptt';

/** A net and how it learns: what a preset of the command line's `train` stands for. */
export interface PresetNet {
  name: string;
  cell: ModelSpec['cell'];
  hidden: number;
  layers: number;
  dropout: number;
  /** Characters of a window, and parts of the text read side by side. */
  steps: number;
  batch: number;
  optimizer: 'adagrad' | 'adam';
  /** Adam's second decay rate. */
  beta2?: number;
  lr: number;
  /** Whether the rate rises over the first twentieth of the run and then falls along half a cosine to 0 at its end. */
  decays: boolean;
  clip: Clip;
  init: Scheme;
  /** Losses are summed over the steps of a window, as in the notebook, or averaged over all its characters. */
  loss: 'summed' | 'mean';
}

/** In the order of the table. */
export const PRESET_NETS: readonly PresetNet[] = [
  {
    name: 'min-char-rnn',
    ...{ cell: 'elman', hidden: 100, layers: 1, dropout: 0, steps: 25, batch: 1 },
    ...{ optimizer: 'adagrad', lr: 0.1, decays: false, clip: { value: 5 }, init: 'minCharRnn', loss: 'summed' },
  },
  {
    name: 'default',
    ...{ cell: 'gru', hidden: 192, layers: 1, dropout: 0, steps: 50, batch: 16 },
    ...{ optimizer: 'adam', beta2: 0.99, lr: 0.012, decays: true, clip: { norm: 1 }, init: 'orthogonal', loss: 'mean' },
  },
  {
    name: 'best',
    ...{ cell: 'gru', hidden: 256, layers: 2, dropout: 0.1, steps: 64, batch: 32 },
    ...{ optimizer: 'adam', beta2: 0.99, lr: 0.006, decays: true, clip: { norm: 1 }, init: 'orthogonal', loss: 'mean' },
  },
];
