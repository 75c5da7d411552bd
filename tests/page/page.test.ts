import { readFileSync } from 'node:fs';
import { createTrainer, Inspector, type Trainer } from 'bptt';
import { CharVocabulary, CharWindows } from 'bptt/data';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LossDigest } from '../../page/digest.ts';
import { DEFAULTS, fromLink, type Settings, specOf, textOf, toLink, trainerOptions } from '../../page/settings.ts';
import { type PageServer, servePage } from './browser.ts';

const heron = readFileSync(new URL('../../page/heron.txt', import.meta.url), 'utf8');

let server: PageServer;
beforeAll(async () => {
  server = await servePage();
}, 120_000);
afterAll(() => server.close());

/** Everything that the browser complained of: errors and violations of the content security policy. */
const complaints: string[] = [];

/** The page with a training that pauses by itself. */
async function opened(settings: Partial<Settings>, options = {}): Promise<Page> {
  const page = await server.browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto(`${server.url}#${toLink({ ...DEFAULTS, ...settings })}`);
  return page;
}

async function trained(page: Page, updates: number): Promise<void> {
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator(`output[data-updates="${updates}"]`).waitFor();
  await page.getByRole('button', { name: 'Start' }).waitFor(); // paused
}

/** The cells of a table, opened. */
async function table(page: Page, name: string): Promise<string[][]> {
  const details = page.locator('details.table', { has: page.getByText(`${name} as a table`) });
  if (!(await details.evaluate((element) => element.hasAttribute('open')))) await details.locator('summary').click();
  const rows = page.locator(`table[data-name="${name}"] tbody tr`);
  await rows.first().waitFor();
  return rows.evaluateAll((trs) =>
    trs.map((tr) => Array.from(tr.children as Iterable<{ textContent: string }>, (td) => td.textContent)),
  );
}

/** The same training by the library alone. */
async function reference(settings: Settings, updates: number) {
  const text = textOf(settings, heron);
  const vocabulary = CharVocabulary.fromText(text);
  const ids = vocabulary.encode(text);
  const { engine, init, seed, steps } = settings;
  const held = ids.subarray(ids.length - Math.min(Math.floor(ids.length / 10), 500));
  const probe = held.subarray(0, 80);
  const cells = settings.beside === 'none' ? [settings.cell] : [settings.cell, settings.beside];
  const nets: { trainer: Trainer; digest: string; heldOut: number[] }[] = [];
  for (const cell of cells) {
    const spec = specOf(settings, cell, vocabulary.size);
    const trainer = await createTrainer(spec, { ...trainerOptions(settings), engine, init, seed });
    const windows = new CharWindows(ids.subarray(0, ids.length - held.length), steps);
    const digest = new LossDigest();
    const count = Math.floor((held.length - 1) / steps);
    const measure = async () => {
      const batches = Array.from({ length: count }, (_, i) => ({
        inputs: held.subarray(i * steps, (i + 1) * steps),
        targets: held.subarray(i * steps + 1, (i + 1) * steps + 1),
        carry: i > 0,
      }));
      const losses = await trainer.evaluate(batches);
      return losses.reduce((sum, loss) => sum + loss, 0) / (count * steps) / Math.LN2;
    };
    const heldOut = [await measure()];
    for (let n = 1; n <= updates; n++) {
      const batch = { inputs: new Int32Array(steps), targets: new Int32Array(steps), carry: false };
      batch.carry = !windows.next(batch.inputs, batch.targets);
      const [loss] = await trainer.train([batch]);
      digest.add(loss);
      if (n % 200 === 0) heldOut.push(await measure());
    }
    nets.push({ trainer, digest: digest.toString(), heldOut });
  }
  return { vocabulary, probe, nets };
}

/** The net over the probe, by the library's TypeScript functions: the page computes with WebAssembly's. */
async function inspected(trainer: Trainer, probe: Int32Array, step: number, backSteps?: number) {
  const inspector = new Inspector(trainer.spec, await trainer.parameters(), probe.length);
  const targets = new Int32Array(probe.length);
  targets.set(probe.subarray(1));
  const lossWeights = Array.from(probe, (_, t) => (t < probe.length - 1 ? 1 : 0));
  return inspector.inspect({ inputs: probe, targets, lossWeights }, { step, ...(backSteps ? { backSteps } : {}) });
}

/**
 * Both engines round each of a few hundred operations of a step otherwise; measured: they differ by at most 3e-7 of the
 * largest.
 */
function expectClose(got: readonly number[], wanted: ArrayLike<number>): void {
  expect(got).toHaveLength(wanted.length);
  const largest = Math.max(...Array.from(wanted, Math.abs));
  for (const [i, value] of got.entries()) expect(Math.abs(value - wanted[i])).toBeLessThanOrEqual(3e-6 * largest);
}

const norms = (values: ArrayLike<number>, T: number): number[] =>
  Array.from({ length: T }, (_, t) => {
    const H = values.length / T;
    return Math.hypot(...Array.from({ length: H }, (_, j) => values[t * H + j]));
  });

describe('a tanh net beside an LSTM on Reber words', () => {
  const settings: Settings = {
    ...DEFAULTS,
    text: 'reber',
    beside: 'lstm',
    hidden: 13,
    steps: 10,
    seed: 3,
    stopAt: 250,
  };
  let page: Page;
  let wanted: Awaited<ReturnType<typeof reference>>;
  const T = 80;
  beforeAll(async () => {
    wanted = await reference(settings, 250);
    page = await opened(settings);
    await trained(page, 250);
  });
  afterAll(() => page.close());

  test('has the losses that the library has in Node, to the bit', async () => {
    expect(await page.locator('.digest').allTextContents()).toEqual(wanted.nets.map(({ digest }) => digest));
    const rows = await table(page, 'Held-out bits');
    expect(rows.map(([at, ...bits]) => [at, ...bits.map(Number)])).toEqual([
      ['0', ...wanted.nets.map(({ heldOut }) => heldOut[0])],
      ['200', ...wanted.nets.map(({ heldOut }) => heldOut[1])],
    ]);
  });

  test('shows the surprise, the states and the gradient at the cursor', async () => {
    const cursor = 24;
    const insides = await Promise.all(wanted.nets.map(({ trainer }) => inspected(trainer, wanted.probe, cursor)));
    const [elman, lstm] = insides;
    const surprise = await table(page, 'Surprise');
    expect(surprise.map(([char]) => char).join('')).toBe(wanted.vocabulary.decode(wanted.probe));
    expectClose(
      surprise.slice(1).map(([, bits]) => Number(bits)),
      elman.losses.subarray(0, T - 1).map((nats) => nats / Math.LN2),
    );
    const units = await table(page, 'Units at the cursor');
    expectClose(
      units.map(([, h]) => Number(h)),
      elman.layers[0].states.h.subarray(cursor * 13, cursor * 13 + 13),
    );
    const gradient = await table(page, 'Gradient back through time');
    const column = (i: number) => gradient.map((row) => Number(row[i]));
    expectClose(column(2), norms(elman.layers[0].dstates.h, T));
    expectClose(column(3), norms(elman.layers[0].dx, T));
    expectClose(column(4), norms(lstm.layers[0].dstates.h, T));
    expectClose(column(5), norms(lstm.layers[0].dstates.c, T));
    expect(column(4)[cursor]).toBeGreaterThan(0);
    expect(
      column(4)
        .slice(cursor + 1)
        .every((norm) => norm === 0),
    ).toBe(true);
  });

  test('the cursor moves by keys, mouse and touch, and a cut is seen', async () => {
    const slider = page.getByRole('slider', { name: 'Cursor in the probe text' });
    const now = () => slider.getAttribute('aria-valuenow').then(Number);
    await slider.focus();
    await page.keyboard.press('Home');
    expect(await now()).toBe(0);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('PageUp');
    expect(await now()).toBe(11);
    await page.keyboard.press('End');
    expect(await now()).toBe(T - 1);
    const box = (await slider.boundingBox())!;
    await page.mouse.move(box.x + (40.5 / T) * box.width, box.y + 20);
    expect(await now()).toBe(40);
    await page.mouse.move(0, 0);
    await page.getByLabel('cut the gradient every').fill('15');
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => {
        const gradient = await table(page, 'Gradient back through time');
        return gradient.flatMap(([t, , norm]) => (Number(norm) > 0 ? [Number(t)] : []));
      })
      .toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
  });

  test('gates of the LSTM are those of the library', async () => {
    await page.getByRole('combobox', { name: 'net', exact: true }).selectOption('LSTM');
    const { layers } = await inspected(wanted.nets[1].trainer, wanted.probe, 40);
    const units = await table(page, 'Units at the cursor');
    const { states, gates } = layers[0];
    for (const [i, values] of [states.h, states.c, gates.i, gates.f, gates.g, gates.o].entries()) {
      expectClose(
        units.map((row) => Number(row[i + 1])),
        values.subarray(40 * 13, 41 * 13),
      );
    }
  });

  test('one step is one update, and a text typed becomes the axis', async () => {
    await page.getByRole('button', { name: 'One step' }).click();
    await page.locator('output[data-updates="251"]').waitFor();
    const word = 'BTSSXXTVVE';
    await page.getByRole('textbox', { name: 'probe text' }).fill(word);
    await expect.poll(async () => (await table(page, 'Surprise')).map(([char]) => char).join('')).toBe(word);
    const slider = page.getByRole('slider', { name: 'Cursor in the probe text' });
    expect(await slider.getAttribute('aria-valuenow')).toBe('9');
  });
});

test('settings travel in a link, and nonsense in one is left at its default', () => {
  const settings: Settings = { ...DEFAULTS, cell: 'gru', lr: 0.05, own: 'a & b = ü\n'.repeat(20), text: 'own' };
  expect(fromLink(toLink(settings))).toEqual(settings);
  expect(toLink(DEFAULTS)).toBe('');
  expect(fromLink('cell=rnn&hidden=-3&steps=NaN&engine=gpu&seed=1.4')).toEqual({ ...DEFAULTS, hidden: 1, seed: 1 });
});

test('a text that is too short is refused in words', async () => {
  const page = await opened({ text: 'own', own: 'short' });
  await expect.poll(() => page.getByRole('alert').textContent()).toContain('The text has 5 characters');
  await page.close();
});

test('nothing was complained of, by the content security policy least of all', () => {
  expect(complaints).toEqual([]);
});
