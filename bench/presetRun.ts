import {
  createSampler,
  createTrainer,
  type ModelSpec,
  type NamedTensors,
  type Trainer,
  type TrainingBatch,
} from 'bptt';
import { CharVocabulary, CharWindows, splitTail } from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import { optimizerOf, rateAt, specOf } from '../cli/settings.ts';
import { medianOf } from './measure.ts';
import type { PresetNet } from './presetNets.ts';
import { cpuSeconds } from './serve.ts';

/** The last share of a text, which no net learns from. */
const HELD_OUT = 0.1;
/** Held-out text is measured so many times on the way, in parts side by side, and where that was best once more as one stream. */
const LOOKS = 10;
const SAMPLE_LENGTH = 300;
const SAMPLE_TEMPERATURE = 0.8;
/** Samples of {@link paceOf}. */
const PACE_SAMPLES = 15;

/** How a run is made. */
export interface Conditions {
  threads: number;
  seed: number;
  /** Others use the machine too: the pace is then taken from CPU time, and from the fastest sample. */
  shared: boolean;
  /** How long the pace is measured: so long until the host's compiler has settled, and as long in samples. */
  paceSeconds: number;
}

/** What a preset came to on a text. */
export interface Outcome {
  preset: string;
  text: string;
  /** Characters of the text, its held-out end included. */
  length: number;
  seconds: number;
  /** Characters a second. */
  pace: number;
  updates: number;
  /** How often the text was read. */
  passes: number;
  /** Bits per character of all held-out characters, read as one stream: at the end of the run. */
  last: number;
  /** The same of the weights that were best on the way; and at which share of the run that was. */
  best: number;
  bestAt: number;
  sample: string;
}

function trainerOf(net: PresetNet, V: number, lr: (step: number) => number, conditions: Conditions): Promise<Trainer> {
  const { steps, batch, clip, init, fma } = net;
  const { threads, seed } = conditions;
  // a batch of one sequence has nothing to share out
  return createTrainer(specOf(net, V), {
    steps,
    batch,
    optimizer: optimizerOf(net, lr),
    ...(clip && { clip }),
    init,
    fma,
    seed,
    threads: Math.min(threads, batch),
  });
}

/**
 * How many characters a second a net learns from on this machine, with no one measuring on the way: the median of some
 * samples. On a shared machine it is the fastest by CPU time over threads, which leaves out the threads' waiting for each
 * other.
 *
 * @param V the size of the vocabulary
 */
export async function paceOf(net: PresetNet, V: number, conditions: Conditions): Promise<number> {
  const { steps, batch } = net;
  const trainer = await trainerOf(net, V, () => 0, conditions);
  try {
    const window = emptyBatch(steps, batch);
    for (let i = 0; i < window.inputs.length; i++) window.inputs[i] = (i * 7) % V;
    const threads = Math.min(conditions.threads, batch);
    const clock = conditions.shared ? () => cpuSeconds() / threads : () => performance.now() / 1000;
    /** Seconds of one update, from as many as take the given time. */
    const sample = async (least: number): Promise<number> => {
      const start = clock();
      let updates = 0;
      for (; clock() - start < least; updates++) await trainer.train([window]);
      return (clock() - start) / updates;
    };
    await sample(conditions.paceSeconds);
    const seconds: number[] = [];
    while (seconds.length < PACE_SAMPLES) seconds.push(await sample(conditions.paceSeconds / PACE_SAMPLES));
    return (steps * batch) / (conditions.shared ? Math.min(...seconds) : medianOf(seconds));
  } finally {
    trainer.dispose();
  }
}

/**
 * Trains a preset on a text as far as it comes in that time at that pace: as many characters, whatever the machine is doing
 * meanwhile.
 */
export async function runPreset(
  net: PresetNet,
  { name, text }: { name: string; text: string },
  { seconds, pace }: { seconds: number; pace: number },
  conditions: Conditions,
): Promise<Outcome> {
  const { steps, batch } = net;
  const vocabulary = CharVocabulary.fromText(text);
  const { train, validation } = splitTail(vocabulary.encode(text), HELD_OUT);
  const updates = Math.max(1, Math.round((pace * seconds) / (steps * batch)));
  const spec = specOf(net, vocabulary.size);
  const trainer = await trainerOf(net, vocabulary.size, (step) => rateAt(net, step / updates), conditions);
  try {
    const windows = new CharWindows(train, steps, batch);
    const window = emptyBatch(steps, batch);
    let best: { bits: number; at: number; parameters: NamedTensors } | undefined;
    for (let done = 1; done <= updates; done++) {
      window.carry = !windows.next(window.inputs, window.targets);
      await trainer.train([window]);
      if (Math.floor((done * LOOKS) / updates) === Math.floor(((done - 1) * LOOKS) / updates)) continue;
      const bits = await heldOutBits(trainer, validation, batch);
      if (best === undefined || bits < best.bits)
        best = { bits, at: done / updates, parameters: await trainer.parameters() };
    }
    const { at, parameters } = best!;
    const last = await heldOutBits(trainer, validation);
    await trainer.setParameters(parameters);
    return {
      ...{ preset: net.name, text: name, length: text.length, seconds, pace, updates },
      passes: (updates * steps * batch) / train.length,
      ...{ last, best: at === 1 ? last : await heldOutBits(trainer, validation), bestAt: at },
      sample: await sampleOf(spec, parameters, vocabulary, conditions.seed),
    };
  } finally {
    trainer.dispose();
  }
}

/**
 * Bits per character of a text, read from a state of zeros: as one stream, or as equal parts side by side, up to the
 * trainer's batch, which is faster. What is left over by unequal parts is not read.
 */
export async function heldOutBits(trainer: Trainer, ids: Int32Array, parts = 1): Promise<number> {
  const { steps } = trainer.options;
  const length = Math.floor((ids.length - 1) / parts);
  const batches: TrainingBatch[] = [];
  for (let p = 0; p < length; p += steps) {
    const batch = emptyBatch(Math.min(steps, length - p), parts);
    batch.carry = p > 0;
    for (let i = 0; i < batch.inputs.length; i++) {
      const at = (i % parts) * length + p + Math.floor(i / parts);
      batch.inputs[i] = ids[at];
      batch.targets[i] = ids[at + 1];
    }
    batches.push(batch);
  }
  const losses = await trainer.evaluate(batches);
  // a mean counts by the characters that it is of, a sum by itself
  const mean = trainer.spec.reduction === 'mean';
  const nats = losses.reduce(
    (sum, loss, i) => sum + loss * (mean ? batches[i].steps! : trainer.options.batch / parts),
    0,
  );
  return nats / (length * Math.LN2);
}

async function sampleOf(
  spec: ModelSpec,
  parameters: NamedTensors,
  vocabulary: CharVocabulary,
  seed: number,
): Promise<string> {
  const sampler = await createSampler(spec, parameters);
  const prime = vocabulary.encode(vocabulary.has('\n') ? '\n' : vocabulary.chars[0]);
  const options = { temperature: SAMPLE_TEMPERATURE };
  return vocabulary.decode(sampler.sample(prime, SAMPLE_LENGTH, new RandomState(seed), options));
}

interface WindowBatch extends TrainingBatch {
  inputs: Int32Array;
  targets: Int32Array;
}

function emptyBatch(steps: number, batch: number): WindowBatch {
  return { inputs: new Int32Array(steps * batch), targets: new Int32Array(steps * batch), steps, batch, carry: false };
}
