import { writeZip } from '../../src/interop/zip.ts';

/** Pickles by hand, protocol 2: every function gives the bytes of one value. */
const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];

export const str = (text: string): number[] => [
  0x58,
  ...u32(new TextEncoder().encode(text).length),
  ...new TextEncoder().encode(text),
];
export const int = (value: number): number[] => [0x4a, ...u32(value)];
export const tuple = (...items: number[][]): number[] => [0x28, ...items.flat(), 0x74];
export const list = (...items: number[][]): number[] => [0x5d, 0x28, ...items.flat(), 0x65];
export const dict = (...pairs: [number[], number[]][]): number[] => [0x7d, 0x28, ...pairs.flat(2), 0x75];
export const global = (module: string, name: string): number[] => [0x63, ...ascii(`${module}\n${name}\n`)];
export const call = (callee: number[], ...args: number[][]): number[] => [...callee, ...tuple(...args), 0x52];
export const persistent = (id: number[]): number[] => [...id, 0x51];
export const none = [0x4e];
export const no = [0x89];

/** A tensor as torch.save writes it. */
export function tensor(
  key: string,
  type: string,
  elements: number,
  shape: number[],
  strides: number[],
  offset = 0,
): number[] {
  const storage = persistent(tuple(str('storage'), global('torch', type), str(key), str('cpu'), int(elements)));
  const counts = (values: number[]) => tuple(...values.map(int));
  const hooks = call(global('collections', 'OrderedDict'));
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    storage,
    int(offset),
    counts(shape),
    counts(strides),
    no,
    hooks,
  );
}

/** The zip archive that torch.save makes of a pickle and its storages. */
export function archive(
  value: number[],
  storages: Record<string, Uint8Array> = {},
  extra: Record<string, string> = {},
): Uint8Array {
  const entries = new Map<string, Uint8Array>([['net/data.pkl', Uint8Array.from([0x80, 2, ...value, 0x2e])]]);
  for (const [key, bytes] of Object.entries(storages)) entries.set(`net/data/${key}`, bytes);
  for (const [name, text] of Object.entries(extra)) entries.set(name, new TextEncoder().encode(text));
  return writeZip(entries);
}
