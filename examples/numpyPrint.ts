/**
 * How Python and NumPy write numbers and arrays, as far as the notebooks print any. NumPy changed its habits with version
 * 1.14: notebooks 000 and 001 are older ("legacy", a column left free for the sign), 003 and 004 newer.
 */
import type { Float64View } from 'bptt/tensor/numpy';

/** `repr(x)` of a float. */
export function pyFloat(x: number): string {
  const text = String(x);
  if (/^-?\d+$/.test(text) && Math.abs(x) < 1e16) return `${text}.0`;
  const size = Math.abs(x);
  const digits = size !== 0 && (size < 1e-4 || size >= 1e16) ? x.toExponential() : text;
  return twoDigits(digits);
}

/** `'%.{digits}g' % x`; `%g` shows six digits, Python 2's `str(x)` twelve. */
export function percentG(x: number, digits = 6): string {
  const scientific = x.toExponential(digits - 1);
  const exponent = Number(scientific.split('e')[1]);
  if (exponent < -4 || exponent >= digits) {
    return twoDigits(scientific.replace(/\.?0*e/, 'e'));
  }
  const fixed = x.toFixed(digits - 1 - exponent);
  return fixed.includes('.') ? fixed.replace(/\.?0*$/, '') : fixed;
}

/** A shape as the tuple that Python prints: `(20, 11)`, `(20,)`. */
export function pyShape(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
}

/** `str(a)`: `[0.5 1.  2.25]`. */
export function arrayStr(a: Float64View, legacy = false): string {
  return nested(a, elementFormat(a, legacy), { separator: ' ', width: 75, legacy }, ' ');
}

/** `repr(a)`: `array([0.5 , 1.  , 2.25])`. */
export function arrayRepr(a: Float64View, legacy = false): string {
  return `array(${nested(a, elementFormat(a, legacy), { separator: ', ', width: legacy ? 75 : 74, legacy }, ' '.repeat(7))})`;
}

/** `repr` of an array of whole numbers: `array([100,   7])`. */
export function intsRepr(values: readonly number[]): string {
  const width = Math.max(...values.map((v) => String(v).length));
  return `array([${values.map((v) => String(v).padStart(width)).join(', ')}])`;
}

/** One format for all elements: as many decimals as the longest needs, at most eight; powers of ten for a wide range. */
function elementFormat(a: Float64View, legacy: boolean): (x: number) => string {
  const all = elements(a);
  const sizes = all.map(Math.abs).filter((x) => x !== 0);
  const largest = Math.max(0, ...sizes);
  const smallest = Math.min(...sizes);
  if (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000) {
    const mantissas = all.map((x) => trimmed(x.toExponential(8).split('e')[0]));
    const digits = legacy ? 8 : Math.max(...mantissas.map((m) => m.split('.')[1].length));
    const words = new Map(all.map((x) => [x, twoDigits(x.toExponential(digits))]));
    const width = legacy ? 16 : Math.max(...Array.from(words.values(), (word) => word.length));
    return (x) => words.get(x)!.padStart(width);
  }
  const decimals = Math.max(...all.map((x) => trimmed(fixed(x)).split('.')[1].length));
  const whole = Math.max(...all.map((x) => fixed(x).indexOf('.')));
  const left = legacy ? Math.max(1 + String(Math.trunc(largest)).length, whole) : whole;
  return (x) => {
    const [head, tail] = trimmed(fixed(x)).split('.');
    return `${head.padStart(left)}.${tail.padEnd(decimals)}`;
  };
}

/** Python writes exponents with two digits at least. */
function twoDigits(scientific: string): string {
  return scientific.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** JavaScript leaves out the sign of −0. */
function fixed(x: number): string {
  return Object.is(x, -0) ? '-0.00000000' : x.toFixed(8);
}

function trimmed(decimal: string): string {
  return decimal.replace(/0+$/, '');
}

function elements(a: Float64View): number[] {
  if (a.dimension === 0) return [a.get()];
  return Array.from({ length: a.shape[0] }, (_, i) => elements(a.pick(i))).flat();
}

interface Layout {
  separator: string;
  width: number;
  legacy: boolean;
}

function nested(a: Float64View, format: (x: number) => string, layout: Layout, indent: string): string {
  const { separator, width, legacy } = layout;
  const parts = Array.from({ length: a.shape[0] }, (_, i) => a.pick(i));
  if (a.dimension > 1) {
    const narrower = { ...layout, width: legacy ? width : width - 1 };
    const inner = parts.map((part) => indent + nested(part, format, narrower, `${indent} `));
    return `[${inner.join(separator.trimEnd() + '\n'.repeat(a.dimension - 1)).slice(indent.length)}]`;
  }
  const longest = width - (legacy ? separator.trimEnd().length : 1); // what follows a number: a comma, or a bracket
  let text = '';
  let line = indent;
  parts.forEach((part, i) => {
    const word = format(part.get());
    if (line.length + word.length > longest && line.length > indent.length) {
      text += `${line.trimEnd()}\n`;
      line = indent;
    }
    line += i < parts.length - 1 ? word + separator : word;
  });
  return `[${(text + line).slice(indent.length)}]`;
}
