import type { ModelSpec } from '../bptt/spec.ts';
import { assertText } from '../check/values.ts';
import { type BundledSpec, bundledSpec } from './bundledSpec.ts';
import { FormatError } from './formatError.ts';

/**
 * The `config.json` that goes beside a model's weights, with the keys that the Hugging Face hub shows, and the whole
 * spec under `bptt`.
 */
export function modelConfig(spec: ModelSpec): Record<string, unknown> {
  const full: BundledSpec = bundledSpec(spec);
  const kind = full.cell === 'elman' ? 'RNN' : full.cell.startsWith('gru') ? 'GRU' : 'LSTM';
  return {
    model_type: 'bptt',
    architectures: [kind],
    input_size: full.inputSize,
    hidden_size: full.hiddenSize,
    num_hidden_layers: full.layers,
    bidirectional: full.bidirectional,
    ...(full.input === 'ids' ? { vocab_size: full.inputSize } : {}),
    bptt: full,
  };
}

/**
 * The spec of a `config.json` that {@link modelConfig} made, to be given to `fromStateDict`.
 *
 * @param text JSON
 * @throws {FormatError} where it is no such configuration.
 */
export function specOfConfig(text: string): BundledSpec {
  assertText('specOfConfig', 'text', text);
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`specOfConfig: config.json is not JSON: ${(error as Error).message}`);
  }
  const spec = (config as { bptt?: unknown } | null)?.bptt;
  if (typeof spec !== 'object' || spec === null) {
    throw new FormatError('specOfConfig: config.json has no spec under "bptt"');
  }
  try {
    return bundledSpec(spec as ModelSpec);
  } catch (error) {
    throw new FormatError(`specOfConfig: ${(error as Error).message}`);
  }
}
