import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { CharVocabulary, decodeUtf8 } from 'bptt/data';
import { makeFolder, writeAtomic } from '../cli/files.ts';
import { createCommand, numberBetween, runCommand, wholeNumber } from '../cli/options.ts';
import { chosen } from './chosen.ts';
import { PRESET_NETS } from './presetNets.ts';
import { presetSamples, presetTable } from './presetReport.ts';
import { type Conditions, type Outcome, paceOf, runPreset } from './presetRun.ts';

interface Options extends Conditions {
  presets?: string;
  seconds: number[];
  json?: string;
}

const seconds = numberBetween(0, 1e6, { positive: true });

const command = createCommand(
  'npm run bench:presets --',
  'Trains each preset on each text for some times and measures it on the last tenth of the text.',
)
  .argument('<text...>', 'UTF-8 text files')
  .option('--presets <names>', `presets, separated by commas: ${PRESET_NETS.map(({ name }) => name).join(', ')}`)
  .option('--seconds <s,…>', 'times to train', (text) => text.split(',').map(seconds), [30, 120])
  .option('--threads <n>', 'threads that share the sequences of a batch', wholeNumber(64), 2)
  .option('--seed <n>', 'seed of weights, dropout and samples', wholeNumber(2 ** 32 - 1, 0), 0)
  .option('--shared', 'others use this machine too: take the pace from CPU time', false)
  .option('--pace-seconds <s>', 'time that the pace of a preset is measured, and as long before', seconds, 1)
  .option('--json <file>', 'write the results as JSON, after each run')
  .action(run);

await runCommand(command);

async function run(files: string[], { presets, json, ...options }: Options): Promise<void> {
  const nets = chosen('--presets', presets, PRESET_NETS, ({ name }) => name);
  const texts = files.map((file) => ({ name: basename(file), text: decodeUtf8(readFileSync(file)) }));
  if (json) makeFolder(dirname(json));
  const outcomes: Outcome[] = [];
  for (const text of texts) {
    const V = CharVocabulary.fromText(text.text).size;
    for (const net of nets) {
      const pace = await paceOf(net, V, options);
      for (const time of options.seconds) {
        const outcome = await runPreset(net, text, { seconds: time, pace }, options);
        console.error(`${net.name} on ${text.name}, ${time} s: ${outcome.last.toFixed(3)} bits per character`);
        outcomes.push(outcome);
        if (json) writeAtomic(json, `${JSON.stringify(outcomes, null, 2)}\n`);
      }
    }
  }
  console.log(`${presetTable(outcomes)}\n\n${presetSamples(outcomes)}`);
}
