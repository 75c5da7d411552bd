import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomState } from 'bptt/tensor';
import type { Command, Option } from 'commander';
import { makeFolder, orSay, reason, writeAtomic } from '../files.ts';
import { RunFolder } from '../runFolder.ts';

/** A run of a sweep: a folder's name, and the options of `bptt train` that are its own. */
export interface PlannedRun {
  name: string;
  options: readonly string[];
}

/** What stands in `sweep.json`: who reads it runs the same commands. */
export interface Plan {
  tool: typeof TOOL;
  /** Files and options of `bptt train` that all runs have. */
  common: readonly string[];
  runs: readonly PlannedRun[];
}

const TOOL = 'bptt sweep 1';

/** Values of one option. */
export interface Values {
  option: string;
  values: readonly string[];
}

/** Bounds of one option, drawn evenly between them, or between their logarithms. */
export interface Range {
  option: string;
  low: number;
  high: number;
  logarithmic: boolean;
}

export interface Search {
  grid: readonly Values[];
  ranges: readonly Range[];
  /** Runs that are drawn; without it every combination of the grid is run. */
  random?: number | undefined;
  seed: number;
}

/** Options of a run that the sweep decides. */
const RESERVED = ['out', 'resume', 'overwrite', 'help'];

/**
 * The runs of a search, each with a name that says its settings.
 *
 * @throws {RangeError} on an option that `bptt train` does not have, a value that it does not take, and an empty search.
 */
export function planOf(train: Command, common: readonly string[], search: Search): Plan {
  const { grid, ranges, random, seed } = search;
  for (const word of common) {
    const name = /^--([^=]+)/.exec(word)?.[1];
    if (name !== undefined && RESERVED.includes(name)) throw new RangeError(`--${name} is the sweep's to say`);
  }
  const { unknown } = train.parseOptions([...common]);
  if (unknown.length > 0) throw new RangeError(`bptt train has no option ${unknown[0]}`);
  if (grid.length + ranges.length === 0)
    throw new RangeError('nothing to search: say --grid, or --range with --random');
  if (random === undefined && ranges.length > 0)
    throw new RangeError('--range needs --random, the number of runs to draw');
  const seen = new Set<string>();
  for (const { option } of [...grid, ...ranges]) {
    if (seen.has(option)) throw new RangeError(`--${option} is searched twice`);
    seen.add(option);
  }
  for (const { option, values } of grid) for (const value of values) assertValue(optionOf(train, option), value);
  const settings = random === undefined ? combinations(grid) : drawn(train, search, random, new RandomState(seed));
  const digits = String(settings.length - 1).length;
  return {
    tool: TOOL,
    common,
    runs: settings.map((list, i) => ({
      name: [String(i).padStart(digits, '0'), ...list.map(([option, value]) => `${option}=${value}`)].join(','),
      options: list.flatMap(([option, value]) => [`--${option}`, value]),
    })),
  };
}

type Setting = readonly [option: string, value: string];

/** Every combination, the last option changing fastest. */
function combinations(grid: readonly Values[]): Setting[][] {
  return grid.reduce<Setting[][]>(
    (all, { option, values }) =>
      all.flatMap((before) => values.map((value): Setting[] => [...before, [option, value]])),
    [[]],
  );
}

function drawn(train: Command, { grid, ranges }: Search, count: number, rng: RandomState): Setting[][] {
  return Array.from({ length: count }, () => [
    ...grid.map(({ option, values }): Setting => [option, values[rng.randint(values.length)]]),
    ...ranges.map(({ option, low, high, logarithmic }): Setting => {
      const u = rng.randomSample();
      const value = logarithmic ? low * (high / low) ** u : low + (high - low) * u;
      return [option, valueFor(optionOf(train, option), value)];
    }),
  ]);
}

/** Three digits; a whole number where the option takes no other. */
function valueFor(option: Option, value: number): string {
  const text = String(Number(value.toPrecision(3)));
  if (takes(option, text)) return text;
  const whole = String(Math.round(value));
  assertValue(option, whole);
  return whole;
}

function optionOf(train: Command, name: string): Option {
  const option = train.options.find(({ long }) => long === `--${name}`);
  if (option === undefined || RESERVED.includes(name)) throw new RangeError(`--${name} is no setting of bptt train`);
  if (!option.required) throw new RangeError(`--${name} takes no value, so that there is nothing to search`);
  return option;
}

function takes({ parseArg }: Option, value: string): boolean {
  try {
    parseArg?.(value, undefined);
    return true;
  } catch {
    return false;
  }
}

function assertValue(option: Option, value: string): void {
  try {
    option.parseArg?.(value, undefined);
  } catch (error) {
    throw new RangeError(`${option.long} ${value}: ${(error as Error).message}`);
  }
}

/** Writes the plan into its folder; a plan that is there already must be the same. */
export function writePlan(folder: string, plan: Plan): void {
  const path = join(folder, 'sweep.json');
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  if (existsSync(path)) {
    if (readFileSync(path, 'utf8') === text) return;
    throw new Error(`${folder} holds another sweep: go on with it by naming the folder alone, or name another folder`);
  }
  orSay(`cannot write ${path}`, () => {
    makeFolder(folder);
    writeAtomic(path, text);
  });
}

/** @throws {Error} where the folder holds no sweep. */
export function readPlan(folder: string): Plan {
  const path = join(folder, 'sweep.json');
  let plan: Plan;
  try {
    plan = JSON.parse(readFileSync(path, 'utf8')) as Plan;
  } catch (error) {
    throw new Error(`${folder} holds no sweep (${path}: ${reason(error)}): say what to search`, { cause: error });
  }
  if (plan.tool !== TOOL) throw new Error(`${path} is no sweep of this version`);
  return plan;
}

/** The folders of the runs of a sweep that have begun; of another folder itself. */
export function runsOf(folder: string): string[] {
  if (!existsSync(join(folder, 'sweep.json'))) return [folder];
  const begun = readPlan(folder)
    .runs.map(({ name }) => join(folder, name))
    .filter((path) => RunFolder.at(path).hasModel);
  if (begun.length === 0) throw new Error(`${folder}: no run of the sweep has begun`);
  return begun;
}
