import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What the code of engine `webgpu` is called, which is loaded only when a visitor asks for it. */
const ON_DEMAND = 'webgpu';

/** Writes the service worker with the names of all files of the page but those, under a name of the cache that changes with them. */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const files = [
          './',
          './icon.svg',
          ...Object.keys(bundle).filter((name) => name !== 'index.html' && !name.includes(ON_DEMAND)),
        ];
        const hash = createHash('sha256');
        for (const file of Object.values(bundle)) hash.update('code' in file ? file.code : file.source);
        const source = readFileSync(here('serviceWorker.js'), 'utf8')
          .replace("'FILES'", JSON.stringify(files))
          .replace('VERSION', hash.digest('hex').slice(0, 12));
        this.emitFile({ type: 'asset', fileName: 'serviceWorker.js', source });
      },
    },
  };
}

/** The page as a folder of files that any host can serve, under any path. */
export default defineConfig({
  root: here('.'),
  base: './',
  resolve: { conditions: ['bptt-source'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: {
    format: 'es',
    rolldownOptions: {
      output: {
        chunkFileNames: ({ facadeModuleId }) =>
          facadeModuleId?.includes('/webgpu/') ? `assets/${ON_DEMAND}-[hash].js` : 'assets/[name]-[hash].js',
      },
    },
  },
  plugins: [offline()],
  build: {
    outDir: here('dist'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  preview: { host: '127.0.0.1' },
});
