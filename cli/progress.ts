import { MultiBar } from 'cli-progress';

/** Named numbers or texts shown under the bar, in their order; numbers get two decimals. */
export type Metrics = Record<string, number | string>;

export interface ProgressOptions {
  /** What is counted, in the singular: `iteration`. */
  unit: string;
  /** The work ends after this many units, after this many seconds, or at whichever comes first. */
  total?: number | undefined;
  seconds?: number | undefined;
  /** How many units were done before: work that goes on. Default 0. */
  from?: number;
  /** Shows a speed: `{unit: 'characters', perUnit: 25}` is 25 characters an iteration. */
  rate?: { unit: string; perUnit: number };
  /** Where to write: a bar on a terminal, plain lines elsewhere. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** The clock, in milliseconds. */
  now?: () => number;
}

export interface Progress {
  /** Tells how many units are done; cheap enough to call at each of them. */
  update(done: number, metrics: Metrics): void;
  /** Prints text, such as a sample, on lines of its own, above the bar. */
  print(text: string): void;
  /** Shows the last state and ends; further calls do nothing. */
  stop(): void;
}

const clearRight = '\x1b[K';
const redrawMs = 100;
const shortestBar = 8;
const longestBar = 30;

/**
 * A reporter for long work. On a terminal it draws a progress bar with the metrics under it; in a file or pipe it prints
 * plain lines without control characters: at round numbers of units, about twenty in all, or for each twentieth of the
 * time (at least a second apart), at least every minute, and one at the end.
 */
export function createProgress(options: ProgressOptions): Progress {
  const { stream = process.stdout, now = () => performance.now() } = options;
  const start = now();
  const state: State = { done: options.from ?? 0, elapsed: 0, metrics: {} };
  const face = stream.isTTY ? barFace(stream, options, state) : linesFace(stream, options, state);
  let stopped = false;
  return {
    update(done, metrics) {
      if (stopped) return;
      Object.assign(state, { done, metrics, elapsed: (now() - start) / 1000 });
      face.update();
    },
    print(text) {
      face.print(`${printable(text).replace(/\n+$/, '')}\n`);
    },
    stop() {
      if (!stopped) face.stop();
      stopped = true;
    },
  };
}

/** Text without control characters other than line feed and tab, so that it cannot move a terminal's cursor. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/[^\P{Cc}\n\t]/gu, '\ufffd');
}

interface State {
  done: number;
  elapsed: number;
  metrics: Metrics;
}

interface Face {
  update(): void;
  print(lines: string): void;
  stop(): void;
}

function barFace(stream: NonNullable<ProgressOptions['stream']>, options: ProgressOptions, state: State): Face {
  const bars = new MultiBar({
    stream,
    linewrap: true,
    gracefulExit: false,
    forceRedraw: true,
  });
  const columns = () => (stream.columns ?? 80) - 1;
  bars.create(1, 0, {}, { format: () => barLine(options, state, columns()) });
  bars.create(1, 0, {}, { format: () => printable(metricFacts(state).join(' · ')).slice(0, columns()) });
  let drawn = -Infinity;
  return {
    // A training loop leaves the bar's own timer no turn, so the bar is drawn from here.
    update() {
      if (state.elapsed * 1000 < drawn + redrawMs) return;
      drawn = state.elapsed * 1000;
      bars.update();
    },
    print(lines) {
      if (!bars.isActive) {
        stream.write(lines);
        return;
      }
      bars.log(lines.replaceAll('\n', `${clearRight}\n`));
      bars.update();
    },
    stop: () => bars.stop(),
  };
}

function linesFace(stream: NodeJS.WritableStream, options: ProgressOptions, state: State): Face {
  const { from = 0, total = Infinity, seconds = Infinity } = options;
  const stride = roundBelow((total - from) / 20);
  const pause = Math.min(60, Math.max(1, seconds / 20));
  let shownAt = 0;
  let shownDone = from;
  const show = () => {
    shownAt = state.elapsed;
    shownDone = state.done;
    stream.write(`${plainLine(options, state)}\n`);
  };
  return {
    update() {
      const passed = Math.floor(state.done / stride) > Math.floor(shownDone / stride);
      if (passed || state.elapsed - shownAt >= pause) show();
    },
    print: (lines) => stream.write(lines),
    stop() {
      if (state.done > shownDone) show();
    },
  };
}

/** Share of the work that is done, by whichever limit is nearer. */
function fraction({ total, seconds, from = 0 }: ProgressOptions, { done, elapsed }: State): number {
  return Math.min(1, Math.max(total ? (done - from) / (total - from) : 0, seconds ? elapsed / seconds : 0));
}

/** The largest of 1, 2, 5, 10, 20, 50, … that is not above x; at least 1. */
function roundBelow(x: number): number {
  if (!(x >= 1 && x < Infinity)) return x === Infinity ? x : 1;
  const decade = 10 ** Math.floor(Math.log10(x));
  return [5, 2, 1].find((digit) => digit * decade <= x)! * decade;
}

function speedFacts(options: ProgressOptions, state: State): string[] {
  const share = fraction(options, state);
  const left = share > 0 && share < 1 ? [`${duration((state.elapsed * (1 - share)) / share)} left`] : [];
  const { rate, from = 0 } = options;
  const speed =
    rate && state.elapsed > 0
      ? [`${Math.round(((state.done - from) * rate.perUnit) / state.elapsed)} ${rate.unit}/s`]
      : [];
  const percent = options.total || options.seconds ? [`${Math.floor(share * 100)} %`] : [];
  return [...percent, ...left, ...speed];
}

function metricFacts({ metrics }: State): string[] {
  return Object.entries(metrics).map(([name, v]) => `${name} ${typeof v === 'number' ? v.toFixed(2) : v}`);
}

function count({ unit, total }: ProgressOptions, { done }: State): string {
  return `${unit} ${done}${total ? `/${total}` : ''}`;
}

function plainLine(options: ProgressOptions, state: State): string {
  return printable([count(options, state), ...speedFacts(options, state), ...metricFacts(state)].join(', '));
}

function barLine(options: ProgressOptions, state: State, columns: number): string {
  const text = printable([...speedFacts(options, state), count(options, state)].join(' · '));
  const size = Math.min(longestBar, Math.max(shortestBar, columns - text.length - 1));
  const full = Math.round(size * fraction(options, state));
  return `${'█'.repeat(full)}${'░'.repeat(size - full)} ${text}`.slice(0, columns);
}

function duration(seconds: number): string {
  const s = Math.ceil(seconds);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  return m < 60 ? `${m} min ${s % 60} s` : `${Math.floor(m / 60)} h ${m % 60} min`;
}
