export {
  arbitraryLengths,
  arbitraryParameters,
  arbitrarySizes,
  arbitraryTensor,
  lengthOf,
  type Shape,
  type SizeRange,
} from './arbitraries.ts';
export * from './checkCell.ts';
export * from './checkFormula.ts';
export * from './checkLayer.ts';
export * from './checkLoss.ts';
