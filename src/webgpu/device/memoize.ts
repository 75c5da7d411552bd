/**
 * A function that makes each value once: kernels that differ by options are written when they are first asked for.
 *
 * @param keyOf what tells one value from another; values of a key that is an object are forgotten with that object
 */
export function memoize<O, V>(keyOf: (options: O) => string | object, make: (options: O) => V): (options: O) => V {
  const byText = new Map<string, V>();
  const byObject = new WeakMap<object, V>();
  return (options) => {
    const key = keyOf(options);
    const made = typeof key === 'string' ? byText.get(key) : byObject.get(key);
    if (made !== undefined) return made;
    const value = make(options);
    if (typeof key === 'string') byText.set(key, value);
    else byObject.set(key, value);
    return value;
  };
}

/** A key of plain options, in whichever order they are written. */
export function optionsKey(options: object): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${value}`)
    .sort()
    .join();
}
