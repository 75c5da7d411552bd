/** What is missing of π/2 in Math.PI / 2. */
const HALF_PI_LOW = 6.123233995736766e-17;

/**
 * sin x of one number with |x| ≤ 4π, in float64: the same bits on every host, which `Math.sin` does not promise. Within
 * 0.85 ulp.
 */
export function sinOf(x: number): number {
  return wave(x, 0);
}

/** cos x, as {@link sinOf}. */
export function cosOf(x: number): number {
  return wave(x, 1);
}

/** sin(x + shift·π/2): with x = n·π/2 + r, |r| ≤ π/4, one of ±sin r and ±cos r. */
function wave(x: number, shift: number): number {
  const n = Math.round(x / (Math.PI / 2));
  const rough = x - n * (Math.PI / 2);
  const r = rough - n * HALF_PI_LOW;
  const rest = rough - r - n * HALF_PI_LOW;
  const quarter = (n + shift) & 3;
  const y = quarter & 1 ? cosNear0(r, rest) : sinNear0(r, rest);
  return quarter & 2 ? -y : y;
}

/** sin(r + rest) = r − r³/6·(1 − r²/(4·5)·(1 − r²/(6·7)·…)) + rest */
function sinNear0(r: number, rest: number): number {
  return r + (rest - ((r * r * r) / 6) * series(r * r, 4));
}

/** cos(r + rest) = 1 − r²/2 + r²/2·r²/(3·4)·(1 − r²/(5·6)·…) − r·rest */
function cosNear0(r: number, rest: number): number {
  const half = (r * r) / 2;
  const first = 1 - half;
  return first + (1 - first - half + ((half * r * r) / 12) * series(r * r, 5) - r * rest);
}

/** 1 − rr/(i·(i + 1))·(1 − rr/((i + 2)·(i + 3))·(1 − …)), eight of them */
function series(rr: number, i: number): number {
  let sum = 1;
  for (let j = i + 14; j >= i; j -= 2) sum = 1 - (rr * sum) / (j * (j + 1));
  return sum;
}
