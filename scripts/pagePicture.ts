/**
 * Takes the pictures of the page: `docs/page.png`, and each view in the light, in the dark and narrow in `docs/views/`.
 *
 *     node --import tsx --conditions=bptt-source scripts/pagePicture.ts
 */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { PRESETS } from '../page/presets.ts';
import { DEFAULTS, type Settings, toLink } from '../page/settings.ts';
import { servePage } from '../tests/page/browser.ts';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));

const heron: Settings = {
  ...DEFAULTS,
  ...{ cell: 'lstm', beside: 'elman', hidden: 40, optimizer: 'adam', lr: 0.005, init: 'orthogonal', stopAt: 3000 },
};
const { settings: reber } = PRESETS.find(({ name }) => name === 'embedded Reber, LSTM')!;

/** The views by the beginning of their headings, and what they are called in `docs/views/`. */
const HERON_VIEWS = {
  ...{ Learning: 'learning', 'One time axis': 'axis', 'What comes next': 'next', 'Recurrent weights': 'weights' },
  ...{ 'Prove it': 'prove', Race: 'race', 'A linear net': 'surface' },
};
const REBER_VIEWS = { 'The embedded Reber': 'reber' };

const MODES = {
  light: { viewport: { width: 1280, height: 1180 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 1180 }, colorScheme: 'dark' },
  narrow: { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
} as const;

const server = await servePage();
for (const [mode, options] of Object.entries(MODES)) {
  const page = await server.browser.newPage(options);
  await train(page, heron);
  await page.getByLabel('units by').selectOption('similarity');
  await page.getByRole('spinbutton', { name: 'unit', exact: true }).fill('7');
  await cursorTo(page, 58);
  if (mode === 'light') await page.screenshot({ path: `${docs}page.png` });
  for (const name of ['Check the gradient', 'Race', 'Draw the surface'])
    await page.getByRole('button', { name }).click();
  await page.getByText(/^Right:/).waitFor();
  await page.locator('table[data-name="Race"]').waitFor({ timeout: 120_000 });
  await page.locator('.surface').waitFor();
  await take(page, mode, HERON_VIEWS);
  await page.close();
  const other = await server.browser.newPage(options);
  await train(other, reber);
  await cursorTo(other, 9);
  await take(other, mode, REBER_VIEWS);
  await other.close();
}
await server.close();

async function train(page: Page, settings: Settings): Promise<void> {
  await page.goto(`${server.url}#${toLink(settings)}`);
  // so that the spectral radius is followed from the beginning
  await page.getByText('Show the spectra').click();
  await page.locator('.plane').waitFor();
  await page.locator('button.main:enabled').click();
  await page.locator(`output[data-updates="${settings.stopAt}"]`).waitFor({ timeout: 120_000 });
}

async function cursorTo(page: Page, character: number): Promise<void> {
  const slider = page.getByRole('slider', { name: 'Cursor in the probe text' });
  await slider.press('Home');
  for (let t = 0; t < character; t++) await slider.press('ArrowRight');
  await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
  await page.waitForTimeout(500);
}

async function take(page: Page, mode: string, views: Readonly<Record<string, string>>): Promise<void> {
  for (const [heading, name] of Object.entries(views)) {
    const panel = page.locator('section.panel', { has: page.getByRole('heading', { name: heading, level: 2 }) });
    await panel.screenshot({ path: `${docs}views/${name}-${mode}.png` });
  }
}
