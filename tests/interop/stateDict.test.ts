import { describe, expect, test } from 'vitest';
import { fromStateDict, readNpz, readTorch, toStateDict, writeNpz } from '../../src/interop/index.ts';
import { expectAnswer } from './expectAnswer.ts';
import { fixture, TORCH_NETS, torchFacts } from './reference.ts';

describe.each(TORCH_NETS)('%s of PyTorch answers here what it answered there', (name) => {
  const facts = torchFacts(name);
  const spec = { nonlinearity: facts.nonlinearity ?? 'tanh' } as const;

  test.each(['.npz', '.z.npz', '.pt', '.ckpt.pt'])('%s', async (suffix) => {
    const file = fixture(`torch/${name}${suffix}`);
    const arrays = suffix.endsWith('npz') ? await readNpz(file) : await readTorch(file);
    const model = fromStateDict(arrays, { spec });
    expectAnswer(model, facts);
    // and back: PyTorch's own names, shapes and bits
    const written = await readNpz(writeNpz(toStateDict(model)));
    expect(written).toStrictEqual(arrays);
  });
});
