import { messageOf, WebgpuError } from './errors.ts';
import { STAGE_COMPUTE } from './host.ts';
import type { GPUBindGroupLayout, GPUComputePipeline, GPUDevice } from './hostTypes.ts';

/**
 * What a kernel sees in a buffer. `vec4f` is four floats at once; the view must begin at a multiple of four. Inputs may be
 * seen as `f32` where others see fours in the same buffer; outputs may not, since writing one float of four may touch all.
 * `atomic<u32>` is an output that several invocations may write.
 */
export type ElementType = 'f32' | 'i32' | 'u32' | 'atomic<u32>' | 'vec4f';

/**
 * A compute kernel in WGSL. Its buffers and numbers are declared here and not in `code`, which reaches them so:
 *
 * - `x(i)`: element i of the buffer `x`; `set_y(i, value)`: the same of an output. Views may begin anywhere in a buffer
 *   and several may lie in one, so the declarations behind these functions are made for the buffers of a call: WebGPU
 *   allows no buffer two bindings of which one is written.
 * - `x_at(args.x_start + i)`: the same element, for loops that keep an address.
 * - `args.n`: a number.
 * - `repeat()`: which repetition of a recorded list this is, 0 in a call outside of one, for a kernel with `repeats`.
 */
export interface KernelSource {
  readonly name: string;
  readonly outputs: Readonly<Record<string, ElementType>>;
  readonly inputs: Readonly<Record<string, ElementType>>;
  readonly args: Readonly<Record<string, 'u32' | 'i32' | 'f32'>>;
  readonly repeats?: boolean;
  /** The entry point `main` and what it needs. */
  readonly code: string;
}

/** 4-byte words of a call's numbers: one slot of the uniform buffer, whose offsets are multiples of 256 bytes. */
export const SLOT_WORDS = 64;
/** The same in bytes. */
export const SLOT_BYTES: number = 4 * SLOT_WORDS;

/** A kernel compiled for one way in which its tensors share buffers. */
export interface Pipeline {
  readonly source: KernelSource;
  readonly layout: GPUBindGroupLayout;
  /** `w` or `r` for each binding of a buffer: what bind groups are cached by. */
  readonly bindings: string;
  /** Null until it is compiled. */
  compiled: GPUComputePipeline | null;
  /** Rejects with a {@link WebgpuError} `shader`. */
  readonly ready: Promise<unknown>;
}

/** The compiled kernels of a device. */
export class Pipelines {
  private readonly gpu: GPUDevice;
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly pipelines = new Map<KernelSource, Map<string, Pipeline>>();

  constructor(gpu: GPUDevice) {
    this.gpu = gpu;
  }

  /**
   * The kernel for tensors that lie in the buffers `places`: equal numbers mean the same buffer. Compiles at the first
   * call.
   *
   * @param places [tensors], outputs first: 0 for the first buffer, 1 for the next one that is not the same, …
   */
  get(source: KernelSource, places: readonly number[]): Pipeline {
    let memoize = this.pipelines.get(source);
    if (!memoize) {
      memoize = new Map();
      this.pipelines.set(source, memoize);
    }
    const key = places.join();
    let pipeline = memoize.get(key);
    if (!pipeline) {
      pipeline = this.compile(source, places);
      memoize.set(key, pipeline);
    }
    return pipeline;
  }

  private compile(source: KernelSource, places: readonly number[]): Pipeline {
    const written = new Set(places.slice(0, Object.keys(source.outputs).length));
    const count = Math.max(-1, ...places) + 1;
    const bindings = Array.from({ length: count }, (_, place) => (written.has(place) ? 'w' : 'r')).join('');
    const most = this.gpu.limits.maxStorageBuffersPerShaderStage;
    if (count > most) {
      throw new WebgpuError('limit', `${source.name}: ${count} buffers, this device allows ${most} a kernel`);
    }
    const layout = this.layout(bindings, source.repeats === true);
    const code = wgsl(source, places, bindings);
    // The compiler's complaints come with the pipeline's.
    this.gpu.pushErrorScope('validation');
    const module = this.gpu.createShaderModule({ label: source.name, code });
    this.gpu.popErrorScope().catch(() => {});
    const pipeline: Pipeline = {
      source,
      layout,
      bindings,
      compiled: null,
      ready: this.gpu
        .createComputePipelineAsync({
          label: source.name,
          layout: this.gpu.createPipelineLayout({ label: source.name, bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: 'main' },
        })
        .then(
          (compiled) => {
            pipeline.compiled = compiled;
          },
          async (error: unknown) => {
            const messages = (await module.getCompilationInfo?.().catch(() => null))?.messages ?? [];
            throw shaderError(source.name, code, messages, error);
          },
        ),
    };
    // Whoever needs the kernel waits for it and is told.
    pipeline.ready.catch(() => {});
    return pipeline;
  }

  private layout(bindings: string, repeats: boolean): GPUBindGroupLayout {
    const key = repeats ? `${bindings}+` : bindings;
    let layout = this.layouts.get(key);
    if (!layout) {
      const uniform: GPUBufferBindingLayout = { type: 'uniform', hasDynamicOffset: true, minBindingSize: SLOT_BYTES };
      const entries = [...bindings].map((access, i) => ({
        binding: i + 1,
        visibility: STAGE_COMPUTE,
        buffer: { type: access === 'w' ? ('storage' as const) : ('read-only-storage' as const) },
      }));
      layout = this.gpu.createBindGroupLayout({
        label: key,
        entries: [
          { binding: 0, visibility: STAGE_COMPUTE, buffer: uniform },
          ...entries,
          ...(repeats ? [{ binding: bindings.length + 1, visibility: STAGE_COMPUTE, buffer: uniform }] : []),
        ],
      });
      this.layouts.set(key, layout);
    }
    return layout;
  }
}

/** The whole text of a kernel: its declarations for these places, and its code. */
function wgsl(
  { name, outputs, inputs, args, repeats, code }: KernelSource,
  places: readonly number[],
  bindings: string,
): string {
  const tensors = Object.entries({ ...outputs, ...inputs });
  const fields = [
    ...Object.entries(args).map(([name, type]) => `${name}: ${type}`),
    ...tensors.map(([name]) => `${name}_start: u32`),
  ];
  if (fields.length > SLOT_WORDS) {
    throw new RangeError(`${name}: ${fields.length} numbers and buffers, expected at most ${SLOT_WORDS}`);
  }
  const typeAt = (place: number): ElementType => {
    const types = tensors.filter((_, t) => places[t] === place).map(([, type]) => type);
    return types.includes('vec4f') ? 'vec4f' : types[0];
  };
  const declared = [...bindings].map(
    (access, place) =>
      `@group(0) @binding(${place + 1}) var<storage, ${access === 'w' ? 'read_write' : 'read'}> buffer${place}: array<${typeAt(place)}>;`,
  );
  const reached = tensors.map(([tensor, type], t) => {
    const isOutput = tensor in outputs;
    const oneOfFour = type === 'f32' && typeAt(places[t]) === 'vec4f';
    if (oneOfFour && isOutput)
      throw new TypeError(`${name}: ${tensor} is written by single floats where others see fours`);
    const element = (at: string): string =>
      `buffer${places[t]}${oneOfFour ? `[(${at}) / 4u][(${at}) % 4u]` : `[${at}]`}`;
    const own = `args.${tensor}_start + i`;
    if (type === 'atomic<u32>') {
      return `fn ${tensor}(i: u32) -> u32 { return atomicLoad(&${element(own)}); }
fn set_${tensor}(i: u32, value: u32) { atomicStore(&${element(own)}, value); }`;
    }
    const get = `fn ${tensor}(i: u32) -> ${type} { return ${element(own)}; }
fn ${tensor}_at(at: u32) -> ${type} { return ${element('at')}; }`;
    return isOutput ? `${get}\nfn set_${tensor}(i: u32, value: ${type}) { ${element(own)} = value; }` : get;
  });
  const repeat = repeats
    ? [
        `@group(0) @binding(${bindings.length + 1}) var<uniform> repeat_slot: u32;`,
        'fn repeat() -> u32 { return repeat_slot; }',
      ]
    : [];
  return [
    `struct Args { ${fields.join(', ')} }`,
    '@group(0) @binding(0) var<uniform> args: Args;',
    ...declared,
    ...reached,
    ...repeat,
    code,
  ].join('\n');
}

/** The compiler's messages, each with its line, column and the line of source itself. */
function shaderError(
  name: string,
  code: string,
  messages: readonly GPUCompilationMessage[],
  cause: unknown,
): WebgpuError {
  const lines = code.split('\n');
  const told = messages
    .filter(({ type }) => type === 'error')
    .map(
      ({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}\n    ${lines[lineNum - 1]?.trim() ?? ''}`,
    );
  return new WebgpuError('shader', `${name}: ${told.length > 0 ? told.join('\n') : messageOf(cause)}`, { cause });
}
