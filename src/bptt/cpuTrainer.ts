import { describe } from '../check/describe.ts';
import type { Dtype } from '../tensor/shape.ts';
import { allocationPlan } from './cpuSession.ts';
import type { CpuEngineName, CreateTrainerOptions, WasmCode } from './createTrainer.ts';
import { type CpuEngine, tsEngine } from './engine.ts';
import { type ModelSpec, type ResolvedSpec, resolveSpec } from './spec.ts';
import { CpuTrainer } from './trainer.ts';

/**
 * A trainer on one of the engines of the CPU, or on several threads of one: where they are chosen. Its weights are zero.
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
  const { engines, description } = await enginesOf(engine, dtype, spec, options, loadWasm);
  return new CpuTrainer(engines, spec, options, description);
}

interface Chosen {
  engines: readonly CpuEngine[];
  /** In words. */
  description: string;
}

async function enginesOf(
  name: CpuEngineName,
  dtype: Dtype,
  spec: ModelSpec | ResolvedSpec,
  options: CreateTrainerOptions,
  loadWasm: () => Promise<WasmCode>,
): Promise<Chosen> {
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > options.batch) {
    throw new RangeError(`createTrainer: threads is ${describe(threads)}, expected 1 … batch = ${options.batch}`);
  }
  if (name === 'wasm' && dtype !== 'float32') {
    throw new RangeError(`createTrainer: engine wasm computes in float32, dtype is ${dtype}`);
  }
  const plain = (why: string): Chosen => ({ engines: [tsEngine(dtype)], description: `ts: ${why}` });
  if (name === 'ts') {
    if (threads > 1) throw new RangeError(`createTrainer: engine ts has one thread, threads is ${threads}`);
    return plain('asked for');
  }
  if (dtype !== 'float32') return plain('the only one that computes in float64');
  const wasm = await loadWasm();
  if (name === 'auto' && !wasm.hasWasmSimd()) return plain('this host has no WebAssembly SIMD, or forbids it');
  try {
    return await wasmEnginesFor(wasm, spec, options, threads);
  } catch (error) {
    if (name === 'wasm' || !(error instanceof RangeError)) throw error;
    return plain(error.message); // it needs more memory than WebAssembly has
  }
}

async function wasmEnginesFor(
  { panelLengths, ThreadStartError, wasmEngine, wasmEngines, whyNoThreads, whyOneThread }: WasmCode,
  spec: ModelSpec | ResolvedSpec,
  { fma = false, threadWorker, ...options }: CreateTrainerOptions,
  threads: number,
): Promise<Chosen> {
  const full = resolveSpec(spec);
  const panels = panelLengths(full);
  const lengths = (count: number): number[][] => allocationPlan(full, options, count).map((own) => [...own, ...panels]);
  const chosen = (engines: readonly CpuEngine[], note: string): Chosen => {
    const simd = full.cell.formula
      ? 'SIMD'
      : `SIMD products, cell ${full.cell.name} in TypeScript, since it has no formula`;
    return { engines, description: `${engines[0].name}: ${simd}${note}` };
  };
  const one = (note: string): Chosen => chosen([wasmEngine({ lengths: lengths(1)[0], fma })], note);
  if (threads === 1) return one('');
  const instead = (why: string): Chosen => one(`, 1 thread instead of ${threads}, since ${why}`);
  const why = whyNoThreads() ?? whyOneThread(full);
  if (why !== null) return instead(why);
  try {
    const more = threadWorker === undefined ? {} : { threadWorker };
    return chosen(await wasmEngines(lengths(threads), { fma, ...more }), `, ${threads} threads`);
  } catch (error) {
    if (error instanceof ThreadStartError) return instead(error.message);
    throw error;
  }
}
