/** How many times as much as usual is tried where a test draws at random: `BPTT_EFFORT=10` for a long look. */
export const EFFORT: number = Number(process.env.BPTT_EFFORT ?? 1);
