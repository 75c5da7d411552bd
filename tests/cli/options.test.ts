import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { numberBetween, wholeNumber } from '../../cli/options.ts';

const script = `
import { createCommand, numberBetween, runCommand, wholeNumber } from ${JSON.stringify(new URL('../../cli/options.ts', import.meta.url).href)};
process.argv.splice(1, 0, 'train');
const command = createCommand('train', 'trains')
  .option('--hidden <n>', 'units', wholeNumber(4096), 100)
  .option('--lr <x>', 'rate', numberBetween(0, 10, { positive: true }), 0.1)
  .action((options) => {
    if (options.hidden === 13) throw new Error('unlucky');
    console.log(JSON.stringify(options));
  });
await runCommand(command);
`;

function run(...args: string[]) {
  const result = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, '--', ...args], {
    encoding: 'utf8',
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

test('parses options', () => {
  expect(run('--hidden', '64')).toEqual({ status: 0, out: '{"hidden":64,"lr":0.1}\n', err: '' });
});

test('help goes to stdout with status 0', () => {
  const { status, out } = run('--help');
  expect(status).toBe(0);
  expect(out).toContain('--hidden <n>');
});

test.each([
  [['--hiden', '1'], "error: unknown option '--hiden' (Did you mean --hidden?)"],
  [['--hidden', 'x'], "'--hidden <n>' argument 'x' is invalid. It must be a whole number from 1 to 4096."],
  [['--hidden', '5000'], 'It must be a whole number from 1 to 4096.'],
  [['--hidden'], "error: option '--hidden <n>' argument missing"],
  [['surplus'], 'error: too many arguments'],
])('misuse %j is one line and status 2', (args, message) => {
  const { status, out, err } = run(...args);
  expect(status).toBe(2);
  expect(out).toBe('');
  expect(err).toContain(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
});

test('an error is one line without a stack and status 1', () => {
  expect(run('--hidden', '13')).toEqual({ status: 1, out: '', err: 'error: unlucky\n' });
});

test('whole numbers and numbers in a range', () => {
  const whole = wholeNumber(10);
  expect([whole('1'), whole('10')]).toEqual([1, 10]);
  for (const text of ['0', '11', '1.5', '', '1e1', 'ten', '-3', '0x3'])
    expect(() => whole(text)).toThrow('from 1 to 10');
  expect(wholeNumber(10, 0)('0')).toBe(0);

  const rate = numberBetween(0, 1, { positive: true });
  expect([rate('1e-3'), rate('1')]).toEqual([0.001, 1]);
  for (const text of ['0', '-1', '1.01', '', 'NaN', 'x']) expect(() => rate(text)).toThrow('above 0, at most 1');
  expect(numberBetween(0, 1)('0')).toBe(0);
  expect(() => numberBetween(-1, 1)('2')).toThrow('from -1 to 1');
});
