export * from './engine.ts';
export { panelLengths } from './matmul.ts';
export { hasFusedMultiplyAdd, hasWasmSimd } from './module.ts';
export { ThreadStartError, whyNoThreads } from './threads.ts';
