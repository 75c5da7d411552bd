import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packTarball, repository, run, type Tarball } from '../package/tarball.ts';
import { plainEnvironment, tinyText } from './command.ts';

const own = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
const tool = JSON.parse(readFileSync(join(repository, 'cli/package/package.json'), 'utf8'));

let library: Tarball;
let app: string;
beforeAll(() => {
  library = packTarball();
  const output = run('npm', ['pack', '--json', '--pack-destination', library.folder], join(repository, 'cli/package'));
  const [{ filename }] = Object.values(JSON.parse(output.replace(/^[^[{]*/, ''))) as { filename: string }[];
  app = join(library.folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true }');
  writeFileSync(join(app, 'book.txt'), tinyText);
  const options = ['--no-save', '--prefer-offline', '--no-audit', '--no-fund'];
  run('npm', ['install', ...options, library.file, join(library.folder, filename)], app);
}, 300_000);
afterAll(() => library.remove());

test('the tool is of the same version as the library, with what the repository tests it with', () => {
  expect(tool.version).toBe(own.version);
  const { bptt, ...others } = tool.dependencies;
  expect(bptt).toBe(`^${own.version}`);
  for (const [name, range] of Object.entries(others)) expect(own.devDependencies[name], name).toBe(range);
});

test('out of the packed packages, npx and the installed command train, sample, compare and run a notebook', () => {
  const small = ['--hidden', '8', '--steps', '5', '--iterations', '50'];
  const trained = run('npx', ['bptt-cli', 'train', 'book.txt', ...small, '--out', 'run'], app);
  expect(trained).toContain('Write text:  npx bptt-cli sample run ');
  const bptt = (...args: string[]) => run(join(app, 'node_modules/.bin/bptt'), args, app, plainEnvironment());
  expect(bptt('sample', 'run', '--length', '30')).toHaveLength(30);
  expect(bptt('compare', 'run')).toContain('held-out');
  expect(bptt('notebook', '004b', '--out', 'pictures')).toContain('data has 137628 chars, 80 unique');
  expect(bptt('convert', 'run', 'net.npz')).toContain('written     net.npz');
  expect(bptt('export', '--to', 'torch', 'run')).toContain('run/train.py --iterations');
  expect(bptt('sweep', 'all', '--grid', 'lr=0.1,0.2', '--kubernetes')).toContain(`bptt-cli@${tool.version} sweep all`);
  expect(bptt('memory', '--help')).toContain('Usage: bptt memory [options] <problem>');
  expect(bptt('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(bptt('--help')).toMatch(/^ {2}train (.*\n)+ {2}sample /m);
  expect(() => bptt('train')).toThrow('error: which text? Name a file, or - for standard input\n');
}, 180_000);
