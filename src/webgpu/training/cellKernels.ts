import { type Cell, type CellPart, cellSizes, type PartProgram, partProgram } from '../../layers/cell.ts';
import { elementwise } from '../device/elementwise.ts';
import { memoize, optionsKey } from '../device/memoize.ts';
import type { KernelSource } from '../device/pipelines.ts';
import { upTo } from '../device/sizes.ts';
import { sumNames, sumsOfProducts } from '../kernels/tile.ts';
import { elementAt, FORMULA_WGSL, partWgsl } from './formulas.ts';
import { PERSISTENT_ARGS, type PersistentOptions, persistentCode } from './persistentRecurrence.ts';

/*
 * The kernels of a cell, made from its formula. A buffer has the name that `PartArray` has for it: `states0` is h after the
 * step, `previous1` the second state before it, `saved`, `extra0`, `dstates1`, …
 */

/** Gates of the product with h that the kernels of a whole recurrence can do: a vec4f holds a unit's sums. */
const MOST_GATES = 4;

/** @throws {RangeError} unless the cell has a formula, which all its kernels are made from. */
export function formulaOf(cell: Cell): Cell & { readonly formula: NonNullable<Cell['formula']> } {
  const { formula } = cell;
  if (!formula) throw new RangeError(`spec.cell ${cell.name} has no formula, which engine webgpu needs`);
  return { ...cell, formula };
}

/** Whether all steps of a recurrence are one stage; the other cells go through the default loop, kernel by kernel. */
export function isFused(cell: Cell): boolean {
  const { hidden, inner } = cellSizes(cell);
  return inner === 0 && hidden <= MOST_GATES;
}

/** A part of a cell by itself: an invocation for each unit of each sequence. */
export const partKernels: (cell: Cell) => (part: CellPart) => { source: KernelSource; program: PartProgram } = memoize(
  (cell) => cell,
  (cell) =>
    memoize(
      (part) => part,
      (part) => {
        const program = partProgram(formulaOf(cell), part);
        const { statements, values } = partWgsl(program, () => null);
        const stores = program.outputs.flatMap((output, o) =>
          values[o].map((value, k) => `set_${output.name}(${elementAt(output, k)}, ${value});`),
        );
        const source = elementwise(
          `${cell.name} ${part}`,
          floats(program.outputs.map(({ name }) => name)),
          floats(program.inputs.map(({ name }) => name)),
          { H: 'u32' },
          `let row = i / args.H;
  let j = i % args.H;
  ${statements}
  ${stores.join('\n  ')}`,
          FORMULA_WGSL,
        );
        return { source, program };
      },
    ),
);

/**
 * What else the kernels of a recurrence differ in. Biases, masks and learned initial states are told by `args.flags`: where
 * one is missing any other buffer takes its place and is not read, so that fewer kernels have to be compiled.
 */
export interface ForwardOptions {
  /** Whether the input's share of the gates comes from `xGates` or, a gather, from `Wih` and `ids` (and `bih`). */
  readonly gathers: boolean;
  /** Whether the first step makes the state that the window starts from, of `initial`, `carry` and `learned`. */
  readonly starts: boolean;
}

/** The tile of a kernel that does one step: sequences, and fours of units or, with several gates, of one unit's gates. */
export interface StepOptions {
  readonly rows: number;
  readonly fours: number;
}

/** What a recurrence may have. */
export const FLAGS = { bhh: 1, bih: 2, learned: 4, masked: 8 } as const;

/** WGSL: whether it has it. */
const has = (flag: keyof typeof FLAGS): string => `((args.flags & ${FLAGS[flag]}u) != 0u)`;

const floats = (names: readonly string[]): Record<string, 'f32'> =>
  Object.fromEntries(names.map((name) => [name, 'f32'] as const));

/** `vec4f(…)` of one expression for each gate, zeros for gates that the cell lacks. */
function gateVector(gates: number, of: (gate: number) => string): string {
  return `vec4f(${upTo(4)
    .map((g) => (g < gates ? of(g) : '0.0'))
    .join(', ')})`;
}

/** Units of a tile of a forward step. */
export function unitsOf({ gates }: Cell, fours: number): number {
  return gates === 1 ? 4 * fours : fours;
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

/** Forward kernels of a recurrence. */
export interface ForwardKernels {
  /** One step. */
  step(options: ForwardOptions & StepOptions): KernelSource;
  /** All steps of a few sequences, by a workgroup. */
  persistent(options: ForwardOptions & PersistentOptions): KernelSource;
  /** All steps of a unit of a cell without a product, by an invocation. */
  unit(options: ForwardOptions): KernelSource;
}

export const forwardKernels: (cell: Cell) => ForwardKernels = memoize((cell) => cell, writeForward);

function writeForward(cell: Cell): ForwardKernels {
  const { gates: G, states } = cell;
  const { hidden } = cellSizes(cell);
  const program = partProgram(formulaOf(cell), 'forward');
  const name = `${cell.name}Forward`;
  const args = { B: 'u32', H: 'u32', D: 'u32', stride: 'u32', steps: 'u32', flags: 'u32' } as const;
  const all = states.map((_, k) => k);
  const others = all.slice(1);
  const { statements, values } = partWgsl(program, (array, block) => {
    if (array === 'xGates') return `input_gate(${block}u, row, j, id)`;
    if (array === 'hGates') return `s.${'xyzw'[block]}`;
    return array.startsWith('previous') ? `p${array.slice('previous'.length)}` : null;
  });
  const common = ({ gathers, starts }: ForwardOptions) => {
    const outputs = floats([
      ...all.flatMap((k) => [`states${k}`, `previous${k}`]),
      ...(cell.savedBlocks > 0 ? ['saved'] : []),
    ]);
    const inputs: Record<string, 'f32' | 'i32'> = floats([
      ...(hidden > 0 ? ['Whh', 'bhh'] : []),
      'mask',
      ...program.inputs.map((input) => input.name).filter((input) => input.startsWith('extra')),
      ...(gathers ? ['Wih', 'bih'] : ['xGates']),
      ...(starts ? ['carry', ...all.flatMap((k) => [`initial${k}`, `learned${k}`])] : []),
    ]);
    if (gathers) inputs.ids = 'i32';
    const gate = gathers
      ? `var x = Wih((gate * args.H + j) * args.D + id);
  if (${has('bih')}) { x += bih(gate * args.H + j); }
  return x;`
      : `return xGates((row * ${G}u + gate) * args.H + j);`;
    const start = (k: number): string => `
fn start${k}(b: u32, j: u32) -> f32 {
  if (carry(b) == 1.0) { return initial${k}(b * args.H + j); }
  if (${has('learned')}) { return learned${k}(j); }
  return 0.0;
}`;
    const saved = program.outputs.flatMap((output, o) =>
      output.name === 'saved' ? values[o].map((value, k) => `set_saved(${elementAt(output, k)}, ${value});`) : [],
    );
    const functions = `${FORMULA_WGSL}
fn input_gate(gate: u32, row: u32, j: u32, id: u32) -> f32 { ${gate} }
${starts ? all.map(start).join('') : ''}
/** Step \`row\` of unit j, from the product with h and h itself: the next h. */
fn advance(row: u32, b: u32, j: u32, sum: vec4f, p0: f32, first: bool) -> f32 {
  let at = row * args.H + j;
  let id = ${gathers ? 'u32(ids(row))' : '0u'};
  ${others.map((k) => `var p${k} = previous${k}(at);${starts ? ` if (first) { p${k} = start${k}(b, j); }` : ''}`).join('\n  ')}
  var s = sum;
  ${hidden > 0 ? `if (${has('bhh')}) { s += ${gateVector(G, (g) => `bhh(${g}u * args.H + j)`)}; }` : ''}
  ${statements}
  ${saved.join('\n  ')}
  ${all.map((k) => `var next${k} = ${values[k][0]};`).join(' ')}
  if (${has('masked')} && mask(row) != 1.0) { ${all.map((k) => `next${k} = p${k};`).join(' ')} }
  ${all.map((k) => `set_states${k}(at, next${k});`).join(' ')}
  ${starts ? `if (first) { ${all.map((k) => `set_previous${k}(at, p${k});`).join(' ')} }` : ''}
  return next0;
}`;
    return { outputs, inputs, functions };
  };
  return {
    step: memoize(optionsKey, (o: ForwardOptions & StepOptions) => {
      const { outputs, inputs, functions } = common(o);
      const units = unitsOf(cell, o.fours);
      // Four units of a cell with one gate, or the four gates of a unit.
      const columns = upTo(o.fours).map((v) =>
        G === 1
          ? `min(${units}u * tile + ${4 * v}u + vec4u(0u, 1u, 2u, 3u), vec4u(args.H - 1u)) * args.H`
          : `(min(${units}u * tile + ${v}u, args.H - 1u) + vec4u(${upTo(4).map((g) => `${Math.min(g, G - 1)}u`)}) * args.H) * args.H`,
      );
      const a = o.starts ? 'start0(at / args.H, at % args.H)' : 'previous0(at)';
      const sum = G === 1 ? 'vec4f(sums[s / 4u][s % 4u], 0.0, 0.0, 0.0)' : 'sums[s]';
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
  ${overSums(o.rows, o.fours, units, `_ = advance(b, b, j, ${sum}, a(b * args.H + j), true);`)}`;
      const reach = `
fn a(at: u32) -> f32 { return ${a}; }
fn b(at: u32) -> f32 { return Whh(at); }`;
      return elementwise(name, outputs, inputs, args, body, functions + reach);
    }),

    persistent: memoize(optionsKey, (o: ForwardOptions & PersistentOptions) => {
      const { outputs, inputs, functions } = common(o);
      const sum = gateVector(G, (g) => `product(r, ${g}u * args.H + j)`);
      return {
        ...{ name: `${name}Persistent`, outputs, inputs, args: { ...args, ...PERSISTENT_ARGS } },
        code:
          functions +
          persistentCode(o, {
            inner: 'args.H',
            outputs: `${G}u * args.H`,
            outputStep: 'args.H',
            innerStep: '1u',
            begin: `operand[at] = ${o.starts ? 'start0(b, j)' : 'previous0(b * args.H + j)'};`,
            skips: 'false',
            step: `operand[at] = advance(n * args.stride + b, b, j, ${sum}, operand[at], n == 0u);`,
          }),
      };
    }),

    unit: memoize(optionsKey, (o: ForwardOptions) => {
      const { outputs, inputs, functions } = common(o);
      const body = `
  let b = i / args.H;
  let j = i % args.H;
  var h = start0(b, j);
  for (var n = 0u; n < args.steps; n++) { h = advance(n * args.stride + b, b, j, vec4f(), h, n == 0u); }`;
      return elementwise(`${name}Unit`, outputs, inputs, args, body, functions);
    }),
  };
}

/** Backward kernels of a recurrence. `tail` computes only what reaches the state that the window starts from. */
export interface BackwardKernels {
  step(options: StepOptions & { readonly tail: boolean }): KernelSource;
  persistent(options: PersistentOptions): KernelSource;
  unit(options: object): KernelSource;
}

/**
 * Backward kernels of a cell, software-pipelined by one step: a step first takes what the step after it in time sends back,
 * dhGates_{t+1}·Whh and the share past the product, adds what its output got, and then goes through its gates. So a step
 * is one dispatch.
 *
 * Where a sequence lacks the step after, what reached that one passes by.
 */
export const backwardKernels: (cell: Cell) => BackwardKernels = memoize((cell) => cell, writeBackward);

function writeBackward(cell: Cell): BackwardKernels {
  const { gates: G, states } = cell;
  const { direct, separate, hidden } = cellSizes(cell);
  const program = partProgram(formulaOf(cell), 'backward');
  const args = { B: 'u32', H: 'u32', stride: 'u32', steps: 'u32', n: 'u32', backSteps: 'u32', flags: 'u32' } as const;
  const others = states.slice(1).map((_, k) => k + 1);
  const { statements, values } = partWgsl(program, (array) =>
    array.startsWith('dstates') ? `d${array.slice('dstates'.length)}` : null,
  );
  const common = (tail: boolean) => {
    const outputs = floats([
      'dh',
      ...program.outputs.map((output) => output.name).filter((output) => output !== 'dprevious0'),
      ...(direct || tail ? ['dprevious0'] : []),
    ]);
    const inputs = floats([
      ...program.inputs.map((input) => input.name).filter((input) => !input.startsWith('dstates')),
      ...(hidden > 0 ? ['Whh'] : []),
      ...['mask', 'dfinal0', ...others.flatMap((k) => [`dstates${k}`, `dfinal${k}`])],
    ]);
    const functions = `
fn is_cut(n: u32) -> bool { return n < args.steps && args.backSteps != 0u && (args.steps - n) % args.backSteps == 0u; }
fn lacks(row: u32) -> bool { return ${has('masked')} && mask(row) != 1.0; }
/** What reaches h of this step from the one after it, of whose product with the weights \`sum\` is the result. */
fn incoming0(row: u32, b: u32, j: u32, sum: f32, n: u32) -> f32 {
  if (n == 0u) { return dfinal0(b * args.H + j); }
  let after = row - args.stride;
  if (lacks(after)) { return dh(after * args.H + j); }
  if (is_cut(n)) { return 0.0; }
  return sum${direct ? ' + dprevious0(b * args.H + j)' : ''};
}`;
    return { outputs, inputs, functions };
  };
  const incoming = (k: number): string => `
fn incoming${k}(row: u32, b: u32, j: u32, n: u32) -> f32 {
  if (n == 0u) { return dfinal${k}(b * args.H + j); }
  return dstates${k}(row * args.H + j);
}`;
  // All that a step gives; at a padded step nothing, and what reaches the other states passes by.
  const results = program.outputs.flatMap((output, o) =>
    values[o].map((value, k) => {
      const name = `${output.name}_${k}`;
      const passes = /^dprevious[1-9]/.test(name) ? `d${output.name.slice('dprevious'.length)}` : '0.0';
      const at = output.name === 'dprevious0' ? 'b * args.H + j' : elementAt(output, k);
      return { name, passes, value, store: `set_${output.name}(${at}, ${name});` };
    }),
  );
  const ofProduct = separate ? 'dhGates' : 'dxGates';
  const stepBack = `${FORMULA_WGSL}${others.map(incoming).join('')}
/** Step \`row\` of unit j: the gradients of its gates that the product gets. */
fn step_back(row: u32, b: u32, j: u32, sum: f32, n: u32) -> vec4f {
  let at = row * args.H + j;
  let d0 = dh(at) + incoming0(row, b, j, sum, n);
  set_dh(at, d0);
  ${others.map((k) => `let d${k} = incoming${k}(row, b, j, n);`).join('\n  ')}
  ${results.map(({ name, passes }) => `var ${name} = ${passes};`).join(' ')}
  if (!lacks(row)) {
  ${statements}
  ${results.map(({ name, value }) => `${name} = ${value};`).join(' ')}
  if (is_cut(n + 1u)) { ${others.map((k) => `dprevious${k}_0 = 0.0;`).join(' ')} }
  }
  ${results.map(({ store }) => store).join('\n  ')}
  return ${hidden > 0 ? gateVector(G, (g) => `${ofProduct}_${g}`) : 'vec4f()'};
}`;
  return {
    step: memoize(optionsKey, ({ rows, fours, tail }: StepOptions & { readonly tail: boolean }) => {
      const { outputs, inputs, functions } = common(tail);
      const units = 4 * fours;
      const end = tail
        ? 'set_dprevious0(b * args.H + j, incoming0(b, b, j, sum, args.n));'
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
fn a(at: u32) -> f32 { return ${ofProduct}(at); }
fn b(at: u32) -> f32 { return Whh(at); }`;
      const name = `${cell.name}Backward${tail ? 'Tail' : ''}`;
      return elementwise(name, outputs, inputs, args, body, functions + (tail ? '' : stepBack) + reach);
    }),

    persistent: memoize(optionsKey, (o: PersistentOptions) => {
      const { outputs, inputs, functions } = common(false);
      return {
        ...{ name: `${cell.name}BackwardPersistent`, outputs, inputs, args: { ...args, ...PERSISTENT_ARGS } },
        code:
          functions +
          stepBack +
          persistentCode(o, {
            inner: `${G}u * args.H`,
            outputs: 'args.H',
            outputStep: '1u',
            innerStep: 'args.H',
            begin: '',
            skips: 'n == 0u || is_cut(n)',
            step: `let g = step_back(n * args.stride + b, b, j, product(r, j), n);
        ${upTo(G)
          .map((g) => `operand[at + ${g}u * args.H] = g[${g}];`)
          .join(' ')}`,
          }),
      };
    }),

    unit: memoize(optionsKey, () => {
      const { outputs, inputs, functions } = common(true);
      const body = `
  let b = i / args.H;
  let j = i % args.H;
  for (var n = 0u; n < args.steps; n++) { _ = step_back(n * args.stride + b, b, j, 0.0, n); }
  set_dprevious0(i, incoming0(args.steps * args.stride + b, b, j, 0.0, args.steps));`;
      return elementwise(`${cell.name}BackwardUnit`, outputs, inputs, args, body, functions + stepBack);
    }),
  };
}
