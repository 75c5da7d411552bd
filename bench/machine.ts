import { cpus } from 'node:os';
import type { Machine } from './report.ts';

/** @param peers versions by name */
export function machineWith(peers: Record<string, string>): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    peers,
  };
}
