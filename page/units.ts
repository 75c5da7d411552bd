export type UnitOrder = 'index' | 'variance' | 'similarity';

/** The units of states [T,H] in the order in which they are drawn. */
export function orderUnits(states: ArrayLike<number>, T: number, H: number, order: UnitOrder): number[] {
  const units = Array.from({ length: H }, (_, j) => j);
  if (order === 'index') return units;
  const centred = units.map((j) => centre(Float64Array.from({ length: T }, (_, t) => states[t * H + j])));
  const variance = centred.map((row) => dot(row, row));
  units.sort((a, b) => variance[b] - variance[a] || a - b);
  if (order === 'variance') return units;
  // A chain from the liveliest unit: each next one is that which is most correlated with the one before.
  const chain = [units[0]];
  const left = new Set(units.slice(1));
  while (left.size > 0) {
    const from = chain[chain.length - 1];
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const j of left) {
      const scale = Math.sqrt(variance[from] * variance[j]);
      const correlation = scale > 0 ? dot(centred[from], centred[j]) / scale : -1;
      if (correlation > most) [best, most] = [j, correlation];
    }
    chain.push(best);
    left.delete(best);
  }
  return chain;
}

/** Where a unit's state is highest, with the characters that led there. */
export function highest(
  states: ArrayLike<number>,
  H: number,
  unit: number,
  text: readonly string[],
  count: number,
  before: number,
): { t: number; value: number; context: string }[] {
  return text
    .map((_, t) => ({ t, value: states[t * H + unit], context: text.slice(Math.max(0, t - before), t + 1).join('') }))
    .sort((a, b) => b.value - a.value || a.t - b.t)
    .slice(0, count);
}

function centre(row: Float64Array): Float64Array {
  const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
  return row.map((x) => x - mean);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
