import { CheckedMemory, type Invocation, Log } from './memory.ts';
import { type Self, type TranslatedKernel, translate } from './translate.ts';

export interface CheckedGpuOptions {
  /** A barrier that is taken out of a kernel: its place in the text, from 0. */
  readonly without?: { readonly kernel: string; readonly barrier: number };
}

/**
 * A GPU in JavaScript that looks at every access of every invocation: which two touch one element of a buffer or of a
 * workgroup's memory without a barrier between them, one of them writing; what lies outside of a buffer; and whether all
 * invocations of a workgroup come to the same barriers. Only what the library asks of a GPU is there.
 */
export class CheckedGpu {
  /** All that was found, each kind once. */
  readonly findings = new Set<string>();
  /** The barriers that invocations came to, of each kernel by their places in its text. */
  readonly barriers = new Map<string, Set<number>>();
  private readonly without: CheckedGpuOptions['without'];
  private ids = 1;

  constructor({ without }: CheckedGpuOptions = {}) {
    this.without = without;
  }

  /** To open a device with. */
  get gpu(): GPU {
    return { requestAdapter: async () => this.adapter() } as unknown as GPU;
  }

  private adapter() {
    const limits = {
      ...{ maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27, maxStorageBuffersPerShaderStage: 10 },
      ...{ maxComputeWorkgroupStorageSize: 2 ** 15, maxComputeInvocationsPerWorkgroup: 1024 },
      ...{ maxComputeWorkgroupSizeX: 1024, maxComputeWorkgroupSizeY: 1024, maxComputeWorkgroupSizeZ: 64 },
      ...{ maxComputeWorkgroupsPerDimension: 65535, minUniformBufferOffsetAlignment: 256 },
    };
    const info = { vendor: '', architecture: '', device: '', description: 'checked accesses, software' };
    return { info, limits, requestDevice: async () => this.device(limits) };
  }

  private device(limits: object) {
    const modules = new Map<string, TranslatedKernel>();
    return {
      ...{ limits, lost: new Promise(() => {}), queue: this.queue() },
      ...{ addEventListener() {}, removeEventListener() {}, destroy() {}, pushErrorScope() {} },
      popErrorScope: async () => null,
      createBuffer: ({ label, size }: { label: string; size: number }) => new CheckedBuffer(label, size),
      createBindGroupLayout: () => ({}),
      createPipelineLayout: () => ({}),
      createBindGroup: ({ entries }: { entries: readonly Entry[] }) => entries,
      createShaderModule: ({ label, code }: { label: string; code: string }) => {
        const leftOut = this.without?.kernel === label ? this.without.barrier : -1;
        let kernel = modules.get(code);
        if (!kernel) {
          kernel = translate(code, leftOut);
          modules.set(code, kernel);
        }
        return { label, kernel };
      },
      createComputePipelineAsync: async ({ compute }: { compute: { module: Module } }) => compute.module,
      createCommandEncoder: () => new Encoder((dispatch) => this.run(dispatch)),
    };
  }

  private queue() {
    return {
      onSubmittedWorkDone: async () => {},
      submit: (lists: (() => void)[][]) => {
        for (const run of lists.flat()) run();
      },
      /** Offset and size count elements of a typed array. */
      writeBuffer(to: CheckedBuffer, at: number, data: ArrayBuffer | Uint32Array, start = 0, size?: number) {
        const unit = ArrayBuffer.isView(data) ? data.BYTES_PER_ELEMENT : 1;
        const [buffer, offset] = ArrayBuffer.isView(data) ? [data.buffer, data.byteOffset] : [data, 0];
        const bytes = size === undefined ? data.byteLength - start * unit : size * unit;
        to.bytes.set(new Uint8Array(buffer, offset + start * unit, bytes), at);
      },
    };
  }

  private run({ module: { label, kernel }, entries, offsets, workgroups }: Dispatch): void {
    const log = new Log(label);
    const storage: Record<string, CheckedMemory> = {};
    const uniforms: Record<string, number> = {};
    const args: Record<string, number> = {};
    // Uniform buffers have dynamic offsets, in the order of their bindings.
    let dynamic = 0;
    for (const { name, binding, isUniform } of kernel.bindings.toSorted((a, b) => a.binding - b.binding)) {
      const { resource } = entries.find((entry) => entry.binding === binding)!;
      const { memory } = resource.buffer;
      if (!isUniform) {
        storage[name] = memory;
        continue;
      }
      const word = ((resource.offset ?? 0) + offsets[dynamic++]) / 4;
      if (binding > 0) uniforms[name] = memory.u32[word];
      else for (const [i, arg] of kernel.args.entries()) args[arg.name] = memory[arg.type as 'u32'][word + i];
    }
    const oldest = this.ids;
    for (let z = 0; z < workgroups[2]; z++) {
      for (let y = 0; y < workgroups[1]; y++) {
        for (let x = 0; x < workgroups[0]; x++) {
          this.runWorkgroup(kernel, { storage, uniforms, args }, [x, y, z], workgroups, oldest, log);
        }
      }
    }
    for (const finding of log.findings) this.findings.add(finding);
  }

  private runWorkgroup(
    { main, workgroupSize, workgroupMemory }: TranslatedKernel,
    { storage, uniforms, args }: { storage: Record<string, CheckedMemory> } & Pick<Self, 'uniforms' | 'args'>,
    place: readonly [number, number, number],
    workgroups: readonly [number, number, number],
    oldest: number,
    log: Log,
  ): void {
    const group = this.ids++;
    const own = workgroupMemory.map(({ name, words }) => [name, new CheckedMemory(name, 'workgroup', words)] as const);
    const memory = { ...storage, ...Object.fromEntries(own) };
    const [sx, sy, sz] = workgroupSize;
    let epochs: Invocation['epochs'] = { workgroup: this.ids++, storage: this.ids++ };
    const running = Array.from({ length: sx * sy * sz }, (_, lane) => {
      const local = [lane % sx, Math.floor(lane / sx) % sy, Math.floor(lane / (sx * sy))];
      const by: Invocation = { id: this.ids++, group, epochs, oldest, log };
      const self: Self = { by, memory, args, uniforms, privates: {} };
      const builtins = {
        ...{
          workgroup_id: place,
          num_workgroups: workgroups,
          local_invocation_index: lane,
          local_invocation_id: local,
        },
        global_invocation_id: local.map((one, axis) => one + place[axis] * workgroupSize[axis]),
      };
      return { self, steps: main(self, builtins) };
    });
    for (;;) {
      const results = running.map(({ steps }) => steps.next());
      const waiting = results.filter(({ done }) => !done);
      if (waiting.length === 0) return;
      const barrier = waiting[0].value!;
      if (waiting.length < running.length || waiting.some(({ value }) => value!.index !== barrier.index)) {
        log.add(`barrier ${barrier.index} is not reached by all invocations of a workgroup`);
        return;
      }
      let reached = this.barriers.get(log.kernel);
      if (!reached) {
        reached = new Set();
        this.barriers.set(log.kernel, reached);
      }
      reached.add(barrier.index);
      epochs = { ...epochs, [barrier.space]: this.ids++ };
      for (const { self } of running) self.by = { ...self.by, epochs };
    }
  }
}

interface Module {
  readonly label: string;
  readonly kernel: TranslatedKernel;
}

interface Entry {
  readonly binding: number;
  readonly resource: { readonly buffer: CheckedBuffer; readonly offset?: number };
}

interface Dispatch {
  readonly module: Module;
  readonly entries: readonly Entry[];
  /** Of the uniform buffers, in bytes. */
  readonly offsets: Uint32Array;
  readonly workgroups: readonly [number, number, number];
}

class CheckedBuffer {
  readonly size: number;
  readonly memory: CheckedMemory;
  readonly bytes: Uint8Array;

  constructor(label: string, size: number) {
    this.size = size;
    this.memory = new CheckedMemory(label, 'storage', size / 4);
    this.bytes = new Uint8Array(this.memory.f32.buffer);
  }

  async mapAsync(): Promise<void> {}

  getMappedRange(at: number, bytes: number): ArrayBuffer {
    return this.bytes.slice(at, at + bytes).buffer;
  }

  unmap(): void {}
  destroy(): void {}
}

/** Notes what is to be done, and gives it as a list. */
class Encoder {
  private readonly commands: (() => void)[] = [];
  private readonly run: (dispatch: Dispatch) => void;

  constructor(run: (dispatch: Dispatch) => void) {
    this.run = run;
  }

  copyBufferToBuffer(from: CheckedBuffer, fromByte: number, to: CheckedBuffer, toByte: number, bytes: number): void {
    this.commands.push(() => to.bytes.set(from.bytes.subarray(fromByte, fromByte + bytes), toByte));
  }

  clearBuffer(to: CheckedBuffer, at: number, bytes: number): void {
    this.commands.push(() => to.bytes.fill(0, at, at + bytes));
  }

  beginComputePass() {
    let module: Module;
    let entries: readonly Entry[];
    let offsets: Uint32Array;
    return {
      setPipeline: (pipeline: Module) => {
        module = pipeline;
      },
      setBindGroup: (_: number, group: readonly Entry[], dynamic: Uint32Array, start: number, count: number) => {
        entries = group;
        offsets = dynamic.slice(start, start + count);
      },
      dispatchWorkgroups: (x: number, y = 1, z = 1) => {
        const dispatch: Dispatch = { module, entries, offsets, workgroups: [x, y, z] };
        this.commands.push(() => this.run(dispatch));
      },
      end() {},
    };
  }

  finish(): (() => void)[] {
    return this.commands;
  }
}
