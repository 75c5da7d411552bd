import type { Report } from '../report.ts';

/** What the page leaves for whoever drives the browser. */
export interface Findings {
  report: Report;
  /** Null where there is none. */
  adapter: { name: string; software: boolean } | null;
  /** Of the run; null before it. */
  end: Promise<void> | null;
}

declare global {
  var findings: Findings;
}
