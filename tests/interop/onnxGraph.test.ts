import { describe, expect, test } from 'vitest';
import { FormatError, type OnnxReading, readOnnx, writeOnnx } from '../../src/interop/index.ts';
import { encodeOnnx, type OnnxAttribute, type OnnxNode, type OnnxTensor } from '../../src/interop/onnxProto.ts';
import { MessageWriter } from '../../src/interop/protobuf.ts';
import { expectClose } from './expectAnswer.ts';
import { netOf } from './nets.ts';
import { answer } from './reference.ts';

const [D, H, V] = [3, 2, 4];

type Line = [op: string, inputs: string, outputs: string, attributes?: Record<string, OnnxAttribute>];

const floats = (shape: number[], scale = 0.5): OnnxTensor => {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, values: Float32Array.from({ length }, (_, i) => scale * Math.sin(i + shape.length)), integer: false };
};
const ints = (...values: number[]): OnnxTensor => ({
  shape: [values.length],
  values: Float64Array.from(values),
  integer: true,
});
const scalar = (value: number): OnnxTensor => ({ ...ints(value), shape: [] });

const common: Record<string, OnnxTensor> = {
  W: floats([1, 4 * H, D]),
  R: floats([1, 4 * H, H]),
  B: floats([1, 8 * H]),
  W1: floats([1, 4 * H, H]),
  W2: floats([2, 4 * H, D]),
  R2: floats([2, 4 * H, H]),
  Wr: floats([1, H, D]),
  Rr: floats([1, H, H]),
  Wg: floats([1, 3 * H, D]),
  Rg: floats([1, 3 * H, H]),
  head: floats([H, V]),
  turned: floats([V, H]),
  shift: floats([V]),
  table: floats([6, D]),
  axis0: ints(0),
  axis1: ints(1),
  both: ints(0, 1),
  last: scalar(-1),
  lastList: ints(-1),
  first: scalar(0),
  rows: ints(-1, H),
  apart: ints(5, 2, V),
  wrong: ints(-1, 3),
  depth: scalar(D),
  offOn: floats([2]),
};
common.offOn.values.set([0, 1]);

/** A graph of an input x [T,B,D], or as said, and the output y. */
function graph(
  lines: Line[],
  inputs: Record<string, (number | string)[]> = { x: ['T', 'B', D] },
  extra: Record<string, OnnxTensor> = {},
  outputs = 'y',
  named = true,
): Uint8Array {
  const names = (text: string) => (text === '' ? [] : text.split(' ').map((name) => name.replace('-', '')));
  const nodes: OnnxNode[] = lines.map(([op, from, to, attributes = {}], i) => ({
    name: named ? `n${i}` : '',
    op,
    domain: '',
    inputs: names(from),
    outputs: names(to),
    attributes: new Map(Object.entries(attributes)),
  }));
  const info = (name: string, shape: (number | string)[]) => ({ name, type: 'float32' as const, shape });
  return encodeOnnx({
    name: 'test',
    nodes,
    initializers: new Map(Object.entries({ ...common, ...extra })),
    inputs: Object.entries(inputs).map(([name, shape]) => info(name, shape)),
    outputs: names(outputs).map((name) => info(name, [])),
  });
}

const LSTM: Line = ['LSTM', 'x W R B', 'Y h c', { hidden_size: H }];
const SQUEEZE: Line = ['Squeeze', 'Y axis1', 's'];
const MATMUL: Line = ['MatMul', 's head', 'm'];
const ADD: Line = ['Add', 'm shift', 'y'];
const plain = readOnnx(graph([LSTM, SQUEEZE, MATMUL, ADD]));

describe('the same net, written another way', () => {
  test.each<[string, Uint8Array, OnnxReading?]>([
    [
      'Gemm behind a Reshape, and apart again',
      graph([LSTM, SQUEEZE, ['Reshape', 's rows', 'r'], ['Gemm', 'r head shift', 'g'], ['Reshape', 'g apart', 'y']]),
    ],
    [
      'Gemm with its weights turned',
      graph([LSTM, SQUEEZE, ['Reshape', 's rows', 'r'], ['Gemm', 'r turned shift', 'y', { transB: 1 }]], undefined, {
        turned: { ...common.turned, values: turnedHead() },
      }),
    ],
    [
      'Identity, Dropout and Cast',
      graph([
        ['Cast', 'x', 'x1', { to: 1 }],
        ['LSTM', 'x1 W R B', 'Y h c'],
        ['Dropout', 'Y', 'd mask'],
        ['Identity', 'd', 'i'],
        ['Squeeze', 'i', 's', { axes: [1] }],
        MATMUL,
        ['Add', 'shift m', 'y'],
      ]),
    ],
    [
      'batch first, turned before and after',
      graph([
        ['Transpose', 'x', 'x1', { perm: [1, 0, 2] }],
        ['LSTM', 'x1 W R B', 'Y h c'],
        SQUEEZE,
        ['Transpose', 's', 't', { perm: [1, 0, 2] }],
        ['MatMul', 't head', 'm'],
        ADD,
      ]),
    ],
    [
      'layout 1',
      graph([['LSTM', 'x W R B', 'Y h c', { layout: 1 }], ['Squeeze', 'Y two', 's'], MATMUL, ADD], undefined, {
        two: ints(2),
      }),
    ],
    [
      'states of zeros, made by the sizes of x',
      graph([
        ['Shape', 'x', 'n'],
        ['Gather', 'n axis1', 'b'],
        ['Unsqueeze', 'b axis0', 'u'],
        ['Concat', 'axis1 b both', 'k', { axis: 0 }],
        ['ConstantOfShape', 'k', 'z'],
        ['Expand', 'z k', 'e'],
        ['LSTM', 'x W R B - e z', 'Y h c'],
        SQUEEZE,
        MATMUL,
        ADD,
      ]),
    ],
    [
      'states of zeros, constant',
      graph([
        ['Constant', '', 'z', { value: { ...floats([1, 1, H], 0) } }],
        ['LSTM', 'x W R B - z z', 'Y h c'],
        SQUEEZE,
        MATMUL,
        ADD,
      ]),
    ],
    [
      'weights that the caller gives',
      graph([LSTM, SQUEEZE, MATMUL, ADD], { x: ['T', 'B', D], B: [1, 8 * H] }),
      { inputs: { B: { shape: [1, 8 * H], dtype: 'F32', values: common.B.values } } },
    ],
    ['an input whose rank is not said', withoutShape(graph([LSTM, SQUEEZE, MATMUL, ADD]))],
    [
      'a bias reshaped',
      graph([['Reshape', 'shift whole', 'b'], LSTM, SQUEEZE, MATMUL, ['Add', 'm b', 'y']], undefined, {
        whole: ints(1, 1, V),
      }),
    ],
  ])('%s', (_, file, options) => {
    const { spec, parameters } = readOnnx(file, options);
    expect(spec).toEqual(plain.spec);
    expect(parameters).toStrictEqual(plain.parameters);
  });

  /** The TensorTypeProto of x with its shape (field 2) under a number that nobody reads (3). */
  function withoutShape(file: Uint8Array): Uint8Array {
    const at = Buffer.from(file).lastIndexOf(Uint8Array.of(0x0a, 1, 0x78, 0x12));
    const patched = file.slice();
    patched[at + 9] += 8;
    return patched;
  }

  function turnedHead(): Float32Array {
    return Float32Array.from({ length: V * H }, (_, i) => common.head.values[(i % H) * V + Math.floor(i / H)]);
  }
});

describe('what stands around the layers', () => {
  test('a softmax, a sigmoid', () => {
    const softmax = readOnnx(
      graph([LSTM, SQUEEZE, MATMUL, ['Add', 'm shift', 'a'], ['Softmax', 'a', 'y', { axis: 2 }]]),
    );
    expect(softmax.spec.loss).toBe('softmaxCrossEntropy');
    const sigmoid = graph([LSTM, SQUEEZE, MATMUL, ['Sigmoid', 'm', 'y']]);
    expect(readOnnx(sigmoid).spec).toMatchObject({
      loss: 'squaredError',
      outputActivation: 'sigmoid',
      outputBias: false,
    });
    const trained = readOnnx(sigmoid, { spec: { loss: 'sigmoidCrossEntropy' } }).spec;
    expect(trained.loss).toBe('sigmoidCrossEntropy');
    expect(trained.outputActivation).toBeUndefined();
    expect(() => readOnnx(sigmoid, { spec: { loss: 'softmaxCrossEntropy' } })).toThrow(
      'loss softmaxCrossEntropy does not go with a net that ends in sigmoid',
    );
  });

  test('an embedding is folded; one-hot vectors are ids as they are', () => {
    const file = graph([['Gather', 'table ids', 'x'], LSTM, SQUEEZE, MATMUL, ADD], { ids: ['T', 'B'] });
    const model = readOnnx(file);
    expect(model.spec).toMatchObject({ input: 'ids', inputSize: 6 });
    const ids = [5, 0, 2, 3];
    const vectors = ids.flatMap((id) => Array.from(common.table.values.subarray(D * id, D * id + D)));
    expectClose(answer(model, { T: 2, B: 2, x: ids }).y, answer(plain, { T: 2, B: 2, x: vectors }).y, 1e-6);
    const oneHot = readOnnx(
      graph([['OneHot', 'ids depth offOn', 'x'], LSTM, SQUEEZE, MATMUL, ADD], { ids: ['T', 'B'] }),
    );
    expect(oneHot.spec).toEqual({ ...plain.spec, input: 'ids' });
    expect(oneHot.parameters).toStrictEqual(plain.parameters);
  });

  test('the last step: from Y_h, from h[-1], from the outputs', () => {
    const head: Line[] = [['Gemm', 'l head shift', 'y']];
    for (const lines of [
      [['Squeeze', 'h axis0', 'l']],
      [['Gather', 'h last', 'l', { axis: 0 }]],
      [SQUEEZE, ['Gather', 's last', 'l', { axis: 0 }]],
    ] as Line[][]) {
      const { spec, parameters, recognised } = readOnnx(graph([LSTM, ...lines, ...head]));
      expect(spec).toEqual({ ...plain.spec, lossAt: 'last' });
      expect(parameters).toStrictEqual(plain.parameters);
      expect(recognised.join()).toContain('output y: the output layer, of the last step');
    }
  });

  test('an embedding before both directions; a constant state, batch first', () => {
    const both: Line[] = [
      ['Gather', 'table ids', 'x'],
      ['LSTM', 'x W2 R2', 'Y h c', { direction: 'bidirectional' }],
      ['Transpose', 'Y', 'a', { perm: [0, 2, 1, 3] }],
      ['Reshape', 'a joined', 'y'],
    ];
    const { spec, parameters } = readOnnx(graph(both, { ids: ['T', 'B'] }, { joined: ints(0, 0, 2 * H) }));
    expect(spec).toMatchObject({ bidirectional: true, inputSize: 6, outputSize: 0 });
    expect(parameters.weight_ih_l0_reverse).toHaveLength(4 * H * 6);
    const start = { start: { ...floats([2, 1, H]), values: Float32Array.of(1, 2, 1, 2) } };
    const learned = readOnnx(graph([['LSTM', 'x W R B - start', 'Y h c', { layout: 1 }]], undefined, start, 'Y h c'));
    expect(learned.spec).toMatchObject({ initialState: 'learned', outputSize: 0 });
    expect(learned.parameters.h0_l0).toEqual(Float32Array.of(1, 2));
  });

  test('a softmax of an older operator set is along axis 1 where it does not say', () => {
    const older = (file: Uint8Array) => {
      // The last four bytes are the operator set: domain '' and version 14.
      const copy = file.slice();
      expect(copy[copy.length - 1]).toBe(14);
      copy[copy.length - 1] = 11;
      return copy;
    };
    const lines: Line[] = [LSTM, SQUEEZE, MATMUL, ['Softmax', 'm', 'y']];
    expect(readOnnx(graph(lines)).spec.loss).toBe('softmaxCrossEntropy');
    expect(() => readOnnx(older(graph(lines)))).toThrow('node n3 (Softmax): along axis 1');
    const last: Line[] = [LSTM, ['Squeeze', 'h axis0', 's'], MATMUL, ['LogSoftmax', 'm', 'y']];
    expect(readOnnx(older(graph(last))).spec).toMatchObject({ loss: 'softmaxCrossEntropy', lossAt: 'last' });
  });

  test('two layers, the states as parts of one input or as inputs of their own', () => {
    const second: Line = ['LSTM', 's W1 R B - h1 c1', 'Z k l'];
    const end: Line[] = [
      ['Squeeze', 'Z axis1', 't'],
      ['MatMul', 't head', 'm'],
      ADD,
      ['Concat', 'h k', 'hT', { axis: 0 }],
    ];
    const states = { h0: [2, 'B', H], c0: [2, 'B', H] };
    const split: Line[] = [
      ['Split', 'h0', 'a h1', { axis: 0, split: [1, 1] }],
      ['Slice', 'c0 axis0 axis1 axis0', 'b'],
      ['Slice', 'c0 axis1 end axis0', 'c1'],
    ];
    const own = { a: [1, 'B', H], b: [1, 'B', H], h1: [1, 'B', H], c1: [1, 'B', H] };
    const first: Line = ['LSTM', 'x W R B - a b', 'Y h c'];
    const x = ['T', 'B', D];
    for (const file of [
      graph([...split, first, SQUEEZE, second, ...end], { x, ...states }, { end: ints(2) }, 'y hT'),
      graph([first, SQUEEZE, second, ...end], { x, ...own }, {}, 'y hT'),
    ]) {
      const { spec, recognised } = readOnnx(file);
      expect(spec).toMatchObject({ layers: 2, initialState: 'zero' });
      expect(recognised.join('\n')).toContain('output hT: the last h of layers 0, 1');
    }
  });

  test('a constant state is a learned one', () => {
    const row = floats([1, 1, H]);
    const { spec, parameters } = readOnnx(
      graph([['Expand', 'row both', 'e'], ['LSTM', 'x W R B - e', 'Y h c'], SQUEEZE, MATMUL, ADD], undefined, { row }),
    );
    expect(spec.initialState).toBe('learned');
    expect(parameters.h0_l0).toEqual(row.values);
    expect(parameters.c0_l0).toEqual(new Float32Array(H));
  });
});

describe('refused by the names of the nodes, all of them at once', () => {
  const head: Line[] = [SQUEEZE, MATMUL, ADD];
  const lstm = (attributes: Record<string, OnnxAttribute>, inputs = 'x W R B'): Line => [
    'LSTM',
    inputs,
    'Y h c',
    attributes,
  ];
  test.each<[string, Line[], string]>([
    ['clip', [lstm({ clip: 3 }), ...head], 'node n0 (LSTM): clip is not supported'],
    ['input_forget', [lstm({ input_forget: 1 }), ...head], 'node n0 (LSTM): input_forget is not supported'],
    [
      'clip and input_forget',
      [lstm({ clip: 3, input_forget: 1 }), ...head],
      'clip is not supported; node n0 (LSTM): input_forget',
    ],
    [
      'other activations',
      [lstm({ activations: ['HardSigmoid', 'Tanh', 'Tanh'] }), ...head],
      'activations HardSigmoid, Tanh, Tanh, expected Sigmoid, Tanh, Tanh',
    ],
    [
      'other activations of a GRU',
      [['GRU', 'x Wg Rg', 'Y h', { activations: ['Sigmoid', 'Relu'] }], ...head],
      'activations Sigmoid, Relu, expected Sigmoid, Tanh',
    ],
    [
      'a LeakyRelu',
      [['RNN', 'x Wr Rr', 'Y h', { activations: ['LeakyRelu'] }], ...head],
      'activations LeakyRelu, expected Tanh, Relu',
    ],
    [
      'an Affine that scales',
      [['RNN', 'x Wr Rr', 'Y h', { activations: ['Affine'], activation_alpha: [2] }], ...head],
      'activations Affine',
    ],
    [
      'two activations',
      [['RNN', 'x Wr Rr', 'Y h', { activations: ['Tanh', 'Relu'] }], ...head],
      'activations Tanh, Relu',
    ],
    ['a direction', [lstm({ direction: 'sideways' }), ...head], 'direction sideways'],
    ['wrong sizes', [lstm({ hidden_size: 3 }), ...head], 'W has shape [1,8,3], expected [1,12,3]'],
    [
      'weights that are computed',
      [['Relu', 'x', 'w'], lstm({}, 'x x R'), ...head],
      'node n0 (Relu): no such operation here; node n1 (LSTM): its weights are not constant',
    ],
    ['lengths that are constant', [lstm({}, 'x W R B axis0'), ...head], 'its sequence_lens are no input of the graph'],
    ['an operation before', [['Relu', 'x', 'r'], lstm({}, 'r W R'), ...head], 'node n0 (Relu): no such operation here'],
    [
      'a second output layer',
      [LSTM, SQUEEZE, MATMUL, ['MatMul', 's head', 'y']],
      'node n3 (MatMul): a second output layer',
    ],
    [
      'a hidden layer',
      [LSTM, SQUEEZE, ['MatMul', 's square', 'a'], ['Tanh', 'a', 'y']],
      'node n3 (Tanh): no such operation here',
    ],
    [
      'a residual connection',
      [LSTM, SQUEEZE, ['Add', 's s', 'y']],
      'node n2 (Add): on the states of layer 0 [T,B,F], the states of layer 0',
    ],
    [
      'a second bias',
      [LSTM, SQUEEZE, MATMUL, ['Add', 'm shift', 'a'], ['Add', 'a shift', 'y']],
      'node n4 (Add): adds [4] to the output layer',
    ],
    [
      'a softmax along time',
      [LSTM, SQUEEZE, MATMUL, ['Softmax', 'm', 'y', { axis: 0 }]],
      'node n3 (Softmax): along axis 0',
    ],
    [
      'a scaled Gemm',
      [LSTM, SQUEEZE, ['Reshape', 's rows', 'r'], ['Gemm', 'r head shift', 'y', { alpha: 2 }]],
      'alpha 2, beta 1',
    ],
    [
      'a Gemm with another bias',
      [LSTM, SQUEEZE, ['Reshape', 's rows', 'r'], ['Gemm', 'r head table', 'y']],
      'C has shape [6,3], expected [4]',
    ],
    ['a head of another width', [lstm({}), SQUEEZE, ['MatMul', 's table', 'y']], 'weights of 6 inputs behind 2 states'],
    [
      'a Reshape that mixes',
      [LSTM, SQUEEZE, ['Reshape', 's wrong', 'y']],
      'node n2 (Reshape): on the states of layer 0',
    ],
    [
      'a state that is computed from x',
      [lstm({}, 'x W R B - Y'), ...head],
      'node n0 (LSTM): reads Y, which nothing before it makes',
    ],
    [
      'another part of the states',
      [['Slice', 'x axis1 end axis0', 'p'], lstm({}, 'x W R B - p'), ...head],
      'initial_h is rows 1 to 2 of x',
    ],
    [
      'a state of its own for each sequence',
      [lstm({}, 'x W R B - many'), ...head],
      'initial_h is another constant for each sequence',
    ],
    ['a state of another shape', [lstm({}, 'x W R B - table'), ...head], 'initial_h has shape [6,3]'],
    [
      'a Slice of two axes',
      [['Slice', 'x both two both', 'p'], lstm({}, 'x W R B - p'), ...head],
      'node n0 (Slice): on input x',
    ],
    [
      'a Slice with steps',
      [['Slice', 'x axis0 end axis0 end', 'p'], lstm({}, 'p W R B'), ...head],
      'node n0 (Slice): on input x',
    ],
    [
      'part of x',
      [['Slice', 'x axis0 end axis0', 'p'], lstm({}, 'p W R B'), ...head],
      'node n1 (LSTM): reads input x, expected an input of the graph',
    ],
    [
      'a part turned',
      [
        ['Slice', 'x axis0 end axis0', 'p'],
        ['Transpose', 'p', 'q', { perm: [1, 0, 2] }],
        lstm({}, 'x W R B - q'),
        ...head,
      ],
      'node n1 (Transpose)',
    ],
    [
      'a Transpose of another rank',
      [['Transpose', 'x', 'a', { perm: [1, 0] }], lstm({}, 'a W R'), ...head],
      'node n0 (Transpose): on input x',
    ],
    [
      'a Transpose that says nothing, which reverses',
      [['Transpose', 'x', 'a'], lstm({}, 'a W R'), ...head],
      'with its axes in the order 2,1,0',
    ],
    [
      'a Squeeze of a weight that is not 1',
      [['Squeeze', 'W axis1', 'w'], lstm({}, 'x w R'), ...head],
      'node n0 (Squeeze): on a constant [1,8,3]',
    ],
    [
      'a Squeeze of time',
      [LSTM, ['Squeeze', 'Y axis0', 'y']],
      'node n1 (Squeeze): on the states of layer 0 [T,dir,B,H]',
    ],
    ['a Squeeze of x', [['Squeeze', 'x axis0', 'a'], lstm({}, 'a W R'), ...head], 'node n0 (Squeeze): on input x'],
    [
      'an Unsqueeze of x',
      [['Unsqueeze', 'x axis0', 'a'], lstm({}, 'a W R'), ...head],
      'node n0 (Unsqueeze): on input x',
    ],
    [
      'a Split along time',
      [['Split', 'x', 'a b', { axis: 1 }], lstm({}, 'a W R'), ...head],
      'node n0 (Split): on input x',
    ],
    ['a Split without sizes', [['Split', 'x', 'a b'], lstm({}, 'a W R'), ...head], 'node n0 (Split): on input x'],
    [
      'a Gather of the first step',
      [LSTM, SQUEEZE, ['Gather', 's first', 'l'], ['MatMul', 'l head', 'y']],
      'node n2 (Gather): on the states of layer 0 [T,B,F], a constant []',
    ],
    [
      'a Gather by a list',
      [LSTM, SQUEEZE, ['Gather', 's lastList', 'l'], ['MatMul', 'l head', 'y']],
      'node n2 (Gather)',
    ],
    ['a Gather of x', [['Gather', 'x first', 'l'], lstm({}, 'l W R'), ...head], 'node n0 (Gather)'],
    [
      'two embeddings',
      [['Gather', 'table x2', 'e'], ['Gather', 'table e', 'f'], lstm({}, 'f W R'), ...head],
      'node n1 (Gather)',
    ],
    ['a OneHot of other values', [['OneHot', 'x2 depth both3', 'e'], lstm({}, 'e W R'), ...head], 'node n0 (OneHot)'],
    [
      'a OneHot along time',
      [['OneHot', 'x2 depth offOn', 'e', { axis: 0 }], lstm({}, 'e W R'), ...head],
      'node n0 (OneHot)',
    ],
    [
      'a OneHot of another size',
      [['OneHot', 'x2 six offOn', 'e'], lstm({}, 'e W R'), ...head],
      'vectors of 6 numbers before weights of 3',
    ],
    [
      'a Cast of the outputs',
      [LSTM, ['Cast', 'Y', 'd', { to: 10 }], SQUEEZE, MATMUL, ADD],
      'node n1 (Cast): on the states of layer 0',
    ],
    ['a Constant of texts', [['Constant', '', 'k', { value_strings: ['a'] }], LSTM, ...head], 'node n0 (Constant)'],
    [
      'a Reshape of sizes that do not fit',
      [['Reshape', 'B wrong', 'b'], lstm({}, 'x W R b'), ...head],
      'node n0 (Reshape): on a constant [1,16]',
    ],
    ['a Gemm of three axes', [LSTM, SQUEEZE, ['Gemm', 's head shift', 'y']], 'node n2 (Gemm)'],
    [
      'a Gemm of the transpose',
      [LSTM, SQUEEZE, ['Reshape', 's rows', 'r'], ['Gemm', 'r head shift', 'y', { transA: 1 }]],
      'node n3 (Gemm)',
    ],
    [
      'a MatMul by three axes',
      [LSTM, SQUEEZE, ['MatMul', 's W', 'y']],
      'node n2 (MatMul): on the states of layer 0 [T,B,F], a constant [1,8,3]',
    ],
    [
      'the last c',
      [LSTM, ['Squeeze', 'c axis0', 'l'], ['MatMul', 'l head', 'y']],
      'node n2 (MatMul): on the last c [B,H]',
    ],
    [
      'an Add of sizes',
      [['Shape', 'x', 'n'], ['Add', 'n axis1', 'k'], LSTM, ...head],
      'node n1 (Add): on sizes, a constant [1]',
    ],
    ['a state of sizes', [['Shape', 'x', 'n'], lstm({}, 'x W R B - n'), ...head], 'initial_h is sizes'],
    [
      'a state made of outputs',
      [LSTM, ['LSTM', 'x W R B - h', 'Z k l']],
      'node n1 (LSTM): reads input x, expected the states of the layer before it',
    ],
    [
      'layers of two kinds',
      [LSTM, SQUEEZE, ['RNN', 's square1 Rr', 'Z k'], ['Squeeze', 'Z axis1', 'y']],
      'node n2 (RNN): is elman, tanh, forward, hidden_size 2, no lengths, the first layer is lstm',
    ],
    [
      'both directions at the last step',
      [
        lstm({ direction: 'bidirectional' }, 'x W2 R2'),
        ['Transpose', 'Y', 'a', { perm: [0, 2, 1, 3] }],
        ['Reshape', 'a joined', 'b'],
        ['Gather', 'b last', 'l'],
        ['MatMul', 'l wide', 'y'],
      ],
      'the last states of both directions',
    ],
    [
      'the last step in reverse',
      [lstm({ direction: 'reverse' }), SQUEEZE, ['Gather', 's last', 'l'], ['MatMul', 'l head', 'y']],
      'which is not where each of them ends',
    ],
    ['an output that is not there', [LSTM, SQUEEZE], 'output y: nothing'],
    ['no layer', [['Identity', 'x', 'y']], 'no RNN, GRU or LSTM node'],
    [
      'inputs turned inside out',
      [['Transpose', 'x', 'a', { perm: [2, 1, 0] }], lstm({}, 'a W R'), ...head],
      'with its axes in the order 2,1,0',
    ],
    ['a Dropout that is on', [LSTM, ['Dropout', 'Y first one', 'd'], SQUEEZE, MATMUL, ADD], 'node n1 (Dropout)'],
    [
      'an embedding of another width',
      [['Gather', 'head x2', 'e'], lstm({}, 'e W R'), ...head],
      'vectors of 4 numbers before weights of 3',
    ],
    [
      'an output layer in the middle',
      [LSTM, SQUEEZE, MATMUL, ['Add', 'm shift', 'y'], ['LSTM', 's W1 R B', 'Z k l']],
      'the output layer does not stand behind the last layer',
    ],
  ])('%s', (_, lines, message) => {
    const extra = {
      square: floats([H, H]),
      square1: floats([1, H, H]),
      joined: ints(0, 0, -1),
      wide: floats([2 * H, V]),
      end: ints(2),
      two: ints(2, 2),
      both3: ints(0, 2),
      six: scalar(6),
      many: floats([1, 3, H]),
      one: { ...floats([]), values: Float32Array.of(1) },
    };
    const file = graph(lines, { x: ['T', 'B', D], x2: ['T', 'B'] }, extra);
    expect(() => readOnnx(file)).toThrow(FormatError);
    expect(() => readOnnx(file)).toThrow(message);
  });

  test('an operator of another domain, an input that is none', () => {
    const net = netOf({
      cell: 'gru',
      inputSize: D,
      hiddenSize: H,
      outputSize: 0,
      input: 'dense',
      loss: 'squaredError',
    });
    const file = writeOnnx(net);
    // field 7 of the node: its domain
    const node = new MessageWriter().text(1, 'x').text(2, 'y').text(3, 'n').text(4, 'Gelu').text(7, 'com.microsoft');
    const inner = new MessageWriter().message(1, node).message(12, new MessageWriter().text(1, 'y'));
    const model = new MessageWriter().message(7, inner).message(8, new MessageWriter().int(2, 14)).finish();
    expect(() => readOnnx(model)).toThrow('node n (Gelu): domain com.microsoft');
    expect(() => readOnnx(file, { inputs: { z: { shape: [], dtype: 'F32', values: new Float32Array(1) } } })).toThrow(
      'inputs has z, which is no input of the graph',
    );
  });

  test('lists that a few nodes would double without end', () => {
    const doubling = (what: string): Line[] =>
      Array.from({ length: 60 }, (_, i) => ['Concat', `${what}${i} ${what}${i}`, `${what}${i + 1}`, { axis: 0 }]);
    expect(() => readOnnx(graph([['Identity', 'both', 'k0'], ...doubling('k'), LSTM, ...head]))).toThrow('(Concat)');
    expect(() => readOnnx(graph([['LSTM', 'x W R B', 'Y h0 c'], ...doubling('h'), ...head]))).toThrow('(Concat)');
  });

  test('weights that very many nodes share', () => {
    const layers = Array.from({ length: 400 }, (_, i): Line[] => [
      ['LSTM', `s${i} W1 R`, `Y${i}`],
      ['Squeeze', `Y${i} axis1`, `s${i + 1}`],
    ]);
    const large = { W1: floats([1, 400, 100]), R: floats([1, 400, 100]), axis1: ints(1) };
    const file = graph(
      [['Identity', 'x', 's0'], ...layers.flat(), ['Identity', 's400', 'y']],
      { x: ['T', 'B', 100] },
      large,
    );
    expect(() => readOnnx(file)).toThrow('its weights are those of too many nodes');
  });
});

describe('the tensors of a file', () => {
  const tensorOf = (message: MessageWriter) => {
    const value = new MessageWriter().text(1, 'value').message(5, message).int(20, 4);
    const node = new MessageWriter().text(2, 'y').text(4, 'Constant').message(5, value);
    return new MessageWriter()
      .message(7, new MessageWriter().message(1, node))
      .message(8, new MessageWriter().int(2, 14))
      .finish();
  };
  test.each<[string, MessageWriter, string]>([
    ['strings', new MessageWriter().int(2, 8), 'has data type 8, expected floats or integers'],
    [
      'too few elements',
      new MessageWriter().int(1, 3).int(2, 1).bytes(9, new Uint8Array(8)),
      'has 2 elements, expected [3]',
    ],
    [
      'a shape without end',
      new MessageWriter()
        .int(1, 2 ** 31)
        .int(1, 2 ** 31)
        .int(2, 1),
      'at most 2³² elements',
    ],
    [
      'halves as whole numbers',
      new MessageWriter().int(1, 1).int(2, 10).int(5, 15360).int(5, 1),
      'has 2 elements, expected [1]',
    ],
  ])('%s', (_, message, error) => {
    expect(() => readOnnx(tensorOf(message))).toThrow(error);
  });

  test('elements in a file beside the model', () => {
    const entry = (key: string, value: string) => new MessageWriter().text(1, key).text(2, value);
    const stored = (offset: string, length: string) => {
      const places = [entry('location', 'net.data'), entry('offset', offset), entry('length', length)];
      const message = new MessageWriter()
        .int(1, 4 * H * D)
        .int(2, 1)
        .int(14, 1);
      for (const place of places) message.message(13, place);
      return message;
    };
    const W = new Uint8Array(Float32Array.from(common.W.values).buffer);
    const externalData = { 'net.data': Uint8Array.from([0, 0, 0, 0, ...W]) };
    const message = (offset: string, length: string, twice = false) => {
      const graph = new MessageWriter();
      for (let i = 0; i < (twice ? 6 : 1); i++) graph.message(5, stored(offset, length).text(8, `w${i}`));
      return new MessageWriter().message(7, graph).message(8, new MessageWriter().int(2, 14)).finish();
    };
    const size = `${W.length}`;
    expect(() => readOnnx(message('4', size))).toThrow(
      'the elements of w0 are in the file "net.data": give it in `externalData`',
    );
    expect(() => readOnnx(message('8', size), { externalData })).toThrow(
      `w0 is at byte 8 to ${8 + W.length} of net.data, which has ${4 + W.length}`,
    );
    expect(() => readOnnx(message('x', size), { externalData })).toThrow('w0 is at byte NaN');
    expect(() => readOnnx(message('4', size, true), { externalData })).toThrow(
      'the tensors share too much of net.data',
    );
    expect(() => readOnnx(message('4', size), { externalData })).toThrow('no RNN, GRU or LSTM node');
  });

  test('sparse initializers, no graph, a message that is none', () => {
    const model = (inner: MessageWriter) =>
      new MessageWriter().message(7, inner).message(8, new MessageWriter().int(2, 14)).finish();
    expect(() => readOnnx(model(new MessageWriter().message(15, new MessageWriter())))).toThrow(
      'sparse initializers are not supported',
    );
    expect(() => readOnnx(new Uint8Array(0))).toThrow('it has no graph or no operator set');
    expect(() => readOnnx(model(new MessageWriter().int(1, 3)))).toThrow('a number in the place of a message');
    expect(() => readOnnx(Uint8Array.of(0x0b))).toThrow('wire type 3 of field 1');
    expect(() => readOnnx(Uint8Array.of(0x00))).toThrow('not a protobuf message: field 0');
    expect(() => readOnnx(new Uint8Array(12).fill(0xff))).toThrow('a number of more than 10 bytes');
  });

  test('elements in lists instead of raw bytes', () => {
    const W = common.W.values;
    const listed = new MessageWriter()
      .int(1, 1)
      .int(1, 4 * H)
      .int(1, D)
      .int(2, 1);
    for (const value of W) listed.float(4, value);
    const raw = graph([LSTM, SQUEEZE, MATMUL, ADD]);
    expect(listed.finish().length).toBeGreaterThan(W.length * 5);
    // The same model with W as a Constant node whose floats stand one by one.
    const value = new MessageWriter().text(1, 'value').message(5, listed).int(20, 4);
    const node = new MessageWriter().text(2, 'Wlist').text(4, 'Constant').message(5, value).finish();
    const model = withFirstNode(raw, node, 'LSTM');
    expect(readOnnx(model).parameters).toStrictEqual(plain.parameters);
  });

  /** The model with one more node in front, and the first node reading `Wlist` instead of `W`. */
  function withFirstNode(_: Uint8Array, first: Uint8Array, __: string): Uint8Array {
    const rest = graph([['LSTM', 'x Wlist R B', 'Y h c', { hidden_size: H }], SQUEEZE, MATMUL, ADD]);
    // ModelProto: fields 1 and 2, then the graph (field 7): its length follows the tag 0x3a.
    const tag = rest.indexOf(0x3a);
    let at = tag + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = rest[at++];
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    const inner = new MessageWriter().bytes(1, first);
    const whole = Uint8Array.from([...inner.finish(), ...rest.subarray(at, at + length)]);
    return Uint8Array.from([
      ...rest.subarray(0, tag),
      ...new MessageWriter().bytes(7, whole).finish(),
      ...rest.subarray(at + length),
    ]);
  }
});

describe('writeOnnx', () => {
  const spec = {
    cell: 'lstm',
    inputSize: D,
    hiddenSize: H,
    outputSize: V,
    input: 'dense',
    loss: 'squaredError',
  } as const;

  test('a parameter that is missing is named', () => {
    const net = netOf(spec);
    expect(() => writeOnnx({ spec, parameters: { ...net.parameters, weight_ho: new Float32Array(2) } })).toThrow(
      'writeOnnx: weight_ho has 2 elements, expected [4,2]',
    );
    const { bias_ho: _, ...rest } = net.parameters;
    expect(() => writeOnnx({ spec, parameters: rest })).toThrow('writeOnnx: bias_ho has no elements, expected [4]');
  });

  test('what ONNX cannot say is refused', () => {
    expect(() => writeOnnx(netOf({ ...spec, bidirectional: true, lossAt: 'last' }))).toThrow(
      'lossAt is last in both directions',
    );
    expect(() => writeOnnx({ ...netOf({ ...spec, bidirectional: true }), reversed: true })).toThrow(
      'reversed is true of a net in both directions',
    );
  });

  test('input biases alone get recurrent ones of zeros', () => {
    const net = netOf({ ...spec, bias: 'input' });
    const { spec: read, parameters } = readOnnx(writeOnnx(net));
    expect(read.bias).toBe('both');
    expect(parameters).toEqual({ ...net.parameters, bias_hh_l0: new Float32Array(4 * H) });
  });

  test('float64 stays float64; the outputs are those of the loss, or the sums', () => {
    const net = netOf({ ...spec, loss: 'sigmoidCrossEntropy' });
    const doubles = Object.fromEntries(
      Object.entries(net.parameters).map(([name, values]) => [name, Float64Array.from(values, (value) => value / 3)]),
    );
    const model = readOnnx(writeOnnx({ spec: net.spec, parameters: doubles }));
    expect(model.parameters).toStrictEqual(doubles);
    expect(model.spec.outputActivation).toBe('sigmoid');
    expect(readOnnx(writeOnnx(net, { outputs: 'logits' })).spec.outputActivation).toBeUndefined();
  });
});

test('a node without a name is named by its first output', () => {
  const split: Line = ['Split', 'x', 'a b', { axis: 2 }];
  const model = graph([split, ['LSTM', 'a W R B', 'Y h c', { hidden_size: H }]], undefined, {}, 'Y', false);
  expect(() => readOnnx(model)).toThrow('node a (Split): ');
});

test('an integer that no number holds exactly is refused, except where it means to the end', () => {
  const model = graph([['LSTM', 'x W R B', 'Y h c', { hidden_size: 2 ** 60 }], SQUEEZE, MATMUL, ADD]);
  expect(() => readOnnx(model)).toThrow('1152921504606847000 in the place of an integer');
});
