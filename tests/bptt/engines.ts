import { type CpuEngine, tsEngine } from '../../src/bptt/engine.ts';
import type { Dtype, FloatArray } from '../../src/tensor/shape.ts';
import { wasmEngine } from '../../src/wasm/engine.ts';
import { from, roundoff } from '../layers/support.ts';

/** An engine that the tests of models and trainers run on. */
export interface EngineUnderTest {
  readonly name: 'ts' | 'wasm';
  readonly dtype: Dtype;
  /** The unit roundoff of its numbers. */
  readonly u: number;
  /** A new one, with room for a small model. */
  engine(): CpuEngine;
  /** Numbers as it takes them. */
  floats(values: ArrayLike<number>): FloatArray;
  /** n numbers as it takes them. */
  filled(n: number, value?: number): FloatArray;
  /** 10 to that power in float64, to a tenth of it in float32: as far on the way to infinity. */
  power(exponent: number): number;
}

const make = (name: EngineUnderTest['name'], dtype: Dtype, engine: () => CpuEngine): EngineUnderTest => ({
  name,
  dtype,
  engine,
  u: roundoff(dtype),
  floats: (values) => from(dtype, values),
  filled: (n, value = 0) => from(dtype, Array<number>(n).fill(value)),
  power: (exponent) => 10 ** (dtype === 'float64' ? exponent : exponent / 10),
});

export const ts64: EngineUnderTest = make('ts', 'float64', () => tsEngine('float64'));
export const ts32: EngineUnderTest = make('ts', 'float32', () => tsEngine('float32'));
export const wasm: EngineUnderTest = make('wasm', 'float32', () => wasmEngine({ lengths: [100_000] }));

/** Those on which everything must hold. */
export const engines: readonly EngineUnderTest[] = [ts64, wasm];
