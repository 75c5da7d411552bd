import { expect, test } from 'vitest';
import type { Training } from '../../bench/contender.ts';
import { decode, encode } from '../../bench/serve.ts';
import { isNamed, WORKLOADS } from '../../bench/workloads.ts';
import { inGrammar, REBER_SYMBOLS } from '../../src/data/reber.ts';

const byId = (id: string) => WORKLOADS.find((workload) => workload.id === id)!;

test('a group names all of its workloads, an id only its own', () => {
  const named = (name: string) => WORKLOADS.filter((workload) => isNamed(workload, name)).map(({ id }) => id);
  expect(named('W4')).toEqual(['W4-64', 'W4-128', 'W4-256', 'W4-512', 'W4-1024']);
  expect(named('W6')).toEqual(['W6-rnn', 'W6-lstm']);
  expect(named('W1')).toEqual(['W1']);
});

// 3·2·T·B·(G·H² + H·V), 2·N³ and 2·(G·H² + H·V)
test.each([
  ['W1', 2_700_000],
  ['W2', 869_990_400],
  ['W3', 27_002_929_152],
  ['W4-128', 4_194_304],
  ['W6-lstm', 2_197_504],
])('%s takes %i multiplications and additions', (id, flops) => {
  expect(byId(id).flops).toBe(flops);
});

test('weights and data are the same at every call', () => {
  const { tensors } = byId('W5');
  expect(tensors()).toEqual(tensors());
});

test('the windows of W1 follow each other, and a target is the next input', () => {
  const { inputs, targets, weight_ih_l0 } = byId('W1').tensors();
  const { D, H } = byId('W1').task as Training;
  expect(weight_ih_l0).toHaveLength(H * D);
  expect([...targets.subarray(0, -1)]).toEqual([...inputs.subarray(1)]);
});

test('the batches of W2 are streams side by side', () => {
  const { T, B } = byId('W2').task as Training;
  const { inputs, targets } = byId('W2').tensors();
  expect(inputs).toHaveLength(16 * T * B);
  // [N,T,B]: what follows stands B further on, also from one batch to the next
  expect([...targets.subarray(0, -B)]).toEqual([...inputs.subarray(B)]);
});

test('the words of W5 are of the grammar', () => {
  const { inputs, targets } = byId('W5').tensors();
  const { T } = byId('W5').task as Training;
  for (let n = 0; n < 256; n++) {
    const ids = [...inputs.subarray(n * T, (n + 1) * T), targets[(n + 1) * T - 1]];
    expect([...targets.subarray(n * T, (n + 1) * T)]).toEqual(ids.slice(1));
    expect(inGrammar(ids.map((id) => REBER_SYMBOLS[id]).join(''))).toBe(true);
  }
});

test('numbers arrive as they were sent', () => {
  for (const values of [Float32Array.of(0.1, -0, Infinity), Float64Array.of(0.1, 1e-310), Int32Array.of(-1, 7)]) {
    const dtype = values instanceof Int32Array ? 'int32' : values instanceof Float32Array ? 'float32' : 'float64';
    expect(decode(dtype, encode(values))).toEqual(values);
    expect(decode(dtype, encode(values.subarray(1)))).toEqual(values.subarray(1)); // an address of its own
  }
});
