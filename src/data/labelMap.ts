import { describe } from '../check/describe.ts';
import { assertWholes } from '../check/numbers.ts';
import { assertIterable, assertList } from '../check/values.ts';

/**
 * The labels of a classification, strings or numbers, each with its id 0 … size − 1.
 *
 * It is stored by `JSON.stringify(labelMap)`, the list of labels, and restored by `new LabelMap(JSON.parse(text))`.
 */
export class LabelMap<L extends string | number = string> {
  /** The label of each id. */
  readonly labels: readonly L[];
  readonly #ids: ReadonlyMap<string | number, number>;

  /**
   * From a given list: the label at index i has id i.
   *
   * @throws {RangeError} when the list is empty or holds a label twice, {TypeError} when a label is neither a string nor a
   * finite number.
   */
  constructor(labels: Iterable<L>) {
    assertIterable('LabelMap', 'labels', labels);
    this.labels = Array.from(labels);
    const ids = new Map<string | number, number>();
    for (const [id, label] of this.labels.entries()) {
      if (typeof label !== 'string' && !Number.isFinite(label)) {
        throw new TypeError(`LabelMap: labels[${id}] is ${describe(label)}, expected a string or a finite number`);
      }
      const first = ids.get(label);
      if (first !== undefined) {
        throw new RangeError(`LabelMap: labels[${id}] is ${JSON.stringify(label)}, the same as labels[${first}]`);
      }
      ids.set(label, id);
    }
    if (ids.size === 0) throw new RangeError('LabelMap: got no labels, expected at least one');
    this.#ids = ids;
  }

  /**
   * The different labels of a data set, in order of first appearance.
   *
   * @throws as the constructor.
   */
  static fromLabels<L extends string | number>(labels: Iterable<L>): LabelMap<L> {
    assertIterable('LabelMap.fromLabels', 'labels', labels);
    return new LabelMap(new Set(labels));
  }

  /** V, the number of labels. */
  get size(): number {
    return this.labels.length;
  }

  /** Whether there is such a label. */
  has(label: string | number): boolean {
    return this.#ids.has(label);
  }

  /**
   * The ids of a list of labels.
   *
   * @throws {RangeError} naming the first label that is not in the map and its index.
   */
  encode(labels: Iterable<string | number>): Int32Array {
    assertIterable('LabelMap.encode', 'labels', labels);
    return Int32Array.from(Array.from(labels), (label, i) => {
      const id = this.#ids.get(label);
      if (id === undefined) {
        const wanted = `expected one of the ${this.size} known labels`;
        throw new RangeError(`LabelMap.encode: labels[${i}] is ${describe(label)}, ${wanted}`);
      }
      return id;
    });
  }

  /**
   * The labels of a list of ids.
   *
   * @throws {RangeError} naming the first id that is not in the map and its index.
   */
  decode(ids: ArrayLike<number>): L[] {
    assertList('LabelMap.decode', 'ids', ids, 'a list of ids');
    assertWholes('LabelMap.decode', 'ids', ids, 0, this.size - 1);
    return Array.from(ids, (id) => this.labels[id]);
  }

  /** What `JSON.stringify` writes. */
  toJSON(): readonly L[] {
    return this.labels;
  }
}
