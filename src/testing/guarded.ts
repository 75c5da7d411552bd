/** Something with elements: a typed array. */
type Elements = Float32Array | Float64Array | Int32Array;

/** Methods of typed arrays that change their array. */
const MUTATORS = new Set(['set', 'fill', 'copyWithin', 'sort', 'reverse']);

/**
 * The same array for a function under test, which may not read or write past its ends (JavaScript would let that pass in
 * silence) nor, where it is not its to write, change it.
 *
 * @param who the function, `what` the array, for messages
 * @throws {RangeError | TypeError} from the access itself
 */
export function guarded<A extends Elements>(values: A, who: string, what: string, mayWrite: boolean): A {
  const past = (verb: string, key: string) =>
    new RangeError(`${who} ${verb} ${what}[${key}], which has ${values.length} elements`);
  const handsOff = () => new TypeError(`${who} writes to ${what}, which it is to leave alone`);
  const isIndex = (key: string | symbol): key is string => typeof key === 'string' && !Number.isNaN(Number(key));
  const isNowhere = (key: string | symbol) => key === 'NaN' || key === 'undefined';
  return new Proxy(values, {
    get(target, key) {
      if (isNowhere(key) || (isIndex(key) && !(key in target))) throw past('reads', String(key));
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof value !== 'function' || key === 'constructor') return value;
      if (!mayWrite && MUTATORS.has(String(key))) throw handsOff();
      return value.bind(target);
    },
    set(target, key, value) {
      if (isNowhere(key) || (isIndex(key) && !(key in target))) throw past('writes', String(key));
      if (!mayWrite) throw handsOff();
      return Reflect.set(target, key, value, target);
    },
  });
}
