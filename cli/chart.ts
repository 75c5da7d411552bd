import * as echarts from 'echarts';
import { contours } from './contour.ts';

/**
 * A line of a chart. `faint` lines lie thin and pale behind the others, `leader` lines thin between the end of an `unnamed`
 * line and its name; `color` is an index into the palette.
 */
export interface Series {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  dashed?: boolean;
  faint?: boolean;
  leader?: boolean;
  unnamed?: boolean;
  color?: number;
}

/** A labelled vertical line (only `x`), horizontal line (only `y`) or point (both). */
export interface Annotation {
  text: string;
  x?: number;
  y?: number;
}

export interface Frame {
  title: string;
  subtitle?: string;
  /** Size of the picture in pixels. */
  width?: number;
  height?: number;
}

export interface LineChart extends Frame {
  xLabel: string;
  yLabel: string;
  logY?: boolean;
  /** Limits of the vertical axis; lines are cut there. Without them the axis holds every point. */
  yRange?: [number, number];
  /** Limits of the horizontal axis. Without them the lines fill the width. */
  xRange?: [number, number];
  series: Series[];
  annotations?: Annotation[];
}

export interface PathOverHeatmap extends Frame {
  xLabel: string;
  yLabel: string;
  /** What the surface shows, written at its colour bar. */
  zLabel: string;
  /** Grid coordinates, evenly spaced and rising; `z` is `[y.length, x.length]`, row-major. */
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  z: ArrayLike<number>;
  /** Colours follow log10(z); values below `floor` (default: the smallest positive value) count as `floor`. */
  floor?: number;
  path: { x: ArrayLike<number>; y: ArrayLike<number>; startText?: string; endText?: string };
}

export interface BarChart extends Frame {
  valueLabel: string;
  categories: string[];
  series: { name: string; values: ArrayLike<number> }[];
  /** How a bar's value is written at its end. */
  format?: (value: number) => string;
}

export interface BarPanels extends Frame {
  panels: { title: string; bars: Bar[] }[];
  /** Panels side by side. Default 2. */
  columns?: number;
}

/** A bar of a panel, its value written at its end as `text`; `color` is an index into the palette. */
export interface Bar {
  name: string;
  value: number;
  text: string;
  color: number;
}

export interface LogPanels extends Frame {
  panels: LogPanel[];
  /** Panels side by side. Default 2. */
  columns?: number;
  /** What the dots and the lines are called in the legend. */
  dots: string;
  line: string;
}

/** Dots and a line over the same x on logarithmic axes; `note` stands at the right end of the title. */
export interface LogPanel {
  title: string;
  note: string;
  /** Rising. Each is labelled by `xLabel`, as far as there is room. */
  x: readonly number[];
  dots: readonly number[];
  line: readonly number[];
  xLabel?: (x: number) => string;
  /** The label of a power of ten. */
  yLabel: (y: number) => string;
  /** Limits of the vertical axis, which are widened to whole powers of ten. */
  yRange: readonly [number, number];
}

const palette = ['#2563eb', '#e4572e', '#0f9d76', '#8b5cf6', '#d99a00', '#0891b2', '#db2777', '#64748b'];
const surface = ['#fdfdf0', '#d9efc4', '#9fd9b4', '#5bbcbd', '#3091b9', '#2c62a4', '#2f3d7e', '#241a4d'];
const ink = '#1f2937';
const grey = '#5b6472';
const hairline = '#e7eaee';
const font = 'Helvetica, Arial, sans-serif';
/** Of a picture, in pixels: its text can be read in a column of 400 too. */
const defaultWidth = 720;
const defaultHeight = 420;
/** About what a character of 13 or 14 pixels takes. */
const characterWidth = 8;
const maxPoints = 800;
const levels = 20;

/** As many lines are named at their ends; more of them in a legend. */
const mostLabels = 16;

/** Lines on linear or logarithmic axes as an SVG; up to 16 are named at their right end, more in a legend. */
export function lineChart(chart: LineChart): string {
  const { series, logY = false, annotations = [] } = chart;
  if (series.length === 0) throw new RangeError('lineChart: series is empty, expected at least one');
  for (const s of series) checkSeries(s, logY);

  const strong = series.filter((s) => !s.faint && !s.unnamed);
  const direct = strong.length <= mostLabels;
  const colorOf = (s: Series) => palette[(s.color ?? series.indexOf(s)) % palette.length]!;
  const labelWidth = direct ? textWidth(strong.map((s) => s.name)) + 18 : 16;
  const scaleY = logY ? Math.log10 : (v: number) => v;
  const [min, max] = chart.yRange?.map(scaleY) ?? [];

  return render(chart, {
    ...header(chart, direct ? [] : strong.map((s) => s.name)),
    grid: { left: 72, right: labelWidth, top: headerHeight(chart, !direct), bottom: 58 },
    xAxis: axis(chart.xLabel, 'bottom', xLimits(chart)),
    yAxis: axis(chart.yLabel, 'left', {
      ...(logY && decades(series.map((s) => s.y))),
      ...(min !== undefined && { min, max }),
    }),
    series: [
      ...series.map((s) => ({
        name: s.name,
        type: 'line',
        data: thin(s.x, s.y).map(([x, y]) => [x, scaleY(y)]),
        symbol: s.x.length === 1 ? 'circle' : 'none',
        symbolSize: 6,
        z: s.faint ? 1 : 3,
        color: colorOf(s),
        lineStyle: {
          width: s.faint || s.leader ? 1 : 2.4,
          opacity: s.faint ? 0.28 : 1,
          type: s.dashed ? [7, 5] : s.leader ? [2, 3] : 'solid',
          join: 'round',
        },
        endLabel: {
          show: direct && !s.faint && !s.unnamed,
          formatter: verbatim(s.name),
          color: colorOf(s),
          fontSize: 14,
          fontWeight: 'bold',
          fontFamily: font,
          distance: 6,
        },
        labelLayout: { moveOverlap: 'shiftY' },
      })),
      ...annotations.map((a) => annotationSeries(a.y === undefined ? a : { ...a, y: scaleY(a.y) })),
    ],
  });
}

/** The path of two weights over a surface coloured by its logarithm (filled contours), with a colour bar, as an SVG. */
export function scatterPathOverHeatmap(chart: PathOverHeatmap): string {
  const { x, y, z, path } = chart;
  if (z.length !== x.length * y.length) {
    throw new RangeError(`scatterPathOverHeatmap: z has ${z.length} elements, expected [${y.length},${x.length}]`);
  }
  for (const [name, values] of Object.entries({ x, y, z, 'path.x': path.x, 'path.y': path.y }))
    checkFinite(name, values);
  checkSeries({ name: 'path', x: path.x, y: path.y }, false);

  const values = Array.from(z);
  const floor = chart.floor ?? values.reduce((least, v) => (v > 0 && v < least ? v : least), Infinity);
  if (!(floor > 0 && floor < Infinity)) throw new RangeError('scatterPathOverHeatmap: z has no positive value');
  const log = values.map((v) => Math.log10(Math.max(v, floor)));
  const [low, high] = extent([log]);
  const thresholds = Array.from({ length: levels }, (_, k) => low + ((high - low) * k) / levels);
  const colors = thresholds.map((_, k) => ramp(k / (levels - 1)));

  const at = (grid: ArrayLike<number>, i: number) => {
    const a = grid[Math.floor(i)]!;
    return a + (grid[Math.ceil(i)]! - a) * (i % 1);
  };
  const regions = thresholds.map((level) => contours(log, y.length, x.length, level));
  const count = path.x.length;
  const marks = [
    { at: 0, text: path.startText ?? 'start', fill: '#ffffff' },
    { at: count - 1, text: path.endText ?? 'end', fill: ink },
  ];

  return render(chart, {
    ...header(chart, []),
    grid: { left: 72, right: 110, top: headerHeight(chart, false), bottom: 58 },
    xAxis: { ...axis(chart.xLabel, 'bottom', { min: x[0]!, max: x[x.length - 1]! }), splitLine: { show: false } },
    yAxis: { ...axis(chart.yLabel, 'left', { min: y[0]!, max: y[y.length - 1]! }), splitLine: { show: false } },
    visualMap: {
      type: 'continuous',
      seriesIndex: [],
      min: low,
      max: high,
      inRange: { color: surface },
      calculable: false,
      orient: 'vertical',
      right: 18,
      top: 'middle',
      itemWidth: 14,
      itemHeight: 220,
      text: [`${chart.zLabel}\n\n${scientific(10 ** high)}`, scientific(10 ** low)],
      textStyle: { color: grey, fontSize: 13, fontFamily: font },
    },
    series: [
      {
        type: 'custom',
        data: thresholds.map((_, k) => [k]),
        encode: { x: -1, y: -1 },
        clip: true,
        z: 0,
        renderItem: (params: { dataIndex: number }, api: { coord(p: number[]): number[] }) => ({
          type: 'path',
          shape: {
            pathData: regions[params.dataIndex]!.map((outline) => {
              const points = outline.map(([c, r]) => api.coord([at(x, c), at(y, r)]).map((v) => v.toFixed(1)));
              return `M${points.map((p) => p.join(' ')).join('L')}Z`;
            }).join(''),
          },
          style: { fill: colors[params.dataIndex]! },
        }),
      },
      {
        type: 'line',
        data: thin(path.x, path.y, false),
        symbol: 'circle',
        showAllSymbol: true,
        symbolSize: 4,
        z: 3,
        lineStyle: { color: '#e4572e', width: 1.8, join: 'round' },
        itemStyle: { color: '#e4572e' },
      },
      ...marks.map((mark) => ({
        type: 'scatter',
        data: [[path.x[mark.at]!, path.y[mark.at]!]],
        symbolSize: 11,
        z: 4,
        itemStyle: { color: mark.fill, borderColor: ink, borderWidth: 2, opacity: 1 },
        label: { ...pointLabel(mark.text), position: 'right' },
      })),
    ],
  });
}

/** Horizontal bars, grouped by category when there are several series, each with its value written at its end. */
export function barChart(chart: BarChart): string {
  const { categories, series, format = String } = chart;
  if (series.length === 0) throw new RangeError('barChart: series is empty, expected at least one');
  for (const s of series) {
    if (s.values.length !== categories.length) {
      throw new RangeError(
        `barChart: series '${s.name}' has ${s.values.length} values, expected one for each of ${categories.length} categories`,
      );
    }
    checkFinite(`series '${s.name}'`, s.values);
  }
  const bars = categories.length * series.length;
  const legend = series.length > 1 ? series.map((s) => s.name) : [];
  const top = headerHeight(chart, legend.length > 0);
  const texts = series.flatMap((s) => Array.from(s.values, format));

  return render(
    { height: top + 58 + bars * 26 + categories.length * 14, ...chart },
    {
      ...header(chart, legend),
      grid: { left: textWidth(categories) + 30, right: textWidth(texts) + 20, top, bottom: 58 },
      xAxis: { ...axis(chart.valueLabel, 'bottom', {}), scale: false },
      yAxis: {
        type: 'category',
        inverse: true,
        data: categories,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: '#aab1bb' } },
        axisLabel: { color: ink, fontSize: 14, fontFamily: font, interval: 0 },
      },
      series: series.map((s, i) => ({
        name: s.name,
        type: 'bar',
        data: Array.from(s.values),
        barMaxWidth: 22,
        barGap: '12%',
        color: palette[i % palette.length],
        label: {
          show: true,
          position: 'right',
          color: ink,
          fontSize: 13,
          fontFamily: font,
          formatter: (bar: { dataIndex: number }) => format(s.values[bar.dataIndex]!),
        },
      })),
    },
  );
}

/** Small charts of horizontal bars side by side, each on a scale of its own. */
export function barPanels(chart: BarPanels): string {
  const { panels, columns = 2, width = defaultWidth } = chart;
  if (panels.length === 0) throw new RangeError('barPanels: panels is empty, expected at least one');
  const bars = panels.flatMap((panel) => panel.bars);
  for (const { title, bars } of panels) {
    checkFinite(
      `panel '${title}'`,
      bars.map(({ value }) => value),
    );
  }
  const panelWidth = (width - 28) / columns;
  // Names take half of a panel at most, so that bars are left of it.
  const longest = Math.floor(panelWidth / 2 / characterWidth);
  const nameOf = ({ name }: Bar): string => (name.length > longest ? `${name.slice(0, longest - 1)}…` : name);
  const names = textWidth(bars.map(nameOf));
  const texts = textWidth(bars.map(({ text }) => text));
  const heights: number[] = []; // of rows of panels
  for (const [i, panel] of panels.entries()) {
    const row = Math.floor(i / columns);
    heights[row] = Math.max(heights[row] ?? 0, 48 + 19 * panel.bars.length);
  }
  const place = (i: number) => ({
    left: 14 + (i % columns) * panelWidth,
    top: heights.slice(0, Math.floor(i / columns)).reduce((sum, height) => sum + height, headerHeight(chart, false)),
  });
  const { title } = header(chart, []) as { title: object };

  return render(
    { height: place(panels.length - 1).top + heights.at(-1)!, ...chart },
    {
      title: [
        title,
        ...panels.map((panel, i) => ({
          text: panel.title,
          ...place(i),
          textStyle: { color: ink, fontSize: 14, fontWeight: 'bold', fontFamily: font },
        })),
      ],
      grid: panels.map((panel, i) => ({
        left: place(i).left + names,
        top: place(i).top + 26,
        width: panelWidth - names - texts - 24,
        height: 19 * panel.bars.length,
      })),
      xAxis: panels.map((panel, i) => ({
        type: 'value',
        gridIndex: i,
        show: false,
        min: 0,
        max: Math.max(...panel.bars.map(({ value }) => value)),
      })),
      yAxis: panels.map((panel, i) => ({
        type: 'category',
        gridIndex: i,
        inverse: true,
        data: panel.bars.map(nameOf),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: '#aab1bb' } },
        axisLabel: { color: ink, fontSize: 13, fontFamily: font, interval: 0 },
      })),
      series: panels.map((panel, i) => ({
        type: 'bar',
        xAxisIndex: i,
        yAxisIndex: i,
        barWidth: 12,
        data: panel.bars.map(({ value, color }) => ({
          value,
          itemStyle: { color: palette[color % palette.length]! },
        })),
        label: {
          show: true,
          position: 'right',
          color: ink,
          fontSize: 13,
          fontFamily: font,
          formatter: (bar: { dataIndex: number }) => panel.bars[bar.dataIndex]!.text,
        },
      })),
    },
  );
}

/** Small charts of dots beside a line on logarithmic axes. */
export function logPanels(chart: LogPanels): string {
  const { panels, columns = 2, width = defaultWidth } = chart;
  if (panels.length === 0) throw new RangeError('logPanels: panels is empty, expected at least one');
  for (const { title, x, dots, line } of panels) {
    checkSeries({ name: `${title}: dots`, x, y: dots }, true);
    checkSeries({ name: `${title}: line`, x, y: line }, true);
  }
  const panelWidth = (width - 28) / columns;
  const [plotTop, plotHeight, panelHeight] = [26, 90, 152];
  const ranges = panels.map(({ yRange }) => decades([yRange]));
  const tens = ({ min, max, interval }: Decades) =>
    Array.from({ length: (max - min) / interval + 1 }, (_, i) => min + i * interval);
  const left = textWidth(panels.flatMap(({ yLabel }, i) => tens(ranges[i]!).map((ten) => yLabel(10 ** ten)))) + 8;
  const top = headerHeight(chart, true);
  const place = (i: number) => ({
    left: 18 + (i % columns) * panelWidth,
    top: top + Math.floor(i / columns) * panelHeight,
  });
  const { title, legend } = header(chart, [chart.dots, chart.line]) as { title: object; legend: object };
  const text = { fontSize: 12, fontFamily: font };

  return render(
    { height: place(panels.length - 1).top + panelHeight, ...chart },
    {
      title: [
        title,
        ...panels.map((panel, i) => ({
          text: panel.title,
          ...{ ...place(i), padding: 0 },
          textStyle: { color: ink, fontSize: 14, fontWeight: 'bold', fontFamily: font },
        })),
        ...panels.map((panel, i) => ({
          text: panel.note,
          ...{ right: width - place(i).left - panelWidth + 28, top: place(i).top + 1, padding: 0 },
          textStyle: { color: grey, fontWeight: 'normal', ...text },
        })),
      ],
      legend: {
        ...{ ...legend, itemHeight: 8, itemWidth: 20 },
        data: [
          { name: chart.dots, icon: 'circle' },
          { name: chart.line, icon: 'path://M0,0h20v2h-20z' },
        ],
      },
      grid: panels.map((_, i) => ({
        left: place(i).left + left,
        top: place(i).top + plotTop,
        width: panelWidth - left - 28,
        height: plotHeight,
      })),
      xAxis: panels.map(({ x, xLabel = String }, i) => {
        const ticks = x.map(Math.log10);
        const [min, max] = [ticks[0]!, ticks.at(-1)!];
        const margin = 0.05 * (max - min) || 1;
        return {
          ...axis('', 'bottom', { min: min - margin, max: max + margin }),
          gridIndex: i,
          splitLine: { show: false },
          axisLabel: {
            ...{ color: grey, hideOverlap: true, customValues: ticks, ...text },
            formatter: (tick: number) => xLabel(x[ticks.indexOf(tick)]!),
          },
        };
      }),
      yAxis: panels.map(({ yLabel }, i) => ({
        ...axis('', 'left', { ...ranges[i]!, label: (ten) => yLabel(10 ** ten) }),
        gridIndex: i,
      })),
      series: panels.flatMap(({ x, dots, line }, i) => {
        const logs = (y: readonly number[]) => x.map((v, k) => [Math.log10(v), Math.log10(y[k]!)]);
        const at = { xAxisIndex: i, yAxisIndex: i };
        return [
          {
            ...{ name: chart.line, type: 'line', data: logs(line), symbol: 'none', color: palette[7], ...at },
            lineStyle: { width: 2 },
          },
          {
            ...{ name: chart.dots, type: 'scatter', data: logs(dots), symbolSize: 8, color: palette[0], ...at },
            itemStyle: { opacity: 1 },
          },
        ];
      }),
    },
  );
}

/**
 * The points to draw. A series of more than 800 points is cut into 400 runs of equal length, and each run leaves its
 * smallest and its largest value in their order; the first and the last point always stay. `envelope: false` (paths,
 * where extremes of y mean nothing) takes evenly spaced points instead.
 */
export function thin(x: ArrayLike<number>, y: ArrayLike<number>, envelope = true): [number, number][] {
  const n = x.length;
  const kept = new Set<number>();
  if (n <= maxPoints) {
    for (let i = 0; i < n; i++) kept.add(i);
  } else if (!envelope) {
    for (let i = 0; i < maxPoints; i++) kept.add(Math.round((i * (n - 1)) / (maxPoints - 1)));
  } else {
    const runs = maxPoints / 2;
    kept.add(0);
    for (let run = 0; run < runs; run++) {
      const from = Math.floor((run * n) / runs);
      const to = Math.floor(((run + 1) * n) / runs);
      let least = from;
      let most = from;
      for (let i = from + 1; i < to; i++) {
        if (y[i]! < y[least]!) least = i;
        if (y[i]! > y[most]!) most = i;
      }
      kept.add(Math.min(least, most)).add(Math.max(least, most));
    }
    kept.add(n - 1);
  }
  return Array.from(kept, (i) => [x[i]!, y[i]!]);
}

function checkSeries(s: Series, logY: boolean): void {
  if (s.x.length !== s.y.length) {
    throw new RangeError(
      `chart: series '${s.name}': x has ${s.x.length} elements and y ${s.y.length}, expected as many`,
    );
  }
  if (s.x.length === 0) throw new RangeError(`chart: series '${s.name}' is empty, expected at least one point`);
  checkFinite(`series '${s.name}': x`, s.x);
  checkFinite(`series '${s.name}': y`, s.y);
  const bad = logY ? Array.from(s.y).findIndex((v) => v <= 0) : -1;
  if (bad >= 0) {
    throw new RangeError(`chart: series '${s.name}': y[${bad}] is ${s.y[bad]}, expected a positive number (log axis)`);
  }
}

function checkFinite(what: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new RangeError(`chart: ${what}[${i}] is ${values[i]}, expected a finite number`);
    }
  }
}

// A line of more than one x fills the whole width; a single x is left to echarts.
function xLimits({ series, xRange }: LineChart): { min?: number; max?: number } {
  const [min, max] = xRange ?? extent(series.map((s) => s.x));
  return min < max ? { min, max } : {};
}

// A logarithmic axis is a plain axis of exponents: whole ones, at most eight steps.
function decades(lists: ArrayLike<number>[]): Decades {
  const [least, most] = extent(lists).map(Math.log10);
  const span = Math.max(1, Math.ceil(most!) - Math.floor(least!));
  const interval = Math.ceil(span / 8);
  const min = Math.floor(least! / interval) * interval;
  const max = Math.max(Math.ceil(most! / interval) * interval, min + interval);
  return { min, max, interval, label: (exponent) => `10${superscript(exponent)}` };
}

/** The smallest and the largest number of all lists. */
export function extent(lists: ArrayLike<number>[]): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      min = Math.min(min, list[i]!);
      max = Math.max(max, list[i]!);
    }
  }
  return [min, max];
}

interface AxisScale {
  min?: number | undefined;
  max?: number | undefined;
  interval?: number;
  label?: (value: number) => string;
}

type Decades = Required<AxisScale> & { min: number; max: number };

function axis(name: string, side: 'bottom' | 'left', { label, ...scale }: AxisScale): object {
  const { min = 0, max } = scale;
  const plain = (v: number) => (v === max && !isRound(v, v - min) ? '' : thousands(v));
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameGap: side === 'bottom' ? 32 : 50,
    nameTextStyle: { color: grey, fontSize: 14, fontFamily: font },
    scale: true,
    axisLine: { show: true, onZero: false, lineStyle: { color: '#aab1bb' } },
    axisTick: { show: false },
    axisLabel: {
      color: grey,
      fontSize: 13,
      fontFamily: font,
      hideOverlap: true,
      formatter: label ?? plain,
    },
    splitLine: { show: true, lineStyle: { color: hairline, width: 1 } },
    ...scale,
  };
}

function header(frame: Frame, legend: string[]): object {
  return {
    title: {
      text: frame.title,
      subtext: frame.subtitle ?? '',
      left: 14,
      top: 12,
      itemGap: 7,
      textStyle: {
        ...{ color: ink, fontSize: 19, fontWeight: 'bold', fontFamily: font },
        ...{ width: roomFor(frame), overflow: 'truncate' },
      },
      subtextStyle: { color: grey, fontSize: 14, fontFamily: font, width: roomFor(frame) - 60, overflow: 'break' },
    },
    legend: {
      show: legend.length > 0,
      data: legend,
      left: 14,
      top: headerHeight(frame, false) - 16,
      icon: 'roundRect',
      itemWidth: 16,
      itemHeight: 4,
      itemGap: 16,
      textStyle: { color: ink, fontSize: 13, fontFamily: font },
    },
  };
}

function headerHeight(frame: Frame, legend: boolean): number {
  const lines = Math.ceil(((frame.subtitle?.length ?? 0) * (characterWidth - 1)) / roomFor(frame));
  return 62 + 20 * lines + (legend ? 24 : 0);
}

/** The width that a title has. */
function roomFor({ width = defaultWidth }: Frame): number {
  return width - 28;
}

function annotationSeries(a: Annotation): object {
  const isPoint = a.x !== undefined && a.y !== undefined;
  return {
    type: 'line',
    data: isPoint ? [[a.x, a.y]] : [],
    symbol: 'circle',
    symbolSize: 8,
    z: 4,
    color: ink,
    label: { ...pointLabel(a.text), show: isPoint, position: 'top' },
    markLine: {
      symbol: 'none',
      precision: 12,
      data: isPoint ? [] : [a.x === undefined ? { yAxis: a.y } : { xAxis: a.x }],
      lineStyle: { color: '#8a93a0', width: 1.2, type: [4, 4] },
      label: {
        formatter: verbatim(a.text),
        position: a.x === undefined ? 'insideStartTop' : 'end',
        distance: 4,
        color: grey,
        fontSize: 13,
        fontFamily: font,
      },
    },
  };
}

function pointLabel(text: string): object {
  return {
    show: true,
    formatter: verbatim(text),
    color: ink,
    fontSize: 13,
    fontWeight: 'bold',
    fontFamily: font,
    textBorderColor: '#ffffff',
    textBorderWidth: 3,
  };
}

// echarts reads {a} in a string as a placeholder; a function's answer it writes as it is.
function verbatim(text: string): () => string {
  return () => text;
}

/** A number as axes write it: thousands apart, very large and very small ones with an exponent. */
export function thousands(v: number): string {
  return Math.abs(v) >= 1e7 || (v !== 0 && Math.abs(v) < 1e-3)
    ? v.toExponential().replace('e+', 'e')
    : v.toLocaleString('en-US', { maximumFractionDigits: 4 }).replaceAll(',', '\u202f');
}

// The end of an axis is labelled only where it does not disturb the ticks before it: 40 000 yes, 39 741 no.
function isRound(v: number, span: number): boolean {
  const steps = v / (10 ** Math.floor(Math.log10(span)) / 2);
  return Math.abs(steps - Math.round(steps)) < 1e-9;
}

function scientific(v: number): string {
  if (v >= 1e-2 && v < 1e4) return String(Number(v.toPrecision(2)));
  const [mantissa, exponent] = v.toExponential(0).split('e') as [string, string];
  return `${mantissa === '1' ? '' : `${mantissa}·`}10${superscript(Number(exponent))}`;
}

function superscript(exponent: number): string {
  return String(exponent).replace(/./g, (c) => '⁰¹²³⁴⁵⁶⁷⁸⁹⁻'['0123456789-'.indexOf(c)]!);
}

function ramp(t: number): string {
  const at = t * (surface.length - 1);
  const a = surface[Math.floor(at)]!;
  const b = surface[Math.ceil(at)]!;
  const channel = (color: string, i: number) => Number.parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16);
  return `rgb(${[0, 1, 2].map((i) => Math.round(channel(a, i) + (channel(b, i) - channel(a, i)) * (at % 1))).join(',')})`;
}

function textWidth(texts: string[]): number {
  return characterWidth * Math.max(0, ...texts.map((text) => text.length));
}

/**
 * Renders without a DOM. echarts numbers its instances and styles from counters of the process, so class names and style
 * sheets (only for pointers) are removed and ids renumbered: the same data give the same bytes. Text is centred by a
 * shift that every viewer knows.
 */
function render(frame: Frame, option: object): string {
  const { width = defaultWidth, height = defaultHeight } = frame;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, backgroundColor: '#ffffff', silent: true, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return xmlOf(svg)
    .replace(/<style\s*>[\s\S]*?<\/style>\n?/g, '')
    .replace(/ (?:class="zr\d+-cls-\d+"|pointer-events="\w+")/g, '')
    .replace(/\bzr\d+-/g, '')
    .replaceAll(' dominant-baseline="central"', ' dy="0.35em"')
    .replace(/ d="[^"]*"/g, (d) => d.replace(/(\.\d\d)\d+/g, '$1'))
    .replace('<svg ', `<svg role="img" aria-label="${attribute(xmlOf(frame.title))}" `);
}

/** Names may hold what no XML may: control characters, halves of a surrogate pair. */
function xmlOf(svg: string): string {
  return svg.replace(/[^\P{Cc}\n\t]|\p{Cs}|[\ufffe\uffff]/gu, '\ufffd');
}

function attribute(text: string): string {
  return text.replace(/[&"<>]/g, (c) => `&#${c.charCodeAt(0)};`);
}
