import { MultiBar } from 'cli-progress';
import { printable } from './printable.ts';

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
  /** Where to write: a bar on a terminal that can, plain lines elsewhere. */
  stream?: Stream;
  /** Whether there is nobody to be told anything any more. */
  isSilent?: () => boolean;
  /** The clock, in milliseconds. */
  now?: () => number;
}

type Stream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export interface Progress {
  /**
   * Tells how many units are done; cheap enough to call at each of them.
   *
   * @param pace units a second; without it by the clock, from the beginning on
   */
  update(done: number, metrics: Metrics, pace?: number): void;
  /** Prints text, such as a sample, on lines of its own, above the bar; where there is none, to that stream. */
  print(text: string, stream?: NodeJS.WritableStream): void;
  /** Says what goes on beside the work that is counted, until the next update. */
  status(text: string): void;
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
  const { stream = process.stdout, now = () => performance.now(), isSilent = () => false } = options;
  const start = now();
  const state: State = { done: options.from ?? 0, elapsed: 0, pace: undefined, metrics: {}, status: '' };
  const face = canDraw(stream) ? barFace(stream, options, state) : linesFace(stream, options, state);
  let stopped = false;
  return {
    update(done, metrics, pace) {
      if (stopped || isSilent()) return;
      Object.assign(state, { done, metrics, pace, status: '', elapsed: (now() - start) / 1000 });
      face.update();
    },
    print(text, other) {
      if (!isSilent()) face.print(`${printable(text).replace(/\n+$/, '')}\n`, other);
    },
    status(text) {
      if (stopped || isSilent()) return;
      state.status = printable(text);
      face.tell();
    },
    stop() {
      if (!stopped && !isSilent()) face.stop();
      stopped = true;
    },
  };
}

/** Whether a stream is a terminal that moves its cursor as it is told. */
function canDraw(stream: Stream): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

/** Says on a terminal what goes on before there is anything to count; an empty text takes it away again. */
export function showStatus(text: string, stream: Stream = process.stdout): void {
  if (canDraw(stream)) stream.write(`\r${clearRight}${text.slice(0, (stream.columns ?? 80) - 1)}`);
}

interface State {
  done: number;
  elapsed: number;
  pace: number | undefined;
  metrics: Metrics;
  status: string;
}

interface Face {
  update(): void;
  print(lines: string, other?: NodeJS.WritableStream): void;
  tell(): void;
  stop(): void;
}

function barFace(stream: Stream, options: ProgressOptions, state: State): Face {
  const bars = new MultiBar({
    stream,
    linewrap: true,
    gracefulExit: false,
    forceRedraw: true,
  });
  const columns = () => (stream.columns ?? 80) - 1;
  bars.create(1, 0, {}, { format: () => barLine(options, state, columns()) });
  bars.create(1, 0, {}, { format: () => state.status.slice(0, columns()) || fitted(metricFacts(state), columns()) });
  let drawn = -Infinity;
  return {
    // A training loop leaves the bar's own timer no turn, so the bar is drawn from here.
    update() {
      if (state.elapsed * 1000 < drawn + redrawMs) return;
      drawn = state.elapsed * 1000;
      bars.update();
    },
    print(lines, other = stream) {
      if (!bars.isActive) {
        other.write(lines);
        return;
      }
      bars.log(lines.replaceAll('\n', `${clearRight}\n`));
      bars.update();
    },
    tell: () => bars.update(),
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
      if (state.done === shownDone) return;
      const passed = Math.floor(state.done / stride) > Math.floor(shownDone / stride);
      if (passed || state.elapsed - shownAt >= pause) show();
    },
    print: (lines, other = stream) => void other.write(lines),
    tell: () => {}, // who reads a file later knows that it is over
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
  const pace = state.pace ?? (state.done - from) / state.elapsed;
  const speed = rate && pace > 0 && pace < Infinity ? [`${short(pace * rate.perUnit)} ${rate.unit}/s`] : [];
  const percent = options.total || options.seconds ? [`${Math.floor(share * 100)} %`] : [];
  return [...percent, ...left, ...speed];
}

function metricFacts({ metrics }: State): string[] {
  return Object.entries(metrics).map(([name, v]) => `${name} ${typeof v === 'number' ? v.toFixed(2) : v}`);
}

function count({ unit, total }: ProgressOptions, { done }: State): string {
  return `${unit} ${done}${total ? `/${total}` : ''}`;
}

/** Three digits are enough of a number that goes up and down. */
function short(n: number): string {
  const digits = (value: number): string => String(Number(value.toPrecision(3)));
  if (n < 1e3) return n.toFixed(0);
  return n < 1e6 ? `${digits(n / 1e3)}k` : `${digits(n / 1e6)}M`;
}

/** As many of the facts as there is room for, the first ones. */
function fitted(facts: string[], columns: number): string {
  const shown = printable(facts[0] ?? '').slice(0, columns);
  return facts.slice(1).reduce((line, fact) => {
    const longer = `${line} · ${printable(fact)}`;
    return longer.length <= columns ? longer : line;
  }, shown);
}

function plainLine(options: ProgressOptions, state: State): string {
  return printable([count(options, state), ...speedFacts(options, state), ...metricFacts(state)].join(', '));
}

function barLine(options: ProgressOptions, state: State, columns: number): string {
  const text = fitted([...speedFacts(options, state), count(options, state)], columns - shortestBar - 1);
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
