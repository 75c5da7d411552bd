import { decodeModel, type GradcheckReport, loadTrainer, saveTrainer, type TrainingBatch } from 'bptt';
import { CharVocabulary, CharWindows } from 'bptt/data';
import { openCharacterModel, RUN } from './characterModel.ts';
import type { Snapshot, View } from './messages.ts';
import { engineOf, specOf, textOf } from './model.ts';
import { LONGEST_PROBE, type Moment, Net } from './net.ts';
import type { Settings } from './settings.ts';

/** Updates between two looks at the held-out text. */
const HELD_OUT_EVERY = 200;
const LONGEST_HELD_OUT = 500;
const PROBE = 80;
const SAMPLE = 240;
/** Steps that can be taken back. */
const LONGEST_PAST = 100;

/** Updates that are sent to a GPU at once. */
const ON_GPU = 20;

type Window = TrainingBatch & { inputs: Int32Array; targets: Int32Array; carry: boolean };

/** What a file of this page is known by, and what it holds beside the trainer. */
const PAGE = 'bptt page 1';
interface PageNote {
  readonly page: string;
  readonly settings: Settings;
  readonly position: number;
  readonly digest: string;
}

function assertLength(text: string, { steps, batch }: Settings): void {
  // A tenth is held out; of the rest each sequence has a window, and one character comes after them.
  const least = Math.max(2 * steps + 2, Math.ceil((steps * batch + 1) / 0.9));
  const { length } = Array.from(text);
  if (length < least) {
    const windows = batch > 1 ? `${batch} windows of ${steps} side by side` : `windows of ${steps}`;
    throw new RangeError(`The text has ${length} characters; with ${windows} it takes ${least}.`);
  }
}

/** One or two nets that read the same windows of a text. */
export class Training {
  readonly settings: Settings;
  readonly vocabulary: CharVocabulary;
  readonly nets: readonly Net[];
  /** What the views show until somebody types another text: the beginning of what is held out. */
  readonly probe: string;
  private readonly windows: CharWindows;
  private readonly heldOut: readonly TrainingBatch[];
  /** The windows of the next updates: one, or on a GPU as many as are worth a trip there. */
  private readonly batches: readonly Window[];

  private readonly past: { readonly nets: readonly Moment[]; readonly position: number }[] = [];
  /** Where the window of the next update begins. */
  private position = 0;

  private constructor(
    settings: Settings,
    text: string,
    vocabulary: CharVocabulary,
    nets: readonly Net[],
    position = 0,
  ) {
    const { steps, batch, engine } = settings;
    const ids = vocabulary.encode(text);
    const held = Math.min(Math.floor(ids.length / 10), LONGEST_HELD_OUT);
    const rest = ids.subarray(ids.length - held);
    this.settings = settings;
    this.vocabulary = vocabulary;
    this.nets = nets;
    const shown = Array.from(vocabulary.decode(rest.length > PROBE ? rest : ids));
    // It begins with a word: in Reber texts after the E that ends one, in others after a space, of sums after a semicolon.
    const between = settings.text === 'addition' ? ';' : ' ';
    const begins = shown.findIndex((char, i) => char === between || (char === 'E' && shown[i + 1] === 'B'));
    this.probe = shown.slice(begins + 1, begins + 1 + PROBE).join('');
    this.windows = new CharWindows(ids.subarray(0, ids.length - held), steps, batch);
    this.heldOut = windowsOf(rest, steps);
    this.batches = Array.from({ length: engine === 'webgpu' ? ON_GPU : 1 }, () => ({
      ...{ inputs: new Int32Array(steps * batch), targets: new Int32Array(steps * batch), carry: false },
      ...{ steps, batch },
    }));
    this.goTo(position);
  }

  /** @throws {RangeError} where the text is too short for a window. */
  static async begin(settings: Settings, text: string): Promise<Training> {
    assertLength(text, settings);
    const vocabulary = CharVocabulary.fromText(text);
    const cells = settings.beside === 'none' ? [settings.cell] : [settings.cell, settings.beside];
    const nets = await Promise.all(cells.map((cell) => Net.begin(settings, specOf(settings, cell, vocabulary.size))));
    const training = new Training(settings, text, vocabulary, nets);
    await training.evaluate();
    return training;
  }

  /**
   * Goes on with a net out of a file: what {@link save} wrote, to the bit; or a character model that the command line wrote,
   * on the text of `now`, of which it reads the characters that it knows.
   *
   * @throws {Error} that says what is wrong with the file.
   */
  static async open(file: Uint8Array, now: Settings, heron: string): Promise<Training> {
    const { metadata } = await decodeModel(file);
    if ((metadata.metadata as { tool?: unknown } | undefined)?.tool === RUN)
      return openCharacterModel(file, now, heron, Training.goingOn);
    const loaded = await loadTrainer(file, engineOf(now));
    const note = loaded.metadata as unknown as PageNote;
    if (note.page !== PAGE) {
      loaded.trainer.dispose();
      throw new Error('The file holds a trainer, but no character net of this page or of the command line.');
    }
    const { position, digest } = note;
    const settings: Settings = { ...note.settings, engine: now.engine, threads: now.threads };
    const text = textOf(settings, heron);
    const net = await Net.of(settings, loaded.trainer, digest);
    return Training.goingOn(settings, text, CharVocabulary.fromText(text), net, position);
  }

  private static async goingOn(
    settings: Settings,
    text: string,
    vocabulary: CharVocabulary,
    net: Net,
    position: number,
  ): Promise<Training> {
    assertLength(text, settings);
    const training = new Training(settings, text, vocabulary, [net], position);
    await training.evaluate();
    return training;
  }

  /** The first net with all that it needs to go on, as a file. */
  save(): Promise<Uint8Array> {
    const [net] = this.nets;
    const settings: Settings = { ...this.settings, beside: 'none' };
    const note: PageNote = { page: PAGE, settings, position: this.position, digest: net.lossDigest };
    return saveTrainer(net.trainer, { metadata: { ...note } });
  }

  get updates(): number {
    return this.nets[0].trainer.step;
  }

  /** Updates of each net: as many as go at once, but at most so many, and none beyond the next look at the held-out text. */
  async step(most = 1): Promise<void> {
    const untilLook = HELD_OUT_EVERY - (this.updates % HELD_OUT_EVERY);
    const batches = this.batches.slice(0, Math.min(most, untilLook));
    for (const batch of batches.slice(1)) this.fill(batch);
    for (const net of this.nets) await net.update(batches);
    this.goTo(this.windows.position);
    if (this.updates % HELD_OUT_EVERY === 0) await this.evaluate();
  }

  /** Keeps this moment, so that {@link back} can return to it. */
  async remember(): Promise<void> {
    const nets = await Promise.all(this.nets.map((net) => net.moment()));
    this.past.push({ nets, position: this.position });
    if (this.past.length > LONGEST_PAST) this.past.shift();
  }

  /** Takes the last step back that began at a remembered moment. */
  async back(): Promise<void> {
    const moment = this.past.pop();
    if (!moment) return;
    for (const [i, net] of this.nets.entries()) await net.restore(moment.nets[i]);
    this.goTo(moment.position);
  }

  measureGradients(): void {
    for (const net of this.nets) net.measureGradient(this.batches[0]);
  }

  /** Everything that the views show. */
  async snapshot(running: boolean, view: View, withSample: boolean, withWeights: boolean): Promise<Snapshot> {
    const { vocabulary, nets } = this;
    const typed = Array.from(view.probe).filter((char) => vocabulary.has(char));
    const probe = (typed.length > 1 ? typed : Array.from(this.probe)).slice(0, LONGEST_PROBE);
    const ids = vocabulary.encode(probe.join(''));
    const cursor = Math.min(Math.max(view.cursor, 0), probe.length - 1);
    this.measureGradients();
    const sample = withSample ? vocabulary.decode(await nets[0].sample(SAMPLE, view.temperature)) : null;
    return {
      ...{
        type: 'snapshot',
        updates: this.updates,
        running,
        past: this.past.length,
        engine: nets[0].trainer.description,
      },
      ...{ chars: vocabulary.chars, probe, cursor, sample },
      progress: nets.map((net) => net.takeProgress()),
      nets: await Promise.all(nets.map((net) => net.look(ids, view, cursor, withWeights))),
    };
  }

  /** The gradient check of the first net as it is, on the beginning of the probe. */
  gradcheck(): Promise<GradcheckReport> {
    return this.nets[0].gradcheck(this.vocabulary.encode(this.probe).subarray(0, 13));
  }

  dispose(): void {
    for (const net of this.nets) net.dispose();
  }

  /** The first of the next windows is the one that begins there. */
  private goTo(position: number): void {
    this.position = position;
    this.windows.position = position;
    this.fill(this.batches[0]);
  }

  private fill(batch: Window): void {
    batch.carry = !this.windows.next(batch.inputs, batch.targets);
  }

  private async evaluate(): Promise<void> {
    if (this.heldOut.length === 0) return;
    const characters = this.heldOut.length * this.settings.steps;
    for (const net of this.nets) await net.evaluate(this.heldOut, characters);
  }
}

/** The windows of a text one after another, the state carried from each to the next; a rest is left out. */
function windowsOf(ids: Int32Array, steps: number): TrainingBatch[] {
  const count = Math.max(0, Math.floor((ids.length - 1) / steps));
  return Array.from({ length: count }, (_, i) => ({
    inputs: ids.slice(i * steps, (i + 1) * steps),
    targets: ids.slice(i * steps + 1, (i + 1) * steps + 1),
    ...{ steps, batch: 1, carry: i > 0 },
  }));
}
