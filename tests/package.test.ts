import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { softwareBrowser, unpackSoftwareGpu } from '../scripts/softwareGpu.ts';

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

/** What a page and its worker do with the package, and what Node does: one thread, then two. */
const training = (room: string): string => `
  const { createTrainer } = await import('${room || '/index.js'}');
  const { adam } = await import('${room}/optim');
  const ids = Int32Array.from({ length: 60 }, (_, i) => (i * i) % 7);
  export async function train(threads) {
    const spec = { cell: 'lstm', inputSize: 7, hiddenSize: 9, outputSize: 7, loss: 'softmaxCrossEntropy' };
    const trainer = await createTrainer(spec, { steps: 10, batch: 5, optimizer: adam({ lr: 0.01 }), engine: 'wasm', threads });
    const batch = { inputs: ids.slice(0, 50), targets: ids.slice(5, 55), carry: false };
    const losses = await trainer.train(Array.from({ length: 10 }, () => batch));
    trainer.dispose();
    return [trainer.engine, ...losses];
  }`;

test('a page trains on the wasm engine under a strict content security policy, threads and all, to the same bits', async () => {
  const app = join(folder, 'app/node_modules/bptt/dist');
  const server = createServer(({ url = '/' }, response) => {
    const pages: Record<string, string> = {
      '/': '<!doctype html><script type="module" src="/page.js"></script>',
      '/training.js': training('').replace(/'(\/\w+)'/g, "'$1/index.js'"),
      '/page.js': `import { train } from '/training.js';
        const worker = new Worker('/worker.js', { type: 'module' });
        const inWorker = new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = reject;
        });
        const result = document.createElement('output');
        result.textContent = JSON.stringify([await train(1), await train(2), await inWorker]);
        document.body.append(result);`,
      '/worker.js': `import { train } from '/training.js';
        postMessage(await train(2));`,
    };
    const body = pages[url] ?? (existsSync(join(app, url)) && readFileSync(join(app, url), 'utf8'));
    response.writeHead(body ? 200 : 404, {
      'content-type': url === '/' ? 'text/html' : 'text/javascript',
      'content-security-policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(body || '');
  });
  server.listen(0);
  unpackSoftwareGpu();
  const browser = await chromium.launch(softwareBrowser());
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(message.text()));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    const result = await page.locator('output').textContent({ timeout: 20_000 });
    const [one, refused, two] = JSON.parse(result!) as (string | number)[][];
    expect(problems.filter((text) => !text.includes('favicon'))).toEqual([]);
    writeFileSync(join(folder, 'app/training.js'), training('bptt'));
    const script =
      "const { train } = await import('./training.js'); console.log(JSON.stringify([await train(1), await train(2)]));";
    const here = JSON.parse(run('node', ['--input-type=module', '-e', script], join(folder, 'app')));
    expect([one, two]).toEqual(here);
    expect([one[0], two[0]]).toEqual(['wasm', 'wasm ×2']);
    expect(refused).toEqual(one); // a page's main thread may not wait: one thread
  } finally {
    await browser.close();
    server.close();
  }
}, 120_000);

test('publint finds nothing to complain about', () => {
  expect(run('npx', ['publint', 'run', tarball, '--strict'], root)).toContain('All good!');
}, 60_000);

test('the types are right for every way of importing them', () => {
  // The package is ESM only, so the resolution of CommonJS is not asked.
  const output = run('npx', ['attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color'], root);
  expect(output.match(/node16 \(from ESM\): 🟢/g)).toHaveLength(entries.length + 1);
  expect(output.match(/bundler: 🟢/g)).toHaveLength(entries.length + 1);
}, 60_000);
