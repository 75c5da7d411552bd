import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { engines, type ReplayEngine } from '../../proofs/replay/engines.ts';
import { type Replay, referenceRuns, replayFiles, replayText } from '../../proofs/replay/run.ts';
import { tolerancesOf } from '../../proofs/replay/tolerances.ts';
import { defaultStages } from '../../src/bptt/engine.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';

// The goldens of true size, and those cases that train long, are left to `npm run replay -- --engine wasm`.

const goldens = new URL('../goldens/', import.meta.url).pathname;
const text = (file: string): string => readFileSync(goldens + file, 'utf8');

/** The file with one of its cases only, or with all. */
function content(file: string, name: string | null): string {
  if (name === null) return text(file);
  const tree = JSON.parse(text(file));
  return JSON.stringify({ ...tree, cases: tree.cases.filter((c: { name: string }) => c.name === name) });
}

const failed = ({ comparisons }: Replay): string[] =>
  comparisons.filter(({ ok }) => !ok).map(({ caseName, quantity }) => `${caseName} ${quantity}`);

const references = new Map<string, ReturnType<typeof referenceRuns>>();

/** On an engine that is wasm, sound or not; a file is rehearsed once for all of them. */
async function replayCase(file: string, name: string | null, engine: ReplayEngine = engines.wasm): Promise<Replay> {
  const key = `${file} ${name}`;
  const own = content(file, name);
  const rehearsed = references.get(key) ?? referenceRuns(file, own, engines.wasm);
  references.set(key, rehearsed);
  return replayText(file, own, engine, await rehearsed);
}

describe('the goldens pass on wasm', () => {
  test.each<[file: string, name: string | null, compared: number, skipped: number]>([
    ['nb000_minimal_rnn.json', 'svd_init_notebook_targets', 32, 16],
    ['nb001_elman.json', 'reber_small', 25, 9],
    ['nb001_elman.json', 'regression_small', 43, 8],
    ['nb002_char_rnn_l2.json', 'small', 38, 16],
    ['nb003_linear_rprop.json', 'small', 275, 7],
    ['nb004a_binary_addition.json', 'small', 149, 134],
    ['nb004b_min_char_rnn.json', 'small', 187, 119],
    ['numerics.json', null, 4, 99],
    ['torch_gru.json', null, 51, 0],
    ['torch_lstm.json', null, 61, 0],
    ['torch_optim.json', 'adagrad', 65, 28],
    ['torch_optim.json', 'adam', 65, 28],
    ['torch_optim.json', 'rprop', 25, 68],
    ['torch_rnn.json', null, 102, 0],
    ['verification.json', null, 8, 6],
  ])('%s %s: at least %i compared, at most %i not', async (file, name, compared, skipped) => {
    const replay = await replayCase(file, name);
    expect(replay.error).toBeNull();
    expect(failed(replay)).toEqual([]);
    expect(replay.comparisons.length).toBeGreaterThanOrEqual(compared);
    expect(replay.skipped.length).toBeLessThanOrEqual(skipped);
  });
});

type Anything = (...args: unknown[]) => unknown;
type Fault = 'a thousandth too large' | 'of the wrong sign' | 'lacking its last element';

const spoil: Record<Fault, (x: FloatArray) => void> = {
  'a thousandth too large': (x) => {
    for (let i = 0; i < x.length; i++) x[i] *= 1.001;
  },
  'of the wrong sign': (x) => {
    for (let i = 0; i < x.length; i++) x[i] = -x[i];
  },
  'lacking its last element': (x) => {
    x[x.length - 1] = 0;
  },
};

/** An array among the arguments of a call: by number, or by the name of a field of the last one that has it, and an index behind it. */
function arrayOf(args: readonly unknown[], path: string): FloatArray {
  const [first, ...rest] = path.split('.');
  const holder = /^\d+$/.test(first) ? args : args.findLast((arg) => Object.hasOwn(Object(arg), first));
  return [first, ...rest].reduce((of, key) => (of as Record<string, unknown>)[key], holder) as FloatArray;
}

/** The engine wasm with what a kernel or stage writes to an array spoilt; of an update rule, the step that it takes. */
function faulty(fn: string, path: string, fault: Fault): ReplayEngine {
  const spoilt = (own: Anything): Anything => {
    return (...args) => {
      own(...args);
      spoil[fault](arrayOf(args, path));
    };
  };
  const spoiltStep = (own: Anything): Anything => {
    return (...args) => {
      const block = arrayOf(args, path);
      const before = block.slice();
      const result = own(...args);
      const step = block.map((v, i) => v - before[i]);
      spoil[fault](step);
      for (let i = 0; i < block.length; i++) block[i] = before[i] + step[i];
      return result;
    };
  };
  const make: ReplayEngine['make'] = (lengths, spec) => {
    const engine = engines.wasm.make(lengths, spec);
    const parts = <P extends object>(of: P, how = spoilt): P =>
      Object.hasOwn(of, fn) ? { ...of, [fn]: how(of[fn as never] as Anything) } : of;
    const kernels = parts(engine.kernels);
    const { lossOutputs, lossForward, lossBackward, recurrenceForward, recurrenceBackward } = engine;
    const losses = parts({ lossOutputs, lossForward, lossBackward });
    // What the engine does as a whole does not call its kernels.
    const stages = kernels === engine.kernels ? parts({ recurrenceForward, recurrenceBackward }) : {};
    return {
      ...engine,
      kernels,
      optim: parts(engine.optim, spoiltStep),
      ...defaultStages(kernels, losses),
      ...stages,
      // Recorded, a pass would run the kernels alone.
      compile: (pass) => pass,
    };
  };
  return { ...engines.wasm, make };
}

describe('a fault of the engine fails', () => {
  const large = 'a thousandth too large';
  test.each<[file: string, name: string | null, fn: string, array: string, fault: Fault, failing: RegExp]>([
    ['nb000_minimal_rnn.json', 'svd_init_notebook_targets', 'lossBackward', 'dlogits', large, /grads.W_out/],
    ['nb001_elman.json', 'reber_small', 'cellBackward', 'dxGates', large, /grads.W_hh/],
    ['nb001_elman.json', 'regression_small', 'startStateBackward', '1', 'lacking its last element', /grads.h0/],
    ['nb001_elman.json', 'regression_small', 'lossForward', 'losses', 'lacking its last element', /cost/],
    ['nb002_char_rnn_l2.json', 'small', 'lossBackward', 'dlogits', large, /grads.Wxh/],
    ['nb002_char_rnn_l2.json', 'small', 'l2Backward', '0', 'of the wrong sign', /grads.Whh/],
    ['nb003_linear_rprop.json', 'small', 'cellForward', 'states.0', large, /grad_over_time/],
    ['nb003_linear_rprop.json', 'small', 'matmulNN', '0', large, /grads$/],
    ['nb003_linear_rprop.json', 'small', 'update', '1', 'of the wrong sign', /final_W/],
    ['nb004a_binary_addition.json', 'small', 'lossBackward', 'dlogits', large, /layer_2_deltas/],
    ['nb004b_min_char_rnn.json', 'small', 'matmulTN', '0', large, /grads_unclipped.Whh/],
    ['nb004b_min_char_rnn.json', 'small', 'update', '1', large, /params_after_1.bh/],
    ['nb004b_min_char_rnn.json', 'small_clipping_active', 'clipByValue', '0', 'of the wrong sign', /rows.*loss/],
    ['numerics.json', null, 'lossOutputs', '1', large, /softmax/],
    ['numerics.json', null, 'cellForward', 'states.0', 'lacking its last element', /tanh/],
    ['numerics.json', null, 'cellForward', 'states.0', large, /logistic/],
    ['torch_gru.json', 'gru_layers2_time_first', 'cellBackward', 'dhGates', large, /grads.weight_hh_l1/],
    ['torch_gru.json', 'gru_layers2_time_first', 'recurrenceBackward', 'dxGates', large, /grads.weight_ih_l0/],
    ['torch_lstm.json', 'lstm_layers1_batch_first', 'cellBackward', 'dprevious.1', large, /grads.c0/],
    ['torch_lstm.json', 'lstm_layers1_batch_first', 'recurrenceForward', 'final.1', large, /cn/],
    ['torch_rnn.json', 'rnn_relu_layers2_time_first', 'matmulNN', '0', large, /grads.x/],
    ['torch_rnn.json', 'rnn_relu_layers2_time_first', 'addRowBackward', '0', large, /grads.bias_ih_l1/],
    ['torch_optim.json', 'sgd', 'update', '1', large, /sgd steps\[0\].W/],
    ['torch_optim.json', 'sgd_momentum', 'update', '1', large, /steps\[0\].W/],
    ['torch_optim.json', 'adagrad', 'update', '1', large, /steps\[0\].b/],
    ['torch_optim.json', 'rmsprop', 'update', '1', large, /steps\[0\].W/],
    ['torch_optim.json', 'adam', 'update', '1', large, /steps\[1\].W/],
    ['torch_optim.json', 'adamw', 'update', '3.1', large, /steps\[1\].W/],
    ['torch_optim.json', 'rprop', 'update', '1', large, /steps\[0\].b/],
    ['torch_optim.json', 'sgd', 'clipByNorm', '0', large, /clipped/],
    ['verification.json', null, 'oneHotLinearBackward', '0', large, /001_classification/],
  ])('%s %s: %s, its array %s %s', async (file, name, fn, array, fault, failing) => {
    const replay = await replayCase(file, name, faulty(fn, array, fault));
    expect(replay.error).toBeNull();
    expect(failed(replay).filter((line) => failing.test(line))).not.toEqual([]);
  });
});

test('a golden value that is wrong fails, and does not widen its own tolerance', async () => {
  const tree = JSON.parse(content('torch_gru.json', 'gru_layers1_time_first'));
  const right = await replayText('x.json', JSON.stringify(tree), engines.wasm);
  tree.cases[0].output[1][0][0] += 1e-3;
  const wrong = await replayText('x.json', JSON.stringify(tree), engines.wasm);
  expect(failed(wrong)).toEqual(['gru_layers1_time_first output']);
  for (const { comparisons } of [right, wrong]) expect(comparisons[0].tolerance).toBeLessThan(1e-4);
});

test('where rounding decides, the net is compared no further', async () => {
  const { comparisons, skipped } = await replayCase('torch_optim.json', 'rprop');
  const lost = skipped.filter(({ quantity }) => quantity.startsWith('steps'));
  expect(lost[0].why).toBe('rounding may move it too far to say anything');
  expect(lost.map(({ why }) => why)).toContain('comes after what rounding decided');
  // The first step depends on the gradient's signs alone.
  const compared = comparisons.filter(({ caseName }) => caseName === 'rprop').map(({ quantity }) => quantity);
  expect(compared).toEqual(expect.arrayContaining(['steps[0].grad_W', 'steps[0].W', 'steps[1].loss_before']));
  expect(compared).not.toContain('steps[9].grad_W');
});

test('the same file twice gives the same tolerances', async () => {
  const small = content('torch_lstm.json', 'lstm_layers1_time_first');
  expect(await replayText('x.json', small, engines.wasm)).toEqual(await replayText('x.json', small, engines.wasm));
});

describe('the command', () => {
  async function run(...files: string[]) {
    let [out, err] = ['', ''];
    const status = await replayFiles(
      files.map((file) => goldens + file),
      'wasm',
      (more) => {
        out += more;
      },
      (more) => {
        err += more;
      },
    );
    return { status, err, lines: out.trimEnd().split('\n') };
  }

  test('says what it skips and why, and counts it', async () => {
    const { status, err, lines } = await run('verification.json');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(lines.at(-1)).toBe('8 passed, 0 failed, 6 skipped');
    expect(lines[0]).toMatch(/^ok {2}.* \d\.\de-\d+ +\d\.\de-\d+$/);
    const skipped = lines.filter((line) => line.startsWith('skip'));
    expect(skipped).toHaveLength(6);
    expect(skipped[0]).toMatch(/^skip {2}verification\.json +- +worst\.\w+ +does not depend on the engine$/);
  });

  test('nothing but skipped lines is a failure', async () => {
    const { status, err, lines } = await run('reber.json');
    expect({ status, err }).toEqual({ status: 1, err: 'error: nothing was compared\n' });
    expect(lines.at(-1)).toBe('0 passed, 0 failed, 132 skipped');
  });
});

test('WebAssembly has no float64', () => {
  expect(() => tolerancesOf('wasm', 'float64')).toThrow('engine wasm has no tolerances for float64');
});
