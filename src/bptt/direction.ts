import { type CellBackward, type CellForward, cellSizes } from '../layers/cell.ts';
import type { FloatBuffers } from './engine.ts';
import type { ParameterBlock } from './parameters.ts';
import type { Recurrence, Step, Weights } from './recurrence.ts';
import type { ResolvedSpec } from './spec.ts';

/** What a window brings to its direction: its input and mask, and whether anybody asks for the initial states' gradient. */
export type WindowOfDirection<F, I> = Pick<Recurrence<F, I>, 'steps' | 'input' | 'D' | 'mask'>;

/**
 * One direction of one layer: its weights and every buffer that a window needs, made once.
 *
 * The states are `[T+1,B,H]`: T steps and the state before the first. Forward in time h_t is row t+1 and the window starts
 * from row 0; backward in time h_t is row t and a window of `steps` starts from row `steps`. What reaches the states beside h
 * is kept in the same places.
 */
export class Direction<F, I> {
  readonly reverse: boolean;
  readonly weights: Weights<F>;
  readonly gradients: Weights<F>;
  /** [B,H] each: the states a window goes on from, their gradients, and the gradient that the loss sends to the final states. */
  readonly initial: readonly F[];
  readonly dinitial: readonly F[] | null;
  readonly dfinal: readonly F[];

  private readonly engine: FloatBuffers<F>;
  private readonly spec: ResolvedSpec;
  private readonly T: number;
  private readonly B: number;
  private readonly carry: F;
  /** [T+1,B,H] each. */
  private readonly states: readonly F[];
  private readonly dothers: readonly F[];
  /** [T,B,·] */
  private readonly dh: F;
  private readonly xGates: F;
  private readonly dxGates: F;
  private readonly dhGates: F;
  private readonly saved: F;
  private readonly operand: F;
  private readonly dinnerGates: F;
  private readonly dextra: readonly F[];
  /** Scratch that every step uses again. */
  private readonly dhPrevious: F;
  private readonly hGates: F;
  private readonly innerGates: F;
  private readonly doperand: F;
  private readonly mask: F;
  /** The views of a step, made when they are first asked for: an engine that takes over whole stages asks for none. */
  private readonly made: (Step<F> | undefined)[];

  /**
   * @param suffix of the parameters' names, e.g. `_l0_reverse`
   * @param mask [T,B]
   * @param carry [B]
   */
  constructor(
    engine: FloatBuffers<F>,
    spec: ResolvedSpec,
    T: number,
    B: number,
    suffix: string,
    reverse: boolean,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
    mask: F,
    carry: F,
    initialGradient: boolean,
  ) {
    const { cell, hiddenSize: H } = spec;
    const { hidden, inner, separate } = cellSizes(cell);
    const BH = B * H;
    const each = (length: number): F[] => cell.states.map(() => engine.floats(length));
    const others = (length: number): F[] => cell.states.slice(1).map(() => engine.floats(length));
    this.engine = engine;
    this.spec = spec;
    this.reverse = reverse;
    this.T = T;
    this.B = B;
    this.carry = carry;
    this.weights = weightsOf(engine, spec, parameters, suffix);
    this.gradients = weightsOf(engine, spec, gradients, suffix);
    this.initial = each(BH);
    this.dinitial = initialGradient ? each(BH) : null;
    this.dfinal = each(BH);
    this.states = each((T + 1) * BH);
    this.dothers = others((T + 1) * BH);
    this.dh = engine.floats(T * BH);
    this.xGates = engine.floats(T * BH * cell.gates);
    this.dxGates = engine.floats(T * BH * cell.gates);
    this.dhGates = separate ? engine.floats(T * BH * hidden) : this.dxGates;
    this.saved = engine.floats(T * BH * cell.savedBlocks);
    this.operand = engine.floats(inner > 0 ? T * BH : 0);
    this.dinnerGates = engine.floats(T * BH * inner);
    const extras = Object.values(cell.extra ?? {});
    this.dextra = extras.map(({ blocks }) => engine.floats(T * BH * blocks));
    this.dhPrevious = engine.floats(BH);
    this.hGates = engine.floats(BH * hidden);
    this.innerGates = engine.floats(BH * inner);
    this.doperand = engine.floats(inner > 0 ? BH : 0);
    this.mask = mask;
    this.made = new Array(T);
  }

  /** The state after the first `t` steps of a window, forward in time: [B,H] each. */
  stateAfter(t: number): readonly F[] {
    return this.states.map((rows) => this.rows(rows, t, 1, 1));
  }

  /** The recurrence over a window of so many steps. */
  recurrence(window: WindowOfDirection<F, I>): Recurrence<F, I> {
    const { spec, B, T, reverse, states, dothers } = this;
    const { cell, hiddenSize: H } = spec;
    const { hidden, inner, separate } = cellSizes(cell);
    const { steps } = window;
    const [after, before] = reverse ? [0, 1] : [1, 0];
    const [first, last] = reverse ? [steps, 0] : [0, steps];
    const window0 = (buffer: F, blocks: number): F => this.rows(buffer, 0, steps, blocks);
    const rowsOf = (buffers: readonly F[], row: number, count: number): F[] =>
      buffers.map((buffer) => this.rows(buffer, row, count, 1));
    const dxGates = window0(this.dxGates, cell.gates);
    return {
      ...{ cell, B, H, maxSteps: T, reverse, weights: this.weights, gradients: this.gradients, carry: this.carry },
      ...window,
      ...{ initial: this.initial, dinitial: this.dinitial, dfinal: this.dfinal },
      start: rowsOf(states, first, 1),
      final: rowsOf(states, last, 1),
      states: rowsOf(states, after, steps),
      previous: rowsOf(states, before, steps),
      dh: window0(this.dh, 1),
      xGates: window0(this.xGates, cell.gates),
      dxGates,
      dhGates: separate ? window0(this.dhGates, hidden) : dxGates,
      saved: window0(this.saved, cell.savedBlocks),
      dextra: Object.values(cell.extra ?? {}).map(({ blocks }, e) => window0(this.dextra[e], blocks)),
      operand: window0(this.operand, inner > 0 ? 1 : 0),
      dinnerGates: window0(this.dinnerGates, inner),
      dothers: rowsOf(dothers, after, steps),
      dpreviousOthers: rowsOf(dothers, before, steps),
      dstartOthers: rowsOf(dothers, first, 1),
      dfinalOthers: rowsOf(dothers, last, 1),
      dhPrevious: this.dhPrevious,
      step: (t) => (this.made[t] ??= this.step(t)),
    };
  }

  private step(t: number): Step<F> {
    const { engine, spec, B, reverse, dothers } = this;
    const { cell } = spec;
    const { hidden, inner, separate } = cellSizes(cell);
    const { extra } = this.weights;
    const [after, before] = reverse ? [t, t + 1] : [t + 1, t];
    const at = (buffer: F, blocks: number): F => this.rows(buffer, t, 1, blocks);
    const states = this.states.map((rows) => this.rows(rows, after, 1, 1));
    const previous = this.states.map((rows) => this.rows(rows, before, 1, 1));
    const saved = at(this.saved, cell.savedBlocks);
    const forward: CellForward<F> = {
      ...{ states, saved, xGates: at(this.xGates, cell.gates), hGates: this.hGates, previous, extra },
      ...{ operand: at(this.operand, inner > 0 ? 1 : 0), innerGates: this.innerGates },
    };
    const dxGates = at(this.dxGates, cell.gates);
    const backward: CellBackward<F> = {
      dxGates,
      dhGates: separate ? at(this.dhGates, hidden) : dxGates,
      dprevious: [this.dhPrevious, ...dothers.map((rows) => this.rows(rows, before, 1, 1))],
      dextra: Object.values(cell.extra ?? {}).map(({ blocks }, e) => at(this.dextra[e], blocks)),
      dstates: [at(this.dh, 1), ...dothers.map((rows) => this.rows(rows, after, 1, 1))],
      ...{ saved, states, previous, extra },
      dinnerGates: at(this.dinnerGates, inner),
      doperand: this.doperand,
    };
    return { forward, backward, mask: engine.slice(this.mask, t * B, (t + 1) * B) };
  }

  /** Rows row … row + count − 1, each [B,blocks·H], of a buffer. */
  private rows(buffer: F, row: number, count: number, blocks: number): F {
    const width = this.B * blocks * this.spec.hiddenSize;
    return this.engine.slice(buffer, row * width, (row + count) * width);
  }
}

function weightsOf<F>(
  engine: FloatBuffers<F>,
  { cell, hiddenSize: H, initialState }: ResolvedSpec,
  block: ParameterBlock<F>,
  suffix: string,
): Weights<F> {
  const { hidden, inner } = cellSizes(cell);
  const get = (name: string): F | null => block.get(`${name}${suffix}`);
  const part = (buffer: F | null, first: number, blocks: number, width: number): F | null =>
    buffer === null || blocks === 0 ? null : engine.slice(buffer, first * width, (first + blocks) * width);
  const Whh = get('weight_hh');
  const bhh = get('bias_hh');
  return {
    Wih: get('weight_ih')!,
    bih: get('bias_ih'),
    Whh: part(Whh, 0, hidden, H * H),
    bhh: part(bhh, 0, hidden, H),
    innerWhh: part(Whh, hidden, inner, H * H),
    innerBhh: part(bhh, hidden, inner, H),
    extra: Object.keys(cell.extra ?? {}).map((name) => get(name)!),
    initial: initialState === 'learned' ? cell.states.map((state) => get(`${state}0`)!) : null,
  };
}
