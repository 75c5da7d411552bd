import { assertWhole } from '../check/numbers.ts';
import { adam } from '../optim/adam.ts';
import { allocationPlan } from './cpuSession.ts';
import { assertOptions } from './options.ts';
import {
  directionsOf,
  hasResidual,
  type ModelSpec,
  outputWidth,
  type ParameterLayout,
  parameterLayout,
  type ResolvedSpec,
  resolveSpec,
  stateWidth,
} from './spec.ts';
import { stepperAllocationPlan } from './stepper.ts';
import type { TrainerOptions } from './trainer.ts';

/** Options of {@link summary}: the sizes of training, whose other options count where they need memory. */
export interface SummaryOptions extends Pick<TrainerOptions, 'steps' | 'batch' | 'labels' | 'accumulate'> {
  /** Default `adam()`, which remembers two numbers for each parameter. */
  optimizer?: TrainerOptions['optimizer'];
  /** Default `float32`. */
  dtype?: 'float32' | 'float64';
}

/** A layer of a {@link ModelSummary}. */
export interface LayerSummary {
  readonly name: string;
  /** In words, with sizes. */
  readonly reads: string;
  readonly gives: string;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly parameterCount: number;
}

/** A model in numbers, as plain data. */
export interface ModelSummary {
  readonly layers: readonly LayerSummary[];
  /** P */
  readonly parameterCount: number;
  /** The bytes of all buffers of a trainer on one thread of the CPU; null where no sizes of training were told. */
  readonly trainingBytes: number | null;
  /** The bytes of the buffers with which sessions read step by step, whatever their number. */
  readonly inferenceBytes: number;
  /** The bytes of the state of a session; 0 for a bidirectional model, which has none. */
  readonly sessionBytes: number;
  /** All of it for people to read. */
  readonly text: string;
}

/**
 * The layers of a model, their shapes and parameters, and the memory that training and inference take.
 *
 * @param options left out: the shapes have T and B for sizes, the numbers are float32, and nothing is told of training
 * @throws {RangeError | TypeError} where spec or options make no sense.
 */
export function summary(
  spec: ModelSpec | ResolvedSpec,
  options: SummaryOptions,
): ModelSummary & { readonly trainingBytes: number };
export function summary(spec: ModelSpec | ResolvedSpec): ModelSummary;
export function summary(spec: ModelSpec | ResolvedSpec, options?: SummaryOptions): ModelSummary {
  if (options !== undefined) {
    assertOptions('summary', options, {
      ...{ steps: true, batch: true, optimizer: true, labels: true, accumulate: true, dtype: true },
    });
    assertWhole('summary', 'steps', options.steps, 1);
    assertWhole('summary', 'batch', options.batch, 1);
  }
  const { dtype = 'float32' } = options ?? {};
  const full = resolveSpec(spec);
  const bytes = dtype === 'float32' ? 4 : 8;
  const window: Window = options ?? { steps: 'T', batch: 'B' };
  const layers = layersOf(full, window);
  const parameterCount = layers.reduce((sum, layer) => sum + layer.parameterCount, 0);
  const states = full.bidirectional ? 0 : full.layers * full.cell.states.length * full.hiddenSize;
  const data = {
    ...{ layers, parameterCount, sessionBytes: states * bytes },
    trainingBytes: options === undefined ? null : trainingNumbers(full, options) * bytes,
    inferenceBytes: sumOf(stepperAllocationPlan(full)) * bytes,
  };
  return { ...data, text: textOf(full, window, data) };
}

/** T and B, or their letters. */
interface Window {
  readonly steps: number | string;
  readonly batch: number | string;
}

function trainingNumbers(spec: ResolvedSpec, { dtype: _, optimizer = adam(), ...sizes }: SummaryOptions): number {
  const [training] = allocationPlan(spec, { ...sizes, optimizer });
  return sumOf(training);
}

function layersOf(spec: ResolvedSpec, { steps, batch }: Window): LayerSummary[] {
  const layout = parameterLayout(spec);
  const both = directionsOf(spec) === 2 ? ', both directions' : '';
  const window = `[${steps},${batch},`;
  const rows = (own: readonly ParameterLayout[]) => ({
    parameters: own.map(({ name, shape }) => ({ name, shape })),
    parameterCount: own.reduce((sum, { length }) => sum + length, 0),
  });
  const called = (names: RegExp) => rows(layout.filter(({ name }) => names.test(name)));
  const { embedding, inputDense, outputDense } = spec;
  const layers: LayerSummary[] = [];
  /** A layer reads what the one before it gives. */
  let reads = spec.input === 'ids' ? `ids [${steps},${batch}] of ${spec.inputSize}` : `${window}${spec.inputSize}]`;
  const add = (name: string, gives: string, own: ReturnType<typeof rows>): void => {
    layers.push({ name, reads, gives, ...own });
    reads = gives;
  };
  if (embedding) add(`embedding${embedding.tied ? ', tied' : ''}`, `${window}${embedding.size}]`, called(/^embedding/));
  if (inputDense) add(`dense: ${inputDense.activation}`, `${window}${inputDense.size}]`, called(/^input_dense/));
  for (let layer = 0; layer < spec.layers; layer++) {
    const norm = spec.layerNorm ? ', normalised' : '';
    const residual = hasResidual(spec, layer) ? ', residual' : '';
    add(
      `layer ${layer}: ${spec.cell.name}${both}${norm}${residual}`,
      `${window}${stateWidth(spec)}]`,
      called(new RegExp(`_l${layer}(_reverse|\\.weight|\\.bias)?$`)),
    );
  }
  const rowsOfLoss = spec.lossAt === 'last' ? `[${batch},` : window;
  reads = `${rowsOfLoss}${stateWidth(spec)}]`;
  if (outputDense)
    add(`dense: ${outputDense.activation}`, `${rowsOfLoss}${outputDense.size}]`, called(/^output_dense/));
  add(`output: ${spec.loss.name}`, `${rowsOfLoss}${outputWidth(spec)}]`, called(/_ho$/));
  return layers;
}

function textOf(spec: ResolvedSpec, { steps, batch }: Window, data: Omit<ModelSummary, 'text'>): string {
  const { layers, parameterCount, trainingBytes, inferenceBytes, sessionBytes } = data;
  const table = [
    ['', 'reads', 'gives', 'parameters'],
    ...layers.map((layer) => [layer.name, layer.reads, layer.gives, withCommas(layer.parameterCount)]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 3 ? cell.padStart(widths[3]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd(),
  );
  const sessions = spec.bidirectional ? 'whole sequences only' : `${sizeOf(sessionBytes)} for each session`;
  return [
    ...lines,
    `${withCommas(parameterCount)} parameters`,
    ...(trainingBytes === null ? [] : [`training windows of ${steps} × ${batch}: ${sizeOf(trainingBytes)}`]),
    `inference step by step: ${sizeOf(inferenceBytes)}, ${sessions}`,
  ].join('\n');
}

function sumOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

function withCommas(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** Bytes with a unit, to a tenth. */
function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const [size, unit] = bytes < 2 ** 20 ? [bytes / 1024, 'KiB'] : [bytes / 1024 / 1024, 'MiB'];
  return `${size.toFixed(1)} ${unit}`;
}
