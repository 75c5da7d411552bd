import {
  type CpuEngine,
  CpuTrainer,
  type GradcheckReport,
  gradcheck,
  Inspector,
  inspectorAllocationPlan,
  type ModelSpec,
  type NamedTensors,
  type ResolvedSpec,
  Stepper,
  sampleFrom,
  stepperAllocationPlan,
  type Trainer,
  type TrainerState,
  type TrainingBatch,
  tsEngine,
} from 'bptt';
import { sgd } from 'bptt/optim';
import { RandomState, singularValues } from 'bptt/tensor';
import { wasmEngine } from 'bptt/wasm';
import { LossDigest } from './digest.ts';
import { eigenvalues } from './eigenvalues.ts';
import type { GradientSize, NetView, Progress, Spectra, View } from './messages.ts';
import { freshTrainer } from './model.ts';
import type { Settings } from './settings.ts';

/** The longest probe text, in characters. */
export const LONGEST_PROBE = 120;

/** What the blocks of Whh are called; a tanh net has one without a name. */
const BLOCKS: Readonly<Record<string, readonly string[]>> = { lstm: ['i', 'f', 'g', 'o'], gru: ['r', 'z', 'n'] };

/** A net at one moment of its training. */
export interface Moment {
  readonly state: TrainerState;
  readonly digest: string;
}

/** One net on the page: its trainer, what is known of its losses, and what looks inside. */
export class Net {
  readonly spec: ResolvedSpec;
  readonly trainer: Trainer;
  private readonly settings: Settings;
  private readonly inspector: Inspector;
  private readonly stepper: Stepper;
  private digest: LossDigest;
  private losses: number[] = [];
  private heldOut: [number, number][] = [];
  private gradient: GradientSize | null = null;
  private spectra: Spectra | null = null;

  private constructor(
    settings: Settings,
    trainer: Trainer,
    inspector: Inspector,
    stepper: Stepper,
    digest: LossDigest,
  ) {
    this.settings = settings;
    this.digest = digest;
    this.spec = trainer.spec;
    this.trainer = trainer;
    this.inspector = inspector;
    this.stepper = stepper;
  }

  static async begin(settings: Settings, spec: ModelSpec): Promise<Net> {
    return Net.of(settings, await freshTrainer(settings, spec));
  }

  /** @param digest of the losses so far, of a training that goes on */
  static async of(settings: Settings, trainer: Trainer, digest?: string): Promise<Net> {
    const { spec } = trainer;
    const parameters = await trainer.parameters();
    // On the trainer's own engine where that is one of the CPU, so that the numbers shown are those that it computes with.
    const engineFor = (lengths: readonly number[]): CpuEngine =>
      trainer.engine === 'ts' ? tsEngine() : wasmEngine({ lengths });
    const engine = engineFor(inspectorAllocationPlan(spec, LONGEST_PROBE));
    const inspector = new Inspector(spec, parameters, LONGEST_PROBE, engine);
    const stepper = new Stepper(engineFor(stepperAllocationPlan(spec)), spec, parameters);
    return new Net(settings, trainer, inspector, stepper, new LossDigest(digest));
  }

  /** An update with each of the batches. */
  async update(batches: readonly TrainingBatch[]): Promise<void> {
    for (const [i, loss] of (await this.trainer.train(batches)).entries()) {
      this.digest.add(loss);
      this.losses.push(loss / batches[i].inputs.length);
    }
  }

  async evaluate(windows: readonly TrainingBatch[], characters: number): Promise<void> {
    const losses = await this.trainer.evaluate(windows);
    const nats = losses.reduce((sum, loss) => sum + loss, 0) / characters;
    this.heldOut.push([this.trainer.step, nats / Math.LN2]);
  }

  /** Looks at the gradient of a batch before it is clipped, without an update. */
  measureGradient(batch: TrainingBatch): void {
    const { trainer } = this;
    if (!(trainer instanceof CpuTrainer)) return;
    trainer.lossAndGradients(batch);
    const { flat } = trainer.model.gradients;
    const { clip } = this.settings;
    let [squares, clipped] = [0, 0];
    for (let i = 0; i < flat.length; i++) {
      squares += flat[i] * flat[i];
      if (clip > 0 && Math.abs(flat[i]) > clip) clipped++;
    }
    this.gradient = { update: trainer.step, norm: Math.sqrt(squares), clipped: clipped / flat.length };
  }

  /** What happened since the last call. */
  takeProgress(): Progress {
    const { losses, heldOut, gradient } = this;
    this.losses = [];
    this.heldOut = [];
    this.gradient = null;
    const { lossDigest: digest } = this;
    return { cell: this.spec.cell.name, losses: Float64Array.from(losses), digest, heldOut, gradient };
  }

  /** The bits of the losses so far, hashed. */
  get lossDigest(): string {
    return this.digest.toString();
  }

  /** The net over the probe. */
  async look(probe: Int32Array, view: View, cursor: number, weights: boolean): Promise<NetView> {
    const { spec, inspector } = this;
    const [T, H, V] = [probe.length, spec.hiddenSize, spec.outputSize];
    const parameters = await this.trainer.parameters();
    inspector.setParameters(parameters);
    const targets = new Int32Array(T);
    targets.set(probe.subarray(1));
    const lossWeights = new Float64Array(T).fill(1);
    lossWeights[T - 1] = 0; // nothing comes after the last character
    const backSteps = view.backSteps > 0 ? view.backSteps : Number.POSITIVE_INFINITY;
    const step = Math.min(cursor, T - 2);
    const { outputs, losses, layers } = inspector.inspect({ inputs: probe, targets, lossWeights }, { step, backSteps });
    const { states, gates, dstates, dx } = layers[layers.length - 1];
    const rows = { ...dstates, ...(layers.length === 1 ? { x: dx } : {}) };
    const norms = Object.entries(rows).map(([name, values]) => [name, rowNorms(values, T)] as const);
    if (weights) this.spectra = this.measureWeights(parameters, view.block);
    return {
      ...{ cell: spec.cell.name, T, H, V, outputs: outputs as Float32Array },
      bits: Float32Array.from(losses, (nats) => nats / Math.LN2),
      ...{ states: states as NetView['states'], gates: gates as NetView['gates'] },
      norms: Object.fromEntries(norms),
      weights: view.weights ? this.spectra : null,
    };
  }

  /** What {@link restore} goes back to. */
  async moment(): Promise<Moment> {
    return { state: await this.trainer.state(), digest: this.lossDigest };
  }

  async restore({ state, digest }: Moment): Promise<void> {
    await this.trainer.setState(state);
    this.digest = new LossDigest(digest);
    this.losses = [];
    this.heldOut = [];
  }

  /** Text that the net writes, from its first symbol and a state of zeros. */
  async sample(length: number, temperature: number): Promise<number[]> {
    const { stepper } = this;
    for (const [name, values] of Object.entries(await this.trainer.parameters())) {
      stepper.model.parameters.get(name)!.set(values);
    }
    const rng = new RandomState(this.trainer.step);
    const input = Int32Array.of(0);
    stepper.reset();
    return Array.from({ length }, () => {
      stepper.read(input);
      input[0] = sampleFrom(stepper.model.logits(), rng, { temperature });
      return input[0];
    });
  }

  /** The blocks of Whh, by name. */
  get blocks(): readonly string[] {
    return BLOCKS[this.spec.cell.name] ?? [''];
  }

  /**
   * The net's own gradient against central differences, in float64: a few elements of every parameter, on a sequence of
   * which each character is to be told from those before it.
   */
  async gradcheck(ids: Int32Array): Promise<GradcheckReport> {
    const steps = ids.length - 1;
    const { spec } = this;
    const optimizer = sgd({ lr: 0 });
    const trainer = new CpuTrainer(tsEngine('float64'), spec, { steps, batch: 1, optimizer });
    const { parameters, gradients } = trainer.model;
    const params: Record<string, Float64Array> = {};
    for (const [name, values] of Object.entries(await this.trainer.parameters())) {
      params[name] = parameters.get(name) as Float64Array;
      params[name].set(values);
    }
    const batch = { inputs: ids.subarray(0, steps), targets: ids.subarray(1) };
    return gradcheck(
      {
        loss: () => trainer.lossOf(batch),
        gradients: () => {
          trainer.lossAndGradients(batch);
          return Object.fromEntries(Object.keys(params).map((name) => [name, gradients.get(name) as Float64Array]));
        },
      },
      params,
      { mode: 'sampled', samples: 20 },
    );
  }

  dispose(): void {
    this.trainer.dispose();
    this.inspector.dispose();
  }

  private measureWeights(parameters: NamedTensors, block: number): Spectra {
    const { layers, hiddenSize: H } = this.spec;
    const { blocks } = this;
    const b = Math.min(block, blocks.length - 1);
    const w = parameters[`weight_hh_l${layers - 1}`].subarray(b * H * H, (b + 1) * H * H);
    return { update: this.trainer.step, block: blocks[b], singular: singularValues(w, H, H), ...eigenvalues(w, H) };
  }
}

/** The Euclidean length of each of T rows. */
function rowNorms(values: ArrayLike<number>, T: number): Float64Array {
  const width = values.length / T;
  const norms = new Float64Array(T);
  for (let t = 0; t < T; t++) {
    let squares = 0;
    for (let i = t * width; i < (t + 1) * width; i++) squares += values[i] * values[i];
    norms[t] = Math.sqrt(squares);
  }
  return norms;
}
