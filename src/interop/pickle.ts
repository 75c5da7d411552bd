import { ByteReader, utf8Text } from './byteReader.ts';
import { FormatError } from './formatError.ts';

/** A Python tuple, apart from a list. */
export class PickleTuple {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** A global that a pickle names: a class or a function of the list that the caller allows. */
export class PickleGlobal {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

export interface PickleHost {
  /** What a global makes of its arguments, by `module.name`. A global that is not here is refused; no other code runs. */
  globals: Readonly<Record<string, (args: readonly unknown[]) => unknown>>;
  /** What a persistent id stands for. */
  persistent: (id: unknown) => unknown;
}

/** More than any state_dict needs, and little enough that a file cannot fill the memory. */
const MOST_STACK = 1_000_000;

/**
 * Reads a pickle (protocols 2 to 5) into plain values: null, booleans, numbers, strings, bytes, arrays for lists and
 * sets, {@link PickleTuple}, `Map` for dictionaries, and what `host` makes of the globals it allows. Nothing is imported
 * and nothing is run; a global outside the list is an error that names it.
 *
 * @throws {FormatError} where the pickle is damaged, names a global that is not allowed, or asks for anything else.
 */
export function readPickle(fn: string, bytes: Uint8Array, host: PickleHost): unknown {
  const reader = new ByteReader(fn, bytes);
  const stack: unknown[] = [];
  const marks: number[] = [];
  const memo = new Map<number, unknown>();

  const fail = (what: string): never => {
    throw new FormatError(`${fn}: the pickle ${what} at byte ${reader.at}`);
  };
  const push = (value: unknown): void => {
    if (stack.length >= MOST_STACK) fail(`has more than ${MOST_STACK} values on its stack`);
    stack.push(value);
  };
  const low = (): number => marks.at(-1) ?? 0;
  const pop = (): unknown => (stack.length > low() ? stack.pop() : fail('takes a value that is not there'));
  const top = (): unknown => (stack.length > low() ? stack[stack.length - 1] : fail('takes a value that is not there'));
  const popMark = (): unknown[] => {
    const from = marks.pop();
    return from === undefined ? fail('takes a mark that is not there') : stack.splice(from);
  };
  const text = (length: number): string => utf8Text(fn, 'a text in the pickle', reader.take(length));
  const line = (): string => {
    for (let at = reader.at; at < bytes.length && at < reader.at + 1000; at++) {
      if (bytes[at] === 10) return text(at - reader.at + 1).slice(0, -1);
    }
    return fail('has a line without an end');
  };
  const integer = (length: number): number => {
    if (length > 8) fail(`has an integer of ${length} bytes`);
    let value = 0n;
    for (const [i, byte] of reader.take(length).entries()) value |= BigInt(byte) << BigInt(8 * i);
    const number = Number(BigInt.asIntN(8 * length, value));
    return Number.isSafeInteger(number) ? number : fail('has an integer beyond 2⁵³');
  };
  const global = (path: string): PickleGlobal =>
    Object.hasOwn(host.globals, path)
      ? new PickleGlobal(path)
      : fail(
          `names ${JSON.stringify(path.slice(0, 200))}, which is not on the list of what may be read; nothing was run,`,
        );
  const recall = (index: number): unknown => (memo.has(index) ? memo.get(index) : fail(`recalls memo ${index}`));
  const addItems = (items: readonly unknown[]): void => {
    const value = top();
    const dict =
      value instanceof Map && items.length % 2 === 0 ? value : fail('sets items of something that is no dictionary');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  };
  const append = (items: readonly unknown[]): void => {
    const value = top();
    const list = Array.isArray(value) ? value : fail('appends to something that is no list');
    for (const item of items) list.push(item);
  };
  const dictionary = (items: readonly unknown[]): void => {
    push(new Map());
    addItems(items);
  };
  /** REDUCE and NEWOBJ: a global with its arguments. */
  const call = (): unknown => {
    const args = pop();
    const callee = pop();
    if (!(callee instanceof PickleGlobal)) return fail('calls something that is no global');
    if (!(args instanceof PickleTuple)) return fail(`calls ${callee.path} without a tuple of arguments`);
    return host.globals[callee.path](args.items);
  };
  const operations: Record<number, () => void> = {
    128: () => {
      const protocol = reader.u8(); // PROTO
      if (protocol < 2 || protocol > 5) fail(`has protocol ${protocol}, expected 2 to 5,`);
    },
    149: () => void reader.skip(8), // FRAME
    40: () => void marks.push(stack.length), // MARK
    48: () => void pop(), // POP
    49: () => void popMark(), // POP_MARK
    50: () => push(top()), // DUP
    78: () => push(null), // NONE
    136: () => push(true), // NEWTRUE
    137: () => push(false), // NEWFALSE
    74: () => push(reader.i32()), // BININT
    75: () => push(reader.u8()), // BININT1
    77: () => push(reader.u16()), // BININT2
    138: () => push(integer(reader.u8())), // LONG1
    139: () => push(integer(reader.u32())), // LONG4
    71: () => push(reader.f64BigEndian()), // BINFLOAT
    88: () => push(text(reader.u32())), // BINUNICODE
    140: () => push(text(reader.u8())), // SHORT_BINUNICODE
    141: () => push(text(reader.u64())), // BINUNICODE8
    66: () => push(reader.take(reader.u32())), // BINBYTES
    67: () => push(reader.take(reader.u8())), // SHORT_BINBYTES
    142: () => push(reader.take(reader.u64())), // BINBYTES8
    93: () => push([]), // EMPTY_LIST
    97: () => {
      const item = pop(); // APPEND
      append([item]);
    },
    101: () => append(popMark()), // APPENDS
    108: () => push(popMark()), // LIST
    41: () => push(new PickleTuple([])), // EMPTY_TUPLE
    116: () => push(new PickleTuple(popMark())), // TUPLE
    133: () => push(new PickleTuple([pop()])), // TUPLE1
    134: () => push(new PickleTuple([pop(), pop()].reverse())), // TUPLE2
    135: () => push(new PickleTuple([pop(), pop(), pop()].reverse())), // TUPLE3
    125: () => push(new Map()), // EMPTY_DICT
    100: () => dictionary(popMark()), // DICT
    115: () => addItems([pop(), pop()].reverse()), // SETITEM
    117: () => addItems(popMark()), // SETITEMS
    143: () => push([]), // EMPTY_SET
    144: () => append(popMark()), // ADDITEMS
    145: () => push(popMark()), // FROZENSET
    99: () => {
      const module = line(); // GLOBAL
      push(global(`${module}.${line()}`));
    },
    147: () => {
      const name = pop(); // STACK_GLOBAL
      push(global(`${pop()}.${name}`));
    },
    82: () => push(call()), // REDUCE
    129: () => push(call()), // NEWOBJ
    98: () => {
      pop(); // BUILD: attributes, such as the _metadata of a state_dict, which is an OrderedDict
      if (!(top() instanceof Map)) fail('sets attributes of something that is no OrderedDict');
    },
    81: () => push(host.persistent(pop())), // BINPERSID
    113: () => void memo.set(reader.u8(), top()), // BINPUT
    114: () => void memo.set(reader.u32(), top()), // LONG_BINPUT
    148: () => void memo.set(memo.size, top()), // MEMOIZE
    104: () => push(recall(reader.u8())), // BINGET
    106: () => push(recall(reader.u32())), // LONG_BINGET
  };
  for (;;) {
    const code = reader.u8();
    if (code === 46) return pop(); // STOP
    const operation = operations[code];
    if (operation) operation();
    else fail(`has the operation ${code} (${JSON.stringify(String.fromCharCode(code))}), which is not read,`);
  }
}
