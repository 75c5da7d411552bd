import { CharVocabulary, CharWindows, LabelMap, Standardizer, WordVocabulary, wordToOneHots } from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

const TEXT = 'the old hills hold the heron well. "Is it?" - it is, Mr. Heron.';

const method = (make: () => unknown, args: (r: Random) => unknown[], state?: Recipe['state']): Recipe => ({
  args: (r) => [make(), ...args(r)],
  fixed: [0],
  state,
});

const chars = () => CharVocabulary.fromText(TEXT);
const words = () => WordVocabulary.fromTokens(TEXT.split(' '));
const labels = () => new LabelMap(['a', 'b', 'c']);
const windows = () => new CharWindows(new Int32Array(40), 4, 2);
const standardizer = () => Standardizer.fit(new Float64Array([1, 2, 3, 4]), 2);
const ids = (r: Random): Int32Array => Int32Array.from({ length: 5 }, () => r.whole(0, 2));

/** A function that draws from a stream; the stream is its argument `index`. */
const drawing = (index: number, args: (rng: RandomState, r: Random) => unknown[]): Recipe => ({
  args: (r) => args(new RandomState(r.whole(0, 99)), r),
  state: (all) => (all[index] as RandomState).getState(),
});

export const data: Recipes = {
  'CharVocabulary.constructor': { args: () => [['a', 'b']] },
  'CharVocabulary.fromText': { args: (r) => [TEXT, r.pick(['appearance', 'sorted'])] },
  'CharVocabulary.has': method(chars, () => ['h']),
  'CharVocabulary.encode': method(chars, () => ['the heron']),
  'CharVocabulary.decode': method(chars, (r) => [ids(r)]),
  'WordVocabulary.constructor': { args: () => [['<unk>', 'b']] },
  'WordVocabulary.fromTokens': { args: () => [TEXT.split(' '), { maxSize: 10, minCount: 1 }] },
  'WordVocabulary.has': method(words, () => ['the']),
  'WordVocabulary.encode': method(words, () => [['the', 'x']]),
  'WordVocabulary.decode': method(words, (r) => [ids(r)]),
  'LabelMap.constructor': { args: () => [['a', 'b', 3]] },
  'LabelMap.fromLabels': { args: () => [['a', 'b', 'a']] },
  'LabelMap.has': method(labels, () => ['a']),
  'LabelMap.encode': method(labels, () => [['a', 'c']]),
  'LabelMap.decode': method(labels, (r) => [ids(r)]),
  'LabelMap.toJSON': method(labels, () => []),
  'CharWindows.constructor': { args: () => [new Int32Array(30), 4, 2] },
  'CharWindows.next': method(
    windows,
    () => [new Int32Array(8), new Int32Array(8)],
    ([self]) => (self as CharWindows).position,
  ),
  'Standardizer.constructor': { args: () => [{ mean: [0, 1], deviation: [1, 2] }] },
  'Standardizer.fit': { args: (r) => [Float64Array.from({ length: 6 }, () => r.between(-1, 1)), 2] },
  'Standardizer.standardize': method(standardizer, () => [new Float64Array(4), new Float64Array(4)]),
  'Standardizer.undo': method(standardizer, () => [new Float64Array(4), new Float64Array(4)]),
  addingProblem: drawing(2, (rng) => [new Float64Array(2 * 4 * 2), new Float64Array(2), rng, 4, 2]),
  additionBatch: drawing(2, (rng) => [new Float64Array(2 * 4 * 2), new Float64Array(8), rng, 4, 2]),
  additionProblem: drawing(0, (rng) => [rng, 8]),
  countingData: drawing(0, (rng) => [rng, 4, 5]),
  copyingProblem: drawing(2, (rng) => [
    new Int32Array(2 * 9),
    new Int32Array(2 * 9),
    rng,
    { delay: 3, B: 2, symbols: 3, alphabet: 4 },
  ]),
  bucketByLength: drawing(2, (rng) => [[1, 5, 2, 2], 2, rng]),
  reberWord: drawing(0, (rng) => [rng, 3]),
  embeddedReberWord: drawing(0, (rng) => [rng, 3]),
  getOneExample: drawing(0, (rng) => [rng, 3]),
  getNExamples: drawing(0, (rng) => [rng, 2, 3]),
  getOneEmbeddedExample: drawing(0, (rng) => [rng, 3]),
  getNEmbeddedExamples: drawing(0, (rng) => [rng, 2, 3]),
  airlinePassengers: { args: () => [] },
  binary2int: { args: (r) => [Uint8Array.from({ length: 8 }, () => r.whole(0, 1))] },
  int2binary: { args: (r) => [r.whole(0, 200), 8] },
  copyingBaseline: { args: () => [10, 5, 4] },
  copyingSteps: { args: () => [10, 5] },
  decodeUtf8: { args: () => [new TextEncoder().encode(TEXT)] },
  inGrammar: { args: () => ['BTXSE'] },
  inEmbeddedGrammar: { args: () => ['BTBTXSETE'] },
  nextSymbols: { args: () => ['BT'] },
  embeddedNextSymbols: { args: () => ['BTB'] },
  sequenceToWord: { args: () => [wordToOneHots('BTXSE')] },
  wordToIds: { args: () => ['BTXSE'] },
  wordToOneHots: { args: () => ['BTXSE'] },
  tokenizeWords: { args: () => [TEXT, { lowercase: true }] },
  joinTokens: { args: () => [['the', 'heron', '.']] },
  splitTail: { args: (r) => [ids(r), 0.25] },
  oneHot: { args: (r) => [new Float32Array(15), ids(r), 5, 3] },
  padSequences: { args: () => [[Int32Array.of(1, 2), Int32Array.of(3)], { features: 1, steps: 3, padding: 0 }] },
  seriesWindows: {
    args: () => [
      Float64Array.from({ length: 20 }, (_, i) => i),
      { windowLength: 4, horizon: 1, stride: 2, features: 1 },
    ],
  },
  sineData: { args: (r) => [r.pick([0.2, 0.5]), r.pick(['batch-first', 'time-first'])] },
  splitInTime: {
    args: (r) => [
      new Float64Array(20),
      r.pick([
        { validationSteps: 4, context: 2 },
        { validationFraction: 0.25, features: 2 },
      ]),
    ],
  },
};
