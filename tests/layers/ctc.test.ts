import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertGradcheck } from '../../src/bptt/gradcheck.ts';
import { ctcBackward, ctcForward, ctcGreedyDecode, ctcTooShort } from '../../src/layers/index.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { type Dtype, dtypeOf, type FloatArray, zeros } from '../../src/tensor/shape.ts';
import { drawer, dtypes, expectRejects, from, garbage, range } from './support.ts';

/** What one call of CTC reads. */
interface Problem {
  logits: FloatArray;
  /** The labels of each sequence, without padding. */
  labels: number[][];
  lengths: number[];
  w: number[];
  blank: number;
  T: number;
  V: number;
  S: number;
}

/** [B,S], padded with what is no label. */
function padded({ labels, S }: Problem): Int32Array {
  return Int32Array.from(labels.flatMap((row) => range(S).map((k) => row[k] ?? -100)));
}

/** Losses and gradient, on buffers of garbage; `inPlace` shares the buffers that may be shared. */
function ctc(problem: Problem, inPlace = false): { losses: FloatArray; dlogits: FloatArray; logProbs: FloatArray } {
  const { lengths, blank, T, V, S } = problem;
  const B = lengths.length;
  const dtype = dtypeOf(problem.logits);
  const logits = problem.logits.slice();
  const w = from(dtype, problem.w);
  const losses = garbage(dtype, B);
  const logProbs = inPlace ? logits : garbage(dtype, T * B * V);
  const alpha = garbage(dtype, T * B * (2 * S + 1));
  const labels = padded(problem);
  const labelLengths = Int32Array.from(problem.labels, (row) => row.length);
  const steps = Int32Array.from(lengths);
  ctcForward(losses, logProbs, alpha, logits, labels, labelLengths, steps, w, blank, T, B, V, S);
  const kept = logProbs.slice();
  const dlogits = inPlace ? logProbs : garbage(dtype, T * B * V);
  const beta = garbage(dtype, 2 * (2 * S + 1));
  ctcBackward(dlogits, beta, logProbs, alpha, labels, labelLengths, steps, w, blank, T, B, V, S);
  if (!inPlace) {
    expect(logits).toStrictEqual(problem.logits);
    expect(logProbs).toStrictEqual(kept);
  }
  return { losses, dlogits, logProbs: kept };
}

/** The labels that an alignment reads as. */
function collapse(alignment: number[], blank: number): number[] {
  return alignment.filter((symbol, t) => symbol !== blank && symbol !== alignment[t - 1]);
}

/** −ln of the summed probabilities of all V^N alignments that read as the labels. */
function bruteForceLoss({ logits, labels, lengths, blank, V }: Problem, b: number): number {
  const B = lengths.length;
  const y = range(lengths[b]).map((t) => {
    const row = range(V).map((j) => Math.exp(logits[(t * B + b) * V + j]));
    const sum = row.reduce((x, z) => x + z);
    return row.map((e) => e / sum);
  });
  let p = 0;
  for (let code = 0; code < V ** y.length; code++) {
    const alignment = y.map((_, t) => Math.floor(code / V ** t) % V);
    if (collapse(alignment, blank).join() === labels[b].join())
      p += alignment.reduce((x, symbol, t) => x * y[t][symbol], 1);
  }
  return -Math.log(p);
}

const sizes = fc.record({
  T: fc.integer({ min: 1, max: 5 }),
  B: fc.integer({ min: 1, max: 3 }),
  V: fc.integer({ min: 2, max: 4 }),
  S: fc.integer({ min: 0, max: 4 }),
  seed: fc.nat({ max: 2 ** 31 - 1 }),
});

/** Any lengths and labels, half of which repeat the label before. */
function draw({ T, B, V, S, seed }: { T: number; B: number; V: number; S: number; seed: number }): Problem {
  const rng = new RandomState(seed);
  const blank = rng.randint(V);
  const labels = range(B).map(() => {
    const row: number[] = [];
    for (let left = rng.randint(S + 1); left > 0; left--) {
      const id = rng.randint(V - 1);
      row.push(row.length > 0 && rng.randint(2) === 1 ? row[row.length - 1] : id < blank ? id : id + 1);
    }
    return row;
  });
  const lengths = range(B).map(() => rng.randint(T + 1));
  const w = Array.from(rng.uniform(0.25, 2, B));
  return { logits: rng.randn(T * B * V), labels, lengths, w, blank, T, V, S };
}

/** Relative to the largest number wanted, at least 1. */
function expectClose(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  expect(got.length).toBe(want.length);
  const largest = Math.max(1, ...Array.from(want, Math.abs).filter(Number.isFinite));
  for (let i = 0; i < got.length; i++) {
    if (got[i] !== want[i] && !(Math.abs(got[i] - want[i]) <= tolerance * largest))
      throw new Error(`[${i}]: got ${got[i]}, want ${want[i]}`);
  }
}

const golden = JSON.parse(readFileSync(new URL('../goldens/units/torch_ctc.json', import.meta.url), 'utf8')) as {
  cases: (Omit<Problem, 'logits'> & {
    name: string;
    logits: number[];
    losses: (number | 'Infinity')[];
    dlogits: number[];
  })[];
};

describe("PyTorch's CTCLoss", () => {
  it.each(golden.cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const wanted = one.losses.map(Number);
    for (const inPlace of [false, true]) {
      const { losses, dlogits } = ctc({ ...one, logits: Float64Array.from(one.logits) }, inPlace);
      expectClose(
        losses,
        wanted.map((loss, b) => loss * one.w[b]),
        1e-14, // measured: 3e-16
      );
      expectClose(dlogits, one.dlogits, 2e-13); // measured: 4.4e-14
    }
    // measured: 6e-8 and 1.1e-7
    const single = ctc({ ...one, logits: Float32Array.from(one.logits) });
    expectClose(
      single.losses,
      wanted.map((loss, b) => loss * one.w[b]),
      2e-7,
    );
    expectClose(single.dlogits, one.dlogits, 4e-7);
  });

  it('has goldens of both kinds of loss', () => {
    const losses = golden.cases.flatMap((one) => one.losses);
    expect(losses.filter((loss) => loss === 'Infinity')).toHaveLength(3);
    expect(losses.length).toBeGreaterThan(20);
  });
});

describe('ctc', () => {
  it('sums the probabilities of all alignments', () => {
    let finite = 0;
    let infinite = 0;
    fc.assert(
      fc.property(sizes, (drawn) => {
        const problem = draw(drawn);
        const { losses } = ctc(problem);
        const want = problem.w.map((w, b) => w * bruteForceLoss(problem, b));
        expectClose(losses, want, 1e-12);
        const tooShort = want.flatMap((loss, b) => (loss === Number.POSITIVE_INFINITY ? [b] : []));
        const labelLengths = Int32Array.from(problem.labels, (row) => row.length);
        expect(ctcTooShort(padded(problem), labelLengths, Int32Array.from(problem.lengths), drawn.B, drawn.S)).toEqual(
          tooShort,
        );
        infinite += tooShort.length;
        finite += drawn.B - tooShort.length;
      }),
    );
    expect(finite).toBeGreaterThan(50);
    expect(infinite).toBeGreaterThan(5);
  });

  it('has the gradient of central differences, and 0 where the loss is infinite', () => {
    let checked = 0;
    fc.assert(
      fc.property(sizes, (drawn) => {
        const problem = draw(drawn);
        const B = drawn.B;
        const { losses } = ctc(problem);
        const finite = range(B).map((b) => (Number.isFinite(losses[b]) ? 1 : 0));
        const report = assertGradcheck(
          {
            forward: ({ logits }) =>
              Float64Array.from(ctc({ ...problem, logits }).losses, (v, b) => (finite[b] ? v : 0)),
            backward: (dout, { logits }) => ({
              logits: ctc({ ...problem, logits, w: problem.w.map((w, b) => w * dout[b]) }).dlogits as Float64Array,
            }),
          },
          { logits: problem.logits as Float64Array },
          { seed: drawn.seed },
        );
        checked += report.checked;
      }),
      { numRuns: 40 },
    );
    expect(checked).toBeGreaterThan(500);
  });

  it('leaves out padded steps and sequences of weight 0, whatever they hold', () => {
    const T = 4;
    const V = 3;
    const base = { labels: [[1, 2], [2], [1]], lengths: [4, 2, 3], w: [1, 0.5, 0], blank: 0, T, V, S: 2 };
    const logits = drawer('float64', 3)(T * 3 * V);
    const clean = ctc({ ...base, logits });
    const dirty = logits.slice();
    for (let t = 0; t < T; t++) {
      for (let j = 0; j < V; j++) {
        if (t >= 2) dirty[(t * 3 + 1) * V + j] = Number.NaN;
        dirty[(t * 3 + 2) * V + j] = Number.NaN;
      }
    }
    const { losses, dlogits } = ctc({ ...base, logits: dirty });
    expect(losses).toStrictEqual(clean.losses);
    expect(losses[2]).toBe(0);
    expect(dlogits).toStrictEqual(clean.dlogits);
    for (let t = 0; t < T; t++) {
      for (let j = 0; j < V; j++) {
        if (t >= 2) expect(dlogits[(t * 3 + 1) * V + j]).toBe(0);
        expect(dlogits[(t * 3 + 2) * V + j]).toBe(0);
      }
    }
    // a sequence that cannot be aligned is left out by its weight too
    const short = ctc({ ...base, labels: [[1, 1], [2], [1, 1]], lengths: [2, 2, 2], logits });
    expect(Array.from(short.losses)).toEqual([Number.POSITIVE_INFINITY, clean.losses[1], 0]);
    for (let t = 0; t < T; t++) for (let j = 0; j < V; j++) expect(short.dlogits[t * 3 * V + j]).toBe(0);
  });

  it('a sequence without steps has loss 0 without labels, else infinity', () => {
    const problem = { labels: [[], [1]], lengths: [0, 0], w: [1, 1], blank: 0, V: 2, S: 1 };
    for (const T of [0, 2]) {
      const { losses, dlogits } = ctc({ ...problem, T, logits: drawer('float64', 4)(T * 4) });
      expect(Array.from(losses)).toEqual([0, Number.POSITIVE_INFINITY]);
      expect(Array.from(dlogits)).toEqual(Array(T * 4).fill(0));
    }
  });

  it('a logit of −∞ forbids its symbol; NaN is passed on', () => {
    const no = Number.NEGATIVE_INFINITY;
    const base = { labels: [[1]], lengths: [2], w: [1], blank: 0, T: 2, V: 3, S: 1 };
    // y = [½, ½, 0] at both steps: the alignments 11, 10 and 01 have a quarter each
    const { losses, dlogits } = ctc({ ...base, logits: Float64Array.of(0, 0, no, 0, 0, no) });
    expectClose(losses, [-Math.log(0.75)], 1e-15);
    // P(1 at a step | labels) = 2/3
    expectClose(dlogits, [1 / 6, -1 / 6, 0, 1 / 6, -1 / 6, 0], 1e-15);
    const forbidden = ctc({ ...base, logits: Float64Array.of(no, no, 0, 0, 0, 0) });
    expect(Array.from(forbidden.losses)).toEqual([Number.POSITIVE_INFINITY]);
    expect(Array.from(forbidden.dlogits)).toEqual([0, 0, 0, 0, 0, 0]);
    const nan = ctc({ ...base, logits: Float64Array.of(0, Number.NaN, 0, 0, 0, 0) });
    expect(nan.losses[0]).toBeNaN();
    expect(nan.dlogits[0]).toBeNaN();
  });

  it('writes ln softmax, and 0 at padded steps', () => {
    const problem = { labels: [[1]], lengths: [1], w: [1], blank: 0, T: 2, V: 2, S: 1 };
    const { logProbs } = ctc({ ...problem, logits: Float64Array.of(1, 1, 5, 7) });
    expectClose(logProbs, [-Math.LN2, -Math.LN2, 0, 0], 1e-15);
  });

  it('float32 keeps its precision over 1000 steps', () => {
    const T = 1000;
    const problem = { labels: [range(300).map((k) => 1 + (k % 3))], lengths: [T], w: [1], blank: 0, T, V: 4, S: 300 };
    const logits = Float32Array.from(drawer('float32', 9)(T * 4));
    const single = ctc({ ...problem, logits });
    const exact = ctc({ ...problem, logits: Float64Array.from(logits) });
    // measured: 6e-8 and 1.3e-6
    expect(Math.abs(single.losses[0] / exact.losses[0] - 1)).toBeLessThan(2e-7);
    expectClose(single.dlogits, exact.dlogits, 5e-6);
  });
});

describe.each(dtypes)('arguments of ctc, %s', (dtype: Dtype) => {
  const [T, B, V, S] = [3, 2, 4, 2];
  const of = (n: number) => zeros(dtype, n);
  const labels = Int32Array.of(1, 2, 3, 0);
  const labelLengths = Int32Array.of(2, 1);
  const lengths = Int32Array.of(3, 2);
  const forward = (): [...Parameters<typeof ctcForward>] => [
    of(B),
    of(T * B * V),
    of(T * B * (2 * S + 1)),
    of(T * B * V),
    labels,
    labelLengths,
    lengths,
    of(B).fill(1),
    0,
    T,
    B,
    V,
    S,
  ];
  const backward = (): [...Parameters<typeof ctcBackward>] => {
    const args = forward();
    ctcForward(...args);
    return [
      of(T * B * V),
      of(2 * (2 * S + 1)),
      args[1],
      args[2],
      labels,
      labelLengths,
      lengths,
      args[7],
      0,
      T,
      B,
      V,
      S,
    ];
  };

  it('are refused where they do not fit', () => {
    const inner = 'labels labelLengths lengths w blank T B V S';
    let refused = expectRejects(ctcForward, `losses* logProbs alpha logits ${inner}`, forward());
    refused += expectRejects(ctcBackward, `dlogits* beta logProbs alpha ${inner}`, backward());
    refused += expectRejects(ctcTooShort, 'labels labelLengths lengths B S', [labels, labelLengths, lengths, B, S]);
    expect(refused).toBe(2 * (5 * 3 + 3 * 2) + 3 * 2);
  });

  it('are refused where they are out of range', () => {
    const call = { ctcForward: () => ctcForward(...forward()), ctcBackward: () => ctcBackward(...backward()) };
    expect(call.ctcForward).not.toThrow();
    expect(call.ctcBackward).not.toThrow();
    const spoils: [at: number, bad: ArrayLike<number> | number, message: string][] = [
      [4, Int32Array.of(1, 4, 3, 0), 'labels[1] is 4, expected a whole number from 0 to 3'],
      [4, Int32Array.of(1, 2, -1, 0), 'labels[2] is -1, expected a whole number from 0 to 3'],
      [4, Int32Array.of(1, 2, 0, 0), 'labels[2] is 0, the blank, which is no label'],
      [5, Int32Array.of(2, 3), 'labelLengths[1] is 3, expected a whole number from 0 to 2'],
      [5, Int32Array.of(-1, 1), 'labelLengths[0] is -1, expected a whole number from 0 to 2'],
      [6, Int32Array.of(4, 2), 'lengths[0] is 4, expected a whole number from 0 to 3'],
      [8, 4, 'blank is 4, expected a whole number from 0 to 3'],
      [8, -1, 'blank is -1, expected a whole number from 0 to 3'],
    ];
    for (const [at, bad, message] of spoils) {
      const [f, b] = [forward(), backward()];
      f[at] = bad as never;
      b[at] = bad as never;
      const before = [f[0].slice(), b[0].slice()];
      expect(() => ctcForward(...f)).toThrow(RangeError(`ctcForward: ${message}`));
      expect(() => ctcBackward(...b)).toThrow(RangeError(`ctcBackward: ${message}`));
      expect([f[0], b[0]]).toStrictEqual(before);
    }
    for (const [at, arg] of [
      [4, 'labels'],
      [5, 'labelLengths'],
      [6, 'lengths'],
    ] as const) {
      const [f, b] = [forward(), backward()];
      f[at] = Array.from(f[at]) as never;
      b[at] = new BigInt64Array(b[at].length) as never;
      expect(() => ctcForward(...f)).toThrow(TypeError(`ctcForward: ${arg} is Array, expected an Int32Array of ids`));
      expect(() => ctcBackward(...b)).toThrow(`ctcBackward: ${arg} is BigInt64Array, expected an Int32Array of ids`);
    }
    expect(() => ctcTooShort(labels, Int32Array.of(0, 3), lengths, B, S)).toThrow(
      'ctcTooShort: labelLengths[1] is 3, expected a whole number from 0 to 2',
    );
    expect(() => ctcTooShort(labels, labelLengths, Int32Array.of(0, -1), B, S)).toThrow(
      'ctcTooShort: lengths[1] is -1, expected a whole number',
    );
  });

  it('ctcGreedyDecode reads the likeliest symbols without repeats and blanks', () => {
    const path = [
      [1, 2],
      [1, 2],
      [0, 0],
      [1, 2],
      [2, 1],
      [1, 1],
    ]; // [T,B]
    const logits = from(
      dtype,
      path.flatMap((row) => row.flatMap((symbol) => range(3).map((j) => (j === symbol ? 0.5 : -1)))),
    );
    expect(ctcGreedyDecode(logits, Int32Array.of(6, 4), 0, 6, 2, 3)).toEqual([
      [1, 1, 2, 1],
      [2, 2],
    ]);
    expect(ctcGreedyDecode(logits, Int32Array.of(6, 0), 1, 6, 2, 3)).toEqual([[0, 2], []]);
    // equal numbers: the lowest
    expect(ctcGreedyDecode(from(dtype, [3, 3, 1]), Int32Array.of(1), 2, 1, 1, 3)).toEqual([[0]]);
    for (let seed = 0; seed < 20; seed++) {
      const rng = new RandomState(seed);
      const symbols = Array.from(rng.randint(0, 3, 9));
      const one = from(
        dtype,
        symbols.flatMap((symbol) => range(3).map((j) => (j === symbol ? 1 : 0))),
      );
      expect(ctcGreedyDecode(one, Int32Array.of(9), 1, 9, 1, 3)).toEqual([collapse(symbols, 1)]);
    }
  });

  it('ctcGreedyDecode refuses what does not fit', () => {
    const logits = of(T * B * V);
    const call = (over: { lengths?: Int32Array; blank?: number; logits?: FloatArray }) => () =>
      ctcGreedyDecode(over.logits ?? logits, over.lengths ?? lengths, over.blank ?? 0, T, B, V);
    expect(call({ logits: of(5) })).toThrow('ctcGreedyDecode: logits has 5 elements, expected [T,B,V] = [3,2,4]');
    expect(call({ lengths: Int32Array.of(1) })).toThrow('ctcGreedyDecode: lengths has 1 elements, expected [B] = [2]');
    expect(call({ lengths: Int32Array.of(3, 4) })).toThrow('ctcGreedyDecode: lengths[1] is 4, expected a whole');
    expect(call({ blank: 4 })).toThrow('ctcGreedyDecode: blank is 4, expected a whole number from 0 to 3');
    const nan = logits.slice();
    nan[9] = Number.NaN;
    expect(call({ logits: nan })).toThrow('ctcGreedyDecode: logits[9] is NaN, expected a number');
    expect(call({ logits: nan, lengths: Int32Array.of(1, 1) })).not.toThrow(); // not read
  });
});
