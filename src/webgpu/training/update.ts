import type { UpdatePartition } from '../../bptt/parameterGroups.ts';
import type { ParameterLayout } from '../../bptt/spec.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import type { DeviceBuffer, FloatBuffer, UintBuffer } from '../device/buffers.ts';
import { dispatchElementwise, elementwise, inRows, THREADS } from '../device/elementwise.ts';
import { memoize, optionsKey } from '../device/memoize.ts';
import type { ElementType, KernelSource } from '../device/pipelines.ts';
import { upTo } from '../device/sizes.ts';
import { FORMULA_WGSL, WgslAlgebra } from './formulas.ts';

/** Fours of the gradient that a workgroup looks at, at least, and of the parameters that one moves. */
const GRADIENT_CHUNK = 512;
const MOVED = 512;
/** Workgroups that look at the gradient, at most: each workgroup that applies the update reads what all of them found. */
const MOST_CHUNKS = 64;
/** Invocations that take together what all have found, before one does: few barriers, since a software adapter pays for each. */
const TOGETHER = 8;
/** States that a dispatch carries on. */
const MOST_STATES = 8;

/** What a workgroup finds in its part of the gradient: the largest |g|, Σ(g/largest)², whether any is not finite, Σw²; of the losses, their sum in the last place. */
const PARTIAL_WORDS = 4;

/** A text for each of the four. */
const upToFour = (text: (q: string) => string, between = '\n      '): string => [...'xyzw'].map(text).join(between);
/** What is kept of a step: its loss, Σw², whether it failed, and whether it or one before it did. */
export const RESULT_WORDS = 4;
/** How a step failed. */
export const FAILED = { loss: 1, gradient: 2 } as const;

/** Roles of an element of the parameter block: two bits, and above them the number of its rule. */
const DECAYS = 1;
const FROZEN = 2;
const RULE_SHIFT = 2;

/** The length of {@link UpdateBuffers.numbers}: the place of the step before among the results, and the rules' numbers. */
export function stepNumbersLength(rules: readonly UpdateRule[]): number {
  return rules.reduce((sum, { numbers }) => sum + numbers.length, 1);
}

/** WGSL: whether x is an infinity or NaN: by its bits, since a compiler may take comparisons with them for allocated. */
const IS_BAD_WGSL = `
fn is_bad(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u; }`;

/** An optimizer's update in WGSL. */
export interface UpdateRule {
  /** The optimizer's name: for whoever reads a kernel's. */
  readonly name: string;
  /** Blocks of memory. */
  readonly memory: number;
  /** The names of its numbers of a step. */
  readonly numbers: readonly string[];
  /** Statements that turn `theta`, `g`, `memory0` … and `number0` … into {@link results}. */
  readonly statements: string;
  /** θ and the memory after the update. */
  readonly results: readonly string[];
}

/**
 * The update of an optimizer, from its formula.
 *
 * @throws {RangeError} where it has none.
 */
export function updateRule({ name, formula, initialMemory, numbers }: Optimizer): UpdateRule {
  if (!formula) throw new RangeError(`trainer: optimizer ${name} has no formula, which engine webgpu needs`);
  const m = new WgslAlgebra();
  const names = Object.keys(numbers(0, 0));
  const { theta, memory } = formula(m, {
    ...{ theta: 'theta', g: 'g', memory: initialMemory.map((_, b) => `memory${b}`) },
    numbers: Object.fromEntries(names.map((number, k) => [number, `number${k}`])),
  });
  if (memory.length !== initialMemory.length) {
    throw new RangeError(
      `trainer: optimizer ${name}: its formula gives ${memory.length} blocks of memory, expected ${initialMemory.length}`,
    );
  }
  const { statements } = m;
  return { name, memory: memory.length, numbers: names, statements, results: [theta, ...memory] };
}

export type ClipKind = 'none' | 'value' | 'norm';

/** What happens to a gradient and the parameters after backward. */
export interface UpdatePlan {
  /** By the numbers in the roles; all of one name. */
  readonly rules: readonly UpdateRule[];
  readonly clip: { readonly kind: ClipKind; readonly limit: number };
  /** λ of the weight matrices' λ·Σw². */
  readonly l2: number;
}

/** What they are done to: all begin at multiples of four, and no other buffer shares their last four elements. */
export interface UpdateBuffers {
  readonly parameters: FloatBuffer;
  readonly gradients: FloatBuffer;
  /** The optimizer's. */
  readonly memory: readonly FloatBuffer[];
  /** What parameters and memory held before the last update. */
  readonly before: readonly FloatBuffer[];
  /** A role for each parameter; null where none has one. */
  readonly roles: UintBuffer | null;
  readonly partials: FloatBuffer;
  readonly results: FloatBuffer;
  /** Beside each place of the results: 1 where the update left what is not finite, else 0, as it has to be before. */
  readonly faults: UintBuffer;
  readonly numbers: FloatBuffer;
}

/** The roles of the elements of a parameter block; null where all are alike. */
export function rolesOf(
  layout: readonly Pick<ParameterLayout, 'offset' | 'length' | 'decays'>[],
  l2: number,
  { rules, segments }: Pick<UpdatePartition, 'rules' | 'segments'>,
): Uint32Array | null {
  const last = layout[layout.length - 1];
  const P = last.offset + last.length;
  const all = segments.length === 1 && segments[0].from === 0 && segments[0].to === P;
  if (l2 === 0 && all && rules.length === 1) return null;
  const roles = new Uint32Array(P).fill(FROZEN);
  for (const { from, to, rule } of segments) roles.fill(rule << RULE_SHIFT, from, to);
  if (l2 > 0) {
    for (const { offset, length, decays } of layout) {
      if (decays) for (let i = offset; i < offset + length; i++) roles[i] |= DECAYS;
    }
  }
  return roles;
}

/** The length of {@link UpdateBuffers.partials} for P parameters. */
export function partialsLength(parameters: number): number {
  return PARTIAL_WORDS * (chunksOf(parameters).chunks + 1);
}

/** How the gradient of P parameters is shared out, in chunks of so many fours. */
function chunksOf(parameters: number): { chunks: number; chunk: number } {
  const fours = Math.ceil(parameters / 4);
  const chunk = Math.max(GRADIENT_CHUNK, Math.ceil(fours / MOST_CHUNKS));
  return { chunks: Math.ceil(fours / chunk), chunk };
}

/**
 * WGSL: which of the four elements e are of a block. Both kernels take four at a time, which costs little more than one; what
 * lies behind the last element is not changed.
 */
const WITHIN_WGSL = `
fn within(e: u32, length: u32) -> vec4<bool> { return 4u * e + vec4u(0u, 1u, 2u, 3u) < vec4u(length); }`;

/** WGSL: whether any of four numbers is an infinity or NaN. */
const ANY_BAD_WGSL = `
fn any_bad(x: vec4f) -> bool { return any((bitcast<vec4u>(x) & vec4u(0x7f800000u)) == vec4u(0x7f800000u)); }`;

const reduceKernel = memoize(
  optionsKey,
  ({ roles, norm }: { roles: boolean; norm: boolean }): KernelSource => ({
    name: 'reduceGradient',
    outputs: { grads: 'vec4f', partial: 'vec4f' },
    inputs: { losses: 'f32', ...(roles ? { params: 'vec4f' as const, roles: 'u32' as const } : {}) },
    args: { P: 'u32', chunks: 'u32', chunk: 'u32', R: 'u32', twice: 'f32' },
    code: `${WITHIN_WGSL}${ANY_BAD_WGSL}
struct Found { top: f32, norm: f32, bad: f32, squares: f32 }
var<workgroup> found: array<Found, ${THREADS}>;

/** What both have found; each norm is Σ(g/top)² of its own top. */
fn together(a: Found, b: Found) -> Found {
  let top = max(a.top, b.top);
  var norm = 0.0;
  if (top > 0.0) {
    let a_share = a.top / top;
    let b_share = b.top / top;
    norm = a.norm * a_share * a_share + b.norm * b_share * b_share;
  }
  return Found(top, norm, max(a.bad, b.bad), a.squares + b.squares);
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.x;
  var own = Found(0.0, 0.0, 0.0, 0.0);
  if (number == args.chunks) {
    for (var r = lane; r < args.R; r += ${THREADS}u) { own.squares += losses(r); }
  } else {
    let end = min((args.P + 3u) / 4u, args.chunk * (number + 1u));
    for (var e = args.chunk * number + lane; e < end; e += ${THREADS}u) {
      let before = grads(e);
      var g = select(vec4f(), before, within(e, args.P));
      ${
        roles
          ? `let role = vec4u(roles(4u * e), roles(4u * e + 1u), roles(4u * e + 2u), roles(4u * e + 3u));
      let w = select(vec4f(), params(e), within(e, args.P) & ((role & vec4u(${DECAYS}u)) != vec4u()));
      own.squares += dot(w, w);
      g = select(g + args.twice * w, vec4f(), (role & vec4u(${FROZEN}u)) != vec4u());
      set_grads(e, select(before, g, within(e, args.P)));`
          : ''
      }
      if (any_bad(g)) { own.bad = 1.0; }
      ${norm ? upToFour((q) => `own = together(own, Found(abs(g.${q}), 1.0, 0.0, 0.0));`) : ''}
    }
  }
  found[lane] = own;
  workgroupBarrier();
  if (lane < ${TOGETHER}u) {
    for (var other = lane + ${TOGETHER}u; other < ${THREADS}u; other += ${TOGETHER}u) { own = together(own, found[other]); }
    found[lane] = own;
  }
  workgroupBarrier();
  if (lane != 0u) { return; }
  for (var other = 1u; other < ${TOGETHER}u; other++) { own = together(own, found[other]); }
  set_partial(number, vec4f(own.top, own.norm, own.bad, own.squares));
}`,
  }),
);

/**
 * Adds the gradient of λ·Σw², clears that of frozen parameters, and leaves in `partials` what {@link applyUpdate}
 * needs to know of the gradient and of the losses.
 */
export function reduceGradient({ l2, clip }: UpdatePlan, buffers: UpdateBuffers, losses: FloatBuffer): void {
  const { gradients, partials, parameters, roles } = buffers;
  const { chunks, chunk } = chunksOf(gradients.length);
  const tensors = { grads: gradients, partial: partials, losses, ...(roles ? { params: parameters, roles } : {}) };
  const source = reduceKernel({ roles: roles !== null, norm: clip.kind === 'norm' });
  const numbers = { P: gradients.length, chunks, chunk, R: losses.length, twice: 2 * l2 };
  gradients.device.dispatch(source, tensors, numbers, [chunks + 1, 1, 1]);
}

interface ApplyOptions {
  /** None where only states are carried on. */
  readonly rules: readonly UpdateRule[];
  readonly clip: ClipKind;
  readonly roles: boolean;
  readonly states: number;
}

/** Rules are told apart by their text, so that no optimizer is mistaken for another of its name. */
const applyKernel = memoize(
  ({ rules, clip, roles, states }: ApplyOptions) =>
    [
      ...rules.flatMap(({ name, memory, numbers, statements, results }) => [
        name,
        memory,
        numbers,
        statements,
        results,
      ]),
      ...[clip, roles, states],
    ].join(),
  writeApply,
);

/** Blocks of memory: as many as the rule with the most has. */
function blocksOf(rules: readonly UpdateRule[]): number {
  return Math.max(0, ...rules.map(({ memory }) => memory));
}

/**
 * WGSL: `move_one`, one parameter and its memory after the update by the rule of that number, given the numbers of all
 * rules.
 */
function moveWgsl(rules: readonly UpdateRule[]): string {
  const blocks = upTo(blocksOf(rules)).map((m) => `memory${m}`);
  const all = upTo(stepNumbersLength(rules) - 1).map((k) => `number${k}`);
  const typed = (names: readonly string[]): string => names.map((name) => `${name}: f32`).join(', ');
  const one = ['g', 'theta', ...blocks];
  let first = 0;
  const calls: string[] = [];
  const functions = rules.map(({ numbers, statements, results }, r) => {
    const own = upTo(numbers.length).map((k) => `number${k}`);
    calls.push(`move_by_${r}(${[...one, ...own.map((_, k) => `number${first + k}`)].join(', ')})`);
    first += numbers.length;
    return `fn move_by_${r}(${typed([...one, ...own])}) -> Moved {
  ${statements}
  return Moved(${[...results, ...blocks.slice(results.length - 1)].join(', ')});
}`;
  });
  const chosen = calls.slice(1).map((call, r) => `if (rule == ${r + 1}u) { return ${call}; }`);
  return `struct Moved { ${typed(['theta', ...blocks])} }
${functions.join('\n')}
fn move_one(rule: u32, ${typed([...one, ...all])}) -> Moved {
  ${[...chosen, `return ${calls[0]};`].join('\n  ')}
}`;
}

function writeApply({ rules, clip, roles, states }: ApplyOptions): KernelSource {
  const updates = rules.length > 0;
  const blocks = upTo(blocksOf(rules));
  const stepNumbers = upTo(stepNumbersLength(rules) - 1).map((k) => `number${k}`);
  const carries = upTo(states);
  const outputs: Record<string, ElementType> = { results: 'vec4f' };
  if (updates) Object.assign(outputs, { params: 'vec4f', before: 'vec4f', faults: 'atomic<u32>' });
  for (const m of updates ? blocks : []) Object.assign(outputs, { [`block${m}`]: 'vec4f', [`before${m}`]: 'vec4f' });
  for (const c of carries) outputs[`to${c}`] = 'vec4f';
  if (updates) for (const c of carries) outputs[`saved${c}`] = 'vec4f';
  const inputs: Record<string, ElementType> = { partial: 'vec4f', numbers: 'f32' };
  if (updates) inputs.grads = 'vec4f';
  if (roles) inputs.roles = 'u32';
  // A state may begin anywhere among those of all steps.
  for (const c of carries) inputs[`from${c}`] = 'f32';
  const args = { P: 'u32', chunks: 'u32', size: 'u32', fours: 'u32', limit: 'f32', l2: 'f32' } as const;
  const clipped = {
    none: 'grads(e)',
    value: 'clamp(grads(e), vec4f(-args.limit), vec4f(args.limit))',
    norm: 'grads(e) * factor',
  };
  const four = (of: (q: string) => string): string => `vec4f(${upToFour(of, ', ')})`;
  const ruleAt = (q: string): string => (roles ? `role.${q} >> ${RULE_SHIFT}u` : '0u');
  const moved = (what: string): string => four((q) => `moved_${q}.${what}`);
  const carry = (c: number): string => `if (at / args.fours == ${c}u) {
    let was = to${c}(e);
    ${updates ? `set_saved${c}(e, was);` : ''}
    set_to${c}(e, select(was, vec4f(${upTo(4).map((q) => `from${c}(i + ${q}u)`)}), within(e, args.size)));
  }`;
  return {
    ...{ name: `applyUpdate ${rules[0]?.name ?? 'none'}`, outputs, inputs, args },
    code: `${IS_BAD_WGSL}${WITHIN_WGSL}
fn carry(at: u32) {
  let e = at % args.fours;
  let i = 4u * e;
  ${carries.map(carry).join('\n  ')}
}
${
  updates
    ? `${FORMULA_WGSL}
${moveWgsl(rules)}${ANY_BAD_WGSL}
/** False where it leaves what is not finite. */
fn move_four(${['e: u32', 'factor: f32', ...stepNumbers.map((name) => `${name}: f32`)].join(', ')}) -> bool {
  let g = ${clipped[clip]};
  let was = params(e);
  set_before(e, was);
  ${blocks.map((m) => `let was${m} = block${m}(e);\n  set_before${m}(e, was${m});`).join('\n  ')}
  ${roles ? `let role = vec4u(${upToFour((q) => `roles(4u * e + ${'xyzw'.indexOf(q)}u)`, ', ')});` : ''}
  ${upToFour((q) => `let moved_${q} = move_one(${[ruleAt(q), `g.${q}`, `was.${q}`, ...blocks.map((m) => `was${m}.${q}`), ...stepNumbers].join(', ')});`, '\n  ')}
  let within_block = within(e, args.P);
  let moves = within_block${roles ? ` & ((role & vec4u(${FROZEN}u)) == vec4u())` : ''};
  let now = select(was, ${moved('theta')}, moves);
  ${blocks.map((m) => `let now${m} = select(was${m}, ${moved(`memory${m}`)}, moves);`).join('\n  ')}
  set_params(e, now);
  ${blocks.map((m) => `set_block${m}(e, now${m});`).join('\n  ')}
  return !(${['now', ...blocks.map((m) => `now${m}`)].map((now) => `any_bad(select(vec4f(), ${now}, within_block))`).join(' || ')});
}`
    : ''
}
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var top = 0.0;
  var bad = 0.0;
  var squares = 0.0;
  for (var c = 0u; c < args.chunks; c++) {
    let found = partial(c);
    top = max(top, found.x);
    bad = max(bad, found.z);
    squares += found.w;
  }
  var factor = 1.0;
  ${
    clip === 'norm'
      ? `var scaled = 0.0;
  if (top > 0.0) {
    for (var c = 0u; c < args.chunks; c++) {
      let found = partial(c);
      let share = found.x / top;
      scaled += found.y * share * share;
    }
    // maxNorm/(norm + 1e-6) with norm = top·√scaled, in which no square is too large
    factor = min(1.0, args.limit / top / (sqrt(scaled) + 1e-6 / top));
  }`
      : ''
  }
  let loss = partial(args.chunks).w;
  let place = u32(numbers(0u));
  ${stepNumbers.map((number, k) => `let ${number} = numbers(${k + 1}u);`).join(' ')}
  let stopped = results(place).w${updates ? ' + f32(faults(place))' : ''};
  var failed = 0.0;
  if (bad != 0.0) { failed = ${FAILED.gradient}.0; }
  if (is_bad(loss) || is_bad(args.l2 * squares)) { failed = ${FAILED.loss}.0; }
  let number = group.x + group.y * groups.x;
  if (number == 0u && lane == 0u) {
    set_results(place + 1u, vec4f(loss, squares, failed, max(stopped, failed)));
  }
  if (stopped != 0.0 || failed != 0.0) { return; }
  let own = (args.P + 3u) / 4u;
  let end = min(own + ${states}u * args.fours, ${MOVED}u * (number + 1u));
  for (var e = ${MOVED}u * number + lane; e < end; e += ${THREADS}u) {
    if (e >= own) { carry(e - own); }
    ${updates ? `else if (!move_four(${['e', 'factor', ...stepNumbers].join(', ')})) { set_faults(place + 1u, 1u); }` : ''}
  }
}`,
  };
}

const carryMore = memoize(
  optionsKey,
  ({ updates }: { updates: boolean }): KernelSource =>
    elementwise(
      'carryState',
      { to_state: 'f32', ...(updates ? { saved: 'f32' as const } : {}) },
      { from_state: 'f32', results: 'f32', ...(updates ? { faults: 'u32' as const } : {}), numbers: 'f32' },
      {},
      `let place = u32(numbers(0u));
  let failed = results(${RESULT_WORDS}u * place + ${RESULT_WORDS + 3}u)${updates ? ' + f32(faults(place + 1u))' : ''};
  if (failed == 0.0) {
    ${updates ? 'set_saved(i, to_state(i));' : ''}
    set_to_state(i, from_state(i));
  }`,
    ),
);

/** A state that is carried on to the next window; `to` begins at a multiple of four. */
export interface CarriedState {
  readonly to: DeviceBuffer<'float32'>;
  readonly from: DeviceBuffer<'float32'>;
  /** What `to` held before an update; as `to` is. */
  readonly saved: DeviceBuffer<'float32'>;
}

/**
 * Keeps the step's results, and unless it or one before it failed: clips, moves the parameters by the rules, and carries
 * the states on. What all of these held before is kept; where something is not finite then, it is noted in `faults`, and no
 * later step changes anything. Without a plan states are carried on, and that is all.
 *
 * @param carries all of one size
 */
export function applyUpdate(plan: UpdatePlan | null, buffers: UpdateBuffers, carries: readonly CarriedState[]): void {
  const { parameters, gradients, memory, before, roles, partials, results, faults, numbers } = buffers;
  const now = carries.slice(0, MOST_STATES);
  const tensors: Record<string, DeviceBuffer> = { results, partial: partials, numbers };
  for (const [s, { to, from, saved }] of now.entries()) {
    Object.assign(tensors, { [`to${s}`]: to, [`from${s}`]: from, ...(plan ? { [`saved${s}`]: saved } : {}) });
  }
  const size = now[0]?.to.length ?? 1;
  const fours = Math.ceil(size / 4);
  const P = plan ? parameters.length : 0;
  if (plan) {
    const [own, ...blocks] = before;
    Object.assign(tensors, { params: parameters, before: own, grads: gradients, faults, ...(roles ? { roles } : {}) });
    for (const [s, block] of memory.entries())
      Object.assign(tensors, { [`block${s}`]: block, [`before${s}`]: blocks[s] });
  }
  const source = applyKernel({
    ...{ rules: plan?.rules ?? [], clip: plan?.clip.kind ?? 'none' },
    ...{ roles: plan !== null && roles !== null, states: now.length },
  });
  const { chunks } = chunksOf(P);
  const args = { P, chunks, size, fours, limit: plan?.clip.limit ?? 0, l2: plan?.l2 ?? 0 };
  const workgroups = Math.max(1, Math.ceil((Math.ceil(P / 4) + now.length * fours) / MOVED));
  results.device.dispatch(source, tensors, args, inRows(workgroups));
  for (const { to, from, saved } of carries.slice(MOST_STATES)) {
    const all = { to_state: to, from_state: from, results, numbers, ...(plan ? { saved, faults } : {}) };
    dispatchElementwise(carryMore({ updates: plan !== null }), all, to.length);
  }
}
