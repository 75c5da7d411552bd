import { assertOneOf, assertStream } from '../check/values.ts';
import { RandomState } from '../tensor/random.ts';
import type { Dtype } from '../tensor/shape.ts';
import type { FileAddress } from '../wasm/threads.ts';
import type { WebgpuSampler, WebgpuSamplerOptions } from '../webgpu/training/sampler.ts';
import type { WebgpuTrainerOptions } from '../webgpu/training/trainer.ts';
import type { WeightsFormat } from './engine.ts';
import { initialise, SCHEMES, type Scheme } from './initialise.ts';
import { assertOptions, CREATE_TRAINER_OPTIONS, WEBGPU_OPTIONS } from './options.ts';
import { assertWeightsFormat, roundedWeights } from './roundedWeights.ts';
import { type AnySampler, Sampler } from './sample.ts';
import { type ModelSpec, type NamedTensors, parameterLayout, type ResolvedSpec, resolveSpec } from './spec.ts';
import { assertEach, stepperAllocationPlan, weightsDtype } from './stepper.ts';
import type { Trainer, TrainerOptions } from './trainer.ts';
import { assertTrainerOptions } from './trainerChecks.ts';

/** What belongs to engine `webgpu` alone. */
export type WebgpuOptions = Pick<WebgpuTrainerOptions, 'device' | 'deviceOptions' | 'snapshotEvery'>;

/** The engines that compute on the CPU; `auto` is the fastest of them that can do what is asked. */
export const CPU_ENGINE_NAMES: readonly ['auto', 'ts', 'wasm'] = ['auto', 'ts', 'wasm'];

export type CpuEngineName = (typeof CPU_ENGINE_NAMES)[number];

/** The engines that {@link createTrainer} knows. */
export const ENGINE_NAMES: readonly [...typeof CPU_ENGINE_NAMES, 'webgpu'] = [...CPU_ENGINE_NAMES, 'webgpu'];

/** One of {@link ENGINE_NAMES}. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** What {@link createTrainer} takes beside the spec. */
export interface CreateTrainerOptions extends TrainerOptions {
  /**
   * Who computes. Default `auto`: `wasm` for float32 where the host has WebAssembly SIMD, else `ts`. `webgpu` is a GPU,
   * or a program that takes its place: {@link Trainer.description} says which.
   */
  engine?: EngineName;
  /** Engine `webgpu`: on which device, and what happens when it is lost. */
  webgpu?: WebgpuOptions;
  /**
   * Engine `wasm`: how many threads share a batch's sequences, at most one each. Default 1. Where the host has no shared
   * memory one thread does it all, and {@link Trainer.description} says why. For a given number the bits are the same each time.
   */
  threads?: number;
  /**
   * Engine `wasm` with threads: where its file is, a copy of the package's `dist/wasm/threadWorker.js`. Vite and webpack
   * carry it along by themselves; esbuild and Rollup do not. A path of Node's, or a URL of the caller's own origin. Without it,
   * and where the file does not load, one thread does it all, and {@link Trainer.description} says why.
   */
  threadWorker?: FileAddress;
  /**
   * Engine `wasm`: products by fused multiply-add where the host has it. Faster, but then the bits depend on the host.
   * Default false.
   */
  fma?: boolean;
  /** Default `float32`. */
  dtype?: Dtype;
  /** How the weights begin. Default `orthogonal`. */
  init?: Scheme;
  /** Seeds the weights, and after them the dropout masks. Default 0. */
  seed?: number;
}

/**
 * A trainer with fresh weights on the engine of that name. Its code is loaded when it is asked for: that of the CPU's loops,
 * of WebAssembly, of WebGPU. Where a bundler cannot split its output, there is `bptt/static`.
 *
 * @throws {RangeError | TypeError} on an unknown engine, or where spec or options make no sense.
 */
export function createTrainer(spec: ModelSpec | ResolvedSpec, options: CreateTrainerOptions): Promise<Trainer> {
  return trainerOn(
    {
      cpu: () => import('./cpuTrainer.ts'),
      wasm: () => import('../wasm/index.ts'),
      webgpu: () => import('../webgpu/training/trainer.ts'),
    },
    spec,
    options,
  );
}

/** The code of the engines, loaded or to be loaded. */
export interface EngineCode {
  cpu(): Promise<Pick<typeof import('./cpuTrainer.ts'), 'cpuTrainer'>>;
  wasm(): Promise<WasmCode>;
  /** Null where there is none. */
  webgpu: (() => Promise<Pick<typeof import('../webgpu/training/trainer.ts'), 'webgpuTrainer'>>) | null;
}

/** What a trainer on engine `wasm` is made with. */
export type WasmCode = Pick<
  typeof import('../wasm/index.ts'),
  'hasWasmSimd' | 'panelLengths' | 'ThreadStartError' | 'wasmEngine' | 'wasmEngines' | 'whyNoThreads' | 'whyOneThread'
>;

/** {@link createTrainer} with the code of its engines. */
export async function trainerOn(
  code: EngineCode,
  spec: ModelSpec | ResolvedSpec,
  options: CreateTrainerOptions,
): Promise<Trainer> {
  assertOptions('createTrainer', options, CREATE_TRAINER_OPTIONS);
  if (options.webgpu !== undefined) assertOptions('createTrainer: webgpu', options.webgpu, WEBGPU_OPTIONS);
  const { dtype = 'float32', init = 'orthogonal', seed = 0 } = options;
  assertOneOf('createTrainer', 'dtype', dtype, ['float32', 'float64']);
  assertOneOf('createTrainer', 'init', init, SCHEMES);
  assertTrainerOptions(options);
  const rng = new RandomState(seed);
  const parameters = initialParameters(spec, dtype, init, rng);
  const own = { ...options, seed: rng.randint(2 ** 31) };
  const { engine = 'auto' } = options;
  assertOneOf('createTrainer', 'engine', engine, code.webgpu === null ? CPU_ENGINE_NAMES : ENGINE_NAMES);
  const trainer =
    engine === 'webgpu'
      ? await onWebgpu(code.webgpu!, dtype, spec, own)
      : await (await code.cpu()).cpuTrainer(engine, dtype, spec, own, code.wasm);
  await trainer.setParameters(parameters);
  return trainer;
}

async function onWebgpu(
  code: NonNullable<EngineCode['webgpu']>,
  dtype: Dtype,
  spec: ModelSpec | ResolvedSpec,
  options: CreateTrainerOptions,
): Promise<Trainer> {
  const { threads = 1, webgpu, ...own } = options;
  if (dtype !== 'float32') throw new RangeError(`createTrainer: engine webgpu computes in float32, dtype is ${dtype}`);
  if (threads !== 1)
    throw new RangeError(`createTrainer: engine webgpu has no threads of its own, threads is ${threads}`);
  const { webgpuTrainer } = await code();
  return webgpuTrainer(spec, { ...own, ...webgpu });
}

/** What {@link createSampler} takes beside spec and parameters. */
export interface CreateSamplerOptions {
  /** Who computes. Default `auto`: `wasm` for float32 parameters where the host has WebAssembly SIMD, else `ts`. */
  engine?: EngineName;
  /** How the weight matrices are kept, as of {@link createModel}: `bf16` takes half of their memory. Default `float32`. */
  weights?: WeightsFormat;
  /** Engine `webgpu`: on which device. */
  webgpu?: WebgpuSamplerOptions;
}

/**
 * A sampler on the engine of that name. Those of the CPU answer at once; that of `webgpu` answers with promises, and is to
 * be disposed of. From the same random stream all draw the same, as far as their rounding lets them.
 *
 * @throws {RangeError | TypeError} as the constructor of {@link Sampler}, on an unknown engine, and where bf16 weights go with
 *   neither engine nor parameters, or naming one that they do not reach.
 */
export function createSampler(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options?: Pick<CreateSamplerOptions, 'weights'> & { engine?: CpuEngineName },
): Promise<Sampler>;
export function createSampler(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options: CreateSamplerOptions & { engine: 'webgpu' },
): Promise<WebgpuSampler>;
export function createSampler(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options: CreateSamplerOptions,
): Promise<AnySampler>;
export async function createSampler(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options: CreateSamplerOptions = {},
): Promise<AnySampler> {
  const fn = 'createSampler';
  assertOptions(fn, options, { engine: true, weights: true, webgpu: true });
  const { engine = 'auto', weights = 'float32', webgpu } = options;
  assertOneOf(fn, 'engine', engine, ENGINE_NAMES);
  const dtype = weightsDtype(fn, parameters);
  if ((engine === 'wasm' || engine === 'webgpu') && dtype === 'float64') {
    throw new RangeError(`createSampler: engine ${engine} computes in float32, the parameters are float64`);
  }
  assertWeightsFormat(fn, weights, engine, dtype);
  if (engine === 'webgpu') {
    const { webgpuSampler } = await import('../webgpu/training/sampler.ts');
    return webgpuSampler(spec, parameters, webgpu);
  }
  let own = parameters;
  if (weights === 'bf16') {
    const layout = parameterLayout(resolveSpec(spec));
    assertEach(fn, layout, parameters);
    own = roundedWeights(fn, layout, parameters);
  }
  if (engine !== 'ts' && dtype === 'float32') {
    const { hasWasmSimd, wasmEngine } = await import('../wasm/index.ts');
    if (engine === 'wasm' || hasWasmSimd()) {
      const lengths = stepperAllocationPlan(spec, weights);
      return new Sampler(spec, own, wasmEngine({ lengths, fixedWeights: weights }));
    }
  }
  return new Sampler(spec, own);
}

/** Weights for {@link Trainer.setParameters}, drawn from one random stream. */
export function initialParameters(
  spec: ModelSpec | ResolvedSpec,
  dtype: Dtype,
  scheme: Scheme,
  rng: RandomState,
): NamedTensors {
  const fn = 'initialParameters';
  assertOneOf(fn, 'dtype', dtype, ['float32', 'float64']);
  assertOneOf(fn, 'scheme', scheme, SCHEMES);
  assertStream(fn, 'rng', rng);
  const full = resolveSpec(spec);
  const layout = parameterLayout(full);
  const Floats = dtype === 'float32' ? Float32Array : Float64Array;
  const tensors: NamedTensors = Object.fromEntries(layout.map(({ name, length }) => [name, new Floats(length)]));
  initialise(full, layout, (name) => tensors[name], scheme, rng);
  return tensors;
}
