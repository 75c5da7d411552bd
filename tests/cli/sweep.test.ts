import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { command } from '../../cli/commands/sweep.ts';
import { command as train } from '../../cli/commands/train.ts';
import { planOf, readPlan } from '../../cli/sweep/plan.ts';
import { bptt, ended, run, tinyText } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-sweep-'));
const at = (...path: string[]) => join(folder, ...path);
beforeAll(() => writeFileSync(at('tiny.txt'), tinyText));
afterAll(() => rmSync(folder, { recursive: true }));

const small = ['tiny.txt', '--preset', 'min-char-rnn', '--hidden', '6', '--steps', '5', '--sample-every', '0'];
const grid = ['--grid', 'cell=elman,gru', '--grid', 'lr=0.05,0.1,0.2'];
const sweep = (...args: string[]) => run('sweep', args, folder);

/** What the command prints, in this process. */
async function printed(...args: string[]): Promise<string> {
  let out = '';
  const keep = (text: unknown): true => {
    out += `${text}`;
    return true;
  };
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void keep(`${line}\n`));
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(keep as typeof process.stdout.write);
  vi.stubEnv('npm_lifecycle_event', undefined); // npx and npm scripts have other words for it
  const before = process.cwd();
  process.chdir(folder);
  try {
    await command.parseAsync(args, { from: 'user' });
  } finally {
    process.chdir(before);
    vi.unstubAllEnvs();
    log.mockRestore();
    write.mockRestore();
  }
  return out;
}

test('every combination of a grid is a command, which says its settings', async () => {
  const lines = (await printed('grid', ...grid, '--', ...small, '--iterations', '50')).trimEnd().split('\n');
  expect(lines).toHaveLength(6);
  expect(lines[4]).toBe(
    'bptt sweep grid --index 4 # tiny.txt --preset min-char-rnn --hidden 6 --steps 5 --sample-every 0 --iterations 50 --cell gru --lr 0.1',
  );
  expect(readPlan(at('grid')).runs.map(({ name }) => name)).toEqual(
    ['elman', 'gru'].flatMap((cell, c) => ['0.05', '0.1', '0.2'].map((lr, l) => `${3 * c + l},cell=${cell},lr=${lr}`)),
  );
  expect(await printed('grid')).toBe(`${lines.join('\n')}\n`);
  await expect(printed('grid', '--grid', 'lr=1')).rejects.toThrow('grid holds another sweep');
});

test('drawn settings lie between their bounds, and the seed decides them', () => {
  const search = {
    grid: [{ option: 'cell', values: ['gru', 'lstm'] }],
    ranges: [
      { option: 'lr', low: 1e-4, high: 1e-1, logarithmic: true },
      { option: 'hidden', low: 8, high: 64, logarithmic: true },
      { option: 'dropout', low: 0, high: 0.5, logarithmic: false },
    ],
    random: 200,
    seed: 3,
  };
  const { runs } = planOf(train, ['book.txt'], search);
  expect(planOf(train, ['book.txt'], search).runs).toEqual(runs);
  expect(planOf(train, ['book.txt'], { ...search, seed: 4 }).runs).not.toEqual(runs);
  const column = (option: string) => runs.map(({ options }) => options[options.indexOf(`--${option}`) + 1]);
  const lr = column('lr')
    .map(Number)
    .sort((a, b) => a - b);
  expect([lr[0] >= 1e-4, lr[199] <= 1e-1]).toEqual([true, true]);
  // the median of log-uniform draws is the geometric mean, give or take 4 standard errors of 200 draws: ±0.14·3 decades
  expect(Math.abs(Math.log10(lr[100]) + 2.5)).toBeLessThan(0.42);
  for (const hidden of column('hidden')) expect(hidden).toMatch(/^\d+$/);
  const share = column('dropout').map(Number);
  expect([Math.min(...share) < 0.1, Math.max(...share) > 0.4]).toEqual([true, true]);
  expect(new Set(column('cell'))).toEqual(new Set(['gru', 'lstm']));
});

test('says what cannot be searched, and writes nothing then', async () => {
  for (const [args, message] of [
    [['x'], 'x holds no sweep (x/sweep.json: no such file or folder): say what to search'],
    [['x', '--', 'tiny.txt'], 'nothing to search: say --grid, or --range with --random'],
    [['x', '--grid', 'depth=1,2'], '--depth is no setting of bptt train'],
    [['x', '--grid', 'out=a,b'], '--out is no setting of bptt train'],
    [['x', '--grid', 'fma=1'], '--fma takes no value'],
    [['x', '--grid', 'hidden=8,many'], '--hidden many: It must be a whole number'],
    [['x', '--grid', 'lr=1', '--grid', 'lr=2'], '--lr is searched twice'],
    [['x', '--range', 'lr=0.1..1'], '--range needs --random'],
    [['x', '--grid', 'lr=1', '--', 'tiny.txt', '--out', 'y'], "--out is the sweep's to say"],
    [['x', '--grid', 'lr=1', '--', 'tiny.txt', '--depth', '3'], 'bptt train has no option --depth'],
    [['x', '--grid', 'lr=1', '--run', '--slurm'], '--run and --slurm exclude each other'],
    [['grid', '--index', '6'], '--index is 6, but the sweep has 6 runs: 0 to 5'],
  ] as const) {
    await expect(printed(...args)).rejects.toThrow(message);
  }
  const exit = vi.spyOn(process, 'exit').mockImplementation((status) => {
    throw new Error(`exit ${status}`);
  });
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  for (const bad of ['--grid lr', '--grid lr=1,,2', '--range lr=2..1', '--range lr=1..2..3', '--range lr=..2']) {
    await expect(printed('x', ...bad.split(' '))).rejects.toThrow('exit 2');
  }
  exit.mockRestore();
  err.mockRestore();
  expect(existsSync(at('x'))).toBe(false);
}, 60_000);

test('the sweeps of docs/scale.md are sweeps', async () => {
  const text = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8');
  const lines = text.match(/^bptt sweep .*$/gm)!;
  const counts: number[] = [];
  for (const line of lines) counts.push((await printed(...line.split(' ').slice(2))).trimEnd().split('\n').length);
  expect(counts).toEqual([6, 40]);
});

describe('the scripts', () => {
  test('of Slurm is one that bash takes, and calls every index', async () => {
    const text = await printed('grid', '--slurm', '--jobs', '2');
    expect(text).toContain('#SBATCH --array=0-5%2\n');
    writeFileSync(at('slurm.sh'), text);
    expect(spawnSync('bash', ['-n', at('slurm.sh')])).toMatchObject({ status: 0 });
    // a stand-in for bptt and for scontrol: what is called with what
    writeFileSync(at('bptt'), '#!/bin/sh\necho "$@"\nexit "$STATUS"\n', { mode: 0o755 });
    writeFileSync(at('scontrol'), '#!/bin/sh\necho "scontrol $*"\n', { mode: 0o755 });
    const job = (STATUS: string) =>
      spawnSync('bash', [at('slurm.sh')], {
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${folder}:${process.env.PATH}`,
          SLURM_ARRAY_TASK_ID: '3',
          SLURM_ARRAY_JOB_ID: '17',
          STATUS,
        },
      });
    expect(job('0')).toMatchObject({ status: 0, stdout: 'sweep grid --index 3\n' });
    expect(job('75')).toMatchObject({ status: 75, stdout: 'sweep grid --index 3\nscontrol requeue 17_3\n' });
  });

  test('of Kubernetes is YAML of an indexed job', async () => {
    const { parse } = await import('yaml');
    const job = parse(await printed('grid', '--kubernetes', '--jobs', '3', '--image', 'node:24'));
    const { containers, restartPolicy } = job.spec.template.spec;
    expect([job.kind, job.metadata.name, job.spec.completionMode]).toEqual(['Job', 'grid', 'Indexed']);
    expect([job.spec.completions, job.spec.parallelism, restartPolicy]).toEqual([6, 3, 'OnFailure']);
    expect(containers[0].command).toEqual([
      'sh',
      '-c',
      expect.stringMatching(/^exec npx --yes bptt-cli@\d+\.\d+\.\d+ sweep grid --index "\$JOB_COMPLETION_INDEX"$/),
    ]);
    expect(containers[0].image).toBe('node:24');
  });

  const hasParallel = spawnSync('parallel', ['--version']).status === 0;
  test.skipIf(!hasParallel)('of GNU parallel calls every index', async () => {
    writeFileSync(at('parallel.sh'), await printed('grid', '--parallel', '--jobs', '2'));
    writeFileSync(at('bptt'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const { stdout, status } = spawnSync('bash', [at('parallel.sh')], { encoding: 'utf8', env });
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n').sort()).toEqual([0, 1, 2, 3, 4, 5].map((i) => `${i}\tsweep grid --index ${i}`));
  });
});

test('2 × 3 runs, killed in the middle and gone on with, end as if nothing had been', async () => {
  const long = ['--', ...small, '--iterations', '4000'];
  const first = bptt(['sweep', 'all', ...grid, '--run', '--jobs', '2', ...long], folder);
  const whole = ended(first);
  const fourth = at('all', '3,cell=gru,lr=0.05.txt');
  const runs = () => existsSync(fourth) && readFileSync(fourth, 'utf8').includes('engine wasm');
  await vi.waitUntil(runs, { timeout: 100_000 });
  first.kill('SIGTERM');
  const how = await whole;
  expect(how.status).toBe(75);
  expect(how.out).toContain('stopped; bptt sweep all --run goes on');
  const begun = readPlan(at('all')).runs.filter(({ name }) => existsSync(at('all', name, 'model.bptt')));
  expect(begun.length).toBeGreaterThanOrEqual(3);
  expect(begun.length).toBeLessThan(6);

  const again = await sweep('all', '--run', '--jobs', '2');
  expect(again).toMatchObject({ status: 0, err: '' });
  expect(again.out).toContain('done before');
  expect(again.out).toContain('goes on');
  expect((await sweep('all', '--run')).out.match(/done before/g)).toHaveLength(6);

  // one of them, run alone, is the same to the byte of its log's figures
  const { name } = readPlan(at('all')).runs[2];
  await run('train', [...small, '--iterations', '4000', '--cell', 'elman', '--lr', '0.2', '--out', 'alone'], folder);
  const last = (path: string) => readFileSync(at(path, 'log.csv'), 'utf8').trimEnd().split('\n').at(-1)!.split(',');
  const [got, want] = [last(join('all', name)), last('alone')];
  const figures = ([iteration, , ...rest]: string[]) => [iteration, ...rest.slice(0, -1)]; // the time and the run's name are its own
  expect(figures(got)).toEqual(figures(want));

  const { out, status } = await run('compare', ['all'], folder);
  expect(status).toBe(0);
  const bits = out
    .match(/^\d\.\d{3}(?= bits per character over \d+ held-out characters, iteration 4000:)/gm)!
    .map(Number);
  expect(bits).toHaveLength(6);
  expect(bits).toEqual(bits.toSorted((a, b) => a - b));
  expect(readdirSync(at('all'))).toContain(`${name}.txt`);
}, 300_000);

test('one index: done, stopped before its end, failed', async () => {
  await printed('one', '--grid', 'lr=0.1', '--', ...small, '--iterations', '20000000');
  const child = bptt(['sweep', 'one', '--index', '0'], folder);
  const how = await ended(child, (out) => {
    if (out.includes('iteration')) child.kill('SIGTERM');
  });
  expect(how.status).toBe(75);
  await printed('short', '--grid', 'lr=0.1', '--', ...small, '--iterations', '20');
  expect((await sweep('short', '--index', '0')).status).toBe(0);
  expect((await sweep('short', '--index', '0')).out).toBe('0,lr=0.1 is done\n');
  await printed('wrong', '--grid', 'lr=0.1', '--', 'none.txt');
  expect(await sweep('wrong', '--index', '0')).toMatchObject({ status: 1 });
  const { status, err } = await sweep('wrong', '--run');
  expect([status, err]).toEqual([1, expect.stringContaining('0,lr=0.1 ended with 1: see wrong/0,lr=0.1.txt')]);
}, 120_000);
