import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createModel } from '../../src/bptt/createModel.ts';
import { readSafetensors, writeSafetensors } from '../../src/bptt/safetensors.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import type { ForeignModel } from '../../src/interop/foreignModel.ts';
import { fromStateDict, readNpz, readOnnx, readTorch, toStateDict, writeOnnx } from '../../src/interop/index.ts';
import { runPython, torchPython } from '../python.ts';
import { expectClose } from './expectAnswer.ts';
import { answer, type TorchFacts } from './reference.ts';

/** `NETS=300 npx vitest run tests/interop/randomNets` tries more; `NETS_SEED` others. */
const { NETS = '24', NETS_SEED = '1' } = process.env;

interface Facts extends TorchFacts {
  dtype: 'float32' | 'float64';
  nested: boolean;
  symbols: number;
  states: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'bptt-nets-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(torchPython === null)('nets of PyTorch drawn at random', () => {
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
  beforeAll(() => {
    runPython('interop/python/random_nets.py', ['make', folder, '--count', NETS, '--seed', NETS_SEED]);
  }, 600_000);

  test.each(Array.from({ length: Number(NETS) }, (_, n) => n))('net %i in every format', async (n) => {
    const facts = JSON.parse(readFileSync(join(folder, `${n}.json`), 'utf8')) as Facts;
    const largest = [...facts.y, ...facts.hT].reduce((most, v) => Math.max(most, Math.abs(v)), 1);
    // float32's rounding errors as in expectClose, of numbers that grow in nets of relu; ONNX keeps what the net had
    const bound = (facts.dtype === 'float64' ? 1e-12 : 2e-6) * largest;
    const spec: Partial<ModelSpec> = facts.nonlinearity ? { nonlinearity: facts.nonlinearity } : {};
    const models: ForeignModel[] = [
      fromStateDict(await readTorch(read(`${n}.pt`)), { spec }),
      fromStateDict(readSafetensors(read(`${n}.safetensors`)).tensors, { spec }),
      fromStateDict(await readNpz(read(`${n}.npz`)), { spec }),
      readOnnx(read(`${n}.onnx`)),
    ];
    for (const model of models) {
      const { y, hT, cT } = answer(model, facts);
      expectClose(y, facts.y, bound);
      expectClose(hT, facts.hT, bound);
      expectClose(cT, facts.cT ?? [], bound);
    }
    const [model] = models;
    expect(models.map(({ parameters }) => parameters)).toEqual(models.map(() => model.parameters));
    writeFileSync(
      join(folder, `${n}.back.safetensors`),
      writeSafetensors(toStateDict({ spec: { ...model.spec, outputSize: facts.V }, parameters: model.parameters }), {
        dtype: 'F64',
      }),
    );
    const again = readOnnx(writeOnnx(model));
    expect(again.parameters).toEqual(model.parameters);
    // and as a model of the library
    if (facts.states) return;
    const own = await createModel(model.spec, model.parameters, { engine: 'ts', dtype: facts.dtype });
    const inputs = facts.symbols > 0 ? Int32Array.from(facts.x as number[]) : Float64Array.from(facts.x as number[]);
    expectClose(
      await own.predict({
        inputs: facts.symbols || facts.dtype === 'float64' ? inputs : Float32Array.from(inputs),
        batch: facts.B,
      }),
      facts.y,
      2 * bound,
    );
  });

  test('come back into PyTorch with the same answers', () => {
    const { worst } = JSON.parse(runPython('interop/python/random_nets.py', ['check', folder])) as { worst: number };
    expect(worst).toBeLessThan(1e-3);
  });
});
