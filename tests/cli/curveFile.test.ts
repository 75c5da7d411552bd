import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CurveFile } from '../../cli/curveFile.ts';
import type { LogRow } from '../../cli/learningCurve.ts';

test('a row of the iteration of the last one takes its place in the picture', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-curve-'));
  const path = join(folder, 'curve.svg');
  const row = (iteration: number): LogRow => ({ iteration, seconds: 1, loss: 1, smoothLoss: 1, bits: 3 });
  const rows = [row(10)];
  const curve = new CurveFile(path, { net: 'a net', text: 'a text', unit: 'character' }, rows);
  curve.add(row(20));
  curve.add({ ...row(20), heldOut: { bits: 2.5, symbols: 90 } });
  await curve.end();
  expect(rows.map(({ iteration, heldOut }) => [iteration, heldOut?.symbols])).toEqual([
    [10, undefined],
    [20, 90],
  ]);
  expect(readFileSync(path, 'utf8')).toContain('held out');
  rmSync(folder, { recursive: true });
});
