import { allocationPlan, CpuTrainer, initialParameters, type ModelSpec, parameterCount, resolveSpec } from 'bptt';
import { CharWindows } from 'bptt/data';
import { adam } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { panelLengths, wasmEngine } from 'bptt/wasm';
import { bytesHeld } from './held.ts';
import { PEAK_FLOPS, peakContender } from './peak.ts';
import { cpuSeconds } from './serve.ts';
import { trainingFlops } from './workloads.ts';

/** An LSTM over symbols and its batches; ARCHITECTURE.md has the letters. */
export interface Net {
  readonly H: number;
  readonly B: number;
  readonly T: number;
  readonly V: number;
  readonly layers: number;
  /** How many of the T steps a sequence has on average; the rest is padding. */
  readonly meanLength: number;
}

/** Nets that differ in one thing. */
export interface Sweep {
  readonly quantity: string;
  readonly values: readonly number[];
  net(value: number): Net;
}

/** How something grows, beside a model of it: seconds, or bytes. */
export interface Curve {
  readonly quantity: string;
  readonly of: 'time' | 'memory';
  /** Rising, as all that follow. */
  readonly x: readonly number[];
  readonly measured: readonly number[];
  readonly model: readonly number[];
}

export interface Scaling {
  /** The 128-bit peak of a core in 10⁹ operations a second, and what it copies in 10⁹ bytes a second, read and written. */
  readonly peak: number;
  readonly bandwidth: number;
  readonly curves: readonly Curve[];
}

const BASE: Net = { H: 128, B: 16, T: 32, V: 64, layers: 1, meanLength: 32 };

/** What is measured, in words. */
export const TITLE = `A training step of an LSTM around H ${BASE.H}, B ${BASE.B}, T ${BASE.T}, V ${BASE.V}, one layer, Adam: engine wasm, one thread`;

export const SWEEPS: readonly Sweep[] = [
  { quantity: 'H', values: [32, 64, 128, 256, 512, 1024], net: (H) => ({ ...BASE, H }) },
  { quantity: 'B', values: [1, 4, 16, 64, 256], net: (B) => ({ ...BASE, B }) },
  { quantity: 'T', values: [8, 16, 32, 64, 128, 256], net: (T) => ({ ...BASE, T, meanLength: T }) },
  { quantity: 'V', values: [16, 64, 256, 1024, 4096], net: (V) => ({ ...BASE, V }) },
  { quantity: 'layers', values: [1, 2, 4, 8, 16], net: (layers) => ({ ...BASE, layers }) },
  // From half the mean to one and a half, padded to the longest.
  {
    quantity: 'lengths',
    values: [8, 16, 32, 64, 128, 256],
    net: (meanLength) => ({ ...BASE, meanLength, T: 1.5 * meanLength }),
  },
];

/** Characters of a text that is read in windows. */
export const TEXTS: readonly number[] = [1e5, 1e6, 1e7];

/** Windows of a text that are trained on, evenly spaced over it. */
const WINDOWS = 48;
const FLOAT_BYTES = 4;
/** More than a processor's caches hold. */
const COPIED_BYTES = 64 * 2 ** 20;
/** Of the peak and of copying: there is one before every sample of a step. */
const YARDSTICK_SECONDS = 0.02;

/**
 * Operations of the matrix products of the steps that sequences have; padding counts nothing. Bytes that an update of Adam
 * moves: it reads weights, gradient and two memories, and writes all but the gradient.
 */
export function workOf(net: Net): { flops: number; bytes: number } {
  const { layers, meanLength } = net;
  return {
    flops: trainingFlops({ ...net, cell: 'lstm', T: meanLength }, layers),
    bytes: 7 * FLOAT_BYTES * parametersOf(net),
  };
}

/**
 * Bytes that training needs at once. For each parameter seven numbers: weight, gradient, two of Adam, and three that an
 * update keeps in case it has to be undone. For each step of each sequence, padding too: in each layer two states, four
 * gates and the gates' gradients, H wide, and at the end logits and their gradient.
 */
export function memoryOf(net: Net): number {
  const { H, B, T, V, layers } = net;
  return FLOAT_BYTES * (7 * parametersOf(net) + T * B * (layers * 10 * H + 2 * V));
}

/** The exponent of a power law through the largest half of the points, by least squares of logarithms; x is rising. */
export function exponentOf(x: readonly number[], y: readonly number[]): number {
  const count = Math.max(2, Math.ceil(x.length / 2));
  const [a, b] = [x, y].map((values) => centred(values.slice(-count).map(Math.log)));
  return dot(a, b) / dot(a, a);
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return values.map((v) => v - mean);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, v, i) => sum + v * b[i], 0);
}

/** How many steps each of the B sequences has: evenly spaced up to T, with that mean. */
export function lengthsOf({ B, T, meanLength }: Pick<Net, 'B' | 'T' | 'meanLength'>): number[] {
  const least = 2 * meanLength - T;
  return Array.from({ length: B }, (_, b) => Math.round(least + ((T - least) * b) / Math.max(1, B - 1)));
}

function specOf({ H, V, layers }: Net): ModelSpec {
  return {
    ...{ cell: 'lstm', inputSize: V, hiddenSize: H, outputSize: V, layers, bias: 'input' },
    ...{ loss: 'softmaxCrossEntropy', reduction: 'mean' },
  };
}

function parametersOf(net: Net): number {
  return parameterCount(resolveSpec(specOf(net)));
}

/** A trainer of that net, and what its engine holds. */
async function trainerOf(net: Net): Promise<{ trainer: CpuTrainer; bytes: number }> {
  const spec = specOf(net);
  const options = { steps: net.T, batch: net.B, optimizer: adam({ lr: 1e-4 }), clip: { value: 5 } };
  const engine = wasmEngine({ lengths: [...allocationPlan(spec, options)[0], ...panelLengths(resolveSpec(spec))] });
  const trainer = new CpuTrainer(engine, spec, options);
  await trainer.setParameters(initialParameters(spec, 'float32', 'torch', new RandomState(0)));
  return { trainer, bytes: engine.memoryBytes };
}

/** A net that is stepped again and again. */
interface Runner {
  readonly bytes: number;
  readonly times: number[];
  step(): void;
}

async function runnerOf(net: Net): Promise<Runner> {
  const { trainer, bytes } = await trainerOf(net);
  const rng = new RandomState(1);
  const draw = () => Int32Array.from(rng.randint(0, net.V, net.T * net.B));
  const lengths = net.meanLength < net.T ? lengthsOf(net) : undefined;
  const batch = { inputs: draw(), targets: draw(), ...(lengths && { lengths }) };
  return { bytes, times: [], step: () => trainer.update(batch) };
}

/**
 * Seconds of a core's time that something takes, which are those of a clock where nothing else runs.
 *
 * @param least by the clock, in which it is done over and over
 */
function secondsOf(work: () => void, least: number): number {
  const end = performance.now() + 1000 * least;
  const start = cpuSeconds();
  let count = 0;
  do {
    work();
    count++;
  } while (performance.now() < end);
  return (cpuSeconds() - start) / count;
}

/** What is to be measured, and how often. */
export interface Plan {
  readonly sweeps: readonly Sweep[];
  readonly texts: readonly number[];
  readonly samples: number;
  /** Of a sample; a step that takes longer is done once. */
  readonly seconds: number;
  /** Is told after each round. */
  report?(round: number): void;
}

/**
 * Measures every net in turn, a sample each, round after round, with the peak and the bandwidth before each of them. What
 * counts is the fastest sample of all: others are those that something disturbed.
 *
 * @throws {Error} where there are texts and node runs without --expose-gc.
 */
export async function measureScaling({ sweeps, texts, samples, seconds, report }: Plan): Promise<Scaling> {
  const held = await heldByTexts(texts); // before other trainers are there
  const runners = new Map<string, Runner>();
  const runnerFor = (net: Net): Runner => runners.get(JSON.stringify(net))!;
  for (const { values, net } of sweeps) {
    for (const one of values.map(net)) {
      if (!runnerFor(one)) runners.set(JSON.stringify(one), await runnerOf(one));
    }
  }
  const peak = peakContender();
  const [from, to] = [new Uint8Array(COPIED_BYTES).fill(1), new Uint8Array(COPIED_BYTES)];
  let [peakSeconds, copySeconds] = [Infinity, Infinity];
  for (const { step } of runners.values()) secondsOf(step, 0); // until the compiler has settled
  for (let round = 0; round < samples; round++) {
    for (const { step, times } of runners.values()) {
      peakSeconds = Math.min(
        peakSeconds,
        secondsOf(() => void peak.run(1), YARDSTICK_SECONDS),
      );
      copySeconds = Math.min(
        copySeconds,
        secondsOf(() => to.set(from), YARDSTICK_SECONDS),
      );
      times.push(secondsOf(step, seconds));
    }
    report?.(round + 1);
  }
  const [flopsPerSecond, bytesPerSecond] = [PEAK_FLOPS / peakSeconds, (2 * COPIED_BYTES) / copySeconds];
  const timeOf = (net: Net): number => {
    const { flops, bytes } = workOf(net);
    return flops / flopsPerSecond + bytes / bytesPerSecond;
  };
  const curves = sweeps.flatMap(({ quantity, values, net }): Curve[] => {
    const nets = values.map(net);
    const measured = nets.map(runnerFor);
    return [
      {
        ...{ quantity, of: 'time', x: values },
        ...{ measured: measured.map(({ times }) => Math.min(...times)), model: nets.map(timeOf) },
      },
      {
        ...{ quantity, of: 'memory', x: values },
        ...{ measured: measured.map(({ bytes }) => bytes), model: nets.map(memoryOf) },
      },
    ];
  });
  const ofTexts: Curve = {
    ...{ quantity: 'text', of: 'memory', x: texts },
    ...{ measured: held, model: texts.map(() => memoryOf(BASE)) },
  };
  return {
    ...{ peak: flopsPerSecond / 1e9, bandwidth: bytesPerSecond / 1e9 },
    curves: texts.length > 0 ? [...curves, ofTexts] : curves,
  };
}

/** The bytes that training on windows of a text of each length holds, the text itself left out. */
async function heldByTexts(texts: readonly number[]): Promise<number[]> {
  const held: number[] = [];
  if (texts.length > 0) await heldByText(texts[0]); // code and its caches are there after the first
  for (const length of texts) held.push(await heldByText(length));
  return held;
}

async function heldByText(length: number): Promise<number> {
  const { T, B, V } = BASE;
  const before = bytesHeld('bench');
  const ids = new Uint8Array(length);
  for (let i = 0; i < length; i++) ids[i] = (i * i + (i >> 7)) % V;
  const windows = new CharWindows(ids, T, B);
  const { trainer } = await trainerOf(BASE);
  const batch = { inputs: new Int32Array(T * B), targets: new Int32Array(T * B), carry: false };
  for (let n = 0; n < WINDOWS; n++) {
    windows.position = Math.floor((n * (windows.streamLength - T)) / WINDOWS);
    windows.next(batch.inputs, batch.targets);
    trainer.update(batch);
    batch.carry = true;
  }
  const held = bytesHeld('bench') - before - ids.byteLength;
  trainer.dispose(); // only here, so that it was held until now
  return held;
}
