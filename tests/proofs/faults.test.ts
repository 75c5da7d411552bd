import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { faults, sourceOf, unitTests } from '../../proofs/faults.ts';
import { gradcheckCases } from '../../proofs/gradcheckCases.ts';
import { unitTestsOf } from '../../proofs/testsOfFault.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('every planted fault has its one place, changes it, and is planted once', () => {
  const misplaced = faults.filter((fault) => {
    const path = root + sourceOf(fault);
    return !existsSync(path) || readFileSync(path, 'utf8').split(fault.find).length !== 2;
  });
  expect(misplaced.map((fault) => `${sourceOf(fault)}: ${fault.find}`)).toEqual([]);
  expect(faults.filter(({ find, replace }) => find === replace)).toEqual([]);
  expect(new Set(faults.map(({ file, find, replace }) => `${file} ${find} ${replace}`)).size).toBe(faults.length);
});

test('somebody is there to notice every one: a gradient check by its name, or unit tests', () => {
  const names = gradcheckCases.map(({ name }) => name);
  const unnoticed = faults.filter((fault) =>
    fault.cases === unitTests
      ? unitTestsOf(fault).length === 0
      : !names.some((name) => new RegExp(`^(${fault.cases})$`).test(name)),
  );
  expect(unnoticed.map(({ file, cases, find }) => `${file}: ${cases} ${find}`)).toEqual([]);
});
