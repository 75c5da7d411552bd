import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { ended, start } from './command.ts';

const noEval = ['--disallow-code-generation-from-strings'];
const fixture = (name: string, flags: string[]) => ended(start(`tests/cli/fixtures/${name}.ts`, [], tmpdir(), flags));

test('training, measuring, saving and sampling compile no code at run time', async () => {
  const { status, out, err } = await fixture('trainCharRnn', noEval);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const cells = out.trimEnd().split('\n');
  expect(cells).toHaveLength(3);
  for (const line of cells) {
    const { first, last, sample } = JSON.parse(line);
    expect(last).toBeLessThan(first);
    expect(sample).toBe(20);
  }
});

test('the flag bites: views of the ndarray package need run-time compilation', async () => {
  expect(await fixture('viewNdarray', [])).toMatchObject({ status: 0, out: '2,3\n' });
  const { status, err } = await fixture('viewNdarray', noEval);
  expect(status).not.toBe(0);
  expect(err).toContain('EvalError: Code generation from strings disallowed for this context');
});
