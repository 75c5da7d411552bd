import { type Cell, elman, gru, gruResetBefore, lstm, lstmPeephole } from 'bptt/layers';
import { checkCell } from 'bptt/testing';
import { describe, expect, test } from 'vitest';

const bundled: [string, Cell][] = [
  ...Object.entries(elman).map(([f, cell]): [string, Cell] => [`elman ${f}`, cell]),
  ...[gru, gruResetBefore, lstm, lstmPeephole].map((cell): [string, Cell] => [cell.name, cell]),
];

describe('every bundled cell', () => {
  test.each(bundled)('%s', (_, cell) => {
    const report = checkCell(cell, { seed: 1 });
    expect(report).toMatchObject({ runs: 30, units: 200, sequences: 30 });
    console.log(report);
  });
});
