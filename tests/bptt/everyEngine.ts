import { afterAll, beforeAll } from 'vitest';
import { type CreateTrainerOptions, createTrainer } from '../../src/bptt/createTrainer.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import type { Trainer } from '../../src/bptt/trainer.ts';
import type { Dtype, FloatArray } from '../../src/tensor/shape.ts';
import type { Device } from '../../src/webgpu/device/device.ts';
import { from } from '../layers/support.ts';
import { openTestDevice } from '../webgpu/device.ts';

/** An engine as a user asks for it. */
export interface AnyEngine {
  readonly name: string;
  readonly dtype: Dtype;
  create(spec: ModelSpec, options: CreateTrainerOptions): Promise<Trainer>;
  /** Numbers as it takes them. */
  floats(values: ArrayLike<number>): FloatArray;
  /** 10 to that power in float64, to an eighth of it in float32: as far on the way to infinity. */
  power(exponent: number): number;
}

let device: Device;

/** Every engine, in every dtype and with threads. A file that uses it opens a device. */
export function everyEngine(): readonly AnyEngine[] {
  beforeAll(async () => {
    device = await openTestDevice();
  });
  afterAll(() => device.dispose());
  const make = (name: string, dtype: Dtype, own: () => Partial<CreateTrainerOptions>): AnyEngine => ({
    ...{ name, dtype },
    create: (spec, options) => createTrainer(spec, { ...options, dtype, ...own() }),
    floats: (values) => from(dtype, values),
    power: (exponent) => 10 ** (dtype === 'float64' ? exponent : exponent / 8),
  });
  return [
    make('ts', 'float64', () => ({ engine: 'ts' })),
    make('ts', 'float32', () => ({ engine: 'ts' })),
    make('wasm', 'float32', () => ({ engine: 'wasm' })),
    make('wasm, 2 threads', 'float32', () => ({ engine: 'wasm', threads: 2 })),
    make('webgpu', 'float32', () => ({ engine: 'webgpu', webgpu: { device } })),
  ];
}
