export * from './engine.ts';
export { hasWasmSimd } from './module.ts';
export { whyNoThreads } from './threads.ts';
