import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fault } from './faults.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Files whose tests are not, or not only, in a file of the same name. */
const TESTED_BY: readonly (readonly [files: RegExp, tests: readonly string[]])[] = [
  [/^layers\/(elman|gru|gruResetBefore|lstm)\.ts$/, ['tests/layers/cell.test.ts', 'tests/proofs/gradcheck.test.ts']],
  [/^tensor\/binomial\.ts$/, ['tests/tensor/random.test.ts']],
  [/^tensor\/viewExtent\.ts$/, ['tests/tensor/ndarray.test.ts']],
  [/^tensor\/(doubleDouble|powerOfTwo)\.ts$/, ['tests/tensor/exp.test.ts', 'tests/tensor/log.test.ts']],
  [/^layers\/assert(Cell|Loss)\.ts$/, ['tests/layers/cell.test.ts', 'tests/bptt/spec.test.ts']],
  [/^bptt\/(recurrence|direction)\.ts$/, ['tests/bptt/recurrent.test.ts', 'tests/bptt/trainer.test.ts']],
  [
    /^bptt\/(model|inputLayers|outputLayers|denseLayer|dropoutMask|layerNormBuffers|parameters)\.ts$/,
    ['tests/bptt/aroundLayers.test.ts'],
  ],
  [/^bptt\/sequenceBatches\.ts$/, ['tests/bptt/fit.test.ts']],
  [/^bptt\/jsonHeader\.ts$/, ['tests/bptt/safetensors.test.ts']],
  [
    /^bptt\/(trainerChecks|session|cpuTrainer)\.ts$/,
    ['tests/bptt/trainer.test.ts', 'tests/bptt/createTrainer.test.ts', 'tests/bptt/batch.test.ts'],
  ],
  [/^bptt\/engine\.ts$/, ['tests/bptt/failedStep.test.ts']],
  [
    /^bptt\/cpuSession\.ts$/,
    ['tests/bptt/trainer.test.ts', 'tests/bptt/batch.test.ts', 'tests/bptt/failedStep.test.ts'],
  ],
  [
    /^bptt\/(predictor|inferenceModel|inferenceSession|forecast|createModel|cpuEngines|shards)\.ts$/,
    ['tests/bptt/inference.test.ts'],
  ],
  [
    /^wasm\/(formulas|cells|updates|losses|recurrence)\.ts$/,
    ['tests/wasm/cells.test.ts', 'tests/wasm/lengths.test.ts', 'tests/determinism.test.ts'],
  ],
  [/^wasm\/(matmul|gather|engine)\.ts$/, ['tests/wasm/halves.test.ts']],
  [
    /^webgpu\/training\/update\.ts$/,
    ['tests/webgpu/kernels.test.ts', 'tests/webgpu/trainer.node.test.ts', 'tests/bptt/failedStep.test.ts'],
  ],
  [/^webgpu\/training\/sampler\.ts$/, ['tests/webgpu/sampler.node.test.ts']],
  [/^webgpu\/training\/predictor\.ts$/, ['tests/webgpu/predictor.node.test.ts']],
  [
    /^webgpu\/training\/formulas\.ts$/,
    ['tests/webgpu/ownCells.node.test.ts', 'tests/webgpu/engine.test.ts', 'tests/webgpu/modelChecks.node.test.ts'],
  ],
  [/^webgpu\/training\//, ['tests/webgpu/engine.test.ts', 'tests/webgpu/modelChecks.node.test.ts']],
  [/^webgpu\/device\/pollBackoff\.ts$/, ['tests/webgpu/pollBackoff.node.test.ts']],
  [/^webgpu\//, ['tests/webgpu/kernels.test.ts']],
];

/** Tests of a room beside those in its own folder under `tests/`. */
const ROOM_TESTED_BY: readonly (readonly [rooms: RegExp, tests: readonly string[]])[] = [
  [
    /^(tensor|algebra|layers|bptt)$/,
    [
      'tests/proofs/gradcheck.test.ts',
      'tests/property/gradcheck.property.test.ts',
      'tests/property/sequence.property.test.ts',
    ],
  ],
  [/^(wasm|simd)$/, ['tests/determinism.test.ts']],
  [/^$/, ['tests/entryPoints.test.ts', 'tests/static.test.ts']],
];

/** What every room is tested by: all that is exported, called with whatever there is. */
const EVERY_ROOM_TESTED_BY = 'tests/fuzz.test.ts';

/** The tests of the room that a source file lies in; those of the entry points for a file outside the rooms. */
export function roomTestsOf({ file }: Pick<Fault, 'file'>): readonly string[] {
  const room = file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
  const folder = join(root, 'tests', room);
  const own = room && existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.test.ts')) : [];
  const others = ROOM_TESTED_BY.find(([rooms]) => rooms.test(room))?.[1] ?? [];
  return [...own.sort().map((name) => `tests/${room}/${name}`), ...others, EVERY_ROOM_TESTED_BY];
}

/** The unit tests of a source file, none where it has none. */
export function unitTestsOf({ file }: Pick<Fault, 'file'>): readonly string[] {
  const mirror = `tests/${file.replace(/\.ts$/, '.test.ts')}`;
  const others = TESTED_BY.find(([files]) => files.test(file))?.[1] ?? [];
  return [mirror, ...others].filter((test) => existsSync(join(root, test)));
}
