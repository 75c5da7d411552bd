/**
 * The bytes that this process holds after garbage was collected: the heap, and what hangs on it, among which are the
 * memories of engine `wasm`.
 *
 * @param script who asks: `bench:sessions`
 * @throws {Error} where node runs without --expose-gc.
 */
export function bytesHeld(script: string): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error(`${script}: run node with --expose-gc, as npm run ${script} does`);
  // What a collection frees may hold what only the next one frees.
  for (let i = 0; i < 3; i++) gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
