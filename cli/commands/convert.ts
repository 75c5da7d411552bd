import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parameterLayout, resolveSpec } from 'bptt';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type ConvertedModel,
  openModel,
  READ_SUFFIXES,
  type Reading,
  type StoredTensor,
} from '../convert/readModel.ts';
import { assertWritable, encoded, type FileDtype, WRITTEN_SUFFIXES, writeFile } from '../convert/writeModel.ts';
import { createCommand } from '../options.ts';
import { printable } from '../printable.ts';
import { RunFolder } from '../runFolder.ts';

interface Options extends Omit<Reading, 'rename'> {
  inspect?: boolean;
  rename?: readonly Renaming[];
  dtype?: Lowercase<FileDtype>;
}

interface Renaming {
  from: string;
  to: string;
}

export const command: Command = createCommand(
  'convert',
  `Converts a model between the formats of other libraries, by the suffixes of the files. Read are ${READ_SUFFIXES.join(', ')} and a run's folder; written are ${WRITTEN_SUFFIXES.join(', ')} (a script for Keras, with .npz).`,
)
  .argument('<in>', 'file of a model, or folder of a run')
  .argument('[out]', 'file to write')
  .option(
    '--inspect',
    'print names and shapes, what was recognised, and what it becomes; without out nothing is written',
  )
  .option(
    '--rename <from=to>',
    'tensors whose names begin with from begin with to instead, on the way in and on the way out; may be given several times',
    (text: string, before: readonly Renaming[] = []) => [...before, renaming(text)],
  )
  .addOption(
    new Option('--dtype <type>', 'numbers of the file, rounded to the nearest; of .safetensors and .bptt').choices([
      'f64',
      'f32',
      'f16',
      'bf16',
    ]),
  )
  .option('--last', 'of a run the last model; without it the one that foresaw the held-out text best')
  .option('--at <path>', 'where in a checkpoint of PyTorch the state_dict is, such as model or ema.module')
  .option('--recurrent <prefix>', 'prefix of the recurrent layers, where a file has several')
  .option('--output <prefix>', 'prefix of the output layer, where there are several')
  .option('--embedding <prefix>', 'prefix of the embedding, where there are several')
  .addOption(
    new Option('--nonlinearity <name>', "of a net of nn.RNN, which its weights do not say (default: 'tanh')").choices([
      'tanh',
      'relu',
      'sigmoid',
      'identity',
    ]),
  )
  .addOption(
    new Option('--loss <name>', 'loss that the model is to be trained with, which most formats do not say').choices([
      'softmaxCrossEntropy',
      'sigmoidCrossEntropy',
      'squaredError',
    ]),
  )
  .action(convert);

async function convert(from: string, to: string | undefined, options: Options): Promise<void> {
  const { inspect = false, rename: renamings = [], dtype, ...said } = options;
  if (to === undefined && !inspect)
    throw new Error('which file to write? Name it behind the one to read, or say --inspect');
  if (to !== undefined) {
    assertWritable(to);
    const run = RunFolder.at(dirname(to));
    const isOfRun = existsSync(run.log) && [run.model, run.best].some((path) => resolve(path) === resolve(to));
    if (isOfRun) throw new Error(`${to} is the model of a run, which could not go on: name another file`);
  }
  const used = new Set<Renaming>();
  const rename = (name: string): string => {
    const found = renamings.find((one) => name.startsWith(one.from));
    if (found === undefined) return name;
    used.add(found);
    return found.to + name.slice(found.from.length);
  };
  const opened = await openModel(from, { ...said, rename });
  print(`${from}: ${opened.format}`);
  if (inspect) printTensors(opened.tensors);
  const model = opened.model();
  for (const line of model.recognised) print(`recognised  ${line}`);
  if (inspect) printModel(model);
  const upper = dtype?.toUpperCase() as FileDtype | undefined;
  const written = to === undefined ? undefined : await encoded(to, model, { dtype: upper, rename });
  assertAllUsed(renamings, used);
  if (written === undefined) return;
  const own = Object.keys(written.files).find((path) => resolve(path) === resolve(from));
  if (own !== undefined) throw new Error(`${own} is the file that is read: name another one to write`);
  for (const [path, content] of Object.entries(written.files)) {
    writeFile(path, content);
    print(`written     ${path}, ${Buffer.byteLength(content)} bytes`);
  }
  for (const what of written.leftOut) print(`left out    ${what}`);
}

/** A name that nothing has is a slip of the pen. */
function assertAllUsed(renamings: readonly Renaming[], used: ReadonlySet<Renaming>): void {
  const idle = renamings.find((one) => !used.has(one));
  if (idle !== undefined)
    throw new Error(`--rename ${idle.from}=${idle.to}: no tensor's name begins with ${idle.from}`);
}

function renaming(text: string): Renaming {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be FROM=TO, such as module.rnn.=rnn.');
  return { from: text.slice(0, at), to: text.slice(at + 1) };
}

function printTensors(tensors: readonly StoredTensor[]): void {
  for (const { name, shape, dtype } of tensors) print(`  ${name}  [${shape.join(',')}]  ${dtype}`);
}

/** Spec and parameters by this library's names. */
function printModel({ spec, reversed = false }: ConvertedModel): void {
  const full = resolveSpec(spec);
  const { cell, loss, inputSize, hiddenSize, outputSize, ...more } = full;
  const fields = { cell: cell.name, loss: loss.name, inputSize, hiddenSize, outputSize, ...more };
  const set = Object.entries(fields).filter(([, value]) => value !== null && value !== false);
  const words = set.map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  print(`becomes     ${words.join(', ')}`);
  if (reversed) print('            reading from the last step to the first: reverse the data along time');
  for (const { name, shape } of parameterLayout(full)) print(`  ${name}  [${shape.join(',')}]`);
}

/** A line without control characters: names come from files of anyone. */
function print(line: string): void {
  console.log(printable(line).replaceAll('\n', '\ufffd'));
}
