import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Result } from '../../bench/measure.ts';
import { ended, start } from '../cli/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A Python that has NumPy, but no PyTorch. NumPy gives losses of 0, and of W4 the right product, but ends when it is timed.
const python = join(folder, 'python');
writeFileSync(
  python,
  `#!${process.execPath}
  const [command, text] = process.argv.slice(2);
  if (command === '-c') {
    if (!text.includes('numpy')) process.exit(1);
    console.log('9.9');
  } else {
    let results;
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { task, tensors, rate } = JSON.parse(line);
      if (rate) process.exit(3);
      if (task) {
        results = new Float64Array(64 * 64);
        if (task.kind !== 'product') return;
        const [a, b] = [tensors.a, tensors.b].map((t) => new Float32Array(Uint8Array.from(Buffer.from(t.data, 'base64')).buffer));
        for (let i = 0; i < 64; i++)
          for (let j = 0; j < 64; j++)
            for (let k = 0; k < 64; k++) results[i * 64 + j] += a[i * 64 + k] * b[k * 64 + j];
        return;
      }
      console.log('a library says hello');
      console.log(JSON.stringify({ results: Buffer.from(results.buffer).toString('base64') }));
    });
  }`,
  { mode: 0o755 },
);
process.env.PYTHON = python;

test('the engines agree, and table, JSON, Markdown and picture say what was measured', async () => {
  const [json, markdown, chart] = ['bench.json', 'new/bench.md', 'new/bench.svg'].map((file) => join(folder, file));
  const args = [
    '--only',
    'W5,W4-64',
    '--engines',
    'plain,ts,wasm,numpy tuned,torch',
    '--samples',
    '3',
    '--seconds',
    '0.01',
  ];
  const files = ['--json', json, '--markdown', markdown, '--chart', chart];
  const { status, out } = await ended(start('bench/bench.ts', [...args, ...files], folder));
  expect(status).toBe(0);
  expect(out).toContain(`torch is left out: not installed (${python} -m pip install torch)\n`);
  expect(out).toContain('W4-64: numpy tuned is left out: numpy tuned ended with status 3\n');
  expect(out).toMatch(/^W5: numpy tuned is left out: the loss of step 0 is 0, expected /m);
  expect(out).toMatch(/^W4-64 {2}C = A·B/m);
  expect(out).toMatch(/^ {2}wasm( ~)? +[\d.]+ /m);
  expect(out).toMatch(/^128-bit peak of one core .*: [\d.]+ GFLOP\/s/m);

  const { machine, peak, results } = JSON.parse(readFileSync(json, 'utf8'));
  expect(machine).toMatchObject({ node: process.version, peers: { numpy: '9.9' } });
  expect(peak.min).toBeGreaterThan(0);
  expect((results as Result[]).map((r) => `${r.workload} ${r.engine}`)).toEqual([
    ...['W4-64 ts', 'W4-64 wasm'],
    ...['W5 plain', 'W5 ts', 'W5 wasm'],
  ]);
  for (const { unit, threads, median, min, max, samples, flops, gflops, shareOfPeak, ratio } of results as Result[]) {
    expect(unit).toMatch(/\/s$/);
    expect(threads).toBe(1);
    expect(samples).toHaveLength(3);
    expect(samples).toContain(median);
    expect(min).toBe(Math.min(...samples));
    expect(max).toBe(Math.max(...samples));
    expect(min).toBeGreaterThan(0);
    expect(gflops).toBeCloseTo((median * flops) / 1e9, 10);
    expect(shareOfPeak).toBeGreaterThan(0);
    expect(ratio).toBeGreaterThan(0); // the float64 loops ran beside them, though not asked for
  }

  const text = readFileSync(markdown, 'utf8');
  expect(text).toContain('`npm run bench -- --only W5,W4-64 --engines "plain,ts,wasm,numpy tuned,torch"');
  expect(text).not.toContain(folder);
  expect(text).toMatch(/^\| wasm( ~)? \| [\d.]+ \|/m);
  expect(readFileSync(chart, 'utf8')).toContain('>W5, sequences/s<');
});

test('an unknown name is one line, and so is a workload that none of the engines does', async () => {
  const run = (...args: string[]) => ended(start('bench/bench.ts', args, folder));
  const [workload, engine, threads, nothing, both] = await Promise.all([
    run('--only', 'W0'),
    run('--only', 'W1', '--engines', 'ts,abacus'),
    run('--threads', '1,many'),
    run('--only', 'W2', '--engines', 'plain'),
    run('--scaling', '--only', 'W1'),
  ]);
  expect(workload).toMatchObject({
    status: 1,
    err: 'error: --only: W0 is none of W1, W2, W3, W3user, W4-64, W4-128, W4-256, W4-512, W4-1024, W5, W6-rnn, W6-lstm\n',
  });
  expect(engine.status).toBe(1);
  expect(engine.err).toMatch(/^error: --engines: abacus is none of plain, plain f64, ts, ts f64, wasm, .*numpy, .*\n$/);
  expect(threads.status).toBe(2);
  expect(threads.err).toContain("'1,many'");
  expect(nothing).toMatchObject({ status: 0, out: 'W2: none of these engines does it\n\n' });
  expect(both.status).toBe(2);
  expect(both.err).toContain("'--scaling' cannot be used with option '--only <ids>'");
});
