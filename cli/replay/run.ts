import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { reason } from '../files.ts';
import { Check, type Comparison } from './check.ts';
import { engines } from './engines.ts';
import { Fields, GoldenError } from './fields.ts';
import { kindOf } from './kinds.ts';
import { tolerancesOf } from './tolerances.ts';

/** What came out of a file: its comparisons, and the error that ended them early. */
export interface Replay {
  comparisons: readonly Comparison[];
  error: string | null;
}

/** Holds the library against the content of one golden file. */
export async function replayText(file: string, text: string, engineName = 'ts'): Promise<Replay> {
  const engine = engines[engineName]();
  const check = new Check(file, engine, tolerancesOf(engineName, engine.dtype));
  try {
    const fields = new Fields(file, parse(file, text));
    const kind = kindOf(fields);
    fields.object('meta');
    await kind.replay(fields, check);
    return { comparisons: check.comparisons, error: null };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const message = error instanceof GoldenError ? error.message : `${file}: ${error.message}`;
    return { comparisons: check.comparisons, error: message };
  }
}

/** Reads a golden file and replays it; a file that cannot be read is an error like any other. */
async function replayFile(path: string, engineName = 'ts'): Promise<Replay> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { comparisons: [], error: `${path}: ${reason(error)}` };
  }
  return replayText(basename(path), text, engineName);
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
  engineName: string,
  out: (text: string) => void,
  err: (text: string) => void,
): Promise<0 | 1> {
  const comparisons: Comparison[] = [];
  let failed = false;
  for (const path of paths) {
    const { comparisons: more, error } = await replayFile(path, engineName);
    comparisons.push(...more);
    if (error === null && more.length > 0) continue;
    err(`error: ${error ?? `${basename(path)}: nothing was compared`}\n`);
    failed = true;
  }
  out(`${report(comparisons)}\n`);
  return failed || comparisons.some(({ ok }) => !ok) ? 1 : 0;
}

/** A line for each comparison, columns aligned, and the count on the last line. */
function report(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ ok, file, caseName, quantity, error, tolerance }) => [
    ok ? 'ok' : 'FAIL',
    file,
    caseName || '-',
    quantity,
    short(error),
    short(tolerance),
  ]);
  const widths = Array.from({ length: 6 }, (_, c) => rows.reduce((width, row) => Math.max(width, row[c].length), 0));
  const lines = rows.map((row) =>
    row
      .map((text, c) => text.padEnd(widths[c]))
      .join('  ')
      .trimEnd(),
  );
  const passed = comparisons.filter(({ ok }) => ok).length;
  return [...lines, `${passed} passed, ${comparisons.length - passed} failed`].join('\n');
}

function short(x: number): string {
  if (x === 0) return '0';
  return Number.isFinite(x) ? x.toExponential(1) : 'infinite';
}
