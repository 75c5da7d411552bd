export * from './engine.ts';
export { hasFusedMultiplyAdd, hasWasmSimd } from './module.ts';
export { ThreadStartError, whyNoThreads } from './threads.ts';
