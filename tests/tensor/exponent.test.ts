import { expect, it } from 'vitest';
import { exponentOf, highWord } from '../../src/tensor/exponent.ts';
import { powerOfTwo } from '../../src/tensor/powerOfTwo.ts';

it('powers of two and their exponents, denormals included', () => {
  for (let n = -1074; n <= 1023; n++) {
    expect(powerOfTwo(n)).toBe(2 ** n);
    expect(exponentOf(powerOfTwo(n))).toBe(n);
    if (n > -1074) expect(exponentOf(-1.5 * powerOfTwo(n))).toBe(n);
  }
});

it('the upper word is that of the number in big-endian order', () => {
  for (const x of [0, 1, -1, Math.PI, -1e-300, 5e-324]) {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, x);
    expect(highWord(x)).toBe(view.getInt32(0));
  }
});
