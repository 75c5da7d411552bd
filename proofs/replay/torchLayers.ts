import {
  type CellName,
  type CpuEngine,
  type Engine,
  type ModelSpec,
  ParameterBlock,
  parameterLayout,
  RecurrentStack,
  type ResolvedSpec,
  resolveSpec,
  sizingEngine,
  type WindowKind,
} from 'bptt';
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
  private readonly engine: CpuEngine;
  private readonly stack: RecurrentStack<FloatArray, Int32Array>;
  private readonly gradients: ParameterBlock<FloatArray>;
  private readonly T: number;
  private readonly B: number;
  private readonly D: number;
  private readonly H: number;
  private readonly layers: number;
  private readonly batchFirst: boolean;
  private readonly states: readonly string[];
  private readonly window: WindowKind;

  constructor(fields: Fields, check: Check) {
    const [T, B, D, H, layers] = ['T', 'B', 'input_size', 'hidden_size', 'num_layers'].map((n) => fields.whole(n, 1));
    const spec = resolveSpec(specOf(fields, D, H, layers));
    this.fields = fields;
    this.check = check;
    this.T = T;
    this.B = B;
    this.D = D;
    this.H = H;
    this.layers = layers;
    this.batchFirst = fields.flag('batch_first');
    this.states = spec.cell.states;
    this.window = { steps: T, masked: false, dropping: false };
    const lengths = (): readonly number[] => {
      const sizing = sizingEngine();
      layersOn(sizing, spec, T, B);
      return sizing.lengths;
    };
    this.engine = check.engineFor(lengths, spec);
    const { stack, parameters, gradients } = layersOn(this.engine, spec, T, B);
    this.stack = stack;
    this.gradients = gradients;
    const params = fields.object('params');
    for (const { name, shape } of parameters.layout) {
      this.engine.write(parameters.get(name)!, params.array(name, shape));
    }
    const surplus = params.names().find((name) => !parameters.get(name));
    if (surplus) throw params.error(surplus, 'is no parameter of these layers');
  }

  replay(): void {
    const { fields, check, engine, stack, window, B, D, H } = this;
    const { values } = check.tolerances.torchLayers;
    engine.write(stack.x, this.timeFirst(fields, 'x', D));
    stack.carry.fill(1);
    this.eachState((which, index, layer) => {
      const { layers } = this;
      const initial = fields.array(`${which}0`, [layers, B, H]);
      engine.write(stack.initial(layer)[index], initial.subarray(layer * B * H, (layer + 1) * B * H));
    });
    stack.forward(window);
    check.compare(fields.golden('output'), this.inLayout(stack.output(window), H), values);
    for (const [i, which] of this.states.entries()) check.compare(fields.golden(`${which}n`), this.finals(i), values);
    check.compare(fields.golden('loss'), this.loss(), values);
    this.backward();
  }

  /** Σ output·weight + Σ hn·weight + Σ cn·weight. */
  private loss(): number {
    const { fields, H, window } = this;
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);
    const weights = this.timeFirst(fields, 'weight_of_output', H);
    return this.states.reduce(
      (sum, which, i) => sum + dot(this.finals(i), this.finalWeights(which)),
      dot(this.stack.output(window), weights),
    );
  }

  private backward(): void {
    const { fields, check, engine, stack, gradients, window, B, D, H } = this;
    const { values } = check.tolerances.torchLayers;
    engine.write(stack.doutput(window), this.timeFirst(fields, 'weight_of_output', H));
    this.eachState((which, index, layer) => {
      const weights = this.finalWeights(which).subarray(layer * B * H, (layer + 1) * B * H);
      engine.write(stack.dfinal(layer)[index], weights);
    });
    engine.weightGradients(stack.backward(window, Number.POSITIVE_INFINITY));
    const golden = fields.object('grads');
    for (const { name } of gradients.layout) check.compare(golden.golden(name), gradients.get(name)!, values);
    check.compare(golden.golden('x'), this.inLayout(stack.dx, D), values);
    for (const [i, which] of this.states.entries()) {
      check.compare(
        golden.golden(`${which}0`),
        this.stacked((layer) => stack.dinitial(layer)![i]),
        values,
      );
    }
  }

  private eachState(visit: (name: string, index: number, layer: number) => void): void {
    for (const [i, name] of this.states.entries()) {
      for (let layer = 0; layer < this.layers; layer++) visit(name, i, layer);
    }
  }

  private finals(index: number): Float64Array {
    return this.stacked((layer) => this.stack.recurrence(this.window, layer).final[index]);
  }

  private finalWeights(which: string): Float64Array {
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
function layersOn<F, I>(engine: Engine<F, I>, spec: ResolvedSpec, T: number, B: number) {
  const layout = parameterLayout(spec);
  const parameters = new ParameterBlock(engine, layout);
  const gradients = new ParameterBlock(engine, layout);
  const options = { inputGradient: true };
  return { parameters, gradients, stack: new RecurrentStack(engine, spec, T, B, parameters, gradients, options) };
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
