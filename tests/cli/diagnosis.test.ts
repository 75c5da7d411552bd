import { CharWindows } from 'bptt/data';
import { expect, test } from 'vitest';
import { Diagnosis } from '../../cli/diagnosis.ts';
import { settingsFrom } from '../../cli/settings.ts';

const settings = settingsFrom({ preset: 'default' });

/** Of a text of so many symbols, of which the held-out ones are 0 and 1 in turn. */
function diagnosis(length: number, size: number): Diagnosis {
  const heldOut = Int32Array.from({ length: 101 }, (_, i) => i % 2);
  return new Diagnosis({ windows: new CharWindows(new Int32Array(1000), 5), heldOut, length }, size, settings);
}

test('a text that is too short for its vocabulary', () => {
  expect(diagnosis(1_000_100, 100).ofText()).toBeUndefined();
  expect(diagnosis(600_100, 6000).ofText()).toBe(
    'the 600000 characters to learn from hold 6000 different ones, each 100 times on average: too rarely for a net to learn most of them; a longer text would help',
  );
});

test('worse than chance, a loss that grows, a net that is dead: each once, and not too early', () => {
  const far = 10_000;
  const chance = diagnosis(1e6, 16);
  expect(chance.of(1, 9, 9)).toBeUndefined();
  expect(chance.of(far, 4.5, undefined)).toBe(
    '4.50 bits are worse than guessing blindly (4.00); a smaller --lr (0.002) or --clip-norm 1 may help',
  );
  expect(chance.of(far, 4.5, undefined)).toBeUndefined();
  expect(diagnosis(1e6, 16).of(1, 70112, undefined)).toMatch(/^70112\.00 bits are worse than guessing blindly/);
  const grown = diagnosis(1e6, 16);
  expect(grown.of(far, 0.5, 0.5)).toBeUndefined();
  expect(grown.of(far, 1.2, 0.6)).toMatch(/^the loss has grown from 0\.50 to 1\.20 bits; a smaller --lr/);
  expect(grown.of(far, 1.2, 0.6)).toBeUndefined();
  const dead = diagnosis(1e6, 16);
  expect(dead.of(far, 1, undefined)).toBeUndefined();
  expect(dead.of(far, 1, 1)).toMatch(/^the net has learnt no more than how frequent each character is \(1\.00 bits\)/);
  expect(dead.of(far, 0.7, 0.7)).toBeUndefined();
});
