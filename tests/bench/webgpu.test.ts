import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { judgeOf } from '../../bench/agreement.ts';
import type { Scope } from '../../bench/contender.ts';
import { libraryContender } from '../../bench/library.ts';
import type { Result } from '../../bench/measure.ts';
import { webgpuContender } from '../../bench/webgpu.ts';
import { WORKLOADS } from '../../bench/workloads.ts';
import { gpuOrSoftware } from '../../scripts/softwareGpu.ts';
import { ended, start } from '../cli/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-bench-webgpu-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

process.env.BPTT_SOFTWARE_GPU = '1';

test('engine webgpu names its adapter and counts what a step asks of it', async () => {
  const json = join(folder, 'bench.json');
  const args = ['--only', 'W5,W4-64', '--engines', 'webgpu', '--samples', '2', '--seconds', '0.01', '--json', json];
  const { status, out } = await ended(start('bench/bench.ts', args, folder));
  expect(status).toBe(0);
  expect(out).toMatch(/^ {2}webgpu compute \(SwiftShader .*, software\) /m);

  const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: Result[] };
  expect(results.map(({ workload, scope }) => `${workload} ${scope}`)).toEqual([
    ...['W4-64 compute', 'W4-64 end-to-end'],
    ...['W5 compute', 'W5 end-to-end'],
  ]);
  for (const row of results) {
    expect(row).toMatchObject({ engine: 'webgpu', adapter: expect.stringMatching(/SwiftShader/), software: true });
    expect(row.median).toBeGreaterThan(0);
    expect(row.ratio).toBeGreaterThan(0); // the losses were those of the float64 loops
    expect(row.dispatchesPerStep).toBe(row.workload === 'W5' ? 9 : 1);
    expect(row.submitsPerStep).toBeGreaterThan(0);
    expect(row.buffersPerStep).toBe(0);
    if (row.scope === 'compute') expect(row.readbacksPerStep).toBe(0);
    else expect(row.readbacksPerStep).toBeGreaterThan(0);
  }
}, 180_000);

test('a step of W1 asks of the device what it promises', async () => {
  const workload = WORKLOADS.find(({ id }) => id === 'W1')!;
  const tensors = workload.tensors();
  const reference = libraryContender(workload.task, tensors, { engine: 'ts', dtype: 'float64', threads: 1 });
  const judge = judgeOf(workload, tensors, await (await reference).run(workload.checked));
  const gpu = await gpuOrSoftware();
  const of = (scope: Scope) => webgpuContender(workload.task, tensors, scope, gpu);
  const [compute, endToEnd] = [await of('compute'), await of('end-to-end')];
  for (const contender of [compute, endToEnd]) expect(judge(await contender.run(workload.checked))).toBeUndefined();
  for (let call = 0; call < 2; call++) await compute.run(32); // the first one makes the buffer for 32 losses
  expect(compute.device!().dispatchesPerStep).toBeLessThanOrEqual(9);
  // All of them in one submit.
  expect(compute.device!()).toMatchObject({ submitsPerStep: 1 / 32, buffersPerStep: 0, readbacksPerStep: 0 });
  await endToEnd.run(8);
  // Of four steps one submit that computes, and one that reads.
  expect(endToEnd.device!()).toMatchObject({ submitsPerStep: 2 / 4, buffersPerStep: 0, readbacksPerStep: 1 / 4 });
}, 180_000);
