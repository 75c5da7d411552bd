/** A point on the grid: column and row, fractional along an edge. */
export type GridPoint = [column: number, row: number];

// Marching squares. Corners of a cell: 1 top left, 2 top right, 4 bottom right, 8 bottom left; sides: 0 top, 1 right,
// 2 bottom, 3 left. For each set of corners inside, the sides where a boundary enters and leaves, the inside at its left.
const crossings: readonly (readonly [number, number][])[] = [
  [],
  [[0, 3]],
  [[1, 0]],
  [[1, 3]],
  [[2, 1]],
  [
    [0, 3],
    [2, 1],
  ],
  [[2, 0]],
  [[2, 3]],
  [[3, 2]],
  [[0, 2]],
  [
    [1, 0],
    [3, 2],
  ],
  [[1, 2]],
  [[3, 1]],
  [[0, 1]],
  [[3, 0]],
  [],
];

/**
 * Closed outlines of the region where a grid `z[rows, columns]` is at least `level`, linear between grid points. The grid
 * is taken to fall to minus infinity outside, so outlines close along its border. Fill them by the even-odd rule.
 */
export function contours(z: ArrayLike<number>, rows: number, columns: number, level: number): GridPoint[][] {
  const value = (r: number, c: number) =>
    r < 0 || c < 0 || r >= rows || c >= columns ? -Infinity : z[r * columns + c]!;
  const width = columns + 2;

  // An edge of the padded grid has one number, the same from both cells that share it.
  const edge = (r: number, c: number, side: number): number => {
    if (side === 1) return edge(r, c + 1, 3);
    if (side === 2) return edge(r + 1, c, 0);
    return 2 * ((r + 1) * width + c + 1) + (side === 3 ? 1 : 0);
  };
  const point = (id: number): GridPoint => {
    const r = Math.floor(id / 2 / width) - 1;
    const c = (Math.floor(id / 2) % width) - 1;
    const down = id % 2;
    const a = value(r, c);
    const b = value(r + down, c + 1 - down);
    const t = a === -Infinity ? 1 : b === -Infinity ? 0 : (level - a) / (b - a);
    return [c + (1 - down) * t, r + down * t];
  };

  const next = new Map<number, number>();
  for (let r = -1; r < rows; r++) {
    for (let c = -1; c < columns; c++) {
      const inside = (dr: number, dc: number, bit: number) => (value(r + dr, c + dc) >= level ? bit : 0);
      const corners = inside(0, 0, 1) + inside(0, 1, 2) + inside(1, 1, 4) + inside(1, 0, 8);
      for (const [from, to] of crossings[corners]!) next.set(edge(r, c, from), edge(r, c, to));
    }
  }

  const outlines: GridPoint[][] = [];
  for (const start of next.keys()) {
    const outline: GridPoint[] = [];
    for (let at: number | undefined = start; at !== undefined && next.has(at); ) {
      outline.push(point(at));
      const following = next.get(at);
      next.delete(at);
      at = following;
    }
    outlines.push(outline);
  }
  return outlines;
}
