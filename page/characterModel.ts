import { createTrainer, decodeModel, type NamedTensors, specFromJson, type TrainerState } from 'bptt';
import { CharVocabulary } from 'bptt/data';
import { engineOf, textOf, trainerOptions } from './model.ts';
import { Net } from './net.ts';
import { CELLS, DEFAULTS, OPTIMIZER_NAMES, type Settings } from './settings.ts';

/** What a model file of the command line is known by: the tool that its note names. */
export const RUN = 'bptt run 1';

/** What the command line notes beside the trainer, as far as the page reads it. */
interface Note {
  readonly unit: 'character' | 'word';
  readonly symbols: readonly string[];
  readonly settings: {
    readonly cell: Settings['cell'];
    readonly hidden: number;
    readonly steps: number;
    readonly batch: number;
    readonly optimizer: string;
    readonly lr: number;
    readonly clip: { readonly value?: number } | null;
    readonly init: Settings['init'];
    readonly seed: number;
  };
}

/**
 * Goes on with a net of the command line: its weights, the memory of its update rule, and the state of the first of its
 * sequences, since the page reads one at a time.
 *
 * @throws {Error} where it has a cell that the page does not show.
 */
export async function openCharacterModel<T>(
  file: Uint8Array,
  now: Settings,
  heron: string,
  goOn: (settings: Settings, text: string, vocabulary: CharVocabulary, net: Net, position: number) => Promise<T>,
): Promise<T> {
  const { tensors, metadata } = await decodeModel(file);
  const {
    spec,
    updates,
    metadata: note,
  } = metadata as unknown as Pick<TrainerState, 'updates'> & {
    readonly spec: Record<string, unknown>;
    readonly metadata: Note;
  };
  const { unit, symbols, settings: own } = note;
  if (unit !== 'character') throw new Error('The page shows nets of characters, and this one reads words.');
  if (!CELLS.includes(own.cell)) throw new Error(`The page shows no nets of cell ${own.cell}.`);
  const { cell, hidden, steps, init, seed } = own;
  const optimizer = OPTIMIZER_NAMES.find((name) => name === own.optimizer);
  const settings: Settings = {
    ...DEFAULTS,
    ...{ text: now.text, own: now.own, engine: now.engine, cell, hidden, steps, init, seed },
    ...(optimizer ? { optimizer, lr: own.lr } : {}),
    clip: own.clip?.value ?? 0,
  };
  const chars = new CharVocabulary(symbols);
  const text = Array.from(textOf(settings, heron))
    .filter((char) => chars.has(char))
    .join('');
  const trainer = await createTrainer(specFromJson(spec), { ...trainerOptions(settings), ...engineOf(settings) });
  const fresh = await trainer.state();
  const like = (values: ArrayLike<number>, length: number): Float32Array =>
    Float32Array.from(values).subarray(0, length);
  const part = (names: NamedTensors, prefix: string): NamedTensors =>
    Object.fromEntries(
      Object.entries(names).map(([name, { length }]) => [name, like(tensors[`${prefix}${name}`].values, length)]),
    );
  await trainer.setState({
    ...fresh,
    updates,
    parameters: part(fresh.parameters, ''),
    states: part(fresh.states, 'state.'),
    optimizerMemory: optimizer
      ? fresh.optimizerMemory.map(({ length }, i) => like(tensors[`optimizer.${i}`].values, length))
      : fresh.optimizerMemory,
  });
  return goOn(settings, text, chars, await Net.of(settings, trainer), 0);
}
