#!/usr/bin/env node
import type { Command } from 'commander';
import { createCommand, runCommand } from './options.ts';
import { typed } from './typed.ts';
import { version } from './version.ts';

/** Every command is a file that is loaded when it is called, or when all are to be named. */
const commands: Record<string, () => Promise<{ command: Command }>> = {
  train: () => import('./commands/train.ts'),
  sample: () => import('./commands/sample.ts'),
  compare: () => import('./commands/compare.ts'),
  notebook: () => import('./commands/notebook.ts'),
  memory: () => import('./commands/memory.ts'),
  convert: () => import('./commands/convert.ts'),
  export: () => import('./commands/export.ts'),
  sweep: () => import('./commands/sweep.ts'),
};

const [, , name] = process.argv;
const bptt = createCommand(
  'bptt',
  'Trains recurrent nets on text, and writes, compares and explains what they learned.',
)
  .version(version, '-V, --version', 'show the version')
  .helpCommand(false)
  .addHelpText('after', '\nbptt <command> --help lists the options of a command.');
for (const load of Object.hasOwn(commands, name) ? [commands[name]] : Object.values(commands)) {
  const { command } = await load();
  command.configureHelp({ commandUsage: () => `${typed(command.name())} ${command.usage()}` });
  bptt.addCommand(command);
}
await runCommand(bptt);
