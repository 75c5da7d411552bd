import {
  type Loss,
  type LossWgsl,
  type LossWindow,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from '../../layers/loss.ts';
import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { dispatchElementwise, elementwise } from '../device/elementwise.ts';
import { memoize } from '../device/memoize.ts';
import type { KernelSource } from '../device/pipelines.ts';
import { SIGMOID_WGSL } from '../kernels/sigmoid.ts';
import { LOG1P_WGSL } from '../kernels/sigmoidCrossEntropy.ts';

const eachOutput = (statements: string): string => `for (var j = 0u; j < args.V; j++) { ${statements} }`;
/** WGSL: the row's loss, w·`sum`; a weight of 0 stands for 0 whatever the sum is. */
const SET_LOSS = 'set_loss(i, select(weight(i) * sum, 0.0, weight(i) == 0.0));';

/** The bundled losses: the formulas of `layers/`. */
const BUNDLED: ReadonlyMap<Loss, LossWgsl> = new Map([
  [
    softmaxCrossEntropy,
    {
      forward: `var m = z(start);
  ${eachOutput('m = max(m, z(start + j));')}
  var total = 0.0;
  ${eachOutput('let e = exp(z(start + j) - m); total += e; set_o(start + j, e);')}
  let sum = log(total) - (z(start + u32(target_id(i))) - m);
  ${SET_LOSS}
  ${eachOutput('set_o(start + j, o(start + j) / total);')}`,
      backward: `let goal = u32(target_id(i));
  ${eachOutput('set_dz(start + j, weight(i) * (o(start + j) - select(0.0, 1.0, j == goal)));')}`,
    },
  ],
  [
    sigmoidCrossEntropy,
    {
      forward: `var sum = 0.0;
  ${eachOutput(`let x = z(start + j);
    sum += max(x, 0.0) - x * target_value(start + j) + log1p_of(exp(-abs(x)));
    set_o(start + j, sigmoid_of(x));`)}
  ${SET_LOSS}`,
      backward: eachOutput('set_dz(start + j, weight(i) * (o(start + j) - target_value(start + j)));'),
      functions: SIGMOID_WGSL + LOG1P_WGSL,
    },
  ],
  [squaredError, squaredErrorWgsl('z(start + j)', '')],
  [squaredErrorOfSigmoid, squaredErrorWgsl('sigmoid_of(z(start + j))', ' * y * (1.0 - y)')],
]);

/** Of outputs y = f(z), with the factor f′ told by y. */
function squaredErrorWgsl(f: string, slope: string): LossWgsl {
  return {
    forward: `var sum = 0.0;
  ${eachOutput(`let y = ${f}; let e = y - target_value(start + j); sum += e * e; set_o(start + j, y);`)}
  ${SET_LOSS}`,
    backward: eachOutput(`let y = o(start + j);
    set_dz(start + j, 2.0 * weight(i) * (y - target_value(start + j))${slope});`),
    functions: SIGMOID_WGSL,
  };
}

/** @throws {RangeError} unless engine webgpu can compute the loss. */
export function lossWgslOf(loss: Loss): LossWgsl {
  const wgsl = BUNDLED.get(loss) ?? loss.wgsl;
  if (!wgsl) throw new RangeError(`spec.loss ${loss.name} has no wgsl, which engine webgpu needs`);
  if (loss.per !== 'row') {
    throw new RangeError(`spec.loss ${loss.name} is per ${loss.per}, engine webgpu needs a loss per row`);
  }
  return wgsl;
}

type Part = 'outputs' | 'forward' | 'backward' | 'forwardBackward';

/** An invocation for each row. */
const lossKernels: (loss: Loss) => (part: Part) => KernelSource = memoize(
  (loss) => loss,
  (loss) => memoize((part) => part, (part) => writeKernel(loss, part)),
);

/** Without targets and weights: the forward statements with any, whose loss nobody keeps. */
const NO_TARGETS_WGSL = `
fn target_id(i: u32) -> i32 { return 0; }
fn target_value(at: u32) -> f32 { return 0.0; }
fn weight(i: u32) -> f32 { return 1.0; }
fn set_loss(i: u32, value: f32) {}`;

function writeKernel(loss: Loss, part: Part): KernelSource {
  const { forward, backward, functions = '' } = lossWgslOf(loss);
  const target = loss.targets === 'classes' ? { target_id: 'i32' as const } : { target_value: 'f32' as const };
  const goesForward = part !== 'backward';
  const goesBack = part === 'backward' || part === 'forwardBackward';
  const write = (name: string, statements: string): string => `
fn ${name}(i: u32) {
  let start = i * args.V;
  ${statements}
}`;
  return elementwise(
    `${loss.name} ${part}`,
    {
      ...(goesForward ? { o: 'f32' } : {}),
      ...(goesForward && part !== 'outputs' ? { loss: 'f32' } : {}),
      ...(goesBack ? { dz: 'f32' } : {}),
    },
    {
      z: 'f32',
      ...(part === 'outputs' ? {} : { weight: 'f32', ...target }),
      ...(part === 'backward' ? { o: 'f32' } : {}),
    },
    { V: 'u32' },
    `${goesForward ? 'loss_forward(i);' : ''} ${goesBack ? 'loss_backward(i);' : ''}`,
    functions +
      (part === 'outputs' ? NO_TARGETS_WGSL : '') +
      (goesForward ? write('loss_forward', forward) : '') +
      (goesBack ? write('loss_backward', backward) : ''),
  );
}

/** What logits mean as outputs, by the statements of the loss: one dispatch. */
export function lossOutputs(loss: Loss, outputs: FloatBuffer, logits: FloatBuffer, R: number, V: number): void {
  dispatchElementwise(lossKernels(loss)('outputs'), { o: outputs, z: logits }, R, { V });
}

/** A part of a loss over a window, in one dispatch. */
export function lossPart(loss: Loss, part: Exclude<Part, 'outputs'>, w: LossWindow<FloatBuffer, IntBuffer>): void {
  const target = loss.targets === 'classes' ? { target_id: w.targetIds } : { target_value: w.targetValues };
  const tensors = { o: w.outputs, loss: w.losses, dz: w.dlogits, z: w.logits, weight: w.weights, ...target };
  dispatchElementwise(lossKernels(loss)(part), tensors, w.R, { V: w.V });
}
