import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type AppStyle, makeApp } from './app.ts';
import { repository, run, type Tarball } from './tarball.ts';

export interface Bundler {
  name: string;
  version: string;
  /** How an app for it is written. */
  style: AppStyle;
  /** Whether it carries the file of bptt's threads along by itself. */
  carriesThreads: boolean;
  /** Builds the app for production into its folder `dist`, with what an app at the bundler's defaults would say. */
  build(app: string): void;
}

export interface Built {
  /** The folder to be served. */
  dist: string;
  /** What the page loads before anything else, gzipped, in bytes; and all the scripts together. */
  entryGzip: number;
  allGzip: number;
}

const require = createRequire(import.meta.url);
const older = createRequire(join(repository, 'tests/package/older/package.json'));

/** The folder of a package. */
const folderOf = (name: string, from: NodeJS.Require): string => dirname(from.resolve(`${name}/package.json`));

const versionOf = (folder: string): string =>
  (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;

/** @param config what an app says beside the defaults */
function vite(from: NodeJS.Require, workerEntry: AppStyle['workerEntry'], config: object = {}): Bundler {
  const folder = folderOf('vite', from);
  const version = versionOf(folder);
  return {
    name: `Vite ${Number.parseInt(version, 10)}`,
    version,
    style: { worker: 'found', workerEntry },
    carriesThreads: true,
    build(app) {
      writeFileSync(join(app, 'vite.config.js'), `export default ${JSON.stringify(config)};`);
      node(app, join(folder, 'bin/vite.js'), 'build', '--logLevel', 'error');
    },
  };
}

const webpack: Bundler = {
  name: 'webpack 5',
  version: versionOf(folderOf('webpack', require)),
  style: { worker: 'found', workerEntry: 'bptt' },
  carriesThreads: true,
  build(app) {
    const script = `
      const webpack = require(${JSON.stringify(folderOf('webpack', require))});
      webpack({ mode: 'production', entry: './main.js' }, (error, stats) => {
        if (error) throw error;
        if (!stats.hasErrors() && !stats.hasWarnings()) return;
        console.error(stats.toString({ all: false, errors: true, warnings: true }));
        process.exitCode = 1;
      });`;
    node(app, '-e', script);
  },
};

const rollup: Bundler = {
  name: 'Rollup 4',
  version: versionOf(folderOf('rollup', require)),
  style: { worker: 'named', workerEntry: 'bptt' },
  carriesThreads: false,
  build(app) {
    const script = join(folderOf('rollup', require), 'dist/bin/rollup');
    const plugins = ['-p', require.resolve('@rollup/plugin-node-resolve')];
    node(app, script, 'main.js', 'worker.js', '--dir', 'dist', ...plugins, '--silent');
  },
};

function esbuild(name: string, options: object = {}): Bundler {
  return {
    name,
    version: versionOf(folderOf('esbuild', require)),
    style: { worker: 'named', workerEntry: 'bptt' },
    carriesThreads: false,
    build: (app) => bundle(app, { entryPoints: ['main.js', 'worker.js'], outdir: 'dist', minify: true, ...options }),
  };
}

/** Bundles files of the app with esbuild. */
export function bundle(app: string, options: object): void {
  const all = JSON.stringify({ bundle: true, logLevel: 'error', ...options });
  node(app, '-e', `require(${JSON.stringify(folderOf('esbuild', require))}).buildSync(${all})`);
}

export const bundlers: readonly Bundler[] = [
  // A worker of Vite 7 is a script that cannot be split, unless the app asks for modules.
  vite(older, 'bptt/static'),
  { ...vite(older, 'bptt', { worker: { format: 'es' } }), name: "Vite 7, worker.format 'es'" },
  vite(require, 'bptt'),
  webpack,
  esbuild('esbuild'),
  esbuild('esbuild, splitting', { format: 'esm', splitting: true }),
  rollup,
];

function node(app: string, ...args: readonly string[]): void {
  // The test runner says NODE_ENV=test, and its children would build for that.
  run('env', ['-u', 'NODE_ENV', '-u', 'VITEST', process.execPath, ...args], app);
}

/** Makes an app for a bundler, and builds it. */
export function build(tarball: Tarball, bundler: Bundler): Built {
  const app = makeApp(tarball, bundler.name.replace(/\W+/g, '-'), bundler.style);
  bundler.build(app);
  const dist = join(app, 'dist');
  // The copy that the option threadWorker names.
  mkdirSync(join(dist, 'named'));
  copyFileSync(join(app, 'node_modules/bptt/dist/wasm/threadWorker.js'), join(dist, 'named/threadWorker.js'));
  if (!readdirSync(dist).includes('index.html')) {
    writeFileSync(
      join(dist, 'index.html'),
      '<!doctype html><body></body><script type="module" src="/main.js"></script>',
    );
  }
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  const sizes = scriptsOf(dist).map((name) => [name, gzipSync(readFileSync(join(dist, name))).length] as const);
  const entries = eagerScripts(
    dist,
    [...html.matchAll(/(?:src|href)="\/?([^"]+\.js)"/g)].map(([, name]) => name),
  );
  const sum = (of: readonly (readonly [string, number])[]): number => of.reduce((total, [, size]) => total + size, 0);
  return { dist, entryGzip: sum(sizes.filter(([name]) => entries.has(name))), allGzip: sum(sizes) };
}

function scriptsOf(dist: string): string[] {
  const names = readdirSync(dist, { recursive: true }) as string[];
  return names.filter((name) => name.endsWith('.js') && !name.startsWith('named'));
}

/** Those scripts, and what they import before they run. */
function eagerScripts(dist: string, entries: readonly string[]): Set<string> {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    const text = readFileSync(join(dist, name), 'utf8');
    for (const [, file] of text.matchAll(
      /(?:^|[;\n}])\s*(?:import|export)\s*(?:[^'"();]*?from\s*)?['"](\.[^'"]+)['"]/g,
    )) {
      add(join(dirname(name), file));
    }
  };
  for (const name of entries) add(name);
  return found;
}
