import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('..', import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, { 'bptt-source': string } | string>;
};

/** What each entry point exports beside types. Who adds a name puts it here: a name that is exported has to stay. */
const NAMES: Readonly<Record<string, string>> = {
  '.': `
    CELL_NAMES CpuTrainer ENGINE_NAMES InferenceModel InferenceSession Inspector LOSS_NAMES METRIC_NAMES
    NONLINEARITIES NonFiniteError ParameterBlock RecurrentStack Sampler SequenceModel Stepper Trainer
    addWeightGradients allocationPlan assertGradcheck beamSearch createModel createSampler createTrainer decodeModel
    defaultStages encodeModel fit forecast formatGradcheck formulaCell gradcheck initialParameters
    inspectorAllocationPlan linearGradients loadModel loadTrainer parameterCount parameterLayout readSafetensors
    resolveSpec sampleFrom saveModel saveTrainer sigmoidSlope sizingEngine specFromJson specToJson
    stepperAllocationPlan summary tanhSlope tsEngine writeSafetensors`,
  './static': `
    createModel createTrainer loadModel loadTrainer saveModel saveTrainer`,
  './tensor': `
    RandomState add addRow addRowBackward addScaled clip clipBackward dtypeOf exp expBackward expOf gatherColumns
    gatherColumnsBackward gatherRows gatherRowsBackward layerNorm layerNormBackward log log1pOf logBackward logOf
    logSoftmax logSoftmaxBackward logSumExp logSumExpBackward logSumExpOf logistic matmulNN matmulNNBackward matmulNT
    matmulNTBackward matmulTN matmulTNBackward matvec matvecBackward maxAxis maxAxisBackward multiply multiplyBackward
    multiplyRow multiplyRowBackward outer outerBackward pairwiseSum placeColumns powOf relu reluBackward scale
    scaleBackward scaleRows scaleRowsBackward setSimd sigmoid sigmoidBackward simdCounts singularValues softmax
    softmaxBackward sumAxis sumAxisBackward sumOfSquares takeColumns tanh tanhBackward tanhOf zeros`,
  './tensor/ndarray': `
    add addRow addRowBackward addScaled clip clipBackward exp expBackward gatherColumns gatherColumnsBackward
    gatherRows gatherRowsBackward log logBackward logSoftmax logSoftmaxBackward logSumExp logSumExpBackward matmulNN
    matmulNNBackward matmulNT matmulNTBackward matmulTN matmulTNBackward matvec matvecBackward maxAxis maxAxisBackward
    multiply multiplyBackward multiplyRow multiplyRowBackward ndarray ops outer outerBackward relu reluBackward
    rowMajor scale scaleBackward scaleRows scaleRowsBackward sigmoid sigmoidBackward softmax softmaxBackward sumAxis
    sumAxisBackward tanh tanhBackward`,
  './tensor/numpy': `
    T abs add argmax around array clipInPlace column copy copyto divide dot exp iadd imul isclose isub log mean
    multiply negative outer roundHalfEven row sign sqrt subtract sum tanh tolist zeros zerosLike`,
  './layers': `
    clearRows ctc ctcBackward ctcForward ctcGreedyDecode ctcTooShort drawDropoutMask elman formulaCell glorotInit gru
    gruResetBefore holdStateBackward holdStateForward linearBackward linearForward lstm lstmPeephole minGru normalInit
    oneHotLinearBackward oneHotLinearForward orthogonalInit sigmoidCrossEntropy sigmoidCrossEntropyBackward
    sigmoidCrossEntropyForward sigmoidSlope softmaxCrossEntropy softmaxCrossEntropyBackward softmaxCrossEntropyForward
    spectralInit squaredError squaredErrorBackward squaredErrorForward squaredErrorOfSigmoid startStateBackward
    startStateForward tanhSlope uniformInit zeroInit`,
  './algebra': `
    RowAlgebra dualAlgebra exactly float32Precision isWithin numberAlgebra radiusAlgebra`,
  './optim': `
    adagrad adam adamw clipByNorm clipByValue cosineDecay formulaOptimizer gradientNorm l2Backward l2Forward
    learningRateAt makeMemory notebookRprop optimizerOf rmsprop rprop sgd signOf stepDecay warmUp whereNonZero`,
  './data': `
    ADDING_BASELINE CharVocabulary CharWindows LabelMap REBER_AUTOMATON REBER_SYMBOLS SENTENCE_END SENTENCE_START
    Standardizer UNKNOWN WordVocabulary addingProblem additionBatch additionProblem airlinePassengers binary2int
    bucketByLength copyingBaseline copyingProblem copyingSteps countingData decodeUtf8 embeddedNextSymbols
    embeddedReberWord getNEmbeddedExamples getNExamples getOneEmbeddedExample getOneExample inEmbeddedGrammar
    inGrammar int2binary joinTokens nextSymbols oneHot padSequences reberWord sequenceToWord seriesWindows sineData
    splitInTime splitTail tokenizeWords wordToIds wordToOneHots`,
  './wasm': `
    ThreadStartError hasFusedMultiplyAdd hasWasmSimd panelLengths wasmEngine wasmEngines whyNoThreads whyOneThread`,
  './webgpu': `
    CommandList Commands Device DeviceBuffer ELEMENT_BYTES MAX_REPEATS Memory Pipelines ROW_MAX_WGSL ROW_SUM_WGSL
    SIGMOID_WGSL SLOT_BYTES SLOT_WORDS Storage TANH_WGSL WebgpuError add addRow addRowBackward addScaled clearRows
    clip clipBackward clipByNorm clipByValue copy exp expBackward fill gatherColumns gatherColumnsBackward gatherRows
    gatherRowsBackward holdStateBackward holdStateForward layerNorm layerNormBackward linearForward logSoftmax
    logSoftmaxBackward matmul matmulNN
    matmulNNBackward matmulNT matmulNTBackward matmulTN matmulTNBackward matvec matvecBackward maxAxis maxAxisBackward
    messageOf multiply multiplyBackward oneHotLinearBackward oneHotLinearForward openDevice placeColumns planMatmul
    relu reluBackward scale sigmoid sigmoidBackward sigmoidCrossEntropyBackward sigmoidCrossEntropyForward softmax
    softmaxBackward softmaxCrossEntropyBackward softmaxCrossEntropyForward squaredErrorBackward squaredErrorForward
    startStateBackward startStateForward sumAxis sumAxisBackward sumOfSquares takeColumns tanh tanhBackward
    webgpuEngine webgpuPredictor webgpuSampler webgpuTrainer`,
  './webgpu/self-test': `
    selfTest`,
  './interop': `
    FormatError fromStateDict modelConfig readKeras readNpy readNpz readOnnx readTfjs readTorch specOfConfig
    toStateDict writeKeras writeNpy writeNpz writeOnnx`,
  './testing': `
    EXACT_TOLERANCE arbitraryLengths arbitraryParameters arbitrarySizes arbitraryTensor assertExact cellStep checkCell
    checkFormula checkLayer checkLoss compareExactly formulaOfCell lengthOf`,
};

test('the entry points are these', () => {
  expect(Object.keys(exports).filter((entry) => entry !== './package.json')).toEqual(Object.keys(NAMES));
});

test.each(Object.entries(NAMES))('%s exports these names', async (entry, names) => {
  const { 'bptt-source': source } = exports[entry] as { 'bptt-source': string };
  const entryPoint: object = await import(new URL(source, root).href);
  expect(Object.keys(entryPoint).sort()).toEqual(names.trim().split(/\s+/));
});
