import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { exactSum } from '../../proofs/replay/exactSum.ts';
import { replayFiles, replayText } from '../../proofs/replay/run.ts';
import { tolerancesOf } from '../../proofs/replay/tolerances.ts';

const goldens = new URL('../goldens/', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = (file: string): string => readFileSync(goldens + file, 'utf8');

/** How many quantities a replay of each file has to compare, at least. */
const floors: Record<string, number> = {
  'nb000_minimal_rnn.json': 92,
  'nb000_minimal_rnn_true_size.json': 44,
  'nb001_elman.json': 117,
  'nb001_elman_true_size.json': 85,
  'nb002_char_rnn_l2.json': 112,
  'nb002_char_rnn_l2_true_size.json': 50,
  'nb003_linear_rprop.json': 580,
  'nb004a_binary_addition.json': 410,
  'nb004b_min_char_rnn.json': 508,
  'nb004b_min_char_rnn_true_size.json': 168,
  'numerics.json': 103,
  'reber.json': 132,
  'rng_binomial_choice.json': 194,
  'rng_legacy.json': 324,
  'torch_gru.json': 51,
  'torch_lstm.json': 61,
  'torch_optim.json': 828,
  'torch_rnn.json': 102,
  'verification.json': 14,
};

test.each(Object.entries(floors))('%s passes, with at least %i comparisons', async (file, floor) => {
  const { comparisons, error } = await replayText(file, text(file));
  expect(error).toBeNull();
  expect(comparisons.filter(({ ok }) => !ok)).toEqual([]);
  expect(comparisons.length).toBeGreaterThanOrEqual(floor);
});

type Path = readonly (string | number)[];
interface Tree {
  [key: string | number]: Tree;
}

/** A golden file with the value at a path replaced; `undefined` removes it. Other cases than the path's are left out. */
function altered(file: string, path: Path, change: (value: never) => unknown): string {
  const tree: Tree = JSON.parse(text(file));
  const last = path[path.length - 1];
  const parent = path.slice(0, -1).reduce((node, key) => node[key], tree);
  const value = change(parent[last] as never);
  if (value === undefined) delete parent[last];
  else parent[last] = value as Tree;
  const cases = path[0] === 'cases' && path.length > 1 ? [tree.cases[path[1]]] : tree.cases;
  return JSON.stringify({ ...tree, cases });
}

const nudged = (v: number) => v * (1 + 1e-9);

describe('an altered number fails, and only what depends on it', () => {
  test.each<[file: string, path: Path, change: (value: never) => unknown, failing: string]>([
    ['nb000_minimal_rnn.json', ['init_weight', 'svd', 1, 2], nudged, 'init_weight.svd'],
    ['nb000_minimal_rnn.json', ['cases', 0, 'modes', 'broadcast', 'cost'], nudged, 'modes.broadcast.cost'],
    ['nb001_elman.json', ['cases', 0, 'params_after_all', 'h0', 0], nudged, 'params_after_all.h0'],
    ['nb001_elman.json', ['cases', 0, 'samples', 'words', 0], (w: string) => `${w}E`, 'samples.words'],
    ['nb001_elman.json', ['cases', 2, 'grads', 'W_hh', 0, 0], nudged, 'grads.W_hh'],
    [
      'nb002_char_rnn_l2.json',
      ['cases', 1, 'grads_clipped', 'Why', 0, 0],
      (v: number) => v + 1e-6,
      'grads_clipped.Why',
    ],
    ['nb002_char_rnn_l2.json', ['cases', 0, 'prints', 0, 'loss'], nudged, 'prints[0].loss'],
    ['nb002_char_rnn_l2.json', ['cases', 0, 'prints'], () => [], 'prints'],
    ['nb002_char_rnn_l2_true_size.json', ['cases', 0, 'h_vals', 'sum_of_abs'], nudged, 'h_vals'],
    ['nb002_char_rnn_l2_true_size.json', ['cases', 0, 'probs', 'samples', 3, 1], nudged, 'probs'],
    ['nb003_linear_rprop.json', ['cases', 0, 'rprop', 'trace', 9, 1, 0], (v: number) => v + 2e-16, 'rprop.trace[9].W'],
    ['nb003_linear_rprop.json', ['cases', 0, 'test', 'output'], (v: number) => v * (1 + 2e-16), 'test.output'],
    ['nb004a_binary_addition.json', ['cases', 0, 'details', 0, 'uh', 0, 0], nudged, 'details[0].uh'],
    ['nb004a_binary_addition.json', ['cases', 0, 'rows', 7, 4, 0], (bit: number) => 1 - bit, 'rows[7].d'],
    [
      'nb004b_min_char_rnn.json',
      ['cases', 0, 'variants', 'with_dby', 'params_after_all', 'by', 0, 0],
      nudged,
      'variants.with_dby.params_after_all.by',
    ],
    [
      'nb004b_min_char_rnn.json',
      ['cases', 1, 'variants', 'as_written_no_dby', 'first_chunk', 'number_clipped', 'Whh'],
      (n: number) => n + 1,
      'variants.as_written_no_dby.first_chunk.number_clipped.Whh',
    ],
    ['numerics.json', ['cases', 18, 'np_sum'], (v: number) => v * (1 + 2e-16), 'np_sum'],
    ['reber.json', ['verdicts', 3, 1], (yes: boolean) => !yes, 'verdicts[3].whole'],
    [
      'rng_legacy.json',
      ['cases', 1, 'fresh_stream_each', 20, 'out', 0],
      (n: number) => n + 1,
      'fresh_stream_each[20].out randint_scalars',
    ],
    ['torch_gru.json', ['cases', 3, 'grads', 'x', 0, 0, 0], nudged, 'grads.x'],
    ['torch_lstm.json', ['cases', 2, 'cn', 1, 0, 0], nudged, 'cn'],
    ['torch_rnn.json', ['cases', 0, 'loss'], nudged, 'loss'],
    ['torch_optim.json', ['cases', 9, 'steps', 4, 'W', 1, 1], nudged, 'steps[4].W'],
    ['torch_optim.json', ['clipping', 5, 'total_norm'], nudged, 'clipping[5].total_norm'],
    ['verification.json', ['worst', 'fd3_tensor'], nudged, 'worst.fd3_tensor'],
  ])('%s %j', async (file, path, change, failing) => {
    const { comparisons, error } = await replayText(file, altered(file, path, change));
    expect(error).toBeNull();
    expect(comparisons.filter(({ ok }) => !ok).map(({ quantity }) => quantity)).toEqual([failing]);
  });

  test('a parameter that is wrong spoils what is computed from it', async () => {
    const path = ['cases', 0, 'params', 'W_rec', 0, 0];
    const { comparisons } = await replayText('x.json', altered('nb000_minimal_rnn.json', path, nudged));
    const failed = comparisons.filter(({ ok }) => !ok).map(({ quantity }) => quantity);
    expect(failed).toContain('params.W_rec');
    expect(failed).toContain('modes.broadcast.grads.W_in');
  });
});

describe('a net that magnifies rounding', () => {
  const file = 'nb002_char_rnn_l2_80_updates.json';
  const judged = async (content: string) => {
    const { comparisons, skipped, error } = await replayText(file, content);
    expect({ skipped, error }).toEqual({ skipped: [], error: null });
    expect(comparisons).toHaveLength(54);
    return new Map(comparisons.map((comparison) => [comparison.quantity, comparison]));
  };

  test('is held to what rounding does to it, and to the tolerance before', async () => {
    const found = await judged(text(file));
    expect([...found.values()].filter(({ ok }) => !ok)).toEqual([]);
    expect(found.get('params_after_1.Whh')!.tolerance).toBe(1e-11);
    const { error, tolerance } = found.get('params_after_all.Whh')!;
    expect(error).toBeGreaterThan(1e-10);
    expect(tolerance).toBeLessThan(1e-4);
  });

  test('a wrong update fails', async () => {
    const found = await judged(altered(file, ['cases', 0, 'lr'], (lr: number) => lr * (1 + 1e-6)));
    for (const quantity of ['losses_before_each_update', 'params_after_1.Whh', 'params_after_all.Whh']) {
      expect(found.get(quantity)).toMatchObject({ ok: false });
    }
  });
});

describe('a file that is not what it should be is a named error', () => {
  const remove = () => undefined;
  test.each<[file: string, path: Path, change: (value: never) => unknown, message: string]>([
    [
      'nb000_minimal_rnn.json',
      ['cases', 1, 'lr'],
      remove,
      'case svd_init_one_hot_targets_n_out_differs: lr is missing',
    ],
    ['nb000_minimal_rnn.json', ['meta'], remove, 'meta is missing'],
    [
      'nb000_minimal_rnn.json',
      ['cases', 0, 'modes', 'broadcast', 'grads', 'W_in'],
      remove,
      'modes.broadcast.grads.W_in',
    ],
    ['nb001_elman.json', ['cases', 0, 'samples'], remove, 'case reber_small: samples is missing'],
    ['nb001_elman.json', ['cases', 0, 'task'], () => 'x', "task is 'x', expected classification or regression"],
    ['nb001_elman.json', ['cases', 0, 'seed'], remove, 'seed is missing (null says that there is none)'],
    ['nb001_elman_true_size.json', ['cases', 0, 'seed'], () => null, 'params.W_ih is a checksum, which needs a seed'],
    ['nb002_char_rnn_l2.json', ['cases', 0, 'D'], (D: number) => D + 1, 'params.Wxh has shape [5,3], expected [6,3]'],
    ['nb002_char_rnn_l2.json', ['cases', 0, 'x', 1], () => 99, 'x holds 99, expected whole numbers from 0 to 4'],
    ['nb003_linear_rprop.json', ['cases', 0, 'at_1.2_1.2', 'S'], remove, 'case small: at_1.2_1.2.S is missing'],
    ['nb003_linear_rprop.json', ['cases', 0, 'X', 2], () => [1], 'X has rows of different lengths'],
    ['nb003_linear_rprop.json', ['cases', 0, 'iterations'], () => 20, 'rprop.trace has iteration 20, of 20'],
    ['nb004a_binary_addition.json', ['cases', 0, 'rows', 3], () => [3, 1, 2], 'rows[3].overallError is missing'],
    [
      'nb004a_binary_addition.json',
      ['cases', 1, 'alpha'],
      () => '1',
      'case true_size: alpha is "1", expected a number',
    ],
    ['nb004b_min_char_rnn.json', ['cases', 0, 'text'], remove, 'case small: text is missing'],
    ['numerics.json', ['cases', 0, 'np_sum'], remove, 'case n=1: np_sum is missing'],
    ['rng_legacy.json', ['cases', 0, 'fresh_stream_each', 0, 'op'], () => 'beta', "fresh_stream_each[0].op is 'beta'"],
    ['reber.json', ['meta', 'config', 'seed'], remove, 'meta.config.seed is missing'],
    ['torch_gru.json', ['cases', 0, 'params', 'bias_hh_l0'], remove, 'params.bias_hh_l0 is missing'],
    ['torch_rnn.json', ['cases', 0, 'bias'], () => false, 'params.bias_ih_l0 is no parameter of these layers'],
    ['torch_lstm.json', ['cases', 0, 'kind'], () => 'TCN', "kind is 'TCN', expected RNN, LSTM, GRU"],
    ['torch_optim.json', ['cases', 0, 'torch_class'], () => 'LBFGS', "torch_class is 'LBFGS'"],
    [
      'verification.json',
      ['hand_written_bptt', '005'],
      () => ({}),
      'hand_written_bptt.005 is no system of the library',
    ],
    ['nb000_minimal_rnn.json', ['meta', 'notebook'], () => '007', "unknown kind of file: it has meta.notebook '007'"],
    ['nb000_minimal_rnn.json', ['cases'], () => [], 'cases is empty, expected at least one case'],
    ['nb000_minimal_rnn.json', ['cases', 0], () => 3, 'cases[0] is 3, expected an object'],
  ])('%s %j', async (file, path, change, message) => {
    const { error } = await replayText(file, altered(file, path, change));
    expect(error).toContain(`${file}: `);
    expect(error).toContain(message);
  });

  test('neither JSON nor a known kind', async () => {
    expect((await replayText('a.json', '{')).error).toContain('a.json: is not JSON');
    expect((await replayText('a.json', '[1]')).error).toBe('a.json: the content is [1], expected an object');
    expect((await replayText('a.json', '{"cases":[{"loss":1}]}')).error).toContain('a.json: unknown kind of file');
  });
});

test('a kind is known by its content, without meta.notebook', async () => {
  const { comparisons, error } = await replayText(
    'mine.json',
    altered('nb003_linear_rprop.json', ['meta', 'notebook'], () => undefined),
  );
  expect(error).toBeNull();
  expect(comparisons.length).toBe(floors['nb003_linear_rprop.json']);
});

test('null stands for what a dump does not have', async () => {
  const own = JSON.parse(text('nb000_minimal_rnn.json'));
  own.init_weight = null;
  own.cases = [{ ...own.cases[0], seed: null, h_vals: null }];
  own.cases[0].modes.broadcast.grads = null;
  const { comparisons, error } = await replayText('own.json', JSON.stringify(own));
  expect(error).toBeNull();
  expect(comparisons.every(({ ok }) => ok)).toBe(true);
  const quantities = comparisons.map(({ quantity }) => quantity);
  expect(quantities).toContain('modes.elementwise.grads.W_in');
  expect(quantities.some((name) => /^(init|params|X|h_vals|modes.broadcast.grads)/.test(name))).toBe(false);
});

describe('the command', () => {
  async function run(...files: [name: string, content: string][]) {
    const paths = files.map(([name, content]) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    });
    let [out, err] = ['', ''];
    const status = await replayFiles(
      paths,
      'ts',
      (more) => {
        out += more;
      },
      (more) => {
        err += more;
      },
    );
    return { status, err, lines: out.trimEnd().split('\n') };
  }

  test('prints aligned lines and the count', async () => {
    const { status, err, lines } = await run(['torch_gru.json', text('torch_gru.json')]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(lines.at(-1)).toBe('51 passed, 0 failed');
    expect(lines[0]).toMatch(/^ok {2}torch_gru\.json {2}gru_layers1_time_first +output +\d\.\de-\d+ +1\.0e-12$/);
    const columns = lines.slice(0, -1).map((line) => line.lastIndexOf('  '));
    expect(new Set(columns).size).toBe(1);
  });

  test('fails with status 1 and goes on with the next file', async () => {
    const broken = altered('torch_gru.json', ['cases', 0, 'loss'], (v: number) => v + 1);
    const missing = altered('torch_rnn.json', ['cases', 0, 'x'], () => undefined);
    const { status, err, lines } = await run(['a.json', missing], ['b.json', broken]);
    expect(status).toBe(1);
    expect(err).toBe('error: a.json: case rnn_tanh_layers1_time_first: x is missing\n');
    expect(lines.at(-1)).toBe('8 passed, 1 failed');
    expect(lines.filter((line) => line.startsWith('FAIL'))).toHaveLength(1);
  });

  test('nothing compared is a failure', async () => {
    const { status, err, lines } = await run(['empty.json', '{"meta":{"notebook":"001"},"cases":[]}']);
    expect({ status, lines }).toEqual({ status: 1, lines: ['0 passed, 0 failed'] });
    expect(err).toBe('error: empty.json: cases is empty, expected at least one case\n');
    const nothing = await replayFiles(
      ['nowhere.json'],
      'ts',
      () => {},
      () => {},
    );
    expect(nothing).toBe(1);
  });
});

test('an engine without tolerances is refused', () => {
  expect(() => tolerancesOf('ts', 'float32')).toThrow('engine ts has no tolerances for float32');
});

test('exactSum rounds once', () => {
  expect(exactSum([])).toBe(0);
  expect(exactSum([1e100, 1, -1e100])).toBe(1);
  expect(exactSum(new Array(10).fill(0.1))).toBe(1);
  expect(exactSum([1, 2 ** -53, 2 ** -106])).toBe(1 + 2 ** -52);
  expect(exactSum([1, 2 ** -53])).toBe(1);
});
