export * from './engine.ts';
export { hasFusedMultiplyAdd, hasWasmSimd } from './module.ts';
export { type FileAddress, ThreadStartError, whyNoThreads } from './threads.ts';
