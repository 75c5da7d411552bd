export * from './arbitraries.ts';
export * from './checkLayer.ts';
