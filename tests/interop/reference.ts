import { readFileSync } from 'node:fs';
import type { ModelSpec, NamedTensors } from '../../src/bptt/spec.ts';
import { type BundledSpec, bundledSpec } from '../../src/interop/bundledSpec.ts';

/** The folder of the files that other libraries wrote. */
export const fixtures = new URL('fixtures/', import.meta.url);

export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, fixtures)));
}

export interface Answer {
  /** [T,B,V], before any softmax or sigmoid of a loss. */
  y: number[];
  /** [layers·directions,B,H]. */
  hT: number[];
  /** As hT; empty where the cell has none. */
  cT: number[];
}

type Numbers = ArrayLike<number>;

const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));
const NONLINEARITIES = { tanh: Math.tanh, sigmoid, relu: (a: number) => Math.max(a, 0), identity: (a: number) => a };

/** W·x + bias, W [rows,x.length]. */
function affine(W: Numbers, bias: Numbers | undefined, x: Numbers, rows: number): number[] {
  return Array.from({ length: rows }, (_, r) => {
    let sum = bias?.[r] ?? 0;
    for (let k = 0; k < x.length; k++) sum += W[r * x.length + k] * x[k];
    return sum;
  });
}

/** One step of one sequence: h and c of [H], written from the formulas of the docstrings in src/layers. */
function step(
  spec: BundledSpec,
  p: NamedTensors,
  suffix: string,
  x: Numbers,
  h: number[],
  c: number[],
): [number[], number[]] {
  const { cell, hiddenSize: H, nonlinearity } = spec;
  const Wih = p[`weight_ih${suffix}`];
  const Whh = p[`weight_hh${suffix}`];
  const rows = Whh.length / H;
  const a = affine(Wih, p[`bias_ih${suffix}`], x, rows);
  const b = affine(Whh, p[`bias_hh${suffix}`], h, rows);
  const j = h.map((_, i) => i);
  if (cell === 'elman') return [j.map((i) => NONLINEARITIES[nonlinearity](a[i] + b[i])), c];
  if (cell === 'gru' || cell === 'gruResetBefore') {
    const r = j.map((i) => sigmoid(a[i] + b[i]));
    const z = j.map((i) => sigmoid(a[H + i] + b[H + i]));
    const reset = affine(
      Whh.subarray(2 * H * H),
      p[`bias_hh${suffix}`]?.subarray(2 * H),
      h.map((v, i) => r[i] * v),
      H,
    );
    const n = j.map((i) => Math.tanh(a[2 * H + i] + (cell === 'gru' ? r[i] * b[2 * H + i] : reset[i])));
    return [j.map((i) => (1 - z[i]) * n[i] + z[i] * h[i]), c];
  }
  const peephole = p[`weight_peephole${suffix}`] ?? new Float64Array(3 * H);
  const gate = (k: number, i: number) => a[k * H + i] + b[k * H + i];
  const next = j.map((i) => {
    const input = sigmoid(gate(0, i) + peephole[i] * c[i]);
    const forget = sigmoid(gate(1, i) + peephole[H + i] * c[i]);
    return forget * c[i] + input * Math.tanh(gate(2, i));
  });
  return [j.map((i) => sigmoid(gate(3, i) + peephole[2 * H + i] * next[i]) * Math.tanh(next[i])), next];
}

export interface Question {
  T: number;
  B: number;
  /** [T,B,D], or [T,B] ids. */
  x: Numbers;
  /** [layers·directions,B,H]; default the spec's initial state. */
  h0?: Numbers;
  c0?: Numbers;
  /** [B]: after a sequence's end its state stays, and its outputs are zero. */
  lengths?: Numbers;
}

/** A net by plain loops in float64, apart from everything in src: what every reader's model is asked. */
export function answer(model: { spec: ModelSpec; parameters: NamedTensors }, question: Question): Answer {
  const spec = bundledSpec(model.spec);
  const p = model.parameters;
  const { hiddenSize: H, inputSize: D, outputSize: V } = spec;
  const { T, B, x, lengths } = question;
  const directions = spec.bidirectional ? 2 : 1;
  const hT: number[] = [];
  const cT: number[] = [];
  let layer: number[][][] = Array.from({ length: T }, (_, t) =>
    Array.from({ length: B }, (_, b) =>
      spec.input === 'ids'
        ? Array.from({ length: D }, (_, d) => (d === x[t * B + b] ? 1 : 0))
        : Array.from({ length: D }, (_, d) => x[(t * B + b) * D + d]),
    ),
  );
  for (let l = 0; l < spec.layers; l++) {
    const above: number[][][] = layer.map((row) => row.map(() => []));
    for (let d = 0; d < directions; d++) {
      const suffix = `_l${l}${d ? '_reverse' : ''}`;
      for (let b = 0; b < B; b++) {
        const start = (states: Numbers | undefined, name: string) =>
          Array.from(
            { length: H },
            (_, i) => states?.[((l * directions + d) * B + b) * H + i] ?? p[name + suffix]?.[i] ?? 0,
          );
        let h = start(question.h0, 'h0');
        let c = start(question.c0, 'c0');
        const length = lengths?.[b] ?? T;
        const outputs: number[][] = Array.from({ length: T }, () => new Array<number>(H).fill(0));
        for (let k = 0; k < length; k++) {
          const t = d ? length - 1 - k : k;
          [h, c] = step(spec, p, suffix, layer[t][b], h, c);
          outputs[t] = h;
        }
        for (let t = 0; t < T; t++) above[t][b].push(...outputs[t]);
        hT.push(...h);
        if (spec.cell.startsWith('lstm')) cT.push(...c);
      }
    }
    layer = above;
  }
  const y = layer.flat().flatMap((h) => (V > 0 ? affine(p.weight_ho, p.bias_ho, h, V) : h));
  return { y, hT, cT };
}

/**
 * The outputs [B,T,V] for an input that is batch first, [B,V] of the last step where the loss is there; through the softmax
 * of the loss or the sigmoid of the outputs, as Keras and TensorFlow.js have them in the net.
 */
export function batchFirstAnswer(
  model: { spec: ModelSpec; parameters: NamedTensors },
  x: { shape: number[]; values: number[] },
): number[] {
  const spec = bundledSpec(model.spec);
  const [B, T, D = 1] = x.shape;
  const turned = Array.from({ length: T * B * D }, (_, i) => {
    const [t, b] = [Math.floor(i / (B * D)), Math.floor(i / D) % B];
    return x.values[(b * T + t) * D + (i % D)];
  });
  const { y } = answer(model, { T, B, x: turned });
  const size = y.length / (T * B);
  const row = (b: number, t: number): number[] => {
    const sums = y.slice((t * B + b) * size, (t * B + b + 1) * size);
    if (spec.outputActivation === 'sigmoid') return sums.map(sigmoid);
    if (spec.loss !== 'softmaxCrossEntropy') return sums;
    const total = sums.reduce((sum, value) => sum + Math.exp(value), 0);
    return sums.map((value) => Math.exp(value) / total);
  };
  const steps = spec.lossAt === 'last' ? [T - 1] : Array.from({ length: T }, (_, t) => t);
  return Array.from({ length: B }, (_, b) => steps.flatMap((t) => row(b, t))).flat();
}

export interface TorchFacts extends Question {
  kind: 'RNN' | 'GRU' | 'LSTM';
  nonlinearity: 'tanh' | 'relu' | null;
  D: number;
  H: number;
  V: number;
  layers: number;
  bidirectional: boolean;
  bias: boolean;
  y: number[];
  hT: number[];
  cT?: number[];
}

export const TORCH_NETS = ['rnn_tanh', 'rnn_relu2', 'gru', 'gru2_bi', 'lstm', 'lstm2', 'lstm_bi_nobias'] as const;

export function torchFacts(name: string): TorchFacts {
  return JSON.parse(readFileSync(new URL(`torch/${name}.json`, fixtures), 'utf8')) as TorchFacts;
}
