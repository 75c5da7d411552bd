import { elementwise } from './elements.ts';
import type { KernelSource } from './pipelines.ts';
import { upTo } from './sizes.ts';
import { sumNames, sumsOfProducts } from './tile.ts';
import { variants } from './variants.ts';
import { WALK_ARGS, type WalkOptions, walkCode } from './walk.ts';

/**
 * A cell in WGSL. `next` computes one unit of one sequence, `back` is its backward; what they read and write beside
 * their arguments they find at `row`, the sequence's row of that step in every tensor.
 */
export interface CellWgsl {
  readonly name: string;
  /** G, at most 4: a vec4f holds a unit's gates. */
  readonly gates: number;
  /** Whether there is a state c beside h. */
  readonly hasC: boolean;
  /** Blocks of H that forward leaves for backward in `cache`. */
  readonly cacheBlocks: number;
  /** Whether `back` gives the state's product another gradient than the input's: that of the last gate is `n`. */
  readonly splitGradients: boolean;
  /** Whether it has peepholes `p`. */
  readonly peepholes: boolean;
  /** `fn next(x: vec4f, s: vec4f, row: u32, j: u32, hp: f32, cp: f32) -> Next`: shares of input and state in the gates. */
  readonly next: string;
  /** `fn back(row: u32, j: u32, d: f32, dc: f32) -> Back`: of what reaches h and c. */
  readonly back: string;
  /** The share of what reaches h that reaches the h before past the gates, an expression over `d`, `row` and `j`. */
  readonly past: string | null;
}

const STRUCTS = `
struct Next { h: f32, c: f32 }
struct Back { a: vec4f, n: f32, c: f32 }`;

/**
 * How a step of a cell is computed. What else may differ, biases, masks and learned initial states, is told by
 * `args.flags`: where one is missing any other tensor takes its place and is not looked at, so that fewer kernels have to
 * be compiled.
 */
export interface ForwardOptions {
  readonly [option: string]: string | number | boolean;
  /** Whether the input's share comes from `zx` or, a gather, from `Wih` and `ids` (and `bih`). */
  readonly gathers: boolean;
  /** Whether the first step makes the state that the window starts from, out of `given`, `keep` and `h0`, `c0`. */
  readonly starts: boolean;
}

/** The tile of a kernel that does one step: sequences, and fours of units or, with several gates, of one unit's gates. */
export interface StepOptions {
  readonly rows: number;
  readonly fours: number;
}

/** What a step has beside what every step has. */
export const FLAGS = { bhh: 1, bih: 2, learned: 4, masked: 8 } as const;

/** WGSL: whether the step has it. */
const has = (flag: keyof typeof FLAGS): string => `((args.flags & ${FLAGS[flag]}u) != 0u)`;

/** `vec4f(…)` of one expression for each gate, zeros for gates that the cell lacks. */
function gateVector(gates: number, of: (gate: number) => string): string {
  return `vec4f(${upTo(4)
    .map((g) => (g < gates ? of(g) : '0.0'))
    .join(', ')})`;
}

/** Forward kernels of a cell: of one step, or of all steps of a few sequences, which a workgroup walks. */
export interface ForwardKernels {
  step(options: ForwardOptions & StepOptions): KernelSource;
  walk(options: ForwardOptions & WalkOptions): KernelSource;
}

/** Units of a tile of a forward step. */
export function unitsOf({ gates }: CellWgsl, fours: number): number {
  return gates === 1 ? 4 * fours : fours;
}

export function forwardKernels(cell: CellWgsl): ForwardKernels {
  const { gates: G, hasC } = cell;
  const name = `${cell.name}Forward`;
  const args = { B: 'u32', H: 'u32', D: 'u32', stride: 'u32', steps: 'u32', flags: 'u32' } as const;
  const unit = (g: number): string => `${g}u * args.H + j`;
  const common = (
    o: ForwardOptions,
  ): { outputs: KernelSource['outputs']; inputs: KernelSource['inputs']; functions: string } => {
    const outputs: Record<string, 'f32'> = { h: 'f32', hPrev: 'f32' };
    if (hasC) Object.assign(outputs, { c: 'f32', cPrev: 'f32' });
    if (cell.cacheBlocks > 0) outputs.cache = 'f32';
    const inputs: Record<string, 'f32' | 'i32'> = { Whh: 'f32', bhh: 'f32', mask: 'f32' };
    if (cell.peepholes) inputs.p = 'f32';
    if (o.gathers) Object.assign(inputs, { ids: 'i32', Wih: 'f32', bih: 'f32' });
    else inputs.zx = 'f32';
    if (o.starts) Object.assign(inputs, { keep: 'f32', given: 'f32', h0: 'f32' });
    if (o.starts && hasC) Object.assign(inputs, { givenC: 'f32', c0: 'f32' });
    const gatesOfInput = o.gathers
      ? `let id = u32(ids(row));
  var x = ${gateVector(G, (g) => `Wih((${unit(g)}) * args.D + id)`)};
  if (${has('bih')}) { x += ${gateVector(G, (g) => `bih(${unit(g)})`)}; }
  return x;`
      : `let at = row * ${G}u * args.H + j; return ${gateVector(G, (g) => `zx(at + ${g}u * args.H)`)};`;
    const start = (which: 'h' | 'c'): string => `
fn start_${which}(b: u32, j: u32) -> f32 {
  if (keep(b) == 1.0) { return ${which === 'h' ? 'given' : 'givenC'}(b * args.H + j); }
  if (${has('learned')}) { return ${which}0(j); }
  return 0.0;
}`;
    const functions = `${STRUCTS}${cell.next}
fn input_gates(row: u32, j: u32) -> vec4f { ${gatesOfInput} }
${o.starts ? start('h') : ''}${o.starts && hasC ? start('c') : ''}
fn advance(row: u32, b: u32, j: u32, sum: vec4f, hp: f32, first: bool) -> f32 {
  let at = row * args.H + j;
  ${hasC ? `var cp = cPrev(at);${o.starts ? ' if (first) { cp = start_c(b, j); }' : ''}` : 'let cp = 0.0;'}
  var s = sum;
  if (${has('bhh')}) { s += ${gateVector(G, (g) => `bhh(${unit(g)})`)}; }
  var now = next(input_gates(row, j), s, row, j, hp, cp);
  if (${has('masked')} && mask(row) != 1.0) { now = Next(hp, cp); }
  set_h(at, now.h);
  ${hasC ? 'set_c(at, now.c);' : ''}
  ${o.starts ? `if (first) { set_hPrev(at, hp); ${hasC ? 'set_cPrev(at, cp);' : ''} }` : ''}
  return now.h;
}`;
    return { outputs, inputs, functions };
  };
  return {
    step: variants((o) => {
      const { outputs, inputs, functions } = common(o);
      const units = unitsOf(cell, o.fours);
      // Four units of a cell with one gate, or the four gates of a unit.
      const columns = upTo(o.fours).map((v) =>
        G === 1
          ? `min(${units}u * tile + ${4 * v}u + vec4u(0u, 1u, 2u, 3u), vec4u(args.H - 1u)) * args.H`
          : `(min(${units}u * tile + ${v}u, args.H - 1u) + vec4u(0u, 1u, 2u, ${G - 1}u) * args.H) * args.H`,
      );
      const a = o.starts ? 'start_h(at / args.H, at % args.H)' : 'hPrev(at)';
      const body = `
  let tiles = (args.H + ${units - 1}u) / ${units}u;
  let tile = i % tiles;
  let b0 = ${o.rows}u * (i / tiles);
  ${sumsOfProducts({
    rows: upTo(o.rows).map((r) => `min(b0 + ${r}u, args.B - 1u) * args.H`),
    aStep: '1u',
    columns,
    bStep: '1u',
    count: 'args.H',
  })}
  ${overSums(o.rows, o.fours, units, `_ = advance(b, b, j, ${G === 1 ? 'vec4f(sums[s / 4u][s % 4u], 0.0, 0.0, 0.0)' : 'sums[s]'}, a(b * args.H + j), true);`)}`;
      const reach = `
fn a(at: u32) -> f32 { return ${a}; }
fn b(at: u32) -> f32 { return Whh(at); }`;
      return elementwise(name, outputs, inputs, args, body, functions + reach);
    }),

    walk: variants((o) => {
      const { outputs, inputs, functions } = common(o);
      const gates = upTo(4)
        .map((g) => (g < G ? `product(r, ${g}u * args.H + j)` : '0.0'))
        .join(', ');
      return {
        ...{ name: `${name}Walk`, outputs, inputs, args: { ...args, ...WALK_ARGS } },
        code:
          functions +
          walkCode(o, {
            inner: 'args.H',
            outputs: `${G}u * args.H`,
            outputStep: 'args.H',
            innerStep: '1u',
            begin: `operand[at] = ${o.starts ? 'start_h(b, j)' : 'hPrev(b * args.H + j)'};`,
            skips: 'false',
            step: `operand[at] = advance(n * args.stride + b, b, j, vec4f(${gates}), operand[at], n == 0u);`,
          }),
      };
    }),
  };
}

/** WGSL: statements for each sum of a tile: number `s` of them, of sequence `b` and unit `j`. */
function overSums(rows: number, fours: number, units: number, statements: string): string {
  return `
  var sums = array<vec4f, ${rows * fours}>(${sumNames(rows, fours).join(', ')});
  for (var s = 0u; s < ${rows * units}u; s++) {
    let b = b0 + s / ${units}u;
    let j = ${units}u * tile + s % ${units}u;
    if (b < args.B && j < args.H) { ${statements} }
  }`;
}

/** The tensors of a cell's backward step. */
function backwardTensors(cell: CellWgsl): { outputs: Record<string, 'f32'>; inputs: Record<string, 'f32'> } {
  const outputs: Record<string, 'f32'> = { dh: 'f32', dzx: 'f32' };
  if (cell.splitGradients) outputs.dzh = 'f32';
  if (cell.hasC) outputs.dc = 'f32';
  const inputs: Record<string, 'f32'> = {};
  if (cell.cacheBlocks > 0) inputs.cache = 'f32';
  else inputs.h = 'f32';
  if (cell.hasC) inputs.cPrev = 'f32';
  else if (cell.cacheBlocks > 0) inputs.hPrev = 'f32';
  if (cell.peepholes) inputs.p = 'f32';
  return { outputs, inputs };
}

/** WGSL: a gate's gradient as the state's product gets it, out of `g`, a `Back`. */
const gradientOfState =
  ({ gates: G, splitGradients }: CellWgsl) =>
  (gate: number): string =>
    splitGradients && gate === G - 1 ? 'g.n' : `g.a[${gate}]`;

/** WGSL: writes the gradients of a unit's gates. */
function storeGates(cell: CellWgsl): string {
  const { gates: G, splitGradients } = cell;
  const ofState = gradientOfState(cell);
  const at = (g: number): string => `row * ${G}u * args.H + ${g}u * args.H + j`;
  return `
fn store_gates(row: u32, j: u32, g: Back) {
  ${upTo(G)
    .map((g) => `set_dzx(${at(g)}, g.a[${g}]);`)
    .join(' ')}
  ${
    splitGradients
      ? upTo(G)
          .map((g) => `set_dzh(${at(g)}, ${ofState(g)});`)
          .join(' ')
      : ''
  }
}`;
}

/** The gates' share of a backward step, dzx (and dzh), and dc in place; `past` starts dhPrev where the cell has one. */
export function gatesBackwardKernel(cell: CellWgsl): KernelSource {
  const { outputs, inputs } = backwardTensors(cell);
  const { dh: _, ...others } = outputs;
  const body = `
  let row = i / args.H;
  let j = i % args.H;
  let d = dh(i);
  let g = back(row, j, d, ${cell.hasC ? 'dcNext(i)' : '0.0'});
  store_gates(row, j, g);
  ${cell.hasC ? 'set_dc(i, g.c);' : ''}
  ${cell.past ? `set_dhPrev(i, ${cell.past});` : ''}`;
  return elementwise(
    `${cell.name}GatesBackward`,
    { ...others, ...(cell.past ? { dhPrev: 'f32' } : {}) },
    { ...inputs, dh: 'f32', ...(cell.hasC ? { dcNext: 'f32' } : {}) },
    { H: 'u32' },
    body,
    `${STRUCTS}${cell.back}${storeGates(cell)}`,
  );
}

/** Backward kernels of a cell. `tail` only gives `dhNext`, what reaches the state that the window starts from. */
export interface BackwardKernels {
  step(options: BackwardStepOptions): KernelSource;
  walk(options: WalkOptions & { readonly [option: string]: number }): KernelSource;
}

export interface BackwardStepOptions extends StepOptions {
  readonly [option: string]: number | boolean;
  readonly tail: boolean;
}

/**
 * Backward kernels of a cell, one step late: a step first takes what the step after it in time sends back,
 * dz_{t+1}·Whh, adds what its output got, and then goes through its gates. So a step is one dispatch.
 *
 * Where a sequence lacks the step after, what reached that one passes by.
 */
export function backwardKernels(cell: CellWgsl): BackwardKernels {
  const { gates: G, hasC, splitGradients } = cell;
  const args = { B: 'u32', H: 'u32', stride: 'u32', steps: 'u32', n: 'u32', span: 'u32', flags: 'u32' } as const;
  const common = (
    tail: boolean,
  ): { outputs: KernelSource['outputs']; inputs: KernelSource['inputs']; functions: string } => {
    const { outputs, inputs } = backwardTensors(cell);
    if (tail) outputs.dhNext = 'f32';
    Object.assign(inputs, { Whh: 'f32', dfinal: 'f32' });
    if (hasC) inputs.dfinalC = 'f32';
    inputs.mask = 'f32';
    const functions = `
fn is_cut(n: u32) -> bool { return n < args.steps && args.span != 0u && (args.steps - n) % args.span == 0u; }
fn lacks(row: u32) -> bool { return ${has('masked')} && mask(row) != 1.0; }
/** What reaches h of this step from the one after it. */
fn incoming(row: u32, b: u32, j: u32, sum: f32, n: u32) -> f32 {
  if (n == 0u) { return dfinal(b * args.H + j); }
  let after = row - args.stride;
  let at = after * args.H + j;
  if (lacks(after)) { return dh(at); }
  if (is_cut(n)) { return 0.0; }
  ${cell.past ? `{ let row = after; let d = dh(at); return sum + ${cell.past}; }` : 'return sum;'}
}`;
    return { outputs, inputs, functions };
  };
  const stepBack = `${STRUCTS}${cell.back}${storeGates(cell)}
${
  hasC
    ? `fn incoming_c(row: u32, b: u32, j: u32, n: u32) -> f32 {
  if (n == 0u) { return dfinalC(b * args.H + j); }
  if (is_cut(n) && !lacks(row - args.stride)) { return 0.0; }
  return dc(b * args.H + j);
}`
    : ''
}
fn step_back(row: u32, b: u32, j: u32, sum: f32, n: u32) -> Back {
  let at = row * args.H + j;
  let d = dh(at) + incoming(row, b, j, sum, n);
  set_dh(at, d);
  let dc_next = ${hasC ? 'incoming_c(row, b, j, n)' : '0.0'};
  var g = back(row, j, d, dc_next);
  if (lacks(row)) { g = Back(vec4f(), 0.0, dc_next); }
  store_gates(row, j, g);
  ${hasC ? 'set_dc(b * args.H + j, g.c);' : ''}
  return g;
}`;
  return {
    step: variants(({ rows, fours, tail }) => {
      const { outputs, inputs, functions } = common(tail);
      const units = 4 * fours;
      const end = tail
        ? 'set_dhNext(b * args.H + j, incoming(b, b, j, sum, args.n));'
        : '_ = step_back(b, b, j, sum, args.n);';
      const body = `
  let tiles = (args.H + ${units - 1}u) / ${units}u;
  let tile = i % tiles;
  let b0 = ${rows}u * (i / tiles);
  ${sumsOfProducts({
    rows: upTo(rows).map((r) => `(min(b0 + ${r}u, args.B - 1u) - args.stride) * ${G}u * args.H`),
    aStep: '1u',
    columns: upTo(fours).map((v) => `min(${units}u * tile + ${4 * v}u + vec4u(0u, 1u, 2u, 3u), vec4u(args.H - 1u))`),
    bStep: 'args.H',
    count: `select(${G}u * args.H, 0u, args.n == 0u || is_cut(args.n))`,
  })}
  ${overSums(rows, fours, units, `let sum = sums[s / 4u][s % 4u]; ${end}`)}`;
      const reach = `
fn a(at: u32) -> f32 { return ${splitGradients ? 'dzh' : 'dzx'}(at); }
fn b(at: u32) -> f32 { return Whh(at); }`;
      const name = `${cell.name}Backward${tail ? 'Tail' : ''}`;
      return elementwise(name, outputs, inputs, args, body, functions + (tail ? '' : stepBack) + reach);
    }),

    walk: variants((o) => {
      const { outputs, inputs, functions } = common(false);
      const gates = upTo(G).map((g) => `operand[at + ${g}u * args.H] = ${gradientOfState(cell)(g)};`);
      return {
        ...{ name: `${cell.name}BackwardWalk`, outputs, inputs, args: { ...args, ...WALK_ARGS } },
        code:
          functions +
          stepBack +
          walkCode(o, {
            inner: `${G}u * args.H`,
            outputs: 'args.H',
            outputStep: '1u',
            innerStep: 'args.H',
            begin: '',
            skips: 'n == 0u || is_cut(n)',
            step: `let g = step_back(n * args.stride + b, b, j, product(r, j), n);
        ${gates.join(' ')}`,
          }),
      };
    }),
  };
}
