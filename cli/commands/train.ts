import { createTrainer, ENGINE_NAMES, type EngineName, type Scheme } from 'bptt';
import { CharVocabulary } from 'bptt/data';
import { type Command, Option } from 'commander';
import { type CharModel, fingerprint, readCharModel } from '../charModel.ts';
import { commandGpu } from '../commandGpu.ts';
import { createCommand, numberBetween, whenReaderLeaves, wholeNumber } from '../options.ts';
import { printable } from '../progress.ts';
import { readText } from '../readText.ts';
import { RunFolder } from '../runFolder.ts';
import {
  CELLS,
  DEFAULT_RATES,
  DTYPES,
  describe,
  type GivenSettings,
  OPTIMIZER_NAMES,
  optimizerOf,
  SCHEMES,
  type Settings,
  settingsFrom,
  specOf,
} from '../settings.ts';
import { readingOf, Training } from '../training.ts';
import { type Limits, type RunParts, TrainingRun } from '../trainingRun.ts';
import { typed } from '../typed.ts';

interface Options extends Omit<GivenSettings, 'init'>, Limits {
  init?: Scheme;
  engine: EngineName;
  threads: number;
  fma?: boolean;
  out?: string;
  resume?: string;
}

/** Options that a resumed run has from its model file. */
const fixed = 'hidden,steps,batch,layers,cell,lr,optimizer,clip,clipNorm,l2,dropout,seed,dtype,init,validation,out';
const defaultSeconds = 30;

const positive = (max: number) => numberBetween(0, max, { positive: true });

export const command: Command = createCommand(
  'train',
  'Trains a character RNN on text, by default as min-char-rnn does.',
)
  .argument('[files...]', 'UTF-8 text files, - for standard input; in a clone of bptt without any: its own sources')
  .option('--hidden <n>', 'hidden units of a layer', wholeNumber(8192), 100)
  .option('--steps <n>', 'characters of a window', wholeNumber(100_000), 25)
  .option('--batch <n>', 'parts of the text read side by side; losses are averaged over them', wholeNumber(65_536), 1)
  .option('--layers <n>', 'layers of the net', wholeNumber(64), 1)
  .addOption(new Option('--cell <cell>', 'kind of the hidden units').choices(CELLS).default('elman'))
  .option('--lr <x>', `learning rate (default: ${DEFAULT_RATES})`, positive(1e38))
  .addOption(new Option('--optimizer <rule>', 'update rule').choices(OPTIMIZER_NAMES).default('adagrad'))
  .option('--clip <x>', 'clip each element of the gradient to ±x; 0 for no clipping', numberBetween(0, 1e12), 5)
  .addOption(
    new Option('--clip-norm <x>', 'scale the gradient to a norm of at most x instead')
      .argParser(positive(1e12))
      .conflicts('clip'),
  )
  .option('--l2 <x>', 'add x times the sum of the squared weights to the loss', numberBetween(0, 1e12), 0)
  .option('--dropout <p>', 'share of outputs dropped between layers', numberBetween(0, 0.99), 0)
  .option('--iterations <n>', 'windows to learn from in all', wholeNumber(1e12))
  .option('--seconds <s>', `time to train (default: ${defaultSeconds} where --iterations is not given)`, positive(1e8))
  .option('--seed <n>', 'seed of weights, dropout and samples', wholeNumber(2 ** 32 - 1, 0), 0)
  .addOption(new Option('--engine <name>', 'what computes').choices(ENGINE_NAMES).default('auto'))
  .option('--threads <n>', 'engine wasm: threads that share the sequences of a batch', wholeNumber(64), 1)
  .option('--fma', 'engine wasm: fused multiply-add where there is one; the bits then depend on the host')
  .addOption(new Option('--dtype <type>', 'precision of the numbers').choices(DTYPES).default('float32'))
  .addOption(
    new Option('--init <scheme>', 'initial weights (default: minCharRnn for one Elman layer, else orthogonal)').choices(
      SCHEMES,
    ),
  )
  .option('--validation <share>', 'share of the text held out at its end to measure on', numberBetween(0, 0.99), 0.1)
  .option('--sample-every <n>', 'iterations between samples, 0 for none (default: now and then)', wholeNumber(1e12, 0))
  .option('--out <dir>', 'folder of the run (default: a new one in runs/)')
  .addOption(
    new Option('--resume <run>', 'go on with the run in this folder, on the same text').conflicts(fixed.split(',')),
  )
  .addHelpText('after', '\nCtrl-C (or SIGTERM) ends a run early and keeps what was reached; the exit status is then 0.')
  .action(train);

async function train(files: string[], options: Options): Promise<void> {
  const { resume } = options;
  const parts = resume === undefined ? await freshRun(files, options) : await resumedRun(files, options, resume);
  console.log(introduction(parts));
  const running = new TrainingRun(parts);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => running.stop());
  whenReaderLeaves(() => running.stop()); // as Ctrl-C does
  await running.run();
  console.log(farewell(parts));
}

async function freshRun(files: string[], options: Options): Promise<RunParts> {
  if (options.dropout > 0 && options.layers === 1) {
    throw new RangeError('--dropout works between layers: it needs --layers 2 or more');
  }
  const settings = settingsFrom(options);
  const { name, text } = await readText(files);
  const vocabulary = CharVocabulary.fromText(text);
  const training = await trainingOf(settings, options, text, vocabulary);
  return {
    ...{ training, settings, vocabulary, engine: options.engine },
    folder: RunFolder.create(name, options.out),
    spec: specOf(settings, vocabulary.size),
    text: { name, files, sha256: fingerprint(text) },
    rows: [],
    secondsBefore: 0,
    limits: limitsOf(options),
  };
}

async function resumedRun(files: string[], options: Options, path: string): Promise<RunParts> {
  const folder = RunFolder.open(path);
  const { settings, vocabulary, spec, text: note, seconds, checkpoint }: CharModel = await readCharModel(folder.model);
  const { iterations } = options;
  if (iterations !== undefined && iterations <= checkpoint.iteration) {
    throw new RangeError(
      `--iterations is ${iterations}, but the run has come to iteration ${checkpoint.iteration} already`,
    );
  }
  const { text } = await readText(files.length > 0 ? files : note.files);
  if (fingerprint(text) !== note.sha256) {
    throw new Error(`the text is not the one that the run began with (${note.name}): it cannot go on`);
  }
  const training = await trainingOf(settings, options, text, vocabulary);
  await training.resume(checkpoint);
  return {
    ...{ training, settings, vocabulary, engine: options.engine, folder, spec, text: note },
    rows: folder.resumeLog(checkpoint.iteration),
    secondsBefore: seconds,
    limits: limitsOf(options),
  };
}

/** A net at its beginning, with the text that it is to read. */
async function trainingOf(
  settings: Settings,
  { engine, threads, fma = false }: Pick<Options, 'engine' | 'threads' | 'fma'>,
  text: string,
  vocabulary: CharVocabulary,
): Promise<Training> {
  const { steps, batch, clip, l2, init, seed, dtype } = settings;
  const reading = readingOf(vocabulary.encode(text), settings);
  const trainer = await createTrainer(specOf(settings, vocabulary.size), {
    ...{ steps, batch, l2, init, seed, dtype, engine, threads, fma },
    optimizer: optimizerOf(settings),
    ...(clip && { clip }),
    ...(await commandGpu(engine)),
  });
  return new Training(trainer, settings, reading, vocabulary.size);
}

function limitsOf({ iterations, seconds, sampleEvery }: Options): Limits {
  return { iterations, seconds: seconds ?? (iterations === undefined ? defaultSeconds : undefined), sampleEvery };
}

/** What is trained on what. */
function introduction({ training, settings, text, vocabulary }: RunParts): string {
  const { reading, trainer } = training;
  const share = settings.validation === 0 ? 'none held out' : 'too few to hold some out';
  const held = reading.heldOutLength > 0 ? `the last ${reading.heldOutLength} held out` : share;
  const characters = `${reading.length} characters, ${vocabulary.size} different ones`;
  return `${printable(text.name)}: ${characters}, ${held}
${describe(settings)} · ${settings.dtype} · engine ${trainer.description}`;
}

function farewell({ folder, training, vocabulary }: RunParts): string {
  const run = shellWord(folder.path);
  const prime = ['The ', 'the ', 'I '].find((text) => Array.from(text).every((char) => vocabulary.has(char)));
  const words = prime ? ` --prime "${prime}"` : '';
  return `
${training.iteration} iterations are kept in ${folder.path}
  model           ${folder.model}
  learning curve  ${folder.curve}
  log             ${folder.log}

Write text:  ${typed('sample')} ${run}${words} --length 500 --temperature 0.8 --seed 1
Go on:       ${typed('train')} --resume ${run} --seconds 60`;
}

/** The text as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
