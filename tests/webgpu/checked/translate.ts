import { WgslParser } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { CheckedMemory, Invocation } from './memory.ts';

/**
 * Translates a compute kernel of WGSL to JavaScript, so that every access to memory can be looked at. It knows the part of
 * the language that the library's kernels use, and throws on the rest. Numbers are rounded to the type's after every
 * operation, so that the kernels' own checks hold for the translation too.
 *
 * Vectors and structs are values that nobody changes; arrays are changed in place.
 */
export interface TranslatedKernel {
  /** Invocations of a workgroup along x, y and z. */
  readonly workgroupSize: readonly [number, number, number];
  /** Buffers by binding, with the type of their elements. */
  readonly bindings: readonly { readonly name: string; readonly binding: number; readonly isUniform: boolean }[];
  /** Memory of a workgroup. */
  readonly workgroupMemory: readonly { readonly name: string; readonly words: number }[];
  /** The members of the struct of the uniform buffer at binding 0, in order, each of one word. */
  readonly args: readonly { readonly name: string; readonly type: string }[];
  /** Runs an invocation from barrier to barrier; gives the barrier where it waits. */
  main(self: Self, builtins: Readonly<Record<string, unknown>>): Generator<Barrier, void>;
}

export interface Barrier {
  readonly index: number;
  readonly space: 'workgroup' | 'storage';
}

/** What a translated kernel runs with. */
export interface Self {
  /** Changed at every barrier. */
  by: Invocation;
  readonly memory: Readonly<Record<string, CheckedMemory>>;
  readonly args: Readonly<Record<string, number>>;
  readonly uniforms: Readonly<Record<string, number>>;
  readonly privates: Record<string, unknown>;
}

type Type =
  | { readonly kind: 'f32' | 'u32' | 'i32' | 'bool' | 'whole' | 'void' }
  | { readonly kind: 'vec'; readonly size: number; readonly of: Type }
  | { readonly kind: 'array'; readonly of: Type; readonly count: number }
  | { readonly kind: 'struct'; readonly name: string; readonly members: readonly { name: string; type: Type }[] };

/** A node of the syntax tree; the parser's own classes say no more. */
// biome-ignore lint/suspicious/noExplicitAny: the fields depend on the kind of node
type Node = any;

interface Typed {
  readonly js: string;
  readonly type: Type;
}

const F32: Type = { kind: 'f32' };
const U32: Type = { kind: 'u32' };
const I32: Type = { kind: 'i32' };
const BOOL: Type = { kind: 'bool' };
const SCALARS: Readonly<Record<string, Type>> = { f32: F32, u32: U32, i32: I32, bool: BOOL };
const LETTERS: Readonly<Record<string, Type>> = { f: F32, u: U32, i: I32 };

/** @param leftOut the barrier that is taken out, by its place in the text */
export function translate(code: string, leftOut = -1): TranslatedKernel {
  const nodes: Node[] = new WgslParser().parse(code);
  return new Translation(nodes, leftOut).kernel();
}

class Translation {
  private readonly nodes: Node[];
  private readonly leftOut: number;
  private readonly functions = new Map<string, { node: Node; result: Type; waits: boolean }>();
  private readonly globals = new Map<string, { type: Type; storage: string }>();
  private readonly structs = new Map<string, Type>();
  private barriers = 0;
  private scopes: Map<string, Type>[] = [];
  private names = 0;

  constructor(nodes: Node[], leftOut: number) {
    this.nodes = nodes;
    this.leftOut = leftOut;
  }

  kernel(): TranslatedKernel {
    const consts: string[] = [];
    for (const node of this.nodes) {
      if (node.astNodeType === 'struct') this.struct(node);
      else if (node.astNodeType === 'var') {
        this.globals.set(node.name, { type: this.typeOf(node.type), storage: node.storage });
      } else if (node.astNodeType === 'function') {
        const result: Type = node.returnType ? this.typeOf(node.returnType) : { kind: 'void' };
        this.functions.set(node.name, { node, result, waits: false });
      } else if (node.astNodeType === 'const') {
        const value = this.expression(node.value);
        this.globals.set(node.name, { type: value.type, storage: 'const' });
        consts.push(`const $${node.name} = ${value.js};`);
      } else throw new Error(`translate: ${node.astNodeType} is not known`);
    }
    this.findThoseThatWait();
    const texts = [...this.functions.values()].map(({ node }) => this.function(node));
    const { node: main } = this.functions.get('main')!;
    const parameters = main.args.map((arg: Node) => `builtins.${attribute(arg, 'builtin')}`);
    const source = `${HELPERS}\n${consts.join('\n')}\n${texts.join('\n')}
return function* (self, builtins) { ${this.functions.get('main')!.waits ? 'yield* ' : ''}$main(self, ${parameters.join(', ')}); };`;
    const sizes = [attribute(main, 'workgroup_size')].flat().map(Number);
    const vars = this.nodes.filter(({ astNodeType }) => astNodeType === 'var');
    const bound = vars.filter(({ storage }) => storage === 'uniform' || storage === 'storage');
    const args = bound.find((node) => Number(attribute(node, 'binding')) === 0);
    return {
      workgroupSize: [sizes[0], sizes[1] ?? 1, sizes[2] ?? 1],
      bindings: bound.map((node) => ({
        ...{ name: node.name, binding: Number(attribute(node, 'binding')), isUniform: node.storage === 'uniform' },
      })),
      workgroupMemory: vars
        .filter(({ storage }) => storage === 'workgroup')
        .map(({ name }) => ({ name, words: wordsOf(this.globals.get(name)!.type) })),
      args: membersOf(this.typeOf(args.type)).map(({ name, type }) => ({ name, type: type.kind })),
      main: new Function(source)(),
    };
  }

  private struct(node: Node): Type {
    let type = this.structs.get(node.name);
    if (!type) {
      const members = node.members.map((member: Node) => ({ name: member.name, type: this.typeOf(member.type) }));
      type = { kind: 'struct', name: node.name, members };
      this.structs.set(node.name, type);
    }
    return type;
  }

  private typeOf(node: Node): Type {
    const { name } = node;
    if (SCALARS[name]) return SCALARS[name];
    if (node.members) return this.struct(node);
    // WGSL allows no other access to what is atomic.
    if (name === 'atomic') return this.typeOf(node.format);
    if (name === 'array') return { kind: 'array', of: this.typeOf(node.format), count: Number(node.count) };
    const short = /^vec([234])([fui])?$/.exec(name);
    if (short)
      return { kind: 'vec', size: Number(short[1]), of: short[2] ? LETTERS[short[2]] : this.typeOf(node.format) };
    const struct = this.structs.get(name);
    if (struct) return struct;
    throw new Error(`translate: type ${name} is not known`);
  }

  /** The functions that come to a barrier, themselves or through one that they call: generators. */
  private findThoseThatWait(): void {
    const calls = (node: Node, found: (name: string) => boolean): boolean => {
      if (Array.isArray(node)) return node.some((one) => calls(one, found));
      if (typeof node !== 'object' || node === null || ArrayBuffer.isView(node) || node instanceof Set) return false;
      if ((node.astNodeType === 'call' || node.astNodeType === 'callExpr') && found(node.name)) return true;
      return Object.entries(node).some(([key, value]) => key !== 'type' && calls(value, found));
    };
    for (let again = true; again; ) {
      again = false;
      for (const one of this.functions.values()) {
        const waits = (name: string) => BARRIERS[name] !== undefined || this.functions.get(name)?.waits === true;
        if (one.waits || !calls(one.node.body, waits)) continue;
        one.waits = true;
        again = true;
      }
    }
  }

  private function(node: Node): string {
    const { waits } = this.functions.get(node.name)!;
    this.scopes = [new Map(node.args.map((arg: Node) => [arg.name, this.typeOf(arg.type)]))];
    const parameters = ['self', ...node.args.map((arg: Node) => `$${arg.name}`)];
    return `function${waits ? '*' : ''} $${node.name}(${parameters.join(', ')}) {\n${this.block(node.body)}\n}`;
  }

  private block(body: Node[]): string {
    this.scopes.push(new Map());
    const text = body.map((node) => this.statement(node)).join('\n');
    this.scopes.pop();
    return text;
  }

  private statement(node: Node): string {
    if (Array.isArray(node)) return `{\n${this.block(node)}\n}`;
    switch (node.astNodeType) {
      case 'let':
      case 'const':
      case 'var': {
        const value = node.value ? this.expression(node.value) : null;
        const type = node.type ? this.typeOf(node.type) : concrete(value!.type);
        this.scopes.at(-1)!.set(node.name, type);
        return `let $${node.name} = ${value ? copied(value) : zero(type)};`;
      }
      case 'assign': {
        const value = this.expression(node.value);
        if (node.variable.name === '_') return `${value.js};`;
        if (node.operator === '=') return this.assign(node.variable, () => value);
        return this.assign(node.variable, (old) => binary(node.operator.slice(0, -1), old, value));
      }
      case 'increment':
        return this.assign(node.variable, (old) => binary(node.operator[0], old, { js: '1', type: { kind: 'whole' } }));
      case 'call':
        return `${this.call(node).js};`;
      case 'return':
        // The parser gives `return;` an empty expression.
        return node.value?.type === null && node.value.args === null
          ? 'return;'
          : `return ${this.expression(node.value).js};`;
      case 'if': {
        const branches = [node, ...(node.elseif ?? [])].map(
          ({ condition, body }) => `if (${this.expression(condition).js}) {\n${this.block(body)}\n}`,
        );
        return branches.join(' else ') + (node.else?.length > 0 ? ` else {\n${this.block(node.else)}\n}` : '');
      }
      case 'for': {
        this.scopes.push(new Map());
        const init = node.init ? this.statement(node.init) : ';';
        const condition = node.condition ? this.expression(node.condition).js : '';
        const increment = node.increment ? this.statement(node.increment).replace(/;$/, '') : '';
        const text = `for (${init} ${condition}; ${increment}) {\n${this.block(node.body)}\n}`;
        this.scopes.pop();
        return text;
      }
      case 'continue':
        return 'continue;';
      case 'break':
        return 'break;';
      default:
        throw new Error(`translate: statement ${node.astNodeType} is not known`);
    }
  }

  private typeOfVariable(name: string): { type: Type; storage: string } {
    for (const scope of this.scopes.toReversed()) if (scope.has(name)) return { type: scope.get(name)!, storage: '' };
    const global = this.globals.get(name);
    if (!global) throw new Error(`translate: ${name} is not declared`);
    return global;
  }

  private assign(variable: Node, valueFor: (old: Typed) => Typed): string {
    const { name } = variable;
    const { type, storage } = this.typeOfVariable(name);
    const path = this.path(variable.postfix);
    if (storage === 'storage' || storage === 'workgroup') {
      const place = this.place(type, path);
      const value = valueFor(this.load(name, place));
      return this.store(name, place, value.js);
    }
    const root = storage === 'private' ? `self.privates.${name}` : `$${name}`;
    return `${root} = ${this.changed({ js: root, type }, path, valueFor)};`;
  }

  /** What follows a variable's name: indices and names of members. */
  private path(postfix: Node): (string | Typed)[] {
    const path: (string | Typed)[] = [];
    for (let at = postfix; at; at = at.postfix) {
      path.push(at.astNodeType === 'stringExpr' ? String(at.value) : this.expression(at.index));
    }
    return path;
  }

  /** A variable of an invocation's own with one part of it changed. */
  private changed(old: Typed, path: (string | Typed)[], valueFor: (old: Typed) => Typed): string {
    if (path.length === 0) return copied(valueFor(old));
    const [step, ...rest] = path;
    const part = partOf(old, step);
    const value = this.changed(part, rest, valueFor);
    if (typeof step === 'string' && old.type.kind === 'struct') return `{ ...${old.js}, ${step}: ${value} }`;
    const index = typeof step === 'string' ? String('xyzw'.indexOf(step)) : step.js;
    return old.type.kind === 'array' ? `put(${old.js}, ${index}, ${value})` : `with_(${old.js}, ${index}, ${value})`;
  }

  /** The words of a part of shared memory. */
  private place(type: Type, path: (string | Typed)[]): { word: string; type: Type } {
    let word = '0';
    let at = type;
    for (const step of path) {
      if (at.kind === 'array') {
        word = `${word} + ${wordsOf(at.of)} * ${(step as Typed).js}`;
        at = at.of;
      } else if (at.kind === 'struct') {
        const before = at.members.findIndex(({ name }) => name === step);
        word = `${word} + ${at.members.slice(0, before).reduce((sum, one) => sum + wordsOf(one.type), 0)}`;
        at = at.members[before].type;
      } else if (at.kind === 'vec') {
        word = `${word} + ${typeof step === 'string' ? 'xyzw'.indexOf(step) : step.js}`;
        at = at.of;
      } else throw new Error(`translate: ${at.kind} has no parts`);
    }
    return { word, type: at };
  }

  private load(name: string, { word, type }: { word: string; type: Type }): Typed {
    const memory = `self.memory.${name}`;
    const loadWord = (offset: number, kind: string) =>
      `${memory}.${kind}[${memory}.read(self.by, ${word} + ${offset})]`;
    if (type.kind === 'vec') {
      const { of } = type;
      return { js: `[${Array.from({ length: type.size }, (_, i) => loadWord(i, of.kind)).join(', ')}]`, type };
    }
    if (type.kind === 'struct') {
      const words = type.members.map(({ name, type: { kind } }, i) => `${name}: ${loadWord(i, kind)}`);
      return { js: `{ ${words.join(', ')} }`, type };
    }
    return { js: loadWord(0, type.kind), type };
  }

  private store(name: string, { word, type }: { word: string; type: Type }, value: string): string {
    const memory = `self.memory.${name}`;
    const one = `v${this.names++}`;
    const storeWord = (offset: number, kind: string, part: string) =>
      `${memory}.${kind}[${memory}.write(self.by, ${word} + ${offset})] = ${one}${part};`;
    if (type.kind === 'vec') {
      const { of, size } = type;
      const words = Array.from({ length: size }, (_, i) => storeWord(i, of.kind, `[${i}]`));
      return `{ const ${one} = ${value}; ${words.join(' ')} }`;
    }
    if (type.kind === 'struct') {
      const words = type.members.map((member, i) => storeWord(i, member.type.kind, `.${member.name}`));
      return `{ const ${one} = ${value}; ${words.join(' ')} }`;
    }
    return `{ const ${one} = ${value}; ${storeWord(0, type.kind, '')} }`;
  }

  private expression(node: Node): Typed {
    switch (node.astNodeType) {
      case 'literalExpr': {
        const { name } = node.type;
        const [value] = node.value.data;
        if (name === 'bool') return { js: String(Boolean(value)), type: BOOL };
        return { js: String(value), type: name === 'x32' ? { kind: 'whole' } : SCALARS[name] };
      }
      case 'varExpr': {
        const { name } = node;
        const { type, storage } = this.typeOfVariable(name);
        const path = this.path(node.postfix);
        if (storage === 'storage' || storage === 'workgroup') return this.load(name, this.place(type, path));
        const roots: Record<string, string> = {
          uniform: type.kind === 'struct' ? 'self.args' : `self.uniforms.${name}`,
        };
        const root = storage === 'private' ? `self.privates.${name}` : (roots[storage] ?? `$${name}`);
        return path.reduce<Typed>(partOf, { js: root, type });
      }
      case 'binaryOp':
        return binary(node.operator, this.expression(node.left), this.expression(node.right));
      case 'unaryOp': {
        const right = this.expression(node.right);
        if (node.operator === '!') return { js: `(!${right.js})`, type: BOOL };
        if (node.operator !== '-') throw new Error(`translate: operator ${node.operator} is not known`);
        return eachOf(right, (js, type) => ({ js: rounded(type, `-${js}`), type }));
      }
      case 'callExpr':
        return this.after(this.call(node), node);
      case 'createExpr':
        return this.after(this.create(this.typeOf(node.type), node.args ?? []), node);
      case 'bitcastExpr': {
        const value = this.expression(node.value);
        const to = this.typeOf(node.type);
        if (to.kind !== 'vec') return { js: `cast('${value.type.kind}', '${to.kind}', ${value.js})`, type: to };
        const from = (value.type as Type & { kind: 'vec' }).of.kind;
        return { js: `${value.js}.map((v) => cast('${from}', '${to.of.kind}', v))`, type: to };
      }
      default:
        throw new Error(`translate: expression ${node.astNodeType} is not known`);
    }
  }

  /** Indices and members behind a call. */
  private after(value: Typed, { postfix }: Node): Typed {
    return this.path(postfix).reduce<Typed>(partOf, value);
  }

  private create(type: Type, args: Node[]): Typed {
    const values = args.map((arg) => this.expression(arg));
    if (type.kind === 'array')
      return { js: `[${values.map(({ js }) => js).join(', ')}]`, type: { ...type, count: values.length } };
    if (type.kind === 'struct') {
      return { js: `{ ${type.members.map(({ name }, i) => `${name}: ${values[i].js}`).join(', ')} }`, type };
    }
    if (type.kind !== 'vec') return converted(values[0], type);
    if (values.length === 0) return { js: zero(type), type };
    if (values.length === 1 && values[0].type.kind !== 'vec') {
      return { js: `new Array(${type.size}).fill(${converted(values[0], type.of).js})`, type };
    }
    const parts = values.map((value) => (value.type.kind === 'vec' ? `...${value.js}` : converted(value, type.of).js));
    return { js: `[${parts.join(', ')}]`, type };
  }

  private call(node: Node): Typed {
    const { name } = node;
    if (BARRIERS[name]) {
      const index = this.barriers++;
      return {
        js: index === this.leftOut ? 'void 0' : `(yield { index: ${index}, space: '${BARRIERS[name]}' })`,
        type: { kind: 'void' },
      };
    }
    if (name === 'atomicLoad' || name === 'atomicStore') {
      const [{ right: variable }, value] = node.args;
      const memory = `self.memory.${variable.name}`;
      const { word, type } = this.place(this.typeOfVariable(variable.name).type, this.path(variable.postfix));
      const element = `${memory}.${type.kind}[${memory}.atomic(self.by, ${word})]`;
      if (value === undefined) return { js: element, type };
      return { js: `${element} = ${this.expression(value).js}`, type: { kind: 'void' } };
    }
    const own = this.functions.get(name);
    if (own) {
      const values = node.args.map((arg: Node) => this.expression(arg).js);
      const call = `$${name}(${['self', ...values].join(', ')})`;
      return { js: own.waits ? `(yield* ${call})` : call, type: own.result };
    }
    if (SCALARS[name] || /^(vec|array)/.test(name) || this.structs.has(name)) {
      return this.create(this.typeOf({ name, format: null }), node.args);
    }
    const args: Typed[] = node.args.map((arg: Node) => this.expression(arg));
    if (name === 'any') return { js: `${args[0].js}.some(Boolean)`, type: BOOL };
    if (name === 'dot') return { js: `dot(${args[0].js}, ${args[1].js})`, type: F32 };
    if (name === 'select') {
      const type = concrete(args[0].type.kind === 'whole' ? args[1].type : args[0].type);
      if (args[2].type.kind !== 'vec') return { js: `(${args[2].js} ? ${args[1].js} : ${args[0].js})`, type };
      return { js: `${args[2].js}.map((one, i) => (one ? ${args[1].js}[i] : ${args[0].js}[i]))`, type };
    }
    const fn = BUILTINS[name];
    if (!fn) throw new Error(`translate: function ${name} is not known`);
    const vector = args.find(({ type }) => type.kind === 'vec');
    const one = concrete((args.find(({ type }) => type.kind !== 'whole') ?? args[0]).type);
    const scalar = one.kind === 'vec' ? one.of : one;
    if (!vector) return { js: rounded(scalar, fn(args.map(({ js }) => js))), type: scalar };
    const at = args.map(({ js, type }) => (type.kind === 'vec' ? `${js}[i]` : js));
    return { js: `${vector.js}.map((_, i) => ${rounded(scalar, fn(at))})`, type: vector.type };
  }
}

const BARRIERS: Readonly<Record<string, Barrier['space']>> = {
  workgroupBarrier: 'workgroup',
  storageBarrier: 'storage',
};

const BUILTINS: Readonly<Record<string, (args: string[]) => string>> = {
  abs: ([x]) => `Math.abs(${x})`,
  exp: ([x]) => `Math.exp(${x})`,
  log: ([x]) => `Math.log(${x})`,
  sqrt: ([x]) => `Math.sqrt(${x})`,
  floor: ([x]) => `Math.floor(${x})`,
  sign: ([x]) => `Math.sign(${x})`,
  min: ([x, y]) => `Math.min(${x}, ${y})`,
  max: ([x, y]) => `Math.max(${x}, ${y})`,
  clamp: ([x, low, high]) => `Math.min(Math.max(${x}, ${low}), ${high})`,
  fma: ([x, y, z]) => `${x} * ${y} + ${z}`,
};

/** What the translated text calls. */
const HELPERS = `
const f = Math.fround;
const word = new DataView(new ArrayBuffer(4));
const setters = { f32: 'setFloat32', u32: 'setUint32', i32: 'setInt32' };
const getters = { f32: 'getFloat32', u32: 'getUint32', i32: 'getInt32' };
const cast = (from, to, value) => { word[setters[from]](0, value); return word[getters[to]](0); };
const put = (array, i, value) => { array[i] = value; return array; };
const with_ = (vector, i, value) => { const changed = vector.slice(); changed[i] = value; return changed; };
const dot = (a, b) => a.reduce((sum, one, i) => f(sum + f(one * b[i])), 0);
const divided = (a, b) => b === 0 ? a : Math.trunc(a / b);
const remainder = (a, b) => b === 0 ? 0 : a % b;`;

function attribute(node: Node, name: string): string | string[] {
  return node.attributes.find((one: Node) => one.name === name).value;
}

function membersOf(type: Type): readonly { name: string; type: Type }[] {
  return type.kind === 'struct' ? type.members : [];
}

function wordsOf(type: Type): number {
  if (type.kind === 'vec') return type.size;
  if (type.kind === 'array') return type.count * wordsOf(type.of);
  if (type.kind === 'struct') return type.members.reduce((sum, member) => sum + wordsOf(member.type), 0);
  return 1;
}

function zero(type: Type): string {
  if (type.kind === 'bool') return 'false';
  if (type.kind === 'vec') return `new Array(${type.size}).fill(${zero(type.of)})`;
  if (type.kind === 'array') return `Array.from({ length: ${type.count} }, () => ${zero(type.of)})`;
  if (type.kind === 'struct') return `{ ${type.members.map((one) => `${one.name}: ${zero(one.type)}`).join(', ')} }`;
  return '0';
}

/** A number without a type of its own is an `i32` where it is kept. */
function concrete(type: Type): Type {
  return type.kind === 'whole' ? I32 : type;
}

/** An array that is kept is one of its own. */
function copied({ js, type }: Typed): string {
  return type.kind === 'array' ? `${js}.slice()` : js;
}

function partOf({ js, type }: Typed, step: string | Typed): Typed {
  if (type.kind === 'struct') {
    const member = type.members.find(({ name }) => name === step)!;
    return { js: `${js}.${member.name}`, type: member.type };
  }
  if (type.kind !== 'vec' && type.kind !== 'array') throw new Error(`translate: ${type.kind} has no parts`);
  if (typeof step !== 'string') return { js: `${js}[${step.js}]`, type: type.of };
  if (step.length === 1) return { js: `${js}[${'xyzw'.indexOf(step)}]`, type: type.of };
  const picked = [...step].map((letter) => `${js}[${'xyzw'.indexOf(letter)}]`);
  return { js: `[${picked.join(', ')}]`, type: { kind: 'vec', size: step.length, of: type.of } };
}

function rounded(type: Type, js: string): string {
  if (type.kind === 'f32') return `f(${js})`;
  if (type.kind === 'u32') return `((${js}) >>> 0)`;
  if (type.kind === 'i32') return `((${js}) | 0)`;
  return `(${js})`;
}

function converted({ js, type }: Typed, to: Type): Typed {
  if (to.kind === 'bool') return { js: type.kind === 'bool' ? js : `(${js} !== 0)`, type: to };
  return {
    js: rounded(to, type.kind === 'bool' ? `Number(${js})` : to.kind === 'f32' ? js : `Math.trunc(${js})`),
    type: to,
  };
}

/** An operation on a number, or on each of a vector. */
function eachOf(value: Typed, operation: (js: string, type: Type) => Typed): Typed {
  if (value.type.kind !== 'vec') return operation(value.js, value.type);
  return { js: `${value.js}.map((v) => ${operation('v', value.type.of).js})`, type: value.type };
}

function binary(operator: string, left: Typed, right: Typed): Typed {
  const vector = [left, right].find(({ type }) => type.kind === 'vec');
  if (!vector) return binaryOfNumbers(operator, left, right);
  const { of, size } = vector.type as Type & { kind: 'vec' };
  const at = ({ type }: Typed, name: string): Typed =>
    type.kind === 'vec' ? { js: `${name}[i]`, type: type.of } : { js: name, type };
  const { js, type } = binaryOfNumbers(operator, at(left, 'a'), at(right, 'b'));
  const text = `((a, b) => [${Array.from({ length: size }, (_, i) => js.replaceAll('[i]', `[${i}]`)).join(', ')}])(${left.js}, ${right.js})`;
  return { js: text, type: { kind: 'vec', size, of: type.kind === 'bool' ? BOOL : of } };
}

function binaryOfNumbers(operator: string, left: Typed, right: Typed): Typed {
  const type = left.type.kind === 'whole' ? right.type : left.type;
  const [a, b] = [left.js, right.js];
  switch (operator) {
    case '<':
    case '>':
    case '<=':
    case '>=':
    case '&&':
    case '||':
      return { js: `(${a} ${operator} ${b})`, type: BOOL };
    case '==':
    case '!=':
      return { js: `(${a} ${operator}= ${b})`, type: BOOL };
    case '+':
    case '-':
      return { js: rounded(type, `${a} ${operator} ${b}`), type };
    case '*':
      return { js: type.kind === 'f32' ? `f(${a} * ${b})` : rounded(type, `Math.imul(${a}, ${b})`), type };
    case '/':
      return { js: type.kind === 'f32' ? `f(${a} / ${b})` : rounded(type, `divided(${a}, ${b})`), type };
    case '%':
      return { js: type.kind === 'f32' ? `f(${a} % ${b})` : rounded(type, `remainder(${a}, ${b})`), type };
    case '&':
    case '|':
      if (type.kind === 'bool') return { js: `(${a} ${operator}${operator} ${b})`, type };
      return { js: rounded(type, `${a} ${operator} ${b}`), type };
    case '^':
    case '<<':
    case '>>':
      return { js: rounded(type, `${a} ${type.kind === 'u32' && operator === '>>' ? '>>>' : operator} ${b}`), type };
    default:
      throw new Error(`translate: operator ${operator} is not known`);
  }
}
