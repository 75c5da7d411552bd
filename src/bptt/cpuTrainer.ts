import { describe } from '../check/describe.ts';
import type { Dtype } from '../tensor/shape.ts';
import { cpuEngines } from './cpuEngines.ts';
import { allocationPlan } from './cpuSession.ts';
import type { CpuEngineName, CreateTrainerOptions, WasmCode } from './createTrainer.ts';
import { type ModelSpec, type ResolvedSpec, resolveSpec } from './spec.ts';
import { CpuTrainer } from './trainer.ts';

/**
 * A trainer on one of the engines of the CPU, or on several threads of one. Its weights are zero.
 *
 * @throws {RangeError | TypeError} as `createTrainer`.
 */
export async function cpuTrainer(
  engine: CpuEngineName,
  dtype: Dtype,
  spec: ModelSpec | ResolvedSpec,
  options: CreateTrainerOptions,
  loadWasm: () => Promise<WasmCode>,
): Promise<CpuTrainer> {
  const fn = 'createTrainer';
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > options.batch) {
    throw new RangeError(`${fn}: threads is ${describe(threads)}, expected 1 … batch = ${options.batch}`);
  }
  const full = resolveSpec(spec);
  const lengths = (count: number) => allocationPlan(full, options, count);
  const { engines, description } = await cpuEngines(fn, { ...options, engine, dtype }, full, lengths, loadWasm);
  return new CpuTrainer(engines, spec, options, description);
}
