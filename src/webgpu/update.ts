import type { DeviceBuffer, FloatBuffer, UintBuffer } from './buffers.ts';
import { elementwise, inRows, overElements, THREADS } from './elements.ts';
import type { KernelSource } from './pipelines.ts';
import { ACROSS_WGSL } from './rows.ts';
import type { Rule } from './rules.ts';
import { variants } from './variants.ts';

/** Elements of the gradient that a workgroup looks at, and of the parameters that one moves. */
const LOOKED_AT = 4096;
const MOVED = 1024;
/** States that a dispatch carries on. */
const MOST_STATES = 8;

/** What a workgroup finds in its part of the gradient: the largest |g|, Σ(g/largest)², whether any is not finite, Σw². */
const PARTIAL_WORDS = 4;
/** What is kept of a step: its loss, Σw², whether it failed, and whether one before it did. */
export const RESULT_WORDS = 4;
/** How a step failed. */
export const FAILED = { loss: 1, gradient: 2 } as const;

/** Roles of an element of the parameter block. */
const DECAYS = 1;
const FROZEN = 2;

/** The numbers of a step: its place among the results, and those of the rule. */
export const STEP_NUMBERS = 4;

/** WGSL: whether x is an infinity or NaN: by its bits, since a compiler may take comparisons with them for granted. */
const IS_BAD_WGSL = `
fn is_bad(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u; }`;

export type ClipKind = 'none' | 'value' | 'norm';

/** What happens to a gradient and the parameters after backward. */
export interface UpdatePlan {
  readonly rule: Rule;
  readonly clip: { readonly kind: ClipKind; readonly limit: number };
  /** λ of the weight matrices' λ·Σw². */
  readonly l2: number;
}

/** What they are done to. */
export interface UpdateBuffers {
  readonly parameters: FloatBuffer;
  readonly gradients: FloatBuffer;
  readonly slots: readonly FloatBuffer[];
  /** A role for each parameter; null where none has one. */
  readonly roles: UintBuffer | null;
  readonly partials: FloatBuffer;
  readonly results: FloatBuffer;
  readonly numbers: FloatBuffer;
}

/** The roles of the elements of a parameter block; null where none has one. */
export function rolesOf(
  places: readonly { name: string; offset: number; length: number }[],
  l2: number,
  frozen: readonly string[],
): Uint32Array | null {
  if (l2 === 0 && frozen.length === 0) return null;
  const last = places[places.length - 1];
  const roles = new Uint32Array(last.offset + last.length);
  for (const { name, offset, length } of places) {
    const decays = l2 > 0 && name.startsWith('weight') ? DECAYS : 0;
    roles.fill(decays | (frozen.includes(name) ? FROZEN : 0), offset, offset + length);
  }
  return roles;
}

/** The length of {@link UpdateBuffers.partials} for P parameters. */
export function partialsLength(parameters: number): number {
  return PARTIAL_WORDS * (Math.ceil(parameters / LOOKED_AT) + 1);
}

const look = variants(
  ({ roles, norm }: { roles: boolean; norm: boolean }): KernelSource => ({
    name: 'lookAtGradient',
    outputs: { grads: 'f32', partial: 'f32' },
    inputs: { losses: 'f32', ...(roles ? { params: 'f32' as const, roles: 'u32' as const } : {}) },
    args: { P: 'u32', chunks: 'u32', R: 'u32', twice: 'f32' },
    code: `${ACROSS_WGSL}${IS_BAD_WGSL}
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let chunk = group.x + group.y * groups.x;
  if (chunk > args.chunks) { return; }
  let to = ${PARTIAL_WORDS}u * chunk;
  if (chunk == args.chunks) {
    var own = 0.0;
    for (var r = lane; r < args.R; r += ${THREADS}u) { own += losses(r); }
    let total = sum_across(own, lane);
    if (lane == 0u) { set_partial(to, total); }
    return;
  }
  let end = min(args.P, ${LOOKED_AT}u * (chunk + 1u));
  var own_top = 0.0;
  var own_bad = 0.0;
  var own_squares = 0.0;
  for (var e = ${LOOKED_AT}u * chunk + lane; e < end; e += ${THREADS}u) {
    var g = grads(e);
    ${
      roles
        ? `let role = roles(e);
    if ((role & ${DECAYS}u) != 0u) {
      let w = params(e);
      own_squares += w * w;
      g += args.twice * w;
    }
    if ((role & ${FROZEN}u) != 0u) { g = 0.0; }
    set_grads(e, g);`
        : ''
    }
    if (is_bad(g)) { own_bad = 1.0; }
    own_top = max(own_top, abs(g));
  }
  let top = max_across(own_top, lane);
  let bad = max_across(own_bad, lane);
  let squares = sum_across(own_squares, lane);
  var own_norm = 0.0;
  ${
    norm
      ? `if (top > 0.0) {
    for (var e = ${LOOKED_AT}u * chunk + lane; e < end; e += ${THREADS}u) {
      let share = grads(e) / top;
      own_norm += share * share;
    }
  }`
      : ''
  }
  let norm = sum_across(own_norm, lane);
  if (lane == 0u) {
    set_partial(to, top);
    set_partial(to + 1u, norm);
    set_partial(to + 2u, bad);
    set_partial(to + 3u, squares);
  }
}`,
  }),
);

/**
 * Adds the gradient of λ·Σw², clears that of frozen parameters, and leaves in `partials` what {@link moveParameters}
 * needs to know of the gradient and of the losses.
 */
export function lookAtGradient({ l2, clip }: UpdatePlan, buffers: UpdateBuffers, losses: FloatBuffer): void {
  const { gradients, partials, parameters, roles } = buffers;
  const chunks = Math.ceil(gradients.length / LOOKED_AT);
  const tensors = { grads: gradients, partial: partials, losses, ...(roles ? { params: parameters, roles } : {}) };
  const source = look({ roles: roles !== null, norm: clip.kind === 'norm' });
  const numbers = { P: gradients.length, chunks, R: losses.length, twice: 2 * l2 };
  gradients.device.dispatch(source, tensors, numbers, inRows(chunks + 1));
}

const moves = new Map<string, KernelSource>();

function move(rule: Rule | null, clip: ClipKind, roles: boolean, states: number): KernelSource {
  const key = [rule?.name, rule?.slots, clip, roles, states].join();
  let source = moves.get(key);
  if (!source) {
    source = writeMove(rule, clip, roles, states);
    moves.set(key, source);
  }
  return source;
}

function writeMove(rule: Rule | null, clip: ClipKind, roles: boolean, states: number): KernelSource {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const slots = upTo(rule?.slots ?? 0);
  const carries = upTo(states);
  const outputs: Record<string, 'f32'> = { results: 'f32' };
  if (rule) outputs.params = 'f32';
  for (const s of slots) outputs[`memory${s}`] = 'f32';
  for (const s of carries) outputs[`to${s}`] = 'f32';
  const inputs: Record<string, 'f32' | 'u32'> = { partial: 'f32', numbers: 'f32' };
  if (rule) inputs.grads = 'f32';
  if (roles) inputs.roles = 'u32';
  for (const s of carries) inputs[`from${s}`] = 'f32';
  const args: Record<string, 'u32' | 'f32'> = { P: 'u32', chunks: 'u32', size: 'u32', limit: 'f32', l2: 'f32' };
  for (const name of Object.keys(rule?.numbers ?? {})) args[name] = 'f32';
  const clipped = {
    none: 'grads(e)',
    value: 'clamp(grads(e), -args.limit, args.limit)',
    norm: 'grads(e) * factor',
  };
  return {
    ...{ name: `moveParameters ${rule?.name ?? 'none'}`, outputs, inputs, args },
    code: `${ACROSS_WGSL}${IS_BAD_WGSL}
fn carry(at: u32) {
  ${carries.map((s) => `if (at / args.size == ${s}u) { set_to${s}(at % args.size, from${s}(at % args.size)); }`).join('\n  ')}
}
${
  rule
    ? `fn move_one(e: u32, factor: f32, step_a: f32, step_b: f32, step_c: f32) {
  let g0 = ${clipped[clip]};
  var theta = params(e);
  ${slots.map((s) => `var slot${s} = memory${s}(e);`).join('\n  ')}
  ${rule.wgsl}
  ${slots.map((s) => `set_memory${s}(e, slot${s});`).join('\n  ')}
  ${roles ? `if ((roles(e) & ${FROZEN}u) != 0u) { return; }` : ''}
  set_params(e, theta);
}`
    : ''
}
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var own_top = 0.0;
  var own_bad = 0.0;
  var own_squares = 0.0;
  for (var c = lane; c < args.chunks; c += ${THREADS}u) {
    own_top = max(own_top, partial(${PARTIAL_WORDS}u * c));
    own_bad = max(own_bad, partial(${PARTIAL_WORDS}u * c + 2u));
    own_squares += partial(${PARTIAL_WORDS}u * c + 3u);
  }
  let top = max_across(own_top, lane);
  let bad = max_across(own_bad, lane);
  let squares = sum_across(own_squares, lane);
  var factor = 1.0;
  ${
    clip === 'norm'
      ? `var own_norm = 0.0;
  if (top > 0.0) {
    for (var c = lane; c < args.chunks; c += ${THREADS}u) {
      let share = partial(${PARTIAL_WORDS}u * c) / top;
      own_norm += partial(${PARTIAL_WORDS}u * c + 1u) * share * share;
    }
  }
  // maxNorm/(norm + 1e-6), divided by the largest |g| twice so that no norm is too large
  let norm = sqrt(sum_across(own_norm, lane));
  if (top > 0.0) { factor = min(1.0, args.limit / top / (norm + 1e-6 / top)); }`
      : ''
  }
  let loss = partial(${PARTIAL_WORDS}u * args.chunks);
  let place = u32(numbers(0u));
  let stopped = results(${RESULT_WORDS}u * place + 3u);
  var failed = 0.0;
  if (bad != 0.0) { failed = ${FAILED.gradient}.0; }
  if (is_bad(loss) || is_bad(args.l2 * squares)) { failed = ${FAILED.loss}.0; }
  let number = group.x + group.y * groups.x;
  if (number == 0u && lane == 0u) {
    let at = ${RESULT_WORDS}u * place;
    set_results(at, loss);
    set_results(at + 1u, squares);
    set_results(at + 2u, failed);
    set_results(at + ${RESULT_WORDS + 3}u, max(stopped, failed));
  }
  if (stopped != 0.0 || failed != 0.0) { return; }
  let end = args.P + ${states}u * args.size;
  for (var e = ${MOVED}u * number + lane; e < min(end, ${MOVED}u * (number + 1u)); e += ${THREADS}u) {
    if (e >= args.P) { carry(e - args.P); }
    ${rule ? 'else { move_one(e, factor, numbers(1u), numbers(2u), numbers(3u)); }' : ''}
  }
}`,
  };
}

const carryMore = elementwise(
  'carryState',
  { to_state: 'f32' },
  { from_state: 'f32', results: 'f32', numbers: 'f32' },
  {},
  `let failed = results(${RESULT_WORDS}u * u32(numbers(0u)) + ${RESULT_WORDS + 3}u);
  if (failed == 0.0) { set_to_state(i, from_state(i)); }`,
);

/** A state that is carried on to the next window. */
export interface Carry {
  readonly to: DeviceBuffer<'float32'>;
  readonly from: DeviceBuffer<'float32'>;
}

/**
 * Keeps the step's results, and unless it or one before it failed: clips, moves the parameters by the rule, and carries
 * the states on. Without a plan only the latter.
 *
 * @param carries all of one size
 */
export function moveParameters(plan: UpdatePlan | null, buffers: UpdateBuffers, carries: readonly Carry[]): void {
  const { parameters, gradients, slots, roles, partials, results, numbers } = buffers;
  const now = carries.slice(0, MOST_STATES);
  const tensors: Record<string, DeviceBuffer> = { results, partial: partials, numbers };
  for (const [s, { to, from }] of now.entries()) Object.assign(tensors, { [`to${s}`]: to, [`from${s}`]: from });
  const size = now[0]?.to.length ?? 1;
  const P = plan ? parameters.length : 0;
  if (plan) Object.assign(tensors, { params: parameters, grads: gradients, ...(roles ? { roles } : {}) });
  if (plan) for (const [s, slot] of slots.entries()) tensors[`memory${s}`] = slot;
  const source = move(plan?.rule ?? null, plan?.clip.kind ?? 'none', plan !== null && roles !== null, now.length);
  const chunks = plan ? Math.ceil(P / LOOKED_AT) : 0;
  const args = { P, chunks, size, limit: plan?.clip.limit ?? 0, l2: plan?.l2 ?? 0, ...plan?.rule.numbers };
  const workgroups = Math.max(1, Math.ceil((P + now.length * size) / MOVED));
  results.device.dispatch(source, tensors, args, inRows(workgroups));
  for (const { to, from } of carries.slice(MOST_STATES)) {
    overElements(carryMore, { to_state: to, from_state: from, results, numbers }, to.length);
  }
}
