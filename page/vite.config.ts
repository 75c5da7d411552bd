import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Writes the service worker with the names of all files of the page, under a name of the cache that changes with them. */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const files = ['./', './icon.svg', ...Object.keys(bundle).filter((name) => name !== 'index.html')];
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

/** Leaves engine `webgpu` out: the page has no use for it, and it would be a quarter of its bytes. */
function withoutWebgpu(): Plugin {
  const id = '\0no-webgpu';
  return {
    name: 'without-webgpu',
    enforce: 'pre',
    resolveId: (source) => (source.endsWith('/webgpu/index.ts') ? id : null),
    load(loaded) {
      if (loaded !== id) return null;
      const refuse = "() => { throw new Error('this page has no engine webgpu'); }";
      return `export const webgpuTrainer = ${refuse};\nexport const webgpuSampler = ${refuse};\n`;
    },
  };
}

/** The page as a folder of files that any host can serve, under any path. */
export default defineConfig({
  root: here('.'),
  base: './',
  resolve: { conditions: ['bptt-source'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es', plugins: () => [withoutWebgpu()] },
  plugins: [withoutWebgpu(), offline()],
  build: {
    outDir: here('dist'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  preview: { host: '127.0.0.1' },
});
