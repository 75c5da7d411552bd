import { openBrowser, runPage } from '../tests/package/browser.ts';
import { build, bundlers } from '../tests/package/bundlers.ts';
import { packTarball } from '../tests/package/tarball.ts';

const t = packTarball(process.argv[2]);
console.log(t.files.length, t.size, t.unpackedSize, t.folder);
const browser = await openBrowser();
for (const b of bundlers) {
  try {
    const built = build(t, b);
    console.log(b.name, built);
    console.log(JSON.stringify(await runPage(browser, built.dist)).replace(/"losses":\[([^,]*)[^\]]*\]/g, '$1'));
  } catch (e) {
    console.log(b.name, String(e).slice(0, 1500));
  }
}
await browser.close();
