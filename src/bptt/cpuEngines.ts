import { assertFlag } from '../check/values.ts';
import type { Dtype } from '../tensor/shape.ts';
import type { CpuEngineName, CreateTrainerOptions, WasmCode } from './createTrainer.ts';
import { type CpuEngine, tsEngine } from './engine.ts';
import type { ResolvedSpec } from './spec.ts';

/** What is asked of the CPU. */
export interface CpuEngineOptions extends Pick<CreateTrainerOptions, 'threads' | 'threadWorker' | 'fma'> {
  readonly engine: CpuEngineName;
  readonly dtype: Dtype;
}

/** The engine that was chosen: one for each thread. */
export interface ChosenEngines {
  readonly engines: readonly CpuEngine[];
  /** In words: which, and why. */
  readonly description: string;
}

/**
 * One of the engines of the CPU, or several threads of one: where they are chosen.
 *
 * @param fn who asks, for messages
 * @param lengths the buffers that each of so many engines will be asked for, packed weights apart
 * @throws {RangeError} where the engine cannot do what is asked of it.
 */
export async function cpuEngines(
  fn: string,
  options: CpuEngineOptions,
  spec: ResolvedSpec,
  lengths: (count: number) => readonly (readonly number[])[],
  loadWasm: () => Promise<WasmCode>,
): Promise<ChosenEngines> {
  const { fma = false } = options;
  assertFlag(fn, 'fma', fma);
  const { engines, description } = await chosenEngines(fn, options, spec, lengths, loadWasm);
  const without = fma && engines[0].name !== 'wasm+fma';
  const note = `, no fused multiply-add on ${engines[0].name === 'ts' ? 'engine ts' : 'this host'}`;
  return { engines, description: `${description}${without ? note : ''}` };
}

async function chosenEngines(
  fn: string,
  options: CpuEngineOptions,
  spec: ResolvedSpec,
  lengths: (count: number) => readonly (readonly number[])[],
  loadWasm: () => Promise<WasmCode>,
): Promise<ChosenEngines> {
  const { engine, dtype, threads = 1 } = options;
  if (engine === 'wasm' && dtype !== 'float32') {
    throw new RangeError(`${fn}: engine wasm computes in float32, dtype is ${dtype}`);
  }
  const plain = (why: string): ChosenEngines => ({ engines: [tsEngine(dtype)], description: `ts: ${why}` });
  if (engine === 'ts') {
    if (threads > 1) throw new RangeError(`${fn}: engine ts has one thread, threads is ${threads}`);
    return plain('asked for');
  }
  if (dtype !== 'float32') return plain('the only one that computes in float64');
  const wasm = await loadWasm();
  if (engine === 'auto' && !wasm.hasWasmSimd()) return plain('this host has no WebAssembly SIMD, or forbids it');
  try {
    return await wasmEnginesFor(wasm, spec, options, lengths);
  } catch (error) {
    if (engine === 'wasm' || !(error instanceof RangeError)) throw error;
    return plain(error.message); // it needs more memory than WebAssembly has
  }
}

async function wasmEnginesFor(
  { panelLengths, ThreadStartError, wasmEngine, wasmEngines, whyNoThreads, whyOneThread }: WasmCode,
  spec: ResolvedSpec,
  { fma = false, threads = 1, threadWorker }: CpuEngineOptions,
  lengths: (count: number) => readonly (readonly number[])[],
): Promise<ChosenEngines> {
  const panels = panelLengths(spec);
  const withPanels = (count: number): number[][] => lengths(count).map((own) => [...own, ...panels]);
  const chosen = (engines: readonly CpuEngine[], note: string): ChosenEngines => {
    const simd = spec.cell.formula
      ? 'SIMD'
      : `SIMD products, cell ${spec.cell.name} in TypeScript, since it has no formula`;
    return { engines, description: `${engines[0].name}: ${simd}${note}` };
  };
  const one = (note: string): ChosenEngines => chosen([wasmEngine({ lengths: withPanels(1)[0], fma })], note);
  if (threads === 1) return one('');
  const instead = (why: string): ChosenEngines => one(`, 1 thread instead of ${threads}, since ${why}`);
  const why = whyNoThreads() ?? whyOneThread(spec);
  if (why !== null) return instead(why);
  try {
    const more = threadWorker === undefined ? {} : { threadWorker };
    return chosen(await wasmEngines(withPanels(threads), { fma, ...more }), `, ${threads} threads`);
  } catch (error) {
    if (error instanceof ThreadStartError) return instead(error.message);
    throw error;
  }
}
