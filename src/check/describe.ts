/** A value in an error message: its type where it is an object, the beginning of a long text, else itself. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? `'${value.slice(0, 60)}…'` : `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'function') return value.name === '' ? 'a function' : `a function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  const name = typeName(value);
  if (name !== 'Object') return name;
  const keys = Object.keys(value);
  const more = keys.length > 8 ? ', …' : '';
  return keys.length === 0 ? '{}' : `{ ${keys.slice(0, 8).join(', ')}${more} }`;
}

/** The name of a value's class, or the value itself where it has none. */
export function typeName(value: unknown): string {
  const name: unknown = (value as object | null)?.constructor?.name;
  return `${name ?? (typeof value === 'object' && value ? 'Object' : value)}`;
}

/** How a message begins: with a function's name and a colon, or with an object's name that ends in its point, as in `spec.`. */
export function prefix(fn: string): string {
  return fn.endsWith('.') ? fn : `${fn}: `;
}
