export * from './engine.ts';
export { hasFusedMultiplyAdd, hasWasmSimd } from './module.ts';
export { whyNoThreads } from './threads.ts';
