import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { printable } from '../../cli/printable.ts';
import { createProgress, type ProgressOptions } from '../../cli/progress.ts';

class Sink extends Writable {
  text = '';
  isTTY = false;
  columns = 100;
  override _write(chunk: Buffer, _encoding: string, done: () => void) {
    this.text += chunk.toString();
    done();
  }
}

const start = '\x1b[1G';
const clear = '\x1b[2K';
const clearRight = '\x1b[K';
const toEnd = '\x1b[0K';

function reporter(options: Partial<ProgressOptions>, isTTY = false) {
  const stream = Object.assign(new Sink(), { isTTY });
  const clock = { ms: 0 };
  const progress = createProgress({ unit: 'iteration', stream, now: () => clock.ms, ...options });
  return { stream, clock, progress };
}

test('plain lines at round numbers, about twenty in all, and at the end', () => {
  const { stream, clock, progress } = reporter({ total: 1000, rate: { unit: 'characters', perUnit: 25 } });
  for (let i = 1; i <= 1000; i++) {
    clock.ms += 10;
    progress.update(i, { 'smooth loss': 100 - i / 100, note: 'x' });
  }
  progress.stop();
  progress.stop();
  progress.update(1000, {});
  const lines = stream.text.trimEnd().split('\n');
  expect(lines).toHaveLength(20);
  expect(lines[1]).toBe('iteration 100/1000, 10 %, 9 s left, 2.5k characters/s, smooth loss 99.00, note x');
  expect(lines[19]).toBe('iteration 1000/1000, 100 %, 2.5k characters/s, smooth loss 90.00, note x');
  expect(stream.text).not.toMatch(/[^\P{Cc}\n]/u);
});

test.each([
  [3000, 100],
  [4000, 200],
  [9999, 200],
  [12, 1],
])('%i units: a line every %i', (total, every) => {
  const { stream, progress } = reporter({ total });
  for (let i = 1; i <= total; i++) progress.update(i, {});
  const counts = stream.text.match(/^iteration \d+/gm)!;
  expect(counts.slice(0, 2)).toEqual([`iteration ${every}`, `iteration ${2 * every}`]);
});

test('work that goes on counts from where it was', () => {
  const { stream, clock, progress } = reporter({ total: 400, from: 300, rate: { unit: 'characters', perUnit: 25 } });
  clock.ms = 1000;
  progress.update(350, {});
  progress.stop();
  expect(stream.text).toBe('iteration 350/400, 50 %, 1 s left, 1.25k characters/s\n');
  const idle = reporter({ total: 400, from: 300 });
  idle.progress.stop();
  expect(idle.stream.text).toBe('');
});

test('a limit in seconds gives the share and the time left; the nearer limit wins', () => {
  const { stream, clock, progress } = reporter({ seconds: 400, total: 1e9 });
  clock.ms = 100_000;
  progress.update(5, {});
  expect(stream.text).toBe('iteration 5/1000000000, 25 %, 5 min 0 s left\n');
});

test('slow work is heard of every minute, work without a known end as well', () => {
  const { stream, clock, progress } = reporter({});
  for (let i = 1; i <= 200; i++) {
    clock.ms += 1000;
    progress.update(i, {});
  }
  progress.stop();
  expect(stream.text).toBe(['60', '120', '180', '200'].map((n) => `iteration ${n}\n`).join(''));
});

test('samples lose their control characters', () => {
  const { stream, progress } = reporter({});
  progress.print('a\x1b[2Jb\r\nc\rd\te\n\n');
  expect(stream.text).toBe('a\ufffd[2Jb\nc\ufffdd\te\n');
  expect(printable('\x00\x9f')).toBe('\ufffd\ufffd');
});

test('on a terminal a bar that fits its width, with samples above it', () => {
  const { stream, clock, progress } = reporter({ total: 100, rate: { unit: 'characters', perUnit: 25 } }, true);
  clock.ms = 1000;
  progress.update(50, { 'smooth loss': 55.5, 'held out': 3.4 });
  const bar = '50 % · 1 s left · 1.25k characters/s · iteration 50/100';
  expect(stream.text).toContain(`${'█'.repeat(15)}${'░'.repeat(15)} ${bar}`);
  expect(stream.text).toContain(`\n${start}smooth loss 55.50 · held out 3.40`);

  stream.text = '';
  progress.print('a sample\nof two lines');
  const sample = `a sample${clearRight}\nof two lines${clearRight}\n`;
  expect(stream.text).toContain(`${clear}${sample}${start}█`);
  expect(stream.text).toContain('░ 50 %');

  stream.text = '';
  stream.columns = 40;
  clock.ms = 2000;
  progress.update(75, { 'smooth loss': 55.5, 'held out': 3.4 });
  expect(stream.text).toContain(`${'█'.repeat(17)}${'░'.repeat(6)} 75 % · 1 s left${toEnd}`);

  progress.stop();
  expect(stream.text.endsWith('\n')).toBe(true);
  progress.print('after the end');
  expect(stream.text.endsWith('\nafter the end\n')).toBe(true);
});

test('a bar is drawn at most ten times a second', () => {
  const { stream, clock, progress } = reporter({ total: 10_000 }, true);
  for (let i = 1; i <= 1000; i++) {
    clock.ms += 1;
    progress.update(i, {});
  }
  const drawn = stream.text.split(start).length;
  expect(drawn).toBeGreaterThan(8);
  expect(drawn).toBeLessThan(60);
  progress.stop();
});
