/** A map that forgets what was least recently used once it holds more than so many entries. */
export class LruMap<K, V> {
  private readonly most: number;
  private readonly entries = new Map<K, V>();
  private readonly forget: (value: V) => void;
  /** The entry used last, which is most often asked for again. */
  private latest: { readonly key: K; readonly value: V } | null = null;

  /** @param forget is handed a value that is forgotten */
  constructor(most: number, forget: (value: V) => void = () => {}) {
    this.most = most;
    this.forget = forget;
  }

  /** The value of a key, made where it is not there. */
  get(key: K, make: () => V): V {
    if (this.latest !== null && this.latest.key === key) return this.latest.value;
    const found = this.entries.get(key);
    const value = found === undefined ? make() : found;
    // A Map keeps the order of insertion: what was used last goes last.
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size > this.most) {
      const [oldest, forgotten] = this.entries.entries().next().value as [K, V];
      this.entries.delete(oldest);
      this.forget(forgotten);
    }
    this.latest = { key, value };
    return value;
  }

  get size(): number {
    return this.entries.size;
  }

  values(): IterableIterator<V> {
    return this.entries.values();
  }
}
