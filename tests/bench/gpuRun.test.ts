import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleGpuRun } from '../../bench/gpu/bundle.ts';
import { bestRows, type GpuReport, gpuMarkdown, type SectionReport, withShare } from '../../bench/gpu/report.ts';
import { SECTIONS } from '../../bench/gpu/sections.ts';
import { plansOf, recurrencePlansOf } from '../../bench/gpu/tuningSections.ts';
import { gpuEnvironment } from '../../scripts/softwareGpu.ts';
import type { Device } from '../../src/webgpu/device/device.ts';
import { type Ended, ended } from '../cli/command.ts';

process.env.BPTT_SOFTWARE_GPU = '1';
const folder = mkdtempSync(join(tmpdir(), 'bptt-gpu-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the bundle, in a folder with nothing but the package webgpu', () => {
  let file: string;
  beforeAll(async () => {
    file = await bundleGpuRun(join(folder, 'app'));
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  });

  async function run(out: string, env: Record<string, string | undefined>): Promise<Ended & { report: GpuReport }> {
    const child = spawn(process.execPath, [file, out], { cwd: folder, env: { ...env, BPTT_GPU_EFFORT: 'small' } });
    const outcome = await ended(child);
    return { ...outcome, report: JSON.parse(readFileSync(join(out, 'gpu.json'), 'utf8')) as GpuReport };
  }

  it('asks for nothing but Node and that package', () => {
    const imports = readFileSync(file, 'utf8').matchAll(/^import .*from "(.*)"|import\("(.*?)"\)/gm);
    const names = [...imports].map(([, always, sometimes]) => always ?? sometimes);
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => !name.startsWith('node:'))).toEqual([]); // webgpu is looked for by a variable
  });

  it('runs sections, each with its tables', async () => {
    const out = join(folder, 'runs');
    const env = { ...(await gpuEnvironment()), BPTT_GPU_ONLY: 'adapter,products,W1,stages' };
    const { status, report } = await run(out, env);
    expect(report.sections.map(({ name, state }) => `${name} ${state}`)).toEqual([
      ...['adapter done', 'products done', 'W1 done', 'stages done'],
    ]);
    expect(status).toBe(0);
    const [adapter, products, W1, stages] = report.sections.map(({ tables }) => tables);
    expect(adapter.machine).toContainEqual({ what: 'software', is: true });
    expect(products.products.map(({ N }) => N)).toEqual([64, 128]);
    for (const { 'GFLOP/s': rate } of products.products) expect(rate).toBeGreaterThan(0);
    expect(W1['W1-small'].map(({ engine, results }) => `${engine}: ${results}`)).toEqual([
      ...['webgpu compute: right', 'webgpu end-to-end: right', 'wasm: right'],
    ]);
    expect(W1['W1-small'][0]['of products, %']).toBeGreaterThan(0);
    expect(W1['W1-small'][0].dispatches).toBe(9);
    expect(Object.keys(stages)).toEqual(['W1', 'W2', 'W3']);
    expect(stages.W3.map(({ stage }) => stage)).toContain('weightGradients');
    expect(readFileSync(join(out, 'gpu.md'), 'utf8')).toContain('| products | done |');
  }, 120_000);

  it('goes on where a section fails, and tells it', async () => {
    const env = { ...(await gpuEnvironment()), VK_DRIVER_FILES: join(folder, 'none.json') };
    const { status, report } = await run(join(folder, 'fails'), { ...env, BPTT_GPU_ONLY: 'latency,products' });
    const [latency, products] = report.sections;
    expect(latency.state).toMatch(/no GPU can be used here/);
    // Of several things each is told by itself.
    expect(products.tables.failures.map(({ what }) => what)).toEqual(['64', '128']);
    expect(status).toBe(1);
  }, 60_000);

  it('begins none that there is no time for', async () => {
    const env = { ...(await gpuEnvironment()), BPTT_GPU_ONLY: 'adapter', BPTT_GPU_SECONDS: '15' };
    const { status, report } = await run(join(folder, 'late'), env);
    expect(report.sections.map(({ state }) => state)).toEqual(['no time was left']);
    expect(status).toBe(1);
  });
});

describe('the sections', () => {
  it('see what is asked for, each once', () => {
    expect(SECTIONS.map(({ name }) => name)).toEqual([
      ...['adapter', 'latency', 'products', 'W1', 'W2', 'W3', 'W4', 'stages'],
      ...['recurrences', 'kernels', 'weightGradients', 'plans', 'crossover'],
    ]);
  });
});

/** What plans look at of a device. */
const gpu = {
  adapter: { software: false },
  limits: { maxComputeWorkgroupStorageSize: 49_152, maxComputeInvocationsPerWorkgroup: 1024 },
} as unknown as Device;

describe('candidates', () => {
  it('of a recurrence are plans and tiles, no two of which are the same kernel', () => {
    const plans = recurrencePlansOf(gpu, 1, 100, 100);
    expect([...plans.keys()][0]).toBe('today');
    // One sequence has no tile of several rows.
    const tiles = [...plans.keys()].filter((name) => name.startsWith('a dispatch a step'));
    expect(tiles).toEqual(['a dispatch a step, tile 1 × 1', 'a dispatch a step, tile 1 × 2']);
    // 25 fours of outputs by 13 parts of 8 are 325 invocations: in a workgroup of 512.
    expect(plans.get('persistent, rows 1, outputs 4, 8 in registers, threads 512')).toMatchObject({
      ...{ weightsInRegisters: 8, threads: 512 },
    });
    expect(plans.get('persistent, rows 1, outputs 4, 16 in registers, threads 256')).toMatchObject({
      ...{ weightsInRegisters: 16, threads: 256 },
    });
  });

  it('of large weights are a dispatch a step', () => {
    expect([...recurrencePlansOf(gpu, 64, 512, 2048).keys()].filter((name) => name.startsWith('persistent'))).toEqual(
      [],
    );
  });

  it('of a product are kernels and splits that leave a part something to do', () => {
    expect(plansOf(25, 100, 80, 'full').every(({ splits }) => 100 / splits >= 32 || splits === 1)).toBe(true);
    expect(plansOf(2048, 4096, 512, 'full')).toContainEqual({ kernel: 'tile128', splits: 4 });
    expect(plansOf(2048, 4096, 512, 'full').some(({ kernel }) => kernel === 'rows')).toBe(false);
  });
});

describe('the report', () => {
  const sections: SectionReport[] = [
    {
      name: 'products',
      title: 'Products',
      state: 'done',
      seconds: 1,
      tables: { products: [{ N: 64, 'GFLOP/s': 400 }] },
    },
    {
      ...{ name: 'plans', title: 'Plans', state: 'stopped', seconds: 2 },
      tables: {
        square: [
          { candidate: 'today: tile32', µs: 30 },
          { candidate: 'tile64', µs: 20, host: 0.5 },
        ],
      },
    },
  ];

  it('puts the fastest first and says what it gains', () => {
    expect(bestRows(sections[1])).toEqual([
      { of: 'plans: square', best: 'tile64', µs: 20, 'today, µs': 30, gain: 1.5 },
    ]);
    const text = gpuMarkdown({ effort: 'full', sections });
    expect(text).toContain('| plans | stopped | 2 |');
    expect(text).toContain(
      '| candidate | µs | host |\n| --- | --- | --- |\n| tile64 | 20 | 0.5 |\n| today: tile32 | 30 | – |',
    );
  });

  it('holds engine webgpu against the products that were measured', () => {
    const row = { engine: 'webgpu compute', 'GFLOP/s': 100 };
    expect(withShare(row, sections)).toEqual({ ...row, 'of products, %': 25 });
    expect(withShare(row, [])).toEqual(row);
    const wasm = { engine: 'wasm', 'GFLOP/s': 100 };
    expect(withShare(wasm, sections)).toEqual(wasm);
  });
});
