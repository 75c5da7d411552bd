import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DrawnFault, drawFaults, idOf, openSources, type Sources, withFault } from '../../proofs/drawFaults.ts';
import { equivalentFaults } from '../../proofs/equivalentFaults.ts';
import { plant } from '../../proofs/faults.ts';

const source = `/** A sum → of 3 + 4 things. */
import { other } from './other.ts';

export interface Sizes {
  readonly pair: [0, 1];
}

export function total(y: Float64Array, x: Float64Array, n: number, from = 0): number {
  if (!(n > 0)) throw new RangeError(\`total: n is \${n + 1}\`);
  let sum = 0;
  for (let i = from; i < n; i += 2) {
    if (x[i] === 0 && n > 1) continue;
    sum += x[i] * y[n - 1] ** 2;
  }
  assertSize('total', \`\${n - 1}\`);
  other(y, x);
  return -sum / (from ? 0.5 : y[0]) + Math.max(n, from);
}

function assertSize(name: string, size: string, strict = false): void {
  if (strict) throw new Error(name + size);
}
`;

let folder: string;
let sources: Sources;
let candidates: DrawnFault[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-draw-'));
  writeFileSync(join(folder, 'small.ts'), source);
  writeFileSync(join(folder, 'other.ts'), 'export function other(_y: Float64Array, _x: Float64Array): void {}\n');
  const compilerOptions = { allowImportingTsExtensions: true, noEmit: true, strict: true, types: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  sources = openSources(join(folder, 'tsconfig.json'), folder);
  candidates = sources.candidatesIn('small.ts');
});

afterAll(() => {
  sources.close();
  rmSync(folder, { recursive: true });
});

const changes = (kind: string): string[] =>
  candidates.filter((fault) => fault.kind === kind).map(({ before, after }) => `${before} → ${after}`);

test('the files are those of the folder', () => {
  expect(sources.files).toEqual(['other.ts', 'small.ts']);
});

test('each kind has its changes', () => {
  expect(changes('arithmetic')).toEqual([
    '+= → -=',
    '+= → =',
    '* → /',
    '- → +',
    '** → *',
    '-sum → sum',
    '/ → *',
    '+ → -',
  ]);
  expect(changes('comparison')).toEqual(['> → >=', '> → <=', '< → <=', '< → >=', '=== → !==', '> → >=', '> → <=']);
  expect(changes('logic')).toEqual(['&& → ||']);
  expect(changes('constant')).toEqual([
    '0 → 1',
    '0 → 1',
    '0 → 1',
    '2 → 1',
    '2 → 3',
    '0 → 1',
    '1 → 0',
    '1 → 2',
    '1 → 0',
    '1 → 2',
    '2 → 1',
    '2 → 3',
    '0.5 → 1.5',
  ]);
  expect(changes('index')).toEqual(['i → i + 1', 'i → i - 1', 'i → i + 1', 'i → i - 1', '0 → 1']);
  expect(changes('condition')).toEqual([
    '!(n > 0) → (n > 0)',
    'x[i] === 0 && n > 1 → !(x[i] === 0 && n > 1)',
    'from → !(from)',
    'false → true',
    'strict → !(strict)',
  ]);
  expect(changes('swapped arguments')).toEqual(['y, x → x, y']);
  expect(changes('dropped statement')).toEqual([
    expect.stringMatching(/^throw new RangeError.* → \{\}$/),
    'continue; → {}',
    'sum += x[i] * y[n - 1] ** 2; → {}',
    expect.stringMatching(/^assertSize\(.* → \{\}$/),
    'other(y, x); → {}',
    'throw new Error(name + size); → {}',
  ]);
});

test('comments, types and the texts of errors are left as they are', () => {
  const alone = ['3 + 4 things', '[0, 1]', 'total: n is ', "assertSize('total'"].map((text) => source.indexOf(text));
  expect(alone).not.toContain(-1);
  const lines = alone.map((at) => source.slice(0, at).split('\n').length);
  const touched = candidates.filter(({ kind, line }) => kind !== 'dropped statement' && lines.includes(line));
  expect(touched.map(idOf)).toEqual([
    'small.ts:9:7 condition: !(n > 0) → (n > 0)',
    'small.ts:9:11 comparison: > → >=',
    'small.ts:9:11 comparison: > → <=',
    'small.ts:9:13 constant: 0 → 1',
  ]);
});

test('every fault differs from the source and from the others, and parses', () => {
  const texts = candidates.map((fault) => withFault(source, fault));
  expect(new Set([source, ...texts]).size).toBe(candidates.length + 1);
  for (const [i, text] of texts.entries()) {
    expect(text.startsWith(candidates[i]!.after, candidates[i]!.start)).toBe(true);
  }
  // Here all of them type as well: no complaint of the parser, none of the checker.
  expect(candidates.filter((fault) => sources.refusalOf(fault) !== undefined).map(idOf)).toEqual([]);
});

test('the compiler refuses what does not type, and remembers nothing of it', () => {
  const untyped: DrawnFault = {
    ...candidates[0]!,
    start: source.indexOf('sum = 0'),
    before: 'sum = 0',
    after: 'sum = {}',
  };
  expect(sources.refusalOf(untyped)).toMatch(/cannot be applied/);
  const unparsed: DrawnFault = { ...untyped, after: 'sum = (' };
  expect(sources.refusalOf(unparsed)).toMatch(/expected/);
  expect(sources.refusalOf(candidates[0]!)).toBeUndefined();
  expect(sources.candidatesIn('small.ts')).toEqual(candidates);
});

test('the same seed draws the same faults, another one others, none twice', () => {
  const ids = (count: number, seed: number) => drawFaults(candidates, count, seed).map(idOf);
  expect(ids(10, 1)).toEqual(ids(10, 1));
  expect(ids(10, 1)).not.toEqual(ids(10, 2));
  expect(ids(10, 1)).toEqual(ids(20, 1).slice(0, 10));
  expect(new Set(ids(1000, 3)).size).toBe(candidates.length);
});

test('every fault that is known as equivalent has its one place and can be drawn', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const library = openSources(join(root, 'tsconfig.build.json'), join(root, 'src'));
  try {
    const stale = equivalentFaults.filter((known) => {
      const text = library.textOf(known.file);
      const planted = plant(text, known);
      const drawn = library.candidatesIn(known.file).some((fault) => withFault(text, fault) === planted);
      return !drawn || text.split(known.find).length !== 2;
    });
    expect(stale).toEqual([]);
  } finally {
    library.close();
  }
});
