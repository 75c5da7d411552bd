import type { BinaryAdditionResult } from '../examples/binaryAddition.ts';
import type { CharRnnL2Result } from '../examples/charRnnL2.ts';
import type { ElmanReberResult } from '../examples/elmanReber.ts';
import type { EmbeddedReberResult } from '../examples/embeddedReber.ts';
import { errorSurface, type LinearRnnResult } from '../examples/linearRnn.ts';
import type { MinCharRnnResult } from '../examples/minCharRnn.ts';
import type { MinimalRnnResult } from '../examples/minimalRnn.ts';
import { lineChart, type Series, scatterPathOverHeatmap } from './chart.ts';

/** A picture of a notebook and the name of its file. */
export interface Picture {
  file: string;
  svg: string;
}

/** 000: what the broadcast in the cost does to learning. */
export function minimalRnn(asWritten: MinimalRnnResult, corrected: MinimalRnnResult): Picture[] {
  return [
    {
      file: 'learning-curve.svg',
      svg: lineChart({
        title: 'Minimal RNN on 20 Reber words',
        subtitle:
          'as written every prediction is compared with every target row, so only the mean target can be learned',
        xLabel: 'epoch',
        yLabel: 'summed cost of an epoch',
        series: [line('as written', asWritten.errors), line('corrected', corrected.errors)],
      }),
    },
  ];
}

/** 001: learning curves, the vanishing gradient, the sine task. */
export function elmanReber(result: ElmanReberResult): Picture[] {
  const { train_errors, embedded_errors, vanishing, sine } = result;
  const mean = (errors: number[]): number[] => errors.map((error) => error / 1000);
  const steps = sine.T.shape[1];
  const of = (view: typeof sine.P, feature: number): number[] =>
    Array.from({ length: steps }, (_, t) => view.get(0, t, feature));
  return [
    {
      file: 'learning-curve.svg',
      svg: lineChart({
        title: 'Elman net on Reber words',
        subtitle: '10 hidden units, SGD 0.2, 1000 words an epoch',
        xLabel: 'epoch',
        yLabel: 'mean cross-entropy',
        logY: true,
        series: [line('Reber', mean(train_errors), 1), line('embedded', mean(embedded_errors), 1)],
      }),
    },
    {
      file: 'vanishing-gradient.svg',
      svg: lineChart({
        title: 'The vanishing gradient',
        subtitle: 'error at the embedded symbol: length of the gradient that reaches each earlier hidden state',
        xLabel: 'time steps back',
        yLabel: '‖∂cost/∂h‖, geometric mean of 1000 words',
        logY: true,
        series: [line('before training', vanishing.before, 0), line('after training', vanishing.after, 0)],
      }),
    },
    {
      file: 'sine-prediction.svg',
      svg: lineChart({
        title: 'Sine and cosine, one step late',
        subtitle: `the first target is the last input and cannot be known · squared error ${result.regression_errors.at(-1)?.toExponential(2)}`,
        xLabel: 'time step',
        yLabel: 'output',
        series: [
          { ...line('predicted sine', of(sine.P, 0), 0), color: 0 },
          { ...line('predicted cosine', of(sine.P, 1), 0), color: 1 },
          { ...line('target', of(sine.T, 0), 0), color: 7, dashed: true },
          { ...line('target', of(sine.T, 1), 0), color: 7, dashed: true },
        ],
      }),
    },
    {
      file: 'sine-learning-curve.svg',
      svg: lineChart({
        title: 'The sine task',
        subtitle: '4 hidden units, SGD 0.1, two sequences at a time',
        xLabel: 'update',
        yLabel: 'mean squared error',
        logY: true,
        series: [line('training', result.regression_errors)],
      }),
    },
  ];
}

/** 001 with --cell: how far back the gradient reaches through each cell, and how each learned. */
export function embeddedReber(results: readonly EmbeddedReberResult[]): Picture[] {
  return [
    {
      file: 'gradient-reaching-back.svg',
      svg: lineChart({
        title: 'How far back the gradient reaches',
        subtitle: 'error at the embedded symbol, after training: gradient at each earlier state, relative to the last',
        xLabel: 'time steps back',
        yLabel: '‖∂cost/∂h‖ / ‖∂cost/∂h_last‖',
        logY: true,
        series: results.map(({ cell, gradientBack }) =>
          line(
            cell,
            gradientBack.map((size) => size / gradientBack[0]),
            0,
          ),
        ),
      }),
    },
    {
      file: 'embedded-learning-curve.svg',
      svg: lineChart({
        title: 'Embedded Reber words',
        subtitle: 'the last symbol but one repeats the second one',
        xLabel: 'update',
        yLabel: 'mean cross-entropy',
        logY: true,
        series: results.map(({ cell, losses }) => line(cell, Array.from(losses), 1)),
      }),
    },
  ];
}

/** 002: 1000 characters by heart, the full text, words. */
export function charRnnL2(result: CharRnnL2Result, text: string): Picture[] {
  const curves: [file: string, title: string, values: number[], xLabel: string, yLabel: string][] = [
    [
      'learning-curve-1000.svg',
      `1000 characters of ${text} by heart`,
      result.overfit_losses,
      'window',
      'loss of 25 steps',
    ],
    ['learning-curve.svg', `Learning ${text} with L2`, result.losses, 'window', 'loss of 25 steps, penalty included'],
    ['learning-curve-words.svg', `Learning the words of ${text}`, result.word_losses, 'sentence', 'nats a word'],
  ];
  return curves
    .filter(([, , values]) => values.length > 0)
    .map(([file, title, values, xLabel, yLabel]) => ({
      file,
      svg: lineChart({ title, xLabel, yLabel, series: withMean(values, Math.min(0.99, 1 - 10 / values.length)) }),
    }));
}

/** 003: the way of Rprop over the error surface. */
export function linearRnn({ X, t, ls_of_ws }: LinearRnnResult): Picture[] {
  const [wxEnd, wRecEnd] = ls_of_ws.at(-1)!;
  const arrived = ls_of_ws.findLastIndex(([wx, wRec]) => Math.hypot(wx - wxEnd, wRec - wRecEnd) > 1e-3) + 2;
  const path = ls_of_ws.slice(0, arrived);
  const axis = (values: number[]): number[] => {
    const low = Math.floor(Math.min(...values) - 0.5);
    const high = Math.ceil(Math.max(...values) + 1);
    return Array.from({ length: 121 }, (_, i) => low + ((high - low) * i) / 120);
  };
  const wx = axis(path.map(([w]) => w));
  const wRec = axis(path.map(([, w]) => w));
  return [
    {
      file: 'rprop-path.svg',
      svg: scatterPathOverHeatmap({
        title: 'Rprop over the error surface',
        subtitle: `a point for each iteration; after ${path.length - 1} the weights move less than 0.001`,
        xLabel: 'wx',
        yLabel: 'wRec',
        zLabel: 'cost',
        x: wx,
        y: wRec,
        z: errorSurface(X, t, wx, wRec),
        floor: 1e-2,
        height: 520,
        path: {
          x: path.map(([w]) => w),
          y: path.map(([, w]) => w),
          startText: `start (${ls_of_ws[0].join(', ')})`,
          endText: `end (${wxEnd.toFixed(2)}, ${wRecEnd.toFixed(2)})`,
        },
      }),
    },
  ];
}

/** 004a. */
export function binaryAddition({ overallErrors }: BinaryAdditionResult): Picture[] {
  return [
    {
      file: 'learning-curve.svg',
      svg: lineChart({
        title: 'Binary addition',
        subtitle: '16 hidden units, 8 bits, a new problem at each iteration',
        xLabel: 'iteration',
        yLabel: 'overall error, summed over the bits',
        series: withMean(overallErrors, 0.99),
      }),
    },
  ];
}

/** 004b. */
export function minCharRnn({ losses, smooth_losses }: MinCharRnnResult, text: string): Picture[] {
  return [
    {
      file: 'learning-curve.svg',
      svg: lineChart({
        title: `min-char-rnn learns ${text}`,
        subtitle: '100 hidden units, 25 steps, Adagrad 0.1',
        xLabel: 'iteration',
        yLabel: 'loss of 25 characters',
        series: [
          { ...line('loss', losses, 0), faint: true, color: 0 },
          { ...line('smooth loss', smooth_losses, 0), color: 0 },
        ],
      }),
    },
  ];
}

/** Values at `start`, `start + 1` … */
function line(name: string, y: number[], start = 1): Series {
  return { name, x: y.map((_, i) => i + start), y };
}

/** Each value, thin and pale, and their running mean, in which a value `decay`s from step to step. */
function withMean(values: number[], decay: number): Series[] {
  let [sum, weight] = [0, 0];
  const means = values.map((value) => {
    sum = decay * sum + value;
    weight = decay * weight + 1;
    return sum / weight;
  });
  return [
    { ...line('each', values), faint: true, color: 0 },
    { ...line('running mean', means), color: 0 },
  ];
}
