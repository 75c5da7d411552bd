import { REBER_AUTOMATON } from 'bptt/data';

/** Where in the grammar a text of words one after another has come to. */
export interface ReberState {
  /** The state of the (inner) automaton, or null outside of it. */
  readonly inner: number | null;
  /** What may come next; empty where the text has left the grammar. */
  readonly legal: readonly string[];
}

const END = REBER_AUTOMATON.length - 1;

/** @param embedded whether the words are of the embedded grammar: B, T or P, a word, the same T or P, E */
export function reberState(text: readonly string[], embedded: boolean): ReberState {
  const lost: ReberState = { inner: null, legal: [] };
  // Of an embedded word: 0 before its B, 1 before T or P, 2 inside, 3 before the second T or P, 4 before the last E.
  let phase = embedded ? 0 : 2;
  let outer = '';
  let state = 0;
  const legalNow = (): readonly string[] => {
    if (phase === 0) return ['B'];
    if (phase === 1) return ['T', 'P'];
    if (phase === 3) return [outer];
    return phase === 4 ? ['E'] : REBER_AUTOMATON[state].map(([symbol]) => symbol);
  };
  for (const symbol of text) {
    if (!legalNow().includes(symbol)) return lost;
    if (phase === 2) {
      state = REBER_AUTOMATON[state].find(([own]) => own === symbol)![1];
      if (state !== END) continue;
      state = 0;
      if (embedded) phase = 3;
    } else {
      if (phase === 1) outer = symbol;
      phase = (phase + 1) % 5;
    }
  }
  return { inner: phase === 2 ? state : null, legal: legalNow() };
}
