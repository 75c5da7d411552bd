import { Command, InvalidArgumentError } from 'commander';

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
    .configureOutput({ outputError: (text, write) => write(`${text.trim().replaceAll('\n', ' ')}\n`) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
}

let readerLeft = (): void => process.exit(0);

/** What to do when the reader of standard output, such as `head`, leaves before the end; by default the process ends. */
export function whenReaderLeaves(action: () => void): void {
  readerLeft = action;
}

/** Runs a command on the arguments of the process; an error is one line on stderr and exit status 1. */
export async function runCommand(command: Command): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    readerLeft();
  });
  try {
    await command.parseAsync(process.argv.slice(2), { from: 'user' });
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/** Prints `error: …` and ends the process with status 1. */
export function fail(message: string): never {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}
