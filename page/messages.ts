import type { GradcheckReport } from 'bptt';
import type { ErrorSurface } from './errorSurface.ts';
import type { PageEngine, Settings } from './settings.ts';

/** What the views want to see of the nets. */
export interface View {
  /** The text whose characters are the axis of every view. */
  probe: string;
  /** The character that the cursor is on, 0 … length − 1. */
  cursor: number;
  /** Truncation of the gradient in the view back through time; 0 for none. */
  backSteps: number;
  temperature: number;
  /** Whether the weights' spectra are looked at, which is slow. */
  weights: boolean;
  /** The gate block of Whh whose spectra are shown. */
  block: number;
}

/** One net over the probe. `T` characters, `H` units. */
export interface NetView {
  readonly cell: string;
  readonly T: number;
  readonly H: number;
  readonly V: number;
  /** [T,V], probabilities of the character after each. */
  readonly outputs: Float32Array;
  /** [T], bits that the character after each surprises by; the last is 0, since nothing comes after it. */
  readonly bits: Float32Array;
  /** [T,H] each. */
  readonly states: Readonly<Record<string, Float32Array>>;
  readonly gates: Readonly<Record<string, Float32Array>>;
  /** [T] each: ‖∂L/∂h_t‖ and so on, L the loss of the character after the cursor. */
  readonly norms: Readonly<Record<string, Float64Array>>;
  readonly weights: Spectra | null;
}

/** The spectra of a square block of Whh. */
export interface Spectra {
  readonly update: number;
  readonly block: string;
  readonly singular: Float64Array;
  /** Real and imaginary parts, by falling magnitude. */
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** How the gradient of the next update looks before it is clipped. */
export interface GradientSize {
  readonly update: number;
  readonly norm: number;
  /** The share of elements that clipping changes. */
  readonly clipped: number;
}

/** The training of one net since the last snapshot. */
export interface Progress {
  readonly cell: string;
  /** The loss of each update in nats a character. */
  readonly losses: Float64Array;
  /** The bits of the losses of all updates, hashed. */
  readonly digest: string;
  /** [update, bits a character] of the held-out text. */
  readonly heldOut: readonly (readonly [number, number])[];
  readonly gradient: GradientSize | null;
}

export interface Snapshot {
  readonly type: 'snapshot';
  readonly updates: number;
  readonly running: boolean;
  /** How many steps can be taken back. */
  readonly past: number;
  readonly engine: string;
  readonly chars: readonly string[];
  /** The characters of the probe that the vocabulary has. */
  readonly probe: readonly string[];
  readonly cursor: number;
  readonly progress: readonly Progress[];
  readonly nets: readonly NetView[];
  /** What the first net writes now; null where it has not changed. */
  readonly sample: string | null;
}

/** How an engine did in the race, or why it could not take part. */
export type RaceResult = { readonly engine: PageEngine } & (
  | {
      /** What it runs on. */
      readonly description: string;
      readonly updatesPerSecond: number;
      /** The largest relative difference of a loss from that of the first engine. */
      readonly difference: number;
    }
  | { readonly why: string }
);

/** To the worker. */
export type Request =
  | { readonly type: 'begin'; readonly settings: Settings; readonly view: View }
  | { readonly type: 'open'; readonly file: Uint8Array; readonly settings: Settings; readonly view: View }
  | { readonly type: 'run'; readonly running: boolean }
  | { readonly type: 'step' }
  | { readonly type: 'back' }
  | { readonly type: 'view'; readonly view: View }
  | { readonly type: 'gradcheck' }
  | { readonly type: 'race' }
  | { readonly type: 'surface'; readonly seed: number }
  | { readonly type: 'save' };

/** From the worker. */
export type Reply =
  | Snapshot
  | { readonly type: 'opened'; readonly settings: Settings }
  | {
      readonly type: 'gradcheck';
      readonly report: Pick<GradcheckReport, 'passed' | 'checked' | 'checks' | 'worst' | 'failures'>;
    }
  | { readonly type: 'race'; readonly results: readonly RaceResult[] }
  | { readonly type: 'surface'; readonly surface: ErrorSurface }
  | { readonly type: 'saved'; readonly file: Uint8Array }
  | { readonly type: 'failed'; readonly message: string };
