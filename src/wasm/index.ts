export * from './engine.ts';
export { hasWasmSimd } from './module.ts';
