import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { makeFolder, orSay, writeAtomic } from '../files.ts';
import { type ComparedRun, comparison, type LogRow } from '../learningCurve.ts';
import { createCommand, named } from '../options.ts';
import { printable } from '../printable.ts';
import { type RunNote, readRun } from '../runFile.ts';
import { RunFolder } from '../runFolder.ts';
import { describe } from '../settings.ts';
import { runsOf } from '../sweep/plan.ts';

interface Run extends ComparedRun {
  path: string;
  note: RunNote;
  last: LogRow & { heldOut: NonNullable<LogRow['heldOut']> };
}

export const command: Command = createCommand(
  'compare',
  'Draws the held-out figures of several runs on one text in one picture, and lists them, the best first.',
)
  .argument('<runs...>', 'folders of runs, or of sweeps for all of their runs')
  .option('--out <file>', 'the picture', named, 'comparison.svg')
  .addHelpText(
    'after',
    '\nThe figure of a run is its last one, that of its last model.\n\nExit status: 0, 1 on an error or where the runs cannot be compared, 2 on options that make no sense.',
  )
  .action(async (paths: string[], { out }: { out: string }) => {
    const runs: Run[] = [];
    const folders = paths.flatMap(runsOf);
    for (const path of folders) runs.push(await read(path, folders));
    assertComparable(runs);
    const [{ note }] = runs;
    const counts = runs.map(({ last }) => last.heldOut.symbols);
    const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
    const measured =
      fewest === most
        ? `each last point: the same ${most} held-out ${note.unit}s`
        : `each last point: the first ${fewest} to ${most} held-out ${note.unit}s, so they cannot be compared exactly`;
    const svg = comparison({ text: note.text.name, unit: note.unit, measured }, runs);
    orSay(`cannot write ${out}`, () => {
      makeFolder(dirname(out));
      writeAtomic(out, svg);
    });
    for (const run of runs.toSorted((a, b) => a.last.heldOut.bits - b.last.heldOut.bits)) {
      const { bits, symbols } = run.last.heldOut;
      const figure = `${bits.toFixed(3)} bits per ${note.unit} over ${symbols} held-out ${note.unit}s`;
      console.log(printable(`${figure}, iteration ${run.last.iteration}: ${run.path}, ${describe(run.note.settings)}`));
    }
    console.log(printable(`picture: ${out}`));
  });

async function read(path: string, all: readonly string[]): Promise<Run> {
  const folder = RunFolder.open(path);
  const { note } = await readRun(folder.model);
  const rows = folder.readLog(note.run);
  const last = rows.findLast((row) => row.heldOut !== undefined);
  if (last === undefined) throw new Error(`${path} was never measured on held-out text`);
  const name = basename(path);
  const alone = all.filter((other) => basename(other) === name).length === 1;
  const { steps, batch } = note.settings;
  return { path, name: alone ? name : path, note, rows, symbolsPerIteration: steps * batch, last: last as Run['last'] };
}

/** @throws {Error} that says what differs. */
function assertComparable(runs: readonly Run[]): void {
  const [first] = runs;
  for (const { path, note } of runs) {
    const differs = (what: string): Error =>
      new Error(`${first.path} and ${path} ${what}: their figures cannot be compared`);
    if (note.text.sha256 !== first.note.text.sha256) throw differs('have read different texts');
    if (note.unit !== first.note.unit) throw differs('count characters and words');
    if (note.symbols.length !== first.note.symbols.length) throw differs('know different words');
    const [a, b] = [first.note.settings.validation, note.settings.validation];
    if (a !== b) throw differs(`hold out different shares of the text, ${a} and ${b}`);
  }
}
