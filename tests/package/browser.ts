import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright';
import { softwareBrowser, unpackSoftwareGpu } from '../../scripts/softwareGpu.ts';
import type { Run } from './app.ts';

/**
 * What the page of an app found: engine `auto` on the page with two threads, in its worker with one, with two, and with two
 * whose file it names; engine `webgpu` on the page.
 */
export type PageRuns = Record<'onPage' | 'inWorker' | 'threads' | 'named' | 'webgpu', Run>;

const types: Record<string, string> = { html: 'text/html', js: 'text/javascript' };

export function openBrowser(): Promise<Browser> {
  unpackSoftwareGpu();
  return chromium.launch(softwareBrowser());
}

/**
 * Opens the page of a built app, isolated and under a strict policy.
 *
 * @param scripts the policy's scripts: those of its own and WebAssembly, no more
 * @throws {Error} where the page does, with all that its console says.
 */
export async function runPage(
  browser: Browser,
  dist: string,
  scripts: string = "'self' 'wasm-unsafe-eval'",
): Promise<PageRuns> {
  const server = createServer(({ url = '/' }, response) => {
    const file = join(dist, url === '/' ? 'index.html' : url.replace(/\?.*/, ''));
    const there = existsSync(file) && statSync(file).isFile();
    response.writeHead(there ? 200 : 404, {
      'content-type': types[file.replace(/.*\./, '')] ?? 'application/octet-stream',
      'content-security-policy': `default-src 'none'; script-src ${scripts}; worker-src 'self'`,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(there ? readFileSync(file) : '');
  });
  server.listen(0);
  const page = await browser.newPage();
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('console', (message) => said.push(message.text()));
  try {
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    const output = await page
      .locator('output')
      .textContent({ timeout: 30_000 })
      .catch((error: Error) => JSON.stringify({ error: error.message }));
    const runs = JSON.parse(output!) as PageRuns & { error?: string };
    if (runs.error !== undefined) throw new Error([runs.error, ...said].join('\n'));
    return runs;
  } finally {
    await page.close();
    server.close();
    server.closeAllConnections();
  }
}
