export { ADDING_BASELINE, addingProblem } from './addingProblem.ts';
export { type AdditionProblem, additionBatch, additionProblem, binary2int, int2binary } from './binaryAddition.ts';
export { CharWindows } from './charWindows.ts';
export { type CopyingSizes, copyingBaseline, copyingProblem, copyingSteps } from './copyingProblem.ts';
export { type CountingData, countingData } from './counting.ts';
export * from './reber.ts';
export { type SineData, type SineLayout, sineData } from './sine.ts';
export { type CharOrder, CharVocabulary, decodeUtf8, splitTail } from './text.ts';
export * from './words.ts';
