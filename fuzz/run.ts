import { setTimeout } from 'node:timers/promises';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { gpuOrSoftware } from '../scripts/softwareGpu.ts';
import { targets } from './entries.ts';
import { judge, type Verdict } from './judge.ts';
import type { Begin, Report } from './protocol.ts';
import { tryOn } from './recipes/models.ts';

/** The thread that calls: one case after another, its number in shared memory, so that whoever watches sees it stand still. */
const port = parentPort as MessagePort;
const { seed, from, cases, only, files, device, cell } = workerData as Begin;
const current = new Int32Array(cell);

if (device) tryOn(await gpuOrSoftware());
const all = (await targets({ device })).filter(
  ({ name, recipe }) => (only === undefined || name.includes(only)) && (!files || recipe.file !== undefined),
);
if (all.length === 0) throw new Error(`fuzz: nothing is called ${only}`);

process.on('unhandledRejection', (error) => {
  port.postMessage({
    kind: 'wrong',
    name: 'a promise',
    what: `rejected unheard: ${String(error)}`,
    where: '',
    index: 0,
  } satisfies Report);
});

let tried = 0;
let right = 0;
let named = 0;
const post = (report: Report): void => port.postMessage(report);
post({ kind: 'names', names: all.map(({ name }) => name) });
for (let k = from; k < cases && Atomics.load(current, 2) === 0; k++) {
  const target = all[k % all.length];
  const index = Math.floor(k / all.length);
  const { weight = 1 } = target.recipe;
  if (weight < 1 && index % Math.round(1 / weight) !== 0) continue;
  Atomics.store(current, 0, k);
  Atomics.add(current, 1, 1);
  const verdict: Verdict = await judge(target, seed, index).catch(
    (error: unknown) => ({ kind: 'wrong', what: `the fuzzer failed: ${(error as Error).stack}`, where: '' }) as const,
  );
  Atomics.add(current, 1, 1);
  tried++;
  if (verdict.kind === 'right') right++;
  else if (verdict.kind === 'named') named++;
  else if (verdict.kind === 'wrong') post({ ...verdict, name: target.name, index });
  if (tried % 200 === 0) {
    post({ kind: 'counts', tried, right, named });
    // what is rejected unheard, and a message to stop, come between
    await new Promise((resolve) => setImmediate(resolve));
  }
}
// What a device was asked for and nobody waits for has to come.
if (device) await setTimeout(1000);
post({ kind: 'counts', tried, right, named });
post({ kind: 'done' });
