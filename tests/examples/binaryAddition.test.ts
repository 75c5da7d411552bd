import { afterAll, describe, expect, it } from 'vitest';
import { add, drawFirstPart, init_synapses, run, update } from '../../examples/binaryAddition.ts';
import { additionProblem, binary2int, int2binary } from '../../src/data/index.ts';
import { type Float64View, zeros } from '../../src/tensor/numpy.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { compared, expectClose, type Golden, readGolden } from './support.ts';

const TOLERANCE = 1e-11;

interface Case {
  name: string;
  seed: number;
  binary_dim: number;
  hidden_dim: number;
  alpha: number;
  iterations: number;
  synapse_0: Golden;
  synapse_1: Golden;
  synapse_h: Golden;
  rows: [j: number, a: number, b: number, error: number, d: number[], c: number[], decoded: number][];
  details: (Record<'layer_1_values' | 'layer_2' | 'layer_2_deltas' | 'layer_1_deltas_backward_order', Golden> &
    Record<'u0' | 'u1' | 'uh' | 'synapse_0_after' | 'synapse_1_after' | 'synapse_h_after', Golden>)[];
  synapse_0_final: Golden;
  synapse_1_final: Golden;
  synapse_h_final: Golden;
}

/** Rows (1, n) of a list, one under the other; one number each as a vector. */
function stack(rows: Float64View[]): Float64View {
  const n = rows[0].size;
  const all = n === 1 ? zeros(rows.length) : zeros(rows.length, n);
  rows.forEach((row, i) => {
    all.data.set(row.data, i * n);
  });
  return all;
}

describe('notebook 004, first part', () => {
  it.each(readGolden<{ cases: Case[] }>('nb004a_binary_addition').cases.map((c) => [c.name, c] as const))(
    '%s',
    (_, c) => {
      const random = new RandomState(c.seed);
      const synapses = init_synapses(random, 2, c.hidden_dim, 1);
      const names = ['synapse_0', 'synapse_1', 'synapse_h'] as const;
      for (const name of names) expectClose(name, synapses[name], c[name], TOLERANCE);
      const rows = new Map(c.rows.map((row) => [row[0], row]));
      for (let j = 0; j < c.iterations; j++) {
        const problem = additionProblem(random, c.binary_dim);
        const addition = add(synapses, problem.a, problem.b, problem.c);
        update(synapses, addition, c.alpha);

        const row = rows.get(j);
        if (row !== undefined) {
          const [, aInt, bInt, error, d, sum, decoded] = row;
          expect([problem.aInt, problem.bInt, addition.d, [...problem.c]]).toEqual([aInt, bInt, d, sum]);
          expect(binary2int(addition.d)).toBe(decoded);
          expectClose(`error ${j}`, addition.overallError.get(0), error, TOLERANCE);
        }
        const detail = c.details[j];
        if (detail === undefined) continue;
        expectClose('layer_1', stack(addition.layer_1_values), detail.layer_1_values, TOLERANCE);
        expectClose('layer_2', stack(addition.layer_2_values), detail.layer_2, TOLERANCE);
        expectClose('layer_2_deltas', stack(addition.layer_2_deltas), detail.layer_2_deltas, TOLERANCE);
        expectClose('layer_1_deltas', stack(addition.layer_1_deltas), detail.layer_1_deltas_backward_order, TOLERANCE);
        expectClose('u0', addition.synapse_0_update, detail.u0, TOLERANCE);
        expectClose('u1', addition.synapse_1_update, detail.u1, TOLERANCE);
        expectClose('uh', addition.synapse_h_update, detail.uh, TOLERANCE);
        for (const name of names) expectClose(`${name} after`, synapses[name], detail[`${name}_after`], TOLERANCE);
      }
      for (const name of names) expectClose(`${name} final`, synapses[name], c[`${name}_final`], TOLERANCE);
    },
  );
});

it('draws what the first part draws, without its training', () => {
  const random = new RandomState(0);
  drawFirstPart(random, 0);
  const lines: string[] = [];
  const { overallErrors } = run({ iterations: 1, print: (line) => lines.push(line) });
  const { aInt, bInt, c } = additionProblem(random);
  expect(overallErrors).toHaveLength(1);
  expect(lines).toContain(`True:[${c.join(' ')}]`);
  expect(lines).toContain(`${aInt} + ${bInt} = 0`);
  expect(c).toEqual(int2binary(aInt + bInt));
});

afterAll(() => expect(compared.numbers).toBe(358));
