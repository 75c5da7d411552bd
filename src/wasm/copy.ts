import type { CpuEngine } from '../bptt/engine.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitRows, forEachElement } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** to = from, and y = value: here and not by typed arrays, so that a recorded pass holds them. */
export function copyKernels(w: WasmMemory): Pick<CpuEngine['kernels'], 'copy' | 'fill'> {
  const { call } = w;
  return {
    copy(to, from) {
      call.copy(
        w.at('copy', 'to', to, '[n]', from.length),
        w.at('copy', 'from', from, '[n]', from.length),
        from.length,
      );
    },
    fill(buffer, value) {
      call.fill(w.at('fill', 'buffer', buffer, '[n]', buffer.length), buffer.length, value);
    },
  };
}

export function emitCopy(m: ModuleBuilder): void {
  m.function('copy', ['i32', 'i32', 'i32'], (f, [to, from, n]) => {
    forEachElement(f, n, (at) => at.store(to, at.load(from)));
  });
  emitRows(m, 'repeatRow', ['[R,n]', '[n]'], (f, [to, row], n) => {
    forEachElement(f, n, (at) => at.store(to, at.load(row)));
  });
  m.function('fill', ['i32', 'i32', 'f32'], (f, [out, n, value]) => {
    const values = f.let(f32x4.splat(value));
    forEachElement(f, n, (at) => at.store(out, values));
  });
}
