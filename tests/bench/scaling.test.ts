import { describe, expect, it } from 'vitest';
import { exponentOf, lengthsOf, measureScaling, memoryOf, type Net, SWEEPS, workOf } from '../../bench/scaling.ts';
import { scalingChart, scalingJson, scalingMarkdown, scalingTable, verdict } from '../../bench/scalingReport.ts';

const machine = { cpu: 'Some CPU', cores: 2, node: 'v20', platform: 'linux x64', peers: {} };
const small: Net = { H: 2, B: 3, T: 5, V: 7, layers: 1, meanLength: 5 };

describe('the model', () => {
  it('counts the products of a step, forward and twice that backward, and the numbers that Adam moves', () => {
    // For each of 15 steps of sequences: 8 × 2 weights of the gates and 7 × 2 of the outputs, each a multiplication and an
    // addition, three times.
    // Parameters: 8 × 7 and 8 × 2 weights, 8 biases; 7 × 2 and 7 of the output.
    expect(workOf(small)).toEqual({ flops: 15 * 30 * 2 * 3, bytes: 101 * 7 * 4 });
  });

  it('counts the second layer with the product of what it reads, and no padding', () => {
    const deep = { ...small, layers: 2, meanLength: 4 };
    // 12 steps; gates 8 × 2 of the first layer, twice that of the second; its parameters are 40 more.
    expect(workOf(deep)).toEqual({ flops: 12 * (16 + 32 + 14) * 2 * 3, bytes: 141 * 7 * 4 });
  });

  it('counts what has to be held at once, padding too', () => {
    // A layer: h, c, four gates and their gradients, 2 wide each; logits and their gradient, 7 wide.
    expect(memoryOf(small)).toBe(4 * (7 * 101 + 15 * (10 * 2 + 2 * 7)));
    expect(memoryOf({ ...small, layers: 2, meanLength: 4 })).toBe(4 * (7 * 141 + 15 * (2 * 10 * 2 + 2 * 7)));
  });

  it('counts the parameters that the library counts', () => {
    for (const { net, values } of SWEEPS) {
      const { H, V, layers, ...rest } = net(values[1]);
      const P = 4 * H * (V + H + 1) + (layers - 1) * 4 * H * (2 * H + 1) + V * (H + 1);
      expect(workOf({ H, V, layers, ...rest }).bytes).toBe(28 * P);
    }
  });
});

describe('the sweeps', () => {
  it('rise, and every one but lengths holds the base net', () => {
    for (const { quantity, values, net } of SWEEPS) {
      expect(values.toSorted((a, b) => a - b)).toEqual(values);
      const same = values.filter((value) => JSON.stringify(net(value)) === JSON.stringify(SWEEPS[0].net(128)));
      expect(same).toHaveLength(quantity === 'lengths' ? 0 : 1);
    }
  });

  it('has lengths with the mean that is told, the longest filling the window', () => {
    const lengths = lengthsOf({ B: 16, T: 12, meanLength: 8 });
    expect([lengths[0], lengths[15]]).toEqual([4, 12]);
    expect(lengths.reduce((a, b) => a + b, 0)).toBe(16 * 8);
    expect(lengthsOf({ B: 2, T: 5, meanLength: 5 })).toEqual([5, 5]);
  });
});

describe('exponentOf', () => {
  it('is the exponent of a power law', () => {
    const x = [1, 2, 4, 8, 16];
    expect(
      exponentOf(
        x,
        x.map((v) => 3 * v ** 1.7),
      ),
    ).toBeCloseTo(1.7, 12);
    expect(exponentOf(x, [5, 5, 5, 5, 5])).toBeCloseTo(0, 12);
  });

  it('looks at the largest half of the points only, and at two at least', () => {
    expect(exponentOf([1, 2, 4, 8, 16], [9, 9, 4, 16, 64])).toBeCloseTo(2, 12); // three of five
    expect(exponentOf([1, 2, 4, 8], [9, 9, 4, 8])).toBeCloseTo(1, 12); // two of four
    expect(exponentOf([1, 10, 100], [7, 1, 10])).toBeCloseTo(1, 12); // two of three
    expect(exponentOf([1, 2], [1, 8])).toBeCloseTo(3, 12);
  });

  it('fits by least squares', () => {
    // Logarithms to base 2: (0, 0), (1, 2), (2, 1).
    expect(exponentOf([0.25, 0.5, 1, 2, 4], [1, 1, 1, 4, 2])).toBeCloseTo(0.5, 12);
  });
});

const x = [1, 2, 4, 8];
const curve = (of: 'time' | 'memory', exponent: number, unit: number) => ({
  ...{ quantity: 'B', of, x, measured: x.map((v) => 2 * unit * v ** exponent), model: x.map((v) => unit * v) },
});
const scaling = { peak: 20, bandwidth: 9.5, curves: [curve('time', 1.1, 1e-3), curve('memory', 0.9, 1e6)] };

describe('what is told', () => {
  it('is a table with ratios and exponents for each quantity', () => {
    const text = scalingTable(scaling);
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^A training step of an LSTM around H 128, B 16, T 32, V 64/);
    expect(lines[2]).toBe('B, sequences of a batch');
    expect(lines[3]).toMatch(/^ {2}B +time +model +ratio +memory +model +ratio$/);
    expect(lines[4]).toMatch(/^ {2}1 +2\.00 ms +1\.00 ms +2\.00 +2\.00 MB +1\.00 MB +2\.00$/);
    expect(lines[7]).toMatch(/^ {2}8 +19\.7 ms +8\.00 ms +2\.46 +13\.0 MB +8\.00 MB +1\.62$/);
    expect(lines[8]).toMatch(/^ {2}exponent +1\.10 +1\.00 +\+0\.10 +0\.90 +1\.00 +−0\.10$/);
    expect(text).toContain('20.0 GFLOP/s, and the update');
    expect(text).toContain('9.5 GB/s of copying');
  });

  it('writes a difference of nothing as that, and powers of ten as such', () => {
    const flat = {
      quantity: 'text',
      of: 'memory',
      x: [1e5, 1e6],
      measured: [1e6, 0.9999e6],
      model: [1e6, 1e6],
    } as const;
    const lines = scalingTable({ ...scaling, curves: [flat] }).split('\n');
    expect(lines[4]).toMatch(/^ {2}10⁵ /);
    expect(lines[6]).toMatch(/^ {2}exponent +0\.00 +0\.00 +\+0\.00$/);
  });

  it('says in a line whether anything grows faster than its model', () => {
    expect(verdict(scaling)).toBe(
      "Nothing grows faster than its model (exponents more than 0.15 above the model's: none)",
    );
    const faster = { ...scaling, curves: [curve('time', 1.16, 1e-3), curve('memory', 2, 1e6)] };
    expect(verdict(faster)).toBe(
      "Faster than their models grow (exponents more than 0.15 above the model's): time in B (1.16, model 1.00), memory in B (2.00, model 1.00)",
    );
  });

  it('is Markdown, JSON and a picture, too', () => {
    const markdown = scalingMarkdown(machine, scaling, ['--scaling']);
    expect(markdown).toContain('`npm run bench -- --scaling`. Some CPU, Node v20, 2 cores, linux x64.');
    expect(markdown).toContain('| 1 | 2.00 ms | 1.00 ms | 2.00 | 2.00 MB | 1.00 MB | 2.00 |');
    const { curves, peak } = JSON.parse(scalingJson(machine, scaling));
    expect(peak).toBe(20);
    expect(curves[0].exponents.measured).toBeCloseTo(1.1, 12);
    const svg = scalingChart(machine, scaling);
    for (const text of ['B: time', 'B: memory', 'slope 1.10, model 1.00', '10 ms', '10 MB', '1', '8'])
      expect(svg).toContain(`>${text}<`);
  });
});

it('measures every value of every sweep, and what the engine holds', async () => {
  const net = (H: number): Net => ({ ...small, H });
  const padded = (meanLength: number): Net => ({ ...small, meanLength, T: 1.5 * meanLength });
  const rounds: number[] = [];
  const { peak, bandwidth, curves } = await measureScaling({
    sweeps: [
      { quantity: 'H', values: [2, 4], net },
      { quantity: 'lengths', values: [2, 4, 6], net: padded },
    ],
    ...{ texts: [], samples: 2, seconds: 0, report: (round) => rounds.push(round) },
  });
  expect(rounds).toEqual([1, 2]);
  expect(peak).toBeGreaterThan(0);
  expect(bandwidth).toBeGreaterThan(0);
  expect(curves.map(({ quantity, of, x }) => [quantity, of, x])).toEqual([
    ['H', 'time', [2, 4]],
    ['H', 'memory', [2, 4]],
    ['lengths', 'time', [2, 4, 6]],
    ['lengths', 'memory', [2, 4, 6]],
  ]);
  for (const { measured, model } of curves) {
    expect(measured).toHaveLength(model.length);
    for (const value of [...measured, ...model]) expect(value).toBeGreaterThan(0);
  }
  for (const bytes of curves[1].measured) expect(bytes % 65_536).toBe(0); // pages of WebAssembly
});
