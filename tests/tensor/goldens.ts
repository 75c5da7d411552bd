import { readFileSync } from 'node:fs';

interface Numerics {
  softmax_rows: { z: number[][]; softmax: number[][] };
  largest_singular_value: { matrix: number[][]; singular_values: number[] }[];
  elementary_functions: { x: number[]; exp: number[]; tanh: number[]; logistic: number[]; log_abs: number[] };
}

const numerics: Numerics = JSON.parse(readFileSync(new URL('../goldens/numerics.json', import.meta.url), 'utf8'));

/** NumPy's values, see `tests/goldens/README.md`. */
export const softmaxRows = numerics.softmax_rows;
export const singularValueCases = numerics.largest_singular_value;
export const elementaryFunctions = numerics.elementary_functions;
