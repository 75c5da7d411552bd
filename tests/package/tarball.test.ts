import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distance, GPU_TOLERANCE, makeApp } from './app.ts';
import { openBrowser, runPage } from './browser.ts';
import { build, bundlers } from './bundlers.ts';
import { type Compilation, complaints, makeConsumer } from './consumer.ts';
import { bundlePrograms, type ProgramRuns, runGpuProgram, runProgram, runtimes, type Way } from './runtimes.ts';
import { limits, sizeOf } from './sizes.ts';
import { packTarball, type Tarball } from './tarball.ts';

/** `npm run package-matrix` tries all bundlers, runtimes and compilers; these are the quick ones. */

let tarball: Tarball;
let app: string;

beforeAll(() => {
  tarball = packTarball();
  app = makeApp(tarball, 'programs');
}, 180_000);

afterAll(() => tarball?.remove());

describe('the tarball', () => {
  it('holds each module once, as JavaScript and as declarations', () => {
    const modules = tarball.files.filter((file) => /^dist\/.*\.js$/.test(file));
    expect(modules.length).toBeGreaterThan(100);
    for (const file of modules) {
      if (file !== 'dist/wasm/threadWorker.js') expect(tarball.files).toContain(file.replace(/js$/, 'd.ts'));
    }
    expect(tarball.files.filter((file) => /\.map$|^(dist|src)\/.*(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  it('holds what its texts link to', () => {
    const texts = tarball.files.filter((file) => file.endsWith('.md'));
    expect(texts).toEqual(
      expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/engines.md']),
    );
    const missing = texts.flatMap((text) => {
      const prose = readFileSync(join(app, 'node_modules/bptt', text), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
      const links = [...prose.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link);
      const targets = links.filter((link) => !/^\w+:/.test(link)).map((link) => normalize(join(dirname(text), link)));
      return targets.filter((target) => !tarball.files.includes(target)).map((target) => `${text}: ${target}`);
    });
    expect(missing).toEqual([]);
  });

  it('says where it comes from', () => {
    const { repository, homepage, bugs } = JSON.parse(
      readFileSync(join(app, 'node_modules/bptt/package.json'), 'utf8'),
    );
    expect(repository.url).toMatch(/^git\+https:.*\.git$/);
    expect(homepage).toMatch(/^https:/);
    expect(bugs).toMatch(/^https:/);
  });

  it.each(limits)('weighs at most $limit bytes in a page that imports $name from $from alone', async (part) => {
    const size = await sizeOf(app, part);
    expect(size).toBeGreaterThan(100);
    expect(size).toBeLessThanOrEqual(part.limit);
  });
});

describe('a program', () => {
  const [node] = runtimes();

  it.each<[Way, string]>([
    ['ESM', 'wasm: SIMD, 2 threads'],
    ['require', 'wasm: SIMD, 2 threads'],
    ['esbuild, ESM', 'threadWorker.js, beside the module that starts it'],
    ['esbuild, CommonJS', 'threadWorker.js, beside the module that starts it'],
  ])('trains in Node by way of %s', (way, threads) => {
    if (way === 'esbuild, ESM') bundlePrograms(app);
    const runs = runProgram(app, node, way);
    expect(runs.auto.description).toBe('wasm: SIMD');
    expect(runs.ts.description).toBe('ts: asked for');
    expect(runs.threads.description).toContain(threads);
  });

  it('trains in Node on WebGPU', async () => {
    const run = await runGpuProgram(app, node);
    expect(run.description).toMatch(/^webgpu: /);
    expect(distance(run, runProgram(app, node, 'ESM').auto)).toBeLessThan(GPU_TOLERANCE);
  });
});

describe('a page under a strict content security policy', () => {
  let browser: Browser;
  let inNode: ProgramRuns;
  beforeAll(async () => {
    browser = await openBrowser();
    inNode = runProgram(app, runtimes()[0], 'ESM');
  }, 60_000);
  afterAll(() => browser?.close());

  it.each(bundlers.filter(({ name }) => ['Vite 8', 'webpack 5', 'esbuild'].includes(name)))(
    'trains, in its worker with threads, to the bits of Node: built by $name',
    async (bundler) => {
      const runs = await runPage(browser, build(tarball, bundler).dist);
      expect(runs.inWorker).toEqual(inNode.auto);
      expect(runs.onPage.losses).toEqual(inNode.auto.losses);
      expect(runs.onPage.description).toContain("since a page's main thread may not wait");
      expect(runs.named).toEqual(inNode.threads);
      expect(runs.webgpu.description).toMatch(/^webgpu: /);
      expect(distance(runs.webgpu, inNode.auto)).toBeLessThan(GPU_TOLERANCE);
      if (bundler.carriesThreads) expect(runs.threads).toEqual(inNode.threads);
      else expect(runs.threads.description).toMatch(/1 thread instead of 2, since .* does not load/);
    },
    120_000,
  );

  it('trains on engine ts where the policy forbids WebAssembly, and says so', async () => {
    const runs = await runPage(browser, join(tarball.folder, 'esbuild/dist'), "'self'");
    const description = 'ts: this host has no WebAssembly SIMD, or forbids it';
    expect(runs.onPage.description).toBe(description);
    expect(runs.inWorker).toEqual({ description, losses: inNode.ts.losses });
  });
});

describe('a project', () => {
  let project: string;
  beforeAll(() => {
    project = makeConsumer(tarball);
  });

  it.each<Compilation>([
    { typescript: '5.7', module: 'node16', dom: false, webgpu: false },
    { typescript: '5.7', module: 'bundler', dom: true, webgpu: true },
    { typescript: 'newest', module: 'nodenext', dom: true, webgpu: false },
    { typescript: 'newest', module: 'bundler', dom: false, webgpu: false },
  ])(
    'compiles with TypeScript $typescript, $module, dom $dom, @webgpu/types $webgpu',
    (compilation) => expect(complaints(project, compilation)).toEqual([]),
    120_000,
  );
});
