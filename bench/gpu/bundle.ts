import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Puts everything that a run on a GPU needs into a folder: `gpu.mjs`, which `main.ts` describes, and the thread
 * that engine wasm starts. Only the package `webgpu` is not in them.
 *
 * @returns the path of `gpu.mjs`
 */
export async function bundleGpuRun(folder: string): Promise<string> {
  await build({
    configFile: false,
    root: here('.'),
    logLevel: 'error',
    // No dead code that asks for a browser's worker or a package's folder.
    resolve: { conditions: ['bptt-source', 'node'] },
    ssr: { noExternal: true, resolve: { conditions: ['bptt-source', 'node'] } },
    build: {
      ssr: here('main.ts'),
      target: 'node20',
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      rollupOptions: {
        external: ['webgpu', /^node:/],
        output: { entryFileNames: 'gpu.mjs', codeSplitting: false },
      },
    },
  });
  // The thread's file is a module too, and there may be no package about it that says so.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  copyFileSync(here('../../src/wasm/threadWorker.js'), join(folder, 'threadWorker.js'));
  return join(folder, 'gpu.mjs');
}
