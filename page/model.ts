import {
  type Clip,
  type CreateTrainerOptions,
  createTrainer,
  type ModelSpec,
  type NamedTensors,
  parameterLayout,
  type Trainer,
  type TrainerOptions,
} from 'bptt';
import { additionProblem, embeddedReberWord, reberWord } from 'bptt/data';
import { spectralInit } from 'bptt/layers';
import { adagrad, adam, type Optimizer, rmsprop, sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { OWN_TEXT, type PageCell, type Settings } from './settings.ts';

/** What settings say, in the library's words: apart from them, since the window has no use for it. */

const OPTIMIZERS: Readonly<Record<Settings['optimizer'], (lr: number) => Optimizer>> = {
  adagrad: (lr) => adagrad({ lr }),
  adam: (lr) => adam({ lr }),
  rmsprop: (lr) => rmsprop({ lr }),
  sgd: (lr) => sgd({ lr }),
};

/** The text that settings name. `heron` is handed in, since Node and Vite read files differently. */
export function textOf({ text, own }: Settings, heron: string): string {
  if (text === OWN_TEXT) return own;
  if (text === 'heron') return heron;
  const rng = new RandomState(1);
  if (text === 'addition') return Array.from({ length: 600 }, () => additionText(rng)).join('');
  const word = text === 'reber' ? () => reberWord(rng) : () => embeddedReberWord(rng);
  return Array.from({ length: 600 }, word).join('');
}

/** The letters of the pairs of bits 00, 01, 10, 11. */
const PAIRS = 'abcd';

/**
 * A sum of two numbers of 7 bits, the lowest bit first as one adds by hand: for each place a letter for the pair of bits, then
 * the bit of the sum; `;` ends it.
 */
function additionText(rng: RandomState): string {
  const { a, b, c } = additionProblem(rng);
  const places = Array.from(c, (bit, i) => `${PAIRS[2 * a[i] + b[i]]}${bit}`);
  return `${places.reverse().join('')};`;
}

/** The model of one of the two nets. */
export function specOf(settings: Settings, cell: PageCell, V: number): ModelSpec {
  return {
    ...{ cell, inputSize: V, hiddenSize: settings.hidden, outputSize: V, loss: 'softmaxCrossEntropy' },
    // as the notebook: one bias a layer, or none
    bias: settings.bias,
  };
}

export function trainerOptions(settings: Settings): TrainerOptions {
  const { steps, batch, optimizer, lr, clip, l2, backSteps } = settings;
  const byValue: Clip = { value: clip };
  return {
    ...{ steps, batch, optimizer: OPTIMIZERS[optimizer](lr) },
    ...(clip > 0 ? { clip: byValue } : {}),
    ...(l2 > 0 ? { l2 } : {}),
    ...(backSteps > 0 ? { backSteps } : {}),
  };
}

/** Which engine a trainer of these settings is on; one thread does it all where the page has no shared memory. */
export function engineOf({ engine, threads }: Settings): Pick<CreateTrainerOptions, 'engine' | 'threads'> {
  return engine === 'wasm' && threads > 1 ? { engine, threads } : { engine };
}

/** A trainer with fresh weights. */
export async function freshTrainer(settings: Settings, spec: ModelSpec): Promise<Trainer> {
  const { init, seed } = settings;
  const options = { ...trainerOptions(settings), ...engineOf(settings), seed };
  if (init !== 'spectral') return createTrainer(spec, { ...options, init });
  const trainer = await createTrainer(spec, options);
  const rng = new RandomState(seed);
  const parameters: NamedTensors = {};
  for (const { name, shape, length } of parameterLayout(trainer.spec)) {
    parameters[name] = new Float32Array(length);
    if (shape.length === 2) spectralInit(parameters[name], rng, shape[0], shape[1]);
  }
  await trainer.setParameters(parameters);
  return trainer;
}
