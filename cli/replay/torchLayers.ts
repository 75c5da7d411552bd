import {
  type CellName,
  countingEngine,
  type Engine,
  type FullSpec,
  fullSpec,
  type LocalEngine,
  type ModelSpec,
  ParameterBlock,
  parameterPlaces,
  RecurrentStack,
} from 'bptt/bptt';
import type { Nonlinearity } from 'bptt/layers';
import type { FloatArray } from 'bptt/tensor';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';
import { swapFirstAxes } from './layout.ts';

const cells: Readonly<Record<string, CellName>> = { RNN: 'elman', LSTM: 'lstm', GRU: 'gru' };

/** Recurrent layers of PyTorch: `torch_rnn.json`, `torch_lstm.json`, `torch_gru.json`. */
export function replay(file: Fields, check: Check): void {
  for (const fields of file.cases()) new TorchCase(fields, check).replay();
}

/** A case on a recurrent stack without anything above it; gradients of outputs and final states are the given weights. */
class TorchCase {
  private readonly fields: Fields;
  private readonly check: Check;
  private readonly engine: LocalEngine;
  private readonly stack: RecurrentStack<FloatArray, Int32Array>;
  private readonly gradients: ParameterBlock<FloatArray>;
  private readonly T: number;
  private readonly B: number;
  private readonly D: number;
  private readonly H: number;
  private readonly layers: number;
  private readonly batchFirst: boolean;
  private readonly states: readonly ('h' | 'c')[];

  constructor(fields: Fields, check: Check) {
    const [T, B, D, H, layers] = ['T', 'B', 'input_size', 'hidden_size', 'num_layers'].map((n) => fields.whole(n, 1));
    const spec = fullSpec(specOf(fields, D, H, layers));
    this.fields = fields;
    this.check = check;
    this.T = T;
    this.B = B;
    this.D = D;
    this.H = H;
    this.layers = layers;
    this.batchFirst = fields.flag('batch_first');
    this.states = spec.cell === 'lstm' ? ['h', 'c'] : ['h'];
    const lengths = (): readonly number[] => {
      const counting = countingEngine();
      layersOn(counting, spec, T, B);
      return counting.lengths;
    };
    this.engine = check.engineFor(lengths, spec);
    const { stack, parameters, gradients } = layersOn(this.engine, spec, T, B);
    this.stack = stack;
    this.gradients = gradients;
    const params = fields.object('params');
    for (const { name, shape } of parameters.places) {
      this.engine.write(parameters.get(name)!, params.array(name, shape));
    }
    const surplus = params.names().find((name) => !parameters.get(name));
    if (surplus) throw params.error(surplus, 'is no parameter of these layers');
  }

  replay(): void {
    const { fields, check, engine, stack, T, B, D, H } = this;
    const { values } = check.tolerances.torchLayers;
    engine.write(stack.x, this.timeFirst(fields, 'x', D));
    stack.keep.fill(1);
    this.eachState((which, layer) => {
      const { layers } = this;
      const given = fields.array(`${which}0`, [layers, B, H]);
      engine.write(stack.given(layer, 0)[which], given.subarray(layer * B * H, (layer + 1) * B * H));
    });
    stack.forward(T, false, false);
    check.compare(fields.golden('output'), this.inLayout(stack.output(T), H), values);
    for (const which of this.states) check.compare(fields.golden(`${which}n`), this.finals(which), values);
    check.compare(fields.golden('loss'), this.loss(), values);
    this.backward();
  }

  /** Σ output·weight + Σ hn·weight + Σ cn·weight. */
  private loss(): number {
    const { fields, H, T } = this;
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);
    const weights = this.timeFirst(fields, 'weight_of_output', H);
    return this.states.reduce(
      (sum, which) => sum + dot(this.finals(which), this.finalWeights(which)),
      dot(this.stack.output(T), weights),
    );
  }

  private backward(): void {
    const { fields, check, engine, stack, gradients, T, B, D, H } = this;
    const { values } = check.tolerances.torchLayers;
    engine.write(stack.doutput(T), this.timeFirst(fields, 'weight_of_output', H));
    this.eachState((which, layer) => {
      const weights = this.finalWeights(which).subarray(layer * B * H, (layer + 1) * B * H);
      engine.write(stack.dfinal(layer, 0)[which], weights);
    });
    stack.backward(T, false, false, Number.POSITIVE_INFINITY);
    const golden = fields.object('grads');
    for (const { name } of gradients.places) check.compare(golden.golden(name), gradients.get(name)!, values);
    check.compare(golden.golden('x'), this.inLayout(stack.dx, D), values);
    for (const which of this.states) {
      check.compare(
        golden.golden(`${which}0`),
        this.stacked((layer) => stack.dgiven(layer, 0)[which]),
        values,
      );
    }
  }

  private eachState(visit: (which: 'h' | 'c', layer: number) => void): void {
    for (const which of this.states) for (let layer = 0; layer < this.layers; layer++) visit(which, layer);
  }

  private finals(which: 'h' | 'c'): Float64Array {
    return this.stacked((layer) => this.stack.final(this.T, layer, 0)[which]);
  }

  private finalWeights(which: 'h' | 'c'): Float64Array {
    return this.fields.array(`weight_of_${which}n`, [this.layers, this.B, this.H]);
  }

  /** [layers,B,H] */
  private stacked(of: (layer: number) => FloatArray): Float64Array {
    return Float64Array.from(Array.from({ length: this.layers }, (_, layer) => Array.from(of(layer))).flat());
  }

  /** An array of the file as [T,B,n]. */
  private timeFirst(fields: Fields, name: string, n: number): ArrayLike<number> {
    const { T, B, batchFirst } = this;
    return batchFirst ? swapFirstAxes(fields.array(name, [B, T, n]), B, T, n) : fields.array(name, [T, B, n]);
  }

  /** [T,B,n] as the file has it. */
  private inLayout(x: ArrayLike<number>, n: number): ArrayLike<number> {
    return this.batchFirst ? swapFirstAxes(x, this.T, this.B, n) : x;
  }
}

/** The layers and their parameters on an engine; everything that they ask it for. */
function layersOn<F, I>(engine: Engine<F, I>, spec: FullSpec, T: number, B: number) {
  const places = parameterPlaces(spec);
  const parameters = new ParameterBlock(engine, places);
  const gradients = new ParameterBlock(engine, places);
  return { parameters, gradients, stack: new RecurrentStack(engine, spec, T, B, parameters, gradients, true) };
}

function specOf(fields: Fields, inputSize: number, hiddenSize: number, layers: number): ModelSpec {
  const kind = fields.text('kind');
  const cell = cells[kind];
  if (!cell) throw fields.error('kind', `is '${kind}', expected ${Object.keys(cells).join(', ')}`);
  if (cell !== 'elman' && fields.raw('nonlinearity') !== null) {
    throw fields.error('nonlinearity', `is not null, expected null for ${kind}`);
  }
  return {
    cell,
    input: 'dense',
    inputSize,
    hiddenSize,
    layers,
    ...(cell === 'elman' ? { nonlinearity: nonlinearityOf(fields) } : {}),
    bias: fields.flag('bias') ? 'both' : 'none',
    outputSize: 0,
    loss: 'squaredError',
  };
}

function nonlinearityOf(fields: Fields): Nonlinearity {
  const name = fields.text('nonlinearity');
  if (name !== 'tanh' && name !== 'relu') throw fields.error('nonlinearity', `is '${name}', expected tanh or relu`);
  return name;
}
