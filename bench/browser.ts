import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright';
import { createServer, defaultClientConditions, type ViteDevServer } from 'vite';
import { makeFolder, writeAtomic } from '../cli/files.ts';
import { createCommand, numberBetween, runCommand, wholeNumber } from '../cli/options.ts';
import { softwareBrowser, unpackSoftwareGpu } from '../scripts/softwareGpu.ts';
import { chosen } from './chosen.ts';
import { OWN_ENGINES } from './engine.ts';
import type { Findings } from './page/findings.ts';
import { chartOf, intoDocument, jsonOf, markdownOf, type Report } from './report.ts';
import { isNamed, WORKLOADS } from './workloads.ts';

interface Options {
  serve?: boolean;
  only?: string;
  engines?: string;
  samples: number;
  seconds: number;
  crossover?: boolean;
  json?: string;
  markdown?: string;
  chart: string;
}

const command = createCommand('npm run bench:browser --', 'Times the library in Chromium, on its GPU if it has one.')
  .option('--serve', 'no browser: serve the page for one of your own (npm run bench:page)')
  .option('--only <ids>', 'workloads or groups, separated by commas; else W1,W2,W4,W5')
  .option('--engines <names>', 'engines, separated by commas; else ts,wasm,webgpu')
  .option('--samples <n>', 'samples of each engine', wholeNumber(1000), 7)
  .option('--seconds <s>', 'seconds for each sample', numberBetween(0, 3600, { positive: true }), 0.3)
  .option('--crossover', 'from which net on WebGPU beats WebAssembly here; without --only that alone')
  .option('--json <file>', 'write machine and results as JSON')
  .option('--markdown <file>', 'write them as tables into that file, between its two comments `npm run bench:browser`')
  .option('--chart <file>', 'the picture, an SVG', 'bench/out/browser.svg')
  .action(run);

await runCommand(command);

async function run(options: Options): Promise<void> {
  const { json, markdown, chart } = options;
  chosen('--only', options.only, WORKLOADS, ({ id }) => id, isNamed);
  chosen('--engines', options.engines, OWN_ENGINES, ({ name }) => name);
  const document = markdown && existsSync(markdown) ? readFileSync(markdown, 'utf8') : '';
  intoDocument(document, '', 'bench:browser'); // before the work: it may lack the place
  for (const file of [json, markdown, chart]) if (file) makeFolder(dirname(file));
  const server = await servePage();
  const address = `${server.resolvedUrls!.local[0]}?${queryOf(options)}`;
  if (options.serve) {
    console.log(`open ${address}`);
    return;
  }
  const { browser, page } = await openPage(address);
  try {
    page.on('console', (message) => message.type() === 'log' && console.log(message.text()));
    const { name, software } = await page.evaluate(() => globalThis.findings.adapter!);
    console.log(`WebGPU: ${name} (${software ? 'software, no GPU' : 'GPU'})\n`);
    await page.click('#run');
    await page.evaluate(() => globalThis.findings.end);
    const report: Report = { ...(await page.evaluate(() => globalThis.findings.report)), args: argsOf(options) };
    if (json) writeAtomic(json, jsonOf(report));
    if (markdown) writeAtomic(markdown, intoDocument(document, markdownOf(report), 'bench:browser'));
    if (report.results.length > 0) {
      writeAtomic(chart, chartOf(report));
      console.log(`picture: ${chart}`);
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Serves `page/`, and what it imports, out of the source. */
async function servePage(): Promise<ViteDevServer> {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const server = await createServer({
    configFile: false,
    root: here('page'),
    logLevel: 'error',
    resolve: { conditions: ['bptt-source', ...defaultClientConditions] },
    // What is found while the page runs would make it load again.
    optimizeDeps: { include: ['echarts'], entries: ['page.ts', 'worker.ts'] },
    server: { fs: { allow: [here('..')] }, hmr: false, watch: null },
  });
  return server.listen();
}

/** The page in a browser with a GPU, or where there is none, with SwiftShader. */
async function openPage(address: string): Promise<{ browser: Browser; page: Page }> {
  unpackSoftwareGpu();
  const software = softwareBrowser();
  const own = software.args.filter((argument) => !argument.startsWith('--use-webgpu-adapter'));
  const ways = [{ ...software, args: [...own, '--enable-features=Vulkan'] }, software];
  for (const way of process.env.BPTT_SOFTWARE_GPU === '1' ? [software] : ways) {
    const browser = await chromium.launch(way);
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(address);
    await page.waitForSelector('#run:enabled', { timeout: 120_000 });
    const adapter: Findings['adapter'] = await page.evaluate(() => globalThis.findings.adapter);
    if (adapter && (!adapter.software || way === software)) return { browser, page };
    await browser.close();
  }
  throw new Error('this browser has no WebGPU, not even the software adapter');
}

function queryOf({ only, engines, samples, seconds, crossover }: Options): string {
  const given = Object.entries({ only, engines, samples, seconds, ...(crossover && { crossover: '' }) });
  return given.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])).join('&');
}

/** The options that were given, but for the files written. */
function argsOf(options: Options): string[] {
  const names = ['only', 'engines', 'samples', 'seconds'] as const;
  const given = names.filter((name) => command.getOptionValueSource(name) === 'cli');
  return [
    ...given.flatMap((name) => [`--${name}`, String(options[name])]),
    ...(options.crossover ? ['--crossover'] : []),
  ];
}
