import { arbitraryLengths, arbitraryParameters, arbitrarySizes, arbitraryTensor } from 'bptt/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('sizes stay in their ranges', () => {
  fc.assert(
    fc.property(arbitrarySizes({ B: [1, 3], H: [2, 2] }), ({ B, H }) => {
      expect(B).toBeGreaterThanOrEqual(1);
      expect(B).toBeLessThanOrEqual(3);
      expect(H).toBe(2);
    }),
  );
});

test('tensors have their length and dtype and only finite numbers', () => {
  fc.assert(
    fc.property(arbitraryTensor(7, 'float32'), (x) => {
      expect(x).toBeInstanceOf(Float32Array);
      expect(x).toHaveLength(7);
      expect(x.every(Number.isFinite)).toBe(true);
      expect(new Set(x).size).toBeGreaterThan(1);
    }),
  );
});

test('parameters have the shapes of their letters', () => {
  fc.assert(
    fc.property(arbitraryParameters({ W: ['O', 'D'], b: ['O'] }, { O: 3, D: 2 }), ({ W, b }) => {
      expect(W).toBeInstanceOf(Float64Array);
      expect([W.length, b.length]).toEqual([6, 3]);
    }),
  );
});

test('lengths leave at least one step', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), fc.gen(), (T, B, g) => {
      const lengths = g(() => arbitraryLengths(T, B));
      expect(lengths).toHaveLength(B);
      expect(Math.max(...lengths)).toBeGreaterThan(0);
      expect(lengths.every((n) => n >= 0 && n <= T)).toBe(true);
    }),
  );
});
