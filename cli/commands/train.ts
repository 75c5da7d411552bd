import { ENGINE_NAMES } from 'bptt';
import { type Command, Option } from 'commander';
import { createCommand, named, numberBetween, wholeNumber } from '../options.ts';
import { PRESET_NAMES, PRESETS } from '../presets.ts';
import type { Limits } from '../runFile.ts';
import {
  assertTogether,
  CELLS,
  DEFAULT_RATES,
  DTYPES,
  type GivenSettings,
  LOSSES,
  MOST_WORDS,
  OPTIMIZER_NAMES,
  SCHEMES,
} from '../settings.ts';
import { supervise } from '../supervisor.ts';
import { ENCODINGS, type Encoding } from '../text.ts';
import { DEFAULT_SECONDS } from '../training.ts';
import { typed } from '../typed.ts';

interface Options extends GivenSettings, Limits {
  sampleEvery?: number;
  encoding?: Encoding;
  out?: string;
  overwrite?: boolean;
  resume?: string;
}

/** Options that a resumed run has from its model file. */
const fixed =
  'preset,hidden,steps,batch,layers,cell,lr,lrDecay,beta2,loss,optimizer,clip,clipNorm,l2,dropout,seed,dtype,init,validation,words,engine,threads,fma,out,overwrite';

const positive = (max: number) => numberBetween(0, max, { positive: true });
const ofPreset = PRESETS.default.settings;

export const command: Command = createCommand('train', 'Trains a recurrent net to foresee a text, symbol by symbol.')
  .argument('[files...]', 'text files, - for standard input; in a clone of bptt without any: its own sources')
  .addOption(
    new Option(
      '--preset <name>',
      `net and settings: ${PRESET_NAMES.map((name) => `${name} (${PRESETS[name].purpose})`).join('; ')}`,
    )
      .choices(PRESET_NAMES)
      .default('default'),
  )
  .optionsGroup('Net (without them: the preset):')
  .addOption(new Option('--cell <cell>', `kind of the hidden units (preset default: ${ofPreset.cell})`).choices(CELLS))
  .option('--hidden <n>', `hidden units of a layer (preset default: ${ofPreset.hidden})`, wholeNumber(8192))
  .option('--layers <n>', `layers of the net (preset default: ${ofPreset.layers})`, wholeNumber(64))
  .option(
    '--dropout <p>',
    `share of outputs dropped between layers (preset default: ${ofPreset.dropout})`,
    numberBetween(0, 0.99),
  )
  .addOption(
    new Option('--init <scheme>', 'initial weights (default: minCharRnn for one Elman layer, else orthogonal)').choices(
      SCHEMES,
    ),
  )
  .optionsGroup('Learning (without them: the preset):')
  .option('--steps <n>', `symbols of a window (preset default: ${ofPreset.steps})`, wholeNumber(100_000))
  .option(
    '--batch <n>',
    `parts of the text read side by side (preset default: ${ofPreset.batch}, fewer on a short text)`,
    wholeNumber(65_536),
  )
  .addOption(
    new Option(
      '--loss <how>',
      `sum: of the steps, as in the notebook; mean: over all symbols of a window (preset default: ${ofPreset.loss})`,
    ).choices(LOSSES),
  )
  .addOption(
    new Option('--optimizer <rule>', `update rule (preset default: ${ofPreset.optimizer})`).choices(OPTIMIZER_NAMES),
  )
  .option(
    '--lr <x>',
    `learning rate (preset default: ${ofPreset.lr}; of other rules: ${DEFAULT_RATES})`,
    positive(1e38),
  )
  .option(
    '--lr-decay',
    'the rate rises over the first twentieth of the run and falls along half a cosine to 0 at its end',
  )
  .option('--no-lr-decay', 'the rate stays as it is')
  .option('--beta2 <x>', "Adam's second decay rate", numberBetween(0, 1 - 1e-12))
  .option('--clip <x>', 'clip each element of the gradient to ±x; 0 for no clipping', numberBetween(0, 1e12))
  .addOption(
    new Option('--clip-norm <x>', 'scale the gradient to a norm of at most x')
      .argParser(positive(1e12))
      .conflicts('clip'),
  )
  .option('--l2 <x>', 'add x times the sum of the squared weights to the loss', numberBetween(0, 1e12))
  .option('--seed <n>', 'seed of weights, dropout and samples (default: 0)', wholeNumber(2 ** 32 - 1, 0))
  .optionsGroup('Text:')
  .option(
    '--words [n]',
    `learn words instead of characters, the n most frequent ones (default: ${MOST_WORDS})`,
    wholeNumber(1e6, 4),
  )
  .addOption(new Option('--encoding <name>', 'how the files are written (default: utf-8)').choices(ENCODINGS))
  .option(
    '--validation <share>',
    'share of the text held out at its end to measure on (default: 0.1, of a long text less)',
    numberBetween(0, 0.99),
  )
  .optionsGroup('Length:')
  .option('--iterations <n>', 'windows to learn from in all', wholeNumber(1e12))
  .option('--seconds <s>', `time to train (default: ${DEFAULT_SECONDS} where --iterations is not given)`, positive(1e8))
  .option('--patience <n>', 'end when the held-out text has not become easier for n measurements', wholeNumber(1e6))
  .optionsGroup('Computing:')
  .addOption(new Option('--engine <name>', 'what computes (default: auto)').choices(ENGINE_NAMES))
  .option(
    '--threads <n>',
    'engine wasm: threads that share the sequences of a batch (default: 2 where there are so many)',
    wholeNumber(64),
  )
  .option('--fma', 'engine wasm: add products by fused multiply-add (default: where the host has it, which is faster)')
  .option('--no-fma', 'round each product, so that the bits are the same on every host')
  .addOption(new Option('--dtype <type>', 'precision of the numbers (default: float32)').choices(DTYPES))
  .optionsGroup('Run:')
  .option('--sample-every <n>', 'iterations between samples, 0 for none (default: now and then)', wholeNumber(1e12, 0))
  .option('--out <dir>', 'folder of the run (default: a new one in runs/)', named)
  .option('--overwrite', 'replace the run that the folder holds')
  .addOption(
    new Option(
      '--resume <run>',
      'go on with the run in this folder, on the same text, up to the limits that it had',
    ).conflicts(fixed.split(',')),
  )
  .addHelpText(
    'after',
    `
A run is kept in its folder every few seconds. Ctrl-C, SIGTERM, SIGHUP or SIGQUIT end it early and keep what was reached; so
does a standard output whose reader has left. A second Ctrl-C ends it at once.

Exit status: 0 where the run came to its end or was ended early, 1 on an error or where it was ended before it began, 2 on
options that make no sense; a second Ctrl-C ends the process by SIGINT, which a shell shows as 130.`,
  )
  .action(train);

async function train(files: string[], options: Options): Promise<void> {
  const { iterations, seconds, patience, sampleEvery, encoding, out, overwrite = false, resume, ...settings } = options;
  if (resume === undefined) assertTogether(settings, patience);
  const given = iterations === undefined && resume === undefined ? DEFAULT_SECONDS : undefined;
  await supervise({
    ...{ files, settings, sampleEvery, encoding, out, overwrite, resume },
    limits: { iterations, seconds: seconds ?? given, patience },
    typed: { sample: typed('sample'), train: typed('train') },
  });
}
