import type { ModelSpec, NamedTensors } from '../bptt/spec.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { bundledLayout, bundledSpec, GATES, outputWeights, stateWidth } from './bundledSpec.ts';
import { reorderBlocks, transposed } from './foreignModel.ts';
import { writeNpz } from './npz.ts';

/** What {@link writeKeras} takes beside the model. */
export interface KerasWriting {
  /** What the script calls the file of the weights. Default `model.npz`. */
  weights?: string;
}

/** Keras has z,r,h in the columns of a GRU, this library r,z,n in its rows. */
const GRU_BLOCKS = [1, 0, 2];

const ACTIVATIONS = { tanh: 'tanh', relu: 'relu', sigmoid: 'sigmoid', identity: 'linear' } as const;

/**
 * Writes a model for Keras 3: a script that builds the net and loads its weights, and the weights as `.npz`. Keras adds
 * one bias where this library has two (but in a GRU with `reset_after`), so their sum is written. A model of ids begins
 * with its embedding, or with one that is the identity.
 *
 * @throws {RangeError} where a parameter is missing or of another length, and for what Keras lacks: peepholes, learned
 * initial states, and an output layer on the last step of both directions; and for dense layers, normalised outputs and
 * residual connections.
 */
export function writeKeras(
  model: { spec: ModelSpec; parameters: Readonly<NamedTensors> },
  { weights = 'model.npz' }: KerasWriting = {},
): { script: string; weights: Uint8Array } {
  const spec = bundledSpec(model.spec);
  const { cell, hiddenSize: H, outputSize: V, bias, bidirectional, layers: count } = spec;
  const cannot = (what: string): never => {
    throw new RangeError(`writeKeras: Keras has no ${what}`);
  };
  if (cell === 'lstmPeephole') cannot('peepholes (cell lstmPeephole)');
  if (spec.initialState === 'learned') cannot('learned initial state');
  if (spec.lossAt === 'last' && bidirectional) cannot('output layer on the last step of both directions');
  for (const { name, shape, length } of bundledLayout(spec)) {
    const values = model.parameters[name];
    if (values?.length !== length) {
      throw new RangeError(`writeKeras: ${name} has ${values?.length ?? 'no'} elements, expected [${shape.join(',')}]`);
    }
  }
  const arrays: Record<string, { shape: number[]; values: FloatArray }> = {};
  const G = GATES[cell];
  const order = G === 3 ? GRU_BLOCKS : Array.from({ length: G }, (_, gate) => gate);
  const columns = (values: FloatArray, width: number): { shape: number[]; values: FloatArray } => ({
    shape: [width, G * H],
    values: transposed(reorderBlocks(values, order), G * H, width),
  });
  const lines = [
    spec.input === 'ids' ? "keras.Input([None], dtype='int32')" : `keras.Input([None, ${spec.inputSize}])`,
  ];
  if (spec.embedding) {
    const { size } = spec.embedding;
    lines.push(`layers.Embedding(${spec.inputSize}, ${size})`);
    arrays.embedding = { shape: [spec.inputSize, size], values: model.parameters['embedding.weight'] };
  } else if (spec.input === 'ids') {
    lines.push(`layers.Embedding(${spec.inputSize}, ${spec.inputSize}, trainable=False)`);
    const identity = new Float32Array(spec.inputSize * spec.inputSize);
    for (let i = 0; i < spec.inputSize; i++) identity[i * (spec.inputSize + 1)] = 1;
    arrays.embedding = { shape: [spec.inputSize, spec.inputSize], values: identity };
  }
  for (let layer = 0; layer < count; layer++) {
    for (const direction of bidirectional ? ['', '_reverse'] : ['']) {
      const suffix = `_l${layer}${direction}`;
      const width = layer === 0 ? (spec.embedding?.size ?? spec.inputSize) : stateWidth(spec);
      arrays[`kernel${suffix}`] = columns(model.parameters[`weight_ih${suffix}`], width);
      arrays[`recurrent_kernel${suffix}`] = columns(model.parameters[`weight_hh${suffix}`], H);
      if (bias === 'none') continue;
      const ih = reorderBlocks(model.parameters[`bias_ih${suffix}`], order);
      const hh = bias === 'both' ? reorderBlocks(model.parameters[`bias_hh${suffix}`], order) : ih.slice().fill(0);
      arrays[`bias${suffix}`] =
        cell === 'gru' ? stacked(ih, hh) : { shape: [G * H], values: ih.map((value, i) => value + hh[i]) };
    }
    const sequences = layer < count - 1 || spec.lossAt === 'every' ? 'True' : 'False';
    const options = [`${H}`, `return_sequences=${sequences}`];
    if (bias === 'none') options.push('use_bias=False');
    if (cell === 'elman') options.push(`activation='${ACTIVATIONS[spec.nonlinearity]}'`);
    if (G === 3) options.push(`reset_after=${cell === 'gru' ? 'True' : 'False'}`);
    const inner = `layers.${cell === 'elman' ? 'SimpleRNN' : G === 3 ? 'GRU' : 'LSTM'}(${options.join(', ')})`;
    lines.push(bidirectional ? `layers.Bidirectional(${inner})` : inner);
  }
  const { loss } = spec;
  const isSoftmax = loss === 'softmaxCrossEntropy' || loss === 'binaryCrossEntropyOfSoftmax';
  const isSigmoid = loss === 'sigmoidCrossEntropy' || spec.outputActivation === 'sigmoid';
  const activation = isSoftmax ? 'softmax' : isSigmoid ? 'sigmoid' : 'linear';
  if (V > 0) {
    const width = stateWidth(spec);
    arrays.output = { shape: [width, V], values: transposed(outputWeights(spec, model.parameters), V, width) };
    if (spec.outputBias) arrays.output_bias = { shape: [V], values: model.parameters.bias_ho };
    lines.push(`layers.Dense(${V}, activation='${activation}'${spec.outputBias ? '' : ', use_bias=False'})`);
  } else if (activation !== 'linear') lines.push(`layers.Activation('${activation}')`);
  const script = `import keras
import numpy as np
from keras import layers

model = keras.Sequential([
    ${lines.join(',\n    ')},
])
weights = np.load(${JSON.stringify(weights)})
model.set_weights([weights[name] for name in weights.files])
`;
  return { script, weights: writeNpz(arrays) };
}

/** [2,N] of two rows. */
function stacked(a: FloatArray, b: FloatArray): { shape: number[]; values: FloatArray } {
  const values = a instanceof Float32Array ? new Float32Array(2 * a.length) : new Float64Array(2 * a.length);
  values.set(a);
  values.set(b, a.length);
  return { shape: [2, a.length], values };
}
