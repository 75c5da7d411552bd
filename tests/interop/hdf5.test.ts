import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readHdf5 } from '../../src/interop/hdf5.ts';
import { FormatError } from '../../src/interop/index.ts';
import { fixture } from './reference.ts';

/** Made by make_hdf5.py with h5py. */
const read = (name: string) => readHdf5('test', new Uint8Array(gunzipSync(fixture(`hdf5/${name}.h5.gz`))));
const kinds = () => read('kinds');

test.each([
  ['f2', 'F16'],
  ['f4', 'F32'],
  ['f8', 'F64'],
  ['big', 'F32'],
  ['i1', 'I8'],
  ['i2', 'I16'],
  ['i4', 'I32'],
  ['i8', 'I64'],
  ['u1', 'U8'],
])('numbers of type %s', (name, dtype) => {
  // The group has two names, `again` comes first.
  const { shape, values, dtype: found } = kinds().datasets.get(`again/${name}`)!.read();
  expect({ shape, found, values: Array.from(values) }).toEqual({
    shape: [2, 3],
    found: dtype,
    values: [1, 2, 3, 4, 5, 6],
  });
  expect(values).toBeInstanceOf(['F16', 'F32'].includes(dtype) ? Float32Array : Float64Array);
});

test('a scalar, an empty array, a compact one, more of them than a node of the tree holds', () => {
  expect(kinds().datasets.get('scalar')!.read()).toEqual({ shape: [], dtype: 'F64', values: Float64Array.of(1.5) });
  expect(kinds().datasets.get('empty')!.read()).toEqual({ shape: [0, 3], dtype: 'F32', values: new Float32Array(0) });
  expect(kinds().datasets.get('compact')!.read()).toEqual({ shape: [2], dtype: 'F32', values: Float32Array.of(7, 8) });
  for (let i = 0; i < 40; i++) expect(kinds().datasets.get(`many/${i}`)!.read().values).toEqual(Float32Array.of(i));
});

test('texts among the attributes', () => {
  expect(Object.fromEntries(kinds().texts.get('')!)).toEqual({
    variable: 'von veränderlicher Länge',
    fixed: 'fixed',
    long: 'x'.repeat(5000),
  });
});

test.each([
  ['chunked', 'chunked is chunked or compressed'],
  ['compressed', 'compressed is chunked or compressed'],
  ['text', 'text is no array of floating-point or whole numbers'],
  ['complex', 'complex is no array'],
  ['u4', 'u4 is no array'],
  ['unwritten', 'the numbers of unwritten were never written'],
])('%s is refused by name when it is read', (name, message) => {
  expect(() => kinds().datasets.get(name)!.read()).toThrow(FormatError);
  expect(() => kinds().datasets.get(name)!.read()).toThrow(message);
});

test.each([
  ['ordered', 'the object header of ordered has version'],
  ['soft', 'link is a symbolic link'],
  ['latest', 'the superblock has version 3'],
])('a file that is %s is refused by name', (name, message) => {
  expect(() => read(name)).toThrow(message);
});

test('datasets that share their numbers many times', () => {
  const { datasets } = kinds();
  const again = datasets.get('again/f8')!;
  expect(() => {
    for (let i = 0; i < 1e6; i++) again.read();
  }).toThrow('the datasets share too much of the file');
});
