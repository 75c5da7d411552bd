/** A mask of the dropout of a pass: numbers drawn on the host that forward and backward multiply by. */
export interface DropoutMask<F> {
  readonly mask: F;
  /** The share that is dropped. */
  readonly rate: number;
  /** The numbers of the mask for a window of so many steps. */
  length(steps: number): number;
}
