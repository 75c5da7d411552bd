import { assertFinite } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertOneOf } from '../check/values.ts';
import { type Dtype, dtypeOf, zeros } from '../tensor/shape.ts';
import type { FileAddress } from '../wasm/threads.ts';
import type { WebgpuPredictorOptions } from '../webgpu/training/predictor.ts';
import { type CpuEngineOptions, cpuEngines } from './cpuEngines.ts';
import { CPU_ENGINE_NAMES, ENGINE_NAMES, type EngineCode, type EngineName } from './createTrainer.ts';
import { tsEngine, type WeightsFormat } from './engine.ts';
import { InferenceModel, type MakeEngine } from './inferenceModel.ts';
import { assertOptions } from './options.ts';
import { CpuPredictor, type MakeEngines, MOST_SEQUENCES } from './predictor.ts';
import { assertWeightsFormat, roundedWeights } from './roundedWeights.ts';
import { type ModelSpec, type NamedTensors, parameterLayout, type ResolvedSpec, resolveSpec } from './spec.ts';
import { assertEach } from './stepper.ts';

/** Options of {@link createModel}. */
export interface CreateModelOptions {
  /**
   * Who computes. Default `auto`: `wasm` for float32 where the host has WebAssembly SIMD, else `ts`. `webgpu` computes whole
   * batches on a GPU, or a program that takes its place; its sessions read on the CPU, as those of `auto`: a step is too
   * little work for a device. {@link InferenceModel.description} says which, and why.
   */
  engine?: EngineName;
  /** Default: that of the parameters. */
  dtype?: Dtype;
  /**
   * Engine `wasm`: how many threads share the sequences of a batch, 1 … 64. Sessions read on one. Default 1. Where there can
   * be no threads one does it all, and {@link InferenceModel.description} says why.
   */
  threads?: number;
  /** Engine `wasm` with threads: where its file is, as of `createTrainer`. */
  threadWorker?: FileAddress;
  /** Engine `wasm`: products by fused multiply-add where the host has it, as of `createTrainer`. Default false. */
  fma?: boolean;
  /**
   * How the weight matrices are kept. `bf16` rounds them to bfloat16, to the nearest, halves to even; biases and states stay
   * float32. Engine `wasm` keeps them so, in half of the memory, and steps of a large net are faster for it; engine `ts` keeps
   * the rounded ones as float32, so that the results agree. With float32 only, and not with engine `webgpu`. Default `float32`.
   */
  weights?: WeightsFormat;
  /** Engine `webgpu`: on which device. */
  webgpu?: WebgpuPredictorOptions;
}

/** The names of these options. */
export const CREATE_MODEL_OPTIONS: Readonly<Record<keyof CreateModelOptions, true>> = {
  ...{ engine: true, dtype: true, threads: true, threadWorker: true, fma: true, weights: true, webgpu: true },
};

/** The code of the engines that predict, loaded or to be loaded. */
export interface ModelCode extends Pick<EngineCode, 'wasm'> {
  /** Null where there is none. */
  webgpu: (() => Promise<Pick<typeof import('../webgpu/training/predictor.ts'), 'webgpuPredictor'>>) | null;
}

/**
 * A model for inference alone, on the weights that {@link Trainer.parameters} or a file gave. They are copied.
 *
 * @throws {RangeError | TypeError} on an unknown option or engine, or where spec or parameters make no sense, or bf16 weights go
 *   with neither engine nor dtype, or naming a weight that they do not reach; {WebgpuError} where engine `webgpu` finds no device.
 */
export function createModel(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options: CreateModelOptions = {},
): Promise<InferenceModel> {
  const code = { wasm: () => import('../wasm/index.ts'), webgpu: () => import('../webgpu/training/predictor.ts') };
  return modelOn(code, spec, parameters, options);
}

/** {@link createModel} with the code of its engines. */
export async function modelOn(
  code: ModelCode,
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options: CreateModelOptions,
): Promise<InferenceModel> {
  const fn = 'createModel';
  assertOptions(fn, options, CREATE_MODEL_OPTIONS);
  const { engine = 'auto', threads = 1, weights = 'float32', webgpu } = options;
  if (webgpu !== undefined) assertOptions(`${fn}: webgpu`, webgpu, { device: true, deviceOptions: true });
  const names: readonly string[] = code.webgpu === null ? CPU_ENGINE_NAMES : ENGINE_NAMES;
  assertOneOf(fn, 'engine', engine, names);
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_SEQUENCES) {
    throw new RangeError(`${fn}: threads is ${describe(threads)}, expected 1 … ${MOST_SEQUENCES}`);
  }
  const [first] = Object.values(parameters ?? {});
  if (!(first instanceof Float32Array || first instanceof Float64Array)) {
    throw new TypeError(`${fn}: parameters is ${describe(parameters)}, expected the weights by name`);
  }
  const { dtype = dtypeOf(first) } = options;
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new RangeError(`${fn}: dtype is ${String(dtype)}, expected float32, float64`);
  }
  assertWeightsFormat(fn, weights, engine, dtype);
  const full = resolveSpec(spec);
  const given = copied(fn, full, parameters, dtype);
  const own = weights === 'bf16' ? roundedWeights(fn, parameterLayout(full), given) : given;
  if (engine !== 'webgpu') {
    const { predictor, make } = await cpuPredictor({ ...options, engine, dtype }, full, own, weights, code.wasm);
    return new InferenceModel(full, own, dtype, predictor, make);
  }
  if (dtype !== 'float32') throw new RangeError(`${fn}: engine webgpu computes in float32, dtype is ${dtype}`);
  if (threads !== 1) throw new RangeError(`${fn}: engine webgpu has no threads of its own, threads is ${threads}`);
  const { webgpuPredictor } = await code.webgpu!();
  const sessions = await cpuPredictor({ engine: 'auto', dtype }, full, own, weights, code.wasm);
  const predictor = await webgpuPredictor(full, own, webgpu, `sessions read on ${sessions.predictor.description}`);
  return new InferenceModel(full, own, dtype, predictor, sessions.make);
}

/** Copies of the parameters, in that dtype. */
function copied(fn: string, spec: ResolvedSpec, parameters: NamedTensors, dtype: Dtype): NamedTensors {
  const layout = parameterLayout(spec);
  assertEach(fn, layout, parameters);
  const own: NamedTensors = {};
  for (const { name } of layout) {
    const given = parameters[name];
    const values = zeros(dtype, given.length);
    values.set(given);
    assertFinite(fn, name, values, given);
    own[name] = values;
  }
  return own;
}

/** Who predicts on the CPU, and who makes the engines that sessions read with. */
async function cpuPredictor(
  options: CpuEngineOptions,
  spec: ResolvedSpec,
  parameters: NamedTensors,
  weights: WeightsFormat,
  loadWasm: ModelCode['wasm'],
): Promise<{ predictor: CpuPredictor; make: MakeEngine }> {
  const { dtype, fma = false, threadWorker } = options;
  // A model has no sizes yet: these engines only tell whether there are threads. Others are made for every size.
  const none = (count: number): number[][] => Array.from({ length: count }, () => []);
  const { engines, description } = await cpuEngines('createModel', options, spec, none, loadWasm);
  for (const engine of engines) engine.dispose();
  const predictorOf = (note: string, make: MakeEngines): CpuPredictor =>
    new CpuPredictor(spec, parameters, `${description}${weights === 'bf16' ? note : ''}`, engines.length, make);
  if (engines[0].name === 'ts') {
    const make = (): ReturnType<typeof tsEngine> => tsEngine(dtype);
    return { predictor: predictorOf(', weights rounded to bf16, kept as float32', () => [make()]), make };
  }
  const { panelLengths, wasmEngine, wasmEngines } = await loadWasm();
  const panels = panelLengths(spec, weights);
  const kinds = { fma, fixedWeights: weights };
  const make: MakeEngine = (plan, packs) =>
    wasmEngine({ lengths: [...plan(weights), ...(packs ? panels : [])], ...kinds });
  const predictor = predictorOf(', weights as bf16', (plan) => {
    const lists = plan(weights).map((own) => [...own, ...panels]);
    if (lists.length === 1) return [wasmEngine({ lengths: lists[0], ...kinds })];
    return wasmEngines(lists, { ...kinds, ...(threadWorker !== undefined && { threadWorker }) });
  });
  return { predictor, make };
}
