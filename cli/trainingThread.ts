/** Trains in a thread of its own, so that the one that started it listens to signals whatever a window takes. */
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { createTrainer, loadTrainer } from 'bptt';
import { commandGpu } from './commandGpu.ts';
import type { Desk } from './desk.ts';
import { Diagnosis } from './diagnosis.ts';
import { allowFusedMultiplyAdd } from './fusedMultiplyAdd.ts';
import { Keeper } from './keeper.ts';
import { Rate } from './rate.ts';
import { fingerprint, type HeldOut, type Limits, readRun } from './runFile.ts';
import { RunFolder } from './runFolder.ts';
import { describe, type GivenSettings, optimizerOf, type Settings, settingsFrom, specOf } from './settings.ts';
import { shellWord } from './shellWord.ts';
import { encodeAgain, readSymbols, type Symbols } from './symbols.ts';
import { type Encoding, type NamedText, readText } from './text.ts';
import { count, DEFAULT_SECONDS, type Reading, readingOf, Training } from './training.ts';
import { type FinalFigures, type RunParts, TrainingRun } from './trainingRun.ts';

/** What the thread is asked to do. */
export interface TrainingOrder {
  files: readonly string[];
  settings: GivenSettings;
  limits: Limits;
  sampleEvery: number | undefined;
  encoding: Encoding | undefined;
  out: string | undefined;
  overwrite: boolean;
  resume: string | undefined;
  /** What one types to write text, and to go on. */
  typed: { sample: string; train: string };
}

/** A call of a {@link Desk}, the end of the work, or why it ended too early. */
export type Told = { [K in keyof Desk]: { call: K; with: Parameters<Desk[K]> } }[keyof Desk] | Finished;
export type Finished = { call: 'done' } | { call: 'failed'; message: string };

/** The most symbols that are held out where nothing is said of their share: more take longer to measure than they tell. */
const MOST_HELD_OUT = 150_000;

const tell = (told: Told): void => parentPort!.postMessage(told);
const desk = Object.fromEntries(
  (['say', 'warn', 'status', 'input', 'begin', 'update', 'print', 'curve', 'row', 'end', 'kept'] as const).map(
    (call) => [call, (...args: unknown[]) => tell({ call, with: args } as unknown as Told)],
  ),
) as unknown as Desk;

async function freshRun(order: TrainingOrder): Promise<RunParts> {
  const { files, out, overwrite, limits, sampleEvery, encoding = 'utf-8' } = order;
  const given = settingsFrom(order.settings);
  desk.status(`reading ${files.length === 0 ? 'its own source code' : files.join(' ')}`);
  const { name, bytes } = await textOf(files, encoding);
  const { symbols, ids } = readSymbols(bytes, given.unit, given.mostWords);
  const settings = fitted(given, order.settings, ids.length);
  const reading = readingOf(ids, settings);
  const rate = new Rate(settings, limits.iterations);
  desk.status(`compiling ${describe(settings)}`);
  const { steps, batch, clip, l2, init, seed, dtype, engine, threads, fma } = settings;
  const trainer = await createTrainer(specOf(settings, symbols.size), {
    ...{ steps, batch, l2, init, seed, dtype, engine, fma },
    ...(threads > 1 && { threads }),
    optimizer: optimizerOf(settings, rate.of),
    ...(clip && { clip }),
    ...(await commandGpu(engine)),
  });
  const folder = RunFolder.create(name, out, overwrite);
  const run = randomBytes(4).toString('hex');
  const text = { name, files, encoding, sha256: fingerprint(bytes) };
  introduce(text.name, reading, settings, symbols, trainer.description);
  return partsOf(order, {
    ...{ settings, symbols, text, limits, rate, sampleEvery },
    training: new Training(trainer, settings, reading),
    keeper: new Keeper(folder, run, { rows: [], iteration: 0 }, desk.warn),
    before: { seconds: 0, heldOut: null, best: null },
  });
}

function textOf(files: readonly string[], encoding: Encoding): Promise<NamedText> {
  if (files.includes('-')) desk.input();
  return readText(files, encoding);
}

async function resumedRun(order: TrainingOrder, path: string): Promise<RunParts> {
  const folder = RunFolder.resume(path);
  try {
    const { files, sampleEvery } = order;
    desk.status(`reading ${path}`);
    const { note, bytes, symbols } = await readRun(folder.model);
    const { settings, text, point } = note;
    const limits = limitsOf(order.limits, note.limits, note);
    const read: NamedText = await textOf(files.length > 0 ? files : text.files, order.encoding ?? text.encoding);
    if (fingerprint(read.bytes) !== text.sha256) {
      throw new Error(`the text is not the one that the run began with (${text.name}): it cannot go on`);
    }
    const reading = readingOf(encodeAgain(symbols, read.bytes), settings);
    const rows = folder.readLog(note.run).filter((row) => row.iteration <= point.iteration);
    folder.writeLog(rows, note.run);
    const rate = new Rate(settings, limits.iterations);
    desk.status(`compiling ${describe(settings)}`);
    if (settings.fma) allowFusedMultiplyAdd();
    const { trainer } = await loadTrainer(bytes, {
      optimizer: optimizerOf(settings, rate.of),
      ...(await commandGpu(settings.engine)),
    });
    const training = new Training(trainer, settings, reading);
    training.resume(point);
    training.seconds = note.learningSeconds;
    introduce(text.name, reading, settings, symbols, trainer.description);
    return partsOf(order, {
      ...{ settings, symbols, text, limits, rate, sampleEvery, training },
      keeper: new Keeper(folder, note.run, { rows, iteration: point.iteration }, desk.warn),
      before: { seconds: note.seconds, heldOut: note.heldOut, best: note.best },
    });
  } catch (error) {
    folder.release();
    throw error;
  }
}

/**
 * When a resumed run ends: as is said now, in seconds from now on; else as was said when it began, and where that has come
 * already, after the usual time.
 */
function limitsOf(
  now: Limits,
  begun: Limits,
  { point, seconds }: { point: { iteration: number }; seconds: number },
): Limits {
  const { iterations, patience = begun.patience } = now;
  if (iterations !== undefined && iterations <= point.iteration) {
    throw new RangeError(`--iterations is ${iterations}, but the run has come to iteration ${point.iteration} already`);
  }
  const own = { iterations, ...(now.seconds !== undefined && { seconds: seconds + now.seconds }) };
  if (own.iterations !== undefined || own.seconds !== undefined) return { ...own, patience };
  const over = point.iteration >= (begun.iterations ?? Infinity) || seconds >= (begun.seconds ?? Infinity);
  return { ...(over ? { seconds: seconds + DEFAULT_SECONDS } : begun), patience };
}

/** Settings that a short text has enough symbols for, as far as they were not asked for; and what is held out of a long one. */
function fitted(settings: Settings, given: GivenSettings, length: number): Settings {
  const validation = given.validation ?? Math.min(settings.validation, MOST_HELD_OUT / length);
  const learnt = length - Math.floor(length * validation);
  let { steps, batch } = settings;
  while (given.batch === undefined && batch > 1 && steps * batch >= learnt) batch = Math.ceil(batch / 2);
  while (given.steps === undefined && steps > 1 && steps * batch >= learnt) steps = Math.ceil(steps / 2);
  return { ...settings, validation, steps, batch, threads: given.threads ?? Math.min(settings.threads, batch) };
}

function partsOf(order: TrainingOrder, parts: Omit<RunParts, 'farewell' | 'desk'>): RunParts {
  const { keeper, symbols, text } = parts;
  return {
    ...parts,
    desk,
    farewell: (iteration, figures) => farewell(order, { folder: keeper.folder, symbols, text }, iteration, figures),
  };
}

/** What is trained on what. */
function introduce(name: string, reading: Reading, settings: Settings, symbols: Symbols, engine: string): void {
  const { unit, validation } = settings;
  const held = reading.heldOut.length - 1;
  const share = validation === 0 ? 'none held out' : 'too few to hold some out';
  const told = held > 0 ? `the last ${held} held out` : share;
  desk.say(`${name}: ${count(reading.length, unit)}, ${symbols.size} different ${symbols.size === 1 ? 'one' : 'ones'}, ${told}
${describe(settings)} · ${settings.dtype} · engine ${engine}`);
  const finding = new Diagnosis(reading, symbols.size, settings).ofText();
  if (finding !== undefined) desk.say(`note: ${finding}`);
}

function farewell(
  { typed }: TrainingOrder,
  { folder, symbols, text }: Pick<RunParts, 'symbols' | 'text'> & { folder: RunFolder },
  iteration: number,
  { heldOut, best, lastWhereBest }: FinalFigures,
): string {
  const run = shellWord(folder.path);
  const piped = text.files.includes('-');
  const goOn = `${piped ? 'cat TEXT | ' : ''}${typed.train} ${piped ? '- ' : ''}--resume ${run} --seconds 60`;
  const prime = ['The ', 'the ', 'I '].find((text) => Array.from(text).every((char) => symbols.has(char)));
  const of = ({ bits, symbols: n }: HeldOut): string =>
    `${bits.toFixed(3)} bits/${symbols.unit} over ${count(n, symbols.unit)}`;
  const earlier = best !== null && heldOut !== null && best.iteration < heldOut.iteration;
  const alike = lastWhereBest === undefined ? '' : `, where the last has ${lastWhereBest.toFixed(3)}`;
  const better = earlier ? `\n  best model      of iteration ${best.iteration}: ${of(best)}${alike}` : '';
  const figures = heldOut === null ? '' : `\n  held out        ${of(heldOut)}${better}`;
  const words = prime && symbols.unit === 'character' ? ` --prime "${prime}"` : '';
  return `
${count(iteration, 'iteration')} ${iteration === 1 ? 'is' : 'are'} kept in ${folder.path}
  model           ${folder.model}
  learning curve  ${folder.curve}
  log             ${folder.log}${figures}

Write text:  ${typed.sample} ${run}${words} --length 500 --temperature 0.8 --seed 1
Go on:       ${goOn}`;
}

const order = workerData as TrainingOrder;
let stopped = false;
let running: TrainingRun | undefined;
parentPort!.on('message', () => {
  stopped = true;
  running?.stop();
});
let folder: RunFolder | undefined;
try {
  const parts = await (order.resume === undefined ? freshRun(order) : resumedRun(order, order.resume));
  folder = parts.keeper.folder;
  running = new TrainingRun(parts);
  if (stopped) running.stop();
  await running.run();
  folder.release();
  tell({ call: 'done' });
} catch (error) {
  folder?.release();
  tell({ call: 'failed', message: error instanceof Error ? error.message : String(error) });
}
parentPort!.close();
