import { CANDIDATE, type Effort, type Row, TIME, TODAY } from './section.ts';

/** What a section gave, and how it ended. */
export interface SectionReport {
  readonly name: string;
  readonly title: string;
  /** `done`, or why not. */
  state: string;
  seconds: number;
  readonly tables: Record<string, Row[]>;
}

export interface GpuReport {
  readonly effort: Effort;
  readonly sections: SectionReport[];
}

/** The report as Markdown: what is best of each comparison first, then every table. */
export function gpuMarkdown({ effort, sections }: GpuReport): string {
  const lines = [`# A run on a GPU (effort ${effort})`, ''];
  const machine = sections.find(({ name }) => name === 'adapter')?.tables.machine ?? [];
  lines.push(machine.map(({ what, is }) => `${what}: ${is}`).join('; '), '');
  lines.push(...tableLines(sections.map(({ name, state, seconds }) => ({ section: name, state, seconds }))), '');
  const best = sections.flatMap((section) => bestRows(section));
  if (best.length > 0) lines.push('## The best of each comparison', '', ...tableLines(best), '');
  for (const { title, tables } of sections) {
    lines.push(`## ${title}`, '');
    for (const [name, rows] of Object.entries(tables)) lines.push(`${name}`, '', ...tableLines(sorted(rows)), '');
  }
  return lines.join('\n');
}

/**
 * The row of an engine on the device with its share of the best rate of products that was measured there, where that is
 * known; any other row as it is.
 */
export function withShare(row: Row, sections: readonly SectionReport[]): Row {
  const { engine, 'GFLOP/s': rate } = row;
  const products = sections.find(({ name }) => name === 'products')?.tables.products ?? [];
  if (!String(engine).startsWith('webgpu') || products.length === 0) return row;
  const best = Math.max(...products.map((product) => Number(product['GFLOP/s'])));
  return { ...row, 'of products, %': Number(((100 * Number(rate)) / best).toPrecision(3)) };
}

const timeOf = (row: Row): number => Number(row[TIME]);

function isComparison(rows: readonly Row[]): boolean {
  return rows.some((row) => CANDIDATE in row && TIME in row);
}

/** A comparison's rows with the fastest first. */
function sorted(rows: readonly Row[]): readonly Row[] {
  return isComparison(rows) ? rows.toSorted((a, b) => timeOf(a) - timeOf(b)) : rows;
}

/** Of each comparison of a section the fastest candidate, and what it gains over today's. */
export function bestRows({ name, tables }: Pick<SectionReport, 'name' | 'tables'>): Row[] {
  return Object.entries(tables).flatMap(([table, rows]): Row[] => {
    if (!isComparison(rows)) return [];
    const [best] = sorted(rows);
    const today = rows.find((row) => String(row[CANDIDATE]).startsWith(TODAY));
    return [
      {
        ...{ of: `${name}: ${table}`, best: best[CANDIDATE], [TIME]: best[TIME] },
        ...{
          'today, µs': today?.[TIME] ?? null,
          gain: today ? Number((timeOf(today) / timeOf(best)).toFixed(2)) : null,
        },
      },
    ];
  });
}

/** Rows as a Markdown table, with every column that any of them has. */
export function tableLines(rows: readonly Row[]): string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const cell = (value: Row[string] | undefined): string =>
    value === null || value === undefined ? '–' : String(value).replaceAll('|', '\\|').replaceAll('\n', ' ');
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
  ];
}
