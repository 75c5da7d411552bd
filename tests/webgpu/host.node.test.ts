import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { softwareGpuEnvironment } from '../../scripts/softwareGpu.ts';
import { openDevice } from '../../src/webgpu/device.ts';

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

describe('a process', () => {
  it.each([
    ['after dispose', 'device.dispose();'],
    ['with a device still open', ''],
    ['after the loss of a device', 'device.gpu.destroy(); await device.lost;'],
  ])('ends by itself, cleanly, %s', (_, end) => {
    const script = `
      import { openDevice, tanh } from 'bptt/webgpu';
      const device = await openDevice();
      const x = device.floats([1]);
      tanh(x, x);
      console.log((await x.read())[0].toFixed(4), device.adapter.software);
      ${end}`;
    const args = ['--import', 'tsx', '--conditions=bptt-source', '--input-type=module', '-e', script];
    // The environment leads the package webgpu to SwiftShader, whatever GPU the machine may have.
    const env = { ...process.env, ...softwareGpuEnvironment() };
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      env,
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect({ status, signal, stdout, stderr }).toEqual({
      status: 0,
      signal: null,
      stdout: '0.7616 true\n',
      stderr: '',
    });
  });
});

it('runs through a second compiler of WGSL, naga, in Deno', () => {
  const deno = createRequire(import.meta.url).resolve('deno/bin.cjs');
  const output = execFileSync(
    process.execPath,
    [deno, 'run', '--allow-all', '--no-config', '--no-lock', '--no-check', 'tests/webgpu/naga.ts'],
    { cwd: root, env: { ...process.env, ...softwareGpuEnvironment() }, encoding: 'utf8' },
  );
  console.log(output.trim());
  const { software, checks, failures, shader } = JSON.parse(output);
  expect(software).toBe(true);
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(60);
  expect(shader).toMatch(/^wrong: \d+:\d+ /);
}, 180_000);
