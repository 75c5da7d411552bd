import { hasFusedMultiplyAdd } from 'bptt/wasm';
import type { Scope } from './contender.ts';
import type { OwnKind } from './ownContender.ts';
import { isNamed, type Workload } from './workloads.ts';

/** A program that can contend. */
export interface Engine {
  readonly name: string;
  /** The workloads that it does, by id or by group. */
  readonly workloads: readonly string[];
  /** Workloads that it does too, but only when both are named: a step takes half a minute. */
  readonly slow?: readonly string[];
  /** The workloads that it can share out over threads. */
  readonly threaded?: readonly string[];
  /** A row for each, of an engine on a device. */
  readonly scopes?: readonly Scope[];
  /** Why it cannot run here, or null. */
  missing?(): string | null;
  /** One of our own: what it computes by. */
  readonly own?: OwnKind;
  /** A peer, which is there only where somebody installed it. */
  readonly peer?: Peer;
}

export interface Peer {
  readonly package: string;
  /** Its version, or null where it is not installed. */
  version(): string | null;
  /** The command that installs it. */
  readonly install: string;
  /** The process to start; it speaks as `serve` does. */
  program(threads: number): Program;
}

export interface Program {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

/** An engine in a run, on so many threads. */
export interface Entrant {
  readonly engine: Engine;
  readonly threads: number;
  /** Of an engine on a device. */
  readonly scope: Scope | null;
  /** How it is called in tables: `wasm ×2`. */
  readonly label: string;
}

/** The 128-bit peak of one core runs in every round, so that noise meets it as the others. */
export const PEAK: Engine = own('peak', 'peak', 'float32', []);

/** The loops that ratios are to run in every round too, asked for or not. */
export const REFERENCE: Engine = {
  ...own('ts f64', 'ts', 'float64', ['W1', 'W2', 'W3user', 'W4', 'W5', 'W6']),
  slow: ['W3'],
};

export const WASM: Engine = {
  ...own('wasm', 'wasm', 'float32', ['W1', 'W2', 'W3', 'W3user', 'W4', 'W5', 'W6']),
  threaded: ['W2', 'W3'],
};

/** A GPU, or a program that takes its place; `slow` is what takes such a program long. */
export const WEBGPU: Engine = {
  ...own('webgpu', 'webgpu', 'float32', ['W1', 'W2', 'W4', 'W5']),
  slow: ['W3'],
  scopes: ['compute', 'end-to-end'],
};

/** Our own, which run in Node and in a browser. */
export const OWN_ENGINES: readonly Engine[] = [
  own('plain', 'plain', 'float32', ['W1', 'W5']),
  own('plain f64', 'plain', 'float64', ['W1', 'W5']),
  { ...own('ts', 'ts', 'float32', ['W1', 'W2', 'W3user', 'W4', 'W5', 'W6']), slow: ['W3'] },
  REFERENCE,
  WASM,
  // The LSTM written by a user, over the algebra and in plain loops, on engine wasm.
  own('formula', 'formula', 'float32', ['W3user']),
  own('loops', 'loops', 'float32', ['W3user']),
  // The function of `bptt/tensor`, which copies its arguments.
  own('matmulNN', 'matmulNN', 'float32', ['W4']),
  {
    ...own('wasm+fma', 'wasm+fma', 'float32', ['W1', 'W2', 'W3', 'W4', 'W5']),
    threaded: ['W2', 'W3'],
    missing: () => (hasFusedMultiplyAdd() ? null : 'this host has no relaxed SIMD'),
  },
  WEBGPU,
];

/** Whether an engine does a workload; `named` says that somebody asked for just this and can wait. */
export function does({ workloads, slow = [] }: Engine, workload: Workload, named: boolean): boolean {
  return [...workloads, ...(named ? slow : [])].some((name) => isNamed(workload, name));
}

export function enter(engine: Engine, threads: number, scope: Scope | null = null): Entrant {
  return { engine, threads, scope, label: labelOf(engine.name, threads, scope) };
}

/** The engines that do a workload: on each number of threads that they can use, in each scope that they have. */
export function entrantsOf(
  workload: Workload,
  engines: readonly Engine[],
  threadCounts: readonly number[],
  named: boolean,
): Entrant[] {
  const doing = engines.filter((engine) => does(engine, workload, named));
  return doing.flatMap((engine) => {
    const { threaded = [], scopes = [null] } = engine;
    const counts = threaded.some((name) => isNamed(workload, name)) ? threadCounts : [1];
    return counts.flatMap((threads) => scopes.map((scope) => enter(engine, threads, scope)));
  });
}

export function labelOf(engine: string, threads: number, scope: Scope | null): string {
  return [engine, threads === 1 ? '' : `×${threads}`, scope ?? ''].filter(Boolean).join(' ');
}

function own(name: string, kind: OwnKind['kind'], dtype: OwnKind['dtype'], workloads: readonly string[]): Engine {
  return { name, workloads, own: { kind, dtype } };
}
