import { chromium } from 'playwright';
import { readFileSync } from 'node:fs';
import { softwareBrowserWithText, unpackSoftwareGpu } from '../scripts/softwareGpu.ts';
unpackSoftwareGpu();
const b = await chromium.launch(softwareBrowserWithText());
for (const spec of process.argv.slice(2)) {
  const [file, out, width, dark] = spec.split(':');
  const p = await b.newPage({ viewport: { width: +width, height: 800 }, colorScheme: dark ? 'dark' : 'light' });
  await p.setContent(`<body style="margin:0;background:${dark ? '#0d1117' : '#fff'}"><img style="width:100%" src="data:image/svg+xml;base64,${readFileSync(file).toString('base64')}"></body>`);
  await p.waitForTimeout(300);
  await p.screenshot({ path: out, fullPage: true });
  await p.close();
}
await b.close();
