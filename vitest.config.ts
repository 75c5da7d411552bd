import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['bptt-source'] },
  ssr: { resolve: { conditions: ['bptt-source'] } },
  test: {
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
