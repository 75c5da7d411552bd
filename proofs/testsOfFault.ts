import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fault } from './faults.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Files whose tests are not, or not only, in a file of the same name. */
const TESTED_BY: readonly (readonly [files: RegExp, tests: readonly string[]])[] = [
  [/^layers\/(elman|gru|gruResetBefore|lstm)\.ts$/, ['tests/layers/cell.test.ts', 'tests/proofs/gradcheck.test.ts']],
  [/^bptt\/(recurrence|direction)\.ts$/, ['tests/bptt/recurrent.test.ts', 'tests/bptt/trainer.test.ts']],
  [/^bptt\/(model|inputLayers|outputLayers|denseLayer)\.ts$/, ['tests/bptt/aroundLayers.test.ts']],
  [/^bptt\/engine\.ts$/, ['tests/bptt/failedStep.test.ts']],
  [
    /^bptt\/cpuSession\.ts$/,
    ['tests/bptt/trainer.test.ts', 'tests/bptt/batch.test.ts', 'tests/bptt/failedStep.test.ts'],
  ],
  [/^bptt\/(predictor|inferenceModel)\.ts$/, ['tests/bptt/inference.test.ts']],
  [
    /^wasm\/(formulas|cells|updates|losses|recurrence)\.ts$/,
    ['tests/wasm/cells.test.ts', 'tests/wasm/lengths.test.ts', 'tests/determinism.test.ts'],
  ],
  [
    /^webgpu\/training\/update\.ts$/,
    ['tests/webgpu/kernels.test.ts', 'tests/webgpu/trainer.node.test.ts', 'tests/bptt/failedStep.test.ts'],
  ],
  [/^webgpu\/training\/sampler\.ts$/, ['tests/webgpu/sampler.node.test.ts']],
  [/^webgpu\/training\/predictor\.ts$/, ['tests/webgpu/predictor.node.test.ts']],
  [/^webgpu\/training\//, ['tests/webgpu/engine.test.ts', 'tests/webgpu/modelChecks.node.test.ts']],
  [/^webgpu\/device\/pollBackoff\.ts$/, ['tests/webgpu/pollBackoff.node.test.ts']],
  [/^webgpu\//, ['tests/webgpu/kernels.test.ts']],
];

/** The unit tests of a source file, none where it has none. */
export function unitTestsOf({ file }: Pick<Fault, 'file'>): readonly string[] {
  const mirror = `tests/${file.replace(/\.ts$/, '.test.ts')}`;
  const others = TESTED_BY.find(([files]) => files.test(file))?.[1] ?? [];
  return [mirror, ...others].filter((test) => existsSync(join(root, test)));
}
