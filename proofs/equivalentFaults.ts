import type { Planted } from './faults.ts';

/** A fault that changes nothing anybody could notice: in `file`, the only `find` becomes `replace`. */
export interface EquivalentFault extends Planted {
  reason: string;
}

/** The faults of a file under `src/` that were drawn, survived, and were shown to change nothing. */
function equivalentIn(
  file: string,
  rows: readonly (readonly [find: string, replace: string, reason: string])[],
): EquivalentFault[] {
  return rows.map(([find, replace, reason]) => ({ file, find, replace, reason }));
}

/** A write past the end of a typed array is no write, and what is read there goes nowhere else. */
const beyond = 'the step after the last writes past the end of a typed array, which is no write';

export const equivalentFaults: readonly EquivalentFault[] = [
  ...equivalentIn('bptt/inputLayers.ts', [
    [
      'this.dembedded = engine.floats(embedding ? T * B * width : 0)',
      'this.dembedded = engine.floats(embedding ? T * B * width : 1)',
      'without an embedding nobody reads or writes this buffer',
    ],
  ]),
  ...equivalentIn('bptt/sample.ts', [
    [
      'topP = 1, greedy = false } = options;\n    const plain',
      'topP = 0, greedy = false } = options;\n    const plain',
      'the softmax that the model has worked out is worked out again, and drawn from as before',
    ],
  ]),
  ...equivalentIn('data/oneHot.ts', [['r < rows; r++) y[r', 'r <= rows; r++) y[r', beyond]]),
  ...equivalentIn('optim/optimizer.ts', [
    [
      'Math.min(CHUNK, params.length - start)',
      'Math.min(CHUNK, params.length + start)',
      'the last chunk goes past the end of typed arrays, where nothing is written, and elements do not mix',
    ],
  ]),
  ...equivalentIn('optim/schedule.ts', [['.data ?? null', '.data || null', 'data is an object or undefined']]),
  ...equivalentIn('optim/sgd.ts', [['i < params.length; i++) {', 'i <= params.length; i++) {', beyond]]),
  ...equivalentIn('tensor/log.ts', [
    [
      'Math.abs(x - 1) < 1 / 256',
      'Math.abs(x - 1) < 1 / 257',
      'between the two bounds the table, too, is within the promised 0.51 ulp: 0.4998 at most of 6000 random x',
    ],
    [
      'ss * (2 / 9)',
      'ss * (2 / 10)',
      's is below 1/200: no entry of the table changes by more than 1.4e-22, less than 1e-5 ulp of its logarithm',
    ],
  ]),
  ...equivalentIn('tensor/random.ts', [
    [
      'sum += p[i];\n    cdf',
      'sum -= p[i];\n    cdf',
      'every running sum is negated, the last one too, by which they are divided',
    ],
  ]),
  ...equivalentIn('wasm/exp.ts', [
    [
      'f32x4.pmin(x, 90), -105)',
      'f32x4.pmin(x, 90), -104)',
      'e^−104 and all below it round to 0, which is what both give',
    ],
  ]),
  ...equivalentIn('wasm/memory.ts', [
    ['region ?? regionsOf(', 'region || regionsOf(', 'region is an object or undefined'],
  ]),
];
