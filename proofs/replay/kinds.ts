import * as binaryAddition from './binaryAddition.ts';
import * as charRnn from './charRnn.ts';
import type { Check } from './check.ts';
import * as elman from './elman.ts';
import { type Fields, GoldenError } from './fields.ts';
import * as linearRnn from './linearRnn.ts';
import * as minCharRnn from './minCharRnn.ts';
import * as minimalRnn from './minimalRnn.ts';
import * as numerics from './numerics.ts';
import * as reber from './reber.ts';
import * as rng from './rng.ts';
import * as torchLayers from './torchLayers.ts';
import * as torchOptim from './torchOptim.ts';
import * as verification from './verification.ts';

/** A kind of golden file and how to know one. */
export interface Kind {
  /** What `meta.notebook` says, where the kind is a notebook's. */
  notebook?: string;
  /** Fields that only files of this kind have, at the top or in a case; one of them is enough. */
  fields: readonly string[];
  replay(file: Fields, check: Check): void | Promise<void>;
}

export const kinds: readonly Kind[] = [
  { notebook: '000', fields: ['modes', 'W_in', 'init_weight'], replay: minimalRnn.replay },
  { notebook: '001', fields: ['task', 'first_word', 'O_vals'], replay: elman.replay },
  { notebook: '002', fields: ['lmbda', 'zeros_test', 'window_starts'], replay: charRnn.replay },
  { notebook: '003', fields: ['rprop', 'at_1.2_1.2'], replay: linearRnn.replay },
  { notebook: '004, first part', fields: ['synapse_0', 'binary_dim'], replay: binaryAddition.replay },
  { notebook: '004, second part', fields: ['variants', 'initial_smooth_loss'], replay: minCharRnn.replay },
  { fields: ['fresh_stream_each', 'raw_uint32'], replay: rng.replay },
  { fields: ['choiceWithoutReplacement'], replay: rng.replayDraws },
  { fields: ['np_sum', 'np_around', 'np_mean'], replay: numerics.replay },
  { fields: ['automaton', 'next_sets'], replay: reber.replay },
  { fields: ['torch_class', 'clipping', 'W0'], replay: torchOptim.replay },
  { fields: ['weight_of_output', 'num_layers'], replay: torchLayers.replay },
  { fields: ['hand_written_bptt', 'torch_layers'], replay: verification.replay },
];

/** @throws {GoldenError} where the file is of no kind that is known. */
export function kindOf(file: Fields): Kind {
  const notebook = notebookOf(file);
  const kind =
    notebook === null
      ? kinds.find(({ fields }) => fields.some((name) => hasSomewhere(file, name)))
      : kinds.find((candidate) => candidate.notebook === notebook);
  if (kind) return kind;
  const notebooks = kinds.flatMap((candidate) => candidate.notebook ?? []).map((name) => `'${name}'`);
  const none = `none of the fields that tell${file.has('cases') ? '' : ' (cases is missing)'}`;
  const found = notebook === null ? none : `meta.notebook '${notebook}'`;
  throw new GoldenError(
    `${file.file}: unknown kind of file: it has ${found}, expected meta.notebook ${notebooks.join(', ')} or the fields ` +
      `of another golden file`,
  );
}

function notebookOf(file: Fields): string | null {
  if (!file.has('meta')) return null;
  const meta = file.object('meta');
  return meta.has('notebook') ? meta.text('notebook') : null;
}

function hasSomewhere(file: Fields, name: string): boolean {
  if (file.has(name)) return true;
  const cases = file.has('cases') ? file.list('cases') : [];
  return cases.some((data) => data !== null && typeof data === 'object' && Object.hasOwn(data, name));
}
