import type { Command } from 'commander';
import { readCharModel } from '../charModel.ts';
import { writeAtomic } from '../files.ts';
import { type ComparedRun, comparison } from '../learningCurve.ts';
import { createCommand } from '../options.ts';
import { printable } from '../progress.ts';
import { RunFolder } from '../runFolder.ts';
import { describe } from '../settings.ts';
import { runsOf } from '../sweep/plan.ts';

export const command: Command = createCommand(
  'compare',
  'Ranks runs by the bits per character of their held-out text, and draws them in one picture.',
)
  .argument('<runs...>', 'folders of runs, or of sweeps for all of their runs')
  .option('--out <file>', 'the picture', 'comparison.svg')
  .action(async (paths: string[], { out }: { out: string }) => {
    const runs: (ComparedRun & { text: string; path: string })[] = [];
    const texts = new Set<string>();
    for (const path of paths.flatMap(runsOf)) {
      const folder = RunFolder.open(path);
      const { settings, text } = await readCharModel(folder.model);
      texts.add(text.sha256);
      const rows = folder.readLog();
      runs.push({
        text: text.name,
        net: describe(settings),
        path,
        charactersPerIteration: settings.steps * settings.batch,
        rows,
      });
    }
    if (texts.size > 1)
      throw new Error('the runs have read different texts: their bits per character cannot be compared');
    writeAtomic(out, comparison(runs[0].text, runs));
    const ranked = runs.map(({ rows, ...run }) => ({
      ...run,
      last: rows.findLast((row) => row.validationBitsPerChar !== undefined)!,
    }));
    ranked.sort((a, b) => a.last.validationBitsPerChar! - b.last.validationBitsPerChar!);
    for (const { net, path, last } of ranked) {
      const held = last.validationBitsPerChar!.toFixed(3);
      console.log(`${held} bits per character held out, iteration ${last.iteration}: ${net} · ${printable(path)}`);
    }
    console.log(`picture: ${out}`);
  });
