import { describe, expect, test } from 'vitest';
import { barChart, barPanels, lineChart, logPanels, scatterPathOverHeatmap, thin } from '../../cli/chart.ts';

const steps = Array.from({ length: 50 }, (_, i) => i);
const line = {
  title: 'Loss & <noise>',
  subtitle: 'a test',
  xLabel: 'iteration',
  yLabel: 'bits per character',
  series: [
    { name: 'training', x: steps, y: steps.map((i) => 5 / (1 + i)) },
    { name: 'held out', x: steps, y: steps.map((i) => 6 / (1 + i)), dashed: true },
  ],
  annotations: [
    { x: 10, text: 'here {a}' },
    { y: 2, text: 'floor' },
    { x: 5, y: 3, text: 'point' },
  ],
};

describe('lineChart', () => {
  test('gives the same bytes for the same data, also after other charts', () => {
    const first = lineChart(line);
    lineChart({ ...line, logY: true, series: [line.series[0]!] });
    expect(lineChart(line)).toBe(first);
  });

  test('holds titles, axes, names and annotations, and nothing that refers outside', () => {
    const svg = lineChart(line);
    for (const text of [
      'Loss &amp; &lt;noise&gt;',
      'a test',
      'iteration',
      'bits per character',
      'training',
      'held out',
    ]) {
      expect(svg).toContain(`>${text}<`);
    }
    for (const text of ['here {a}', 'floor', 'point']) expect(svg).toContain(`>${text}<`);
    expect(svg).toMatch(/^<svg role="img" aria-label="Loss &#38; &#60;noise&#62;"/);
    expect(svg).not.toMatch(/zr\d|<style|NaN|Infinity|undefined/);
  });

  test('names up to six lines at their ends and more in a legend', () => {
    const series = Array.from({ length: 8 }, (_, k) => ({ name: `line ${k}`, x: steps, y: steps.map((i) => i * k) }));
    const svg = lineChart({ ...line, series });
    for (const s of series) expect(svg).toContain(`>${s.name}<`);
  });

  test('draws powers of ten on a logarithmic axis', () => {
    const series = [{ name: 'gradient', x: steps, y: steps.map((i) => 0.5 ** i) }];
    const svg = lineChart({ ...line, logY: true, series, annotations: [{ y: 1e-4, text: 'noise' }] });
    expect(svg).toContain('>10⁻⁶<');
    expect(svg).toContain('>noise<');
  });

  test('draws a single point', () => {
    const svg = lineChart({ ...line, series: [{ name: 'one', x: [3], y: [2] }], annotations: [] });
    expect(svg).toContain('>one<');
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('keeps long series small', () => {
    const x = Array.from({ length: 200_000 }, (_, i) => i);
    expect(lineChart({ ...line, series: [{ name: 'long', x, y: x.map(Math.sin) }] }).length).toBeLessThan(40_000);
  });

  test('names series and index of what it cannot draw', () => {
    const chart =
      (y: number[], logY = false) =>
      () =>
        lineChart({ ...line, logY, series: [{ name: 'loss', x: y.map((_, i) => i), y }] });
    expect(chart([1, Number.NaN, 2])).toThrow("chart: series 'loss': y[1] is NaN, expected a finite number");
    expect(chart([1, 2, Infinity])).toThrow("series 'loss': y[2] is Infinity");
    expect(chart([1, 0], true)).toThrow("series 'loss': y[1] is 0, expected a positive number (log axis)");
    expect(chart([])).toThrow("series 'loss' is empty");
    expect(() => lineChart({ ...line, series: [] })).toThrow('expected at least one');
    expect(() => lineChart({ ...line, series: [{ name: 'loss', x: [1, 2], y: [1] }] })).toThrow(
      "series 'loss': x has 2 elements and y 1",
    );
  });
});

describe('thin', () => {
  test('keeps the envelope, both ends and the order of a long series', () => {
    const x = Array.from({ length: 10_000 }, (_, i) => i);
    const y = x.map((i) => (i === 4321 ? 9 : i === 8765 ? -9 : i % 7));
    const points = thin(x, y);
    expect(points.length).toBeLessThanOrEqual(802);
    expect(points).toContainEqual([4321, 9]);
    expect(points).toContainEqual([8765, -9]);
    expect(points[0]).toEqual([0, 0]);
    expect(points.at(-1)).toEqual([9999, y[9999]]);
    expect(points.every((p, i) => i === 0 || p[0] > points[i - 1]![0])).toBe(true);
  });

  test('leaves a short series alone and takes even steps along a path', () => {
    expect(thin([3, 1], [1, 2])).toEqual([
      [3, 1],
      [1, 2],
    ]);
    const x = Array.from({ length: 1599 }, (_, i) => i);
    expect(thin(x, x, false).slice(0, 3)).toEqual([
      [0, 0],
      [2, 2],
      [4, 4],
    ]);
  });
});

describe('scatterPathOverHeatmap', () => {
  const grid = Array.from({ length: 30 }, (_, i) => -2 + (4 * i) / 29);
  const heatmap = {
    title: 'Surface',
    xLabel: 'wRec',
    yLabel: 'wx',
    zLabel: 'cost',
    x: grid,
    y: grid,
    z: grid.flatMap((y) => grid.map((x) => (x - 1) ** 2 + (y - 1) ** 2 + 1e-3)),
    path: { x: [-1.5, 0, 1], y: [2, 1.5, 1], startText: 'start (-1.5, 2)' },
  };

  test('draws surface, path, marks and colour bar, the same bytes each time', () => {
    const svg = scatterPathOverHeatmap(heatmap);
    for (const text of ['Surface', 'wRec', 'wx', 'cost', 'start (-1.5, 2)', 'end']) expect(svg).toContain(`>${text}<`);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(scatterPathOverHeatmap(heatmap)).toBe(svg);
  });

  test('counts zeros of the surface as its smallest positive value', () => {
    const z = heatmap.z.map((v, i) => (i === 100 ? 0 : v));
    expect(scatterPathOverHeatmap({ ...heatmap, z })).not.toMatch(/NaN|Infinity/);
    expect(() => scatterPathOverHeatmap({ ...heatmap, z: z.map(() => 0) })).toThrow('z has no positive value');
  });

  test('refuses sizes that do not fit and values that are not finite', () => {
    expect(() => scatterPathOverHeatmap({ ...heatmap, z: [1] })).toThrow('z has 1 elements, expected [30,30]');
    expect(() =>
      scatterPathOverHeatmap({ ...heatmap, z: heatmap.z.map((v, i) => (i === 7 ? Number.NaN : v)) }),
    ).toThrow('chart: z[7] is NaN');
    expect(() => scatterPathOverHeatmap({ ...heatmap, path: { x: [0], y: [Infinity] } })).toThrow(
      'path.y[0] is Infinity',
    );
  });
});

describe('barChart', () => {
  const bars = { title: 'Speed', valueLabel: 'steps/s', categories: ['naive', 'bptt'] };

  test('writes each value at its bar', () => {
    const series = [
      { name: 'W1', values: [630, 1400] },
      { name: 'W2', values: [10, 20] },
    ];
    const svg = barChart({ ...bars, series, format: (v) => `${v}/s` });
    for (const text of ['Speed', 'steps/s', 'naive', 'bptt', 'W1', 'W2', '1400/s', '20/s']) {
      expect(svg).toContain(`>${text}<`);
    }
    expect(svg).toContain('>0<');
    expect(barChart({ ...bars, series, format: (v) => `${v}/s` })).toBe(svg);
  });

  test('refuses missing and not finite values', () => {
    expect(() => barChart({ ...bars, series: [{ name: 'W1', values: [1] }] })).toThrow("series 'W1' has 1 values");
    expect(() => barChart({ ...bars, series: [{ name: 'W1', values: [1, Number.NaN] }] })).toThrow("'W1'[1] is NaN");
    expect(() => barChart({ ...bars, series: [] })).toThrow('expected at least one');
  });
});

describe('barPanels', () => {
  const bar = { name: 'ts', value: 3, text: '3/s', color: 0 };
  const panels = ['one', 'two', 'three', 'four'].map((title, i) => ({
    title,
    bars: [bar, { name: 'wasm', value: 1000 * (i + 1), text: `${i + 1} thousand`, color: 9 }],
  }));

  test('gives each panel its title and its bars, and the same bytes again', () => {
    const svg = barPanels({ title: 'Speed', panels });
    for (const text of ['Speed', 'one', 'four', 'ts', 'wasm', '3/s', '4 thousand']) expect(svg).toContain(`>${text}<`);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(barPanels({ title: 'Speed', panels })).toBe(svg);
  });

  test('grows with the rows of panels', () => {
    const height = (columns: number) =>
      Number(/height="(\d+)"/.exec(barPanels({ title: 'Speed', panels, columns }))![1]);
    expect(height(1)).toBeGreaterThan(height(2));
    expect(height(2)).toBeGreaterThan(height(4));
  });

  test('names what it cannot draw', () => {
    expect(() => barPanels({ title: 'Speed', panels: [] })).toThrow('expected at least one');
    const bad = { title: 'W1', bars: [bar, { ...bar, value: Number.NaN }] };
    expect(() => barPanels({ title: 'Speed', panels: [bad] })).toThrow("panel 'W1'[1] is NaN");
  });
});

describe('logPanels', () => {
  const panel = {
    ...{ title: 'H: time', note: 'exponent 2', x: [1, 10, 100], dots: [2, 20, 200], line: [1, 10, 100] },
    ...{ xLabel: (x: number) => `x${x}`, yLabel: (y: number) => `${y} ms`, yRange: [1, 200] as const },
  };
  const chart = { title: 'Growth', dots: 'measured', line: 'model', panels: [panel, { ...panel, title: 'B: time' }] };

  test('labels every x and each power of ten, and gives the same bytes again', () => {
    const svg = logPanels(chart);
    const texts = ['Growth', 'measured', 'model', 'H: time', 'B: time', 'exponent 2'];
    for (const text of [...texts, 'x1', 'x10', 'x100', '1 ms', '1000 ms']) expect(svg).toContain(`>${text}<`);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(logPanels(chart)).toBe(svg);
  });

  test('grows with the rows of panels, and draws a single point', () => {
    const height = (columns: number) => Number(/height="(\d+)"/.exec(logPanels({ ...chart, columns }))![1]);
    expect(height(1)).toBeGreaterThan(height(2));
    const one = { ...panel, x: [8], dots: [3], line: [2] };
    expect(logPanels({ ...chart, panels: [one] })).toContain('>x8<');
  });

  test('names what it cannot draw', () => {
    expect(() => logPanels({ ...chart, panels: [] })).toThrow('expected at least one');
    const bad = { ...panel, dots: [2, 0, 200] };
    expect(() => logPanels({ ...chart, panels: [bad] })).toThrow("'H: time: dots': y[1] is 0, expected a positive");
  });
});
