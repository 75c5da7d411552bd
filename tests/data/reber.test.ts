import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  embeddedNextSymbols,
  embeddedReberWord,
  getNEmbeddedExamples,
  getNExamples,
  getOneEmbeddedExample,
  getOneExample,
  inEmbeddedGrammar,
  inGrammar,
  nextSymbols,
  REBER_AUTOMATON,
  REBER_SYMBOLS,
  reberWord,
  sequenceToWord,
  wordToIds,
  wordToOneHots,
} from '../../src/data/index.ts';
import { RandomState } from '../../src/tensor/random.ts';

const golden = JSON.parse(readFileSync(new URL('../goldens/reber.json', import.meta.url), 'utf8')) as {
  meta: { config: { seed: number; min_len: number } };
  symbols: string;
  automaton: [string, number][][];
  generated_words: string[];
  generated_words_min_len: string[];
  generated_embedded_words: string[];
  all_words_up_to_9: string[];
  number_of_words_by_length: Record<string, number>;
  verdicts: [string, boolean][];
  embedded_verdicts: [string, boolean][];
  cases: { word: string; inputs: number[][]; targets: number[][]; next_sets: string[] }[];
};

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the Reber grammar against the golden values', () => {
  it('is the same automaton', () => {
    expect(REBER_SYMBOLS).toBe(golden.symbols);
    expect(REBER_AUTOMATON).toEqual(golden.automaton);
  });

  it('generates the same words from one stream', () => {
    const { seed, min_len } = golden.meta.config;
    const rng = new RandomState(seed);
    expect(golden.generated_words.map(() => reberWord(rng))).toEqual(golden.generated_words);
    expect(golden.generated_words_min_len.map(() => reberWord(rng, min_len))).toEqual(golden.generated_words_min_len);
    expect(golden.generated_embedded_words.map(() => embeddedReberWord(rng))).toEqual(golden.generated_embedded_words);
    expect(golden.generated_words.length + golden.generated_embedded_words.length).toBe(60);
  });

  it('gives the same verdicts', () => {
    for (const [word, verdict] of golden.verdicts) expect(inGrammar(word), word).toBe(verdict);
    for (const [word, verdict] of golden.embedded_verdicts) expect(inEmbeddedGrammar(word), word).toBe(verdict);
    expect([golden.verdicts.length, golden.embedded_verdicts.length]).toEqual([60, 26]);
  });

  it('accepts exactly the words there are', () => {
    let frontier = [''];
    let accepted = 0;
    const prefixes = new Set(golden.all_words_up_to_9.flatMap((w) => Array.from(w, (_, i) => w.slice(0, i + 1))));
    for (let length = 1; length <= 9; length++) {
      frontier = frontier.flatMap((w) => Array.from(REBER_SYMBOLS, (s) => w + s));
      const words = frontier.filter(inGrammar);
      expect(words.length).toBe(golden.number_of_words_by_length[length] ?? 0);
      accepted += words.length;
      frontier = frontier.filter((w) => prefixes.has(w));
    }
    expect(accepted).toBe(golden.all_words_up_to_9.length);
  });

  it('has the same inputs, targets and next symbols', () => {
    let embedded = 0;
    for (const { word, inputs, targets, next_sets } of golden.cases) {
      const inner = inGrammar(word);
      expect(inner ? nextSymbols(word) : embeddedNextSymbols(word)).toEqual(next_sets);
      expect(Array.from(wordToOneHots(word.slice(0, -1)))).toEqual(inputs.flat());
      expect(next_sets.map((set) => Array.from(REBER_SYMBOLS, (s) => (set.includes(s) ? 1 : 0)))).toEqual(targets);
      if (!inner) embedded++;
    }
    expect([golden.cases.length, embedded]).toEqual([12, 5]);
  });

  it('makes whole examples of the first words', () => {
    const { seed } = golden.meta.config;
    const [first] = golden.cases;
    const example = getOneExample(new RandomState(seed));
    expect(example.word).toBe(first.word);
    expect(example.T).toBe(first.inputs.length);
    expect(Array.from(example.inputs)).toEqual(first.inputs.flat());
    expect(Array.from(example.targets)).toEqual(first.targets.flat());
    expect(getNExamples(new RandomState(seed), 30).map(({ word }) => word)).toEqual(golden.generated_words);
    const rng = new RandomState(seed);
    getNExamples(rng, 30);
    getNExamples(rng, 5, golden.meta.config.min_len);
    const outer = getNEmbeddedExamples(rng, 5);
    for (const [i, c] of golden.cases.slice(7).entries()) {
      expect(Array.from(outer[i].inputs)).toEqual(c.inputs.flat());
      expect(Array.from(outer[i].targets)).toEqual(c.targets.flat());
    }
  });
});

describe('Reber words', () => {
  it('are in their grammar, long enough, and read back from their one-hots', () => {
    fc.assert(
      fc.property(seeds, fc.nat(20), (seed, minLength) => {
        const rng = new RandomState(seed);
        const { word, T, ids, inputs, targets } = getOneExample(rng, minLength);
        expect(inGrammar(word)).toBe(true);
        expect(word.length).toBeGreaterThanOrEqual(minLength);
        expect([T, ids.length, inputs.length, targets.length]).toEqual([
          word.length - 1,
          word.length - 1,
          (word.length - 1) * 7,
          (word.length - 1) * 7,
        ]);
        expect(sequenceToWord(inputs)).toBe(word.slice(0, -1));
        // the symbol that came is among those that may come
        for (let t = 0; t < T; t++) expect(targets[t * 7 + wordToIds(word)[t + 1]]).toBe(1);
        const embedded = getOneEmbeddedExample(rng, minLength);
        expect(inEmbeddedGrammar(embedded.word)).toBe(true);
        expect(embedded.word.length).toBeGreaterThanOrEqual(minLength + 4);
        const last = embedded.targets.slice((embedded.T - 2) * 7, (embedded.T - 1) * 7);
        expect(sequenceToWord(last)).toBe(embedded.word[1]);
      }),
    );
  });

  it('of the notebook have its verdicts', () => {
    for (const word of ['BTXXVVE', 'BTSSXSE', 'BPVPXVPSE', 'BTSSSSSSXXTTVPSE']) expect(inGrammar(word)).toBe(true);
    for (const word of ['BSXXXTTVPSE', 'BTSSXSXXTVPXTTVPXTVVE', 'BTXSXXTTVVE']) expect(inGrammar(word)).toBe(false);
  });

  const rng = new RandomState(0);
  const state = rng.getState();
  it.each<[string, () => unknown]>([
    ['reberWord: minLength is 49, expected a whole number from 0 to 48', () => reberWord(rng, 49)],
    ['reberWord: minLength is NaN, expected', () => reberWord(rng, NaN)],
    ['embeddedReberWord: minInnerLength is 1.5, expected', () => embeddedReberWord(rng, 1.5)],
    ['getNExamples: n is -1, expected', () => getNExamples(rng, -1)],
    ['getNEmbeddedExamples: n is 0.5, expected', () => getNEmbeddedExamples(rng, 0.5)],
    [`nextSymbols: word is 'BTX', expected one of the Reber grammar`, () => nextSymbols('BTX')],
    [`embeddedNextSymbols: word is 'BTBPVVEPE', expected one of`, () => embeddedNextSymbols('BTBPVVEPE')],
    [`wordToIds: 'Q' at position 2, expected one of the symbols BTSXPVE`, () => wordToOneHots('BTQ')],
    ['sequenceToWord: row 0 is [0,0,0], expected a one-hot of 7', () => sequenceToWord(new Float64Array(3))],
    ['sequenceToWord: row 1 is [0,0,0,0,0,0,0], expected', () => sequenceToWord(wordOf(1, 0))],
    ['sequenceToWord: row 0 is [1,1,0,0,0,0,0], expected', () => sequenceToWord(Float64Array.of(1, 1, 0, 0, 0, 0, 0))],
    ['sequenceToWord: row 0 is [1], expected', () => sequenceToWord(Float32Array.of(1))],
  ])('say %s', (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
    expect(rng.getState()).toEqual(state);
  });

  it.each<[string, (rng: never) => unknown]>([
    ['reberWord', (none) => reberWord(none)],
    ['embeddedReberWord', (none) => embeddedReberWord(none)],
    ['getNExamples', (none) => getNExamples(none, 2)],
    ['getNEmbeddedExamples', (none) => getNEmbeddedExamples(none, 2)],
  ])('%s says that it got no stream of random numbers', (name, call) => {
    expect(() => call({} as never)).toThrow(`${name}: rng is {}, expected a RandomState`);
  });
});

/** One row for each argument: B for 1, nothing for 0. */
function wordOf(...rows: number[]): Float64Array {
  return Float64Array.from(rows.flatMap((first) => [first, 0, 0, 0, 0, 0, 0]));
}
