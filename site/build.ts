import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import { assertLinks } from './links.ts';
import { writeReference } from './reference.ts';

/**
 * `npm run build:site`: the page that trains, the README, the guides and the API reference as one folder of static files,
 * `site/dist`, that any host can serve under any path. Fails where a link leads nowhere.
 */
export async function buildSite(folder: string): Promise<void> {
  await writeReference(folder, 'page/index.html');
  await build({
    configFile: fileURLToPath(new URL('../page/vite.config.ts', import.meta.url)),
    logLevel: 'error',
    define: { 'import.meta.env.VITE_GUIDES': '"../index.html"' },
    build: { outDir: join(folder, 'page') },
  });
  await assertLinks(folder);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const dist = fileURLToPath(new URL('dist', import.meta.url));
  await buildSite(dist);
  console.log(`Written: ${dist}`);
}
