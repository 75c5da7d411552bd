import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
const entries = Object.keys(exports).filter((entry) => entry !== './package.json');

let folder: string;
let tarball: string;

function run(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-package-'));
  // `npm pack` builds first (prepack), so this is what a publication would hold.
  const packed = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], root).replace(/^[^[{]*/, ''));
  const [{ filename }] = Object.values(packed) as { filename: string }[];
  tarball = join(folder, filename);
}, 180_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('the packed package installs in an empty folder and every entry point can be imported and type-checked', () => {
  const app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "type": "module", "private": true }');
  // fast-check is the one optional peer, of `bptt/testing`.
  run('npm', ['install', '--no-save', '--prefer-offline', '--no-audit', '--no-fund', tarball, 'fast-check@4'], app);
  const specifiers = entries.map((entry) => `bptt${entry.slice(1)}`);
  const script = `
    const counts = {};
    for (const name of ${JSON.stringify(specifiers)}) counts[name] = Object.keys(await import(name)).length;
    console.log(JSON.stringify(counts));`;
  const counts = JSON.parse(run('node', ['--input-type=module', '-e', script], app)) as Record<string, number>;
  expect(Object.keys(counts)).toEqual(specifiers);
  for (const [name, count] of Object.entries(counts)) expect(count, name).toBeGreaterThan(0);
  const use = specifiers.map(
    (name, i) => `import * as m${i} from '${name}';\nexport const n${i}: number = Object.keys(m${i}).length;`,
  );
  writeFileSync(join(app, 'use.ts'), use.join('\n'));
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023,dom'];
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, '--types', '', 'use.ts'], app);
}, 180_000);

test('publint finds nothing to complain about', () => {
  expect(run('npx', ['publint', 'run', tarball, '--strict'], root)).toContain('All good!');
}, 60_000);

test('the types are right for every way of importing them', () => {
  // The package is ESM only, so the resolution of CommonJS is not asked.
  const output = run('npx', ['attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color'], root);
  expect(output.match(/node16 \(from ESM\): 🟢/g)).toHaveLength(entries.length + 1);
  expect(output.match(/bundler: 🟢/g)).toHaveLength(entries.length + 1);
}, 60_000);
