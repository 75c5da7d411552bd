import type { KernelSource } from './pipelines.ts';

/** Kernels that differ by options: each is written once, when it is first asked for. */
export function variants<O extends Readonly<Record<string, string | number | boolean>>>(
  write: (options: O) => KernelSource,
): (options: O) => KernelSource {
  const written = new Map<string, KernelSource>();
  return (options) => {
    const key = Object.values(options).join();
    let source = written.get(key);
    if (!source) {
      source = write(options);
      written.set(key, source);
    }
    return source;
  };
}
