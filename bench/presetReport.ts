import type { Outcome } from './presetRun.ts';

/** Preset × text: a row for each preset on each text, a pair of columns for each time; the samples below. */
export function presetTable(outcomes: readonly Outcome[]): string {
  const times = [...new Set(outcomes.map(({ seconds }) => seconds))].sort((a, b) => a - b);
  const head = ['text', 'characters', 'preset', 'characters/s', ...times.map((s) => `bits after ${s} s`)];
  const rows = groupsOf(outcomes).map((group) => {
    const [{ text, length, preset, pace }] = group;
    const cells = times.map((time) => cellOf(group.find(({ seconds }) => seconds === time)));
    return [text, length.toLocaleString('en'), preset, Math.round(pace).toLocaleString('en'), ...cells];
  });
  const rule = head.map((_, i) => (i === 0 || i === 2 ? '---' : '---:'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** A sample of each preset on each text, of its longest run, as fenced text under a heading. */
export function presetSamples(outcomes: readonly Outcome[]): string {
  const longest = groupsOf(outcomes).map((group) => group.reduce((a, b) => (b.seconds > a.seconds ? b : a)));
  return longest
    .map(
      ({ text, preset, seconds, sample }) =>
        `${preset} on ${text}, after ${seconds} s:\n\n\`\`\`text\n${plain(sample)}\n\`\`\``,
    )
    .join('\n\n');
}

/** Bits at the end of a run and how often it read its text; and the lowest on the way, where that was earlier. */
function cellOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '–';
  const { last, best, bestAt, passes } = outcome;
  const earlier = bestAt < 1 ? `, ${best.toFixed(2)} at ${Math.round(100 * bestAt)} %` : '';
  return `${last.toFixed(2)}${earlier} (${passes >= 10 ? passes.toFixed(0) : passes.toPrecision(2)} passes)`;
}

/** The outcomes by text and preset, in the order in which these first come. */
function groupsOf(outcomes: readonly Outcome[]): Outcome[][] {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const key = JSON.stringify([outcome.text, outcome.preset]);
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  return [...groups.values()];
}

/** Without what would end a fence or move a cursor. */
function plain(sample: string): string {
  return sample
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\n\P{C}]/gu, ' ')
    .replaceAll('```', "'''")
    .trim();
}
