import type { Scheme } from 'bptt';
import { PRESETS, type PresetSettings } from '../cli/presets.ts';

/** A net and how it learns: what a preset of the command line's `train` stands for. */
export interface PresetNet extends PresetSettings {
  name: string;
  init: Scheme;
}

/** In the order of the table. */
export const PRESET_NETS: readonly PresetNet[] = [
  { name: 'min-char-rnn', ...PRESETS['min-char-rnn'].settings, init: 'minCharRnn' },
  { name: 'default', ...PRESETS.default.settings, init: 'orthogonal' },
  { name: 'best', ...PRESETS.best.settings, init: 'orthogonal' },
];
