import { Command, InvalidArgumentError } from 'commander';
import { reason } from './files.ts';
import { printable } from './printable.ts';
import { UsageError } from './usageError.ts';

/** A commander parser for whole numbers from 1 (or `min`) to `max`. */
export function wholeNumber(max: number, min = 1): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A commander parser for paths. */
export function named(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected a name');
  return text;
}

/** A commander parser for numbers from `min` to `max`; `positive` leaves out 0 itself. */
export function numberBetween(min: number, max: number, { positive = false } = {}): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= min && value <= max) || (positive && value <= 0)) {
      const range = positive ? `above 0, at most ${max}` : `from ${min} to ${max}`;
      throw new InvalidArgumentError(`It must be a number ${range}.`);
    }
    return value;
  };
}

/** A command whose misuse (unknown or bad option, surplus or missing argument) is one line on stderr and exit status 2. */
export function createCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({ outputError: (text, write) => write(`${printable(text.trim()).replaceAll('\n', ' ')}\n`) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
}

/** What to do when standard output takes nothing more: its reader has left (`EPIPE`, `EIO`), or its disk is full. */
type OutputFailure = (code: string, why: string) => void;

let outputFails: OutputFailure = (code, why) => {
  if (code === 'EPIPE' || code === 'EIO') process.exit(0);
  fail(`standard output: ${why}`);
};

/** Sets what to do when standard output takes nothing more; else the process ends. */
export function whenOutputFails(action: OutputFailure): void {
  outputFails = action;
}

/** Runs a command on the arguments of the process; an error is one line on stderr and exit status 1, 2 of a {@link UsageError}. */
export async function runCommand(command: Command): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => outputFails(error.code ?? '', reason(error)));
  try {
    await command.parseAsync(process.argv.slice(2), { from: 'user' });
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), error instanceof UsageError ? 2 : 1);
  }
}

/** Prints `error: …` and ends the process. */
export function fail(message: string, status = 1): never {
  process.stderr.write(`error: ${printable(message)}\n`);
  process.exit(status);
}
