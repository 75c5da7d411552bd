import type { CellName, Scheme } from 'bptt';

export const CELLS = ['elman', 'gru', 'lstm'] as const satisfies readonly CellName[];
export type PageCell = (typeof CELLS)[number];

/** What the cells are called on the page. */
export const CELL_TITLES: Readonly<Record<PageCell, string>> = { elman: 'tanh (Elman)', gru: 'GRU', lstm: 'LSTM' };

export type PageEngine = 'wasm' | 'ts' | 'webgpu';

export const ENGINE_TITLES: Readonly<Record<PageEngine, string>> = {
  ...{ wasm: 'WebAssembly', ts: 'TypeScript', webgpu: 'WebGPU' },
};

/** `spectral` is notebook 000's: every matrix scaled so that its largest singular value is 1. */
export type PageInit = Scheme | 'spectral';

/** The update rules by name; `model.ts` has them. */
export const OPTIMIZER_NAMES = ['adagrad', 'adam', 'rmsprop', 'sgd'] as const;

/** The name of a text of one's own, which the settings carry along. */
export const OWN_TEXT = 'own';

/** Everything that decides what a training computes: what a link holds. */
export interface Settings {
  /** The name of a bundled text, or {@link OWN_TEXT}. */
  text: string;
  /** The text itself where it is one's own, else empty. */
  own: string;
  cell: PageCell;
  /** A second net that trains on the same windows from the same seed, or none. */
  beside: PageCell | 'none';
  hidden: number;
  steps: number;
  optimizer: (typeof OPTIMIZER_NAMES)[number];
  lr: number;
  /** The most that an element of the gradient may be; 0 for no clipping. */
  clip: number;
  /** λ of λ·Σ w² over the weight matrices, which counts in the learning curve. */
  l2: number;
  init: PageInit;
  /** Whether the units have a bias; the output always has one. */
  bias: 'input' | 'none';
  /** Sequences that are read side by side, and threads that share them where the page has shared memory. */
  batch: number;
  threads: number;
  seed: number;
  /** k2: gradients are cut every so many steps while training; 0 for not. */
  backSteps: number;
  /** Training pauses once after so many updates; 0 for never. */
  stopAt: number;
  engine: PageEngine;
}

/** min-char-rnn's, on the bundled text. */
export const DEFAULTS: Settings = {
  ...{ text: 'heron', own: '', cell: 'elman', beside: 'none', hidden: 100, steps: 25, optimizer: 'adagrad', lr: 0.1 },
  ...{ clip: 5, l2: 0, init: 'minCharRnn', bias: 'input', batch: 1, threads: 1, seed: 0, backSteps: 0, stopAt: 0 },
  engine: 'wasm',
};

const WHOLE: readonly (keyof Settings)[] = ['hidden', 'steps', 'batch', 'threads', 'seed', 'backSteps', 'stopAt'];
const SMALLEST: Partial<Record<keyof Settings, number>> = { hidden: 1, steps: 2, batch: 1, threads: 1 };
const LARGEST: Partial<Record<keyof Settings, number>> = { hidden: 512, steps: 200, batch: 64, threads: 16 };
const ALLOWED: Partial<Record<keyof Settings, readonly string[]>> = {
  cell: CELLS,
  beside: ['none', ...CELLS],
  optimizer: OPTIMIZER_NAMES,
  init: ['minCharRnn', 'torch', 'orthogonal', 'spectral'],
  bias: ['input', 'none'],
  engine: ['wasm', 'ts', 'webgpu'],
  text: ['heron', 'reber', 'embedded', 'addition', OWN_TEXT],
};

/** The longest text that a link carries, in characters. */
export const LONGEST_IN_LINK = 2000;

/**
 * The settings as a link holds them: only what differs from the defaults. Of a text of one's own that is too long it holds
 * the hash.
 */
export function toLink(settings: Settings): string {
  const link = new URLSearchParams();
  const tooLong = settings.own.length > LONGEST_IN_LINK;
  for (const key of Object.keys(DEFAULTS) as (keyof Settings)[]) {
    if (key === 'own' && tooLong) link.set('hash', hashOf(settings.own));
    else if (settings[key] !== DEFAULTS[key]) link.set(key, String(settings[key]));
  }
  return link.toString();
}

/** FNV-1a of a text's UTF-16 units. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 255), 0x01000193);
    hash = Math.imul(hash ^ (unit >> 8), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** The hash of the text that a link was made with and could not hold, or null. */
export function missingText(link: string): string | null {
  return new URLSearchParams(link).get('hash');
}

/** Reads what {@link toLink} wrote; what a link says wrongly is left at its default. */
export function fromLink(link: string): Settings {
  const given = new URLSearchParams(link);
  const settings: Record<string, string | number> = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS) as (keyof Settings)[]) {
    const value = given.get(key);
    if (value === null) continue;
    if (typeof DEFAULTS[key] === 'number') settings[key] = toNumber(key, value);
    else if (ALLOWED[key]?.includes(value) ?? true) settings[key] = value;
  }
  return settings as unknown as Settings;
}

/** A number that a setting may be, nearest to what was typed. */
export function toNumber(key: keyof Settings, typed: string): number {
  const value = Number(typed);
  if (typed.trim() === '' || !Number.isFinite(value)) return DEFAULTS[key] as number;
  const whole = WHOLE.includes(key) ? Math.round(value) : value;
  return Math.min(Math.max(whole, SMALLEST[key] ?? 0), LARGEST[key] ?? 2 ** 31 - 1);
}
