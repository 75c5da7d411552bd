import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Engine, type Entrant, OWN_ENGINES, type Program } from './engine.ts';
import type { Own } from './ownContender.ts';

/** The interpreter of the Python peers: `PYTHON`, or python3. */
const PYTHON: string = process.env.PYTHON ?? 'python3';

/** Everybody who can contend in a process. */
export const ENGINES: readonly Engine[] = [
  ...OWN_ENGINES,
  // As in the notebook, in its float64.
  python('numpy', 'numpy', 'numpy_peer.py', ['notebook'], ['W1', 'W6-rnn']),
  python('numpy tuned', 'numpy', 'numpy_peer.py', ['tuned'], ['W1', 'W2', 'W3', 'W4', 'W5', 'W6'], fastestBlas()),
  python('torch', 'torch', 'torch_peer.py', [], ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']),
  npm('tfjs', '@tensorflow/tfjs', 'tfjs.ts', ['wasm'], ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']),
  onWebgpu(npm('tfjs webgpu', '@tensorflow/tfjs-backend-webgpu', 'tfjs.ts', ['webgpu'], ['W1', 'W2', 'W4'])),
  npm('jax-js', '@jax-js/jax', 'jaxjs.ts', ['wasm'], ['W1', 'W2', 'W3', 'W4', 'W5', 'W6']),
  onWebgpu(npm('jax-js webgpu', '@jax-js/jax', 'jaxjs.ts', ['webgpu'], ['W1', 'W2', 'W4'])),
  npm('ort-web', 'onnxruntime-web', 'ortWeb.ts', [], ['W4', 'W6']),
];

/** The process of an entrant. */
export function programOf({ engine, threads, scope }: Entrant): Program {
  const { own, peer } = engine;
  return peer ? peer.program(threads) : node('own.ts', JSON.stringify({ ...own!, threads, scope } satisfies Own));
}

function npm(
  name: string,
  packageName: string,
  file: string,
  args: readonly string[],
  workloads: readonly string[],
): Engine {
  return {
    name,
    workloads,
    peer: {
      program: () => node(`peers/${file}`, ...args),
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

/** A peer on the adapter that engine webgpu takes, as slow on a program in a GPU's place. */
function onWebgpu(peer: Engine): Engine {
  return { ...peer, slow: ['W3'], scopes: ['compute'] };
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
    peer: {
      program: (threads) => ({
        command: PYTHON,
        args: [here(`peers/${file}`), ...args],
        env: { ...env, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) },
      }),
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
