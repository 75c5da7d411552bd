import { describe, expect, it } from 'vitest';
import { initialise, type Scheme } from '../../src/bptt/initialise.ts';
import { type ModelSpec, parameterLayout, resolveSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { singularValues } from '../../src/tensor/svd.ts';

function init(spec: ModelSpec, scheme: Scheme, seed = 1): Record<string, Float64Array> {
  const full = resolveSpec(spec);
  const places = parameterLayout(full);
  const tensors = Object.fromEntries(places.map(({ name, length }) => [name, new Float64Array(length).fill(NaN)]));
  initialise(full, places, (name) => tensors[name], scheme, new RandomState(seed));
  for (const values of Object.values(tensors)) expect(values.every(Number.isFinite)).toBe(true);
  return tensors;
}

const base: ModelSpec = { cell: 'elman', inputSize: 5, hiddenSize: 4, outputSize: 3, loss: 'softmaxCrossEntropy' };

describe('initialise', () => {
  it('minCharRnn: randn·0.01 in the notebook’s order, biases 0', () => {
    const w = init({ ...base, bias: 'input' }, 'minCharRnn', 7);
    const rng = new RandomState(7);
    for (const name of ['weight_ih_l0', 'weight_hh_l0', 'weight_ho']) {
      expect(w[name]).toStrictEqual(rng.randn(w[name].length).map((v) => v * 0.01));
    }
    expect([...w.bias_ih_l0, ...w.bias_ho]).toEqual(new Array(7).fill(0));
  });

  it('torch: everything uniform in ±1/√H, but initial states 0', () => {
    const w = init({ ...base, cell: 'lstmPeephole', initialState: 'learned', hiddenSize: 16 }, 'torch', 7);
    const rng = new RandomState(7);
    for (const [name, values] of Object.entries(w)) {
      if (/^[hc]0/.test(name)) expect(values.every((v) => v === 0)).toBe(true);
      else expect(values).toStrictEqual(rng.uniform(-0.25, 0.25, values.length));
    }
  });

  it('torch: dense layers in ±1/√columns, embeddings normal, normalisations 1 and 0', () => {
    const around = { embedding: { size: 9 }, inputDense: { size: 3 }, outputDense: { size: 25 }, layerNorm: true };
    const w = init({ ...base, hiddenSize: 16, ...around }, 'torch', 7);
    const rng = new RandomState(7);
    for (const [name, values] of Object.entries(w)) {
      const { length } = values;
      if (name.startsWith('norm')) expect([...values]).toEqual(new Array(16).fill(name.endsWith('weight') ? 1 : 0));
      else if (name === 'embedding.weight') expect(values).toStrictEqual(rng.randn(length));
      else {
        const limit = name.startsWith('input_dense') ? 1 / 3 : 1 / 4;
        expect(values, name).toStrictEqual(rng.uniform(-limit, limit, length));
      }
    }
  });

  it('orthogonal: embeddings and dense layers with deviation 1/√columns', () => {
    const w = init({ ...base, embedding: { size: 4 }, inputDense: { size: 3 }, layerNorm: true }, 'orthogonal', 7);
    const rng = new RandomState(7);
    expect(w['embedding.weight']).toStrictEqual(rng.randn(20).map((v) => v * 0.5));
    expect(w['input_dense.weight']).toStrictEqual(rng.randn(12).map((v) => v * 0.5));
    expect([...w['input_dense.bias'], ...w['norm_l0.bias']]).toEqual(new Array(7).fill(0));
    expect([...w['norm_l0.weight']]).toEqual([1, 1, 1, 1]);
  });

  it('orthogonal: recurrent matrices gate by gate, an open forget gate', () => {
    const w = init({ ...base, cell: 'lstm', layers: 2, bidirectional: true }, 'orthogonal');
    let gates = 0;
    for (const [name, values] of Object.entries(w)) {
      if (!name.startsWith('weight_hh')) continue;
      for (let gate = 0; gate < 4; gate++, gates++) {
        for (const s of singularValues(values.subarray(gate * 16, (gate + 1) * 16), 4, 4)) expect(s).toBeCloseTo(1, 12);
      }
    }
    expect(gates).toBe(16);
    for (const suffix of ['_l0', '_l0_reverse', '_l1', '_l1_reverse']) {
      const [open, shut] = [new Array(4).fill(1), new Array(4).fill(0)];
      expect(Array.from(w[`bias_ih${suffix}`])).toEqual([...shut, ...open, ...shut, ...shut]);
      expect(w[`bias_hh${suffix}`].every((v) => v === 0)).toBe(true);
    }
    // The rest: normal with deviation 1/√columns.
    const rng = new RandomState(1);
    expect(w.weight_ih_l0).toStrictEqual(rng.randn(80).map((v) => v * (1 / Math.sqrt(5))));
  });

  it('orthogonal: no forget gate where there is none', () => {
    const w = init({ ...base, cell: 'gru' }, 'orthogonal');
    expect(w.bias_ih_l0.every((v) => v === 0)).toBe(true);
    const deviation = Math.sqrt(w.weight_ho.reduce((sum, v) => sum + v * v, 0) / w.weight_ho.length);
    expect(deviation).toBeGreaterThan(0.2);
    expect(deviation).toBeLessThan(0.8);
    expect(init({ ...base, cell: 'lstm', bias: 'none' }, 'orthogonal')).not.toHaveProperty('bias_ih_l0');
  });

  it('the same seed gives the same weights, another others', () => {
    for (const scheme of ['minCharRnn', 'torch', 'orthogonal'] as const) {
      expect(init(base, scheme, 3)).toStrictEqual(init(base, scheme, 3));
      expect(init(base, scheme, 3)).not.toEqual(init(base, scheme, 4));
    }
  });
});
