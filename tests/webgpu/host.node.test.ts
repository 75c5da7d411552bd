import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gpuEnvironment } from '../../scripts/softwareGpu.ts';
import { openDevice } from '../../src/webgpu/device/device.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the host', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.doUnmock('webgpu');
    vi.resetModules();
  });

  it('is asked for navigator.gpu first', async () => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.reject(new Error('of the navigator')) } });
    await expect(openDevice()).rejects.toThrow('of the navigator');
  });

  it('in a browser without WebGPU says where there would be one', async () => {
    vi.stubGlobal('navigator', {});
    vi.stubGlobal('process', undefined);
    await expect(openDevice()).rejects.toMatchObject({
      kind: 'no-webgpu',
      message: 'openDevice: this host has no navigator.gpu; a browser offers it on https and localhost only',
    });
  });

  it('in Node without the package webgpu says how to get it', async () => {
    vi.doMock('webgpu', () => {
      throw new Error('planted');
    });
    await expect(openDevice()).rejects.toMatchObject({
      kind: 'no-webgpu',
      message: expect.stringMatching(/^openDevice: Node has no WebGPU of its own; npm install webgpu \(/),
    });
  });

  it('in Node with the package webgpu takes that, and is asked for one only', async () => {
    const create = vi.fn(() => ({ requestAdapter: () => Promise.resolve(null) }));
    vi.doMock('webgpu', () => ({ create }));
    for (let i = 0; i < 2; i++) await expect(openDevice()).rejects.toMatchObject({ kind: 'no-adapter' });
    expect(create).toHaveBeenCalledTimes(1);
  });
});

/** Runs a process to its end, where it finds the adapter that the other suites run on. */
async function run(
  command: string,
  args: readonly string[],
): Promise<{ status: number | null; out: string; err: string }> {
  const options = { cwd: root, env: await gpuEnvironment(), encoding: 'utf8', timeout: 170_000 } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { status, out: stdout, err: stderr };
}

describe('a process', () => {
  it.each([
    ['after dispose', 'device.dispose();'],
    ['with a device still open', ''],
    ['after the loss of a device', 'device.gpu.destroy(); await device.lost;'],
  ])('ends by itself, cleanly, %s', async (_, end) => {
    const script = `
      import { openDevice, tanh } from 'bptt/webgpu';
      const device = await openDevice();
      const x = device.floats([1]);
      tanh(x, x);
      console.log((await x.read())[0].toFixed(4));
      ${end}`;
    const args = ['--import', 'tsx', '--conditions=bptt-source', '--input-type=module', '-e', script];
    expect(await run(process.execPath, args)).toEqual({ status: 0, out: '0.7616\n', err: '' });
  });
});

it('every kernel runs through a second compiler of WGSL, naga, in Deno', async () => {
  const deno = createRequire(import.meta.url).resolve('deno/bin.cjs');
  const flags = ['--allow-all', '--no-config', '--no-lock', '--no-check'];
  const { status, out, err } = await run(process.execPath, [deno, 'run', ...flags, 'tests/webgpu/naga.ts']);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const { name, software, checks, failures, shader } = JSON.parse(out);
  console.log(`WebGPU: ${name} (${software ? 'software' : 'GPU'}), by naga: ${checks} kernel checks passed`);
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(180);
  expect(shader).toMatch(/^wrong: \d+:\d+ /);
}, 180_000);
