import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { defineCase, operation } from '../../proofs/gradcheckCase.ts';
import { drawSizes, gradcheckCases, mergeReports, runCase } from '../../proofs/gradcheckCases.ts';
import { exactCases, runExact } from '../../proofs/gradcheckExact.ts';
import { CELL_NAMES, LOSS_NAMES } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { EXACT_TOLERANCE } from '../../src/testing/checkFormula.ts';

/** y = x + b with b a parameter, and a backward that can be told to get a convention wrong. */
function addBias(addToX: boolean, addToB: boolean) {
  const put = (to: Float64Array, i: number, value: number, add: boolean) => {
    to[i] = add ? to[i] + value : value;
  };
  return defineCase('addBias', { N: 1 }, ({ N }, random) =>
    operation({
      params: { x: random.randn(N), b: random.randn(1) },
      outputs: N,
      adds: ['b'],
      forward: (y, { x, b }) => {
        for (let i = 0; i < N; i++) y[i] = x[i] + b[0];
      },
      backward: (d, dy) => {
        for (let i = 0; i < N; i++) put(d.x, i, dy[i], addToX);
        let sum = 0;
        for (const g of dy) sum += g;
        put(d.b, 0, sum, addToB);
      },
    }),
  );
}

describe('the harness of a gradient check', () => {
  it('passes what keeps to the conventions', () => {
    const report = runCase(addBias(false, true), { N: 5 }, 1);
    expect(report.passed).toBe(true);
    expect(report.checked).toBe(6);
  });

  it('notices a gradient that is added where it should overwrite', () => {
    expect(() => runCase(addBias(true, true), { N: 5 }, 1)).toThrow(/gradient/);
  });

  it('notices a gradient that overwrites where it should be added', () => {
    expect(() => runCase(addBias(false, false), { N: 5 }, 1)).toThrow(/^gradient of b\[0\] is .*, expected/);
  });
});

describe('the registry', () => {
  it('names every case once', () => {
    const names = gradcheckCases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('starts with the smallest sizes and stays within the spread', () => {
    const one = addBias(false, true);
    const sizes = drawSizes({ ...one, smallest: { N: 2, M: 0 } }, new RandomState(0), 50, 3);
    expect(sizes).toHaveLength(50);
    expect(sizes[0]).toEqual({ N: 2, M: 0 });
    expect(new Set(sizes.map(({ N }) => N))).toEqual(new Set([2, 3, 4, 5]));
    expect(new Set(sizes.map(({ M }) => M))).toEqual(new Set([0, 1, 2, 3]));
  });

  it('adds reports up and keeps the worst', () => {
    const reports = [1, 2, 3].map((N) => runCase(addBias(false, true), { N }, N));
    const merged = mergeReports(reports);
    expect(merged.checked).toBe(2 + 3 + 4);
    expect(merged.checks).toHaveLength(9);
    expect(merged.passed).toBe(true);
    expect(merged.worst!.relativeError).toBe(Math.max(...reports.map(({ worst }) => worst!.relativeError)));
    expect(mergeReports([...reports, { ...reports[0], passed: false, failures: ['why'] }])).toMatchObject({
      passed: false,
      failures: ['why'],
    });
  });
});

describe('the formulas', () => {
  it.each(exactCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const result = runExact(one, 5, 300);
    expect(result).toMatchObject({ passed: true, where: '', units: 300 });
    expect(result.worst).toBeLessThan(EXACT_TOLERANCE);
  });

  it('name every bundled cell and loss', () => {
    const names = exactCases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const cell of CELL_NAMES)
      expect(
        names.some((name) => name.split(',')[0] === cell),
        cell,
      ).toBe(true);
    for (const loss of LOSS_NAMES) expect(names, loss).toContain(loss);
  });
});

describe('npm run gradcheck', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'bptt-gradcheck-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) => {
    const tsx = ['node_modules/tsx/dist/cli.mjs', '--conditions=bptt-source', 'proofs/gradcheck.ts', ...args];
    return spawnSync(process.execPath, tsx, { cwd: root, encoding: 'utf8' });
  };

  it('prints the table with the total and writes the results', () => {
    const json = join(folder, 'report.json');
    const { status, stdout, stderr } = run('--only', 'addRow', '--seed', '3', '--json', json);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^addRow +\d+ .* ok$/m);
    expect(stdout).toMatch(/\d+ elements checked in 1 functions: ok\n$/);
    expect(status).toBe(0);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    expect(report).toMatchObject({ seed: 3, mode: 'full', passed: true });
    expect(report.cases[0]).toMatchObject({ name: 'addRow', passed: true, kinks: 0, inconclusive: 0 });
    expect(report.checked).toBe(report.cases[0].checked);
    expect(report.checked).toBeGreaterThan(0);
  });

  it('takes a mode and a number of samples', () => {
    const { status, stdout } = run('--only', 'matvec', '--mode', 'directional', '--samples', '2');
    expect(status).toBe(0);
    // Two directions at each of four sizes, for matvec and for matvec accumulating.
    expect(stdout).toMatch(/^16 elements checked in 2 functions: ok$/m);
  });

  it('fails when nothing was checked', () => {
    const { status, stderr } = run('--only', 'no such case');
    expect(status).toBe(1);
    expect(stderr).toBe("error: no case has 'no such case' in its name\n");
  });

  /** With the faults of `fixtures/wrongGradient.ts` among its cases. */
  const runPlanted = (...args: string[]) => {
    const imports = [
      '--conditions=bptt-source',
      '--import',
      'tsx',
      '--import',
      './tests/proofs/fixtures/wrongGradient.ts',
    ];
    return spawnSync(process.execPath, [...imports, 'proofs/gradcheck.ts', ...args], { cwd: root, encoding: 'utf8' });
  };

  it.each(['planted: square', 'planted: exact square', 'planted: other loops'])('fails on a fault: %s', (name) => {
    const json = join(folder, 'failed.json');
    const { status, stdout, stderr } = runPlanted('--only', name, '--json', json);
    expect(stderr).toBe('');
    expect(stdout).toMatch(new RegExp(`^${name} .* FAILED$`, 'm'));
    expect(status).toBe(1);
    const { passed, exact } = JSON.parse(readFileSync(json, 'utf8'));
    expect(passed && exact.every((one: { passed: boolean }) => one.passed)).toBe(false);
  });

  it('passes beside faults that are not asked for', () => {
    const { status, stdout } = runPlanted('--only', 'squaredError');
    expect(stdout).toMatch(/^squaredError +exact +1000 +\S+ {2}ok$/m);
    expect(stdout).toMatch(/^2 formulas against their exact derivatives: ok$/m);
    expect(status).toBe(0);
  });

  it('refuses an unknown mode', () => {
    const { status, stderr } = run('--mode', 'half');
    expect(status).toBe(2);
    expect(stderr).toMatch(/--mode/);
  });
});
