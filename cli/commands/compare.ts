import type { Command } from 'commander';
import { readCharModel } from '../charModel.ts';
import { writeAtomic } from '../files.ts';
import { type ComparedRun, comparison } from '../learningCurve.ts';
import { createCommand } from '../options.ts';
import { RunFolder } from '../runFolder.ts';
import { describe } from '../settings.ts';

export const command: Command = createCommand(
  'compare',
  'Draws the held-out bits per character of several runs in one picture.',
)
  .argument('<runs...>', 'run folders')
  .option('--out <file>', 'the picture', 'comparison.svg')
  .action(async (paths: string[], { out }: { out: string }) => {
    const runs: (ComparedRun & { text: string })[] = [];
    const texts = new Set<string>();
    for (const path of paths) {
      const folder = RunFolder.open(path);
      const { settings, text } = await readCharModel(folder.model);
      texts.add(text.sha256);
      const rows = folder.readLog();
      runs.push({
        text: text.name,
        net: describe(settings),
        charactersPerIteration: settings.steps * settings.batch,
        rows,
      });
    }
    if (texts.size > 1)
      throw new Error('the runs have read different texts: their bits per character cannot be compared');
    writeAtomic(out, comparison(runs[0].text, runs));
    for (const { net, rows } of runs) {
      const last = rows.findLast((row) => row.validationBitsPerChar !== undefined)!;
      console.log(
        `${last.validationBitsPerChar!.toFixed(3)} bits per character held out, iteration ${last.iteration}: ${net}`,
      );
    }
    console.log(`picture: ${out}`);
  });
