import { assertIdArray, assertInts, assertLength, type IdArray } from '../check/arrays.ts';
import { assertWhole } from '../check/numbers.ts';

/**
 * Windows of T steps through a long text that is read as B streams side by side: stream b is the b-th of B equal parts.
 * Each window goes on where the last one ended, so the hidden state can be carried from one to the next.
 *
 * At B = 1 it is min-char-rnn's loop: `p += T`, and back to p = 0 when p + T + 1 > length.
 */
export class CharWindows {
  readonly T: number;
  readonly B: number;
  /** How many ids each stream predicts: floor((length - 1) / B), the last id being a target only. */
  readonly streamLength: number;
  readonly #ids: IdArray;
  #position = 0;

  /** @throws {TypeError} when ids are no Uint8Array, Uint16Array or Int32Array. @throws {RangeError} when T or B is not a whole number ≥ 1, or the text is shorter than B windows and one id. */
  constructor(ids: IdArray, t: number, b = 1) {
    assertWhole('CharWindows', 'T', t, 1);
    assertWhole('CharWindows', 'B', b, 1);
    assertIdArray('CharWindows', 'ids', ids);
    if (ids.length < t * b + 1) {
      throw new RangeError(`CharWindows: ids has ${ids.length} elements, expected at least T·B + 1 = ${t * b + 1}`);
    }
    this.T = t;
    this.B = b;
    this.streamLength = Math.floor((ids.length - 1) / b);
    this.#ids = ids;
  }

  /** How many windows fit before the streams start anew; a rest shorter than T is left out. */
  get windowsPerPass(): number {
    return Math.floor(this.streamLength / this.T);
  }

  /** Where in its stream the last window ended; set it to go on with an interrupted run. */
  get position(): number {
    return this.#position;
  }

  set position(position: number) {
    assertWhole('CharWindows', 'position', position, 0, this.streamLength);
    this.#position = position;
  }

  /**
   * Overwrites `inputs` and `targets` [T,B] with the next window. Returns true when the window begins the streams, the first
   * time and after each pass: the hidden state then has to be reset.
   *
   * @throws {RangeError} when a buffer has another size.
   */
  next(inputs: Int32Array, targets: Int32Array): boolean {
    const { T, B, streamLength } = this;
    assertInts('CharWindows.next', 'inputs', inputs);
    assertInts('CharWindows.next', 'targets', targets);
    assertLength('CharWindows.next', 'inputs', inputs, '[T,B]', T, B);
    assertLength('CharWindows.next', 'targets', targets, '[T,B]', T, B);
    if (this.#position + T > streamLength) this.#position = 0;
    const p = this.#position;
    const ids = this.#ids;
    for (let t = 0; t < T; t++) {
      for (let b = 0; b < B; b++) {
        const at = b * streamLength + p + t;
        inputs[t * B + b] = ids[at];
        targets[t * B + b] = ids[at + 1];
      }
    }
    this.#position = p + T;
    return p === 0;
  }
}
