import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf, ROOT } from './docCode.ts';

/** Runs the code of a page of `docs/`, block after block: `npm run --silent doc -- forecast`. */
const pages = readdirSync(join(ROOT, 'docs'))
  .filter((file) => file.endsWith('.md') && codeOf(`docs/${file}`).length > 0)
  .map((file) => basename(file, '.md'));
const [page] = process.argv.slice(2);
if (!pages.includes(page)) {
  console.error(`page is ${page}, expected ${pages.join(', ')}`);
  process.exit(2);
}
for (const code of codeOf(`docs/${page}.md`)) {
  // In this folder, so that `bptt/…` means this package.
  const file = join(ROOT, `scripts/.doc-${page}-${process.pid}.ts`);
  writeFileSync(file, code);
  try {
    const flags = ['--import', import.meta.resolve('tsx'), '--conditions=bptt-source'];
    const { status } = spawnSync(process.execPath, [...flags, file], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = status ?? 1;
  } finally {
    rmSync(file);
  }
}
