/**
 * The first bytes of every memory, which no kernel leaves anything in for another: what `matmul.ts` packs, and a tile at
 * the edge of C; between products the tables of `gather.ts`.
 */
export const BLOCK_M = 128;
export const BLOCK_N = 256;
export const BLOCK_K = 256;
/** 4×8 floats. */
export const TILE = 0;
/** [BLOCK_M,BLOCK_K] in panels of 4 rows. */
export const PACKED_A: number = TILE + 4 * 32;
/** [BLOCK_K,BLOCK_N] in panels of 8 columns. */
export const PACKED_B: number = PACKED_A + 4 * BLOCK_M * BLOCK_K;
export const SCRATCH_BYTES: number = PACKED_B + 4 * BLOCK_K * BLOCK_N;
/** In the room of both. */
export const TABLE: number = PACKED_A;
export const TABLE_BYTES: number = SCRATCH_BYTES - TABLE;
