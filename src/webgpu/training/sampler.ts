import { SequenceModel } from '../../bptt/model.ts';
import {
  type AnySampler,
  assertSamplable,
  assertSampleRequest,
  assertSymbol,
  type SampleOptions,
  sampleFrom,
} from '../../bptt/sample.ts';
import { type ModelSpec, type NamedTensors, parameterLayout, type ResolvedSpec, resolveSpec } from '../../bptt/spec.ts';
import { assertEach, assertStates } from '../../bptt/stepper.ts';
import { assertFinite } from '../../check/arrays.ts';
import type { RandomState } from '../../tensor/random.ts';
import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { type CommandList, MAX_REPEATS } from '../device/commands.ts';
import type { Device, DeviceOptions } from '../device/device.ts';
import { WebgpuError } from '../device/errors.ts';
import { drawSymbol } from '../kernels/drawSymbol.ts';
import { formulaOf } from './cellKernels.ts';
import { deviceFor } from './deviceFor.ts';
import { type WebgpuEngine, webgpuEngine } from './engine.ts';

/** What {@link webgpuSampler} takes beside spec and parameters. */
export interface WebgpuSamplerOptions {
  /** The device to compute on, which then stays its owner's. Left out: one is opened, and closed by `dispose`. */
  device?: Device;
  /** How a device is opened. */
  deviceOptions?: DeviceOptions;
}

/**
 * A trained model on a device, read one symbol at a time, its state between symbols kept there. {@link sample} draws on
 * the device, up to 256 symbols a submit; with `topK` or `topP` the logits come back for every symbol and are drawn from
 * here. Calls take their turn: each waits for the one before.
 */
export class WebgpuSampler implements AnySampler {
  readonly device: Device;
  private readonly owned: boolean;
  private readonly engine: WebgpuEngine;
  private readonly model: SequenceModel<FloatBuffer, IntBuffer>;
  /** The states, as they were before the symbols of a submit and before a call. */
  private readonly states: { name: string; initial: FloatBuffer; saved: FloatBuffer; begun: FloatBuffer }[] = [];
  private readonly drawn: IntBuffer;
  private readonly how: FloatBuffer;
  private started = false;
  private lists: Promise<{ read: CommandList; drawing: CommandList }> | null = null;
  private last: Promise<unknown> = Promise.resolve();

  /** Made by {@link webgpuSampler}. */
  constructor(device: Device, owned: boolean, spec: ModelSpec | ResolvedSpec, parameters: NamedTensors) {
    const full = resolveSpec(spec);
    assertSamplable(full);
    assertEach('Sampler', parameterLayout(full), parameters);
    this.device = device;
    this.owned = owned;
    this.engine = webgpuEngine(device);
    const { engine } = this;
    formulaOf(full.cell);
    this.model = new SequenceModel(
      engine,
      { ...full, lossAt: 'every' },
      { steps: 1, batch: 1, initialGradient: false },
    );
    for (const { name } of this.model.parameters.layout) {
      engine.write(this.model.parameters.get(name)!, parameters[name]);
    }
    this.model.eachState((name, layer, d, which) => {
      const initial = this.model.stack.initial(layer, d)[which];
      this.states.push({ name, initial, saved: engine.floats(initial.length), begun: engine.floats(initial.length) });
    });
    this.drawn = engine.ints(MAX_REPEATS);
    this.how = engine.floats(1 + MAX_REPEATS);
    this.model.loadInputs({ inputs: new Int32Array(1), steps: 1, batch: 1 });
  }

  /** The engine and its adapter in words. */
  get description(): string {
    return this.device.description;
  }

  /** Forgets what was read: the next symbol begins a sequence. */
  reset(): void {
    this.serialized(() => this.setStarted(false));
  }

  /**
   * Goes on from these states, [H] each by name.
   *
   * @throws {RangeError | TypeError} where a state is missing, surplus, does not fit or holds a NaN or infinity.
   */
  setState(states: NamedTensors): void {
    const { engine } = this;
    const fn = 'Sampler.setState';
    const names = this.states.map(({ name }) => name);
    assertStates(fn, names, this.model.spec.hiddenSize, states);
    for (const name of names) assertFinite(fn, name, states[name]);
    const own = this.states.map(({ name, initial }) => ({ initial, values: states[name].slice() }));
    this.serialized(() => {
      for (const { initial, values } of own) engine.write(initial, values);
      this.setStarted(true);
    });
  }

  /**
   * Reads one symbol and gives the logits [V] of the next.
   *
   * @throws {RangeError} on a symbol out of range.
   */
  read(id: number): Promise<Float32Array> {
    return this.serialized(() => this.logitsAfter(id));
  }

  /**
   * Reads the prime, then draws `length` symbols, feeding each back.
   *
   * @param prime at least one symbol
   * @param stop a symbol that ends the sequence early; it is the last one returned
   * @throws as on the CPU: the state and the stream are then as they were.
   */
  sample(
    prime: ArrayLike<number>,
    length: number,
    rng: RandomState,
    options: SampleOptions = {},
    stop?: number,
  ): Promise<number[]> {
    return this.serialized(() => this.draw(prime, length, rng, options, stop));
  }

  /** Gives the memory on the device back. */
  dispose(): void {
    if (this.owned) this.device.dispose();
    else this.engine.dispose();
  }

  /** One call after another: calls that overlap would find each other's symbols. */
  private serialized<T>(call: () => T | Promise<T>): Promise<T> {
    const turn = this.last.then(call);
    this.last = turn.catch(() => {});
    return turn;
  }

  private async logitsAfter(id: number): Promise<Float32Array> {
    await this.feed(id);
    return this.model.logits().read();
  }

  /** Draws; where that fails, states and stream are as they were. */
  private async draw(
    prime: ArrayLike<number>,
    length: number,
    rng: RandomState,
    options: SampleOptions,
    stop?: number,
  ): Promise<number[]> {
    assertSampleRequest(this.model.spec.inputSize, prime, length, rng, options, stop);
    const { copy } = this.engine.kernels;
    const { started } = this;
    const stream = rng.getState();
    // What begins a sequence reads no state.
    if (started) for (const { initial, begun } of this.states) copy(begun, initial);
    try {
      return await this.drawSymbols(prime, length, rng, options, stop);
    } catch (error) {
      rng.setState(stream);
      // A device that is gone has no states.
      if (!(error instanceof WebgpuError)) {
        if (started) for (const { initial, begun } of this.states) copy(initial, begun);
        this.setStarted(started);
      }
      throw error;
    }
  }

  private async drawSymbols(
    prime: ArrayLike<number>,
    length: number,
    rng: RandomState,
    options: SampleOptions,
    stop?: number,
  ): Promise<number[]> {
    const { topK, topP = 1, temperature = 1, greedy = false } = options;
    for (let i = 0; i < prime.length - 1; i++) await this.feed(prime[i]);
    let id = prime[prime.length - 1];
    const ids: number[] = [];
    if (topK !== undefined || topP < 1) {
      while (ids.length < length && (ids.length === 0 || id !== stop)) {
        id = sampleFrom(await this.logitsAfter(id), rng, options);
        ids.push(id);
      }
      return ids;
    }
    const { drawing } = await this.recorded();
    this.engine.writeInts(this.model.stack.ids, [id]);
    while (ids.length < length) {
      // A first symbol begins anew; the ones after it go on.
      const count = this.started ? Math.min(MAX_REPEATS, length - ids.length) : 1;
      const before = rng.getState();
      const read = [id];
      const wasStarted = this.started;
      if (stop !== undefined) this.copyStates('save');
      const uniforms = greedy ? [] : Array.from({ length: count }, () => rng.randomSample());
      this.engine.write(this.how, [greedy ? 0 : 1 / temperature, ...uniforms]);
      drawing.submit(count);
      this.setStarted(true);
      const drawn = (await this.drawn.read()).subarray(0, count);
      const end = stop === undefined ? -1 : drawn.indexOf(stop);
      const taken = end < 0 ? count : end + 1;
      const bad = drawn.subarray(0, taken).indexOf(-1);
      if (bad >= 0)
        throw new RangeError(`Sampler.sample: the logits of symbol ${ids.length + bad} hold a NaN or infinity`);
      ids.push(...drawn.subarray(0, taken));
      id = ids[ids.length - 1];
      if (taken === count) {
        if (end < 0) continue;
        break;
      }
      // More was drawn and read than asked for: back to the state before, and as far as the end.
      rng.setState(before);
      if (!greedy) for (let i = 0; i < taken; i++) rng.randomSample();
      this.copyStates('restore');
      this.setStarted(wasStarted);
      read.push(...drawn.subarray(0, taken - 1));
      for (const symbol of read) await this.feed(symbol);
      break;
    }
    return ids;
  }

  private async feed(id: number): Promise<void> {
    assertSymbol(this.model.spec.inputSize, id);
    const { read } = await this.recorded();
    this.engine.writeInts(this.model.stack.ids, [id]);
    read.submit();
    this.setStarted(true);
  }

  private copyStates(way: 'save' | 'restore'): void {
    const { copy } = this.engine.kernels;
    for (const { initial, saved } of this.states) {
      if (way === 'save') copy(saved, initial);
      else copy(initial, saved);
    }
  }

  /** Sets whether the next symbol continues from the state, or begins a sequence. */
  private setStarted(started: boolean): void {
    this.engine.write(this.model.stack.carry, [started ? 1 : 0]);
    this.started = started;
  }

  /** A step, recorded: forward to the logits, and the state that the next one goes on from. */
  private recorded(): Promise<{ read: CommandList; drawing: CommandList }> {
    this.lists ??= this.record();
    return this.lists;
  }

  private async record(): Promise<{ read: CommandList; drawing: CommandList }> {
    const { device, engine, model, drawn, how } = this;
    const { stack, spec } = model;
    const step = (): void => {
      model.predictLogits();
      model.eachState((_, layer, d, which) => {
        const { final } = stack.recurrence(model.window, layer, d);
        engine.kernels.copy(stack.initial(layer, d)[which], final[which]);
      });
    };
    const read = await device.record(step);
    const drawing = await device.record(() => {
      step();
      drawSymbol(drawn, stack.ids, model.logits(), how, spec.outputSize || spec.hiddenSize);
    });
    return { read, drawing };
  }
}

/**
 * A sampler on a WebGPU device.
 *
 * @param spec of a model that reads ids and gives softmax logits at every step, in one direction
 * @param parameters by name, as a trainer gives them
 * @throws {RangeError} where the model is not one that can be sampled from or a parameter does not fit.
 */
export async function webgpuSampler(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  { device, deviceOptions }: WebgpuSamplerOptions = {},
): Promise<WebgpuSampler> {
  const own = await deviceFor('Sampler', device, deviceOptions);
  try {
    return new WebgpuSampler(own, device === undefined, spec, parameters);
  } catch (error) {
    if (!device) own.dispose();
    throw error;
  }
}
