import * as hostLinear from '../layers/linear.ts';
import * as hostSigmoidCrossEntropy from '../layers/sigmoidCrossEntropy.ts';
import * as hostSoftmaxCrossEntropy from '../layers/softmaxCrossEntropy.ts';
import * as hostSquaredError from '../layers/squaredError.ts';
import * as hostClipping from '../optim/clip.ts';
import * as tensor from '../tensor/index.ts';
import type { FloatArray } from '../tensor/shape.ts';
import * as add from './add.ts';
import type { FloatBuffer, IntBuffer } from './buffers.ts';
import * as clip from './clip.ts';
import * as exp from './exp.ts';
import * as gather from './gather.ts';
import * as linear from './linear.ts';
import * as logSoftmax from './logSoftmax.ts';
import * as matmuls from './matmul.ts';
import { type MatmulLayout, type MatmulPlan, matmul } from './matmulKernels.ts';
import * as matvec from './matvec.ts';
import * as max from './max.ts';
import * as multiply from './multiply.ts';
import * as relu from './relu.ts';
import * as scale from './scale.ts';
import * as sigmoid from './sigmoid.ts';
import * as sigmoidCrossEntropy from './sigmoidCrossEntropy.ts';
import * as softmax from './softmax.ts';
import * as softmaxCrossEntropy from './softmaxCrossEntropy.ts';
import * as squaredError from './squaredError.ts';
import * as sum from './sum.ts';
import * as tanh from './tanh.ts';

/** The functions whose results stand in buffers on the device, where on the host they are returned; and all ways of a product. */
interface OwnFunctions<F> {
  sumOfSquares(y: F, x: F): void;
  clipByNorm(norm: F, grads: F, maxNorm: number): void;
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

type OnHost = typeof tensor &
  typeof hostLinear &
  typeof hostSigmoidCrossEntropy &
  typeof hostSoftmaxCrossEntropy &
  typeof hostSquaredError &
  typeof hostClipping;

type OnDevice = typeof add &
  typeof clip &
  typeof exp &
  typeof gather &
  typeof linear &
  typeof logSoftmax &
  typeof matmuls &
  typeof matvec &
  typeof max &
  typeof multiply &
  typeof relu &
  typeof scale &
  typeof sigmoid &
  typeof sigmoidCrossEntropy &
  typeof softmax &
  typeof softmaxCrossEntropy &
  typeof squaredError &
  typeof sum &
  typeof tanh;

type On<A, F, I> = A extends FloatArray ? F : A extends Int32Array ? I : A;
type Twin<Fn, F, I> = Fn extends (...args: infer A) => unknown
  ? (...args: { [K in keyof A]: On<A[K], F, I> }) => unknown
  : never;

/** Functions of `tensor/` and `layers/` that have a kernel, and take the same arguments wherever they run. */
export type Functions<F, I> = OwnFunctions<F> & {
  readonly [K in Exclude<keyof OnHost & keyof OnDevice, keyof OwnFunctions<F>>]: Twin<OnHost[K], F, I>;
};

/** The kernels. */
export const onDevice: Functions<FloatBuffer, IntBuffer> = {
  ...add,
  ...clip,
  ...exp,
  ...gather,
  ...linear,
  ...logSoftmax,
  ...matmuls,
  ...matvec,
  ...max,
  ...multiply,
  ...relu,
  ...scale,
  ...sigmoid,
  ...sigmoidCrossEntropy,
  ...softmax,
  ...softmaxCrossEntropy,
  ...squaredError,
  ...sum,
  ...tanh,
  matmul(layout, plan, c, a, b, bias, batch, m, k, n, accumulate) {
    matmul('matmul', layout, c, a, b, m, k, n, { bias, batch, accumulate, ...(plan && { plan }) });
  },
};

/** The truth. */
export const onHost: Functions<FloatArray, Int32Array> = {
  ...tensor,
  ...hostLinear,
  ...hostSigmoidCrossEntropy,
  ...hostSoftmaxCrossEntropy,
  ...hostSquaredError,
  ...hostClipping,
  sumOfSquares(y, x) {
    y[0] = tensor.sumOfSquares(x);
  },
  clipByNorm(norm, grads, maxNorm) {
    norm[0] = hostClipping.clipByNorm(grads, maxNorm);
  },
  matmul(layout, _, c, a, b, bias, batch, m, k, n, accumulate) {
    const one = { NN: tensor.matmulNN, NT: tensor.matmulNT, TN: tensor.matmulTN }[layout];
    for (let p = 0; p < batch; p++) {
      const part = (x: FloatArray, size: number): FloatArray => x.subarray(p * size, (p + 1) * size);
      one(part(c, m * n), part(a, m * k), part(b, k * n), m, k, n, accumulate);
      if (bias) tensor.addRow(part(c, m * n), part(c, m * n), bias, m, n);
    }
  },
};
