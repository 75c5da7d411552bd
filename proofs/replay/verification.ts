import { allocationPlan, CpuTrainer, gradcheck, type ModelSpec, type TrainingBatch } from 'bptt';
import { additionProblem, countingData, sineData } from 'bptt/data';
import { sgd } from 'bptt/optim';
import { type FloatArray, RandomState } from 'bptt/tensor';
import * as binaryAddition from './binaryAddition.ts';
import * as charRnn from './charRnn.ts';
import type { Check } from './check.ts';
import * as elman from './elman.ts';
import { engines, type ReplayEngine } from './engines.ts';
import type { Fields } from './fields.ts';
import { swapFirstAxes, transpose } from './layout.ts';
import * as linearRnn from './linearRnn.ts';
import * as minCharRnn from './minCharRnn.ts';
import * as minimalRnn from './minimalRnn.ts';

/** A system small enough to differentiate numerically, entry by entry. */
interface System {
  spec: ModelSpec;
  steps: number;
  batch: number;
  l2?: number;
  data: TrainingBatch;
}

/**
 * How the NumPy programs' gradients compare with finite differences and autograd: `verification.json`. The file gives no
 * parameters, so that what is held here is the claim: the library's system of each name has the gradient of its loss.
 */
export function replay(file: Fields, check: Check): void {
  const measured = file.object('hand_written_bptt');
  const unknown = measured.names().find((name) => !Object.hasOwn(systems, name));
  if (unknown) {
    throw measured.error(unknown, `is no system of the library, expected ${Object.keys(systems).join(', ')}`);
  }
  const rows = Object.keys(systems).map((name) => measured.object(name));
  const worst = file.object('worst');
  for (const metric of new Set([worst, ...rows].flatMap((fields) => fields.names()))) {
    check.compareData(worst.golden(metric), Math.max(...rows.map((row) => row.number(metric))));
  }
  for (const [name, make] of Object.entries(systems)) {
    replaySystem(`${measured.pathOf(name)} (library)`, make(new RandomState(22)), check);
  }
}

/** float64 against numeric derivatives, which take all its digits; an engine that has fewer against float64. */
function replaySystem(quantity: string, system: System, check: Check): void {
  const exact = new RunningSystem(system, engines.ts);
  const at = new RandomState(1).uniform(-0.8, 0.8, exact.size);
  const { dtype, verification } = check.tolerances;
  if (dtype === 'float64') {
    check.record('', quantity, gradientError(exact, at), verification.gradients);
    return;
  }
  const golden = { caseName: '', quantity, shape: [exact.size], content: { values: exact.gradient(at) } };
  check.compare(golden, new RunningSystem(system, check.engine).gradient(at), 0);
}

function gradientError(system: RunningSystem, at: Float64Array): number {
  const report = gradcheck(
    {
      loss: ({ parameters }: { parameters: Float64Array }) => system.loss(parameters),
      gradients: ({ parameters }) => ({ parameters: system.gradient(parameters) }),
    },
    { parameters: at },
  );
  return report.passed && report.worst ? report.worst.relativeError : Number.POSITIVE_INFINITY;
}

/** A system on an engine, as a function of its parameters. */
class RunningSystem {
  private readonly trainer: CpuTrainer;
  private readonly data: TrainingBatch;

  constructor({ spec, steps, batch, l2 = 0, data }: System, { make, floats }: ReplayEngine) {
    const options = { steps, batch, l2, optimizer: sgd({ lr: 1 }) };
    const engine = make(() => allocationPlan(spec, options)[0], spec);
    const held = (values: Int32Array | FloatArray) => (values instanceof Int32Array ? values : floats(values));
    this.trainer = new CpuTrainer(engine, spec, options);
    this.data = { inputs: held(data.inputs), targets: held(data.targets) };
  }

  get size(): number {
    return this.trainer.model.parameters.flat.length;
  }

  loss(parameters: Float64Array): number {
    const { engine, parameters: own } = this.trainer.model;
    engine.write(own.flat, parameters);
    return this.trainer.lossAndGradients(this.data);
  }

  gradient(parameters: Float64Array): Float64Array {
    this.loss(parameters);
    return Float64Array.from(this.trainer.model.gradients.flat);
  }
}

/** The systems by the names of `verification.json`. */
const systems: Readonly<Record<string, (rng: RandomState) => System>> = {
  '000_elementwise': (rng) => minimal(rng, false),
  '000_broadcast': (rng) => minimal(rng, true),
  '001_classification': () => {
    const data = elman.example('BTSSXXTVVE', false);
    const spec = elman.spec('classification', { n_in: 7, n_hid: 5, n_out: 7 });
    return { spec, steps: data.inputs.length, batch: 1, data };
  },
  '001_regression': () => {
    const { S, T, steps } = sineData(0.7);
    const spec = elman.spec('regression', { n_in: 2, n_hid: 4, n_out: 2 });
    const data = { inputs: swapFirstAxes(S, 2, steps, 2), targets: swapFirstAxes(T, 2, steps, 2) };
    return { spec, steps, batch: 2, data };
  },
  '002': (rng) => ({ spec: charRnn.spec(5, 4), steps: 6, batch: 1, l2: 0.05, data: symbols(rng, 5, 6) }),
  '003': (rng) => {
    const { X, t } = countingData(rng, 6, 7);
    return { spec: linearRnn.spec(6), steps: 7, batch: 6, data: { inputs: transpose(X, 6, 7), targets: t } };
  },
  '004a': (rng) => {
    const { a, b, c } = additionProblem(rng, 5);
    const inputs = Float64Array.from(
      Array.from(a, (bit, i) => [bit, b[i]])
        .reverse()
        .flat(),
    );
    const data = { inputs, targets: Float64Array.from(c.toReversed()) };
    return { spec: binaryAddition.spec(5), steps: 5, batch: 1, data };
  },
  '004b_with_dby': (rng) => ({ spec: minCharRnn.spec(6, 5), steps: 7, batch: 1, data: symbols(rng, 6, 7) }),
};

function minimal(rng: RandomState, broadcast: boolean): System {
  const sizes = { n_in: 3, n_hid: 5, n_out: 4, T: 6 };
  const inputs = rng.uniform(-1, 1, sizes.T * sizes.n_in);
  const Y = rng.uniform(-0.1, 0.9, sizes.T * sizes.n_out);
  const targets = broadcast ? minimalRnn.columnMeans(Y, sizes) : Y;
  return { spec: minimalRnn.spec(sizes), steps: sizes.T, batch: 1, data: { inputs, targets } };
}

function symbols(rng: RandomState, V: number, T: number): TrainingBatch {
  return { inputs: Int32Array.from(rng.randint(0, V, T)), targets: Int32Array.from(rng.randint(0, V, T)) };
}
