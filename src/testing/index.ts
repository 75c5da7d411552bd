export * from './arbitraries.ts';
export * from './checkCell.ts';
export * from './checkFormula.ts';
export * from './checkLayer.ts';
export * from './checkLoss.ts';
