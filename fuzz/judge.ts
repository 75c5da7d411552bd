import { damagedFile } from './damage.ts';
import type { Target } from './entries.ts';
import { Random, seedOf } from './random.ts';
import { contents, holdsNonFinite, mutate, short } from './tree.ts';

/** What a case came to. */
export type Verdict =
  | { readonly kind: 'right' | 'named' }
  | { readonly kind: 'wrong'; readonly what: string; readonly where: string };

/** One in so many cases has good arguments. */
const GOOD = 5;

/** Makes the arguments of case `index` of a target, spoils them, calls, and judges what comes back. */
export async function judge(target: Target, seed: number, index: number): Promise<Verdict> {
  const { recipe, own, call } = target;
  const r = new Random(seedOf(target.name, index) ^ seed);
  const good = await recipe.args!(r);
  const { args, refused, where, spoilt } = spoil(r, target, good);
  const wrong = (what: string): Verdict => ({ kind: 'wrong', what, where });
  const before = contents(args);
  const stateBefore = recipe.state && contents(await recipe.state(good));
  let result: unknown;
  try {
    result = await (recipe.call ? (recipe.call as typeof call)(...args) : call(...args));
  } catch (error) {
    if (!spoilt) return wrong(`a good call threw ${told(error)}`);
    const unnamed = unnamedReason(error, own, recipe.subject);
    if (unnamed !== null) return wrong(unnamed);
    if (contents(args) !== before) return wrong(`arguments changed by a call that threw ${told(error)}`);
    if (recipe.state && contents(await recipe.state(good)) !== stateBefore) {
      return wrong(`state changed by a call that threw ${told(error)}`);
    }
    return { kind: 'named' };
  } finally {
    recipe.free?.(args, result);
  }
  const anything = recipe.takesAll || ALWAYS_RIGHT.test(where) || recipe.loose?.test(where);
  if (spoilt && refused && !anything) return wrong('took what it must not take');
  const clean = !before.includes('NaN') && !holdsNonFinite(args, true);
  if (clean && !recipe.unbounded && (holdsNonFinite(result, false) || holdsNonFinite(args, false))) {
    return wrong(`a number that is not finite from finite ones: ${short(result)}`);
  }
  return { kind: 'right' };
}

interface Spoilt {
  readonly args: unknown[];
  readonly refused: boolean;
  readonly where: string;
  readonly spoilt: boolean;
}

/** Dropout nowhere, a learning rate by a schedule, another factor of the loss, a seed of several numbers, null as NumPy's None. */
const ALWAYS_RIGHT = /\.(dropout = \{\}|lr = a function|reduction = [17](,|$)|seed = (\[|\w+Array)|size = null)/;

function spoil(r: Random, { recipe }: Target, good: unknown[]): Spoilt {
  if (r.whole(1, GOOD) === 1) return { args: good, refused: false, where: 'good arguments', spoilt: false };
  if (recipe.file !== undefined && r.chance(0.8)) {
    const { bytes, where } = damagedFile(r, good[recipe.file] as Uint8Array);
    return { args: good.map((arg, i) => (i === recipe.file ? bytes : arg)), refused: false, where, spoilt: true };
  }
  const fixed = recipe.fixed ?? [];
  const free = good.map((_, i) => i).filter((i) => !fixed.includes(i));
  if (free.length === 0) return { args: good, refused: false, where: 'no arguments', spoilt: false };
  const { args, refused, where } = mutate(
    r,
    free.map((i) => good[i]),
  );
  if (recipe.endless?.test(where)) return { args: good, refused: false, where: 'good arguments', spoilt: false };
  const all = [...good];
  free.forEach((i, k) => {
    all[i] = args[k];
  });
  return { args: all, refused, where, spoilt: true };
}

function unnamedReason(error: unknown, own: string, subject: RegExp | undefined): string | null {
  if (!(error instanceof Error)) return `threw what is no error: ${short(error)}`;
  const names = [own, own.split('.')[0], own.replace(/\.constructor$/, '')].map((name) => name.replaceAll('.', '\\.'));
  const named = new RegExp(`^(${names.join('|')})\\b`).test(error.message) || subject?.test(error.message);
  return named ? null : `unnamed error: ${told(error)}`;
}

function told(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.slice(0, 160)}` : short(error);
}
