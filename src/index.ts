export * from './bptt/index.ts';
export * from './data/index.ts';
export * from './layers/index.ts';
export * from './optim/index.ts';
export * from './tensor/index.ts';
