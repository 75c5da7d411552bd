export * from './config.ts';
export type { ForeignModel, Training } from './foreignModel.ts';
export { FormatError } from './formatError.ts';
export { type KerasWriting, writeKeras } from './kerasExport.ts';
export { type KerasReading, readKeras } from './kerasFile.ts';
export type { ElementType, NamedArray, NamedArrays } from './namedArrays.ts';
export { readNpy, readNpz, writeNpy, writeNpz } from './npz.ts';
export { type OnnxModel, type OnnxReading, readOnnx } from './onnx.ts';
export { type OnnxWriting, writeOnnx } from './onnxExport.ts';
export {
  fromStateDict,
  type StateDictReading,
  type StateDictWriting,
  type StateTensor,
  toStateDict,
} from './stateDict.ts';
export { readTfjs, type TfjsReading } from './tfjs.ts';
export { readTorch, type TorchReading } from './torch.ts';
