import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import { makeMemory } from '../../src/optim/optimizer.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { from } from '../tensor/support.ts';

export { dtypes, from } from '../tensor/support.ts';

interface TorchStep {
  loss_before: number;
  grad_W: number[][];
  grad_b: number[];
  W: number[][];
  b: number[];
}

/** One optimizer of `torch_optim.json`. */
export interface TorchCase {
  name: string;
  options_given: Record<string, number | boolean | number[]>;
  all_options: Record<string, number | boolean | number[]>;
  steps: TorchStep[];
}

interface TorchOptim {
  X: number[][];
  Y: number[][];
  W0: number[][];
  b0: number[];
  cases: TorchCase[];
  clipping: {
    fn: string;
    max_norm?: number;
    clip_value?: number;
    norm_type?: number | 'inf';
    total_norm?: number;
    grads: [number[][], number[]];
    clipped: [number[][], number[]];
  }[];
}

export const torch: TorchOptim = JSON.parse(
  readFileSync(new URL('../goldens/torch_optim.json', import.meta.url), 'utf8'),
);

export function torchCase(name: string): TorchCase {
  const found = torch.cases.find((one) => one.name === name);
  if (!found) throw new Error(`torch_optim.json has no case ${name}`);
  return found;
}

/** loss = mean((tanh(X·W + b) − Y)²) and its gradient, for θ = [W, b]: what PyTorch trained. */
function problem(theta: Float64Array): { loss: number; gradient: Float64Array } {
  const { X, Y } = torch;
  const [D, V] = [X[0].length, Y[0].length];
  const gradient = new Float64Array(theta.length);
  let loss = 0;
  for (const [r, x] of X.entries()) {
    for (let k = 0; k < V; k++) {
      const o = Math.tanh(x.reduce((sum, value, j) => sum + value * theta[j * V + k], 0) + theta[D * V + k]);
      const error = o - Y[r][k];
      loss += error ** 2 / (X.length * V);
      const dz = (2 * error * (1 - o * o)) / (X.length * V);
      for (let j = 0; j < D; j++) gradient[j * V + k] += x[j] * dz;
      gradient[D * V + k] += dz;
    }
  }
  return { loss, gradient };
}

/** Follows PyTorch over all its steps; every loss, gradient and parameter is compared. Returns how many numbers. */
export function expectFollowsTorch(name: string, optimizer: Optimizer, tolerance: number): number {
  const { steps } = torchCase(name);
  const params = Float64Array.from([...torch.W0.flat(), ...torch.b0]);
  const memory = makeMemory(optimizer, params);
  let compared = 0;
  const close = (got: ArrayLike<number>, want: number[]) => {
    expect(got.length).toBe(want.length);
    const largest = Math.max(...want.map(Math.abs));
    for (const [i, w] of want.entries()) {
      expect(Math.abs(got[i] - w)).toBeLessThanOrEqual(tolerance * largest);
      compared++;
    }
  };
  for (const [step, want] of steps.entries()) {
    const { loss, gradient } = problem(params);
    const before = gradient.slice();
    close([loss], [want.loss_before]);
    close(gradient, [...want.grad_W.flat(), ...want.grad_b]);
    optimizer.update(params, gradient, memory, optimizer.numbers(step, optimizer.lr as number));
    expect(gradient, 'gradients are left as they are').toStrictEqual(before);
    close(params, [...want.W.flat(), ...want.b]);
  }
  return compared;
}

/** A step in float32 is the step in float64 from the same numbers, rounded: a dozen operations, one after another. */
export function expectSameInFloat32(optimizer: Optimizer, steps = 20, tolerance = 2e-5): void {
  const rng = new RandomState(3);
  const wide = from('float64', Float32Array.from(rng.randn(50)));
  const narrow = from('float32', wide);
  const memory = [makeMemory(optimizer, wide), makeMemory(optimizer, narrow)];
  let moved = 0;
  for (let step = 0; step < steps; step++) {
    const gradient = Float32Array.from(rng.randn(50));
    const lr = optimizer.lr as number;
    optimizer.update(wide, from('float64', gradient), memory[0], optimizer.numbers(step, lr));
    optimizer.update(narrow, gradient, memory[1], optimizer.numbers(step, lr));
    for (let i = 0; i < 50; i++) {
      expect(Math.abs(narrow[i] - wide[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(wide[i])));
      moved++;
    }
  }
  expect(moved).toBe(50 * steps);
  for (const block of memory[1]) expect(block).toBeInstanceOf(Float32Array);
}

/** Lengths and dtypes that do not fit are refused, and nothing moves. */
export function expectRefusesMisfits(optimizer: Optimizer, fn: string, hasMemory: boolean): void {
  const params = Float64Array.of(1, 2, 3);
  const memory = makeMemory(optimizer, params);
  const update = (grads: Float64Array | Float32Array, own = memory) =>
    optimizer.update(params, grads, own, optimizer.numbers(0, 0.1));
  expect(() => update(new Float64Array(2))).toThrow(RangeError(`${fn}: grads has 2 elements, expected [P] = [3]`));
  expect(() => update(new Float32Array(3))).toThrow(
    TypeError(`${fn}: grads is Float32Array, expected Float64Array like the output`),
  );
  if (hasMemory) {
    const short = memory.map(() => new Float64Array(2));
    const message = `${fn}: memory[0] has 2 elements, expected [P] = [3]`;
    expect(() => update(new Float64Array(3), short)).toThrow(RangeError(message));
    const [first, ...others] = memory.map((block) => block.slice());
    expect(() => update(new Float64Array(3), others)).toThrow(
      RangeError(`${fn}: memory has ${others.length} blocks, expected ${memory.length}`),
    );
    expect(first).toStrictEqual(memory[0]);
  }
  expect(Array.from(params)).toEqual([1, 2, 3]);
}

/** Each option spoilt in turn is refused by name. */
export function expectRefusesOptions<O extends object>(
  make: (options: O) => unknown,
  base: O,
  bad: [option: string, value: number][],
): void {
  for (const [option, value] of bad) {
    const spoilt = { ...base, [option]: value };
    const range = new RegExp(`^${make.name}: ${option} is ${value}, expected [-\\d.e]+ ≤ ${option} < `);
    expect(() => make(spoilt), `${option} ${value}`).toThrow(RangeError);
    expect(() => make(spoilt), `${option} ${value}`).toThrow(range);
  }
}
