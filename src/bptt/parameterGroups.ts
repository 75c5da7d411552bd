import { describe } from '../check/describe.ts';
import {
  assertLearningRate,
  assertRanges,
  type LearningRate,
  learningRateAt,
  type Optimizer,
  type StepNumbers,
} from '../optim/optimizer.ts';
import type { ParameterLayout } from './spec.ts';

/** What a function that chooses parameters is asked about. */
export type ChosenParameter = Pick<ParameterLayout, 'name' | 'shape' | 'role'>;

/** Parameters that are updated with options of their own; what is not said is as the trainer's optimizer has it. */
export interface ParameterGroup {
  /**
   * Names, in which `*` stands for any characters: `'bias_*'`, `['weight_ho', 'bias_ho']`; or a function that says of each
   * parameter whether it is meant.
   */
  readonly parameters: string | readonly string[] | ((parameter: ChosenParameter) => boolean);
  /** A learning rate, or a schedule, instead of the optimizer's. */
  readonly lr?: LearningRate;
  /** Or a factor on the optimizer's rate, its schedule included. */
  readonly lrFactor?: number;
  /** Any option of the optimizer's rule, as `weightDecay: 0`. */
  readonly [option: string]: unknown;
}

/** The rule of a group. */
export interface GroupRule {
  readonly optimizer: Optimizer;
  readonly lrFactor: number;
}

/** Parameters from … to − 1 of the flat block, which the rule of that number moves. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly rule: number;
}

/** Which rule moves which parameters. */
export interface UpdatePartition {
  /** First that of the parameters which no group names. */
  readonly rules: readonly GroupRule[];
  /** The names of each group, in order. */
  readonly names: readonly (readonly string[])[];
  /** What learns, in order; frozen parameters are in none. */
  readonly segments: readonly Segment[];
  /** Blocks of memory: as many as the rule with the most has. */
  readonly blocks: number;
}

type Place = ChosenParameter & Pick<ParameterLayout, 'offset' | 'length'>;

/**
 * Works out which rule moves which parameters.
 *
 * @throws {RangeError | TypeError} on names that are no parameter's, patterns and functions that match none, a parameter
 *   in two groups, or in one and frozen, and on options that the rule does not have, or out of range.
 */
export function partitionUpdate(
  layout: readonly Place[],
  {
    optimizer,
    groups = [],
    frozen = [],
  }: { optimizer: Optimizer; groups?: readonly ParameterGroup[]; frozen?: readonly string[] },
): UpdatePartition {
  const unknown = frozen.find((name) => !layout.some((place) => place.name === name));
  if (unknown !== undefined) {
    throw new RangeError(`trainer: frozen names ${unknown}, which is no parameter of this model`);
  }
  const rules = [{ optimizer, lrFactor: 1 }, ...groups.map((group, g) => ruleOf(`groups[${g}]`, optimizer, group))];
  const names = groups.map(({ parameters }, g) => namesOf(`groups[${g}].parameters`, parameters, layout));
  const segments: { from: number; to: number; rule: number }[] = [];
  for (const { name, offset, length } of layout) {
    const own = names.flatMap((list, g) => (list.includes(name) ? [g] : []));
    const places = [...own.map((g) => `groups[${g}]`), ...(frozen.includes(name) ? ['frozen'] : [])];
    if (places.length > 1) {
      throw new RangeError(`trainer: ${name} is in ${places.join(' and in ')}, expected one place for each parameter`);
    }
    if (frozen.includes(name)) continue;
    const rule = own.length > 0 ? own[0] + 1 : 0;
    const last = segments.at(-1);
    if (last?.to === offset && last.rule === rule) last.to += length;
    else segments.push({ from: offset, to: offset + length, rule });
  }
  const blocks = Math.max(...rules.map((rule) => rule.optimizer.initialMemory.length));
  return { rules, names, segments, blocks };
}

/** The numbers of the update after `step` others, of each rule. */
export function stepNumbersOf({ rules }: Pick<UpdatePartition, 'rules'>, step: number): readonly StepNumbers[] {
  return rules.map(({ optimizer, lrFactor }) => {
    const numbers = optimizer.numbers(step, lrFactor * learningRateAt(optimizer.lr, step));
    for (const name in numbers) {
      if (Number.isFinite(numbers[name])) continue;
      const what = `trainer: optimizer ${optimizer.name} gives ${name} = ${describe(numbers[name])} at step ${step}`;
      throw new RangeError(`${what}, expected a finite number`);
    }
    return numbers;
  });
}

function ruleOf(place: string, optimizer: Optimizer, group: ParameterGroup): GroupRule {
  const { parameters: _, lrFactor = 1, ...changes } = group;
  const { name } = optimizer;
  assertRanges(`trainer: ${place}`, { lrFactor: [lrFactor, 0, Infinity] });
  if (group.lr !== undefined) assertLearningRate(`trainer: ${place}`, group.lr);
  if (group.lrFactor !== undefined) {
    if (group.lr !== undefined) throw new RangeError(`trainer: ${place} has both lr and lrFactor, expected one`);
    const [once, twice] = [1, 2].map((lr) => JSON.stringify(optimizer.numbers(0, lr)));
    if (once === twice)
      throw new RangeError(`trainer: ${place}.lrFactor is given, but ${name} has no rate in its steps`);
  }
  if (Object.keys(changes).length === 0) return { optimizer, lrFactor };
  if (optimizer.with === undefined) {
    const [option] = Object.keys(changes).filter((own) => own !== 'lr');
    if (option === undefined) return { optimizer: { ...optimizer, lr: group.lr! }, lrFactor };
    throw new TypeError(`trainer: ${place}.${option} is given, but optimizer ${name} has no method \`with\` for it`);
  }
  let changed: Optimizer;
  try {
    changed = optimizer.with(changes);
  } catch (error) {
    const Kind = error instanceof TypeError ? TypeError : RangeError;
    throw new Kind(`trainer: ${place}: ${(error as Error).message}`, { cause: error });
  }
  if (changed.name !== name) {
    throw new RangeError(
      `trainer: ${place}: optimizer ${name} with other options is ${changed.name}, expected ${name}`,
    );
  }
  return { optimizer: changed, lrFactor };
}

/** The names of the parameters that are meant. */
function namesOf(place: string, given: ParameterGroup['parameters'], layout: readonly Place[]): readonly string[] {
  if (typeof given === 'function') {
    const chosen = layout.filter(({ name, shape, role }) => {
      const answer: unknown = given({ name, shape, role });
      if (typeof answer === 'boolean') return answer;
      throw new TypeError(`trainer: ${place} gives ${describe(answer)} for ${name}, expected true or false`);
    });
    if (chosen.length === 0) throw new RangeError(`trainer: ${place} chooses no parameter of this model`);
    return chosen.map(({ name }) => name);
  }
  const patterns: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (patterns.length === 0) throw new RangeError(`trainer: ${place} is an empty list, expected names of parameters`);
  const chosen = new Set<string>();
  for (const pattern of patterns) {
    if (typeof pattern !== 'string') {
      throw new TypeError(`trainer: ${place} is ${describe(pattern)}, expected names of parameters or a function`);
    }
    const matching = layout.filter(({ name }) => matches(name, pattern));
    if (matching.length === 0) {
      const what = pattern.includes('*') ? 'which matches no parameter' : 'which is no parameter';
      throw new RangeError(`trainer: ${place} names ${pattern}, ${what} of this model`);
    }
    for (const { name } of matching) chosen.add(name);
  }
  return [...chosen];
}

/** Whether a name is that of a pattern, in which `*` stands for any characters. */
function matches(name: string, pattern: string): boolean {
  const [first, ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    at = name.indexOf(part, at);
    if (at < 0) return false;
    at += part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
