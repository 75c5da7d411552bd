import type { PresetName } from '../cli/presets.ts';
import { type Settings, settingsFrom } from '../cli/settings.ts';

/** A net and how it learns: what a preset of the command line's `train` stands for. */
export type PresetNet = Settings & { readonly name: string };

const NAMES: readonly PresetName[] = ['min-char-rnn', 'default', 'best'];

/** In the order of the table. */
export const PRESET_NETS: readonly PresetNet[] = NAMES.map((preset) => ({ name: preset, ...settingsFrom({ preset }) }));
