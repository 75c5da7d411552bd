import {
  embeddedNextSymbols,
  embeddedReberWord,
  inEmbeddedGrammar,
  inGrammar,
  nextSymbols,
  REBER_AUTOMATON,
  REBER_SYMBOLS,
  reberWord,
  wordToOneHots,
} from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import type { Check } from './check.ts';
import { example } from './elman.ts';
import type { Fields } from './fields.ts';

const END = REBER_AUTOMATON.length - 1;

/** The Reber grammar and the embedded one: `reber.json`. */
export function replay(file: Fields, check: Check): void {
  check.sameData(file, 'symbols', REBER_SYMBOLS);
  check.sameData(file, 'start_state', 0);
  check.sameData(file, 'end_state', END);
  check.sameData(file, 'automaton', REBER_AUTOMATON);
  replayGenerated(file, check);
  replayEnumerated(file, check);
  for (const [name, verdict] of [
    ['verdicts', inGrammar],
    ['embedded_verdicts', inEmbeddedGrammar],
  ] as const) {
    const rows = file.rows(name, ['word', 'whole']);
    for (const row of rows) check.sameData(row, 'whole', verdict(row.text('word')));
  }
  for (const fields of file.cases((c) => c.text('word'))) replayWord(fields, check);
}

/** Words one after another from one stream: plain ones, ones that are long enough, embedded ones. */
function replayGenerated(file: Fields, check: Check): void {
  const config = file.object('meta').object('config');
  const seed = config.seed();
  if (seed === null) return;
  const rng = new RandomState(seed);
  check.compareData(config.golden('n_words'), file.list('generated_words').length);
  const minLength = config.whole('min_len');
  const draw = (name: string, word: () => string): void => {
    check.sameData(
      file,
      name,
      file.texts(name).map(() => word()),
    );
  };
  draw('generated_words', () => reberWord(rng));
  draw('generated_words_min_len', () => reberWord(rng, minLength));
  draw('generated_embedded_words', () => embeddedReberWord(rng));
}

/** All words, shortest first, then by alphabet. */
function replayEnumerated(file: Fields, check: Check): void {
  const longest = file.object('meta').object('config').whole('enumerate_max_len');
  check.sameData(file, `all_words_up_to_${longest}`, wordsUpTo(longest));
  const counts = file.object('number_of_words_by_length');
  const all = wordsUpTo(Math.max(...counts.names().map(Number)));
  const got: Record<string, number> = {};
  for (const { length } of all) got[length] = (got[length] ?? 0) + 1;
  check.sameData(file, 'number_of_words_by_length', got);
}

function wordsUpTo(longest: number): string[] {
  const words: string[] = [];
  const walk = (word: string, state: number): void => {
    if (state === END) words.push(word);
    else if (word.length < longest) for (const [symbol, next] of REBER_AUTOMATON[state]) walk(word + symbol, next);
  };
  walk('', 0);
  return words.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

function replayWord(fields: Fields, check: Check): void {
  const word = fields.text('word');
  const embedded = inEmbeddedGrammar(word);
  check.sameData(fields, 'next_sets', embedded ? embeddedNextSymbols(word) : nextSymbols(word));
  check.compareData(fields.golden('inputs'), wordToOneHots(word.slice(0, -1)));
  check.compareData(fields.golden('targets'), example(word, embedded).targets);
}
