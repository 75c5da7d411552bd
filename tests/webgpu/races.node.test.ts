import { describe, expect, it } from 'vitest';
import { type Device, openDevice } from '../../src/webgpu/device/device.ts';
import type { KernelSource } from '../../src/webgpu/device/pipelines.ts';
import { checksFor } from '../../src/webgpu/selfTest/checks.ts';
import { modelChecks } from '../../src/webgpu/selfTest/modelChecks.ts';
import { selfTest } from '../../src/webgpu/selfTest/selfTest.ts';
import { CheckedGpu } from './checked/gpu.ts';

/** A software adapter runs few invocations at a time, in one order: a missing barrier passes there. */
describe('no two invocations touch one element without a barrier between', () => {
  // Which check comes first to a kernel's barrier.
  const places: { kernel: string; barrier: number; only: string[] }[] = [];

  it('in any kernel, at random sizes; all are right on this GPU too', async () => {
    const checked = new CheckedGpu();
    const device = await openDevice({ gpu: checked.gpu });
    const names = [...checksFor(device, true), ...modelChecks].map(({ name }) => name);
    const seen = new Set<string>();
    for (const name of new Set(names)) {
      const only = [name];
      const { failures } = await selfTest(device, { all: true, cases: 1, seed: 5, only });
      expect(failures).toEqual([]);
      expect([...checked.findings]).toEqual([]);
      for (const [kernel, reached] of checked.barriers) {
        for (const barrier of reached) {
          if (!seen.has(`${kernel} ${barrier}`)) places.push({ kernel, barrier, only });
          seen.add(`${kernel} ${barrier}`);
        }
      }
    }
  }, 300_000);

  it('each barrier taken out of each kernel is found', async () => {
    expect(places.length).toBeGreaterThan(30);
    const unseen: string[] = [];
    for (const { kernel, barrier, only } of places) {
      const checked = new CheckedGpu({ without: { kernel, barrier } });
      const device = await openDevice({ gpu: checked.gpu });
      // Small sizes need not all of the barriers.
      for (let seed = 5; seed < 15 && checked.findings.size === 0; seed++) {
        await selfTest(device, { all: true, cases: 1, seed, only });
      }
      if (checked.findings.size === 0) unseen.push(`${kernel}, barrier ${barrier}`);
    }
    expect(unseen).toEqual([]);
  }, 300_000);
});

describe('CheckedGpu finds', () => {
  const main = (body: string, declarations = ''): string => `${declarations}
@compute @workgroup_size(4)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) { ${body} }`;
  const kernel = (code: string): KernelSource => ({
    ...{ name: 'tried', outputs: { y: 'f32' }, inputs: {}, args: {}, code },
  });

  async function run(code: string, groups = 1): Promise<{ findings: string[]; numbers: number[] }> {
    const checked = new CheckedGpu();
    const device: Device = await openDevice({ gpu: checked.gpu });
    const y = device.floats([1, 2, 3, 4, 5, 6, 7, 8]);
    device.dispatch(kernel(code), { y }, {}, [groups, 1, 1]);
    const numbers = [...(await y.read())];
    return { findings: [...checked.findings], numbers };
  }

  it('nothing where many write one element atomically, but that it lies outside', async () => {
    for (const [place, wanted] of [
      ['1u', /^$/],
      ['8u', /a touch outside/],
    ] as const) {
      const checked = new CheckedGpu();
      const device: Device = await openDevice({ gpu: checked.gpu });
      const [y, n] = [device.floats(8), device.uints([4, 5])];
      const code = main(`set_n(${place}, n(0u) + 3u); set_y(lane, f32(n(${place})));`);
      device.dispatch({ ...kernel(code), outputs: { y: 'f32', n: 'atomic<u32>' } }, { y, n }, {}, [1, 1, 1]);
      if (place === '1u') expect([...(await n.read()), ...(await y.read())].slice(0, 6)).toEqual([4, 7, 7, 7, 7, 7]);
      else await device.done();
      expect([...checked.findings].join()).toMatch(wanted);
    }
  });

  const lanes = 'var<workgroup> lanes: array<f32, 4>;';
  it.each<[string, string, string, number, string[]]>([
    ['nothing', 'set_y(lane, f32(lane));', '', 1, []],
    ['two writers', 'set_y(lane / 2u, 1.0);', '', 1, ['two write the same element']],
    [
      'a reader after a writer',
      'set_y(lane, 1.0); set_y(lane + 4u, y(3u - lane));',
      '',
      1,
      ['reads what another writes'],
    ],
    ['nothing with a barrier', 'set_y(lane, 1.0); storageBarrier(); set_y(lane + 4u, y(3u - lane));', '', 1, []],
    [
      'a barrier for the other memory',
      'set_y(lane, 1.0); workgroupBarrier(); set_y(lane + 4u, y(3u - lane));',
      '',
      1,
      ['reads what another writes'],
    ],
    [
      'a neighbour in the workgroup',
      'lanes[lane] = 1.0; set_y(lane, lanes[3u - lane]);',
      lanes,
      1,
      ['reads what another writes'],
    ],
    [
      'nothing in the workgroup with a barrier',
      'lanes[lane] = 1.0; workgroupBarrier(); set_y(lane, lanes[3u - lane]);',
      lanes,
      1,
      [],
    ],
    [
      'the next turn of a loop without its barrier',
      'for (var i = 0u; i < 2u; i++) { lanes[lane] = 1.0; workgroupBarrier(); set_y(lane, lanes[3u - lane]); }',
      lanes,
      1,
      ['writes what another reads'],
    ],
    [
      'another workgroup, barrier or not',
      'if (group.x == lane) { set_y(0u, 1.0); } storageBarrier();',
      '',
      2,
      ['two write the same element'],
    ],
    [
      'another workgroup that reads',
      'if (lane == 0u) { set_y(group.x, y(1u)); }',
      '',
      2,
      ['writes what another reads'],
    ],
    ['what lies outside', 'if (lane == 0u) { set_y(8u, 1.0); }', '', 1, ['a write outside']],
    [
      'a barrier that not all come to',
      'if (lane < 2u) { workgroupBarrier(); }',
      '',
      1,
      ['is not reached by all invocations'],
    ],
  ])('%s', async (_, body, declarations, groups, wanted) => {
    const { findings } = await run(main(body, declarations), groups);
    for (const want of wanted) expect(findings.join()).toContain(want);
    expect(findings.length > 0).toBe(wanted.length > 0);
  });

  it('refuses what it cannot translate', async () => {
    await expect(run(main('set_y(lane, atan2(1.0, 2.0));'))).rejects.toThrow('translate: function atan2 is not known');
  });
});
