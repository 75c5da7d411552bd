import { RandomState } from 'bptt/tensor';
import {
  type Device,
  type EngineCall,
  type FloatBuffer,
  type IntBuffer,
  type MatmulKernel,
  type MatmulLayout,
  type MatmulPlan,
  matmul,
  type PersistentPlan,
  planMatmul,
  type RecurrencePlan,
  type WebgpuEngine,
  webgpuEngine,
} from 'bptt/webgpu';
import type { Training } from '../contender.ts';
import {
  addWeightGradients,
  backwardStage,
  fitPlan,
  forwardStage,
  modelAllocationPlan,
  type Recurrence,
  roomFor,
  SequenceModel,
  type Stage,
  type WeightGradient,
  weightGradients,
} from './insides.ts';
import { CANDIDATE, type Effort, type Run, type Section, TIME, TODAY } from './section.ts';
import { figure, forEach, timeCalls, timeList, words } from './timing.ts';
import { workloadOf } from './trainingSections.ts';

/** Milliseconds of a sample. */
const sampleOf = (effort: Effort): number => (effort === 'small' ? 2 : 40);

type Net = Pick<Training, 'cell' | 'D' | 'H' | 'V' | 'T' | 'B'>;

type Gradient = WeightGradient<FloatBuffer, IntBuffer>;

/** A net in training on the device, as the calls of its passes forward and back. */
class TrainedNet {
  readonly engine: WebgpuEngine;
  readonly calls: readonly EngineCall[];

  constructor(device: Device, { cell, D, H, V, T, B }: Net) {
    const shape = { inputSize: D, hiddenSize: H, outputSize: V } as const;
    const spec = { cell, ...shape, bias: 'input', loss: 'softmaxCrossEntropy' } as const;
    // As a trainer's session has it.
    const options = { steps: T, batch: B, sumLosses: false, initialGradient: false } as const;
    const room = roomFor(modelAllocationPlan(spec, options));
    this.engine = webgpuEngine(device, { room: { floats: room, ints: 3 * T * B + 16 } });
    const model = new SequenceModel<FloatBuffer, IntBuffer>(this.engine, spec, options);
    const random = new RandomState(1);
    model.parameters.flat.write(Float32Array.from(random.uniform(-0.05, 0.05, model.parameters.flat.length)));
    const ids = Int32Array.from(random.randint(0, Math.min(D, V), T * B));
    model.load({ inputs: ids, targets: ids, steps: T, batch: B });
    this.calls = this.engine.calls(() => model.forwardBackward());
  }

  /** The stage of a direction, computed by that plan. */
  recurrence(direction: Direction, plan: RecurrencePlan): Stage {
    const kernel = direction === 'forward' ? 'recurrenceForward' : 'recurrenceBackward';
    const [r, backSteps] = this.argsOf(kernel) as [Recurrence<FloatBuffer, IntBuffer>, number];
    return direction === 'forward' ? forwardStage(r, plan) : backwardStage(r, backSteps, plan);
  }

  get weightGradients(): readonly Gradient[] {
    return this.argsOf('weightGradients')[0] as readonly Gradient[];
  }

  dispose(): void {
    this.engine.dispose();
  }

  private argsOf(kernel: EngineCall['kernel']): readonly unknown[] {
    return this.calls.find((call) => call.kernel === kernel)!.args;
  }
}

type Direction = 'forward' | 'backward';

const netOf = (id: string, effort: Effort): Net => workloadOf(id, effort).task as Training;
const IDS = ['W1', 'W2', 'W3'] as const;

export const STAGES: Section = {
  name: 'stages',
  title: 'A training step, stage by stage, each alone (without the update)',
  seconds: { full: 25, small: 30 },
  run: (run) =>
    forEach(run, IDS, String, async (device, id) => {
      const net = new TrainedNet(device, netOf(id, run.effort));
      for (const stage of net.calls) {
        const list = await device.record(() => stage.run());
        const { us, host } = await timeList(device, list, sampleOf(run.effort));
        run.emit(id, { stage: stage.name, dispatches: list.dispatches, [TIME]: figure(us), host: figure(host) });
        list.destroy();
      }
      net.dispose();
    }),
};

export const RECURRENCES: Section = {
  name: 'recurrences',
  title: 'Plans of a recurrence: all steps in a dispatch by several plans, or a dispatch a step by several tiles',
  seconds: { full: 115, small: 60 },
  run: (run) =>
    forEach(
      run,
      netsOf(run.effort),
      ([name]) => name,
      (device, [name, net]) => compareRecurrences(device, name, net, run),
    ),
};

function netsOf(effort: Effort): [name: string, net: Net][] {
  const named = IDS.slice(0, 2).map((id): [string, Net] => [id, netOf(id, effort)]);
  if (effort === 'small') return [...named, ['lstm H 16 B 2', { cell: 'lstm', D: 8, V: 8, H: 16, T: 4, B: 2 }]];
  const grid: [string, Net][] = [];
  for (const B of [64, 1, 32]) {
    for (const cell of ['lstm', 'elman'] as const) {
      for (const H of [512, 256, 128]) grid.push([`${cell} H ${H} B ${B}`, { cell, D: 98, V: 98, H, T: 25, B }]);
    }
  }
  return [...named, ...grid];
}

/** Plans that are worth a try for sums of `inner` products, so many of them. */
export function recurrencePlansOf(
  device: Device,
  B: number,
  inner: number,
  outputs: number,
): Map<string, RecurrencePlan> {
  const plans = new Map<string, RecurrencePlan>([[TODAY, true]]);
  for (const [rows, fours] of [
    [1, 1],
    [2, 1],
    [4, 1],
    [8, 1],
    [1, 2],
    [4, 2],
  ]) {
    if (rows <= B) plans.set(`a dispatch a step, tile ${rows} × ${fours}`, { rows, fours });
  }
  const seen = new Set<string>();
  const add = (plan: PersistentPlan): void => {
    const fitted = fitPlan(plan, device, B, inner, outputs);
    if (!fitted || (plan.weightsInRegisters > 0 && fitted.options.weightsInRegisters === 0)) return;
    const key = JSON.stringify([fitted.options, fitted.numbers]);
    if (seen.has(key)) return;
    seen.add(key);
    const { rows, outputsPerThread, weightsInRegisters, threads } = fitted.options;
    const weights = weightsInRegisters ? `${weightsInRegisters} in registers` : `kSplits ${fitted.numbers.kSplits}`;
    plans.set(`persistent, rows ${rows}, outputs ${outputsPerThread}, ${weights}, threads ${threads}`, plan);
  };
  const weights = inner * outputs;
  const threadCounts = [256, 512, 1024];
  const read = { outputsPerThread: 4, weightsInRegisters: 0 } as const;
  const threadsAcross = Math.ceil(outputs / read.outputsPerThread);
  for (const rows of [1, 2].filter((count) => count <= B)) {
    if (weights <= 65_536) {
      for (const [outputsPerThread, weightsInRegisters] of [
        [4, 8],
        [4, 16],
        [4, 32],
        [8, 8],
        [8, 16],
      ]) {
        // Whatever the workgroup needs and no more.
        const needed = Math.ceil(outputs / outputsPerThread) * Math.ceil(inner / weightsInRegisters);
        const threads = threadCounts.find((count) => count >= needed);
        if (threads !== undefined) add({ rows, outputsPerThread, weightsInRegisters, kSplits: 1, threads });
      }
    }
    if (weights <= 300_000) {
      for (const threads of threadCounts) add({ rows, ...read, kSplits: threads / threadsAcross, threads });
    }
  }
  if (B >= 8 && weights <= 300_000) add({ rows: 4, ...read, kSplits: 256 / threadsAcross, threads: 256 });
  return plans;
}

async function compareRecurrences(device: Device, name: string, net: Net, { emit, effort, left }: Run): Promise<void> {
  const trained = new TrainedNet(device, net);
  const gates = net.cell === 'lstm' ? 4 : 1;
  const { H, B } = net;
  const directions = [
    ['forward', H, gates * H],
    ['backward', gates * H, H],
  ] as const;
  for (const [direction, inner, outputs] of directions) {
    const plans = [...recurrencePlansOf(device, B, inner, outputs)];
    // All at once, since compiling takes longer than running.
    const lists = await Promise.all(
      plans.map(async ([candidate, plan]) => {
        try {
          const stage = trained.recurrence(direction, plan);
          return { candidate, stage: stage.name, list: await device.record(() => stage.run()) };
        } catch (error) {
          emit('failures', { what: `${name} ${direction}`, candidate, message: words(error) });
          return null;
        }
      }),
    );
    for (const one of lists) {
      if (!one || left() < -10) continue;
      const { candidate, stage, list } = one;
      const { us, host } = await timeList(device, list, sampleOf(effort));
      const how = candidate === TODAY ? `${TODAY}: ${stage.split(', ')[1]}` : candidate;
      const a = { [TIME]: figure(us), 'µs a time step': figure(us / net.T), host: figure(host) };
      emit(`${name} ${direction}`, { [CANDIDATE]: how, dispatches: list.dispatches, ...a });
      list.destroy();
    }
  }
  trained.dispose();
}

/** A product of a training step, or a square one. */
type Shape = readonly [what: string, layout: MatmulLayout, m: number, k: number, n: number];

function shapesOf(effort: Effort): Shape[] {
  const ofNets = IDS.flatMap((id): Shape[] => {
    const { cell, H, V, T, B } = netOf(id, effort);
    const R = T * B;
    const G = cell === 'lstm' ? 4 : 1;
    return [
      [`${id} logits`, 'NT', R, H, V],
      [`${id} gradient of the states`, 'NN', R, V, H],
      [`${id} gradient of weight_hh`, 'TN', G * H, R, H],
      [`${id} gradient of weight_ho`, 'TN', V, R, H],
    ];
  });
  const squares = effort === 'small' ? [64] : [256, 512, 1024, 2048];
  return [...ofNets, ...squares.map((N): Shape => [`${N} × ${N}`, 'NN', N, N, N])];
}

const KERNELS_TRIED: readonly MatmulKernel[] = ['rows', 'registers', 'tile32', 'tile64', 'tile128'];
const SPLITS: readonly number[] = [1, 2, 4, 8, 16, 32];
/** Elements of the parts of a product: more of them are more memory than sums. */
const MOST_PARTS = 2 ** 24;

/** Plans that are worth a try. */
export function plansOf(m: number, k: number, n: number, effort: Effort): MatmulPlan[] {
  const plans: MatmulPlan[] = [];
  for (const kernel of KERNELS_TRIED) {
    if (kernel === 'rows' && m > 128) continue;
    if (kernel === 'tile128' && Math.max(m, n) < 64) continue;
    for (const splits of SPLITS) {
      if (splits > 1 && (k / splits < 32 || splits * m * n > MOST_PARTS)) continue;
      if (effort === 'small' && splits > 1) continue;
      plans.push({ kernel, splits });
    }
  }
  return plans;
}

export const PLANS: Section = {
  name: 'plans',
  title: 'Ways of a product',
  seconds: { full: 45, small: 45 },
  run: (run) => forEach(run, shapesOf(run.effort), tableOf, (device, shape) => comparePlans(device, shape, run)),
};

const tableOf = ([what, layout, m, k, n]: Shape): string => `${what}: ${layout} ${m}·${k}·${n}`;

async function comparePlans(device: Device, shape: Shape, { emit, effort }: Run): Promise<void> {
  const [, layout, m, k, n] = shape;
  const noise = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i));
  const [c, a, b] = [device.floats(m * n, 'c'), device.floats(noise(m * k), 'a'), device.floats(noise(k * n), 'b')];
  const today = planMatmul(device, m, k, n);
  const isToday = ({ kernel, splits }: MatmulPlan): boolean => kernel === today.kernel && splits === today.splits;
  const plans = plansOf(m, k, n, effort);
  if (!plans.some(isToday)) plans.push(today);
  const lists = await Promise.all(
    plans.map((plan) => device.record(() => matmul('tuning', layout, c, a, b, m, k, n, { plan }))),
  );
  for (const [p, list] of lists.entries()) {
    const { kernel, splits } = plans[p];
    const { us, host } = await timeList(device, list, sampleOf(effort));
    const rate = { [TIME]: figure(us), 'GFLOP/s': figure((2 * m * k * n) / us / 1000), host: figure(host) };
    emit(tableOf(shape), {
      [CANDIDATE]: `${isToday(plans[p]) ? `${TODAY}: ` : ''}${kernel}, splits ${splits}`,
      ...rate,
    });
    list.destroy();
  }
  for (const buffer of [c, a, b]) buffer.destroy();
}

export const GRADIENTS: Section = {
  name: 'weightGradients',
  title: 'Weight gradients: all in one dispatch, or each a product of its own',
  seconds: { full: 20, small: 20 },
  run: (run) => forEach(run, IDS, String, (device, id) => compareGradients(device, id, run)),
};

async function compareGradients(device: Device, id: (typeof IDS)[number], { emit, effort }: Run): Promise<void> {
  const net = new TrainedNet(device, netOf(id, effort));
  const gradients = net.weightGradients;
  const compare = async (table: string, those: readonly Gradient[], today: string, other: string): Promise<void> => {
    const row = async (candidate: string, calls: () => void): Promise<void> => {
      const { us, host } = await timeCalls(device, sampleOf(effort), calls);
      emit(table, { [CANDIDATE]: candidate, [TIME]: figure(us), host: figure(host) });
    };
    await row(`${TODAY}: ${today}`, () => weightGradients(those));
    await row(other, () => addWeightGradients(net.engine.kernels, those));
  };
  await compare(id, gradients, 'all in one dispatch', 'each by itself: products by their plans, sums of rows');
  // The gradient of a one-hot input has one kernel only.
  for (const gradient of gradients.filter(({ ids }) => ids === null)) {
    await compare(`${id}, ${sizesOf(gradient)}`, [gradient], 'the kernel for several', 'the kernel for itself');
  }
  net.dispose();
}

function sizesOf({ x, R, O, D }: Gradient): string {
  return x ? `[${O},${D}] over ${R} rows` : `bias [${O}] over ${R} rows`;
}
