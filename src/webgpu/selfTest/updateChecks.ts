import { adagrad } from '../../optim/adagrad.ts';
import { adam, adamw } from '../../optim/adam.ts';
import type { Optimizer } from '../../optim/optimizer.ts';
import { rmsprop } from '../../optim/rmsprop.ts';
import { notebookRprop, rprop } from '../../optim/rprop.ts';
import { sgd } from '../../optim/sgd.ts';
import type { RandomState } from '../../tensor/random.ts';
import { RESULT_WORDS } from '../training/update.ts';
import { type KernelCheck, U } from './check.ts';
import { type Floats, gamma, normal, overwritten, times } from './checkNumbers.ts';
import type { UpdateHow } from './functions.ts';

/**
 * What a block of an optimizer's memory holds. `along` numbers have the gradient's sign, and so have the parameters that
 * decay: nothing cancels then, and whatever an update computes is right to a number of roundings.
 */
type MemoryBlock = 'positive' | 'along' | 'small' | 'sign';

const MEMORY: Readonly<Record<MemoryBlock, (random: RandomState, signs: Floats) => Floats>> = {
  positive: (random, signs) => Float32Array.from(random.uniform(0.5, 2, signs.length)),
  along: (random, signs) => normal(random, signs.length).map((v, e) => signs[e] * Math.abs(v)),
  small: (random, signs) => Float32Array.from(random.uniform(0, 0.3, signs.length), (v, e) => signs[e] * v),
  sign: (random, signs) => Float32Array.from(random.randint(-1, 2, signs.length)),
};

type Faults = 'none' | 'gradient or loss';

function updateCheck(
  name: string,
  optimizer: Optimizer,
  memory: readonly MemoryBlock[],
  how: Partial<Pick<UpdateHow, 'groups' | 'clip' | 'l2' | 'frozen'>> = {},
  faults: Faults = 'none',
): KernelCheck {
  const { groups = [], clip = { kind: 'none', limit: 0 }, l2 = 0, frozen = [] } = how;
  const names = memory.map((_, s) => `memory${s}`);
  const thirds = (P: number): UpdateHow['layout'] =>
    ['weight_a', 'bias', 'weight_b'].map((name, third) => {
      const offset = Math.floor((third * P) / 3);
      const length = Math.floor(((third + 1) * P) / 3) - offset;
      const weight = third !== 1;
      return { name, shape: [length], offset, length, role: weight ? 'input' : 'bias', decays: weight };
    });
  return {
    name: `update ${name}`,
    sizes: { P: 3000, R: 100, n: 40 },
    outputs: ['theta', 'grads', ...names, 'results', 'carried'],
    inFours: true,
    arrays({ P, R, n }, random) {
      const signs = Float32Array.from(random.randint(0, 2, P), (bit) => 2 * bit - 1);
      const losses = Float32Array.from(random.uniform(0, 3, R));
      const grads = MEMORY.along(random, signs);
      if (faults !== 'none') {
        const spoilt = random.randint(2) === 0 ? grads : losses;
        spoilt[random.randint(spoilt.length)] = [Number.NaN, Infinity, -Infinity][random.randint(3)];
      }
      const blocks = Object.fromEntries(memory.map((block, s) => [names[s], MEMORY[block](random, signs)]));
      return {
        f: {
          ...{ theta: MEMORY.along(random, signs), grads, ...blocks, losses },
          ...{ results: new Float32Array(2 * RESULT_WORDS), carried: overwritten(n), from: normal(random, n) },
        },
        i: {},
      };
    },
    call(k, { f: { theta, grads, losses, results, carried, from, ...blocks } }, { P }) {
      const tensors = { theta, grads, memory: names.map((block) => blocks[block]), losses, results, carried, from };
      k.update({ optimizer, groups, clip, l2, step: 3, layout: thirds(P), frozen }, tensors);
    },
    bound({ f: before }, { f: after }, { P, R }) {
      // Clipping by norm takes half the error of a sum of squares; a rule has at most some forty units, the numbers that
      // it is given, its divisions and its roots among them.
      const relative = gamma(40 + (clip.kind === 'norm' ? (P + 64) / 2 : 0));
      const results = new Float64Array(2 * RESULT_WORDS);
      const [loss, squares] = after.results.subarray(RESULT_WORDS);
      results.set([gamma(R + 64) * Math.abs(loss), gamma(P + 64) * squares], RESULT_WORDS);
      return {
        ...Object.fromEntries(names.map((block) => [block, times(after[block].map(Math.abs), relative)])),
        grads: times(after.grads.map(Math.abs), gamma(3)),
        theta: after.theta.map((now, e) => {
          const was = before.theta[e];
          return U * (3 * Math.abs(was) + Math.abs(now)) + relative * Math.abs(now - was);
        }),
        results,
      };
    },
  };
}

/** Every update rule, with every kind of clipping, with and without decay, groups and frozen parameters, and a step that fails. */
export const updateChecks: readonly KernelCheck[] = [
  updateCheck('sgd', sgd({ lr: 0.1, weightDecay: 0.01 }), []),
  updateCheck('sgd, failing', sgd({ lr: 0.1, weightDecay: 0.01 }), [], {}, 'gradient or loss'),
  updateCheck('momentum', sgd({ lr: 0.05, momentum: 0.9, dampening: 0.3 }), ['along'], {
    ...{ clip: { kind: 'value', limit: 0.5 }, l2: 0.01, frozen: ['weight_b'] },
  }),
  updateCheck('nesterov', sgd({ lr: 0.05, momentum: 0.9, nesterov: true }), ['along'], {
    clip: { kind: 'norm', limit: 8 },
  }),
  updateCheck('adagrad', adagrad({ lr: 0.1, lrDecay: 0.1, weightDecay: 0.01 }), ['positive'], {
    clip: { kind: 'value', limit: 0.5 },
  }),
  updateCheck('rmsprop', rmsprop({ lr: 0.01, momentum: 0.5 }), ['positive', 'small', 'along'], {
    ...{ clip: { kind: 'norm', limit: 8 }, frozen: ['bias'] },
  }),
  updateCheck('rmsprop centered', rmsprop({ lr: 0.01, momentum: 0.5, centered: true }), ['positive', 'small', 'along']),
  updateCheck('adam', adam({ lr: 0.01, weightDecay: 0.01 }), ['along', 'positive']),
  updateCheck('adamw with amsgrad', adamw({ lr: 0.01, amsgrad: true }), ['along', 'positive', 'positive']),
  updateCheck('adamw in groups', adamw({ lr: 0.01 }), ['along', 'positive', 'positive'], {
    groups: [
      { parameters: 'bias', weightDecay: 0, lrFactor: 10 },
      { parameters: '*_b', lr: 0.02, beta1: 0.5, amsgrad: true },
    ],
    ...{ clip: { kind: 'norm', limit: 8 }, l2: 0.01 },
  }),
  updateCheck('momentum in some groups', sgd({ lr: 0.1 }), ['along'], {
    ...{ groups: [{ parameters: 'weight_a', momentum: 0.9 }], frozen: ['weight_b'] },
  }),
  updateCheck('rprop', rprop({ lr: 0.1 }), ['positive', 'sign']),
  updateCheck('notebookRprop', notebookRprop({ delta: 0.1 }), ['positive', 'sign']),
];
