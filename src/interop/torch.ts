import { decodeElements, ELEMENT_BYTES } from './elements.ts';
import { FormatError } from './formatError.ts';
import { addArray, type ElementType, elementCount, type NamedArray, type NamedArrays } from './namedArrays.ts';
import { PickleGlobal, type PickleHost, PickleTuple, readPickle } from './pickle.ts';
import { readZip, type ZipReading } from './zip.ts';

const fn = 'readTorch';

const STORAGES: Readonly<Record<string, ElementType>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};

/** How deep a state_dict may lie in a checkpoint. */
const DEEPEST = 16;

/** The elements of all tensors together, as a multiple of the file's bytes: tensors may share a storage, but not by the thousand. */
const MOST_SHARED = 16;

/** What {@link readTorch} takes beside the file. */
export interface TorchReading extends ZipReading {
  /**
   * Where in a checkpoint the state_dict is, keys joined by dots, `model` or `ema.module`. Default: the only dictionary
   * that holds tensors by name.
   */
  at?: string;
}

interface Storage {
  key: string;
  dtype: ElementType;
  elements: number;
}

/** A tensor whose elements have not been read yet. */
class TensorPlace {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/**
 * Reads a state_dict that `torch.save` wrote (the zip format of PyTorch 1.6 and later), alone or inside a checkpoint
 * such as `{'epoch': …, 'model': state_dict}`. Its pickle may name the globals of a closed list only: those of tensors,
 * storages, parameters and ordered dictionaries. Anything else, a class of one's own or `os.system`, is refused by name,
 * and nothing is ever run.
 *
 * @returns the tensors by PyTorch's names; what is no tensor (an epoch, an optimizer's options) is left out
 * @throws {FormatError} where the file is damaged, refused, or holds no state_dict or several.
 */
export async function readTorch(file: Uint8Array, { at, ...reading }: TorchReading = {}): Promise<NamedArrays> {
  if (file[0] === 0x80) {
    throw new FormatError(
      `${fn}: the file is a bare pickle, the format before PyTorch 1.6: load it there and save it again`,
    );
  }
  const entries = await readZip(fn, file, reading);
  const pickles = [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new FormatError(`${fn}: the archive holds ${pickles.length} pickles NAME/data.pkl, expected 1`);
  }
  const folder = pickles[0].slice(0, -'data.pkl'.length);
  const order = entries.get(`${folder}byteorder`);
  if (order && String.fromCharCode(...order.subarray(0, 16)) !== 'little') {
    throw new FormatError(`${fn}: the tensors are not little-endian`);
  }
  const root = readPickle(fn, entries.get(pickles[0])!, host);
  const [path, tensors] = chosen(dictionaries(root), at);
  const arrays: NamedArrays = {};
  let budget = MOST_SHARED * file.length;
  for (const [name, place] of tensors) {
    budget -= elementCount(fn, name, place.shape);
    if (budget < 0)
      throw new FormatError(`${fn}: the tensors of ${path || 'the file'} share too much of their storage`);
    addArray(fn, arrays, name, elements(name, place, entries.get(`${folder}data/${place.storage.key}`)));
  }
  return arrays;
}

/** The dictionaries that hold tensors under names, by their paths. Each object is visited once. */
function dictionaries(root: unknown): Map<string, Map<string, TensorPlace>> {
  const found = new Map<string, Map<string, TensorPlace>>();
  const seen = new Set<unknown>();
  const visit = (value: unknown, path: readonly string[]): void => {
    const items = value instanceof Map ? [...value] : Array.isArray(value) ? [...value.entries()] : [];
    if (items.length === 0 || seen.has(value) || path.length > DEEPEST) return;
    seen.add(value);
    const tensors = new Map<string, TensorPlace>();
    for (const [key, item] of items) {
      if (item instanceof TensorPlace) {
        if (typeof key === 'string') tensors.set(key, item);
      } else if (typeof key === 'string' || typeof key === 'number') {
        visit(item, [...path, String(key)]);
      }
    }
    if (tensors.size > 0) found.set(path.join('.'), tensors);
  };
  visit(root, []);
  return found;
}

/** An optimizer's moments are tensors under names too, but no net. */
function chosen(
  found: Map<string, Map<string, TensorPlace>>,
  at: string | undefined,
): [string, Map<string, TensorPlace>] {
  if (at !== undefined) {
    const tensors = found.get(at);
    if (tensors) return [at, tensors];
    throw new FormatError(`${fn}: no tensors at ${at}, but at ${list(found)}`);
  }
  const nets = [...found].filter(([, tensors]) => [...tensors.keys()].some((name) => name.includes('weight')));
  if (nets.length === 1) return nets[0];
  if (nets.length === 0) throw new FormatError(`${fn}: the file holds no state_dict; tensors are at ${list(found)}`);
  throw new FormatError(`${fn}: the file holds several state_dicts, say which by \`at\`: ${list(new Map(nets))}`);
}

function list(found: ReadonlyMap<string, unknown>): string {
  return (
    [...found.keys()]
      .slice(0, 10)
      .map((path) => path || 'the top')
      .join(', ') || 'no place'
  );
}

function elements(name: string, { storage, offset, shape, strides }: TensorPlace, bytes?: Uint8Array): NamedArray {
  if (!bytes) throw new FormatError(`${fn}: ${name} lies in data/${storage.key}, which the archive lacks`);
  const size = ELEMENT_BYTES[storage.dtype];
  if (bytes.length !== storage.elements * size) {
    throw new FormatError(
      `${fn}: data/${storage.key} has ${bytes.length} bytes, expected ${storage.elements} elements of ${size}`,
    );
  }
  const count = elementCount(fn, name, shape);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
  if (count > 0 && !(last < storage.elements)) {
    throw new FormatError(`${fn}: ${name} ends at element ${last} of a storage of ${storage.elements}`);
  }
  const dtype = storage.dtype;
  if (count === 0) return { shape: [...shape], dtype, values: decodeElements(fn, name, dtype, bytes.subarray(0, 0)) };
  if (isContiguous(shape, strides)) {
    const part = bytes.subarray(offset * size, (offset + count) * size);
    return { shape: [...shape], dtype, values: decodeElements(fn, name, dtype, part) };
  }
  const all = decodeElements(fn, name, dtype, bytes);
  const values = all instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < count; i++) {
    values[i] = all[index.reduce((sum, at, axis) => sum + at * strides[axis], offset)];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape: [...shape], dtype, values };
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

function counts(value: unknown): readonly number[] | null {
  return value instanceof PickleTuple && value.items.every(isCount) ? (value.items as number[]) : null;
}

/** torch._utils._rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata) */
function rebuildTensor([storage, offset, size, stride]: readonly unknown[]): TensorPlace {
  const shape = counts(size);
  const strides = counts(stride);
  if (!isStorage(storage) || !isCount(offset) || !shape || strides?.length !== shape.length) {
    throw new FormatError(`${fn}: a tensor is rebuilt from arguments that are no storage, offset, size and stride`);
  }
  return new TensorPlace(storage, offset, shape, strides);
}

function rebuildParameter([tensor]: readonly unknown[]): TensorPlace {
  if (tensor instanceof TensorPlace) return tensor;
  throw new FormatError(`${fn}: a parameter is rebuilt from something that is no tensor`);
}

/** Items are set one by one afterwards: a dictionary copied from another many times would fill the memory. */
function orderedDict(args: readonly unknown[]): Map<unknown, unknown> {
  if (args.length === 0) return new Map();
  throw new FormatError(`${fn}: an OrderedDict is made with arguments, expected none`);
}

function isStorage(value: unknown): value is Storage {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'elements');
}

function storageClass(path: string): () => never {
  return () => {
    throw new FormatError(`${fn}: the pickle calls ${path}, which only names a type here`);
  };
}

/** The whole list of what a pickle may name. */
const host: PickleHost = {
  globals: {
    'collections.OrderedDict': orderedDict,
    'torch._utils._rebuild_tensor_v2': rebuildTensor,
    'torch._utils._rebuild_parameter': rebuildParameter,
    'torch._utils._rebuild_parameter_with_state': rebuildParameter,
    'torch.Size': ([items]) => new PickleTuple(items instanceof PickleTuple ? items.items : []),
    ...Object.fromEntries(Object.keys(STORAGES).map((path) => [path, storageClass(path)])),
  },
  /** ('storage', class, key, location, number of elements) */
  persistent: (id) => {
    const [kind, type, key, , elements] = id instanceof PickleTuple ? id.items : [];
    const known = type instanceof PickleGlobal && Object.hasOwn(STORAGES, type.path);
    if (kind !== 'storage' || !known || typeof key !== 'string' || !isCount(elements)) {
      throw new FormatError(`${fn}: the pickle refers to something that is no storage of tensors`);
    }
    return { key, dtype: STORAGES[type.path], elements } satisfies Storage;
  },
};
