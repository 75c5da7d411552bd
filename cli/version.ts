import { readFileSync } from 'node:fs';

/** The version of the tool, which is the library's: out of its package.json, or in a clone out of the repository's. */
export const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
