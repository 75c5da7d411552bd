import { createTrainer } from 'bptt';
import {
  type Cell,
  type CellBackward,
  type CellForward,
  elman,
  formulaCell,
  gru,
  gruResetBefore,
  lstm,
} from 'bptt/layers';
import { adam } from 'bptt/optim';
import { checkCell, EXACT_TOLERANCE } from 'bptt/testing';
import { describe, expect, test } from 'vitest';
import { bundledCells } from '../../proofs/gradcheckLayers.ts';
import { checkSequences } from '../../src/testing/checkSequences.ts';
import { everything, leaky, still } from './cells.ts';

describe('every bundled cell', () => {
  test.each(bundledCells)('%s', (_, cell) => {
    const report = checkCell(cell, { seed: 1 });
    expect(report).toMatchObject({ runs: 30, units: 200, sequences: 10 });
    expect(report.worst).toBeLessThan(EXACT_TOLERANCE);
    expect(report.gradients).toBeGreaterThan(400);
    expect(report.loops).toBeGreaterThan(40);
    expect(report.throughTime).toBeGreaterThan(200);
  });
});

test('a cell of plain loops passes, without a formula to hold it to', () => {
  const report = checkCell(leaky, { runs: 15 });
  expect(report).toMatchObject({ runs: 15, units: 0, worst: 0, loops: 0, sequences: 5 });
  expect(report.gradients).toBeGreaterThan(200);
  expect(report.throughTime).toBeGreaterThan(100);
});

describe('cells that use every part of the description', () => {
  test.each([everything, still, leaky].map((cell) => [cell.name, cell] as const))('%s', async (_, cell) => {
    const report = checkCell(cell, { runs: 15, seed: 4 });
    expect(report).toMatchObject({ runs: 15, sequences: 5 });
    expect(report.units).toBe(cell.formula ? 200 : 0);
    expect(report.throughTime).toBeGreaterThan(100);
    // And the same losses on both engines of the CPU, to what Adam makes of float32's rounding in 30 updates.
    const [steps, batch, V] = [7, 5, 4];
    const inputs = Int32Array.from({ length: steps * batch }, (_one, i) => (i * 7 + Math.floor(i / 5)) % V);
    const losses = await Promise.all(
      (['ts', 'wasm'] as const).map(async (engine) => {
        const trainer = await createTrainer(
          {
            ...{ cell, inputSize: V, hiddenSize: 6, outputSize: V, layers: 2, bidirectional: true },
            ...{ loss: 'softmaxCrossEntropy', reduction: 'mean', initialState: 'learned' },
          },
          { steps, batch, optimizer: adam({ lr: 0.02 }), engine, seed: 3 },
        );
        const lossesOf = await trainer.train(
          Array(30).fill({ inputs, targets: inputs.map((id) => (id + 1) % V), lengths: [7, 3, 0, 5, 1] }),
        );
        trainer.dispose();
        return lossesOf;
      }),
    );
    expect(losses[0][29]).toBeLessThan(0.7 * losses[0][0]);
    for (const [i, loss] of losses[0].entries()) expect(Math.abs(losses[1][i] - loss)).toBeLessThan(1e-3);
  });
});

/** The cell with something done after its forward or backward. */
function followed(
  cell: Cell,
  change: {
    forward?(s: CellForward, B: number, H: number): void;
    backward?(s: CellBackward, B: number, H: number): void;
  },
): Cell {
  return {
    ...cell,
    name: 'broken',
    forward(step, B, H) {
      cell.forward(step, B, H);
      change.forward?.(step, B, H);
    },
    backward(step, B, H) {
      cell.backward(step, B, H);
      change.backward?.(step, B, H);
    },
  };
}

const { formula: _, savedNames: __, ...lstmLoops } = lstm;
const { formula: _f, ...innerLoops } = gruResetBefore;

const broken: [string, RegExp, Cell][] = [
  [
    'a wrong gradient of the gates',
    /gradients differ from central differences/,
    followed(leaky, { backward: ({ dxGates }) => scale(dxGates, 1.001) }),
  ],
  [
    'a wrong gradient of an extra parameter',
    /gradients differ from central differences\n[\s\S]*leak/,
    followed(leaky, { backward: ({ dextra }) => scale(dextra[0], -1) }),
  ],
  [
    'a wrong gradient of a state',
    /gradients differ from central differences\n[\s\S]*previous c/,
    followed(leaky, { backward: ({ dprevious }) => scale(dprevious[1], 2) }),
  ],
  [
    'a write past the end',
    /backward writes dxGates\[1\], which has 1 elements/,
    followed(leaky, {
      backward: ({ dxGates }) => {
        dxGates[dxGates.length] = 0;
      },
    }),
  ],
  [
    'a read past the end',
    /forward reads xGates\[1\], which has 1 elements/,
    followed(leaky, {
      forward: ({ xGates, states }, B, H) => {
        states[0][0] += (xGates[B * H] ?? 0) * 0;
      },
    }),
  ],
  [
    'a read of nowhere',
    /forward reads xGates\[NaN\]/,
    followed(leaky, {
      forward: ({ xGates, states }) => {
        states[0][0] += (xGates[Number.NaN] ?? 0) * 0;
      },
    }),
  ],
  [
    'saved blocks that do not fit',
    /forward writes saved\[\d+\], which has \d+ elements/,
    { ...lstmLoops, name: 'broken', savedBlocks: 4, savedNames: ['i', 'f', 'g', 'o'] },
  ],
  [
    'saved blocks that nobody fills',
    /caches\.saved\[\d+\] depends on what stood there before/,
    {
      ...leaky,
      name: 'broken',
      savedBlocks: 2,
      forward: (s, B, H) => leaky.forward({ ...s, saved: s.saved.subarray(0, B * H) }, B, H),
    },
  ],
  [
    'h_{t−1} past the product unannounced',
    /backward writes to dprevious\[0\], which it is to leave alone/,
    { ...leaky, name: 'broken', directHiddenGradient: false },
  ],
  [
    'a forward that changes the states before',
    /forward writes to previous\[0\], which it is to leave alone/,
    followed(leaky, {
      forward: ({ previous }) => {
        previous[0][0] = 0;
      },
    }),
  ],
  [
    'a method that changes the gates',
    /forward writes to xGates, which it is to leave alone/,
    followed(leaky, {
      forward: ({ xGates }) => {
        xGates.fill(0);
      },
    }),
  ],
  [
    'a backward that changes what was saved',
    /backward writes to saved, which it is to leave alone/,
    followed(leaky, {
      backward: ({ saved }) => {
        saved[0] = 0;
      },
    }),
  ],
  [
    'a change behind the back',
    /previous c\[0\] was changed by a pass/,
    followed(leaky, {
      forward: ({ previous }) => {
        previous[1].subarray(0)[0] = 0;
      },
    }),
  ],
  [
    'a state that adds',
    /outputs\.c\[0\] depends on what stood there before/,
    {
      ...leaky,
      name: 'broken',
      forward(s, B, H) {
        const before = s.states[1][0];
        leaky.forward(s, B, H);
        s.states[1][0] += before;
      },
    },
  ],
  [
    'a gradient that adds',
    /dinputs\.xGates\[0\] depends on what stood there before/,
    {
      ...leaky,
      name: 'broken',
      backward(s, B, H) {
        const before = s.dxGates[0];
        leaky.backward(s, B, H);
        s.dxGates[0] += before;
      },
    },
  ],
  [
    'an extra gradient that is not written',
    /dparameters\.leak\[0\]/,
    {
      ...leaky,
      name: 'broken',
      backward: (s, B, H) => leaky.backward({ ...s, dextra: [new Float64Array(B * H)] }, B, H),
    },
  ],
  [
    'a gradient out of nothing',
    /the gradient of previous h\[0\] is 1 where nothing comes from above/,
    followed(leaky, {
      backward: ({ dprevious }) =>
        dprevious[0].forEach((d, i) => {
          dprevious[0][i] = d + 1;
        }),
    }),
  ],
  [
    'sequences that see one another',
    /of example 0 alone/,
    followed(leaky, {
      forward: ({ states: [h], xGates, hGates }, B, H) => {
        if (B > 1) h[0] += xGates[H] + hGates[H];
      },
      backward: ({ dxGates, dstates: [dh] }, B, H) => {
        if (B > 1) dxGates[H] += dh[0];
      },
    }),
  ],
  [
    'numbers that float32 cannot hold',
    /in float32/,
    followed(leaky, {
      forward: ({ states: [h] }) =>
        h.forEach((v, i) => {
          h[i] = v + 1e6;
          h[i] -= 1e6;
        }),
    }),
  ],
  [
    'a random cell',
    /differs between two equal calls|depends on what stood there before/,
    followed(leaky, {
      forward: ({ states }) => {
        states[0][0] += Math.random();
      },
    }),
  ],
  [
    'an inner part with a wrong gradient',
    /gradients differ from central differences/,
    {
      ...innerLoops,
      name: 'broken',
      innerBackward(s, B, H) {
        gruResetBefore.innerBackward!(s, B, H);
        scale(s.dinnerGates, 0.5);
      },
    },
  ],
  [
    'loops that are not the formula',
    /forward gives states0\[0\] = \S+, its formula \S+/,
    { ...elman.tanh, name: 'broken', formula: elman.sigmoid.formula! },
  ],
];

describe('a broken cell is caught', () => {
  test.each(broken)('%s', (_, message, cell) => {
    // Lost digits are a kink to differences; only float32 is to be judged there.
    const options = String(message).includes('float32') ? { tolerance: 0.5, runs: 10 } : { runs: 10 };
    expect(() => checkCell(cell, options)).toThrow(message);
    expect(() => checkCell(cell, options)).toThrow(/^checkCell: broken: /);
  });

  test('by its description', () => {
    expect(() => checkCell('lstm' as never)).toThrow(TypeError("cell is 'lstm', expected a cell"));
    expect(() => checkCell(undefined as never)).toThrow(TypeError('cell is undefined, expected a cell'));
    expect(() => checkCell({ ...leaky, states: ['h', 'h'] })).toThrow(RangeError("cell leaky: states has 'h' twice"));
    expect(() => checkCell({ ...leaky, extra: { weight_hh: { blocks: 1 } } })).toThrow('the name weight_hh is taken');
    expect(() => checkCell({ ...leaky, savedBlocks: 0.5 })).toThrow('savedBlocks is 0.5, expected a whole number ≥ 0');
  });

  test('a formula whose backward is off by a part in 10⁹, which no difference shows', () => {
    const { formula } = gru;
    const off = formulaCell({
      ...gru,
      formula: {
        ...formula!,
        backward(m, unit) {
          const given = formula!.backward(m, unit);
          return { ...given, dprevious: [m.mul(given.dprevious![0]!, m.constant(1 + 1e-9))] };
        },
      },
    });
    expect(() => checkCell(off)).toThrow(
      /^checkCell: gru: backward is not the derivative of forward: the gradient of previous h/,
    );
  });

  test('by whole sequences alone', () => {
    const through = (cell: Cell) => () => checkSequences(cell, { runs: 6, seed: 0, tolerance: 1e-7 });
    expect(through(leaky)()).toMatchObject({ sequences: 6 });
    const wrong = followed(leaky, { backward: ({ dprevious }) => scale(dprevious[1], 2) });
    expect(through(wrong)).toThrow(
      /gradients through time differ from central differences[\s\S]*\(run \d of seed 0: \{"T":/,
    );
    const mixed = followed(leaky, {
      forward({ states: [h, c], xGates, hGates }, B, H) {
        if (B === 1) return;
        h[0] += xGates[H] + hGates[H];
        c[0] += xGates[H] + hGates[H];
      },
      backward({ dxGates, dstates: [dh, dc] }, B, H) {
        if (B > 1) dxGates[H] += dh[0] + dc[0];
      },
    });
    expect(through(mixed)).toThrow(/of sequence 0 alone: \[0\] is \S+, in the whole batch/);
  });
});

function scale(values: Float32Array | Float64Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
}
