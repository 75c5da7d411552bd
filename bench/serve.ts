import { createInterface } from 'node:readline';
import { answer, type Contender, type Question, type Task, type Tensor, type Tensors } from './contender.ts';

/** The first line of a contender's process: numbers travel as base64 of little-endian bytes. */
export interface Opening {
  task: Task;
  tensors: Record<string, { dtype: 'float32' | 'float64' | 'int32'; data: string }>;
}

/**
 * The process of a contender: takes task and tensors from the first line of standard input, then answers a question a line.
 * Both are JSON; whatever else is written to standard output is not looked at.
 */
export async function serve(make: (task: Task, tensors: Tensors) => Contender | Promise<Contender>): Promise<void> {
  let contender: Contender | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (!contender) {
      const { task, tensors } = JSON.parse(line) as Opening;
      const decoded = Object.entries(tensors).map(([name, { dtype, data }]) => [name, decode(dtype, data)] as const);
      contender = await make(task, Object.fromEntries(decoded));
      continue;
    }
    const answered = await answer(contender, JSON.parse(line) as Question, cpuSeconds);
    const sent = 'results' in answered ? { results: encode(answered.results) } : answered;
    process.stdout.write(`${JSON.stringify(sent)}\n`);
  }
}

/** CPU time of this process, all threads together. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

export function encode(values: Tensor): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

export function decode(dtype: 'float32' | 'float64' | 'int32', data: string): Tensor {
  const { buffer } = Uint8Array.from(Buffer.from(data, 'base64')); // a buffer of its own, at an aligned address
  return dtype === 'float32'
    ? new Float32Array(buffer)
    : dtype === 'float64'
      ? new Float64Array(buffer)
      : new Int32Array(buffer);
}
