import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gpuEnvironment } from '../../scripts/softwareGpu.ts';
import type { Run } from './app.ts';
import { bundle } from './bundlers.ts';
import { repository, run } from './tarball.ts';

/** What a program found: engine `auto`, engine `ts`, and `auto` with two threads. */
export type ProgramRuns = Record<'auto' | 'ts' | 'threads', Run>;

export interface Runtime {
  name: string;
  /** The command that runs a file, without it. */
  command: readonly string[];
}

/** The ways in which a program uses the package. */
export const ways = ['ESM', 'require', 'esbuild, ESM', 'esbuild, CommonJS'] as const;

export type Way = (typeof ways)[number];

const file: Record<Way, string> = {
  ESM: 'program.js',
  require: 'required.cjs',
  'esbuild, ESM': 'dist/program.mjs',
  'esbuild, CommonJS': 'dist/program.cjs',
};

const others = join(repository, 'tests/package/runtimes/node_modules');

/** The present Node and Deno, and those that `npm ci --prefix tests/package/runtimes` installed. */
export function runtimes(): readonly Runtime[] {
  const nodes = ['20.19', '22', '24', '26'].map((version) => ({
    name: `Node ${version}`,
    command: [join(others, `node${version}/bin/node`)],
  }));
  return [
    { name: `Node ${process.versions.node}, this one`, command: [process.execPath] },
    ...nodes,
    { name: 'Deno', command: [join(repository, 'node_modules/.bin/deno'), 'run', '--allow-read', '--allow-env'] },
    { name: 'Bun', command: [join(others, '@oven/bun-linux-x64/bin/bun'), 'run'] },
  ].filter(({ command: [program] }) => existsSync(program));
}

/** Bundles the app's program in both formats. */
export function bundlePrograms(app: string): void {
  for (const [format, name] of [
    ['esm', 'program.mjs'],
    ['cjs', 'program.cjs'],
  ]) {
    // Without import.meta in CommonJS esbuild warns; what is lost by it the trainer says.
    bundle(app, { entryPoints: ['program.js'], outfile: `dist/${name}`, platform: 'node', format });
  }
}

/**
 * Runs the app's program.
 *
 * @throws {Error} where it fails.
 */
export function runProgram(app: string, { command: [program, ...args] }: Runtime, way: Way): ProgramRuns {
  return JSON.parse(run(program, [...args, file[way]], app)) as ProgramRuns;
}

/**
 * Trains on engine `webgpu`: in Node and Bun by way of the package `webgpu`, on a GPU or the program that stands in for one.
 *
 * @throws {Error} where the runtime has no WebGPU.
 */
export async function runGpuProgram(app: string, { command: [program, ...args] }: Runtime): Promise<Run> {
  return JSON.parse(run(program, [...args, 'gpu.js'], app, await gpuEnvironment())) as Run;
}
