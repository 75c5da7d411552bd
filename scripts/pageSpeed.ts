/**
 * Prints how fast the page trains beside Node, in updates per CPU second of the thread that trains, while it draws; the time
 * from navigation to the first update; its bytes; and, with `--minutes`, the memory of the page over that time.
 * On Linux, where the CPU time of a thread can be read. Run it on an idle machine.
 *
 *     node --import tsx --conditions=bptt-source scripts/pageSpeed.ts [--minutes 30] [link]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { CharVocabulary, CharWindows } from 'bptt/data';
import type { Page } from 'playwright';
import { freshTrainer, specOf, textOf } from '../page/model.ts';
import { fromLink } from '../page/settings.ts';
import { servePage } from '../tests/page/browser.ts';

const args = process.argv.slice(2);
const minutes = args[0] === '--minutes' ? Number(args.splice(0, 2)[1]) : 0;
const link = args[0] ?? '';
const SECONDS = 6;
const TICKS_A_SECOND = 100;

/** CPU seconds of all worker threads of the browser's processes so far. */
function workerSeconds(): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
        const [, name, rest] = /\((.*)\) (.*)/.exec(stat)!;
        const fields = rest.split(' ');
        if (name.startsWith('DedicatedWorker')) ticks += Number(fields[11]) + Number(fields[12]);
      }
    } catch {
      // a process that has ended meanwhile
    }
  }
  return ticks / TICKS_A_SECOND;
}

async function inNode(): Promise<number> {
  const settings = fromLink(link);
  const heron = readFileSync(new URL('../page/heron.txt', import.meta.url), 'utf8');
  const text = textOf(settings, heron);
  const vocabulary = CharVocabulary.fromText(text);
  const { steps, batch: B, cell } = settings;
  const trainer = await freshTrainer(settings, specOf(settings, cell, vocabulary.size));
  const windows = new CharWindows(vocabulary.encode(text), steps, B);
  const batch = {
    inputs: new Int32Array(steps * B),
    targets: new Int32Array(steps * B),
    steps,
    batch: B,
    carry: false,
  };
  const run = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      batch.carry = !windows.next(batch.inputs, batch.targets);
      await trainer.train([batch]);
    }
  };
  await run(500);
  const before = process.cpuUsage();
  let updates = 0;
  for (const end = Date.now() + 1000 * SECONDS; Date.now() < end; updates += 100) await run(100);
  const { user, system } = process.cpuUsage(before);
  return updates / ((user + system) / 1e6);
}

const updatesOf = async (page: Page): Promise<number> =>
  Number(await page.locator('output[data-updates]').getAttribute('data-updates'));

/** The resident memory of the process that the page and its worker run in. */
function megabytes(): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const names = readdirSync(`/proc/${pid}/task`).map((t) => readFileSync(`/proc/${pid}/task/${t}/comm`, 'utf8'));
      if (!names.some((name) => name.startsWith('DedicatedWorker'))) continue;
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000);
    } catch {
      // a process that has ended meanwhile
    }
  }
  return Number.NaN;
}

const server = await servePage();
const page = await server.browser.newPage();
const begin = performance.now();
await page.goto(`${server.url}#${link}`);
await page.locator('button.main:enabled').click();
while ((await updatesOf(page)) === 0) await page.waitForTimeout(5);
console.log(`first update shown after ${Math.round(performance.now() - begin)} ms`);
await page.waitForTimeout(1000);
const [updates, seconds] = [await updatesOf(page), workerSeconds()];
await page.evaluate(`window.changes = 0; new MutationObserver(() => window.changes++)
  .observe(document.querySelector('output[data-updates]'), { attributes: true });`);
const start = performance.now();
await page.waitForTimeout(1000 * SECONDS);
const inPage = ((await updatesOf(page)) - updates) / (workerSeconds() - seconds);
const drawn = ((await page.evaluate<number>('window.changes')) * 1000) / (performance.now() - start);
if (minutes > 0) {
  for (let minute = 0; minute <= minutes; minute++) {
    console.log(`minute ${minute}: ${megabytes()} MB, ${await updatesOf(page)} updates`);
    await page.waitForTimeout(60_000);
  }
}
await server.close();
const node = await inNode();
console.log(`page: ${Math.round(inPage)} updates per CPU second of its worker, ${drawn.toFixed(1)} pictures a second`);
console.log(`Node: ${Math.round(node)} updates per CPU second; page / Node = ${(inPage / node).toFixed(2)}`);
const dist = fileURLToPath(new URL('../page/dist/', import.meta.url));
const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const bytes = files.reduce((sum, entry) => sum + gzipSync(readFileSync(`${entry.parentPath}/${entry.name}`)).length, 0);
console.log(`${(bytes / 1000).toFixed(1)} kB packed, its text with it`);
