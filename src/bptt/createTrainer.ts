import { RandomState } from '../tensor/random.ts';
import type { Dtype } from '../tensor/shape.ts';
import { tsEngine } from './engine.ts';
import { initialise, type Scheme } from './initialise.ts';
import { ParameterBlock } from './parameters.ts';
import { fullSpec, type ModelSpec, type NamedTensors, parameterPlaces } from './spec.ts';
import { LocalTrainer, type Trainer, type TrainerOptions } from './trainer.ts';

/** The engines that {@link createTrainer} knows. */
export const ENGINE_NAMES: readonly ['ts'] = ['ts'];

export type EngineName = (typeof ENGINE_NAMES)[number];

export interface CreateTrainerOptions extends TrainerOptions {
  /** Who computes. Default `ts`. */
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
  const trainer = trainerOn(options.engine ?? 'ts', dtype, spec, { ...options, seed: rng.randint(2 ** 31) });
  await trainer.setParameters(parameters);
  return trainer;
}

function trainerOn(engine: EngineName, dtype: Dtype, spec: ModelSpec, options: TrainerOptions): Trainer {
  if (engine === 'ts') return new LocalTrainer(tsEngine(dtype), spec, options);
  throw new RangeError(`createTrainer: engine is ${engine}, expected ${ENGINE_NAMES.join(', ')}`);
}

/** Weights for {@link Trainer.setParameters}, drawn from one random stream. */
export function initialParameters(spec: ModelSpec, dtype: Dtype, scheme: Scheme, rng: RandomState): NamedTensors {
  const full = fullSpec(spec);
  const block = new ParameterBlock(tsEngine(dtype), parameterPlaces(full));
  const tensors: NamedTensors = Object.fromEntries(block.places.map(({ name }) => [name, block.get(name)!]));
  initialise(full, block.places, (name) => tensors[name], scheme, rng);
  return tensors;
}
