/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The error of a golden file that is not what it has to be; it names file, case and field. */
export class GoldenError extends Error {
  override readonly name = 'GoldenError';
}

/** An array as a golden file gives it: all its numbers, or a checksum of them. */
export interface Golden {
  /** The case that it belongs to; '' for the file as a whole. */
  caseName: string;
  /** Its path in the case, e.g. `grads.W_in`. */
  quantity: string;
  shape: readonly number[];
  content: { values: Float64Array } | { checksum: Checksum };
}

/** Sums of an array and some of its elements, `[flat index, value]`. */
export interface Checksum {
  sum: number;
  sumOfSquares: number;
  sumOfAbs: number;
  maxAbs: number;
  samples: readonly (readonly [index: number, value: number])[];
}

/**
 * An object of a golden file, read field by field. Every method throws a {@link GoldenError} that names file, case and
 * field where the field is missing or is not what the method's name says.
 */
export class Fields {
  readonly file: string;
  readonly caseName: string;
  private readonly data: { [key: string]: Json };
  private readonly path: string;

  constructor(file: string, data: Json, caseName = '', path = '') {
    this.file = file;
    this.caseName = caseName;
    this.path = path;
    if (data === null || typeof data !== 'object' || Array.isArray(data)) {
      throw this.error('', `is ${describe(data)}, expected an object`);
    }
    this.data = data;
  }

  /** The error about a field of this object. */
  error(name: string, problem: string): GoldenError {
    const inCase = this.caseName === '' ? '' : ` case ${this.caseName}:`;
    const field = (this.path + name).replace(/\.$/, '') || 'the content';
    return new GoldenError(`${this.file}:${inCase} ${field} ${problem}`);
  }

  /** A field's path in its case, e.g. `modes.broadcast.cost`. */
  pathOf(name: string): string {
    return this.path + name;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.data, name);
  }

  names(): string[] {
    return Object.keys(this.data);
  }

  raw(name: string): Json {
    if (!this.has(name)) throw this.error(name, 'is missing');
    return this.data[name];
  }

  number(name: string): number {
    const value = this.raw(name);
    if (typeof value !== 'number') throw this.wrong(name, 'a number');
    return value;
  }

  whole(name: string, min = 0): number {
    const value = this.number(name);
    if (!Number.isSafeInteger(value) || value < min) throw this.wrong(name, `a whole number ≥ ${min}`);
    return value;
  }

  text(name: string): string {
    const value = this.raw(name);
    if (typeof value !== 'string') throw this.wrong(name, 'a text');
    return value;
  }

  flag(name: string): boolean {
    const value = this.raw(name);
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false');
    return value;
  }

  list(name: string): Json[] {
    const value = this.raw(name);
    if (!Array.isArray(value)) throw this.wrong(name, 'a list');
    return value;
  }

  texts(name: string): string[] {
    return this.list(name).map((value, i) => {
      if (typeof value !== 'string') throw this.error(`${name}[${i}]`, `is ${describe(value)}, expected a text`);
      return value;
    });
  }

  /** A whole number that seeds a random stream, or null where the numbers come from none. */
  seed(): number | null {
    return this.isNull('seed') ? null : this.whole('seed');
  }

  object(name: string): Fields {
    return this.inside(name, this.raw(name));
  }

  /** An object, or null where the file says so: it has nothing there to compare with. */
  optional(name: string): Fields | null {
    return this.isNull(name) ? null : this.object(name);
  }

  /** A list of objects; null is an empty one. */
  objects(name: string): Fields[] {
    return this.listOrNone(name).map((value, i) => this.inside(`${name}[${i}]`, value));
  }

  /** A list whose items differ, read as an object with the fields 0, 1, … */
  items(name: string): Fields {
    return this.inside(name, Object.fromEntries(this.list(name).entries()));
  }

  /** A list of lists, each read as an object with these field names; null is an empty one. */
  rows(name: string, columns: readonly string[]): Fields[] {
    return this.listOrNone(name).map((row, i) => {
      const at = `${name}[${i}]`;
      if (!Array.isArray(row)) throw this.error(at, `is ${describe(row)}, expected a list of ${columns.join(', ')}`);
      return this.inside(at, Object.fromEntries(columns.slice(0, row.length).map((column, c) => [column, row[c]])));
    });
  }

  /** The cases of a file; `nameOf` says what each is called. */
  cases(nameOf: (fields: Fields, index: number) => string = (fields) => fields.text('name')): Fields[] {
    const cases = this.list('cases');
    if (cases.length === 0) throw this.error('cases', 'is empty, expected at least one case');
    return cases.map((data, i) => {
      const unnamed = new Fields(this.file, data, '', `cases[${i}].`);
      return new Fields(this.file, data, nameOf(unnamed, i));
    });
  }

  /** {@link rows} by the whole number in their first column, which has to rise from row to row. */
  indexedRows(name: string, columns: readonly string[]): Map<number, Fields> {
    const rows = new Map<number, Fields>();
    let last = -1;
    for (const [i, row] of this.rows(name, columns).entries()) {
      const index = row.whole(columns[0]);
      if (index <= last) throw this.error(`${name}[${i}].${columns[0]}`, `is ${index}, expected more than ${last}`);
      rows.set(index, row);
      last = index;
    }
    return rows;
  }

  /** Numbers nested to any depth, flat; with `shape`, of that shape (sizes of 1 do not count). */
  array(name: string, shape?: readonly number[]): Float64Array {
    return this.flat(name, shape).values;
  }

  /** Whole numbers in [0, below). */
  ids(name: string, below: number): Int32Array {
    const values = this.array(name);
    const bad = values.find((v) => !Number.isInteger(v) || v < 0 || v >= below);
    if (bad !== undefined) throw this.error(name, `holds ${bad}, expected whole numbers from 0 to ${below - 1}`);
    return Int32Array.from(values);
  }

  /** Numbers to compare with: an array, a checksum or one number; null where the file says that it has none. */
  golden(name: string, shape?: readonly number[]): Golden | null {
    const raw = this.raw(name);
    if (raw === null) return null;
    const from = { caseName: this.caseName, quantity: this.pathOf(name) };
    if (typeof raw !== 'object' || Array.isArray(raw)) {
      const { values, shape: found } = this.flat(name, shape);
      return { ...from, shape: found, content: { values } };
    }
    const fields = this.object(name);
    const found = [...fields.array('shape')];
    this.expectShape(name, found, shape);
    return { ...from, shape: found, content: { checksum: fields.checksum() } };
  }

  private checksum(): Checksum {
    const samples = this.rows('samples', ['index', 'value']);
    return {
      sum: this.number('sum'),
      sumOfSquares: this.number('sum_of_squares'),
      sumOfAbs: this.number('sum_of_abs'),
      maxAbs: this.number('max_abs'),
      samples: samples.map((sample) => [sample.whole('index'), sample.number('value')]),
    };
  }

  private listOrNone(name: string): Json[] {
    return this.isNull(name) ? [] : this.list(name);
  }

  private isNull(name: string): boolean {
    if (!this.has(name)) throw this.error(name, 'is missing (null says that there is none)');
    return this.data[name] === null;
  }

  private inside(name: string, data: Json): Fields {
    return new Fields(this.file, data, this.caseName, `${this.path}${name}.`);
  }

  private wrong(name: string, expected: string): GoldenError {
    return this.error(name, `is ${describe(this.data[name])}, expected ${expected}`);
  }

  private flat(name: string, shape?: readonly number[]): { values: Float64Array; shape: number[] } {
    const raw = this.raw(name);
    const found: number[] = [];
    for (let v: Json = raw; Array.isArray(v); v = v[0]) found.push(v.length);
    const values: number[] = [];
    const append = (v: Json, depth: number): void => {
      if (depth < found.length) {
        if (!Array.isArray(v) || v.length !== found[depth]) throw this.error(name, 'has rows of different lengths');
        for (const w of v) append(w, depth + 1);
      } else if (typeof v === 'number') values.push(v);
      else throw this.error(name, `holds ${describe(v)}, expected numbers`);
    };
    append(raw, 0);
    this.expectShape(name, found, shape);
    return { values: Float64Array.from(values), shape: found };
  }

  private expectShape(name: string, found: readonly number[], expected: readonly number[] = found): void {
    const sizes = (shape: readonly number[]) => `${shape.filter((size) => size !== 1)}`;
    if (sizes(found) === sizes(expected)) return;
    throw this.error(name, `has shape [${found}], expected [${expected}]`);
  }
}

function describe(value: Json): string {
  const text = JSON.stringify(value);
  if (text.length < 40) return text;
  return Array.isArray(value) ? `a list of ${value.length}` : `${text.slice(0, 40)}…`;
}
