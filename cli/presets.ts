import type { Settings } from './settings.ts';

/** What a preset decides; each can be overridden by its own option. */
export type PresetSettings = Pick<
  Settings,
  | 'cell'
  | 'hidden'
  | 'layers'
  | 'dropout'
  | 'steps'
  | 'batch'
  | 'optimizer'
  | 'beta2'
  | 'lr'
  | 'lrDecay'
  | 'clip'
  | 'loss'
>;

export interface Preset {
  /** What it is for. */
  readonly purpose: string;
  readonly settings: PresetSettings;
}

export const PRESET_NAMES = ['default', 'min-char-rnn', 'best'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  default: {
    purpose: 'a text worth reading after half a minute on two cores',
    settings: {
      ...{ cell: 'gru', hidden: 160, layers: 1, dropout: 0, steps: 32, batch: 24, loss: 'mean' },
      ...{ optimizer: 'adam', beta2: 0.99, lr: 0.012, lrDecay: true, clip: { norm: 1 } },
    },
  },
  'min-char-rnn': {
    purpose: "Karpathy's min-char-rnn, exactly: the notebook's net, loss and update rule",
    settings: {
      ...{ cell: 'elman', hidden: 100, layers: 1, dropout: 0, steps: 25, batch: 1, loss: 'sum' },
      ...{ optimizer: 'adagrad', lr: 0.1, lrDecay: false, clip: { value: 5 } },
    },
  },
  best: {
    purpose: 'the lowest held-out figure, where there are some minutes or more',
    settings: {
      ...{ cell: 'gru', hidden: 256, layers: 2, dropout: 0.2, steps: 64, batch: 32, loss: 'mean' },
      ...{ optimizer: 'adam', beta2: 0.99, lr: 0.006, lrDecay: true, clip: { norm: 1 } },
    },
  },
};
