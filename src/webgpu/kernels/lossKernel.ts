import type { Loss, LossWgsl } from '../../layers/loss.ts';
import { elementwise } from '../device/elementwise.ts';
import { memoize } from '../device/memoize.ts';
import type { KernelSource } from '../device/pipelines.ts';

/** The statements of a loss per row, with its name. */
export interface NamedLossWgsl extends LossWgsl, Pick<Loss, 'name' | 'targets'> {}

export type LossPart = 'outputs' | 'forward' | 'backward' | 'forwardBackward';

/** WGSL: statements for every output `j` of a row. */
export const eachOutput = (statements: string): string => `for (var j = 0u; j < args.V; j++) { ${statements} }`;

/** WGSL: the row's loss, w·`sum`; where the weight is 0 it is 0, even if the sum is NaN. */
export const SET_LOSS_WGSL = 'set_loss(i, select(weight(i) * sum, 0.0, weight(i) == 0.0));';

/** Without targets and weights: the forward statements with any, whose loss nobody keeps. */
const NO_TARGETS_WGSL = `
fn target_id(i: u32) -> i32 { return 0; }
fn target_value(at: u32) -> f32 { return 0.0; }
fn weight(i: u32) -> f32 { return 1.0; }
fn set_loss(i: u32, value: f32) {}`;

/**
 * The kernel of a part of a loss, an invocation for each row, over the buffers `z`, `weight`, `target_id` or
 * `target_value`, and `loss`, `o`, `dz`.
 */
export const lossKernel: (loss: NamedLossWgsl) => (part: LossPart) => KernelSource = memoize(
  (loss) => loss,
  (loss) =>
    memoize(
      (part) => part,
      (part) => writeKernel(loss, part),
    ),
);

function writeKernel(
  { name, targets, forward, backward, functions = '' }: NamedLossWgsl,
  part: LossPart,
): KernelSource {
  const target = targets === 'classes' ? { target_id: 'i32' as const } : { target_value: 'f32' as const };
  const goesForward = part !== 'backward';
  const goesBack = part === 'backward' || part === 'forwardBackward';
  const write = (fn: string, statements: string): string => `
fn ${fn}(i: u32) {
  let start = i * args.V;
  ${statements}
}`;
  return elementwise(
    `${name} ${part}`,
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
