import { expect, test } from 'vitest';
import { entrantsOf } from '../../bench/engine.ts';
import { ENGINES, programOf } from '../../bench/engines.ts';
import { WORKLOADS } from '../../bench/workloads.ts';

test('TensorFlow.js and jax-js have a row on the CPU and one on a device, where a step of W3 may take minutes', () => {
  const peers = ENGINES.filter(({ name }) => /^(tfjs|jax-js)/.test(name));
  const enter = (id: string, named = false) =>
    entrantsOf(WORKLOADS.find((workload) => workload.id === id)!, peers, [1], named);
  const labels = (id: string, named?: boolean) => enter(id, named).map(({ label }) => label);
  const [onCpu, everywhere] = [
    ['tfjs', 'jax-js'],
    ['tfjs', 'tfjs webgpu compute', 'jax-js', 'jax-js webgpu compute'],
  ];
  for (const id of ['W1', 'W2', 'W4-64']) expect(labels(id)).toEqual(everywhere);
  expect(labels('W3')).toEqual(onCpu);
  expect(labels('W3', true)).toEqual(everywhere);
  for (const id of ['W5', 'W6-rnn']) expect(labels(id, true)).toEqual(onCpu);
  expect(enter('W1').map((entrant) => programOf(entrant).args.at(-1))).toEqual(['wasm', 'webgpu', 'wasm', 'webgpu']);
});
