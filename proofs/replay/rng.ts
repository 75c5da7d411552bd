import { RandomState } from 'bptt/tensor';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';

/** The random streams of NumPy: `rng_legacy.json`. */
export function replay(file: Fields, check: Check): void {
  for (const fields of file.cases((c) => `seed ${c.whole('seed')}`)) replayCase(fields, check);
}

/** Counts of many trials, and choices that do not come back: `rng_binomial_choice.json`. */
export function replayDraws(file: Fields, check: Check): void {
  for (const fields of file.objects('multinomial')) {
    const [n, pvals] = [fields.whole('n'), fields.array('pvals')];
    replayStream(fields, { out: (rng) => rng.multinomial(n, pvals) }, check);
  }
  for (const fields of file.objects('choiceWithoutReplacement')) {
    const [n, size] = [fields.whole('n'), fields.whole('size')];
    const p = fields.golden('p') && fields.array('p');
    const options = p ? { replace: false, p } : { replace: false };
    const out = (rng: RandomState) => rng.choice(n, { ...options, size });
    replayStream(fields, { out, scalars: (rng) => [rng.choice(n, options)] }, check);
  }
}

/** Each field holds what one draw gave again and again, and `next` the uniform that the stream goes on with. */
function replayStream(
  fields: Fields,
  draws: Readonly<Record<string, (rng: RandomState) => ArrayLike<number>>>,
  check: Check,
): void {
  const rng = new RandomState(fields.whole('seed'));
  for (const [name, draw] of Object.entries(draws)) {
    const golden = fields.golden(name);
    if (golden) check.compareData(golden, times(golden.shape[0], () => Array.from(draw(rng))).flat());
  }
  check.compareData(fields.golden('next'), rng.randomSample());
}

function replayCase(fields: Fields, check: Check): void {
  const fresh = () => new RandomState(fields.whole('seed'));
  const { key, pos } = fresh().getState();
  check.compareData(fields.golden('state_key_first_5', [5]), key.slice(0, 5));
  check.compareData(fields.golden('state_key_last_5', [5]), key.slice(-5));
  check.compareData(fields.golden('state_pos'), pos);
  const words = fields.array('raw_uint32').length;
  check.compareData(fields.golden('raw_uint32'), fresh().randint(0, 2 ** 32, words));
  for (const operation of fields.objects('fresh_stream_each')) replayOperation(operation, fresh(), check);
  const streams = fields.items('interleaved_on_one_stream');
  for (const i of streams.names()) {
    const rng = fresh();
    for (const operation of streams.objects(i)) replayOperation(operation, rng, check);
  }
  const far = fresh();
  far.randomSample(1000);
  const after = fields.array('after_1000_random_sample').length;
  check.compareData(fields.golden('after_1000_random_sample'), far.randomSample(after));
}

const gaussians = new Set(['randn', 'standard_normal', 'normal']);

function replayOperation(operation: Fields, rng: RandomState, check: Check): void {
  const op = operation.text('op');
  const draw = operations[op];
  if (!draw) throw operation.error('op', `is '${op}', expected ${Object.keys(operations).join(', ')}`);
  const golden = operation.golden('out');
  const got = draw(rng, operation.items('args'));
  const tolerance = gaussians.has(op) ? check.tolerances.rng.gaussians : 0;
  check.compareData(golden && { ...golden, quantity: `${golden.quantity} ${op}` }, got, tolerance);
}

/** What each operation draws, flat; arguments as `make_goldens.py` writes them. */
const operations: Readonly<Record<string, (rng: RandomState, args: Fields) => ArrayLike<number>>> = {
  random_sample: (rng, args) => rng.randomSample(size(args, args.names())),
  rand: (rng, args) => rng.rand(size(args, args.names())),
  randn: (rng, args) => rng.randn(size(args, args.names())),
  standard_normal: (rng, args) => rng.standardNormal(size(args, args.names())),
  uniform: (rng, args) => rng.uniform(args.number('0'), args.number('1'), size(args, ['2'])),
  normal: (rng, args) => rng.normal(args.number('0'), args.number('1'), size(args, ['2'])),
  randint_scalars: (rng, args) =>
    args.has('2')
      ? times(args.whole('2'), () => rng.randint(args.number('0'), args.number('1')))
      : times(args.whole('1'), () => rng.randint(args.number('0'))),
  randint_size: (rng, args) => rng.randint(args.number('0'), args.number('1'), size(args, ['2'])),
  permutation: (rng, args) => rng.permutation(args.whole('0')),
  shuffle: (rng, args) => {
    const values = times(args.whole('0'), (i) => i);
    rng.shuffle(values);
    return values;
  },
  choice_p: (rng, args) => times(args.whole('1'), () => rng.choice(args.array('0').length, { p: args.array('0') })),
  choice_p_size: (rng, args) => rng.choice(args.array('0').length, { p: args.array('0'), size: args.whole('1') }),
  choice_size: (rng, args) => rng.choice(args.whole('0'), { size: args.whole('1') }),
  choice_no_replace: (rng, args) => rng.choice(args.whole('0'), { size: args.whole('1'), replace: false }),
  multinomial: (rng, args) =>
    times(args.whole('2'), () => Array.from(rng.multinomial(args.whole('0'), args.array('1')))).flat(),
};

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** The product of all sizes in some arguments, numbers or lists of them. */
function size(args: Fields, names: readonly string[]): number {
  return names.flatMap((name) => Array.from(args.array(name))).reduce((product, length) => product * length, 1);
}
