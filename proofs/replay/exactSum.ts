/**
 * The sum of numbers, rounded once: Python's `math.fsum`, by partial sums that do not overlap (Shewchuk, "Adaptive
 * precision floating-point arithmetic", Discrete & Computational Geometry 18, 1997).
 */
export function exactSum(values: ArrayLike<number>): number {
  const partials: number[] = [];
  for (let i = 0; i < values.length; i++) {
    let x = values[i];
    let kept = 0;
    for (let y of partials) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low !== 0) partials[kept++] = low;
      x = high;
    }
    partials.length = kept;
    partials.push(x);
  }
  return roundOnce(partials);
}

/** Adds partial sums, smallest first, from the largest down; the last rounding looks at the sign of what is left. */
function roundOnce(partials: number[]): number {
  let high = partials.pop() ?? 0;
  while (partials.length > 0) {
    const x = high;
    const y = partials.pop()!;
    high = x + y;
    const low = y - (high - x);
    if (low === 0) continue;
    const left = partials.at(-1) ?? 0;
    const doubled = 2 * low;
    if (low * left > 0 && high + doubled - high === doubled) high += doubled;
    break;
  }
  return high;
}
