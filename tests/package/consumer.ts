import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { install, manifest, repository, type Tarball } from './tarball.ts';

/** How a project that uses the package is compiled. */
export interface Compilation {
  typescript: '5.7' | 'newest';
  module: 'node16' | 'nodenext' | 'bundler';
  /** Whether it has the browser's types. */
  dom: boolean;
  /** Whether it has `@webgpu/types`. */
  webgpu: boolean;
}

export const compilations: readonly Compilation[] = (['5.7', 'newest'] as const).flatMap((typescript) =>
  (['node16', 'nodenext', 'bundler'] as const).flatMap((module) =>
    [true, false].flatMap((dom) => [true, false].map((webgpu) => ({ typescript, module, dom, webgpu }))),
  ),
);

/** What such a project may say: every entry point, and the usual calls with their types. */
const use = (): string => {
  const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
  const imports = entries.map((entry, i) => `import * as entry${i} from '${`bptt${entry.slice(1)}`}';`);
  return `${imports.join('\n')}
export const counts: number[] = [${entries.map((_, i) => `Object.keys(entry${i}).length`).join(', ')}];

import { createTrainer, type CreateTrainerOptions, type Trainer } from 'bptt';
import { adam } from 'bptt/optim';

const options: CreateTrainerOptions = { steps: 5, batch: 2, optimizer: adam({ lr: 0.01 }), clip: { norm: 5 }, threads: 2 };
const trainer: Trainer = await createTrainer(
  { cell: 'lstm', inputSize: 7, hiddenSize: 9, outputSize: 7, loss: 'softmaxCrossEntropy' },
  { ...options, threadWorker: '/threadWorker.js' },
);
const ids = new Int32Array(10);
const losses: Float64Array = await trainer.train([{ inputs: ids, targets: ids, carry: false }]);
export const first: number = losses[0];
export const says: string = trainer.description;
// @ts-expect-error: no cell of that name
await createTrainer({ cell: 'lstn', inputSize: 7, hiddenSize: 9, outputSize: 7, loss: 'softmaxCrossEntropy' }, options);
`;
};

/** A project with the package and nothing else than `@webgpu/types`. */
export function makeConsumer(tarball: Tarball): string {
  const app = join(tarball.folder, 'consumer');
  mkdirSync(app);
  install(tarball, app, ['@webgpu/types', 'fast-check']);
  writeFileSync(join(app, 'package.json'), '{ "type": "module", "private": true }');
  writeFileSync(join(app, 'use.ts'), use());
  return app;
}

const folders = {
  '5.7': createRequire(join(repository, 'tests/package/older/package.json')),
  newest: createRequire(import.meta.url),
};

/**
 * What the compiler complains about in the project and in the package, declarations included. What it finds in the other
 * libraries is none of the package's: `@webgpu/types` needs the browser's types, and disagrees with those of TypeScript 6
 * and later.
 */
export function complaints(app: string, { typescript, module, dom, webgpu }: Compilation): string[] {
  const name = `tsconfig.${typescript}.${module}${dom ? '.dom' : ''}${webgpu ? '.webgpu' : ''}.json`;
  const compilerOptions = {
    target: 'es2023',
    lib: dom ? ['es2023', 'dom'] : ['es2023'],
    ...(module === 'bundler' ? { module: 'esnext', moduleResolution: 'bundler' } : { module }),
    types: webgpu ? ['@webgpu/types'] : [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(join(app, name), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  const tsc = join(dirname(folders[typescript].resolve('typescript/package.json')), 'bin/tsc');
  const { stdout, status, error } = spawnSync(process.execPath, [tsc, '-p', name], { cwd: app, encoding: 'utf8' });
  if (error) throw error;
  const lines = stdout.split('\n').filter((line) => /error TS/.test(line));
  if (status !== 0 && lines.length === 0) throw new Error(`tsc: status ${status}: ${stdout}`);
  return lines.filter((line) => !/^\S*(\/lib\/lib\.|@webgpu\/types\/)/.test(line));
}
