import { expect, it } from 'vitest';
import { arrayRepr, arrayStr, intsRepr, percentG, pyFloat, pyShape } from '../../examples/numpyPrint.ts';
import { array, zeros } from '../../src/tensor/numpy.ts';

it('writes numbers as Python does', () => {
  expect([1, -0.25, 1e-5, 1.5e-7, 1e16, 0, 114.62418696676431].map(pyFloat)).toEqual([
    '1.0',
    '-0.25',
    '1e-05',
    '1.5e-07',
    '1e+16',
    '0.0',
    '114.62418696676431',
  ]);
  expect([97.5848123, 78.878, 100000, 1e6, 1e-5, 0.0001, -0].map((x) => percentG(x))).toEqual([
    '97.5848',
    '78.878',
    '100000',
    '1e+06',
    '1e-05',
    '0.0001',
    '0',
  ]);
  expect(percentG(12.39955605361234, 12)).toBe('12.3995560536');
  expect([[20], [20, 11]].map(pyShape)).toEqual(['(20,)', '(20, 11)']);
  expect(intsRepr([100, 1, 7])).toBe('array([100,   1,   7])');
});

it('writes arrays as NumPy does', () => {
  expect(arrayStr(array([5.365673781]))).toBe('[5.36567378]');
  expect(arrayStr(array([0.5, 1, -2.25]))).toBe('[ 0.5   1.   -2.25]');
  expect(arrayStr(array([1e-5, 0.25]))).toBe('[1.0e-05 2.5e-01]');
  expect(
    arrayRepr(
      array([
        [0.5, 1],
        [2, 3],
      ]),
    ),
  ).toBe('array([[0.5, 1. ],\n       [2. , 3. ]])');
  expect(arrayStr(zeros(30))).toBe(`[${'0. '.repeat(23)}0.\n ${'0. '.repeat(5)}0.]`);
});

it('writes arrays as NumPy before 1.14 did, with a column for the sign', () => {
  // the first two as notebook 001 shows them
  const p = [0.00456713, 0.99421883, 0.00498617, 0.00396112, 0.99583906, 0.00794847, 0.00271153];
  expect(arrayStr(array(p), true)).toBe(
    '[ 0.00456713  0.99421883  0.00498617  0.00396112  0.99583906  0.00794847\n  0.00271153]',
  );
  const q = [3.89091292e-4, 9.92518902e-1, 8.59818608e-3, 8.50704685e-3, 5.94907766e-3];
  expect(arrayStr(array(q), true)).toBe(
    '[  3.89091292e-04   9.92518902e-01   8.59818608e-03   8.50704685e-03\n   5.94907766e-03]',
  );
  expect(arrayStr(array([0, 1, -0]), true)).toBe('[ 0.  1. -0.]');
  expect(arrayRepr(array([[[1, 2]], [[3, 4]]]), true)).toBe('array([[[ 1.,  2.]],\n\n       [[ 3.,  4.]]])');
});
