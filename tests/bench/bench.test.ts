import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ended, start } from '../cli/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the engines agree, and table and JSON say what was measured', async () => {
  const json = join(folder, 'bench.json');
  const args = ['--only', 'W1,W5', '--samples', '2', '--seconds', '0.01', '--json', json];
  const { status, out } = await ended(start('bench/bench.ts', args, folder));
  expect(status).toBe(0);
  expect(out).toMatch(/^W1 {2}min-char-rnn step/m);
  expect(out).toMatch(/^ {2}ts +\d+ /m);
  const { machine, results } = JSON.parse(readFileSync(json, 'utf8'));
  expect(machine).toMatchObject({ node: process.version });
  expect(results.map((r: { workload: string; engine: string }) => `${r.workload} ${r.engine}`)).toEqual([
    ...['W1 plain', 'W1 plain f64', 'W1 ts', 'W1 wasm'],
    ...['W5 plain', 'W5 plain f64', 'W5 ts', 'W5 wasm'],
  ]);
  for (const { unit, threads, median, min, max, samples } of results) {
    expect(unit).toMatch(/\/s$/);
    expect(threads).toBe(1);
    expect(samples).toHaveLength(2);
    expect(median).toBeGreaterThanOrEqual(min);
    expect(median).toBeLessThanOrEqual(max);
    expect(min).toBeGreaterThan(0);
  }
});

test('an unknown workload or engine is one line', async () => {
  const workload = await ended(start('bench/bench.ts', ['--only', 'W0'], folder));
  expect(workload).toMatchObject({
    status: 1,
    err: 'error: --only: W0 is none of W1, W2, W3, W4-64, W4-256, W4-1024, W5\n',
  });
  const engine = await ended(start('bench/bench.ts', ['--only', 'W1', '--engines', 'abacus'], folder));
  expect(engine.status).toBe(1);
  expect(engine.err).toContain('--engines: abacus is none of plain, plain f64, ts, wasm');
});
