import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

interface Report {
  diagnostics: { category: string; location: { start: { line: number } } }[];
}

/** The lines of a source file in `src/` that our own rules refuse. */
function refusedLines(source: readonly string[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-lint-'));
  try {
    for (const part of ['biome.json', 'lint']) cpSync(part, join(folder, part), { recursive: true });
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/file.ts'), source.join('\n'));
    const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', 'src'];
    const biome = [resolve('node_modules/@biomejs/biome/bin/biome'), ...args];
    const { stdout } = spawnSync(process.execPath, biome, { cwd: folder, encoding: 'utf8' });
    const { diagnostics }: Report = JSON.parse(stdout);
    const own = diagnostics.filter(({ category }) => category === 'plugin');
    return [...new Set(own.map(({ location }) => location.start.line))].sort((a, b) => a - b);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it('the library may use no function of the host whose last bits are its own', () => {
  const refused = [
    'Math.exp(a)',
    'Math.pow(2, a)',
    "Math['log'](a)",
    'a ** 3',
    'a **= 3',
    '[a].map(Math.tanh)',
    '{ ...Math }',
  ];
  const allowed = ['Math.sqrt(a)', 'Math.max(a, 0)', '2 ** a', 'Math.PI * a'];
  const lines = [...refused, ...allowed].map((code, i) => `export const f${i} = (a: number): unknown => (${code});`);
  expect(refusedLines(lines)).toEqual(refused.map((_, i) => i + 1));
});
