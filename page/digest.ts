/** FNV-1a over the bytes of doubles (Fowler, Noll & Vo), 32 bits: tells whether two runs had the same losses to the bit. */
export class LossDigest {
  private hash: number;
  private readonly value = new Float64Array(1);
  private readonly bytes = new Uint8Array(this.value.buffer);

  /** @param from what {@link toString} gave of the losses before these. */
  constructor(from = '811c9dc5') {
    this.hash = Number.parseInt(from, 16);
  }

  add(loss: number): void {
    this.value[0] = loss;
    for (let i = 0; i < 8; i++) this.hash = Math.imul(this.hash ^ this.bytes[i], 0x01000193);
  }

  toString(): string {
    return (this.hash >>> 0).toString(16).padStart(8, '0');
  }
}
