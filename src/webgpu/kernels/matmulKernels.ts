import { assertBuffer, assertFloats } from '../device/assert.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import type { Workgroups } from '../device/commands.ts';
import type { Device } from '../device/device.ts';
import { dispatchElementwise, elementwise, THREADS } from '../device/elementwise.ts';
import { memoize, optionsKey } from '../device/memoize.ts';
import type { ElementType, KernelSource } from '../device/pipelines.ts';
import { powerOfTwoFrom, upTo } from '../device/sizes.ts';
import { sumNames } from './tile.ts';

/** C = A·B, A·Bᵀ or Aᵀ·B. */
export type MatmulLayout = 'NN' | 'NT' | 'TN';

/**
 * How a product is computed:
 * `rows` an invocation makes up to 8 elements of C, below each other; `registers` it makes 8×8 elements, straight from the
 * buffers; `tile32`, `tile64`, `tile128` a workgroup makes so large a square, from parts of A and B that it first
 * brings into its own memory.
 */
export type MatmulKernel = 'rows' | 'registers' | 'tile32' | 'tile64' | 'tile128';

/** How a product is computed: see {@link planMatmul}. */
export interface MatmulPlan {
  readonly kernel: MatmulKernel;
  /** Parts of K that are summed up side by side, and afterwards added in their order: the same bits every time. */
  readonly splits: number;
}

/** Rows of C for which an invocation of the kernel `rows` makes an element, at most. */
const FEW_ROWS = 8;
/** Elements of C that an invocation of the kernel `registers` makes. */
const REGISTER_ROWS = 8;
const REGISTER_COLUMNS = 8;
/** Columns and rows of invocations in a workgroup of `registers`. */
const REGISTER_THREADS = 4;
/** Parts of K begin at multiples of it, and so much of K is in a workgroup's memory at a time. */
const DEPTH = 16;
/** The edge of the square of elements that an invocation of a tile makes. */
const EDGES = { tile32: 4, tile64: 4, tile128: 8 } as const;
const TILES = { tile32: 32, tile64: 64, tile128: 128 } as const;
/** Workgroups that fill a GPU. */
const BUSY = 128;

/**
 * The way that suits the sizes: large tiles where there are enough of them to fill the device, few rows and long sums in
 * parts. A software adapter has no use for a workgroup's memory, and every barrier costs it dearly.
 */
export function planMatmul(device: Device, m: number, k: number, n: number, batch = 1): MatmulPlan {
  if (m <= FEW_ROWS) return { kernel: 'rows', splits: splitsFor(device, Math.ceil(n / THREADS) * batch, k) };
  if (device.adapter.software) return { kernel: 'registers', splits: 1 };
  const tiles = (edge: number): number => Math.ceil(m / edge) * Math.ceil(n / edge) * batch;
  const kernel = tiles(128) >= BUSY ? 'tile128' : tiles(64) >= BUSY ? 'tile64' : 'tile32';
  return { kernel, splits: splitsFor(device, tiles(TILES[kernel]), k) };
}

function splitsFor(device: Device, workgroups: number, k: number): number {
  if (device.adapter.software) return 1;
  return Math.max(1, Math.min(Math.ceil(BUSY / workgroups), Math.floor(k / (4 * DEPTH))));
}

type KernelOptions = {
  readonly layout: MatmulLayout;
  readonly kernel: MatmulKernel;
  /** Rows of an invocation of `rows`, else 0. */
  readonly rows: number;
  /** Whether four neighbours of A, of B, of C and the bias can be read as one vec4f. */
  readonly a4: boolean;
  readonly b4: boolean;
  readonly c4: boolean;
  readonly bias: boolean;
};

const matmulKernel = memoize(optionsKey, (options: KernelOptions): KernelSource => {
  const { layout, kernel, rows, a4, b4, c4, bias } = options;
  const type = (four: boolean): ElementType => (four ? 'vec4f' : 'f32');
  const a = new Operand('a', layout !== 'TN', 'args.m', a4);
  const b = new Operand('b', layout === 'NT', 'args.n', b4);
  const flags = [a4 && 'a4', b4 && 'b4', c4 && 'c4', bias && 'bias'].filter(Boolean).join(' ');
  return {
    name: `matmul${layout} ${kernel}${rows || ''} ${flags}`.trim(),
    outputs: { c: type(c4) },
    inputs: { a: type(a4), b: type(b4), ...(bias ? { bias: type(c4) } : {}) },
    args: { m: 'u32', k: 'u32', n: 'u32', splits: 'u32', depth: 'u32', accumulate: 'u32' },
    code:
      kernel === 'rows'
        ? rowsCode(a, b, rows, bias)
        : put(c4, bias) + (kernel === 'registers' ? registersCode(a, b) : tileCode(a, b, kernel)),
  };
});

const lines = (count: number, line: (i: number) => string): string => upTo(count).map(line).join('\n    ');

/** How WGSL reaches an operand, of outer elements (rows of A, columns of B) and the K along the sum. */
class Operand {
  readonly name: string;
  /** Whether the elements along the sum are neighbours, `[outer,K]`, or those across it, `[K,outer]`. */
  readonly along: boolean;
  readonly outer: string;
  readonly four: boolean;

  constructor(name: string, along: boolean, outer: string, four: boolean) {
    this.name = name;
    this.along = along;
    this.outer = outer;
    this.four = four;
  }

  /** The address of the first element. */
  get start(): string {
    return `args.${this.name}_start${this.four ? ' * 4u' : ''}`;
  }

  /** From one outer element to the next, and from one element along the sum to the next. */
  get strides(): [outer: string, sum: string] {
    return this.along ? ['args.k', '1u'] : ['1u', this.outer];
  }

  /**
   * Statements: the address of element `o` at the begin of the sum, in fours where four are read at once; beyond the edge,
   * that of the last one.
   */
  declare(variable: string, o: string): string {
    const [outer, sum] = this.strides;
    const last = this.four && !this.along ? 4 : 1;
    const at = `${this.name}_base + min(${o}, ${this.outer} - ${last}u) * ${outer} + begin * ${sum}`;
    return `var ${variable} = ${this.four ? `(${at}) / 4u` : at};`;
  }

  /** What is added to an address after `steps` steps of the sum. */
  advance(steps: number): string {
    if (this.along) return `${this.four ? steps / 4 : steps}u`;
    return `${steps}u * ${this.outer}${this.four ? ' / 4u' : ''}`;
  }

  /** The element at an address. */
  one(at: string): string {
    return `${this.name}_at(${at})`;
  }

  /** The elements at an address and at three more, which are not needed where four are read at once. */
  together(at: string, others: readonly string[]): string {
    return this.four ? this.one(at) : `vec4f(${[at, ...others].map((place) => this.one(place))})`;
  }
}

/** A loop over single steps of the sum after one over four at a time. There is none left where K is a multiple of four. */
function rest(a: Operand, b: Operand, step: string): string {
  const isMultiple = (a.along && a.four) || (b.along && b.four);
  return isMultiple ? '' : `for (; l < end; l++) {${step}\n  }`;
}

/** WGSL: four elements of row i of C from column j on, of a product of a batch, or of one part of it. */
function put(c4: boolean, bias: boolean): string {
  return `
fn put(product: u32, i: u32, j: u32, sums: vec4f) {
  if (i >= args.m || j >= args.n) { return; }
  let at = (product * args.m + i) * args.n + j;
  ${
    c4
      ? `var four = sums${bias ? ' + bias(j / 4u)' : ''};
  if (args.accumulate == 1u) { four += c(at / 4u); }
  set_c(at / 4u, four);`
      : `for (var q = 0u; q < min(4u, args.n - j); q++) {
    var one = sums[q]${bias ? ' + bias(j + q)' : ''};
    if (args.accumulate == 1u) { one += c(at + q); }
    set_c(at + q, one);
  }`
  }
}`;
}

/** The statements of every kernel that find its part of the work: which product, and which part [begin, end) of its sum. */
function part(a: Operand, b: Operand): string {
  return `
  let product = group.z / args.splits;
  let a_base = ${a.start} + product * args.m * args.k;
  let b_base = ${b.start} + product * args.k * args.n;
  let begin = group.z % args.splits * args.depth;
  let end = min(args.k, begin + args.depth);`;
}

/** An invocation makes an element of a few rows of C in one column: dot products, four steps of the sum at a time. */
function rowsCode(a: Operand, b: Operand, rows: number, bias: boolean): string {
  const four = (x: Operand, at: string): string =>
    x.together(
      at,
      [1, 2, 3].map((q) => `${at} + ${q}u * ${x.strides[1]}`),
    );
  return `
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {${part(a, b)}
  let i = group.y * ${rows}u;
  let j = group.x * ${THREADS}u + lane;
  if (j >= args.n) { return; }
  ${lines(rows, (r) => `var sum${r} = 0.0; ${a.declare(`a${r}`, `i + ${r}u`)}`)}
  ${b.declare('b0', 'j')}
  var l = begin;
  for (; l + 4u <= end; l += 4u) {
    let right = ${four(b, 'b0')};
    b0 += ${b.advance(4)};
    ${lines(rows, (r) => `sum${r} += dot(${four(a, `a${r}`)}, right); a${r} += ${a.advance(4)};`)}
  }
  ${rest(
    a,
    b,
    `
    let right = ${b.one('b0')};
    b0 += ${b.advance(1)};
    ${lines(rows, (r) => `sum${r} += ${a.one(`a${r}`)} * right; a${r} += ${a.advance(1)};`)}`,
  )}
  let sums = array<f32, ${rows}>(${upTo(rows).map((r) => `sum${r}`)});
  for (var r = 0u; r < min(${rows}u, args.m - i); r++) {
    let to = (group.z * args.m + i + r) * args.n + j;
    var one = sums[r]${bias ? ' + bias(j)' : ''};
    if (args.accumulate == 1u) { one += c(to); }
    set_c(to, one);
  }
}`;
}

/**
 * An invocation makes 8 rows of 8 elements of C, in fours, from what it reads of A and B. Where A's rows lie along the sum it
 * takes four steps at a time. Addresses are kept from step to step, since not every compiler takes them out of the loop.
 */
function registersCode(a: Operand, b: Operand): string {
  const [R, C] = [REGISTER_ROWS, REGISTER_COLUMNS];
  const fours = C / 4;
  /** The addresses of four elements across the sum; at the edge the last one again. */
  const places = (x: Operand, at: string): string[] => (x.four ? [at] : [at, `${at}_1`, `${at}_2`, `${at}_3`]);
  const declareAcross = (x: Operand, at: string, o: string): string =>
    places(x, at)
      .map((place, q) => x.declare(place, `${o} + ${q}u`))
      .join(' ');
  const across = (x: Operand, at: string): string => x.together(at, places(x, at).slice(1));
  const advanceAcross = (x: Operand, at: string): string =>
    places(x, at)
      .map((place) => `${place} += ${x.advance(1)};`)
      .join(' ');
  const along = (x: Operand, at: string): string =>
    x.together(
      at,
      [1, 2, 3].map((q) => `${at} + ${q}u`),
    );

  const declared = [
    a.along
      ? lines(R, (r) => a.declare(`a${r}`, `i + ${r}u`))
      : lines(R / 4, (h) => declareAcross(a, `a${h}`, `i + ${4 * h}u`)),
    b.along
      ? lines(C, (j) => b.declare(`b${j}`, `j + ${j}u`))
      : lines(fours, (h) => declareAcross(b, `b${h}`, `j + ${4 * h}u`)),
  ];
  const fourSteps = `
    ${
      b.along
        ? lines(C, (j) => `let right${j} = ${along(b, `b${j}`)}; b${j} += ${b.advance(4)};`)
        : lines(4 * fours, (x) => {
            const [q, h] = [Math.floor(x / fours), x % fours];
            return `let right${q}_${h} = ${across(b, `b${h}`)}; ${advanceAcross(b, `b${h}`)}`;
          })
    }
    ${lines(R, (r) => {
      const sums = upTo(fours).map((h) => {
        const four = b.along
          ? `vec4f(${upTo(4).map((q) => `dot(left${r}, right${4 * h + q})`)})`
          : upTo(4)
              .map((q) => `left${r}[${q}] * right${q}_${h}`)
              .join(' + ');
        return `sum${r}_${h} += ${four};`;
      });
      return `let left${r} = ${along(a, `a${r}`)}; a${r} += ${a.advance(4)}; ${sums.join(' ')}`;
    })}`;
  const oneStep = `
    ${lines(fours, (h) => {
      const right = b.along ? `vec4f(${upTo(4).map((q) => b.one(`b${4 * h + q}`))})` : across(b, `b${h}`);
      return `let right${h} = ${right}; ${b.along ? '' : advanceAcross(b, `b${h}`)}`;
    })}
    ${b.along ? lines(C, (j) => `b${j} += ${b.advance(1)};`) : ''}
    ${
      a.along
        ? lines(R, (r) => {
            const sums = upTo(fours).map((h) => `sum${r}_${h} += left${r} * right${h};`);
            return `let left${r} = ${a.one(`a${r}`)}; ${sums.join(' ')} a${r} += ${a.advance(1)};`;
          })
        : lines(R / 4, (g) => {
            const rows = upTo(4 * fours).map((x) => {
              const [q, h] = [Math.floor(x / fours), x % fours];
              return `sum${4 * g + q}_${h} += left${g}[${q}] * right${h};`;
            });
            return `let left${g} = ${across(a, `a${g}`)}; ${rows.join(' ')} ${advanceAcross(a, `a${g}`)}`;
          })
    }`;
  const names = sumNames(R, fours);
  return `
@compute @workgroup_size(${REGISTER_THREADS}, ${REGISTER_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(global_invocation_id) thread: vec3u) {${part(a, b)}
  let i = thread.y * ${R}u;
  let j = thread.x * ${C}u;
  if (i >= args.m || j >= args.n) { return; }
  ${names.map((name) => `var ${name} = vec4f();`).join(' ')}
  ${declared.join('\n  ')}
  var l = begin;
  ${a.along ? `for (; l + 4u <= end; l += 4u) {${fourSteps}\n  }` : ''}
  ${rest(a, b, oneStep)}
  var sums = array<vec4f, ${names.length}>(${names.join(', ')});
  for (var s = 0u; s < ${names.length}u; s++) { put(group.z, i + s / ${fours}u, j + 4u * (s % ${fours}u), sums[s]); }
}`;
}

/**
 * A workgroup makes a square of C. 16 steps of the sum at a time it brings its rows of A and its columns of B into its
 * own memory, [step][fours of rows or columns], zeros beyond the edges; then each invocation adds to a square of 4×4 or
 * 8×8 elements.
 */
function tileCode(a: Operand, b: Operand, kernel: keyof typeof TILES): string {
  const tile = TILES[kernel];
  const edge = EDGES[kernel];
  const inRow = tile / edge;
  const halves = edge / 4;
  const threads = inRow * inRow;
  return `
var<workgroup> a_tile: array<vec4f, ${(DEPTH * tile) / 4}>;
var<workgroup> b_tile: array<vec4f, ${(DEPTH * tile) / 4}>;
${readInside(a)}${readInside(b)}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {${part(a, b)}
  let top = group.y * ${tile}u;
  let side = group.x * ${tile}u;
  let i = ${halves}u * (lane / ${inRow}u);
  let j = ${halves}u * (lane % ${inRow}u);
  ${lines(edge * halves, (x) => `var sum${x} = vec4f();`)}
  for (var step = begin; step < end; step += ${DEPTH}u) {${bring(a, 'top', tile, threads)}${bring(b, 'side', tile, threads)}
    workgroupBarrier();
    for (var l = 0u; l < ${DEPTH}u; l++) {
      ${lines(halves, (h) => `let left${h} = a_tile[l * ${tile / 4}u + i + ${h}u]; let right${h} = b_tile[l * ${tile / 4}u + j + ${h}u];`)}
      ${lines(edge * halves, (x) => {
        const [r, h] = [Math.floor(x / halves), x % halves];
        return `sum${x} += left${Math.floor(r / 4)}[${r % 4}] * right${h};`;
      })}
    }
    workgroupBarrier();
  }
  let sums = array<vec4f, ${edge * halves}>(${upTo(edge * halves).map((x) => `sum${x}`)});
  for (var x = 0u; x < ${edge * halves}u; x++) {
    put(group.z, top + 4u * i + x / ${halves}u, side + 4u * (j + x % ${halves}u), sums[x]);
  }
}`;
}

/** WGSL: four neighbours from element `o`, step `l` on, 0 for those beyond the edges. */
function readInside({ name, outer, along, four, strides }: Operand): string {
  const at = `base + o * ${strides[0]} + l * ${strides[1]}`;
  return `
fn ${name}_inside(base: u32, o: u32, l: u32, end: u32) -> vec4f {
  var four = vec4f();
  if (o < ${outer} && l < end) {
    ${
      four
        ? `four = ${name}_at((${at}) / 4u);`
        : `for (var q = 0u; q < min(4u, ${along ? 'end - l' : `${outer} - o`}); q++) { four[q] = ${name}_at(${at} + q); }`
    }
  }
  return four;
}`;
}

/** WGSL: an operand's share of 16 steps into the workgroup's memory. One whose rows lie along the sum is transposed, 4×4 at a time. */
function bring({ name, along }: Operand, from: string, tile: number, threads: number): string {
  const inside = (o: string, l: string): string => `${name}_inside(${name}_base, ${from} + ${o}, step + ${l}, end)`;
  const store = (l: string, value: string): string => `${name}_tile[(${l}) * ${tile / 4}u + o] = ${value};`;
  const [count, inLine] = along ? [(tile / 4) * (DEPTH / 4), DEPTH / 4] : [DEPTH * (tile / 4), tile / 4];
  return `
    for (var f = lane; f < ${count}u; f += ${threads}u) {
      ${
        along
          ? `let o = f / ${inLine}u;
      let l = 4u * (f % ${inLine}u);
      ${lines(4, (q) => `let line${q} = ${inside(`4u * o + ${q}u`, 'l')};`)}
      ${lines(4, (q) => store(`l + ${q}u`, `vec4f(${upTo(4).map((r) => `line${r}[${q}]`)})`))}`
          : `let o = f % ${inLine}u;
      let l = f / ${inLine}u;
      ${store('l', inside('4u * o', 'l'))}`
      }
    }`;
}

const addParts = memoize(optionsKey, ({ bias }: { bias: boolean }) =>
  elementwise(
    `matmul parts${bias ? ' bias' : ''}`,
    { c: 'f32' },
    { parts: 'f32', ...(bias ? { bias: 'f32' } : {}) },
    { size: 'u32', n: 'u32', splits: 'u32', accumulate: 'u32' },
    `var at = i / args.size * args.splits * args.size + i % args.size;
  var sum = ${bias ? 'bias(i % args.n)' : '0.0'};
  for (var part = 0u; part < args.splits; part++) {
    sum += parts(at);
    at += args.size;
  }
  if (args.accumulate == 1u) { sum += c(i); }
  set_c(i, sum);`,
  ),
);

/** What {@link matmul} takes beside tensors and sizes. */
export interface MatmulOptions {
  /** Adds to C instead of overwriting it. */
  accumulate?: boolean;
  /** [N], added to every row of C. */
  bias?: FloatBuffer | null;
  /** Products of as many pairs of matrices, one behind the other in A, B and C. */
  batch?: number;
  /** {@link planMatmul}'s unless given. */
  plan?: MatmulPlan;
}

/**
 * C = A·B, A·Bᵀ or Aᵀ·B, in whichever way is asked for. `c` must not share elements with `a` or `b`.
 *
 * @param fn whose name errors bear
 * @param c [batch,M,N], overwritten (or added to)
 * @param a [batch,M,K], for TN [batch,K,M]
 * @param b [batch,K,N], for NT [batch,N,K]
 * @throws {RangeError} on a length that does not fit, {WebgpuError} `limit` on more rows or products than the device can do.
 */
export function matmul(
  fn: string,
  layout: MatmulLayout,
  c: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  m: number,
  k: number,
  n: number,
  { accumulate = false, bias = null, batch = 1, plan }: MatmulOptions = {},
): void {
  const inBatch = (shape: string): string => (batch === 1 ? shape : `[batch,${shape.slice(1)}`);
  const sizes = (d0: number, d1: number): number[] => (batch === 1 ? [d0, d1] : [batch, d0, d1]);
  assertFloats(fn, { c }, inBatch('[M,N]'), ...sizes(m, n));
  assertFloats(
    fn,
    { a },
    inBatch(layout === 'TN' ? '[K,M]' : '[M,K]'),
    ...(layout === 'TN' ? sizes(k, m) : sizes(m, k)),
  );
  assertBuffer(fn, 'b', b); // no bias, which may be null
  assertFloats(
    fn,
    { b },
    inBatch(layout === 'NT' ? '[N,K]' : '[K,N]'),
    ...(layout === 'NT' ? sizes(n, k) : sizes(k, n)),
  );
  assertFloats(fn, { bias }, '[N]', n);
  if (c.length === 0) return;
  const { device } = c;
  const { kernel, splits } = plan ?? planMatmul(device, m, k, n, batch);
  const rows = kernel === 'rows' ? Math.min(FEW_ROWS, powerOfTwoFrom(m)) : 0;
  const out = splits > 1 ? device.scratch('parts of products', splits * c.length) : c;
  const bias1 = splits > 1 ? null : bias;
  const [aAlong, bAlong] = [layout !== 'TN', layout === 'NT'];
  const byRows = kernel === 'rows';
  // Four at once where four neighbours are wanted together and begin at a multiple of four.
  const fours = {
    a4: (aAlong || !byRows) && canBeFour(a, aAlong ? k : m),
    b4: (bAlong || !byRows) && canBeFour(b, bAlong ? k : n),
    c4: !byRows && canBeFour(out, n) && (!bias1 || canBeFour(bias1, n)),
  };
  // A buffer that holds several of them is seen in one way.
  const places = [a.storage, b.storage, out.storage, ...(bias1 ? [bias1.storage] : [])];
  const ways = [fours.a4, fours.b4, fours.c4, ...(bias1 ? [fours.c4] : [])];
  if (places.some((place, p) => ways[places.indexOf(place)] !== ways[p])) fours.a4 = fours.b4 = fours.c4 = false;
  const source = matmulKernel({ layout, kernel, rows, ...fours, bias: bias1 !== null });
  const added = accumulate ? 1 : 0;
  const depth = DEPTH * Math.max(1, Math.ceil(k / splits / DEPTH));
  const args = { m, k, n, splits, depth, accumulate: splits > 1 ? 0 : added };
  const groups = workgroups(kernel, rows, m, n, batch * splits);
  device.dispatch(source, { c: out, a, b, ...(bias1 && { bias: bias1 }) }, args, groups);
  if (splits > 1) {
    const sizes = { size: m * n, n, splits, accumulate: added };
    dispatchElementwise(addParts({ bias: bias !== null }), { c, parts: out, ...(bias && { bias }) }, c.length, sizes);
  }
}

/** Whether a matrix with lines of that length can be seen as vec4f. */
function canBeFour({ start, length }: FloatBuffer, line: number): boolean {
  return start % 4 === 0 && line % 4 === 0 && length > 0;
}

function workgroups(kernel: MatmulKernel, rows: number, m: number, n: number, z: number): Workgroups {
  if (kernel === 'rows') return [Math.ceil(n / THREADS), Math.ceil(m / rows), z];
  if (kernel === 'registers') {
    return [Math.ceil(n / (REGISTER_COLUMNS * REGISTER_THREADS)), Math.ceil(m / (REGISTER_ROWS * REGISTER_THREADS)), z];
  }
  return [Math.ceil(n / TILES[kernel]), Math.ceil(m / TILES[kernel]), z];
}
