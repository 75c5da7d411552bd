import { statSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { ENGINE_NAMES, type EngineName, type SampleOptions } from 'bptt';
import { RandomState } from 'bptt/tensor';
import { type Command, Option } from 'commander';
import { createCommand, numberBetween, wholeNumber } from '../options.ts';
import { printable } from '../printable.ts';
import { readWriter, samplerOf } from '../runFile.ts';
import { RunFolder } from '../runFolder.ts';
import { openingId, type Symbols } from '../symbols.ts';
import { UsageError } from '../usageError.ts';

interface Options extends SampleOptions {
  last?: boolean;
  prime?: string;
  length: number;
  stream?: boolean;
  maxLength: number;
  seed: number;
  engine: EngineName;
}

/** Symbols drawn at once: on a device all that it draws in one go, else each is written as soon as it is drawn. */
const DRAWN = { onDevice: 256, here: 1 };

const positive = (max: number) => numberBetween(0, max, { positive: true });

export const command: Command = createCommand('sample', 'Writes text drawn from a trained net to standard output.')
  .argument('<run>', 'folder of a run, a model file of one, or what convert made of it (.bptt)')
  .option('--last', 'of a folder the last model; without it the one that foresaw the held-out text best')
  .option('--prime <text>', 'what the text begins with, - for standard input (default: nothing)')
  .option('--length <n>', 'characters or words to draw', wholeNumber(1e12, 0), 500)
  .option('--stream', 'go on until the reader leaves')
  .addOption(
    new Option('--max-length <n>', 'with --stream: end after so many')
      .argParser(wholeNumber(1e15))
      .default(Infinity, 'none')
      .conflicts('length'),
  )
  .option('--temperature <x>', 'below 1 bolder, above 1 wilder', positive(1e6), 1)
  .option('--top-k <n>', 'draw from the n likeliest only', wholeNumber(1e9))
  .option('--top-p <p>', 'draw from the likeliest that together have probability p only', positive(1))
  .option('--greedy', 'always take the likeliest')
  .option('--seed <n>', 'seed of the draws: the same seed gives the same text', wholeNumber(2 ** 32 - 1, 0), 0)
  .addOption(new Option('--engine <name>', 'what computes').choices(ENGINE_NAMES).default('auto'))
  .addHelpText(
    'after',
    '\nExit status: 0, also where the reader leaves; 1 on an error, 2 on options that make no sense.',
  )
  .action(sample);

async function sample(run: string, options: Options): Promise<void> {
  const { last = false, prime, length, stream, maxLength, seed, engine, ...how } = options;
  if (maxLength < Infinity && !stream) throw new UsageError('--max-length is of a text without end: it needs --stream');
  const file = await readWriter(modelOf(run, last));
  const { symbols } = file;
  const begin = prime === '-' ? await readAll(process.stdin) : prime;
  const ids = primeIds(symbols, begin);
  const sampler = await samplerOf(file, engine);
  if (engine === 'webgpu') process.stderr.write(`${sampler.description}\n`);
  const rng = new RandomState(seed);
  const most = engine === 'webgpu' ? DRAWN.onDevice : DRAWN.here;
  const out = new Output();
  await out.write(begin ?? '');
  const wanted = stream ? maxLength : length;
  const textOf = symbols.writer();
  if (begin !== undefined && symbols.unit === 'word') for (const id of ids) textOf(id); // what follows joins it
  let before: ArrayLike<number> = ids;
  for (let written = 0; written < wanted; ) {
    const drawn = await sampler.sample(before, Math.min(most, wanted - written), rng, how);
    await out.write(drawn.map(textOf).join(''));
    written += drawn.length;
    before = drawn.slice(-1);
  }
  sampler.dispose();
  await out.end();
}

/** A run's best model, or its last one; or the file itself. */
function modelOf(run: string, last: boolean): string {
  if (statSync(run, { throwIfNoEntry: false })?.isFile()) return run;
  return RunFolder.open(run).modelFor(last);
}

/** What the net reads before the first draw: the prime, or what a text begins after. */
function primeIds(symbols: Symbols, prime: string | undefined): Int32Array {
  if (prime === undefined) return Int32Array.of(openingId(symbols));
  const ids = symbolsOf(symbols, prime);
  if (ids.length === 0) throw new RangeError(`--prime is empty, expected at least one ${symbols.unit}`);
  return ids;
}

function symbolsOf(symbols: Symbols, prime: string): Int32Array {
  try {
    return symbols.encode(prime);
  } catch (error) {
    throw new RangeError(`--prime: ${(error as Error).message}`, { cause: error });
  }
}

/** Standard output, written to at once; a terminal gets no control characters. */
class Output {
  /** A carriage return that may be the first half of a line end. */
  private held = '';

  async write(text: string): Promise<void> {
    if (!process.stdout.isTTY) process.stdout.write(text);
    else {
      const whole = this.held + text;
      this.held = whole.endsWith('\r') ? '\r' : '';
      process.stdout.write(printable(whole.slice(0, whole.length - this.held.length)));
    }
    await setImmediate(); // lets the text out, and the reader leave
  }

  async end(): Promise<void> {
    if (process.stdout.isTTY) await this.write('\n');
  }
}
