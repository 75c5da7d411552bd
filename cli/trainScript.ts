import { readFileSync } from 'node:fs';

/** The text of `train.py`: the package's build puts it into the same place beside the bundle as it has here. */
export function trainScript(): string {
  return readFileSync(new URL('torch/train.py', import.meta.url), 'utf8');
}
