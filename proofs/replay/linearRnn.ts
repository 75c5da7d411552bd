import { type CpuEngine, type ModelSpec, SequenceModel, sizingEngine } from 'bptt';
import { countingData } from 'bptt/data';
import { notebookRprop } from 'bptt/optim';
import { type FloatArray, pairwiseSum, RandomState } from 'bptt/tensor';
import { isclose } from 'bptt/tensor/numpy';
import type { Check } from './check.ts';
import type { Fields, Golden } from './fields.ts';
import { given, transpose } from './layout.ts';

const traceColumns = ['iteration', 'W', 'delta', 'sign', 'gradient'] as const;

/** The blocks of memory that Rprop keeps: steps and signs. */
const RULE_BLOCKS = 2;

/** Where the notebook looks at the net before it trains it. */
const AT = [1.2, 1.2] as const;

export function spec(m: number): ModelSpec {
  return {
    cell: 'elman',
    nonlinearity: 'identity',
    input: 'dense',
    inputSize: 1,
    hiddenSize: 1,
    outputSize: 0,
    bias: 'none',
    loss: 'squaredError',
    lossAt: 'last',
    reduction: 1 / m,
  };
}

/**
 * The counting net on the library's way through time. States and their gradients come from there bit for bit; sums over
 * samples are NumPy's pairwise ones, which the fast path's own sums differ from in the last bits.
 */
class CountingNet {
  readonly engine: CpuEngine;
  readonly model: SequenceModel<FloatArray, Int32Array>;
  /** [len,m], bits in time order. */
  private readonly x: FloatArray;
  private readonly t: FloatArray;
  private readonly m: number;
  private readonly len: number;
  /** [len,m], the states before each step, and what they are multiplied to. */
  private readonly before: FloatArray;
  private readonly products: FloatArray;
  private readonly backward: () => void;

  /** @param X [m,len] @param t [m] */
  constructor(check: Check, X: ArrayLike<number>, t: ArrayLike<number>) {
    this.m = t.length;
    this.len = X.length / this.m;
    this.x = check.floats(transpose(X, this.m, this.len));
    this.t = check.floats(t);
    const own = spec(this.m);
    const sizes = { steps: this.len, batch: this.m };
    const lengths = (): readonly number[] => {
      const sizing = sizingEngine();
      new SequenceModel(sizing, own, sizes);
      return [...sizing.lengths, X.length, X.length, ...Array<number>(3 + 2 * RULE_BLOCKS).fill(2)];
    };
    this.engine = check.engineFor(lengths, own);
    this.before = this.engine.floats(X.length);
    this.products = this.engine.floats(X.length);
    this.model = new SequenceModel(this.engine, own, sizes);
    // The initial state is zero; going on from it, backward also says what reaches it.
    this.model.load({ inputs: this.x, targets: this.t }, true);
    const { stack } = this.model;
    this.backward = this.engine.compile(() => stack.backward(this.model.window, Number.POSITIVE_INFINITY));
  }

  /** Runs forward with the weights [wx, wRec]; gives the outputs [m]. */
  forward(W: ArrayLike<number>): FloatArray {
    this.engine.write(this.model.parameters.flat, W);
    this.model.forward();
    return this.state(this.len);
  }

  /** The states after k steps [m]. */
  state(k: number): FloatArray {
    return this.model.stack.stateAfter(k, 0)[0];
  }

  /** Σ (t − y)² / m. */
  cost(W: ArrayLike<number>): number {
    const y = this.forward(W);
    const squares = Float64Array.from(y, (v, i) => (this.t[i] - v) * (this.t[i] - v));
    return pairwiseSum(squares) / this.m;
  }

  /** 2 (y − t) / m, after {@link forward}. */
  outputGradient(): FloatArray {
    const y = this.state(this.len);
    return this.t.map((t, i) => (2 * (y[i] - t)) / this.m);
  }

  /** What reaches the states after k steps [m], after {@link gradients}. */
  stateGradient(k: number): FloatArray {
    const { stack, window } = this.model;
    if (k === 0) return stack.dinitial(0)![0];
    return stack.recurrence(window, 0).dh.subarray((k - 1) * this.m, k * this.m);
  }

  /** [wx, wRec], the gradient of the cost. */
  gradients(W: ArrayLike<number>): [number, number] {
    const { len, m } = this;
    const { stack, window } = this.model;
    this.forward(W);
    stack.doutput(window).fill(0);
    stack.dfinal(0)[0].set(this.outputGradient());
    this.backward();
    for (let k = 0; k < len; k++) this.before.set(this.state(k), k * m);
    return [this.sumOfProducts(stack.x), this.sumOfProducts(this.before)];
  }

  /** The sums of the absolute values of what {@link gradients} adds up. */
  gradientTerms(): [number, number] {
    let [wx, wRec] = [0, 0];
    for (let k = this.len; k > 0; k--) {
      this.stateGradient(k).forEach((g, i) => {
        wx += Math.abs(g * this.x[(k - 1) * this.m + i]);
        wRec += Math.abs(g * this.state(k - 1)[i]);
      });
    }
    return [wx, wRec];
  }

  /** Of the states' gradients and `factors` [len,m]: step after step from the last one, the samples of each pairwise. */
  private sumOfProducts(factors: FloatArray): number {
    const { len, m, products, model } = this;
    this.engine.kernels.multiply(products, model.stack.recurrence(model.window, 0).dh, factors);
    let sum = 0;
    for (let k = len - 1; k >= 0; k--) sum += pairwiseSum(products, k * m, m);
    return sum;
  }
}

/** Notebook 003: `nb003_linear_rprop.json`. */
export function replay(file: Fields, check: Check): void {
  const zero = file.optional('rprop_with_zero_gradient');
  if (zero) {
    check.begin();
    const net = new CountingNet(check, zero.array('X'), zero.array('t'));
    replayTrace(zero, net, zero.list('trace').length, notebookRprop(), [0, 0], check);
  }
  for (const fields of file.cases()) replayCase(fields, check);
}

function replayCase(fields: Fields, check: Check): void {
  const [m, len] = [fields.whole('m', 1), fields.whole('len', 1)];
  const seed = fields.seed();
  const drawn = seed === null ? null : countingData(new RandomState(seed), m, len);
  const X = given(check, fields, 'X', drawn?.X ?? null, [m, len], 0);
  const sums = Float64Array.from({ length: m }, (_, i) => pairwiseSum(X, i * len, len));
  check.compareData(fields.golden('t', [m]), sums);
  check.begin();
  const net = new CountingNet(check, X, fields.array('t', [m]));
  replayAtStart(fields.optional('at_1.2_1.2'), net, m, len, check);
  const final = replayRprop(fields, net, check);
  replayTest(fields.optional('test'), final, check);
}

function replayAtStart(golden: Fields | null, net: CountingNet, m: number, len: number, check: Check): void {
  if (!golden) return;
  const { values } = check.tolerances.linearRnn;
  const cost = net.cost(AT);
  const gradients = net.gradients(AT);
  const overTime = (at: (k: number) => FloatArray): Float64Array =>
    transpose(Array.from({ length: len + 1 }, (_, k) => Array.from(at(k))).flat(), len + 1, m);
  check.compare(
    golden.golden('S', [m, len + 1]),
    overTime((k) => net.state(k)),
    values,
  );
  check.compare(golden.golden('cost'), cost, values);
  check.compare(golden.golden('grad_out', [m]), net.outputGradient(), values);
  check.compare(golden.golden('grads', [2]), gradients, values);
  check.compare(
    golden.golden('grad_over_time', [m, len + 1]),
    overTime((k) => net.stateGradient(k)),
    values,
  );
  replayOwnSums(golden, net, m, len, check);
  replayGradientCheck(golden, net, gradients, check);
}

/** The model's own loss and backward, whose sums run from left to right: what rounding can make of that, and no more. */
function replayOwnSums(golden: Fields, net: CountingNet, m: number, len: number, check: Check): void {
  const { model } = net;
  const terms = net.gradientTerms();
  model.gradients.flat.fill(0);
  model.forward();
  model.backward();
  const grads = golden.array('grads', [2]);
  const largest = Math.max(...grads.map(Math.abs));
  const fastSum = (name: string): Golden => ({
    ...golden.golden(name)!,
    quantity: golden.pathOf(`${name} (fast sum)`),
  });
  const [costBound, gradBound] = [2 * (m + 3) * Number.EPSILON, 2 * (m * len + 3) * Number.EPSILON];
  check.compare(fastSum('cost'), model.loss, costBound);
  check.compare(fastSum('grads'), model.gradients.flat, gradBound * (Math.max(...terms) / largest));
}

/** The notebook's central differences; it moves its parameters in place and back, up to rounding. */
function replayGradientCheck(golden: Fields, net: CountingNet, gradients: readonly number[], check: Check): void {
  const field = 'gradient_check_eps_1e-7';
  if (golden.raw(field) === null) return;
  const { values } = check.tolerances.linearRnn;
  const eps = 1e-7;
  const W: number[] = [...AT];
  for (const [i, checked] of golden.objects(field).entries()) {
    W[i] += eps;
    const plus = net.cost(W);
    W[i] -= 2 * eps;
    const minus = net.cost(W);
    W[i] += eps;
    const numerical = (plus - minus) / (2 * eps);
    check.compare(checked.golden('backprop'), gradients[i], values);
    if (check.tolerances.dtype === 'float64') {
      check.compare(checked.golden('numerical'), numerical, values);
      check.same(checked, 'isclose', isclose(numerical, gradients[i]));
    } else {
      const why = `costs ${2 * eps} apart differ by less than they are rounded`;
      for (const name of ['numerical', 'isclose']) check.skip(checked.caseName, checked.pathOf(name), why);
    }
  }
  check.compareData(golden.golden('params_after_gradient_check', [2]), W, values);
}

function replayRprop(fields: Fields, net: CountingNet, check: Check): FloatArray | null {
  const golden = fields.optional('rprop');
  if (!golden) return null;
  const rule = notebookRprop({
    delta: golden.number('delta0'),
    etaPlus: golden.number('eta_p'),
    etaMinus: golden.number('eta_n'),
  });
  const traced = fields.whole('iterations', 1);
  const W = replayTrace(fields, net, traced, rule, golden.array('first_sign', [2]), check, golden);
  check.compare(golden.golden('final_W', [2]), W, check.tolerances.linearRnn.values);
  return W;
}

/** Trains from `W0`; holds the iterations that the trace of `golden` lists against it. */
function replayTrace(
  fields: Fields,
  net: CountingNet,
  iterations: number,
  rule: ReturnType<typeof notebookRprop>,
  firstSign: ArrayLike<number>,
  check: Check,
  golden: Fields = fields,
): FloatArray {
  const { values } = check.tolerances.linearRnn;
  const at = golden.indexedRows('trace', traceColumns);
  const { engine } = net;
  const W = engine.floats(2);
  const grads = engine.floats(2);
  const memory = rule.initialMemory.map(() => engine.floats(2));
  const before = [W, ...memory].map(() => engine.floats(2));
  engine.write(W, fields.array('W0', [2]));
  for (const [i, block] of memory.entries()) block.fill(rule.initialMemory[i]);
  memory[1].set(firstSign);
  for (let i = 0; i < iterations; i++) {
    const gradients = net.gradients(W);
    engine.write(grads, gradients);
    engine.optim.update(rule, W, grads, memory, rule.numbers(i, 1), before);
    const row = at.get(i);
    if (!row) continue;
    check.compare(row.golden('W', [2]), W, values);
    check.compare(row.golden('delta', [2]), memory[0], values);
    check.compare(row.golden('sign', [2]), memory[1]);
    check.compare(row.golden('gradient', [2]), gradients, values);
    at.delete(i);
  }
  const [beyond] = at.keys();
  if (beyond !== undefined) throw golden.error('trace', `has iteration ${beyond}, of ${iterations}`);
  return W;
}

function replayTest(golden: Fields | null, W: FloatArray | null, check: Check): void {
  if (!golden || !W) return;
  const net = new CountingNet(check, golden.array('input'), [0]);
  check.compare(golden.golden('output'), net.forward(W)[0], check.tolerances.linearRnn.values);
}
