import { setImmediate } from 'node:timers/promises';
import { ENGINE_NAMES, type EngineName, type SampleOptions } from 'bptt';
import { RandomState } from 'bptt/tensor';
import { type Command, Option } from 'commander';
import { type CharModel, readCharModel, samplerOf } from '../charModel.ts';
import { createCommand, numberBetween, wholeNumber } from '../options.ts';
import { printable } from '../progress.ts';
import { RunFolder } from '../runFolder.ts';

interface Options extends SampleOptions {
  prime?: string;
  length: number;
  seed: number;
  engine: EngineName;
}

/** Characters drawn at once: on a device all that it draws in one go, else each is written as soon as it is drawn. */
const DRAWN = { onDevice: 256, here: 1 };

const positive = (max: number) => numberBetween(0, max, { positive: true });

export const command: Command = createCommand(
  'sample',
  'Writes text drawn from a trained character net to standard output.',
)
  .argument('<run>', 'folder of a run, as training leaves it')
  .option('--prime <text>', 'what the text begins with (default: nothing; the net begins after a line break)')
  .option('--length <n>', 'characters to draw', wholeNumber(1e12, 0), 500)
  .option('--temperature <x>', 'below 1 bolder, above 1 wilder', positive(1e6), 1)
  .option('--top-k <n>', 'draw from the n likeliest characters only', wholeNumber(1e9))
  .option('--top-p <p>', 'draw from the likeliest characters that together have probability p only', positive(1))
  .option('--greedy', 'always take the likeliest character')
  .option('--seed <n>', 'seed of the draws: the same seed gives the same text', wholeNumber(2 ** 32 - 1, 0), 0)
  .addOption(new Option('--engine <name>', 'what computes').choices(ENGINE_NAMES).default('auto'))
  .action(sample);

async function sample(run: string, { prime, length, seed, engine, ...how }: Options): Promise<void> {
  const { model } = RunFolder.open(run);
  const { spec, vocabulary, checkpoint } = await readCharModel(model);
  const ids = primeIds(vocabulary, prime);
  const sampler = await samplerOf(spec, checkpoint.state, engine);
  if (engine === 'webgpu') process.stderr.write(`${sampler.description}\n`);
  const rng = new RandomState(seed);
  const most = engine === 'webgpu' ? DRAWN.onDevice : DRAWN.here;
  await write(prime ?? '');
  let before: ArrayLike<number> = ids;
  for (let written = 0; written < length; ) {
    const drawn = await sampler.sample(before, Math.min(most, length - written), rng, how);
    await write(vocabulary.decode(drawn));
    written += drawn.length;
    before = drawn.slice(-1);
  }
  sampler.dispose();
  if (process.stdout.isTTY) await write('\n');
}

/** What the net reads before the first draw: the prime, or a line break (the text's first character where there is none). */
function primeIds(vocabulary: CharModel['vocabulary'], prime?: string): Int32Array {
  if (prime === undefined) return vocabulary.encode(vocabulary.has('\n') ? '\n' : vocabulary.chars[0]);
  if (prime === '') throw new RangeError('--prime is empty, expected at least one character');
  try {
    return vocabulary.encode(prime);
  } catch (error) {
    throw new RangeError(`--prime: ${(error as Error).message}`, { cause: error });
  }
}

/** Writes text at once; a terminal gets no control characters. */
async function write(text: string): Promise<void> {
  process.stdout.write(process.stdout.isTTY ? printable(text) : text);
  await setImmediate(); // lets the text out, and the reader leave
}
