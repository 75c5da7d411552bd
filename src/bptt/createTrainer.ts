import { RandomState } from '../tensor/random.ts';
import type { Dtype } from '../tensor/shape.ts';
import { type LocalEngine, tsEngine } from './engine.ts';
import { initialise, type Scheme } from './initialise.ts';
import { ParameterBlock } from './parameters.ts';
import { fullSpec, type ModelSpec, type NamedTensors, parameterPlaces } from './spec.ts';
import { bufferLengths, LocalTrainer, type Trainer, type TrainerOptions } from './trainer.ts';

/** The engines that {@link createTrainer} knows; `auto` is the fastest of them that can do what is asked. */
export const ENGINE_NAMES: readonly ['auto', 'ts', 'wasm'] = ['auto', 'ts', 'wasm'];

export type EngineName = (typeof ENGINE_NAMES)[number];

export interface CreateTrainerOptions extends TrainerOptions {
  /** Who computes. Default `auto`: `wasm` for float32 where the host has WebAssembly SIMD, else `ts`. */
  engine?: EngineName;
  /** Default `float32`. */
  dtype?: Dtype;
  /** How the weights begin. Default `orthogonal`. */
  init?: Scheme;
  /** Seeds the weights, and after them the dropout masks. Default 0. */
  seed?: number;
}

/**
 * A trainer with fresh weights on the engine of that name: the one place where engines are chosen.
 *
 * @throws {RangeError | TypeError} on an unknown engine, or where spec or options make no sense.
 */
export async function createTrainer(spec: ModelSpec, options: CreateTrainerOptions): Promise<Trainer> {
  const { dtype = 'float32', init = 'orthogonal', seed = 0 } = options;
  const rng = new RandomState(seed);
  const parameters = initialParameters(spec, dtype, init, rng);
  const engine = await engineOf(options.engine ?? 'auto', dtype, spec, options);
  const trainer = new LocalTrainer(engine, spec, { ...options, seed: rng.randint(2 ** 31) });
  await trainer.setParameters(parameters);
  return trainer;
}

async function engineOf(
  name: EngineName,
  dtype: Dtype,
  spec: ModelSpec,
  options: TrainerOptions,
): Promise<LocalEngine> {
  if (!ENGINE_NAMES.includes(name)) {
    throw new RangeError(`createTrainer: engine is ${name}, expected ${ENGINE_NAMES.join(', ')}`);
  }
  if (name === 'wasm' && dtype !== 'float32') {
    throw new RangeError(`createTrainer: engine wasm computes in float32, dtype is ${dtype}`);
  }
  if (name === 'ts' || dtype !== 'float32') return tsEngine(dtype);
  const { hasWasmSimd, wasmEngine } = await import('../wasm/index.ts');
  const lengths = bufferLengths(spec, options);
  if (name === 'wasm') return wasmEngine({ lengths });
  try {
    return hasWasmSimd() ? wasmEngine({ lengths }) : tsEngine(dtype);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return tsEngine(dtype); // it needs more memory than WebAssembly has
  }
}

/** Weights for {@link Trainer.setParameters}, drawn from one random stream. */
export function initialParameters(spec: ModelSpec, dtype: Dtype, scheme: Scheme, rng: RandomState): NamedTensors {
  const full = fullSpec(spec);
  const block = new ParameterBlock(tsEngine(dtype), parameterPlaces(full));
  const tensors: NamedTensors = Object.fromEntries(block.places.map(({ name }) => [name, block.get(name)!]));
  initialise(full, block.places, (name) => tensors[name], scheme, rng);
  return tensors;
}
