import type { CpuTrainer, ModelSpec } from 'bptt';
import { type AdditionProblem, additionProblem, binary2int, int2binary } from 'bptt/data';
import { sgd } from 'bptt/optim';
import { RandomState, sigmoidBackward } from 'bptt/tensor';
import { roundHalfEven } from 'bptt/tensor/numpy';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';
import { type Arrays, givenParameters, gradientsOf, type Layout, parametersOf, statesOf, trainerOf } from './layout.ts';

export const layout: Layout = {
  synapse_0: { parameter: 'weight_ih_l0', transposed: true },
  synapse_1: { parameter: 'weight_ho', transposed: true },
  synapse_h: { parameter: 'weight_hh_l0', transposed: true },
};

const rowColumns = ['j', 'a_int', 'b_int', 'overallError', 'd', 'c', 'decoded'] as const;

/** Half the squared error of sigmoid outputs: the notebook's updates are minus its gradient. */
export function spec(hidden: number): ModelSpec {
  return {
    cell: 'elman',
    nonlinearity: 'sigmoid',
    input: 'dense',
    inputSize: 2,
    hiddenSize: hidden,
    outputSize: 1,
    bias: 'none',
    outputBias: false,
    outputActivation: 'sigmoid',
    loss: 'squaredError',
    reduction: 0.5,
  };
}

/** Notebook 004, first part: `nb004a_binary_addition.json`. */
export function replay(file: Fields, check: Check): void {
  for (const fields of file.cases()) replayCase(fields, check);
}

function replayCase(fields: Fields, check: Check): void {
  const bits = fields.whole('binary_dim', 1);
  const hidden = fields.whole('hidden_dim', 1);
  const drawn = draw(fields, hidden);
  const model = spec(hidden);
  const params = givenParameters(check, model, layout, fields, drawn?.params ?? null, 0);
  const options = { steps: bits, batch: 1, optimizer: sgd({ lr: fields.number('alpha') }) };
  const trainer = trainerOf(check, model, options, layout, params);
  const rows = fields.indexedRows('rows', rowColumns);
  const details = fields.objects('details');
  check.compareData(fields.golden('detail'), details.length);
  for (let j = 0; j < fields.whole('iterations', 1); j++) {
    const row = rows.get(j);
    const problem = drawn ? additionProblem(drawn.rng, bits) : givenProblem(fields, row, j, bits);
    const batch = batchOf(problem, check);
    // Looks at the net as it is; the update computes the same again.
    if (row || details[j]) trainer.lossAndGradients(batch);
    if (row) compareRow(row, problem, trainer, check);
    if (details[j]) compareDetail(details[j], problem, trainer, check);
    trainer.update(batch);
    if (details[j]) compareSynapses(details[j], parametersOf(trainer, layout), '_after', check);
    rows.delete(j);
  }
  const [beyond] = rows.keys();
  if (beyond !== undefined) throw fields.error('rows', `has iteration ${beyond}, which is not among the iterations`);
  compareSynapses(fields, parametersOf(trainer, layout), '_final', check);
}

/** Bits in the order of time: the least significant first. */
function batchOf({ a, b, c }: AdditionProblem, check: Check) {
  const inputs = Array.from(a, (bit, i) => [bit, b[i]]).reverse();
  return { inputs: check.floats(inputs.flat()), targets: check.floats(c.toReversed()) };
}

function givenProblem(fields: Fields, row: Fields | undefined, j: number, bits: number): AdditionProblem {
  if (!row) throw fields.error('rows', `lacks iteration ${j}, which is needed where seed is null`);
  const [aInt, bInt] = [row.whole('a_int'), row.whole('b_int')];
  const [a, b, c] = [aInt, bInt, aInt + bInt].map((value) => int2binary(value, bits));
  return { aInt, bInt, cInt: aInt + bInt, a, b, c };
}

/** The bits that the outputs round to, most significant first, and the sum of their errors. */
function verdict(problem: AdditionProblem, trainer: CpuTrainer): { d: number[]; overallError: number } {
  const outputs = Array.from(trainer.model.outputs());
  const targets = problem.c.toReversed();
  const overallError = outputs.reduce((sum, o, t) => sum + Math.abs(targets[t] - o), 0);
  return { d: outputs.map(roundHalfEven).reverse(), overallError };
}

function compareRow(row: Fields, problem: AdditionProblem, trainer: CpuTrainer, check: Check): void {
  const { d, overallError } = verdict(problem, trainer);
  check.compareData(row.golden('a_int'), problem.aInt);
  check.compareData(row.golden('b_int'), problem.bInt);
  check.compare(row.golden('overallError'), overallError, check.tolerances.binaryAddition.values);
  check.compare(row.golden('d'), d);
  check.compareData(row.golden('c'), problem.c);
  check.compare(row.golden('decoded'), binary2int(d));
}

function compareDetail(golden: Fields, problem: AdditionProblem, trainer: CpuTrainer, check: Check): void {
  const { values } = check.tolerances.binaryAddition;
  const { model } = trainer;
  const { d, overallError } = verdict(problem, trainer);
  for (const name of ['a', 'b', 'c'] as const) {
    check.compareData(golden.golden(name), problem[name]);
  }
  check.compareData(golden.golden('a_int'), problem.aInt);
  check.compareData(golden.golden('b_int'), problem.bInt);
  check.compare(golden.golden('d'), d);
  check.compare(golden.golden('overallError'), overallError, values);
  check.compare(golden.golden('half_squared_error'), model.loss[0], values);

  const bits = problem.c.length;
  const H = model.spec.hiddenSize;
  const states = statesOf(trainer, bits);
  check.compare(golden.golden('layer_1_values'), [...new Float64Array(H), ...states], values);
  check.compare(golden.golden('layer_2'), model.outputs(), values);
  check.compare(
    golden.golden('layer_2_deltas'),
    Array.from(model.logitGradients(), (v) => -v),
    values,
  );
  const deltas = model.stack.recurrence(model.window, 0).dh.slice();
  sigmoidBackward(deltas, deltas, check.floats(states));
  const backwards = Array.from({ length: bits }, (_, k) => Array.from(deltas.subarray(k * H, (k + 1) * H))).reverse();
  check.compare(
    golden.golden('layer_1_deltas_backward_order'),
    backwards.flat().map((v) => -v),
    values,
  );

  const gradients = gradientsOf(trainer, layout);
  for (const [name, synapse] of [
    ['u0', 'synapse_0'],
    ['u1', 'synapse_1'],
    ['uh', 'synapse_h'],
  ]) {
    check.compare(
      golden.golden(name),
      Array.from(gradients[synapse], (v) => -v),
      values,
    );
  }
}

function compareSynapses(golden: Fields, got: Arrays, suffix: string, check: Check): void {
  const { values } = check.tolerances.binaryAddition;
  for (const name of Object.keys(layout)) check.compare(golden.golden(name + suffix), got[name], values);
}

/** From the seed: the synapses; the stream then draws a problem for each iteration. */
function draw(fields: Fields, hidden: number): { params: Arrays; rng: RandomState } | null {
  const seed = fields.seed();
  if (seed === null) return null;
  const rng = new RandomState(seed);
  const matrix = (size: number) => rng.randomSample(size).map((v) => 2 * v - 1);
  const synapse_0 = matrix(2 * hidden);
  const synapse_1 = matrix(hidden);
  return { params: { synapse_0, synapse_1, synapse_h: matrix(hidden * hidden) }, rng };
}
