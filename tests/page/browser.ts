import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { softwareBrowserWithText, unpackSoftwareGpu } from '../../scripts/softwareGpu.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** What the page promises to need no more than. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

export interface PageServer {
  readonly url: string;
  readonly browser: Browser;
  /** Stops serving; the browser stays. */
  offline(): Promise<void>;
  close(): Promise<void>;
}

/** Builds the page and serves it under a strict content security policy, with a browser to look at it. */
export async function servePage(): Promise<PageServer> {
  await build({ configFile: join(root, 'page/vite.config.ts'), logLevel: 'error' });
  return serveFolder(join(root, 'page/dist'));
}

/**
 * Serves a folder under a strict content security policy, with a browser to look at it.
 *
 * @param isolated whether pages are cross-origin isolated, so that they have shared memory
 */
export async function serveFolder(folder: string, isolated = false): Promise<PageServer> {
  const isolation = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  };
  const server = createServer(({ url = '/' }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname);
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    const found = file.startsWith(folder) && existsSync(file);
    response.writeHead(found ? 200 : 404, {
      'content-type': TYPES[extname(file)] ?? 'text/plain',
      'content-security-policy': POLICY,
      ...(isolated ? isolation : {}),
    });
    response.end(found ? readFileSync(file) : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  unpackSoftwareGpu();
  const browser = await chromium.launch(softwareBrowserWithText());
  const offline = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    browser,
    offline,
    async close() {
      await browser.close();
      await offline();
    },
  };
}
