import { describe, expect, it } from 'vitest';
import { enter, OWN_ENGINES } from '../../bench/engine.ts';
import { medianOf, type Result, summarise } from '../../bench/measure.ts';
import { intoDocument, markdownOf, tableOf } from '../../bench/report.ts';
import { WORKLOADS } from '../../bench/workloads.ts';

const workload = WORKLOADS[0];
const wasm = OWN_ENGINES.find(({ name }) => name === 'wasm')!;
const rates = (...values: number[]) => values.map((rate) => ({ rate, cores: 1 }));

describe('summarise', () => {
  it('compares within each round, so that a slow round changes nothing', () => {
    // From the second round on the machine was at a tenth, then at a fifth of its speed.
    const row = summarise(
      { id: 'W9', unit: 'steps/s', flops: 2e9 },
      enter(wasm, 1),
      rates(10, 1, 2),
      [40, 4, 8],
      rates(5, 0.5, 1),
    );
    expect(row).toMatchObject({ median: 2, min: 1, max: 10, samples: [10, 1, 2], gflops: 4, ratio: 2 });
    expect(row.shareOfPeak).toBeCloseTo(0.5, 12);
  });

  it('measures several threads by the peak of as many cores, and knows no ratio without the reference', () => {
    const row = summarise({ id: 'W9', unit: 'steps/s', flops: 1e9 }, enter(wasm, 2), rates(30), [20], undefined);
    expect(row).toMatchObject({ threads: 2, shareOfPeak: 0.75, ratio: null });
  });

  it('takes the middle of an even number of samples', () => {
    expect(medianOf([4, 1, 3, 2])).toBe(2.5);
  });
});

const result: Result = {
  ...summarise(workload, enter(wasm, 1), rates(1234.5, 1000, 2000), [20, 20, 20], rates(100, 100, 100)),
};

describe('tableOf', () => {
  it('gives a row in columns', () => {
    const [title, head, row] = tableOf(workload, [result]).split('\n');
    expect(title).toBe(`W1  ${workload.title}`);
    expect(head).toMatch(/^ {2}engine +steps\/s +min … max +GFLOP\/s +of peak +× ts f64$/);
    expect(row).toMatch(/^ {2}wasm +1235 +1000 … 2000 +3\.33 +16\.7 % +12\.3$/);
  });

  it('says how many threads, which adapter and whether it is a program, and where a row was disturbed', () => {
    const rows = [
      { ...result, threads: 2, cores: 1.2 },
      { ...result, cores: 0.9, ratio: null },
      { ...result, engine: 'webgpu', adapter: 'SwiftShader', software: true, cores: 0.2 },
      { ...result, engine: 'webgpu', adapter: 'H200', software: false },
    ];
    const names = tableOf(workload, rows).split('\n').slice(2);
    expect(names[0]).toMatch(/^ {2}wasm ×2 {2}/);
    expect(names[1]).toMatch(/^ {2}wasm ~ .* –$/);
    expect(names[2]).toMatch(/^ {2}webgpu \(SwiftShader, software\) {2}/);
    expect(names[3]).toMatch(/^ {2}webgpu \(H200\) {2}/);
  });
});

describe('markdownOf', () => {
  const machine = { cpu: 'A CPU', cores: 2, node: 'v20', platform: 'linux x64', peers: { numpy: '2.4' } };

  it('names command, machine, peers and peak, then a table for each workload', () => {
    const text = markdownOf({
      ...{ machine, script: 'bench', args: ['--engines', 'ts f64'] },
      ...{ peaks: [21, 20, 19], results: [result], meetings: [] },
    });
    expect(text.split('\n\n').slice(0, 4)).toEqual([
      '`npm run bench -- --engines "ts f64"`',
      'A CPU, Node v20, 2 cores, linux x64, numpy 2.4.',
      '128-bit peak of one core (multiply and add), measured in the same rounds: 20.0 GFLOP/s (19.0 … 21.0).',
      `### W1: ${workload.title}`,
    ]);
    expect(text).toContain('\n| wasm | 1235 | 1000 … 2000 | 3.33 | 16.7 % | 12.3 |');
  });
});

describe('intoDocument', () => {
  const empty = intoDocument('', 'tables');

  it('replaces what stands between the two comments and leaves the rest', () => {
    expect(intoDocument(`before\n\n${empty}\nafter\n`, 'newer')).toBe(
      `before\n\n${empty.replace('tables', 'newer')}\nafter\n`,
    );
  });

  it('appends to a document without them', () => {
    expect(intoDocument('# Results\n', 'tables')).toBe(`# Results\n\n${empty}`);
  });

  it('refuses a document with one of them', () => {
    const [begin] = empty.split('\n');
    expect(() => intoDocument(begin, 'tables')).toThrow(`expected ${begin} and after it`);
  });
});
