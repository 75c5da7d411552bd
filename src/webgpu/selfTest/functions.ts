import { type ParameterGroup, partitionUpdate, stepNumbersOf } from '../../bptt/parameterGroups.ts';
import type { ParameterLayout } from '../../bptt/spec.ts';
import * as hostLayers from '../../layers/index.ts';
import * as hostOptim from '../../optim/index.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import { expOf } from '../../tensor/exp.ts';
import * as tensor from '../../tensor/index.ts';
import type { FloatArray } from '../../tensor/shape.ts';
import { DeviceBuffer, type FloatBuffer, type IntBuffer } from '../device/buffers.ts';
import * as kernels from '../index.ts';
import { drawSymbol } from '../kernels/drawSymbol.ts';
import { type ScatterWay, scatter, type TableLayout } from '../kernels/gather.ts';
import { type MatmulLayout, type MatmulPlan, matmul } from '../kernels/matmulKernels.ts';
import {
  applyUpdate,
  FAILED,
  partialsLength,
  RESULT_WORDS,
  reduceGradient,
  rolesOf,
  stepNumbersLength,
  type UpdatePlan,
  updateRule,
} from '../training/update.ts';

/** How an update is to be done: by a rule, with the gradient clipped first and λ·Σw² of what decays. */
export interface UpdateHow {
  readonly optimizer: Optimizer;
  /** Parameters with options of their own. */
  readonly groups: readonly ParameterGroup[];
  readonly clip: UpdatePlan['clip'];
  readonly l2: number;
  /** The number of updates before. */
  readonly step: number;
  /** The parameters of the block, and which of them are not moved. */
  readonly layout: readonly ParameterLayout[];
  readonly frozen: readonly string[];
}

/** What an update works on. */
export interface UpdateTensors<F> {
  /** [P] each. */
  readonly theta: F;
  readonly grads: F;
  readonly memory: readonly F[];
  /** [R] */
  readonly losses: F;
  /** [2·RESULT_WORDS], of the step before and of this one. */
  readonly results: F;
  /** A state and where it is carried to. */
  readonly from: F;
  readonly carried: F;
}

/**
 * The functions whose results stand in buffers on the device, where on the host they are returned; those of which the
 * library has only the parts; and all ways of computing what can be computed in several.
 */
interface OwnFunctions<F, I> {
  sumOfSquares(y: F, x: F): void;
  clipByNorm(norm: F, grads: F, maxNorm: number): void;
  /** A symbol drawn from logits by how = [1/temperature or 0, a uniform number]. */
  drawSymbol(drawn: I, ids: I, z: F, how: F, V: number): void;
  scatter(layout: TableLayout, table: F, dy: F, ids: I, R: number, V: number, n: number, way: ScatterWay): void;
  /** What comes after a step's backward. */
  update(how: UpdateHow, tensors: UpdateTensors<F>): void;
  /** C (+)= a product + bias, for every pair of a batch. */
  matmul(
    layout: MatmulLayout,
    plan: MatmulPlan | undefined,
    c: F,
    a: F,
    b: F,
    bias: F | null,
    batch: number,
    m: number,
    k: number,
    n: number,
    accumulate: boolean,
  ): void;
}

type OnHost = typeof tensor & typeof hostLayers & typeof hostOptim;
type OnDevice = typeof kernels;

type On<A, F, I> = A extends FloatArray ? F : A extends Int32Array ? I : A;
type Twin<Fn, F, I> = Fn extends (...args: infer A) => unknown
  ? (...args: { [K in keyof A]: On<A[K], F, I> }) => unknown
  : never;

/** Functions of `tensor/` and `layers/` that have a kernel, and take the same arguments wherever they run. */
export type Functions<F, I> = OwnFunctions<F, I> & {
  readonly [K in Exclude<keyof OnHost & keyof OnDevice, keyof OwnFunctions<F, I>>]: Twin<OnHost[K], F, I>;
};

/** The kernels. */
export const onDevice: Functions<FloatBuffer, IntBuffer> = {
  ...kernels,
  matmul(layout, plan, c, a, b, bias, batch, m, k, n, accumulate) {
    matmul('matmul', layout, c, a, b, m, k, n, { bias, batch, accumulate, ...(plan && { plan }) });
  },
  ...{ drawSymbol, scatter },
  update(
    { optimizer, groups, clip, l2, step, layout, frozen },
    { theta, grads, memory, losses, results, from, carried },
  ) {
    const { device, length: P } = theta;
    const partition = partitionUpdate(layout, { optimizer, groups, frozen });
    const rules = partition.rules.map((rule) => updateRule(rule.optimizer));
    const numbers = device.scratch('numbers of a step', stepNumbersLength(rules));
    numbers.write([0, ...stepNumbersOf(partition, step).flatMap((own) => Object.values(own))]);
    const values = rolesOf(layout, l2, partition);
    const { storage } = device.scratch('roles of parameters', P);
    const roles = values && new DeviceBuffer(device, 'uint32', storage, 0, P);
    if (values) roles?.write(values);
    const faults = device.scratch('faults of updates', 2);
    faults.write([0, 0]);
    const plan = { rules, clip, l2 };
    const buffers = {
      ...{ parameters: theta, gradients: grads, memory, roles, results, numbers },
      faults: new DeviceBuffer(device, 'uint32', faults.storage, 0, 2),
      before: [theta, ...memory].map((_, b) => device.scratch(`block ${b} before an update`, P)),
      partials: device.scratch('what was seen of a gradient', partialsLength(P)),
    };
    reduceGradient(plan, buffers, losses);
    const saved = device.scratch('a state before an update', carried.length);
    applyUpdate(plan, buffers, [{ to: carried, from, saved }]);
  },
};

/** The truth. */
export const onHost: Functions<FloatArray, Int32Array> = {
  ...tensor,
  ...hostLayers,
  ...hostOptim,
  sumOfSquares(y, x) {
    y[0] = tensor.sumOfSquares(x);
  },
  clipByNorm(norm, grads, maxNorm) {
    norm[0] = hostOptim.clipByNorm(grads, maxNorm);
  },
  matmul(layout, _, c, a, b, bias, batch, m, k, n, accumulate) {
    const one = { NN: tensor.matmulNN, NT: tensor.matmulNT, TN: tensor.matmulTN }[layout];
    for (let p = 0; p < batch; p++) {
      const part = (x: FloatArray, size: number): FloatArray => x.subarray(p * size, (p + 1) * size);
      one(part(c, m * n), part(a, m * k), part(b, k * n), m, k, n, accumulate);
      if (bias) tensor.addRow(part(c, m * n), part(c, m * n), bias, m, n);
    }
  },
  drawSymbol(drawn, ids, z, how) {
    let best = 0;
    let isBad = false;
    for (const [v, value] of z.entries()) {
      if (!(value < Number.POSITIVE_INFINITY)) isBad = true;
      if (value > z[best]) best = v;
    }
    let symbol = best;
    if (how[0] > 0 && !isBad) {
      const weights = Array.from(z, (value) => expOf((value - z[best]) * how[0]));
      let left = how[1] * weights.reduce((a, b) => a + b);
      for (symbol = 0; left >= weights[symbol]; symbol++) left -= weights[symbol];
    }
    drawn[0] = isBad || z[best] === Number.NEGATIVE_INFINITY ? -1 : symbol;
    ids[0] = symbol;
  },
  scatter(layout, table, dy, ids, R, V, n) {
    const one = layout === 'rows' ? tensor.gatherRowsBackward : tensor.gatherColumnsBackward;
    one(table, dy, ids, R, V, n);
  },
  update(
    { optimizer, groups, clip, l2, step, layout, frozen },
    { theta, grads, memory, losses, results, from, carried },
  ) {
    let squares = 0;
    for (const { name, offset, length, decays } of layout) {
      const [w, dw] = [theta, grads].map((block) => block.subarray(offset, offset + length));
      if (l2 > 0 && decays) {
        squares += tensor.sumOfSquares(w);
        hostOptim.l2Backward(dw, w, l2);
      }
      if (frozen.includes(name)) dw.fill(0);
    }
    let loss = 0;
    for (const one of losses) loss += one;
    const failed = !Number.isFinite(loss + squares) ? FAILED.loss : grads.every(Number.isFinite) ? 0 : FAILED.gradient;
    results.set([loss, squares, failed, failed], RESULT_WORDS);
    if (failed) return;
    const clipped = grads.slice();
    if (clip.kind === 'value') hostOptim.clipByValue(clipped, clip.limit);
    if (clip.kind === 'norm') hostOptim.clipByNorm(clipped, clip.limit);
    const { rules, segments } = partitionUpdate(layout, { optimizer, groups, frozen });
    const numbers = stepNumbersOf({ rules }, step);
    for (const { from: first, to, rule } of segments) {
      const own = rules[rule].optimizer;
      const part = (block: FloatArray): FloatArray => block.subarray(first, to);
      const blocks = memory.slice(0, own.initialMemory.length).map(part);
      own.update(part(theta), part(clipped), blocks, numbers[rule]);
    }
    carried.set(from);
  },
};
