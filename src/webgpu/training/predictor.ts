import { sizingEngine } from '../../bptt/engine.ts';
import { LruMap } from '../../bptt/lruMap.ts';
import { SequenceModel } from '../../bptt/model.ts';
import {
  KEPT_SIZES,
  MOST_SEQUENCES,
  type Predictor,
  predictionOptions,
  type Run,
  sizeClass,
} from '../../bptt/predictor.ts';
import { type NamedTensors, type ResolvedSpec, resolveSpec } from '../../bptt/spec.ts';
import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { type Device, type DeviceOptions, openDevice } from '../device/device.ts';
import { WebgpuError } from '../device/errors.ts';
import { formulaOf } from './cellKernels.ts';
import { deviceFor } from './deviceFor.ts';
import { survivingLosses } from './deviceRecovery.ts';
import { roomFor, type WebgpuEngine, webgpuEngine } from './engine.ts';
import { lossWgslOf } from './loss.ts';

/** What {@link webgpuPredictor} takes beside spec and parameters. */
export interface WebgpuPredictorOptions {
  /**
   * The device to compute on, which then stays its owner's: when it is lost, calls fail with a {@link WebgpuError} `lost`.
   * Left out: one is opened, and another one when it is lost, on which the call under way is done again.
   */
  device?: Device;
  /** How devices are opened. */
  deviceOptions?: DeviceOptions;
}

/** A model of windows on a device, and its memory there. */
interface DeviceWindows {
  readonly T: number;
  readonly engine: WebgpuEngine;
  readonly model: SequenceModel<FloatBuffer, IntBuffer>;
}

/** Predicts whole batches on a device; made by {@link webgpuPredictor}. Calls take their turn. */
export class WebgpuPredictor implements Predictor {
  readonly sequences: number = MOST_SEQUENCES;
  private readonly spec: ResolvedSpec;
  private readonly parameters: NamedTensors;
  private readonly note: string;
  private readonly reopen: (() => Promise<Device>) | null;
  private current: Device;
  private isLost = false;
  /** For each B that is kept, a model with room for the longest window so far. */
  private kept = new LruMap<number, { windows: DeviceWindows | null }>(KEPT_SIZES, free);
  private last: Promise<unknown> = Promise.resolve();
  private disposed = false;

  /**
   * @param note what else the description says
   * @param reopen opens another device; null where the device is another's
   */
  constructor(
    device: Device,
    reopen: (() => Promise<Device>) | null,
    spec: ResolvedSpec,
    parameters: NamedTensors,
    note: string,
  ) {
    formulaOf(spec.cell);
    lossWgslOf(spec.loss);
    this.current = device;
    this.reopen = reopen;
    this.spec = spec;
    this.parameters = parameters;
    this.note = note;
  }

  /** The device that computes, with its counters; another one after a loss. */
  get device(): Device {
    return this.current;
  }

  get description(): string {
    return `${this.current.description}${this.note === '' ? '' : `; ${this.note}`}`;
  }

  predict(runs: readonly Run[]): Promise<Float32Array[][]> {
    const turn = this.last.then(() => this.outputs(runs));
    this.last = turn.catch(() => {});
    return turn;
  }

  dispose(): void {
    this.disposed = true;
    if (this.reopen) this.current.dispose();
    else this.free();
  }

  private outputs(runs: readonly Run[]): Promise<Float32Array[][]> {
    const { reopen } = this;
    const work = async (): Promise<Float32Array[][]> => {
      if (this.isLost) await this.replaceDevice(reopen!);
      const outputs: Float32Array[][] = [];
      for (const run of runs) outputs.push(await this.outputsOf(run));
      return outputs;
    };
    if (reopen === null) return work();
    return survivingLosses(
      work,
      () => this.current,
      () => {
        this.isLost = true;
      },
    );
  }

  /** Nothing is lost with a device: no number there goes on from one call to the next. */
  private async replaceDevice(reopen: () => Promise<Device>): Promise<void> {
    const device = await reopen();
    this.current.dispose();
    this.current = device;
    this.kept = new LruMap(KEPT_SIZES, free);
    this.isLost = false;
    if (this.disposed) device.dispose();
  }

  private async outputsOf(run: Run): Promise<Float32Array[]> {
    const { engine, model } = this.windows(run);
    const outputs: Float32Array[] = [];
    for (const [i, window] of run.entries()) {
      if (i > 0) carryOn(engine, model);
      model.loadChecked(window);
      model.predict();
      outputs.push(await model.outputs().read());
    }
    return outputs;
  }

  /** A model with room for a run. */
  private windows([first]: Run): DeviceWindows {
    if (this.disposed) throw new WebgpuError('disposed', 'model.predict: the model was disposed of');
    const { spec, current, parameters } = this;
    const B = first.carry.length;
    const T = sizeClass(first.steps);
    const place = this.kept.get(B, () => ({ windows: null }));
    if (place.windows && place.windows.T >= T) return place.windows;
    free(place);
    place.windows = null;
    const options = predictionOptions(T, B);
    const sizing = sizingEngine();
    new SequenceModel(sizing, spec, options);
    const engine = webgpuEngine(current, {
      room: { floats: roomFor(sizing.lengths), ints: roomFor([T * B, B, B]) },
    });
    const model = new SequenceModel(engine, spec, options);
    for (const [name, values] of Object.entries(parameters)) engine.write(model.parameters.get(name)!, values);
    place.windows = { T, engine, model };
    return place.windows;
  }

  private free(): void {
    for (const place of this.kept.values()) free(place);
  }
}

function free({ windows }: { readonly windows: DeviceWindows | null }): void {
  windows?.engine.dispose();
}

/** Hands the states that a window ended in to the next. */
function carryOn({ kernels }: WebgpuEngine, { stack, spec, window }: SequenceModel<FloatBuffer, IntBuffer>): void {
  for (let layer = 0; layer < spec.layers; layer++) {
    const { final } = stack.recurrence(window, layer);
    for (const [s, state] of stack.initial(layer).entries()) kernels.copy(state, final[s]);
  }
}

/**
 * Who predicts whole batches on a WebGPU device for `createModel` of `bptt`.
 *
 * @param parameters float32, by name
 * @param note what else its description says
 * @throws {RangeError} on a cell or loss that has no WGSL, {WebgpuError} where no device can be opened.
 */
export async function webgpuPredictor(
  spec: ResolvedSpec,
  parameters: NamedTensors,
  { device, deviceOptions }: WebgpuPredictorOptions = {},
  note = '',
): Promise<WebgpuPredictor> {
  const full = resolveSpec(spec);
  const own = await deviceFor('createModel', device, deviceOptions);
  try {
    return new WebgpuPredictor(own, device ? null : () => openDevice(deviceOptions), full, parameters, note);
  } catch (error) {
    if (!device) own.dispose();
    throw error;
  }
}
