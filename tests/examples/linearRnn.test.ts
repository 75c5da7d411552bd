import { afterAll, describe, expect, it } from 'vitest';
import {
  backward_gradient,
  cost,
  createDataset,
  errorSurface,
  forward_states,
  gradient_check,
  output_gradient,
  type RpropState,
  run,
  targets,
  update_rprop,
} from '../../examples/linearRnn.ts';
import { array, column, type Nested, tolist } from '../../src/tensor/numpy.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { readGolden } from './support.ts';

type TraceRow = [n: number, W: number[], delta: number[], sign: number[], gradient: number[]];

interface Case {
  name: string;
  seed: number;
  m: number;
  len: number;
  W0: [number, number];
  iterations: number;
  X: Nested;
  t: Nested;
  'at_1.2_1.2': {
    S: Nested;
    cost: number;
    grad_out: Nested;
    grads: number[];
    grad_over_time: Nested;
    'gradient_check_eps_1e-7': object[];
    params_after_gradient_check: number[];
  };
  rprop: { trace: TraceRow[]; final_W: number[] };
  test: { input: Nested; output: number };
}

const golden = readGolden<{
  cases: Case[];
  rprop_with_zero_gradient: { X: Nested; t: Nested; W0: number[]; trace: TraceRow[] };
}>('nb003_linear_rprop');

let exact = 0;
/** The same to the last bit. */
function expectSame(got: unknown, want: unknown): void {
  expect(got).toEqual(want);
  exact += [want].flat(Infinity).length;
}

function expectTrace(X: Nested, t: Nested, W0: readonly number[], trace: TraceRow[], iterations: number): number[] {
  const rows = new Map(trace.map((row) => [row[0], row]));
  const state: RpropState = { W: [...W0], W_delta: [0.001, 0.001], W_sign: [0, 0] };
  for (let n = 0; n < iterations; n++) {
    const gradient = update_rprop(array(X), array(t), state, 1.2, 0.5);
    for (let i = 0; i < 2; i++) state.W[i] -= state.W_sign[i] * state.W_delta[i];
    const row = rows.get(n);
    if (row === undefined) continue;
    expectSame([n, state.W, state.W_delta, state.W_sign, gradient], row);
  }
  return state.W;
}

describe('notebook 003, bit for bit', () => {
  it.each(golden.cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
    const X = createDataset(new RandomState(c.seed), c.m, c.len);
    const t = targets(X);
    expectSame(tolist(X), c.X);
    expectSame(tolist(t), c.t);

    const at = c['at_1.2_1.2'];
    const S = forward_states(X, 1.2, 1.2);
    const y_hat = column(S, -1);
    const grad_out = output_gradient(y_hat, t);
    const [grads, grad_over_time] = backward_gradient(X, S, grad_out, 1.2);
    expectSame(tolist(S), at.S);
    expectSame(cost(y_hat, t), at.cost);
    expectSame(tolist(grad_out), at.grad_out);
    expectSame(grads, at.grads);
    expectSame(tolist(grad_over_time), at.grad_over_time);
    const params: [number, number] = [1.2, 1.2];
    expectSame(gradient_check(X, t, params), at['gradient_check_eps_1e-7']);
    expectSame(params, at.params_after_gradient_check);

    const iterations = Math.min(c.iterations, 5000);
    const W = expectTrace(c.X, c.t, c.W0, c.rprop.trace, iterations);
    if (iterations === c.iterations) expectSame(W, c.rprop.final_W);
    const [wx, wRec] = c.rprop.final_W;
    expectSame(column(forward_states(array(c.test.input), wx, wRec), -1).get(0), c.test.output);
  });

  it('Rprop without a gradient', () => {
    const { X, t, W0, trace } = golden.rprop_with_zero_gradient;
    expectTrace(X, t, W0, trace, trace.length);
  });
});

it('the surface has its minimum at (1, 1)', () => {
  const X = createDataset(new RandomState(1), 5, 6);
  const surface = errorSurface(X, targets(X), [0.5, 1, 1.5], [0.5, 1]);
  expect(surface.length).toBe(6);
  expect(surface.indexOf(Math.min(...surface))).toBe(4);
});

it('shows the stale gradient, or with the switch the right one, and takes other data from a seed', () => {
  const print = (options: object): string[] => {
    const lines: string[] = [];
    run({ iterations: 1, print: (line) => lines.push(line), ...options });
    return lines;
  };
  expect(print({})).toContain('(-375.6854816395034, -2329.373310054043) (20, 11)');
  expect(print({ corrected: true })).toContain('(375.6854816395034, 2329.373310054043) (20, 11)');
  expect(print({ seed: 5 })[1]).not.toBe(print({})[1]);
  expect(print({ seed: 5 })).toContain('No gradient errors found');
});

afterAll(() => expect(exact).toBe(1993));
