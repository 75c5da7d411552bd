/** JSON with its objects as maps. A number that is not written as a whole one ≥ 0 is NaN: no header means it. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;

/** How much of a header is taken before the rest is refused. */
export interface HeaderLimits {
  /** Members of the outermost object. */
  readonly members: number;
  /** Objects and lists inside each other. */
  readonly depth: number;
  /** Elements of a list. */
  readonly elements: number;
}

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WHOLE = /^(?:0|[1-9][0-9]*)$/;
const WORDS = new Map<string, Json>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/**
 * Parses one JSON object that begins at once and ends in nothing but spaces, in linear time. Other than `JSON.parse` it
 * refuses what two programs may read differently: a key that comes twice, `__proto__` as a key, half a surrogate pair.
 *
 * @throws {SyntaxError} that says what is wrong, and at which character.
 */
export function parseHeader(text: string, limits: HeaderLimits): JsonObject {
  let at = 0;

  function fail(what: string): never {
    throw new SyntaxError(`${what} at character ${at}`);
  }

  function skipWhitespace(): void {
    WHITESPACE.lastIndex = at;
    WHITESPACE.test(text);
    at = WHITESPACE.lastIndex;
  }

  function skip(sign: string): void {
    if (text[at] !== sign) fail(`expected ${sign}`);
    at++;
  }

  function object(depth: number): JsonObject {
    const members: JsonObject = new Map();
    list('{', '}', depth, () => {
      const start = at;
      const key = string();
      if (members.has(key) || key === '__proto__') {
        at = start;
        fail(key === '__proto__' ? 'the name __proto__' : `the name ${quoted(key)} a second time`);
      }
      if (depth === 1 && members.size === limits.members) fail(`more than ${limits.members} members`);
      skipWhitespace();
      skip(':');
      members.set(key, value(depth));
    });
    return members;
  }

  function array(depth: number): Json[] {
    const elements: Json[] = [];
    list('[', ']', depth, () => {
      if (elements.length === limits.elements) fail(`a list of more than ${limits.elements} elements`);
      elements.push(value(depth));
    });
    return elements;
  }

  /** Members or elements between brackets, with commas between them. */
  function list(open: string, close: string, depth: number, member: () => void): void {
    if (depth > limits.depth) fail(`more than ${limits.depth} levels`);
    skip(open);
    skipWhitespace();
    if (text[at] === close) {
      at++;
      return;
    }
    for (;;) {
      skipWhitespace();
      member();
      skipWhitespace();
      if (text[at] === close) {
        at++;
        return;
      }
      skip(',');
    }
  }

  function value(depth: number): Json {
    skipWhitespace();
    const first = text[at];
    if (first === '{') return object(depth + 1);
    if (first === '[') return array(depth + 1);
    if (first === '"') return string();
    for (const [word, meaning] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(text)?.[0];
    if (number === undefined) return fail('no value');
    at += number.length;
    return WHOLE.test(number) ? Number(number) : Number.NaN;
  }

  function string(): string {
    if (text[at] !== '"') fail('expected a string');
    let end = at;
    let backslashes: number;
    do {
      end = text.indexOf('"', end + 1);
      if (end < 0) return fail('a string without an end');
      backslashes = 0;
      while (text[end - 1 - backslashes] === '\\') backslashes++;
    } while (backslashes % 2 === 1);
    let parsed: string;
    try {
      parsed = JSON.parse(text.slice(at, end + 1)) as string;
    } catch {
      return fail('a string with an escape or a sign that JSON does not have');
    }
    if (isHalfSurrogate(parsed)) fail('half a surrogate pair');
    at = end + 1;
    return parsed;
  }

  const header = object(1);
  while (text[at] === ' ') at++;
  if (at < text.length) fail('something behind the end');
  return header;
}

/** Whether a string holds half a surrogate pair, which UTF-8 cannot say. */
export function isHalfSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

/** A name in quotes, cut where it is long. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
