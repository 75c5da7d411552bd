import { type LocalEngine, tsEngine } from 'bptt/bptt';

/** The engines that a golden file can be replayed on, by the name that `--engine` takes. */
export const engines: Readonly<Record<string, () => LocalEngine>> = {
  ts: () => tsEngine('float64'),
};
