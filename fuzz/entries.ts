import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { entryPoints } from '../scripts/entryPoints.ts';
import type { Recipe, Recipes } from './recipe.ts';
import { algebra } from './recipes/algebra.ts';
import { data } from './recipes/data.ts';
import { files } from './recipes/files.ts';
import { interop } from './recipes/interop.ts';
import { layers } from './recipes/layers.ts';
import { models } from './recipes/models.ts';
import { numpy } from './recipes/numpy.ts';
import { optim } from './recipes/optim.ts';
import { random } from './recipes/random.ts';
import { tensor, views } from './recipes/tensor.ts';
import { testing } from './recipes/testing.ts';
import { wasm } from './recipes/wasm.ts';

/** A recipe with what it calls. */
export interface Target {
  /** `bptt/tensor softmax` */
  readonly name: string;
  /** The exported function's name, or `Class.method`. */
  readonly own: string;
  readonly recipe: Recipe;
  readonly call: (...args: unknown[]) => unknown;
}

/** The recipes of each entry point of the package. */
const RECIPES: Readonly<Record<string, Recipes>> = {
  bptt: { ...models, ...layers, ...files },
  'bptt/static': {
    ...{ createTrainer: models.createTrainer, createModel: models.createModel },
    ...{ saveTrainer: models.saveTrainer, saveModel: models.saveModel },
    ...{ loadTrainer: files.loadTrainer, loadModel: files.loadModel },
  },
  'bptt/tensor': { ...tensor, ...random },
  'bptt/tensor/ndarray': views,
  'bptt/tensor/numpy': numpy,
  'bptt/layers': layers,
  'bptt/algebra': algebra,
  'bptt/optim': optim,
  'bptt/data': data,
  'bptt/wasm': wasm,
  'bptt/interop': { ...interop, ...files },
  'bptt/testing': testing,
};

/** Entry points that need a device. */
const ON_DEVICE = ['bptt/webgpu', 'bptt/webgpu/self-test'];

type Callable = (...args: unknown[]) => unknown;

/**
 * Everything that the package exports and that can be called: functions, constructors, methods and static methods, each with
 * its recipe.
 *
 * @throws {Error} naming what has no recipe.
 */
export async function targets({ device }: { device: boolean }): Promise<Target[]> {
  const all: Target[] = [];
  const missing: string[] = [];
  for (const [entry, source] of entryPoints()) {
    if (ON_DEVICE.includes(entry) && !device) continue;
    const known = RECIPES[entry] ?? (await import('./recipes/webgpu.ts')).webgpu;
    const module = (await import(pathToFileURL(source).href)) as Record<string, unknown>;
    for (const [own, call] of callables(module)) {
      const recipe = known[own];
      if (recipe === undefined) missing.push(`${entry} ${own}`);
      else if (recipe.leftOut === undefined) all.push({ name: `${entry} ${own}`, own, recipe, call });
    }
  }
  if (missing.length > 0) throw new Error(`fuzz: no recipe for ${missing.join(', ')}`);
  return all;
}

function* callables(module: Record<string, unknown>): Generator<[own: string, call: Callable]> {
  for (const [name, value] of Object.entries(module)) {
    if (typeof value !== 'function') continue;
    if (!isClass(value)) {
      yield [name, value as Callable];
      continue;
    }
    const Class = value as unknown as (new (...args: unknown[]) => unknown) & Record<string, Callable>;
    if (Class.prototype instanceof Error) continue;
    yield [`${name}.constructor`, (...args) => new Class(...args)];
    for (const own of Object.getOwnPropertyNames(Class)) {
      if (typeof Class[own] === 'function') yield [`${name}.${own}`, (...args) => Class[own](...args)];
    }
    for (const own of Object.getOwnPropertyNames(Class.prototype)) {
      const { value: method } = Object.getOwnPropertyDescriptor(Class.prototype, own)!;
      if (own === 'constructor' || typeof method !== 'function' || hidden.get(name)?.has(own)) continue;
      yield [`${name}.${own}`, (self, ...args) => (method as Callable).apply(self, args)];
    }
  }
}

/** The methods of each class that are not for users: private ones, and what is marked `@internal`. */
function hiddenMethods(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const folder = new URL('../src/', import.meta.url);
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    for (const part of readFileSync(new URL(path, folder), 'utf8').split(/^(?=export class )/m)) {
      const name = /^export class (\w+)/.exec(part)?.[1];
      if (name === undefined) continue;
      const methods = [...part.matchAll(/^ {2}(?:private|protected) (?:async |override )*(\w+)(?:<[^(]*>)?\(/gm)];
      const internal = [...part.matchAll(/@internal\s*\*\/\n {2}(?:async )?(\w+)(?:<[^(]*>)?\(/g)];
      found.set(name, new Set([...(found.get(name) ?? []), ...[...methods, ...internal].map(([, method]) => method)]));
    }
  }
  return found;
}

const hidden = hiddenMethods();

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
