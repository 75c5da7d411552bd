import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { softwareBrowser } from './scripts/softwareGpu.ts';

/** Files of pure functions: they share a process, so that each module is loaded once. (Those of `simd` count calls.) */
const UNIT = ['algebra', 'data', 'layers', 'optim', 'tensor'].map((room) => `tests/${room}/**/*.test.ts`);

/** Node 20 has fused multiply-add of WebAssembly behind a flag. */
const relaxed = process.versions.node.startsWith('20.') ? ['--experimental-wasm-relaxed-simd'] : [];

const inNode = {
  execArgv: relaxed,
  setupFiles: ['tests/setup.ts'],
  testTimeout: 180_000,
  hookTimeout: 180_000,
};

export default defineConfig({
  test: {
    // On two cores too: many tests wait for processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    globalSetup: ['tests/webgpu/unpack.ts'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.{ts,js}'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95, branches: 95 },
    },
    projects: [
      {
        resolve: { conditions: ['bptt-source'] },
        ssr: { resolve: { conditions: ['bptt-source'] } },
        test: { name: 'node', include: ['tests/**/*.test.ts'], exclude: UNIT, ...inNode },
      },
      {
        resolve: { conditions: ['bptt-source'] },
        ssr: { resolve: { conditions: ['bptt-source'] } },
        test: { name: 'node-unit', include: UNIT, isolate: false, ...inNode },
      },
      {
        define: { 'process.env.FC_SEED': JSON.stringify(process.env.FC_SEED) },
        test: {
          name: 'browser',
          include: ['tests/webgpu/*.test.ts', 'tests/determinism.test.ts'],
          exclude: ['tests/webgpu/*.node.test.ts'],
          setupFiles: ['tests/setup.ts'],
          testTimeout: 180_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: softwareBrowser() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
