import { beamSearch, createTrainer, initialParameters, type ModelSpec, Stepper, tsEngine } from 'bptt';
import { sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const V = 4;
const spec: ModelSpec = { cell: 'lstm', inputSize: V, hiddenSize: 5, outputSize: V, loss: 'softmaxCrossEntropy' };

async function stepperOf(seed: number): Promise<Stepper> {
  const trainer = await createTrainer(spec, { steps: 1, batch: 1, optimizer: sgd({ lr: 0 }), seed, dtype: 'float64' });
  const parameters = await trainer.parameters();
  const rng = new RandomState(seed);
  for (const values of Object.values(parameters)) values.set(rng.randn(values.length));
  return new Stepper(tsEngine('float64'), spec, parameters);
}

/** ln p of symbols after a prime, one read after the other. */
function logProbability(stepper: Stepper, prime: number[], ids: number[]): number {
  stepper.reset();
  let sum = 0;
  [...prime, ...ids].forEach((id, i, all) => {
    const p = stepper.read(Int32Array.of(id));
    if (i >= prime.length - 1 && i + 1 < all.length) sum += Math.log(p[all[i + 1]]);
  });
  return sum;
}

/** Every way on of exactly `length` symbols, or shorter where `stop` ends it. */
function everyWay(length: number, stop: number): number[][] {
  const ways: number[][] = [];
  const extend = (ids: number[]) => {
    if (ids.length === length || ids.at(-1) === stop) ways.push(ids);
    else for (let id = 0; id < V; id++) extend([...ids, id]);
  };
  extend([]);
  return ways;
}

describe('beamSearch', () => {
  test('with a beam as wide as all ways it finds the likeliest one, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), fc.array(fc.nat(V - 1), { minLength: 1, maxLength: 3 }), async (seed, prime) => {
        const stepper = await stepperOf(seed);
        const beams = beamSearch(stepper, prime, { width: V ** 3, length: 3, stop: 0 });
        const all = everyWay(3, 0).map((ids) => ({ ids, logP: logProbability(stepper, prime, ids) }));
        all.sort((a, b) => b.logP - a.logP);
        expect(beams.length).toBe(all.length);
        beams.forEach((beam, i) => {
          expect(beam.logProbability).toBeCloseTo(all[i].logP, 10);
          expect(beam.score).toBe(beam.logProbability);
        });
        expect(beams[0].ids).toEqual(all[0].ids);
      }),
      { numRuns: 20 },
    );
  });

  test('with width 1 it is greedy decoding', async () => {
    const stepper = await stepperOf(3);
    const [beam] = beamSearch(stepper, [1], { width: 1, length: 6 });
    stepper.reset();
    let id = 1;
    for (const expected of beam.ids) {
      const p = stepper.read(Int32Array.of(id));
      id = p.indexOf(Math.max(...p));
      expect(id).toBe(expected);
    }
    expect(beam.ids).toHaveLength(6);
  });

  test('a length penalty ranks by probability per symbol', async () => {
    const stepper = await stepperOf(5);
    const beams = beamSearch(stepper, [2], { width: 8, length: 5, stop: 0, lengthPenalty: 1 });
    for (const { ids, logProbability: logP, score } of beams) expect(score).toBeCloseTo(logP / ids.length, 12);
    expect(beams.map((b) => b.score)).toEqual(beams.map((b) => b.score).toSorted((a, b) => b - a));
  });

  test('refuses what makes no sense', async () => {
    const stepper = await stepperOf(0);
    expect(() => beamSearch(stepper, [], { length: 1 })).toThrow(
      'beamSearch: prime is empty, expected at least one symbol',
    );
    expect(() => beamSearch(stepper, [1], { length: 0 })).toThrow(
      'beamSearch: length is 0, expected a whole number ≥ 1',
    );
    expect(() => beamSearch(stepper, [1], { length: 1, width: 1.5 })).toThrow('beamSearch: width is 1.5');
    expect(() => beamSearch(stepper, [1], { length: 1, lengthPenalty: -1 })).toThrow('beamSearch: lengthPenalty is -1');
    for (const bad of [V, -1, 0.5, Number.NaN, 2 ** 32 + 1, 'x' as never]) {
      expect(() => beamSearch(stepper, [1, bad], { length: 1 })).toThrow(
        RangeError(`beamSearch: prime[1] is ${bad}, expected a symbol from 0 to 3`),
      );
      expect(() => beamSearch(stepper, [1], { length: 1, stop: bad })).toThrow(
        RangeError(`beamSearch: stop is ${bad}, expected a symbol from 0 to 3`),
      );
    }
  });

  const biased = (bias: readonly number[]): Stepper => {
    const parameters = initialParameters(spec, 'float64', 'torch', new RandomState(3));
    return new Stepper(tsEngine('float64'), spec, { ...parameters, bias_ho: Float64Array.from(bias) });
  };

  test('returns possible beams only, where −∞ rules symbols out', () => {
    const beams = beamSearch(biased([0, -Infinity, -Infinity, 0]), [0], { length: 3, width: 64 });
    expect(beams).toHaveLength(2 ** 3);
    expect(new Set(beams.flatMap(({ ids }) => ids))).toEqual(new Set([0, 3]));
    expect(beams.every(({ logProbability: logP }) => Number.isFinite(logP))).toBe(true);
  });

  test.each<[string, number[], string]>([
    ['NaN', [0, NaN, 0, 0], 'logits[1] is NaN, expected a number below infinity'],
    ['infinity', [0, 0, Infinity, 0], 'logits[2] is Infinity, expected a number below infinity'],
    ['nothing above −∞', [-Infinity, -Infinity, -Infinity, -Infinity], 'logits holds no number above -Infinity'],
  ])('refuses logits of %s, as the sampler does', (_, bias, message) => {
    for (const read of [[], [2, 1]]) {
      const stepper = biased(bias);
      for (const id of read) stepper.read(Int32Array.of(id));
      const before = stepper.getState();
      expect(() => beamSearch(stepper, [0], { length: 3 })).toThrow(RangeError(`beamSearch: ${message}`));
      expect(stepper.getState()).toEqual(before);
    }
  });
});

test('what is no Stepper and what is no option is named', async () => {
  const other = { read: () => 0 };
  expect(() => beamSearch(other as never, [0], { length: 1 })).toThrow(
    TypeError('beamSearch: stepper is { read }, expected a Stepper'),
  );
  expect(() => beamSearch(undefined as never, [0], { length: 1 })).toThrow('beamSearch: stepper is undefined');
  const stepper = await stepperOf(1);
  expect(() => stepper.orUndone(3 as never)).toThrow(TypeError('Stepper.orUndone: work is 3, expected a function'));
  expect(() => beamSearch(stepper, [0], { lenght: 1 } as never)).toThrow('unknown option lenght, did you mean length?');
  expect(() => beamSearch(stepper, [0], undefined as never)).toThrow('beamSearch: options is undefined');
});
