/**
 * Notebook 004, first part: a net of 16 hidden units adds two numbers bit by bit, from the least significant on. With the
 * notebook's names and its random stream; `np` is the corner of NumPy that it uses.
 */
import { additionProblem } from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import { ndarray } from 'bptt/tensor/ndarray';
import * as np from 'bptt/tensor/numpy';
import { arrayStr } from './numpyPrint.ts';

type Matrix = np.Float64View;

/** synapse_0 (input_dim, hidden_dim), synapse_1 (hidden_dim, output_dim), synapse_h (hidden_dim, hidden_dim). */
export interface Synapses {
  synapse_0: Matrix;
  synapse_1: Matrix;
  synapse_h: Matrix;
}

/** In [17]: compute sigmoid nonlinearity */
export function sigmoid(x: Matrix): Matrix {
  return np.divide(1, np.add(1, np.exp(np.negative(x))));
}

/** In [17]: convert output of sigmoid function to its derivative */
export function sigmoid_output_to_derivative(output: Matrix): Matrix {
  return np.multiply(output, np.subtract(1, output));
}

/** In [20]: uniform in [-1, 1). */
export function init_synapses(random: RandomState, input_dim = 2, hidden_dim = 16, output_dim = 1): Synapses {
  const uniform = (rows: number, columns: number): Matrix =>
    np.subtract(np.multiply(2, ndarray(random.randomSample(rows * columns), [rows, columns])), 1);
  return {
    synapse_0: uniform(input_dim, hidden_dim),
    synapse_1: uniform(hidden_dim, output_dim),
    synapse_h: uniform(hidden_dim, hidden_dim),
  };
}

export interface Addition {
  /** Sum of |error| over the bits, as the one-element array that the notebook prints. */
  overallError: Matrix;
  /** The net's guess, most significant bit first. */
  d: number[];
  /** In time order; the zero state first. */
  layer_1_values: Matrix[];
  layer_2_values: Matrix[];
  layer_2_deltas: Matrix[];
  /** Last time step first. */
  layer_1_deltas: Matrix[];
  synapse_0_update: Matrix;
  synapse_1_update: Matrix;
  synapse_h_update: Matrix;
}

/**
 * The body of the loop of In [22]: a + b = c, bits with the most significant first. Forward over the bits, backward over
 * them again; the updates point downhill for half the squared error.
 */
export function add(synapses: Synapses, a: ArrayLike<number>, b: ArrayLike<number>, c: ArrayLike<number>): Addition {
  const { synapse_0, synapse_1, synapse_h } = synapses;
  const binary_dim = a.length;
  const hidden_dim = synapse_h.shape[0];
  const overallError = np.zeros(1);
  const d: number[] = new Array(binary_dim).fill(0);
  const layer_2_values: Matrix[] = [];
  const layer_2_deltas: Matrix[] = [];
  const layer_1_values: Matrix[] = [np.zeros(1, hidden_dim)];

  // moving along the positions in the binary encoding
  for (let position = 0; position < binary_dim; position++) {
    // generate input and output
    const X = np.array([[a[binary_dim - position - 1], b[binary_dim - position - 1]]]);
    const y = np.array([[c[binary_dim - position - 1]]]);

    // hidden layer (input ~+ prev_hidden)
    const layer_1 = sigmoid(np.add(np.dot(X, synapse_0), np.dot(layer_1_values.at(-1)!, synapse_h)));

    // output layer (new binary representation)
    const layer_2 = sigmoid(np.dot(layer_1, synapse_1));

    // did we miss?... if so, by how much?
    const layer_2_error = np.subtract(y, layer_2);
    layer_2_deltas.push(np.multiply(layer_2_error, sigmoid_output_to_derivative(layer_2)));
    np.iadd(overallError, np.abs(np.row(layer_2_error, 0)));

    // decode estimate so we can print it out
    d[binary_dim - position - 1] = np.roundHalfEven(layer_2.get(0, 0));

    // store hidden layer so we can use it in the next timestep
    layer_1_values.push(layer_1);
    layer_2_values.push(layer_2);
  }

  const synapse_0_update = np.zerosLike(synapse_0);
  const synapse_1_update = np.zerosLike(synapse_1);
  const synapse_h_update = np.zerosLike(synapse_h);
  const layer_1_deltas: Matrix[] = [];
  let future_layer_1_delta = np.zeros(1, hidden_dim);

  // position counts bits from the most significant one, the last in time
  for (let position = 0; position < binary_dim; position++) {
    const X = np.array([[a[position], b[position]]]);
    const layer_1 = layer_1_values.at(-position - 1)!;
    const prev_layer_1 = layer_1_values.at(-position - 2)!;

    // error at output layer
    const layer_2_delta = layer_2_deltas.at(-position - 1)!;
    // error at hidden layer
    const layer_1_delta = np.multiply(
      np.add(np.dot(future_layer_1_delta, np.T(synapse_h)), np.dot(layer_2_delta, np.T(synapse_1))),
      sigmoid_output_to_derivative(layer_1),
    );

    // let's update all our weights so we can try again
    np.iadd(synapse_1_update, np.dot(np.T(layer_1), layer_2_delta));
    np.iadd(synapse_h_update, np.dot(np.T(prev_layer_1), layer_1_delta));
    np.iadd(synapse_0_update, np.dot(np.T(X), layer_1_delta));

    future_layer_1_delta = layer_1_delta;
    layer_1_deltas.push(layer_1_delta);
  }
  return {
    overallError,
    d,
    layer_1_values,
    layer_2_values,
    layer_2_deltas,
    layer_1_deltas,
    synapse_0_update,
    synapse_1_update,
    synapse_h_update,
  };
}

/** The end of the loop of In [22]: weights += alpha * updates. */
export function update(synapses: Synapses, addition: Addition, alpha: number): void {
  np.iadd(synapses.synapse_0, np.multiply(addition.synapse_0_update, alpha));
  np.iadd(synapses.synapse_1, np.multiply(addition.synapse_1_update, alpha));
  np.iadd(synapses.synapse_h, np.multiply(addition.synapse_h_update, alpha));
}

/** The notebook's stream draws the weights and one problem of a run that was stopped, then everything again. */
function drawStoppedRun(random: RandomState): void {
  init_synapses(random);
  additionProblem(random);
}

/** Leaves a generator where the notebook's first part leaves it, without the training. */
export function drawFirstPart(random: RandomState, iterations = 10000): void {
  drawStoppedRun(random);
  init_synapses(random);
  for (let j = 0; j < iterations; j++) additionProblem(random);
}

export interface BinaryAdditionOptions {
  print?: (line: string) => void;
  progress?: (done: number, total: number) => void;
  seed?: number;
  iterations?: number;
}

export interface BinaryAdditionResult {
  /** Of each iteration. */
  overallErrors: number[];
  synapses: Synapses;
}

/** The notebook from top to bottom. */
export function run(options: BinaryAdditionOptions = {}): BinaryAdditionResult {
  const { print = () => {}, progress = () => {}, seed = 0, iterations = 10000 } = options;
  const random = new RandomState(seed);
  drawStoppedRun(random);

  const alpha = 0.1;
  const synapses = init_synapses(random);
  const overallErrors: number[] = [];

  // training logic
  for (let j = 0; j < iterations; j++) {
    // generate a simple addition problem (a + b = c)
    const { aInt: a_int, bInt: b_int, a, b, c } = additionProblem(random);
    const addition = add(synapses, a, b, c);
    const { overallError, d } = addition;
    update(synapses, addition, alpha);
    overallErrors.push(overallError.get(0));

    // print out progress
    if (j % 1000 === 0) {
      print(`Error:${arrayStr(overallError)}`);
      print(`Pred:[${d.join(' ')}]`);
      print(`True:[${c.join(' ')}]`);
      let out = 0;
      for (const [index, x] of d.toReversed().entries()) out += x * 2 ** index;
      print(`${a_int} + ${b_int} = ${out}`);
      print('------------');
    }
    progress(j + 1, iterations);
  }
  return { overallErrors, synapses };
}
