import { join } from 'node:path';
import { type ModelSpec, resolveSpec } from 'bptt';
import type { Optimizer } from 'bptt/optim';
import { type Command, Option } from 'commander';
import { orSay, writeAtomic } from '../files.ts';
import { createCommand } from '../options.ts';
import { printable } from '../printable.ts';
import { fingerprint, type RunFile, readRun } from '../runFile.ts';
import { RunFolder } from '../runFolder.ts';
import { describe } from '../settings.ts';
import { encodeAgain } from '../symbols.ts';
import { ENCODINGS, type Encoding, readText } from '../text.ts';
import { trainScript } from '../trainScript.ts';
import { typed } from '../typed.ts';

interface Options {
  to: 'torch';
  encoding?: Encoding;
}

export const command: Command = createCommand(
  'export',
  'Writes train.py beside the model of a run: with it the run goes on with PyTorch, on one machine or many, on CPUs or GPUs, and bptt train --resume takes it back.',
)
  .argument('<run>', 'folder of a run')
  .argument('[files...]', 'the text files of the run, where they are no longer where they were')
  .addOption(new Option('--to <what>', 'what to write for').choices(['torch']).makeOptionMandatory())
  .addOption(
    new Option('--encoding <name>', 'how the files are written (default: as the run read them)').choices(ENCODINGS),
  )
  .action(exportRun);

async function exportRun(path: string, files: string[], { encoding }: Options): Promise<void> {
  const folder = RunFolder.open(path);
  const run = await readRun(folder.model);
  assertKnown(run);
  const { text, settings } = run.note;
  const { bytes } = await readText(files.length > 0 ? files : text.files, encoding ?? text.encoding);
  if (fingerprint(bytes) !== text.sha256) {
    throw new Error(`the text is not the one that the run began with (${text.name}): name its files`);
  }
  const ids = encodeAgain(run.symbols, bytes);
  const script = join(path, 'train.py');
  orSay(`cannot write to run folder ${path}`, () => {
    writeAtomic(join(path, 'ids.bin'), littleEndian(ids));
    writeAtomic(script, trainScript());
  });
  const more = run.note.point.iteration + 1000;
  console.log(
    printable(`${describe(settings)}, iteration ${run.note.point.iteration}, with PyTorch:
  python3 ${script} --iterations ${more}
  torchrun --nproc-per-node ${Math.min(2, settings.batch)} ${script} --iterations ${more}
and back:
  ${typed('train')} --resume ${path}`),
  );
}

/** Fields of a spec and what train.py knows of them; the others must be left out. */
const KNOWN: Readonly<Record<string, readonly unknown[] | 'any'>> = {
  cell: ['elman', 'gru', 'lstm'],
  nonlinearity: ['tanh', 'relu'],
  input: ['ids'],
  loss: ['softmaxCrossEntropy'],
  lossAt: ['every'],
  initialState: ['zero'],
  outputActivation: ['identity'],
  ...Object.fromEntries(
    ['inputSize', 'hiddenSize', 'outputSize', 'layers', 'bias', 'outputBias', 'reduction'].map((field) => [
      field,
      'any',
    ]),
  ),
};

/** What train.py knows; more than \`bptt train\` makes today is refused by name. */
function assertKnown({ header }: RunFile): void {
  const { spec, options, optimizer } = header;
  const { dropout, ...fields } = resolveSpec(spec as unknown as ModelSpec);
  const named: Record<string, unknown> = { ...fields, cell: fields.cell.name, loss: fields.loss.name };
  for (const [field, value] of Object.entries(named)) {
    const values = KNOWN[field];
    if (values === undefined ? value : values !== 'any' && !values.includes(value)) {
      throw new Error(`train.py has no ${field}${typeof value === 'object' ? '' : ` ${value}`}`);
    }
  }
  // Inputs are dropped of an embedding only, which is refused.
  if (dropout.output > 0) throw new Error('train.py has dropout between layers only');
  const known = ['steps', 'batch', 'clip', 'l2', 'init', 'engine', 'threads', 'fma'];
  const other = Object.keys(options).find((name) => !known.includes(name));
  if (other !== undefined) throw new Error(`train.py has no ${other}, which the run has`);
  const memory = (optimizer as Pick<Optimizer, 'name'> & { memory?: readonly string[] }).memory;
  if (memory === undefined)
    throw new Error('the run was kept by an older version, which did not note its memory: go on with it once');
}

function littleEndian(ids: Uint8Array | Uint16Array | Int32Array): Uint8Array {
  const size = ids.BYTES_PER_ELEMENT;
  const view = new DataView(new ArrayBuffer(ids.byteLength));
  for (let i = 0; i < ids.length; i++) {
    if (size === 1) view.setUint8(i, ids[i]);
    else if (size === 2) view.setUint16(2 * i, ids[i], true);
    else view.setInt32(4 * i, ids[i], true);
  }
  return new Uint8Array(view.buffer);
}
