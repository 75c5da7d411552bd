import { expect, test } from 'vitest';
import { LruMap } from '../../src/bptt/lruMap.ts';

test('makes a value once, and forgets the least recently used', () => {
  const made: string[] = [];
  const forgotten: string[] = [];
  const map = new LruMap<string, string>(2, (value) => forgotten.push(value));
  const get = (key: string) =>
    map.get(key, () => {
      made.push(key);
      return `value of ${key}`;
    });
  expect([get('a'), get('b'), get('a')]).toEqual(['value of a', 'value of b', 'value of a']);
  expect(made).toEqual(['a', 'b']);
  get('c'); // b was used longest ago
  expect(forgotten).toEqual(['value of b']);
  expect([...map.values()]).toEqual(['value of a', 'value of c']);
  get('a');
  expect(made).toEqual(['a', 'b', 'c']);
  get('b');
  expect(forgotten).toEqual(['value of b', 'value of c']);
  expect(map.size).toBe(2);
});
