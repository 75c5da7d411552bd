import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bundledSpec } from '../../src/interop/bundledSpec.ts';
import { readOnnx, writeOnnx } from '../../src/interop/index.ts';
import { expectAnswer, expectClose } from './expectAnswer.ts';
import { manySpecs, netOf } from './nets.ts';
import { type Flat, nodeOutputs } from './onnxNodes.ts';
import { fixture, fixtures, TORCH_NETS, torchFacts } from './reference.ts';

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
      expect(bundledSpec(read)).toEqual(bundledSpec(spec));
      expect(parameters).toStrictEqual(net.parameters);
    }
  });
});

/** Made by make_onnx.py: what ONNX Runtime says of the standard's eighteen node tests, rebuilt. */
const nodes = Object.entries(
  JSON.parse(readFileSync(new URL('onnx/answers.json', fixtures), 'utf8')) as Record<
    string,
    { inputs: Record<string, Flat>; outputs: Record<string, Flat> }
  >,
);

test('there are eighteen', () => {
  expect(nodes).toHaveLength(18);
});

test.each(nodes)('node test %s', (name, { inputs, outputs }) => {
  const model = readOnnx(fixture(`onnx/${name}.onnx`));
  const got = nodeOutputs(model, inputs, name.endsWith('batchwise') ? 1 : 0);
  for (const [output, { values }] of Object.entries(outputs)) expectClose(got[output], values);
  expect(model.reversed).toBe(name.endsWith('reverse'));
  expect(readOnnx(writeOnnx(model))).toMatchObject({
    spec: model.spec,
    parameters: model.parameters,
    reversed: model.reversed,
  });
  expect(Object.keys(outputs).length).toBeGreaterThan(0);
});
