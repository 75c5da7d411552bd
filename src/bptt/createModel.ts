import { describe } from '../check/describe.ts';
import { type Dtype, dtypeOf } from '../tensor/shape.ts';
import { type CpuEngineName, ENGINE_NAMES } from './createTrainer.ts';
import { tsEngine } from './engine.ts';
import { type EngineFactory, InferenceModel } from './inferenceModel.ts';
import { assertOptions } from './options.ts';
import type { ModelSpec, NamedTensors, ResolvedSpec } from './spec.ts';

/** Options of {@link createModel}. */
export interface CreateModelOptions {
  /** Who computes. Default `auto`: `wasm` for float32 where the host has WebAssembly SIMD, else `ts`. */
  engine?: CpuEngineName;
  /** Default: that of the parameters. */
  dtype?: Dtype;
}

/**
 * A model for inference alone, on the weights that {@link Trainer.parameters} or a file gave. They are copied.
 *
 * @throws {RangeError | TypeError} on an unknown option or engine, `webgpu` (for symbols there is `createSampler`), or where
 *   spec or parameters make no sense.
 */
export async function createModel(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options: CreateModelOptions = {},
): Promise<InferenceModel> {
  const fn = 'createModel';
  assertOptions(fn, options, { engine: true, dtype: true });
  const { engine = 'auto' } = options;
  const names: readonly string[] = ENGINE_NAMES;
  if ((engine as string) === 'webgpu') {
    throw new RangeError(`${fn}: engine webgpu has no model for inference: createSampler draws symbols there`);
  }
  if (!names.includes(engine)) throw new RangeError(`${fn}: engine is ${String(engine)}, expected auto, ts, wasm`);
  const [first] = Object.values(parameters ?? {});
  if (!(first instanceof Float32Array || first instanceof Float64Array)) {
    throw new TypeError(`${fn}: parameters is ${describe(parameters)}, expected the weights by name`);
  }
  const { dtype = dtypeOf(first) } = options;
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new RangeError(`${fn}: dtype is ${String(dtype)}, expected float32, float64`);
  }
  return new InferenceModel(spec, parameters, await factoryOf(engine, dtype));
}

async function factoryOf(engine: CpuEngineName, dtype: Dtype): Promise<EngineFactory> {
  const ts = (why: string): EngineFactory => ({ description: `ts: ${why}`, dtype, make: () => tsEngine(dtype) });
  if (engine === 'ts') return ts('asked for');
  if (dtype === 'float64') {
    if (engine === 'wasm') throw new RangeError('createModel: engine wasm computes in float32, dtype is float64');
    return ts('the only one that computes in float64');
  }
  const { hasWasmSimd, panelLengths, wasmEngine } = await import('../wasm/index.ts');
  if (engine === 'auto' && !hasWasmSimd()) return ts('this host has no WebAssembly SIMD, or forbids it');
  return {
    description: 'wasm: SIMD',
    dtype,
    make: (spec, lengths) => wasmEngine({ lengths: [...lengths, ...panelLengths(spec)] }),
  };
}
