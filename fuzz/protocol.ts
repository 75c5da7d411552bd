/** What the thread that calls is begun with. */
export interface Begin {
  readonly seed: number;
  /** The first case, and the first that is not tried. */
  readonly from: number;
  readonly cases: number;
  readonly only?: string | undefined;
  /** Only readers, with files that are altered or left. */
  readonly files: boolean;
  readonly device: boolean;
  /** [the case that is tried, a count that is odd while it is, 1 once it is time to end] */
  readonly cell: SharedArrayBuffer;
}

/** What it says. */
export type Report =
  | { readonly kind: 'counts'; readonly tried: number; readonly right: number; readonly named: number }
  | {
      readonly kind: 'wrong';
      readonly name: string;
      readonly index: number;
      readonly what: string;
      readonly where: string;
    }
  /** What the cases call, in turn. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'done' };
