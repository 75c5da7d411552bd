import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hasFusedMultiplyAdd } from 'bptt/wasm';
import { isNamed, type Workload } from './workloads.ts';

/** A program that can contend. */
export interface Engine {
  readonly name: string;
  /** The workloads that it does, by id or by group. */
  readonly workloads: readonly string[];
  /** Workloads that it does too, but only when both are named: a step takes half a minute. */
  readonly slow?: readonly string[];
  /** The workloads that it can share out over threads. */
  readonly threaded: readonly string[];
  /** The process to start; it speaks as `serve` does. */
  program(threads: number): Program;
  /** Why it cannot run here, or null. */
  missing?(): string | null;
  /** A peer, which is there only where somebody installed it. */
  readonly peer?: Peer;
}

export interface Program {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

export interface Peer {
  readonly package: string;
  /** Its version, or null where it is not installed. */
  version(): string | null;
  /** The command that installs it. */
  readonly install: string;
}

/** An engine in a run, on so many threads. */
export interface Entrant {
  readonly engine: Engine;
  readonly threads: number;
  /** How it is called in tables: `wasm ×2`. */
  readonly label: string;
}

/** The interpreter of the Python peers: `PYTHON`, or python3. */
const PYTHON: string = process.env.PYTHON ?? 'python3';

/** The 128-bit peak of one core runs in every round, so that noise meets it as the others. */
export const PEAK: Engine = own('peak', 'peak', 'float32', []);

/** The loops that ratios are to run in every round too, asked for or not. */
export const REFERENCE: Engine = { ...own('ts f64', 'ts', 'float64', ['W1', 'W2', 'W4', 'W5', 'W6']), slow: ['W3'] };

export const ENGINES: readonly Engine[] = [
  own('plain', 'plain', 'float32', ['W1', 'W5']),
  own('plain f64', 'plain', 'float64', ['W1', 'W5']),
  { ...own('ts', 'ts', 'float32', ['W1', 'W2', 'W4', 'W5', 'W6']), slow: ['W3'] },
  REFERENCE,
  { ...own('wasm', 'wasm', 'float32', ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']), threaded: ['W2', 'W3'] },
  // The function of `bptt/tensor`, which copies its arguments.
  own('matmulNN', 'matmulNN', 'float32', ['W4']),
  {
    ...own('wasm+fma', 'wasm+fma', 'float32', ['W1', 'W2', 'W3', 'W4', 'W5']),
    threaded: ['W2', 'W3'],
    missing: () => (hasFusedMultiplyAdd() ? null : `Node ${process.version} has no relaxed SIMD`),
  },
  // As in the notebook, in its float64.
  python('numpy', 'numpy', 'numpy_peer.py', ['notebook'], ['W1', 'W6-rnn']),
  python('numpy tuned', 'numpy', 'numpy_peer.py', ['tuned'], ['W1', 'W2', 'W3', 'W4', 'W5', 'W6'], fastestBlas()),
  python('torch', 'torch', 'torch_peer.py', [], ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']),
  npm('tfjs', '@tensorflow/tfjs', 'tfjs.ts', ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']),
  npm('jax-js', '@jax-js/jax', 'jaxjs.ts', ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']),
  npm('ort-web', 'onnxruntime-web', 'ortWeb.ts', ['W4', 'W6']),
];

/** Whether an engine does a workload; `named` says that somebody asked for just this and can wait. */
export function does({ workloads, slow = [] }: Engine, workload: Workload, named: boolean): boolean {
  return [...workloads, ...(named ? slow : [])].some((name) => isNamed(workload, name));
}

export function enter(engine: Engine, threads: number): Entrant {
  return { engine, threads, label: labelOf(engine.name, threads) };
}

export function labelOf(engine: string, threads: number): string {
  return threads === 1 ? engine : `${engine} ×${threads}`;
}

function own(name: string, kind: string, dtype: string, workloads: readonly string[]): Engine {
  return {
    name,
    workloads,
    threaded: [],
    program: (threads) => node('own.ts', kind, dtype, String(threads)),
  };
}

function npm(name: string, packageName: string, file: string, workloads: readonly string[]): Engine {
  return {
    name,
    workloads,
    threaded: [],
    program: () => node(`peers/${file}`),
    peer: {
      package: packageName,
      install: 'npm ci --ignore-scripts --prefix bench/peers',
      version() {
        try {
          const manifest = readFileSync(here(`peers/node_modules/${packageName}/package.json`), 'utf8');
          return (JSON.parse(manifest) as { version: string }).version;
        } catch {
          return null;
        }
      },
    },
  };
}

function python(
  name: string,
  module: string,
  file: string,
  args: readonly string[],
  workloads: readonly string[],
  env: Record<string, string> = {},
): Engine {
  return {
    name,
    workloads,
    threaded: workloads,
    program: (threads) => ({
      command: PYTHON,
      args: [here(`peers/${file}`), ...args],
      env: { ...env, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) },
    }),
    peer: {
      package: module,
      install: `${PYTHON} -m pip install ${module}`,
      version() {
        const { status, stdout } = spawnSync(PYTHON, ['-c', `import ${module}; print(${module}.__version__)`]);
        return status === 0 ? stdout.toString().trim() : null;
      },
    },
  };
}

function node(file: string, ...args: string[]): Program {
  return { command: process.execPath, args: [...process.execArgv, here(file), ...args] };
}

/** OpenBLAS, which NumPy's wheels bring, uses AVX-512 of its own accord only on some of the processors that have it. */
function fastestBlas(): Record<string, string> {
  try {
    return / avx512f /.test(readFileSync('/proc/cpuinfo', 'utf8')) ? { OPENBLAS_CORETYPE: 'SkylakeX' } : {};
  } catch {
    return {}; // not Linux
  }
}

function here(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
