import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as flat from '../../src/tensor/index.ts';
import * as views from '../../src/tensor/ndarray.ts';
import { type IdView, type NdArray, ndarray, ops, rowMajor, type View } from '../../src/tensor/ndarray.ts';
import { type Dtype, type FloatArray, zeros } from '../../src/tensor/shape.ts';

/** Sizes by letter, as in the documentation of the operations. */
const letters = ['M', 'K', 'N', 'R', 'V', 'n', 'a', 'b', 'c'] as const;
type Letter = (typeof letters)[number];
type Sizes = Record<Letter, number>;

interface Operation {
  name: string;
  /** Arguments in order: name and letters of a float array, ids below the size of a letter, or a number. */
  args: (string | { ids: string; below: Letter } | { number: number })[];
  /** The sizes that the flat function wants after its arrays. */
  sizes: (s: Sizes) => number[];
  /** What the views take after their arrays: an axis, or 1 to accumulate. */
  axis?: number;
  accumulate?: boolean;
  positive?: boolean;
}

const elementwise = [
  'add z:a,b x:a,b y:a,b',
  'multiply z:a,b x:a,b y:a,b',
  'multiplyBackward dx:a,b dy:a,b dz:a,b x:a,b y:a,b',
];
for (const name of ['tanh', 'sigmoid', 'relu', 'exp', 'log']) {
  elementwise.push(`${name} y:a,b,c x:a,b,c`, `${name}Backward dx:a,b dy:a,b y:a,b`);
}
const products = [
  'matmulNN c:M,N a:M,K b:K,N',
  'matmulNNBackward da:M,K db:K,N dc:M,N a:M,K b:K,N',
  'matmulNT c:M,N a:M,K b:N,K',
  'matmulNTBackward da:M,K db:N,K dc:M,N a:M,K b:N,K',
  'matmulTN c:M,N a:K,M b:K,N',
  'matmulTNBackward da:K,M db:K,N dc:M,N a:K,M b:K,N',
];
const vectors = [
  'matvec y:M a:M,K x:K',
  'matvecBackward da:M,K dx:K dy:M a:M,K x:K',
  'outer c:M,N x:M y:N',
  'outerBackward dx:M dy:N dc:M,N x:M y:N',
];
const rows = [
  'addRow y:R,n x:R,n b:n',
  'addRowBackward db:n dy:R,n',
  'multiplyRow y:R,n x:R,n s:n',
  'multiplyRowBackward dx:R,n ds:n dy:R,n x:R,n s:n',
  'scaleRows y:R,n x:R,n s:R',
  'scaleRowsBackward dx:R,n ds:R dy:R,n x:R,n s:R',
  'softmax p:R,n z:R,n',
  'softmaxBackward dz:R,n dp:R,n p:R,n',
  'logSoftmax y:R,n z:R,n',
  'logSoftmaxBackward dz:R,n dy:R,n y:R,n',
  'logSumExp s:R z:R,n',
  'logSumExpBackward dz:R,n ds:R z:R,n s:R',
];

const parse = (line: string, sizes: Operation['sizes'], more: Operation['args'] = []): Operation => {
  const [name, ...args] = line.split(' ');
  return { name, args: [...args, ...more], sizes };
};
const ids = { ids: 'R', below: 'V' } as const;
const operations: Operation[] = [
  ...elementwise.map((line) => ({ ...parse(line, () => []), positive: line.startsWith('log') })),
  parse('scale y:a,b x:a,b', () => [], [{ number: -1.5 }]),
  parse('scaleBackward dx:a,b dy:a,b x:a,b', () => [], [{ number: -1.5 }]),
  parse('addScaled y:a,b x:a,b', () => [], [{ number: -1.5 }]),
  parse('clip y:a,b x:a,b', () => [], [{ number: -1 }, { number: 2 }]),
  parse('clipBackward dx:a,b dy:a,b x:a,b', () => [], [{ number: -1 }, { number: 2 }]),
  ...products.map((line) => parse(line, (s) => [s.M, s.K, s.N])),
  ...products.map((line) => ({ ...parse(line, (s) => [s.M, s.K, s.N]), accumulate: true })),
  ...vectors.map((line) => parse(line, (s) => [s.M, line.startsWith('matvec') ? s.K : s.N])),
  ...vectors.map((line) => ({
    ...parse(line, (s) => [s.M, line.startsWith('matvec') ? s.K : s.N]),
    accumulate: true,
  })),
  ...rows.map((line) => parse(line, (s) => [s.R, s.n])),
  parse('gatherRows y:R,n table:V,n', (s) => [s.R, s.V, s.n], [ids]),
  parse('gatherRowsBackward dtable:V,n dy:R,n', (s) => [s.R, s.V, s.n], [ids]),
  parse('gatherColumns y:R,n w:n,V', (s) => [s.R, s.V, s.n], [ids]),
  parse('gatherColumnsBackward dw:n,V dy:R,n', (s) => [s.R, s.V, s.n], [ids]),
  { ...parse('sumAxis y:b,c x:a,b,c', (s) => [1, s.a, s.b * s.c]), axis: 0 },
  { ...parse('sumAxis y:a,c x:a,b,c', (s) => [s.a, s.b, s.c]), axis: 1 },
  { ...parse('sumAxis y:a x:a,b', (s) => [s.a, s.b, 1]), axis: 1 },
  { ...parse('sumAxisBackward dx:a,b,c dy:a,c', (s) => [s.a, s.b, s.c]), axis: 1 },
  {
    name: 'maxAxis',
    args: ['y:a,c', { ids: 'a,c', below: 'b' }, 'x:a,b,c'],
    sizes: (s) => [s.a, s.b, s.c],
    axis: 1,
  },
  {
    name: 'maxAxisBackward',
    args: ['dx:a,b', 'dy:b', { ids: 'b', below: 'a' }],
    sizes: (s) => [1, s.a, s.b],
    axis: 0,
  },
];

/** How a view lies in a larger buffer: order of its dimensions, steps (negative is reversed), elements left out before. */
const layout = (dimension: number) =>
  fc.record({
    order: fc.shuffledSubarray([...Array(dimension).keys()], { minLength: dimension }),
    steps: fc.array(fc.constantFrom(1, 2, -1, -3), { minLength: dimension, maxLength: dimension }),
    before: fc.integer({ min: 0, max: 2 }),
    tight: fc.boolean(), // contiguous: the fast path
  });
type Layout = typeof layout extends (d: number) => fc.Arbitrary<infer L> ? L : never;

/** A view of the given shape in a buffer of its own that is filled with a mark outside. */
function place<A extends FloatArray | Int32Array>(values: A, shape: number[], how: Layout): NdArray<A> {
  if (how.tight) return ndarray(values.slice() as A, shape);
  const make = values.constructor as new (n: number) => A;
  const padded = how.order.map((d) => shape[d] * Math.abs(how.steps[d]) + how.before);
  const buffer = new make(padded.reduce((a, b) => a * b, 1));
  buffer.fill(MARK);
  const inverse = shape.map((_, d) => how.order.indexOf(d));
  let view = ndarray(buffer, padded).transpose(...inverse) as NdArray<A>;
  view = view
    .lo(...shape.map(() => how.before))
    .step(...how.steps)
    .hi(...shape) as NdArray<A>;
  ops.assign(view, ndarray(values, shape));
  return view;
}
const MARK = 7777;

/** How many elements of the buffer still hold the mark. */
const marks = (view: View | IdView) => (view.data as Float64Array).filter((x) => x === MARK).length;

const bits = (x: FloatArray | Int32Array) => Array.from(x, (v) => (Object.is(v, -0) ? '-0' : String(v)));

describe.each<Dtype>(['float64', 'float32'])('operations on views, %s', (dtype) => {
  it.each(
    operations.map(
      (operation) =>
        [`${operation.name} ${operation.args.map((a) => JSON.stringify(a)).join(' ')}`, operation] as const,
    ),
  )(
    '%s is the flat one bit for bit and touches nothing outside',
    (_, { name, args, sizes, axis, accumulate = false, positive = false }) => {
      const sizeOf = fc.record(Object.fromEntries(letters.map((l) => [l, fc.integer({ min: 1, max: 4 })])));
      const inputs = sizeOf.chain((s) =>
        fc.tuple(
          fc.constant(s as Sizes),
          ...args.map((arg) => {
            if (typeof arg === 'object' && 'number' in arg) return fc.constant(undefined);
            const shape = (typeof arg === 'string' ? arg.split(':')[1] : arg.ids).split(',').map((l) => s[l as Letter]);
            const n = shape.reduce((a, b) => a * b, 1);
            const numbers =
              typeof arg === 'string'
                ? fc.array(fc.integer({ min: positive ? 1 : -4096, max: 4096 }), { minLength: n, maxLength: n })
                : fc.array(fc.integer({ min: 0, max: s[arg.below] - 1 }), { minLength: n, maxLength: n });
            return fc.record({ shape: fc.constant(shape), numbers, how: layout(shape.length) });
          }),
        ),
      );
      fc.assert(
        fc.property(inputs, ([s, ...drawn]) => {
          const flats: (FloatArray | Int32Array | number)[] = [];
          const placed: (View | IdView | number)[] = [];
          drawn.forEach((d, i) => {
            const arg = args[i];
            if (d === undefined) {
              const { number } = arg as { number: number };
              flats.push(number);
              placed.push(number);
              return;
            }
            const values = typeof arg === 'object' ? new Int32Array(d.numbers) : zeros(dtype, d.numbers.length);
            if (typeof arg === 'string') values.set(d.numbers.map((x) => x / 997));
            flats.push(values);
            placed.push(place(values, d.shape, d.how as Layout) as View);
          });
          const before = placed.map((view) => (typeof view === 'number' ? 0 : marks(view)));
          type Any = (...args: unknown[]) => unknown;
          const flags = accumulate ? [true] : [];
          const wanted = (flat as unknown as Record<string, Any>)[name](...flats, ...sizes(s), ...flags);
          const got = (views as unknown as Record<string, Any>)[name](
            ...placed,
            ...(axis === undefined ? [] : [axis]),
            ...flags,
          );
          expect(got).toBe(wanted);
          placed.forEach((view, i) => {
            if (typeof view === 'number') return;
            expect(bits(rowMajor(view as View))).toEqual(bits(flats[i] as FloatArray));
            expect(marks(view)).toBe(before[i]);
          });
        }),
        { numRuns: 60 },
      );
    },
  );

  it('covers every operation that has a form on views', () => {
    const own = new Set(['ndarray', 'ops', 'rowMajor']);
    const tested = new Set(operations.map((o) => o.name));
    expect(Object.keys(views).filter((name) => !own.has(name) && !tested.has(name))).toEqual([]);
  });
});

describe('overlap', () => {
  const square = () =>
    ndarray(
      Float64Array.from({ length: 9 }, (_, i) => i / 4),
      [3, 3],
    );

  it('a destination may be a source, or its transpose', () => {
    const a = square();
    const want = ndarray(new Float64Array(9), [3, 3]);
    views.matmulNN(want, square(), square());
    views.matmulNN(a, a, a);
    expect(a.data).toEqual(want.data);

    const b = square();
    views.tanh(b, b.transpose(1, 0));
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) expect(b.get(i, j)).toBe(Math.tanh(square().get(j, i)));
    }
  });

  it('windows of one buffer that are shifted against each other', () => {
    const x = ndarray(Float64Array.of(1, 2, 3, 4), [4]);
    views.scale(x.lo(1), x.hi(3), 10);
    expect([...x.data]).toEqual([1, 10, 20, 30]);
  });

  it('two destinations in one buffer', () => {
    const g = ndarray(new Float64Array(4), [2, 2]);
    const two = ndarray(Float64Array.of(2, 3), [2]);
    const three = ndarray(Float64Array.of(5, 7), [2]);
    const one = ndarray(Float64Array.of(1, 1), [2]);
    views.multiplyBackward(g.pick(null, 0), g.pick(null, 1), one, two, three);
    expect([...g.data]).toEqual([5, 2, 7, 3]);
  });

  it('ids that share their bytes with a destination', () => {
    const ids = Int32Array.of(1, 0, 7, 7);
    const y = ndarray(new Float32Array(ids.buffer), [2, 2]);
    const table = ndarray(Float32Array.of(3, 4, 5, 6), [2, 2]);
    views.gatherRows(y, table, ndarray(ids.subarray(0, 2), [2])); // row 0 of y lies on all ids
    expect([...y.data]).toEqual([5, 6, 3, 4]);
    const argmax = Int32Array.of(1, 0);
    const dx = ndarray(new Float32Array(argmax.buffer), [2, 1]);
    views.maxAxisBackward(dx, ndarray(Float32Array.of(9), [1]), ndarray(argmax, [1]), 0);
    expect([...dx.data]).toEqual([0, 9]);
  });

  it('a source may repeat elements by a stride of 0', () => {
    const b = ndarray(Float64Array.of(1, 2), [3, 2], [0, 1]);
    const z = ndarray(new Float64Array(6), [3, 2]);
    views.add(z, b, b);
    expect([...z.data]).toEqual([2, 4, 2, 4, 2, 4]);
  });

  it('empty views do nothing', () => {
    const nothing = ndarray(new Float64Array(0), [0, 3]);
    views.tanh(nothing, nothing);
    views.matmulNN(square().hi(0, 3), nothing.transpose(0, 1), square());
  });

  it('sums everything into a view without dimensions', () => {
    const s = ndarray(new Float64Array(1), []);
    views.sumAxis(s, ndarray(Float64Array.of(1, 2, 3, 4), [4]).step(-2), 0);
    expect(s.get()).toBe(6);
  });
});

describe('errors name function, argument, what came and what is wanted', () => {
  const view = (...shape: number[]) => ndarray(new Float64Array(shape.reduce((a, b) => a * b, 1)), shape);
  const idView = (...shape: number[]) => ndarray(new Int32Array(shape.reduce((a, b) => a * b, 1)), shape);

  it.each<[() => void, string]>([
    [() => views.matmulNN(view(2, 5), view(2, 3), view(4, 5)), 'matmulNN: b is [4,5], expected [K,N] = [3,5]'],
    [() => views.matmulNN(view(2, 5), view(3), view(3, 5)), 'matmulNN: a is [3], expected [M,K] = [2,?]'],
    [() => views.matvec(view(2), view(2, 3), view(3, 1)), 'matvec: x is [3,1], expected [K] = [3]'],
    [() => views.add(view(2, 3), view(2, 3), view(3, 2)), 'add: y is [3,2], expected the shape of z, [2,3]'],
    [() => views.tanh(view(6), view(2, 3)), 'tanh: x is [2,3], expected the shape of y, [6]'],
    [() => views.tanhBackward(view(6), view(6), view(5)), 'tanhBackward: y is [5], expected the shape of dx, [6]'],
    [() => views.addRow(view(2, 3), view(2, 3), view(2)), 'addRow: b is [2], expected [n] = [3]'],
    [() => views.gatherRows(view(2, 3), view(9, 3), idView(3)), 'gatherRows: ids is [3], expected [R] = [2]'],
    [
      () => views.sumAxis(view(2, 4), view(2, 3, 4), 2),
      'sumAxis: y is [2,4], expected the shape of x, [2,3,4], without axis 2: [2,3]',
    ],
    [() => views.sumAxis(view(2), view(2, 3), -1), 'sumAxis: axis is -1, expected 0 … 1 as x is [2,3]'],
    [() => views.maxAxis(view(2), idView(2), view(2, 3), 2), 'maxAxis: axis is 2, expected 0 … 1 as x is [2,3]'],
    [
      () => views.gatherRows(view(1, 3), view(9, 3), ndarray(Int32Array.of(9), [1])),
      'gatherRows: ids[0] is 9, expected 0 … 8',
    ],
    [
      () => views.maxAxisBackward(view(2), view(), ndarray(Int32Array.of(-1), []), 0),
      'maxAxisBackward: argmax[0] is -1, expected 0 … 1',
    ],
    [
      () => views.tanh(view(4), ndarray(new Float64Array(4), [4], [2])),
      'tanh: x of shape [4], stride [2], offset 0 reaches from 0 to 6, expected 0 … 3, the indices of its data',
    ],
    [
      () => rowMajor(ndarray(new Float64Array(4), [4], [1], 1)),
      'rowMajor: view of shape [4], stride [1], offset 1 reaches from 1 to 4, expected 0 … 3, the indices of its data',
    ],
  ])('shape %#', (call, message) => {
    expect(call).toThrow(new RangeError(message));
  });

  it.each<[() => void, string]>([
    [
      () => views.tanh(view(2), ndarray(new Float32Array(2), [2])),
      'tanh: x is Float32Array, expected Float64Array like the output',
    ],
    [
      () => views.tanh(view(2), ndarray([1, 2], [2]) as unknown as View),
      'tanh: x holds array, expected float32 or float64',
    ],
    [() => views.tanh(idView(2) as unknown as View, view(2)), 'tanh: y holds int32, expected float32 or float64'],
    [
      () => views.gatherRows(view(2, 3), view(9, 3), view(2) as unknown as IdView),
      'gatherRows: ids holds float64, expected int32',
    ],
  ])('dtype %#', (call, message) => {
    expect(call).toThrow(new TypeError(message));
  });

  it('leaves the destination as it was', () => {
    const y = ndarray(Float64Array.of(1, 2, 3, 4), [4]).step(2);
    expect(() => views.log(y, ndarray(Float64Array.of(1, -1), [2]))).toThrow(RangeError);
    expect([...y.data]).toEqual([1, 2, 3, 4]);
  });
});
