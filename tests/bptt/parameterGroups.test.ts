import { describe, expect, it } from 'vitest';
import { createTrainer, initialParameters } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import type { ParameterGroup } from '../../src/bptt/parameterGroups.ts';
import { loadTrainer, saveTrainer } from '../../src/bptt/save.ts';
import { type ModelSpec, type NamedTensors, parameterLayout, resolveSpec } from '../../src/bptt/spec.ts';
import { CpuTrainer, type Trainer, type TrainerOptions, type TrainingBatch } from '../../src/bptt/trainer.ts';
import { adagrad } from '../../src/optim/adagrad.ts';
import { adam, adamw } from '../../src/optim/adam.ts';
import { clipByNorm } from '../../src/optim/clip.ts';
import {
  formulaOptimizer,
  type LearningRate,
  learningRateAt,
  makeMemory,
  type Optimizer,
} from '../../src/optim/optimizer.ts';
import { rmsprop } from '../../src/optim/rmsprop.ts';
import { notebookRprop, rprop } from '../../src/optim/rprop.ts';
import { cosineDecay, warmUp } from '../../src/optim/schedule.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { everyEngine } from './everyEngine.ts';

const V = 4;
const sizes = { steps: 3, batch: 2 };
const spec: ModelSpec = {
  ...{ cell: 'lstm', inputSize: V, hiddenSize: 3, outputSize: V, layers: 2 },
  ...{ loss: 'softmaxCrossEntropy', reduction: 'mean' },
};
const names = parameterLayout(resolveSpec(spec)).map(({ name }) => name);
const biases = names.filter((name) => name.startsWith('bias'));
const others = (...lists: readonly string[][]): string[] => names.filter((name) => !lists.flat().includes(name));

const windows = (count: number): TrainingBatch[] =>
  Array.from({ length: count }, (_, n) => {
    const rng = new RandomState(n);
    const draw = () => Int32Array.from(rng.randint(0, V, sizes.steps * sizes.batch));
    return { inputs: draw(), targets: draw(), carry: n > 0 };
  });

/** Groups as they are asked for, and the same by hand: an optimizer of its own for a list of parameters. */
interface Case {
  readonly name: string;
  readonly options: Omit<TrainerOptions, 'steps' | 'batch'>;
  readonly byHand: readonly (readonly [of: readonly string[], optimizer: Optimizer])[];
}

const rise = warmUp(3, 0.02);
const cases: readonly Case[] = [
  {
    name: 'no weight decay on biases',
    options: {
      optimizer: adamw({ lr: 0.02, eps: 1e-3, weightDecay: 0.3 }),
      groups: [{ parameters: 'bias_*', weightDecay: 0 }],
    },
    byHand: [
      [others(biases), adamw({ lr: 0.02, eps: 1e-3, weightDecay: 0.3 })],
      [biases, adamw({ lr: 0.02, eps: 1e-3, weightDecay: 0 })],
    ],
  },
  {
    name: 'rates and factors of their own, frozen parameters, L2 and clipping',
    options: {
      ...{
        optimizer: adam({ lr: rise, eps: 1e-3 }),
        clip: { norm: 0.2 },
        l2: 0.01,
        frozen: ['bias_hh_l0', 'weight_ih_l1'],
      },
      groups: [
        { parameters: ['weight_ho', 'bias_ho'], lr: 0.05, amsgrad: true },
        { parameters: ({ role }) => role === 'recurrent', lrFactor: 0.1, beta1: 0.5 },
      ],
    },
    byHand: [
      [
        others(['bias_hh_l0', 'weight_ih_l1', 'weight_ho', 'bias_ho', 'weight_hh_l0', 'weight_hh_l1']),
        adam({ lr: rise, eps: 1e-3 }),
      ],
      [['weight_ho', 'bias_ho'], adam({ lr: 0.05, eps: 1e-3, amsgrad: true })],
      [['weight_hh_l0', 'weight_hh_l1'], adam({ lr: (n) => 0.1 * rise(n), eps: 1e-3, beta1: 0.5 })],
    ],
  },
  {
    name: 'memory in some groups only',
    options: {
      optimizer: sgd({ lr: 0.1 }),
      groups: [
        { parameters: '*_l1', momentum: 0.9, nesterov: true },
        { parameters: '*_ho', lr: 0.3 },
      ],
    },
    byHand: [
      [names.filter((name) => name.endsWith('_l0')), sgd({ lr: 0.1 })],
      [names.filter((name) => name.endsWith('_l1')), sgd({ lr: 0.1, momentum: 0.9, nesterov: true })],
      [['weight_ho', 'bias_ho'], sgd({ lr: 0.3 })],
    ],
  },
  {
    name: 'memory that begins otherwise, and every parameter in a group',
    options: {
      optimizer: adagrad({ lr: 0.05, eps: 1e-3 }),
      groups: [
        { parameters: 'weight*', initialAccumulator: 0.5 },
        { parameters: 'b*s*', lrDecay: 0.5 },
      ],
    },
    byHand: [
      [others(biases), adagrad({ lr: 0.05, eps: 1e-3, initialAccumulator: 0.5 })],
      [biases, adagrad({ lr: 0.05, eps: 1e-3, lrDecay: 0.5 })],
    ],
  },
];

const start = initialParameters(spec, 'float64', 'torch', new RandomState(1));
for (const values of Object.values(start)) values.set(Float32Array.from(values));

/** What separate optimizers over separate parameters make of the gradients of the whole model. */
async function byHand({ options, byHand }: Case, batches: readonly TrainingBatch[]): Promise<NamedTensors> {
  const { clip, l2 = 0, frozen = [] } = options;
  const model = new CpuTrainer(tsEngine('float64'), spec, { ...sizes, l2, frozen, optimizer: sgd({ lr: 0 }) });
  await model.setParameters(start);
  const block = (of: readonly string[], from: (name: string) => FloatArray): FloatArray =>
    Float64Array.from(of.flatMap((name) => Array.from(from(name))));
  const memories = byHand.map(([of, optimizer]) =>
    makeMemory(
      optimizer,
      block(of, (name) => start[name]),
    ),
  );
  for (const [step, batch] of batches.entries()) {
    model.lossAndGradients(batch);
    const gradients = model.model.gradients;
    if (clip && 'norm' in clip) clipByNorm(gradients.flat, clip.norm);
    const moved = byHand.map(([of, optimizer], i) => {
      const theta = block(of, (name) => model.model.parameters.get(name)!);
      const numbers = optimizer.numbers(step, learningRateAt(optimizer.lr, step));
      optimizer.update(
        theta,
        block(of, (name) => gradients.get(name)!),
        memories[i],
        numbers,
      );
      return [of, theta] as const;
    });
    model.update(batch); // which moves nothing, and carries the state on
    for (const [of, theta] of moved) {
      let at = 0;
      for (const name of of) {
        const values = model.model.parameters.get(name)!;
        values.set(theta.subarray(at, at + values.length));
        at += values.length;
      }
    }
  }
  return model.parameters();
}

describe.each(everyEngine())('$name, $dtype', ({ create, dtype }) => {
  it.each(cases)('groups are separate optimizers over separate parameters: $name', async (of) => {
    const trainer = await create(spec, { ...sizes, ...of.options });
    await trainer.setParameters(start);
    await trainer.train(windows(5));
    const got = await trainer.parameters();
    for (const [name, want] of Object.entries(await byHand(of, windows(5)))) {
      want.forEach((value, i) => {
        // In float64 the same sums in the same order; in float32 five steps, whose eps keeps rounding from being blown up.
        if (dtype === 'float64') expect(got[name][i]).toBe(value);
        else expect(Math.abs(got[name][i] - value), `${name}[${i}]`).toBeLessThan(1e-4);
      });
    }
    for (const name of of.options.frozen ?? []) expect(got[name]).toEqual((await fresh(of))[name]);
    trainer.dispose();

    async function fresh({ options }: Case): Promise<NamedTensors> {
      const other = await create(spec, { ...sizes, ...options });
      await other.setParameters(start);
      const parameters = await other.parameters();
      other.dispose();
      return parameters;
    }
  });

  it('are saved as data and go on bit for bit', async () => {
    const groups: ParameterGroup[] = [
      { parameters: 'bias_*', weightDecay: 0, lrFactor: 2 },
      { parameters: ({ name }) => name === 'weight_ho', lr: 0.05, amsgrad: true },
    ];
    const trainer = await create(spec, { ...sizes, optimizer: adamw({ lr: 0.01 }), groups, frozen: ['weight_ih_l0'] });
    await trainer.train(windows(3));
    const bytes = await saveTrainer(trainer);
    const { trainer: loaded } = await loadTrainer(bytes, {
      webgpu: (trainer.options as { webgpu?: object }).webgpu ?? {},
    });
    expect(loaded.options.groups).toEqual([
      { parameters: biases, weightDecay: 0, lrFactor: 2 },
      { parameters: ['weight_ho'], lr: 0.05, amsgrad: true },
    ]);
    expect(loaded.options.frozen).toEqual(['weight_ih_l0']);
    expect(await saveTrainer(loaded)).toEqual(bytes);
    expect(await loaded.train(windows(3))).toEqual(await trainer.train(windows(3)));
    expect(await loaded.state()).toEqual(await trainer.state());
    for (const one of [trainer, loaded]) one.dispose();
  });

  it('that make no sense are refused by name', async () => {
    const make = (groups: unknown, optimizer: Optimizer = adam(), more: Partial<TrainerOptions> = {}) =>
      create(spec, { ...sizes, optimizer, groups: groups as ParameterGroup[], ...more });
    const own = formulaOptimizer({
      ...{ name: 'own', lr: 0.1, options: {}, initialMemory: [], numbers: (_, rate) => ({ rate }) },
      formula: (m, { theta, g, numbers: { rate } }) => ({ theta: m.sub(theta, m.mul(rate, g)), memory: [] }),
    });
    const of = (group: Record<string, unknown>, parameters: unknown = 'bias_*') => [{ parameters, ...group }];
    const refused: [() => Promise<unknown>, typeof RangeError | typeof TypeError, string][] = [
      [
        () => make({ parameters: 'bias_*' }),
        TypeError,
        'trainer: groups is { parameters }, expected a list of groups, as in [',
      ],
      [() => make([null]), TypeError, 'expected a list of groups, as in ['],
      [
        () => make(of({}, 'weight')),
        RangeError,
        'groups[0].parameters names weight, which is no parameter of this model',
      ],
      [() => make(of({}, ['bias_ho', 'w*_x'])), RangeError, 'names w*_x, which matches no parameter of this model'],
      [() => make(of({}, 'bias_ho*ho')), RangeError, 'names bias_ho*ho, which matches no parameter of this model'],
      [() => make(of({}, [])), RangeError, 'groups[0].parameters is an empty list, expected names of parameters'],
      [() => make(of({}, 3)), TypeError, 'groups[0].parameters is 3, expected names of parameters or a function'],
      [
        () => make(of({}, [/bias/])),
        TypeError,
        'groups[0].parameters is RegExp, expected names of parameters or a function',
      ],
      [() => make([{ weightDecay: 0 }]), TypeError, 'groups[0].parameters is undefined, expected names'],
      [() => make(of({}, () => false)), RangeError, 'groups[0].parameters chooses no parameter of this model'],
      [() => make(of({}, () => 1)), TypeError, 'groups[0].parameters gives 1 for weight_ih_l0, expected true or false'],
      [
        () => make([...of({}), ...of({}, '*_ho')]),
        RangeError,
        'trainer: bias_ho is in groups[0] and in groups[1], expected one place for each parameter',
      ],
      [
        () => make(of({}), adam(), { frozen: ['bias_ho'] }),
        RangeError,
        'trainer: bias_ho is in groups[0] and in frozen, expected one place for each parameter',
      ],
      [() => make(of({ lr: -1 })), RangeError, 'trainer: groups[0]: lr is -1, expected 0 ≤ lr < Infinity'],
      [
        () => make(of({ lr: '0.1' })),
        TypeError,
        "trainer: groups[0]: lr is '0.1', expected a number ≥ 0 or a schedule",
      ],
      [
        () => make(of({ lrFactor: Number.NaN })),
        RangeError,
        'trainer: groups[0]: lrFactor is NaN, expected 0 ≤ lrFactor',
      ],
      [() => make(of({ lr: 1, lrFactor: 1 })), RangeError, 'trainer: groups[0] has both lr and lrFactor, expected one'],
      [() => make(of({ weightDecay: -1 })), RangeError, 'trainer: groups[0]: adam: weightDecay is -1, expected 0 ≤'],
      [
        () => make(of({ weightdecay: 0 })),
        TypeError,
        'trainer: groups[0]: adam: unknown option weightdecay, did you mean w',
      ],
      [() => make(of({ momentum: 0.9 })), TypeError, 'trainer: groups[0]: adam: unknown option momentum'],
      [
        () => make(of({ lrFactor: 2 }), rprop()),
        RangeError,
        'trainer: groups[0].lrFactor is given, but rprop has no rate in',
      ],
      [() => make(of({ lr: 2 }), notebookRprop()), TypeError, 'trainer: groups[0]: notebookRprop: unknown option lr'],
      [
        () => make(of({ weightDecay: 0 }), own),
        TypeError,
        'trainer: groups[0].weightDecay is given, but optimizer own has no method `with` for it',
      ],
      [
        () => make(of({ weightDecay: 0 }), { ...adam(), name: 'mine' }),
        RangeError,
        'trainer: groups[0]: optimizer mine with other options is adam, expected mine',
      ],
    ];
    for (const [attempt, Kind, message] of refused) {
      const error = await attempt().then(
        () => new Error('accepted'),
        (reason) => reason,
      );
      expect(error.message).toContain(message);
      expect(error).toBeInstanceOf(Kind);
    }
    // A rule of one's own has at least its rate.
    const trainer = await make(of({ lr: 0 }), own);
    await trainer.setParameters(start);
    const before = await trainer.parameters();
    await trainer.train(windows(1));
    const after = await trainer.parameters();
    for (const name of names) expect(after[name].every((v, i) => v === before[name][i])).toBe(biases.includes(name));
    trainer.dispose();
  });
});

it('a schedule of a group is saved, a function of ones own has to be handed in again', async () => {
  const of = (lr: LearningRate) => [{ parameters: 'bias_*', lr, weightDecay: 0 }, { parameters: 'weight_ho' }];
  const make = async (lr: LearningRate) => {
    const trainer = await createTrainer(spec, { ...sizes, optimizer: adamw(), groups: of(lr), engine: 'ts' });
    await trainer.train(windows(2));
    return { trainer, bytes: await saveTrainer(trainer) };
  };
  const goesOn = async (loaded: Trainer, trainer: Trainer) => {
    expect(await loaded.train(windows(4))).toEqual(await trainer.train(windows(4)));
    expect(await loaded.state()).toEqual(await trainer.state());
  };
  const saved = await make(cosineDecay(0.02, 10));
  await goesOn((await loadTrainer(saved.bytes)).trainer, saved.trainer);

  const halving = (step: number) => 0.02 / 2 ** step;
  const own = await make(halving);
  await expect(loadTrainer(own.bytes)).rejects.toThrow(
    'loadTrainer: the learning rate of groups[0] was a function of its own, which is not saved: hand it in, loadTrainer(bytes, { groups: [{ parameters: …, lr: … }] })',
  );
  await goesOn((await loadTrainer(own.bytes, { groups: of(halving) })).trainer, own.trainer);

  const odd = await createTrainer(spec, {
    ...{ ...sizes, engine: 'ts', groups: [{ parameters: 'bias_*', scale: Number.NaN }] },
    optimizer: { ...sgd({ lr: 1 }), with: () => sgd({ lr: 1 }) },
  });
  await expect(saveTrainer(odd)).rejects.toThrow(
    'saveTrainer: groups[0].scale is NaN, expected plain data that JSON holds',
  );
});

it.each([
  sgd({ lr: 0.1, momentum: 0.5 }),
  adagrad({ lr: 0.2, eps: 1e-3 }),
  adam({ beta1: 0.5 }),
  adamw({ weightDecay: 0.2 }),
  rmsprop({ centered: true }),
  rprop({ maxStep: 2 }),
  notebookRprop({ delta: 0.01 }),
])('$name with nothing changed is itself', (rule) => {
  const same = rule.with!({});
  expect([same.name, same.lr, same.options]).toEqual([rule.name, rule.lr, rule.options]);
  expect(same.numbers(3, 0.1)).toEqual(rule.numbers(3, 0.1));
  expect(same.initialMemory).toEqual(rule.initialMemory);
});
