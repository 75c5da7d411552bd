import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Own, ownContender } from '../ownContender.ts';
import { serve } from '../serve.ts';
import { type GpuReport, gpuMarkdown, type SectionReport, withShare } from './report.ts';
import type { Effort, Row, Section } from './section.ts';
import { SECTIONS } from './sections.ts';
import { words } from './timing.ts';
import { CONTENDER } from './trainingSections.ts';

/**
 * What the bundle does, on a machine that has Node, the package `webgpu` beside it, and nothing else:
 *
 *     node gpu.mjs [folder]
 *
 * runs every section in a process of its own and leaves `gpu.json` and `gpu.md` in the folder, written anew after each
 * section. Of the environment: `BPTT_GPU_EFFORT=small` tries everything at small sizes; `BPTT_GPU_SECONDS` is how long all
 * may take (450 unless given); `BPTT_GPU_ONLY=products,W1` names the sections to run.
 */

const SECTION = '--section';
/** How long after its time a section is ended, in seconds. */
const GRACE = 12;
/** A section that has less than this left is not begun. */
const LEAST = 5;

const effort: Effort = process.env.BPTT_GPU_EFFORT === 'small' ? 'small' : 'full';
const [, , first, second, third] = process.argv;

if (first === CONTENDER) {
  const own = JSON.parse(second) as Own;
  await serve((task, tensors) => ownContender(task, tensors, own));
} else if (first === SECTION) {
  await runSection(second, Number(third));
} else if (await runAll(first ?? process.env.OUT ?? '.')) {
  process.exitCode = 1;
}

/** A section's own process: each row is a line of JSON. */
async function runSection(name: string, seconds: number): Promise<void> {
  const section = SECTIONS.find((one) => one.name === name)!;
  const end = performance.now() + 1000 * seconds;
  try {
    await section.run({
      effort,
      emit: (table, row) => console.log(JSON.stringify({ table, row })),
      left: () => (end - performance.now()) / 1000,
    });
    console.log(JSON.stringify({ done: true })); // whereupon it is ended, whatever the driver still does
  } catch (error) {
    console.log(JSON.stringify({ failed: words(error) }));
  }
}

/** Runs the sections one after another. @returns how many of them came to no good end */
async function runAll(folder: string): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const end = performance.now() + 1000 * Number(process.env.BPTT_GPU_SECONDS ?? 450);
  const only = process.env.BPTT_GPU_ONLY?.split(',');
  const report: GpuReport = { effort, sections: [] };
  const write = (): void => {
    writeWhole(join(folder, 'gpu.json'), `${JSON.stringify(report, null, 1)}\n`);
    writeWhole(join(folder, 'gpu.md'), gpuMarkdown(report));
  };
  // What was seen of a section that takes long is not lost if the whole run is ended.
  const timer = setInterval(write, 5000);
  for (const section of SECTIONS.filter(({ name }) => only?.includes(name) ?? true)) {
    const { name, title } = section;
    const seconds = Math.min(section.seconds[effort], (end - performance.now()) / 1000 - GRACE);
    const one: SectionReport = { name, title, state: 'no time was left', seconds: 0, tables: {} };
    report.sections.push(one);
    if (seconds >= LEAST) await runIn(one, section, seconds, (row) => withShare(row, report.sections));
    console.log(`${name}: ${one.state}, ${one.seconds} s`);
    write();
  }
  clearInterval(timer);
  return report.sections.filter(({ state }) => state !== 'done').length;
}

async function runIn(
  one: SectionReport,
  { name }: Section,
  seconds: number,
  complete: (row: Row) => Row,
): Promise<void> {
  const start = performance.now();
  // A group of its own, so that what it has started ends with it.
  const child = spawn(process.execPath, [process.argv[1], SECTION, name, String(seconds)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  one.state = '';
  const most = seconds + GRACE;
  const limit = setTimeout(() => {
    one.state ||= `stopped after ${most.toFixed(0)} s`;
    end(child.pid);
  }, 1000 * most);
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return console.log(line);
    const told = JSON.parse(line) as { table: string; row: Row } | { failed: string } | { done: true };
    if ('done' in told || 'failed' in told) {
      one.state = 'done' in told ? 'done' : told.failed;
      end(child.pid);
      return;
    }
    const { table, row } = told;
    one.tables[table] ??= [];
    one.tables[table].push(complete(row));
    console.log(`${name} | ${table} | ${Object.values(row).join(' | ')}`);
  });
  const status = await new Promise<number | string | null>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal));
    child.on('error', (error) => resolve(words(error)));
  });
  clearTimeout(limit);
  end(child.pid);
  one.state ||= `ended with ${status}`;
  one.seconds = Number(((performance.now() - start) / 1000).toFixed(1));
}

/** Ends a process and whatever it has started. */
function end(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Writes a file so that whoever is ended meanwhile leaves the one before. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
