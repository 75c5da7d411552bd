import { makeApp } from '../tests/package/app.ts';
import { bundlePrograms, runProgram, runtimes, ways } from '../tests/package/runtimes.ts';
import { packTarball } from '../tests/package/tarball.ts';

const t = packTarball(process.argv[2]);
const app = makeApp(t, 'programs');
bundlePrograms(app);
console.log(app);
for (const r of runtimes())
  for (const w of ways)
    try {
      console.log(r.name, w, JSON.stringify(runProgram(app, r, w)).replace(/"losses":\[([^,]*)[^\]]*\]/g, '$1'));
    } catch (e) {
      console.log(r.name, w, String(e).slice(0, 1200));
    }
