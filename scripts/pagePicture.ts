/** Takes the picture of `docs/page.md`: `node --import tsx --conditions=bptt-source scripts/pagePicture.ts` */
import { fileURLToPath } from 'node:url';
import { DEFAULTS, toLink } from '../page/settings.ts';
import { servePage } from '../tests/page/browser.ts';

const settings = {
  ...DEFAULTS,
  cell: 'lstm',
  beside: 'elman',
  optimizer: 'adam',
  lr: 0.005,
  init: 'orthogonal',
} as const;
const stopAt = 1500;

const server = await servePage();
const page = await server.browser.newPage({ viewport: { width: 1280, height: 1180 }, colorScheme: 'light' });
await page.goto(`${server.url}#${toLink({ ...settings, hidden: 40, stopAt })}`);
await page.locator('button.main:enabled').click();
await page.locator(`output[data-updates="${stopAt}"]`).waitFor();
await page.getByLabel('units by').selectOption('similarity');
await page.getByRole('spinbutton', { name: 'unit', exact: true }).fill('7');
const slider = page.getByRole('slider');
await slider.press('Home');
for (let t = 0; t < 58; t++) await slider.press('ArrowRight');
await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
await page.waitForTimeout(500);
await page.screenshot({ path: fileURLToPath(new URL('../docs/page.png', import.meta.url)) });
await server.close();
