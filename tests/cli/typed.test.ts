import { expect, test } from 'vitest';
import { typed } from '../../cli/typed.ts';

test('a command is named as this process was called', () => {
  expect(typed('train', {})).toBe('bptt train');
  expect(typed('train', { npm_lifecycle_event: 'npx' })).toBe('npx bptt-cli train');
  const inClone = { npm_package_name: 'bptt', npm_lifecycle_event: 'start' };
  expect(typed('train', inClone)).toBe('npm start --');
  expect(typed('sample', inClone)).toBe('npm run --silent sample --');
  expect(typed('another', inClone)).toBe('bptt another');
  expect(typed('sample', { npm_package_name: 'mine', npm_lifecycle_event: 'sample' })).toBe('bptt sample');
});
