import { distance, GPU_TOLERANCE, makeApp, type Run } from '../tests/package/app.ts';
import { openBrowser, runPage } from '../tests/package/browser.ts';
import { build, bundlers } from '../tests/package/bundlers.ts';
import { compilations, complaints, makeConsumer } from '../tests/package/consumer.ts';
import { bundlePrograms, runGpuProgram, runProgram, runtimes, ways } from '../tests/package/runtimes.ts';
import { limits, sizeOf } from '../tests/package/sizes.ts';
import { packTarball } from '../tests/package/tarball.ts';

/**
 * `npm run package-matrix`: packs the package and uses it as others do, with every bundler, runtime and compiler that is
 * installed. Prints tables; what fails is told below them, and makes the exit status 1.
 */

const failures: string[] = [];

/** The cell of a table: what an attempt gives, or ✗ with the reason kept for later. */
async function cell<T>(what: string, attempt: () => T | Promise<T>): Promise<T | null> {
  try {
    return await attempt();
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

function row(...cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

function heading(...cells: readonly string[]): void {
  console.log();
  row(...cells);
  row(...cells.map(() => '---'));
}

/** The losses of all engines differ by rounding only; those of one engine not at all. */
function assertSame(what: string, run: Run, expected: Run): void {
  if (run.losses.join() !== expected.losses.join()) failures.push(`${what}: other losses than in this Node`);
}

/** Engine `webgpu` rounds otherwise. */
function assertNear(what: string, run: Run, expected: Run): void {
  if (!(distance(run, expected) < GPU_TOLERANCE)) failures.push(`${what}: losses far from those of engine wasm`);
}

const inWords = ({ description }: Run): string => description.replace(/^(\w+): SIMD$/, '$1').replace(/^ts: .*/, 'ts');
const threaded = (run: Run): string => (/ 2 threads$/.test(run.description) ? '2' : '1, says why');
const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

const tarball = packTarball();
const browser = await openBrowser();
try {
  console.log(
    `${tarball.files.length} files, ${kB(tarball.size)} packed, ${(tarball.unpackedSize / 1e6).toFixed(2)} MB unpacked`,
  );
  const app = makeApp(tarball, 'programs');
  bundlePrograms(app);
  const expected = runProgram(app, runtimes()[0], 'ESM');

  heading('runtime', 'by way of', 'ts', 'auto', 'threads of 2', 'webgpu');
  for (const runtime of runtimes()) {
    for (const way of ways) {
      const what = `${runtime.name}, ${way}`;
      const runs = await cell(what, () => runProgram(app, runtime, way));
      if (runs === null) {
        row(runtime.name, way, '✗', '✗', '✗', '');
        continue;
      }
      assertSame(`${what}, ts`, runs.ts, expected.ts);
      assertSame(`${what}, auto`, runs.auto, expected.auto);
      const webgpu = way === 'ESM' ? await cell(`${what}, webgpu`, () => runGpuProgram(app, runtime)) : null;
      if (webgpu) assertNear(`${what}, webgpu`, webgpu, expected.auto);
      const onGpu = webgpu ? 'webgpu' : way === 'ESM' ? '✗' : '';
      row(runtime.name, way, inWords(runs.ts), inWords(runs.auto), threaded(runs.threads), onGpu);
    }
  }

  heading(
    'bundler',
    'version',
    'builds',
    'page',
    'worker',
    'threads of 2',
    'with threadWorker',
    'webgpu',
    'page, gzip',
    'all, gzip',
  );
  for (const bundler of bundlers) {
    const built = await cell(`${bundler.name}, build`, () => build(tarball, bundler));
    const runs = built && (await cell(`${bundler.name}, page`, () => runPage(browser, built.dist)));
    const sizes = built === null ? ['', ''] : [kB(built.entryGzip), kB(built.allGzip)];
    if (runs === null) {
      row(bundler.name, bundler.version, built === null ? '✗' : '✓', '✗', '✗', '✗', '✗', '✗', ...sizes);
      continue;
    }
    assertSame(`${bundler.name}, page`, runs.onPage, expected.auto);
    assertSame(`${bundler.name}, worker`, runs.inWorker, expected.auto);
    assertSame(`${bundler.name}, threads`, runs.named, expected.threads);
    if (bundler.carriesThreads) assertSame(`${bundler.name}, threads`, runs.threads, expected.threads);
    assertNear(`${bundler.name}, webgpu`, runs.webgpu, expected.auto);
    const { onPage, inWorker, threads, named, webgpu } = runs;
    row(
      ...[bundler.name, bundler.version, '✓', inWords(onPage).replace(/:.*/, ''), inWords(inWorker)],
      ...[threaded(threads), threaded(named), inWords(webgpu).replace(/:.*/, ''), ...sizes],
    );
  }

  heading('import', 'gzip', 'limit');
  for (const part of limits) {
    const size = await sizeOf(app, part);
    if (size > part.limit) failures.push(`${part.name}: ${size} bytes, at most ${part.limit}`);
    row(`\`${part.name}\` from \`${part.from}\``, kB(size), kB(part.limit));
  }

  heading('TypeScript', 'module', 'dom', '@webgpu/types', 'complaints');
  const project = makeConsumer(tarball);
  for (const compilation of compilations) {
    const { typescript, module, dom, webgpu } = compilation;
    const found = complaints(project, compilation);
    failures.push(...found);
    row(typescript, module, dom ? 'yes' : 'no', webgpu ? 'yes' : 'no', found.length);
  }
} finally {
  await browser.close();
  tarball.remove();
}

if (failures.length > 0) {
  console.error(`\n${failures.join('\n\n')}`);
  process.exitCode = 1;
}
