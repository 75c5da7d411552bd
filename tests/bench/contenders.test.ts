import { expect, test } from 'vitest';
import { judgeOf } from '../../bench/agreement.ts';
import { importedProduct, libraryContender } from '../../bench/library.ts';
import { peakContender } from '../../bench/peak.ts';
import { plainContender } from '../../bench/plainLoops.ts';
import { WORKLOADS } from '../../bench/workloads.ts';

// Each kind of work once, in its smallest size; the command itself looks at every size whenever it runs.
test.each(['W1', 'W4-64', 'W5', 'W6-rnn'])('%s: our own contenders do the same work', async (id) => {
  const workload = WORKLOADS.find((one) => one.id === id)!;
  const { task, checked } = workload;
  const tensors = workload.tensors();
  const library = (engine: 'ts' | 'wasm', dtype: 'float32' | 'float64') =>
    libraryContender(task, tensors, { engine, dtype, threads: 1 });
  const reference = Float64Array.from(await (await library('ts', 'float64')).run(checked));
  const judge = judgeOf(workload, tensors, reference);
  const contenders = [await library('ts', 'float32')];
  if (id !== 'W6-rnn') contenders.push(await library('wasm', 'float32'));
  if (id === 'W1' || id === 'W5') {
    contenders.push(plainContender(task, tensors, Float32Array), plainContender(task, tensors, Float64Array));
  }
  if (task.kind === 'product') contenders.push(importedProduct(task, tensors));
  for (const contender of contenders) {
    expect(judge(await contender.run(checked))).toBeUndefined();
    expect(judge(await contender.run(checked)) === undefined).toBe(task.kind === 'product'); // it goes on
  }
});

test('a contender goes through its batches again and again', async () => {
  const { task, tensors } = WORKLOADS.find(({ id }) => id === 'W5')!;
  const { inputs, targets, ...weights } = tensors();
  const three = { ...weights, inputs: inputs.subarray(0, 36), targets: targets.subarray(0, 36) };
  const [ours, plain] = [
    await libraryContender(task, three, { engine: 'ts', dtype: 'float64', threads: 1 }),
    plainContender(task, three, Float64Array),
  ];
  const losses = [...Array.from(await ours.run(2)), ...Array.from(await ours.run(5))];
  const expected = await plain.run(7);
  for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(expected[i], 10);
  expect(losses[3]).toBeLessThan(losses[0]); // the same batch, after it was learned from
});

test('sampling goes on where it was', async () => {
  const { task, tensors } = WORKLOADS.find(({ id }) => id === 'W6-rnn')!;
  const sampler = () => libraryContender(task, tensors(), { engine: 'ts', dtype: 'float64', threads: 1 });
  const parts = await sampler();
  const ids = [...Array.from(await parts.run(7)), ...Array.from(await parts.run(13))];
  expect(ids).toEqual(Array.from(await (await sampler()).run(20)));
});

test('the chains of the peak end where they must', async () => {
  // Twelve chains x ← ½x + ½ have come to their fixed point 1, in each of a hundred calls.
  expect(Array.from(await peakContender().run(1))).toEqual([12 * 100]);
});
