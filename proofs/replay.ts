/** `npm run --silent replay -- FILE…`: holds the library against golden files, one line a quantity. */
import { Option } from 'commander';
import { createCommand, runCommand } from '../cli/options.ts';
import { engines, type ReplayEngineName } from './replay/engines.ts';
import { replayFiles } from './replay/run.ts';

const command = createCommand(
  'npm run --silent replay --',
  'Holds the library against golden files of NumPy or PyTorch numbers.',
)
  .argument('<files...>', 'golden files, JSON')
  .addOption(new Option('--engine <name>', 'who computes').choices(Object.keys(engines)).default('ts'))
  .action(async (files: string[], { engine }: { engine: ReplayEngineName }) => {
    const write = (stream: NodeJS.WriteStream) => (text: string) => void stream.write(text);
    process.exitCode = await replayFiles(files, engine, write(process.stdout), write(process.stderr));
  });

await runCommand(command);
