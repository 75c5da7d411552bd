import { afterAll, describe, expect, it } from 'vitest';
import { CommandList } from '../../src/webgpu/device/commands.ts';
import { type Device, openDevice } from '../../src/webgpu/device/device.ts';
import { WebgpuError, type WebgpuErrorKind } from '../../src/webgpu/device/errors.ts';
import type { KernelSource } from '../../src/webgpu/device/pipelines.ts';
import { rowwise } from '../../src/webgpu/device/rowwise.ts';
import { matmulNN } from '../../src/webgpu/kernels/matmul.ts';
import { scale } from '../../src/webgpu/kernels/scale.ts';
import { softmax } from '../../src/webgpu/kernels/softmax.ts';
import { tanh } from '../../src/webgpu/kernels/tanh.ts';
import { openTestDevice } from './device.ts';

const device = await openTestDevice();
afterAll(() => device.dispose());

/** The error of that kind that was thrown. */
async function thrownBy(run: () => unknown, kind: WebgpuErrorKind): Promise<WebgpuError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(WebgpuError);
    expect((error as WebgpuError).kind).toBe(kind);
    return error as WebgpuError;
  }
  throw new Error(`nothing was thrown, expected ${kind}`);
}

describe('openDevice', () => {
  it('never reports a software adapter as a GPU', () => {
    const { name, vendor, architecture, software } = device.adapter;
    expect(name).not.toBe('');
    if (/swiftshader|llvmpipe/i.test(`${name} ${vendor} ${architecture}`)) expect(software).toBe(true);
  });

  const fakeAdapter = (info: object, requestDevice: () => Promise<GPUDevice>): GPUAdapter =>
    ({ info, limits: {}, requestDevice }) as unknown as GPUAdapter;
  const refuse = (): Promise<never> => Promise.reject(new Error('planted'));

  it.each([
    [{ description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
    [{ vendor: 'google', architecture: 'swiftshader', device: '0xc0de' }, true],
    [{ device: 'Microsoft Basic Render Driver' }, true],
    [{ description: 'NVIDIA H200', isFallbackAdapter: true }, true],
    [{ description: 'NVIDIA H200', vendor: 'nvidia', architecture: 'hopper', isFallbackAdapter: false }, false],
    [{ vendor: 'apple', architecture: 'metal-3', device: '', description: '' }, false],
  ])('takes %o for software: %s', async (info, software) => {
    const gpu = Object.assign(new EventTarget(), { limits: {}, lost: new Promise(() => {}) }) as unknown as GPUDevice;
    const opened = await openDevice({ adapter: fakeAdapter(info, () => Promise.resolve(gpu)) });
    expect(opened.adapter.software).toBe(software);
    expect(opened.adapter.name).not.toBe('');
  });

  it('says what is missing', async () => {
    const none = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    expect(String(await thrownBy(() => openDevice({ gpu: none }), 'no-adapter'))).toMatch('no GPU can be used here');
    const broken = { requestAdapter: refuse } as unknown as GPU;
    expect(String(await thrownBy(() => openDevice({ gpu: broken }), 'no-adapter'))).toMatch('planted');
    const adapter = fakeAdapter({ description: 'NVIDIA H200' }, refuse);
    expect(String(await thrownBy(() => openDevice({ adapter }), 'refused'))).toBe(
      'WebgpuError: openDevice: NVIDIA H200 gives no device: planted',
    );
  });

  it('works with the limits that WebGPU promises everywhere', async () => {
    const plain = await openTestDevice({ limits: 'default' });
    expect(plain.limits.maxStorageBuffersPerShaderStage).toBe(8);
    expect(plain.limits.maxStorageBufferBindingSize).toBe(2 ** 27);
    const p = plain.floats([1, 2, 3]);
    softmax(p, p, 1, 3);
    expect((await p.read())[2]).toBeCloseTo(0.665, 3);
    const error = await thrownBy(() => plain.floats(2 ** 25 + 1, 'weights'), 'limit');
    expect(error.message).toBe('weights: 134217732 bytes, this device allows 134217728 a buffer');
    plain.dispose();
  });
});

describe('buffers', () => {
  it('hold what was written, in every type, and views share it', async () => {
    const floats = device.floats(6, 'six');
    expect(await floats.read()).toEqual(new Float32Array(6));
    floats.slice(1, 4).slice(1, 3).write([0.5, -1e-3]);
    expect(await floats.read()).toEqual(Float32Array.of(0, 0, 0.5, -1e-3, 0, 0));
    expect(await floats.slice(2, 4).read()).toEqual(Float32Array.of(0.5, -1e-3));
    expect(await device.ints([-1, 2 ** 31 - 1]).read()).toEqual(Int32Array.of(-1, 2 ** 31 - 1));
    expect(await device.uints([0, 2 ** 32 - 1]).read()).toEqual(Uint32Array.of(0, 2 ** 32 - 1));
    expect(await device.floats(0).read()).toEqual(new Float32Array(0));
    expect(floats.label).toBe('six');
  });

  it('refuse what does not fit', async () => {
    const floats = device.floats(6, 'six');
    expect(() => floats.write(new Float32Array(7))).toThrow('write: 7 numbers for six, expected at most 6');
    expect(() => floats.slice(2, 7)).toThrow('slice: six from 2 to 7, expected 0 ≤ start ≤ end ≤ 6');
    expect(() => floats.slice(-1, 2)).toThrow(RangeError);
    expect(() => device.floats(-1)).toThrow(RangeError);
    expect(() => device.floats(1.5)).toThrow(RangeError);
    const most = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    expect((await thrownBy(() => device.floats(most, 'too large'), 'limit')).message).toMatch(/^too large: \d+ bytes/);
    floats.destroy();
    expect((await thrownBy(() => floats.read(), 'disposed')).message).toBe('read: six has been destroyed');
    await thrownBy(() => floats.write([1]), 'disposed');
    expect((await thrownBy(() => tanh(floats, floats), 'disposed')).message).toMatch(
      'tanh: y (six) has been destroyed',
    );
  });

  it('name the one that there is no memory for, and do nothing that needs it', async () => {
    const { gpu } = device;
    const popErrorScope = gpu.popErrorScope.bind(gpu);
    gpu.popErrorScope = async () => {
      await popErrorScope();
      return { message: 'planted' } as GPUError;
    };
    const huge = device.floats(1000, 'gradients');
    gpu.popErrorScope = popErrorScope;
    const [x, y] = [device.floats([1]), device.floats([2])];
    await device.done();
    const submits = device.counters.submits;
    tanh(y, x);
    tanh(huge, huge);
    const error = await thrownBy(() => y.read(), 'out-of-memory');
    expect(error.message).toBe('gradients: no memory for 4000 bytes (planted)');
    expect(device.counters.submits).toBe(submits);
    await thrownBy(() => device.record(() => tanh(huge, huge)), 'out-of-memory');
    // What does not need it goes on.
    expect(await y.read()).toEqual(Float32Array.of(2));
    huge.destroy();
  });
});

describe('calls', () => {
  it('happen in their order, whether or not something has to be compiled or allocated first', async () => {
    const source: KernelSource = {
      name: 'twice as much and one',
      outputs: { x: 'f32' },
      inputs: {},
      args: {},
      code: '@compute @workgroup_size(1) fn main() { set_x(0u, 2.0 * x(0u) + 1.0); }',
    };
    for (let round = 0; round < 3; round++) {
      const values = Float32Array.of(5);
      const x = device.floats(values);
      device.dispatch(source, { x }, {}, [1, 1, 1]);
      const first = x.read();
      values[0] = 100;
      x.write(values);
      values[0] = -1;
      device.dispatch(source, { x }, {}, [1, 1, 1]);
      device.dispatch(source, { x }, {}, [1, 1, 1]);
      const second = x.read();
      x.destroy();
      expect([...(await first), ...(await second)]).toEqual([11, 403]);
    }
  });

  it('name function, argument, what they got and what they want', () => {
    const [c, a, b] = [device.floats(6), device.floats(8), device.floats(12)];
    expect(() => matmulNN(c, a, b, 2, 4, 4)).toThrow('matmulNN: c has 6 elements, expected [M,N] = [2,4]');
    expect(() => matmulNN(c, a, b, 2, 3, 3)).toThrow('matmulNN: a has 8 elements, expected [M,K] = [2,3]');
    expect(() => tanh(c, a)).toThrow('tanh: x has 8 elements, expected [n] = [6]');
    expect(() => tanh(c, device.ints(6) as unknown as typeof c)).toThrow('tanh: x holds int32, expected float32');
  });

  it('refuse more than the device can do, by name', async () => {
    const x = device.floats(1);
    const source: KernelSource = { name: 'wide', outputs: { x: 'f32' }, inputs: {}, args: {}, code: '' };
    const groups = device.limits.maxComputeWorkgroupsPerDimension + 1;
    expect((await thrownBy(() => device.dispatch(source, { x }, {}, [1, groups, 1]), 'limit')).message).toMatch(
      `wide: [1,${groups},1] workgroups, this device allows ${groups - 1} a dimension`,
    );
    const names = Array.from({ length: device.limits.maxStorageBuffersPerShaderStage + 1 }, (_, i) => `x${i}`);
    const many: KernelSource = {
      ...source,
      name: 'many',
      outputs: Object.fromEntries(names.map((name) => [name, 'f32'] as const)),
    };
    const buffers = Object.fromEntries(names.map((name) => [name, device.floats(1)]));
    expect((await thrownBy(() => device.dispatch(many, buffers, {}, [1, 1, 1]), 'limit')).message).toMatch(
      `many: ${names.length} buffers, this device allows ${names.length - 1} a kernel`,
    );
  });

  it('go on in further rows of workgroups where one dimension is full', async () => {
    const count = 64 * 65_535 + 100;
    const long = device.floats(count);
    long.slice(count - 2, count).write([3, 4]);
    scale(long, long, 2);
    expect(await long.slice(count - 3, count).read()).toEqual(Float32Array.of(0, 6, 8));
    long.destroy();
    // Five rows in three columns and two lines of workgroups.
    const numbers = rowwise(
      'numbers of rows',
      { y: 'f32' },
      {},
      'if (lane < args.n) { set_y(start + lane, f32(row)); }',
    );
    const y = device.floats(12);
    device.dispatch(numbers, { y }, { workgroups: 5, n: 2 }, [3, 2, 1]);
    expect(await y.read()).toEqual(Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 0));
  });

  it('have all that the kernel asks for', () => {
    const x = device.floats(1);
    const source: KernelSource = { name: 'asking', outputs: { x: 'f32' }, inputs: {}, args: { n: 'u32' }, code: '' };
    expect(() => device.dispatch(source, { x }, {}, [1, 1, 1])).toThrow('asking: the number n is missing');
    expect(() => device.dispatch(source, {}, { n: 1 }, [1, 1, 1])).toThrow('asking: the buffer x is missing');
    const args = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`n${i}`, 'u32' as const]));
    const numbers = Object.fromEntries(Object.keys(args).map((name) => [name, 1]));
    expect(() => device.dispatch({ ...source, args }, { x }, numbers, [1, 1, 1])).toThrow(
      'asking: 65 numbers and buffers, expected at most 64',
    );
  });

  it('do not mix devices, nor see a buffer as fours that does not begin at one', async () => {
    const other = await openTestDevice();
    expect(() => tanh(device.floats(1), other.floats(1))).toThrow('tanh: x is on another device');
    other.dispose();
    const fours: KernelSource = { name: 'fours', outputs: { x: 'vec4f' }, inputs: {}, args: {}, code: '' };
    const view = device.floats(8, 'eight').slice(2, 6);
    expect(() => device.dispatch(fours, { x: view }, {}, [1, 1, 1])).toThrow(
      'fours: x begins at element 2 of eight, expected a multiple of 4',
    );
  });

  it('see one buffer as fours and as single floats, but write only fours there', async () => {
    const turn: KernelSource = {
      name: 'turn',
      outputs: { y: 'vec4f' },
      inputs: { x: 'f32' },
      args: {},
      code: '@compute @workgroup_size(1)\nfn main() {\n  set_y(0u, vec4f(x(3u), x_at(args.x_start + 2u), x(1u), x(0u)));\n}',
    };
    const all = device.floats([0, 1, 2, 3, 4, 0, 0, 0], 'eight');
    device.dispatch(turn, { y: all.slice(4, 8), x: all.slice(1, 5) }, {}, [1, 1, 1]);
    expect(await all.read()).toEqual(Float32Array.of(0, 1, 2, 3, 4, 3, 2, 1));
    const single: KernelSource = { ...turn, name: 'single', outputs: { y: 'vec4f', x: 'f32' }, inputs: {} };
    expect(() => device.dispatch(single, { y: all.slice(4, 8), x: all.slice(1, 5) }, {}, [1, 1, 1])).toThrow(
      'single: x is written by single floats where others see fours',
    );
  });

  it('that do not compile tell line, column and the line itself, and the next ones go on', async () => {
    const wrong: KernelSource = {
      name: 'wrong',
      outputs: { y: 'f32' },
      inputs: {},
      args: {},
      code: '@compute @workgroup_size(1)\nfn main() {\n  set_y(0u, undeclared + 1.0);\n}',
    };
    const y = device.floats([3]);
    device.dispatch(wrong, { y }, {}, [1, 1, 1]);
    const { message } = await thrownBy(() => y.read(), 'shader');
    expect(message).toMatch(/^wrong: \d+:13 .*undeclared/s);
    expect(message).toContain('\n    set_y(0u, undeclared + 1.0);');
    expect(await y.read()).toEqual(Float32Array.of(3));
    await thrownBy(() => device.record(() => device.dispatch(wrong, { y }, {}, [1, 1, 1])), 'shader');
    scale(y, y, 2);
    expect(await y.read()).toEqual(Float32Array.of(6));
  });

  it('that the device objects to are told of', async () => {
    device.gpu.queue.writeBuffer(device.floats(1).storage.gpu, 8, Float32Array.of(1));
    await thrownBy(() => device.done(), 'validation');
    await device.done();
  });
});

describe('recorded lists', () => {
  const counting: KernelSource = {
    name: 'counting',
    outputs: { x: 'f32' },
    inputs: {},
    args: { base: 'f32' },
    repeats: true,
    code: '@compute @workgroup_size(1) fn main() { set_x(0u, x(0u) * args.base + f32(repeat())); }',
  };

  it('are sent again and again in one submit each, with nothing made, and know which repetition it is', async () => {
    const x = device.floats([0]);
    const list = await device.record(() => device.dispatch(counting, { x }, { base: 10 }, [1, 1, 1]));
    expect(list).toBeInstanceOf(CommandList);
    expect(list.dispatches).toBe(1);
    list.submit(5);
    expect(await x.read()).toEqual(Float32Array.of(1234));
    const before = { ...device.counters, memory: device.memoryUse };
    for (let step = 0; step < 1000; step++) list.submit(2);
    await device.done();
    const { dispatches, submits, buffers, readbacks } = device.counters;
    expect(dispatches - before.dispatches).toBe(2000);
    expect(submits - before.submits).toBe(1000);
    expect(buffers).toBe(before.buffers);
    expect(readbacks).toBe(before.readbacks);
    expect(device.memoryUse).toEqual(before.memory);
    list.destroy();
    expect((await thrownBy(() => list.submit(), 'disposed')).message).toBe('submit: the list has been destroyed');
    expect(device.memoryUse.buffers).toBe(before.memory.buffers - 1);
  });

  it('hold kernels only, and no lists', async () => {
    const x = device.floats([0]);
    await expect(device.record(() => x.write([1]))).rejects.toThrow('record: only kernels can be recorded');
    let inner: Promise<unknown> = Promise.resolve();
    await device.record(() => {
      inner = device.record(() => {});
    });
    await expect(inner).rejects.toThrow('record: another list is being recorded');
    const list = await device.record(() => tanh(x, x));
    for (const times of [0, 257, 1.5]) expect(() => list.submit(times)).toThrow(RangeError);
    x.destroy();
    expect((await thrownBy(() => list.submit(), 'disposed')).message).toBe('submit: floats has been destroyed');
  });
});

describe('the end of a device', () => {
  const run = (lost: Device): Promise<unknown>[] => {
    const x = lost.floats([1, 2]);
    tanh(x, x);
    return [x.read(), lost.record(() => softmax(x, x, 1, 2)), lost.done()];
  };

  it('lost: whoever waits is told, and so is every later call', async () => {
    const doomed = await openTestDevice();
    const x = doomed.floats([1]);
    const list = await doomed.record(() => tanh(x, x));
    await x.read();
    const waiting = run(doomed);
    doomed.gpu.destroy();
    await Promise.all(waiting.map((promise) => thrownBy(() => promise, 'lost')));
    const error = await doomed.lost;
    expect(error.message).toMatch(`the device ${doomed.adapter.name} is lost`);
    for (const call of [
      () => doomed.floats(1),
      () => x.write([1]),
      () => x.read(),
      () => tanh(x, x),
      () => doomed.submit(),
      () => doomed.done(),
      () => doomed.record(() => {}),
      () => list.submit(),
    ]) {
      expect(await thrownBy(call, 'lost')).toBe(error);
    }
    x.destroy();
    doomed.dispose();
    expect(doomed.memoryUse).toEqual({ buffers: 0, bytes: 0 });
  });

  it('disposed of: nothing is left, and every later call says so', async () => {
    const spent = await openTestDevice();
    const waiting = run(spent);
    expect(spent.memoryUse.buffers).toBeGreaterThan(0);
    spent.dispose();
    spent.dispose();
    await Promise.all(waiting.map((promise) => thrownBy(() => promise, 'disposed')));
    expect(spent.memoryUse).toEqual({ buffers: 0, bytes: 0 });
    expect((await thrownBy(() => spent.floats(1), 'disposed')).message).toMatch('has been disposed of');
    expect((await spent.lost).kind).toBe('disposed');
  });
});
