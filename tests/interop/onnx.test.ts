import { describe, expect, test } from 'vitest';
import { fullSpec } from '../../src/bptt/spec.ts';
import { readOnnx, writeOnnx } from '../../src/interop/index.ts';
import { expectAnswer } from './expectAnswer.ts';
import { manySpecs, netOf } from './nets.ts';
import { fixture, TORCH_NETS, torchFacts } from './reference.ts';

test.each(TORCH_NETS)('%s as PyTorch exports it answers here what it answered there', (name) => {
  const model = readOnnx(fixture(`torch/${name}.onnx`));
  expectAnswer(model, torchFacts(name));
  // and back
  const again = readOnnx(writeOnnx(model));
  expect(again.spec).toEqual(model.spec);
  expect(again.parameters).toStrictEqual(model.parameters);
});

describe('what is written is read again, to the bit', () => {
  test.each(manySpecs().map((spec) => [JSON.stringify(spec), spec] as const))('%s', (_, spec) => {
    const net = netOf(spec);
    for (const options of [{}, { states: false }, { lengths: true }]) {
      const { spec: read, parameters } = readOnnx(writeOnnx(net, options));
      expect(fullSpec(read)).toEqual(fullSpec(spec));
      expect(parameters).toStrictEqual(net.parameters);
    }
  });
});
