import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository: string = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  files: string[];
  exports: Record<string, unknown>;
  dependencies: Record<string, string>;
}

export const manifest: Manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

/** The packed package, and a folder in which apps that use it can be made. */
export interface Tarball {
  folder: string;
  file: string;
  /** The paths in it. */
  files: readonly string[];
  /** In bytes. */
  size: number;
  unpackedSize: number;
  remove(): void;
}

/**
 * What `npm pack` makes of the repository as it is: build and all, but in a copy, so that several can be made at a time
 * and `dist` of the repository stays as it was.
 *
 * @param root another checkout than this one
 */
export function packTarball(root: string = repository): Tarball {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-tarball-'));
  const copy = join(folder, 'repository');
  mkdirSync(copy);
  const shipped = manifest.files.map((name) => name.replace(/\/.*/, '')).filter((name) => name !== 'dist');
  const texts = ['package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'tsconfig.build.json', 'src'];
  for (const name of new Set([...texts, ...shipped])) {
    const skipped = join(root, name, 'peers');
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(copy, name), { recursive: true, filter: (from) => from !== skipped });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const output = run('npm', ['pack', '--json', '--pack-destination', folder], copy).replace(/^[^[{]*/, '');
  const [packed] = Object.values(JSON.parse(output)) as {
    filename: string;
    size: number;
    unpackedSize: number;
    files: { path: string }[];
  }[];
  return {
    folder,
    file: join(folder, packed.filename),
    files: packed.files.map(({ path }) => path),
    size: packed.size,
    unpackedSize: packed.unpackedSize,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Puts the package into the app's `node_modules` as an installation does, but without asking a registry: it is unpacked,
 * and its dependencies, with what else is named, are links to those of the repository.
 */
export function install({ file }: Tarball, app: string, others: readonly string[] = []): void {
  const modules = join(app, 'node_modules');
  mkdirSync(join(modules, 'bptt'), { recursive: true });
  run('tar', ['-xzf', file, '--strip-components=1', '-C', join(modules, 'bptt')], app);
  for (const name of [...Object.keys(manifest.dependencies), ...others]) {
    const link = join(modules, name);
    mkdirSync(dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync(join(repository, 'node_modules', name), link);
  }
}

/**
 * The output of a command.
 *
 * @throws {Error} where it fails, with all that it wrote.
 */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string | undefined> = process.env,
): string {
  try {
    return execFileSync(command, args, {
      env,
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 180_000,
    });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}
