/**
 * The first bytes of every region, in which no kernel leaves anything for another: what `matmul.ts` packs, and a tile at
 * the edge of C; between products the tables of `gather.ts`.
 */
export const BLOCK_M = 128;
export const BLOCK_N = 256;
export const BLOCK_K = 256;
/** 4×8 floats. */
const TILE_BYTES = 4 * 32;
/** [BLOCK_M,BLOCK_K] in panels of 4 rows. */
const PACKED_A_BYTES = 4 * BLOCK_M * BLOCK_K;
/** [BLOCK_K,BLOCK_N] in panels of 8 columns. */
const PACKED_B_BYTES = 4 * BLOCK_K * BLOCK_N;
/** In the room of both packed blocks. */
export const TABLE_BYTES: number = PACKED_A_BYTES + PACKED_B_BYTES;

export const SCRATCH_BYTES: number = TILE_BYTES + PACKED_A_BYTES + PACKED_B_BYTES;

/** The addresses of a region's scratch. */
export interface Scratch {
  readonly tile: number;
  readonly packedA: number;
  readonly packedB: number;
  readonly table: number;
}

export function scratchAt(start: number): Scratch {
  const packedA = start + TILE_BYTES;
  return { tile: start, packedA, packedB: packedA + PACKED_A_BYTES, table: packedA };
}
