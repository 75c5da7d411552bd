import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entryPoints } from '../../scripts/entryPoints.ts';
import { buildSite } from '../../site/build.ts';
import { assertLinks } from '../../site/links.ts';
import { type PageServer, serveFolder } from '../page/browser.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-site-'));
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const html = (text: string): string => text.replace(/<[^>]*>/g, '').trim();

// Its links are followed in there: a broken one fails here.
beforeAll(() => buildSite(folder), 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(entryPoints())('the reference has every public name of %s with its docstring', async (entry, source) => {
  const page = read(`api/${entry.replaceAll('/', '.')}.html`).replaceAll('<wbr/>', '');
  for (const name of Object.keys(await import(source))) {
    // its own page, or, of a name that an entry point passes on, that of the entry point that it is of
    const links = `<a href="([\\w./-]+)"[^>]*>(<span[^>]*>)?${name}</|>${name}</span><span> → </span><a href="([\\w./-]+)"`;
    const [, own, , other] = page.match(new RegExp(links)) ?? [];
    expect(own ?? other, name).toBeDefined();
    const [, docstring] = /<div class="tsd-comment[^>]*>(.*?)<\/div>/s.exec(read(`api/${own ?? other}`)) ?? [];
    expect(html(docstring ?? ''), name).not.toBe('');
  }
});

test('the reference says which errors are thrown', () => {
  expect(html(read('api/bptt.createTrainer.html'))).toContain('RangeError | TypeError');
});

test('a link that leads nowhere is found, to a file, to a place on a page, and in a picture', async () => {
  const other = mkdtempSync(join(tmpdir(), 'bptt-links-'));
  const write = (links: string): void => {
    writeFileSync(join(other, 'index.html'), `<!doctype html><h1 id="here">x</h1>${links}`);
  };
  write('<a href="#here">a</a><a href="https://nobody.invalid/">b</a>');
  await assertLinks(other);
  write('<a href="there.html">a</a>');
  await expect(assertLinks(other)).rejects.toThrow('there.html on');
  write('<a href="index.html#there">a</a>');
  await expect(assertLinks(other)).rejects.toThrow('#there');
  write('<img src="picture.png" alt="">');
  await expect(assertLinks(other)).rejects.toThrow('picture.png');
  rmSync(other, { recursive: true });
});

describe('in Chromium, under a strict content security policy', { timeout: 240_000 }, () => {
  let server: PageServer;
  const complaints: string[] = [];
  beforeAll(async () => {
    server = await serveFolder(folder);
  });
  afterAll(() => server.close());

  test.each([
    { width: 390, colorScheme: 'light' },
    { width: 1280, colorScheme: 'dark' },
  ] as const)('home, a guide, an entry point and a function at $width px, $colorScheme', async (how) => {
    const { width, colorScheme } = how;
    const context = await server.browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => complaints.push(message.text()));
    for (const path of ['', 'guides/cells.html', 'api/bptt.tensor.html', 'api/bptt.createTrainer.html']) {
      await page.goto(server.url + path);
      await page.locator('h1:visible').first().waitFor();
      expect(await page.locator('h1:visible').count(), path).toBe(1);
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBe(width);
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      const [red] = /\d+/.exec(ground)!;
      expect(Number(red) < 128, path).toBe(colorScheme === 'dark');
      const { violations } = await new AxeBuilder({ page })
        .withRules(['color-contrast', 'image-alt', 'link-name'])
        .analyze();
      expect(violations.map(({ id, nodes }) => [path, id, nodes[0].html])).toEqual([]);
    }
    await context.close();
  });

  test('a name is found by searching, the page that trains by its link, and the way back', async () => {
    const page = await server.browser.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(`${server.url}guides/cells.html`);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.locator('#tsd-search-input').fill('singularValues');
    await page.locator('#tsd-search-results').getByRole('option').first().click();
    await page.waitForURL('**/api/bptt.tensor.singularValues.html**');
    await page.getByRole('link', { name: 'Train a net' }).first().click();
    await page.locator('button.main:enabled').click();
    await expect
      .poll(async () => Number(await page.locator('output[data-updates]').getAttribute('data-updates')), {
        timeout: 30_000,
      })
      .toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('link', { name: 'Guides and reference' }).click();
    await page.getByRole('heading', { name: 'bptt' }).first().waitFor();
    await page.close();
  });

  test('nothing was complained of', () => {
    expect(complaints).toEqual([]);
  });
});
