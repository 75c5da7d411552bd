import { gradcheck, LocalTrainer, type ModelSpec, type TrainingBatch, tsEngine } from 'bptt/bptt';
import { additionProblem, countingData, sineData } from 'bptt/data';
import { sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import * as binaryAddition from './binaryAddition.ts';
import * as charRnn from './charRnn.ts';
import type { Check } from './check.ts';
import * as elman from './elman.ts';
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
    check.compare(worst.golden(metric), Math.max(...rows.map((row) => row.number(metric))));
  }
  for (const [name, make] of Object.entries(systems)) {
    const error = gradientError(make(new RandomState(22)));
    check.record('', `${measured.pathOf(name)} (library)`, error, check.tolerances.verification.gradients);
  }
}

function gradientError({ spec, steps, batch, l2 = 0, data }: System): number {
  const trainer = new LocalTrainer(tsEngine('float64'), spec, { steps, batch, l2, optimizer: sgd({ lr: 1 }) });
  const { flat } = trainer.model.parameters;
  const parameters = { parameters: new RandomState(1).uniform(-0.8, 0.8, flat.length) };
  const at = (p: typeof parameters): number => {
    flat.set(p.parameters);
    return trainer.lossAndGradients(data);
  };
  const report = gradcheck(
    {
      loss: at,
      gradients: (p: typeof parameters) => {
        at(p);
        return { parameters: Float64Array.from(trainer.model.gradients.flat) };
      },
    },
    parameters,
  );
  return report.passed && report.worst ? report.worst.relativeError : Number.POSITIVE_INFINITY;
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
