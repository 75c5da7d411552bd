import { describe, expect, it } from 'vitest';
import type { CpuEngine } from '../../src/bptt/engine.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { kinds } from '../property/models.ts';
import { engines } from './engines.ts';

const spec: ModelSpec = { cell: 'lstm', inputSize: 3, hiddenSize: 2, outputSize: 3, loss: 'softmaxCrossEntropy' };

describe.each(engines)('$name, $dtype', ({ engine, dtype, floats }) => {
  /** An engine that counts the buffers made and the views taken. */
  function counting(): { counted: CpuEngine; made: { buffers: number; views: number } } {
    const plain = engine();
    const made = { buffers: 0, views: 0 };
    const count =
      <A extends unknown[], R>(what: 'buffers' | 'views', fn: (...args: A) => R) =>
      (...args: A): R => {
        made[what]++;
        return fn(...args);
      };
    const counted: CpuEngine = {
      ...plain,
      floats: count('buffers', plain.floats),
      ints: count('buffers', plain.ints),
      slice: count('views', plain.slice),
      sliceInts: count('views', plain.sliceInts),
    };
    return { counted, made };
  }

  function fill(model: SequenceModel<Float32Array | Float64Array, Int32Array>): void {
    model.parameters.flat.set(new RandomState(2).randn(model.parameters.flat.length));
  }

  describe('a recurrent stack', () => {
    it('the arrays of a window are those of its steps, in both directions', () => {
      const [T, B, H] = [5, 2, spec.hiddenSize];
      const model = new SequenceModel(engine(), { ...spec, bidirectional: true }, { steps: T, batch: B });
      for (const steps of [T, 3]) {
        for (const direction of [0, 1]) {
          const r = model.stack.recurrence({ steps, masked: false, dropping: false }, 0, direction);
          for (let t = 0; t < steps; t++) {
            const { forward, backward } = r.step(t);
            const rows: [whole: typeof r.dh, one: typeof r.dh][] = [
              [r.states[0], forward.states[0]],
              [r.states[1], forward.states[1]],
              [r.previous[0], forward.previous[0]],
              [r.previous[1], forward.previous[1]],
              [r.dh, backward.dstates[0]],
              [r.dothers[0], backward.dstates[1]],
              [r.dpreviousOthers[0], backward.dprevious[1]],
            ];
            for (const [i, [whole, one]] of rows.entries()) {
              expect(one.byteOffset - whole.byteOffset, `array ${i}, step ${t}`).toBe(
                t * B * H * one.BYTES_PER_ELEMENT,
              );
              expect(whole.length).toBe(steps * B * H);
            }
          }
        }
      }
    });

    it('hands what the loss sends to a final cell state back to the initial one, by the forget gate', () => {
      const [B, H] = [2, spec.hiddenSize];
      const model = new SequenceModel(engine(), spec, { steps: 1, batch: B });
      fill(model);
      const { stack } = model;
      const sent = floats([0.5, -1, 2, 0.25]);
      const dinitial = [0, 1].map((share) => {
        model.load({ inputs: Int32Array.of(0, 2), targets: Int32Array.of(1, 0) }, true);
        for (const [i, v] of sent.entries()) stack.dfinal(0)[1][i] = share * v;
        model.forwardBackward();
        return Float64Array.from(stack.dinitial(0)![1]);
      });
      const { saved } = stack.recurrence(model.window, 0);
      for (let i = 0; i < B * H; i++) {
        const forget = saved[Math.floor(i / H) * 5 * H + H + (i % H)];
        expect(dinitial[1][i] - dinitial[0][i]).toBeCloseTo(sent[i] * forget, 5);
        expect(Math.abs(sent[i] * forget)).toBeGreaterThan(1e-3);
      }
    });

    it.each(kinds)('makes its buffers once: %j', (kind) => {
      const { counted, made } = counting();
      const rich = { ...spec, ...kind, layers: 2, bidirectional: true, dropout: 0.5, initialState: 'learned' } as const;
      const model = new SequenceModel(counted, rich, { steps: 4, batch: 2 });
      fill(model);
      const pass = (T: number) => {
        const lengths = [T, T - 1];
        model.load(
          { inputs: new Int32Array(T * 2), targets: new Int32Array(T * 2), lengths },
          false,
          new RandomState(0),
        );
        model.forward();
        model.backward();
      };
      const buffers = made.buffers;
      expect(buffers).toBeGreaterThan(20);
      for (const T of [4, 3, 2]) pass(T); // each length of a window takes its views at its first use
      const { views } = made;
      for (const T of [4, 3, 2, 2, 3, 4]) pass(T);
      expect(made).toEqual({ buffers, views });
    });

    it('shows the state after each step and what reached it', () => {
      const model = new SequenceModel(engine(), spec, { steps: 3, batch: 1 });
      fill(model);
      model.load({ inputs: Int32Array.of(0, 1, 2), targets: Int32Array.of(1, 2, 0) });
      model.forward();
      const { stack } = model;
      const h = stack.output(model.window).slice();
      for (let t = 0; t < 3; t++) expect(stack.stateAfter(t + 1, 0)[0]).toEqual(h.slice(t * 2, t * 2 + 2));
      expect(stack.recurrence(model.window, 0).final[0]).toEqual(h.slice(4, 6));
      expect(Array.from(stack.stateAfter(0, 0)[0])).toEqual([0, 0]);
      model.backward();
      const reached = stack.recurrence(model.window, 0).dh;
      expect(reached).toHaveLength(6);
      expect(reached.every((g) => g !== 0)).toBe(true);
    });

    it('the loss at the last step reaches back to the first, and with back steps no further than those', () => {
      const model = new SequenceModel(engine(), { ...spec, lossAt: 'last' }, { steps: 6, batch: 1 });
      fill(model);
      model.load({ inputs: Int32Array.of(0, 1, 2, 0, 1, 2), targets: Int32Array.of(1) });
      model.forward();
      const reached = (backSteps: number) => {
        model.backward(backSteps);
        const g = model.stack.recurrence(model.window, 0).dh;
        return [0, 1, 2, 3, 4, 5].map((t) => g[t * 2] !== 0);
      };
      expect(reached(Infinity)).toEqual([true, true, true, true, true, true]);
      expect(reached(4)).toEqual([false, false, false, false, true, true]);
      expect(reached(3)).toEqual([false, false, false, true, true, true]);
      expect(reached(1)).toEqual([false, false, false, false, false, true]);
    });

    it('a short sequence whose padding is cut through learns as if it had none', () => {
      // Many-to-one: the loss stands at the end of the window, the last real step five steps of padding before it.
      const gradient = (T: number, lengths?: number[]) => {
        const model = new SequenceModel(engine(), { ...spec, lossAt: 'last' }, { steps: 8, batch: 1 });
        fill(model);
        const inputs = new Int32Array(T).fill(1);
        model.load({ inputs, targets: Int32Array.of(1), batch: 1, ...(lengths ? { lengths } : {}) });
        model.forward();
        model.backward(4);
        return model.gradients.flat;
      };
      const padded = gradient(8, [3]);
      expect(padded).toEqual(gradient(3));
      expect(padded.filter((g) => g !== 0).length).toBeGreaterThan(20);
    });

    it('holds the state, and the output, where a sequence has no step', () => {
      const model = new SequenceModel(engine(), { ...spec, layers: 2 }, { steps: 3, batch: 2 });
      fill(model);
      model.load({ inputs: new Int32Array(6).fill(1), targets: new Int32Array(6), mask: [1, 0, 0, 1, 1, 1] });
      model.forward();
      for (const layer of [0, 1]) {
        const at = (t: number, b: number, which: number) =>
          Array.from(model.stack.stateAfter(t, layer)[which].slice(b * 2, b * 2 + 2));
        for (const which of [0, 1]) {
          expect(at(2, 0, which)).toEqual(at(1, 0, which));
          expect(at(1, 1, which)).toEqual([0, 0]);
          expect(at(3, 0, which)).not.toEqual(at(2, 0, which));
        }
      }
    });

    it.each(kinds)('padding so large that the gates are NaN leaves no trace: %j', (kind) => {
      const dense = { ...spec, ...kind, input: 'dense', inputSize: 2, layers: 2 } as const;
      const run = (padding: number) => {
        const model = new SequenceModel(engine(), dense, { steps: 3, batch: 2, inputGradient: true });
        fill(model);
        const weights = model.parameters.get('weight_ih_l0')!;
        for (let i = 0; i < weights.length; i++) weights[i] = i % 2 === 0 ? 2 : -3; // 2·∞ − 3·∞
        const inputs = floats([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2]);
        inputs.fill(padding, 2, 4); // sequence 1 has its second step only
        inputs.fill(padding, 10, 12);
        model.load({ inputs, targets: new Int32Array(6), mask: [1, 0, 1, 1, 1, 0] });
        model.forward();
        model.backward();
        return { loss: model.loss[0], gradients: model.gradients.flat, dx: model.stack.dx };
      };
      const large = run(dtype === 'float64' ? Number.MAX_VALUE : 3.4e38);
      expect(large).toStrictEqual(run(0));
      expect([...large.gradients, ...large.dx].every(Number.isFinite)).toBe(true);
    });
  });
});
