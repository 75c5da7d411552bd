import { hostileFor, strangeField } from './hostile.ts';
import type { Random } from './random.ts';

/** What is done to the arguments of a good call. */
export interface Mutation {
  readonly args: unknown[];
  /** Whether a call that takes them has taken what it must not. */
  readonly refused: boolean;
  /** Where, for the report: `[1].lr`. */
  readonly where: string;
}

type Path = (string | number)[];

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);

/** The places in the arguments: each argument, and of lists and plain objects what they hold, three levels down. */
function placesOf(value: unknown, path: Path, depth: number, into: { path: Path; value: unknown }[]): void {
  if (path.length > 0) into.push({ path, value });
  if (depth === 0) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.slice(0, 6).entries()) placesOf(item, [...path, i], depth - 1, into);
  } else if (isPlain(value)) {
    for (const [name, item] of Object.entries(value).slice(0, 24)) placesOf(item, [...path, name], depth - 1, into);
  }
}

/** The arguments with the value at a place replaced; what is on the way there is copied, the rest is shared. */
function replaced(value: unknown, path: Path, by: (old: unknown) => unknown): unknown {
  if (path.length === 0) return by(value);
  const [key, ...rest] = path;
  if (Array.isArray(value)) {
    const copy = [...value];
    copy[key as number] = replaced(copy[key as number], rest, by);
    return copy;
  }
  const own = value as Record<string, unknown>;
  return { ...own, [key]: replaced(own[key], rest, by) };
}

/** One or two places of a good call's arguments made bad. */
export function mutate(r: Random, good: unknown[]): Mutation {
  let args: unknown[] = good;
  let refused = false;
  const where: string[] = [];
  const spoilt = new Set<string | number>();
  for (let count = r.chance(0.75) ? 1 : 2; count > 0; count--) {
    const all: { path: Path; value: unknown }[] = [];
    placesOf(args, [], 4, all);
    const places = all.filter(({ path }) => !spoilt.has(path[0]));
    if (places.length === 0) break;
    // Arguments come up as often as all that lies in them.
    const top = places.filter(({ path }) => path.length === 1);
    const { path, value } = r.pick(r.chance(0.4) ? top : places);
    spoilt.add(path[0]);
    if (isPlain(value) && r.chance(0.4)) {
      const [name, strange] = strangeField(r);
      const names = Object.keys(value);
      const drop = names.length > 0 && r.chance(0.5);
      const gone = drop ? r.pick(names) : '';
      where.push(`${told(path)}.${drop ? `without ${gone}` : `${name} added`}`);
      args = replaced(args, path, (old) => {
        const copy = { ...(old as Record<string, unknown>) };
        if (drop) delete copy[gone];
        else copy[name] = strange;
        return copy;
      }) as unknown[];
      continue;
    }
    const hostile = hostileFor(r, value);
    refused ||= hostile.refused;
    where.push(`${told(path)} = ${short(hostile.value)}`);
    args = replaced(args, path, () => hostile.value) as unknown[];
  }
  return { args, refused, where: where.join(', ') };
}

function told(path: Path): string {
  return path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
}

/** The elements of an array, of which a detached one has none. */
function elementsOf<V>(values: ArrayLike<V>): V[] {
  const all: V[] = [];
  for (let i = 0; i < values.length; i++) all.push(values[i]);
  return all;
}

/** A value in a few words. */
export function short(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 20));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (ArrayBuffer.isView(value)) {
    const numbers = 'length' in value ? elementsOf(value as unknown as ArrayLike<number>) : [];
    return `${value.constructor.name}(${numbers.length})[${numbers.slice(0, 4)}]`;
  }
  if (Array.isArray(value)) return `[${value.slice(0, 3).map(short)}]`;
  return `{${Object.keys(value).slice(0, 4)}}`;
}

/** A value's contents as text, to be compared after a call that threw: numbers of arrays by their bits, five levels down. */
export function contents(value: unknown, depth = 5, seen: Set<object> = new Set()): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? 'f' : short(value);
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    if (byteLength === 0) return `${value.constructor.name}:`;
    return `${value.constructor.name}:${Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64')}`;
  }
  if (depth === 0 || seen.has(value)) return 'o';
  seen.add(value);
  if (Array.isArray(value)) return `[${value.slice(0, 1000).map((item) => contents(item, depth - 1, seen))}]`;
  if (!isPlain(value) && !('data' in value && 'stride' in value)) return value.constructor?.name ?? 'object';
  const own = value as Record<string, unknown>;
  return `{${Object.keys(own).map((name) => `${name}:${contents(own[name], depth - 1, seen)}`)}}`;
}

/** Whether a value holds a NaN or infinity; `large` counts numbers beyond 1000 as well. */
export function holdsNonFinite(value: unknown, large: boolean, depth = 5, seen: Set<object> = new Set()): boolean {
  const bad = (x: unknown): boolean =>
    typeof x === 'number' &&
    (!Number.isFinite(x) || (large && (Math.abs(x) > 1000 || (x !== 0 && Math.abs(x) < 1e-6))));
  if (typeof value === 'number') return bad(value);
  if (typeof value !== 'object' || value === null) return false;
  if (ArrayBuffer.isView(value)) {
    return 'length' in value && elementsOf(value as unknown as ArrayLike<unknown>).some(bad);
  }
  if (depth === 0 || seen.has(value)) return false;
  seen.add(value);
  const items = value instanceof Map ? [...value.values()] : Object.values(value);
  return items.some((item) => holdsNonFinite(item, large, depth - 1, seen));
}
