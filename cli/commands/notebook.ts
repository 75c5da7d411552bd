import { join } from 'node:path';
import { Argument, type Command, Option } from 'commander';
import * as binaryAddition from '../../examples/binaryAddition.ts';
import * as charRnnL2 from '../../examples/charRnnL2.ts';
import * as elmanReber from '../../examples/elmanReber.ts';
import * as embeddedReber from '../../examples/embeddedReber.ts';
import * as linearRnn from '../../examples/linearRnn.ts';
import * as minCharRnn from '../../examples/minCharRnn.ts';
import * as minimalRnn from '../../examples/minimalRnn.ts';
import { makeFolder, orSay, writeAtomic } from '../files.ts';
import * as pictures from '../notebookPictures.ts';
import { createCommand, wholeNumber } from '../options.ts';
import { createProgress, type Progress } from '../progress.ts';
import { readText } from '../text.ts';

interface Options {
  text?: string;
  iterations?: number;
  seed?: number;
  out?: string;
  corrected?: boolean;
  cell?: 'lstm' | 'gru';
}

/** What a notebook gets to run with: its options, where it prints, whom it tells how far it is. */
interface Desk extends Omit<Options, 'text' | 'out'> {
  print: (line: string) => void;
  progress: (done: number, total: number, of?: string) => void;
}

/** A text with its name. */
interface GivenText {
  name: string;
  text: string;
}

interface Notebook {
  /** Options that mean something to it, besides --seed, --iterations and --out. */
  takes: ('text' | 'corrected' | 'cell')[];
  run: (desk: Desk, text: GivenText | undefined) => Promise<pictures.Picture[]>;
}

const quiet = (): void => {};

const notebooks: Record<string, Notebook> = {
  '000': {
    takes: ['corrected'],
    async run({ iterations: nb_epochs, ...desk }) {
      const options = { ...desk, ...(nb_epochs && { nb_epochs }) };
      const asked = minimalRnn.run(options);
      const other = minimalRnn.run({ ...options, corrected: !options.corrected, print: quiet });
      return pictures.minimalRnn(...(options.corrected ? ([other, asked] as const) : ([asked, other] as const)));
    },
  },
  '001': {
    takes: ['cell'],
    async run({ iterations: nb_epochs, cell, ...desk }) {
      if (cell) return rememberEmbedded(cell, { ...desk, ...(nb_epochs && { updates: nb_epochs }) });
      // As long for each of its three trainings: an epoch of the sine is 1000 updates, as many as there are words.
      const lengths = nb_epochs && { nb_epochs, embedded_epochs: nb_epochs, regression_updates: 1000 * nb_epochs };
      return pictures.elmanReber(elmanReber.run({ ...desk, ...lengths }));
    },
  },
  '002': {
    takes: ['text', 'corrected'],
    async run({ iterations, ...desk }, given) {
      const windows = given === undefined ? 0 : iterations;
      if (given === undefined)
        tell('the full text and the words need --text FILE; 1000 characters of own sources do here');
      const { text, name } = given ?? (await textOf([]));
      const sentences = given === undefined && { sentences: 0 };
      return pictures.charRnnL2(
        charRnnL2.run({ ...desk, text, ...(windows !== undefined && { windows }), ...sentences }),
        name,
      );
    },
  },
  '003': {
    takes: ['corrected'],
    run: async (desk) => pictures.linearRnn(linearRnn.run(desk)),
  },
  '004a': {
    takes: [],
    run: async (desk) => pictures.binaryAddition(binaryAddition.run(desk)),
  },
  '004b': {
    takes: ['text', 'corrected'],
    async run(desk, given) {
      if (given === undefined) tell('this is iteration 0; for more pass --text FILE, the text to learn');
      const result = minCharRnn.run({ ...desk, ...(given && { text: given.text }) });
      return given === undefined ? [] : pictures.minCharRnn(result, given.name);
    },
  },
};

export const command: Command = createCommand(
  'notebook',
  'Runs one of the five notebooks from top to bottom and draws its pictures.',
)
  .addArgument(
    new Argument(
      '<name>',
      '000 minimal RNN, 001 Elman net on Reber words, 002 char RNN with L2, 003 linear RNN, 004a binary addition, ' +
        '004b min-char-rnn',
    ).choices(Object.keys(notebooks)),
  )
  .option('--text <file>', 'text to learn (002, 004b), - for standard input')
  .option(
    '--iterations <n>',
    'how long: epochs (000: 100, 001: 10, of embedded words 50; with --cell updates: 1000), windows of the full text (002: one pass), iterations (003 and 004a: 10000, ' +
      '004b: 4000)',
    wholeNumber(1e9),
  )
  .option(
    '--seed <n>',
    "seed of the random numbers; without it the notebook's own where it has one",
    wholeNumber(2 ** 32 - 1, 0),
  )
  .option('--out <dir>', 'folder for the pictures (default: runs/notebook-<name>)')
  .addOption(
    new Option('--cell <name>', '001: what the notebook names as the solution, beside the Elman net').choices([
      'lstm',
      'gru',
    ]),
  )
  .option('--corrected', 'corrects what the notebook got wrong (000 the cost, 002 the mean, 003 the sign, 004b dby)')
  .action(async (name: string, { text: file, out = join('runs', `notebook-${name}`), ...options }: Options) => {
    const { takes, run } = notebooks[name];
    for (const [option, given] of [
      ['text', file],
      ['corrected', options.corrected],
      ['cell', options.cell],
    ] as const) {
      if (given !== undefined && !takes.includes(option))
        throw new Error(`--${option} means nothing to notebook ${name}`);
    }
    prepare(out);
    const text = file === undefined ? undefined : await textOf([file]);
    for (const { file, svg } of await run({ ...options, ...createDesk() }, text)) {
      writeAtomic(join(out, file), svg);
      tell(`picture: ${join(out, file)}`);
    }
  });

/** 001's last sentence made true: the gated cell learns what the Elman net cannot, on the same words. */
function rememberEmbedded(cell: 'lstm' | 'gru', desk: Desk & { updates?: number }): pictures.Picture[] {
  const { updates = 1000, seed = 0, print, progress } = desk;
  const results = ([cell, 'elman'] as const).map((name) => {
    const result = embeddedReber.run({ cell: name, updates, seed, progress: (done) => progress(done, updates, name) });
    const share = ((100 * result.right) / result.words).toFixed(1);
    print(`${name}: the embedded symbol is right in ${result.right} of ${result.words} fresh words (${share} %)`);
    return result;
  });
  return pictures.embeddedReber(results);
}

/** Standard output gets the notebook's text alone; progress goes to standard error, a stage after the other. */
function createDesk(): Pick<Desk, 'print' | 'progress'> {
  let stage = '';
  let bar: Progress | undefined;
  return {
    print: (line) => {
      if (process.stdout.isTTY && bar !== undefined) bar.print(line);
      else process.stdout.write(`${line}\n`);
    },
    progress: (done, total, of = 'iteration') => {
      if (of !== stage) bar = undefined;
      stage = of;
      bar ??= createProgress({ unit: of, total, stream: process.stderr });
      bar.update(done, {});
      if (done < total) return;
      bar.stop();
      bar = undefined;
    },
  };
}

async function textOf(files: string[]): Promise<GivenText> {
  const { name, bytes } = await readText(files);
  return { name, text: new TextDecoder().decode(bytes) };
}

function prepare(folder: string): void {
  orSay(`cannot write to ${folder}`, () => makeFolder(folder));
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
