import { REBER_AUTOMATON } from 'bptt/data';

/** Where in the grammar a text of words one after another has come to. */
export interface ReberState {
  /** The state of the (inner) automaton, or null outside of it. */
  readonly inner: number | null;
  /** Of the embedded grammar, the state of {@link OUTER_EDGES}; null where the text has left the grammar, or has no such. */
  readonly outer: number | null;
  /** What may come next; empty where the text has left the grammar. */
  readonly legal: readonly string[];
}

const END = REBER_AUTOMATON.length - 1;

/** An edge of an automaton: the symbol that leads from a state to another. */
export interface Edge {
  readonly symbol: string;
  readonly from: number;
  readonly to: number;
}

/** The edges of the (inner) automaton. */
export const INNER_EDGES: readonly Edge[] = REBER_AUTOMATON.flatMap((edges, from) =>
  edges.map(([symbol, to]) => ({ symbol, from, to })),
);

/** What is around an inner word of the embedded grammar; in states 2 and 3 the inner word is read, after T and after P. */
export const OUTER_EDGES: readonly Edge[] = [
  { symbol: 'B', from: 0, to: 1 },
  { symbol: 'T', from: 1, to: 2 },
  { symbol: 'P', from: 1, to: 3 },
  { symbol: 'T', from: 2, to: 4 },
  { symbol: 'P', from: 3, to: 4 },
  { symbol: 'E', from: 4, to: 5 },
];

/** @param embedded whether the words are of the embedded grammar: B, T or P, a word, the same T or P, E */
export function reberState(text: readonly string[], embedded: boolean): ReberState {
  const lost: ReberState = { inner: null, outer: null, legal: [] };
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
  const around = [0, 1, outer === 'T' ? 2 : 3, outer === 'T' ? 2 : 3, 4][phase];
  return { inner: phase === 2 ? state : null, outer: embedded ? around : null, legal: legalNow() };
}
