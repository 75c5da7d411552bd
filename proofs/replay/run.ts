import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { reason } from '../../cli/files.ts';
import { Check, type Comparison, type ReferenceRuns, type Skipped } from './check.ts';
import { engines, type ReplayEngine, type ReplayEngineName } from './engines.ts';
import { Fields, GoldenError } from './fields.ts';
import { kindOf } from './kinds.ts';
import { perturbedEngine } from './perturbed.ts';
import { tolerancesOf } from './tolerances.ts';

/** What came out of a file: its comparisons, what was not compared, and the error that ended them early. */
export interface Replay {
  comparisons: readonly Comparison[];
  skipped: readonly Skipped[];
  error: string | null;
}

/**
 * Holds the library on an engine against the content of one golden file. The float64 engine is held to the tolerances alone,
 * and only where that fails to what rounding adds to them: most nets magnify it by little.
 *
 * @param references what {@link referenceRuns} gave for the same content and engine; left out, they are held
 */
export async function replayText(
  file: string,
  text: string,
  engine: ReplayEngine = engines.ts,
  references?: ReferenceRuns,
): Promise<Replay> {
  const run = async (given: ReferenceRuns | null): Promise<Replay> => {
    const check = new Check(file, engine, tolerancesOf(engine.name, engine.dtype), given);
    const error = await replayInto(check, text);
    return { comparisons: check.comparisons, skipped: check.skipped, error };
  };
  if (engine === engines.ts) {
    const alone = await run(null);
    if (alone.error !== null || alone.comparisons.every(({ ok }) => ok)) return alone;
  }
  return run(references ?? (await referenceRuns(file, text, engine)));
}

/** The same on the float64 engine, as it is and with the engine's roundings played. */
export async function referenceRuns(file: string, text: string, engine: ReplayEngine): Promise<ReferenceRuns> {
  const tolerances = tolerancesOf(engine.name, engine.dtype);
  const { rounding } = tolerances;
  // An error of the file comes up again in the replay itself; what lies behind it is compared by neither.
  const run = async (player: ReplayEngine): Promise<Check> => {
    const check = new Check(file, player, tolerances);
    await replayInto(check, text);
    return check;
  };
  const perturbed: Check[] = [];
  for (let seed = 1; seed <= rounding.draws; seed++) perturbed.push(await run(perturbedEngine(rounding, seed)));
  return { exact: await run(engines.ts), perturbed };
}

/** @returns the error that ended it, or null */
async function replayInto(check: Check, text: string): Promise<string | null> {
  const { file } = check;
  try {
    const fields = new Fields(file, parse(file, text));
    const kind = kindOf(fields);
    fields.object('meta');
    await kind.replay(fields, check);
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error instanceof GoldenError ? error.message : `${file}: ${error.message}`;
  }
}

/** Reads a golden file and replays it; a file that cannot be read is an error like any other. */
async function replayFile(path: string, engine: ReplayEngine): Promise<Replay> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { comparisons: [], skipped: [], error: `${path}: ${reason(error)}` };
  }
  return replayText(basename(path), text, engine);
}

function parse(file: string, text: string) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GoldenError(`${file}: is not JSON: ${(error as Error).message}`);
  }
}

/**
 * Replays files one after another: a report to `out`, errors to `err` as they come.
 *
 * @returns the exit status: 0 where something was compared and everything passed
 */
export async function replayFiles(
  paths: readonly string[],
  engineName: ReplayEngineName,
  out: (text: string) => void,
  err: (text: string) => void,
): Promise<0 | 1> {
  const comparisons: Comparison[] = [];
  const skipped: Skipped[] = [];
  let failed = false;
  for (const path of paths) {
    const { error, ...replay } = await replayFile(path, engines[engineName]);
    comparisons.push(...replay.comparisons);
    skipped.push(...replay.skipped);
    if (error === null && replay.comparisons.length + replay.skipped.length > 0) continue;
    err(`error: ${error ?? `${basename(path)}: nothing was compared`}\n`);
    failed = true;
  }
  if (!failed && comparisons.length === 0) {
    err('error: nothing was compared\n');
    failed = true;
  }
  out(`${report(comparisons, skipped)}\n`);
  return failed || comparisons.some(({ ok }) => !ok) ? 1 : 0;
}

/** A line for each quantity, columns aligned, first what was compared, and the count on the last line. */
function report(comparisons: readonly Comparison[], skipped: readonly Skipped[]): string {
  const compared = comparisons.map(({ ok, file, caseName, quantity, error, tolerance }) => [
    ok ? 'ok' : 'FAIL',
    file,
    caseName || '-',
    quantity,
    short(error),
    short(tolerance),
  ]);
  const rows = [
    ...compared,
    ...skipped.map(({ file, caseName, quantity, why }) => ['skip', file, caseName || '-', quantity, why]),
  ];
  const widths = Array.from({ length: 6 }, (_, c) =>
    rows.reduce((width, row) => Math.max(width, row[c]?.length ?? 0), 0),
  );
  const lines = rows.map((row) =>
    row
      .map((text, c) => text.padEnd(widths[c]))
      .join('  ')
      .trimEnd(),
  );
  const passed = comparisons.filter(({ ok }) => ok).length;
  const count = `${passed} passed, ${comparisons.length - passed} failed`;
  return [...lines, skipped.length > 0 ? `${count}, ${skipped.length} skipped` : count].join('\n');
}

function short(x: number): string {
  if (x === 0) return '0';
  return Number.isFinite(x) ? x.toExponential(1) : 'infinite';
}
