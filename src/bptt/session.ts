import type { StepNumbers } from '../optim/optimizer.ts';
import type { RandomState } from '../tensor/random.ts';
import type { Dtype, FloatArray } from '../tensor/shape.ts';
import type { CheckedBatch } from './batch.ts';
import type { UpdatePartition } from './parameterGroups.ts';
import type { ParameterLayout, ResolvedSpec } from './spec.ts';

/**
 * What a step does: learn, compute the loss, or only the outputs. `accumulate` adds its gradient to that of the next step
 * that learns; engines `ts` and `wasm` only.
 */
export type Mode = 'train' | 'accumulate' | 'evaluate' | 'predict';

/** What a step computed. */
export interface StepResult {
  /** L2 included where the step learns; NaN where it only predicts. */
  readonly loss: number;
  /** Where it met a NaN or infinity first; it then has changed nothing. */
  readonly failed: 'the loss' | 'the gradient' | 'the update' | null;
  /** [R,V], where the step only predicts. */
  readonly outputs?: FloatArray;
}

/** Host copy of the trainer state that an engine holds. */
export interface Snapshot {
  /** [P] */
  readonly parameters: FloatArray;
  /** [P] each: the optimizer's memory. */
  readonly memory: readonly FloatArray[];
  /** [B,H] each: the carried states, in the order of {@link Session.states}. */
  readonly states: readonly FloatArray[];
}

/** What a failed step computed. */
export interface FailedStep {
  /** [P] each; of an update that failed the parameters and the optimizer's memory as it would have left them. */
  readonly parameters: FloatArray;
  readonly gradients: FloatArray;
  readonly memory: readonly FloatArray[];
  /** The steps of the window. */
  readonly steps: number;
  /** State number `index` after `t` steps of the window. */
  stateAfter(t: number, index: number): FloatArray;
}

/**
 * A model in training on an engine: its buffers there, and its steps. It knows numbers, and nothing of schedules, names or
 * what a batch may look like: that is {@link Trainer}'s, once for all engines.
 *
 * @typeParam S a step ready to run
 */
export interface Session<S = unknown> {
  readonly spec: ResolvedSpec;
  readonly dtype: Dtype;
  readonly layout: readonly ParameterLayout[];
  /** Which rule moves which parameters. */
  readonly partition: UpdatePartition;
  /** The names of the carried states. */
  readonly states: readonly string[];
  /** The engine's name, and in words why it was chosen and what it runs on. */
  readonly engine: string;
  readonly description: string;
  /** Whether {@link run} returns when the steps are done; a step may then refer to the arrays that it was staged from. */
  readonly synchronous: boolean;
  /**
   * Makes a step ready to run.
   *
   * @param rng draws the dropout masks of a step that learns
   * @param numbers those of each rule of the {@link partition}, of a step that learns
   */
  stage(batch: CheckedBatch, mode: Mode, rng: RandomState, numbers: readonly StepNumbers[] | null): S;
  /** Runs steps in order; those after a failed one do nothing. */
  run(staged: readonly S[]): readonly StepResult[] | Promise<readonly StepResult[]>;
  /** The numbers of a failed step; it may be run again for that, and fails again. */
  failedStep(staged: S): FailedStep | Promise<FailedStep>;
  snapshot(): Snapshot | Promise<Snapshot>;
  restore(snapshot: Snapshot): void;
  /** Keeps the carried states; puts them back, and forgets gradients accumulated since. */
  saveStates(): void;
  restoreStates(): void;
  /** Frees what the session holds. */
  dispose(): void;
}
