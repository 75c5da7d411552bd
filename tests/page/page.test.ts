import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import { type CpuTrainer, createSampler, createTrainer, Inspector, loadTrainer, type Scheme, type Trainer } from 'bptt';
import { CharVocabulary, CharWindows, embeddedNextSymbols, embeddedReberWord, nextSymbols, reberWord } from 'bptt/data';
import { RandomState, singularValues } from 'bptt/tensor';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeRun } from '../../cli/runFile.ts';
import { settingsFrom } from '../../cli/settings.ts';
import { run as linearRnn } from '../../examples/linearRnn.ts';
import { LossDigest } from '../../page/digest.ts';
import { eigenvalues } from '../../page/eigenvalues.ts';
import { specOf, textOf, trainerOptions } from '../../page/model.ts';
import { PRESETS } from '../../page/presets.ts';
import { reberState } from '../../page/reberState.ts';
import { DEFAULTS, fromLink, hashOf, type Settings, toLink } from '../../page/settings.ts';
import { Training } from '../../page/training.ts';
import { type PageServer, serveFolder, servePage } from './browser.ts';

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
  const context = await server.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
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
  const begin = text.indexOf(settings.text === 'heron' ? ' ' : 'EB', ids.length - held.length) + 1;
  const probe = ids.subarray(begin, begin + 80);
  const cells = settings.beside === 'none' ? [settings.cell] : [settings.cell, settings.beside];
  const nets: { trainer: Trainer; windows: CharWindows; digest: string; heldOut: number[] }[] = [];
  for (const cell of cells) {
    const spec = specOf(settings, cell, vocabulary.size);
    const trainer = await createTrainer(spec, { ...trainerOptions(settings), engine, init: init as Scheme, seed });
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
    nets.push({ trainer, windows, digest: digest.toString(), heldOut });
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
  afterAll(() => page.context().close());

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

  test('it writes what the library draws at a temperature', async () => {
    const { trainer } = wanted.nets[0];
    await page.getByLabel('temperature').fill('0.5');
    await page.keyboard.press('Enter');
    const sampler = await createSampler(trainer.spec, await trainer.parameters(), { engine: 'wasm' });
    const ids = sampler.sample([0], 240, new RandomState(250), { temperature: 0.5 }) as number[];
    await expect.poll(() => page.locator('.sample').textContent()).toBe(wanted.vocabulary.decode(ids));
  });

  test('a tap moves the cursor', async () => {
    const touched = await opened(
      { text: 'reber', hidden: 5 },
      { hasTouch: true, viewport: { width: 390, height: 800 } },
    );
    const slider = touched.getByRole('slider', { name: 'Cursor in the probe text' });
    await slider.scrollIntoViewIfNeeded();
    const box = (await slider.boundingBox())!;
    await touched.touchscreen.tap(box.x + (12.5 / T) * box.width, box.y + 60);
    await expect.poll(() => slider.getAttribute('aria-valuenow')).toBe('12');
    await touched.context().close();
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

  test('one step is one update and can be taken back, and a text typed becomes the axis', async () => {
    const digests = () => page.locator('.digest').allTextContents();
    const before = await digests();
    await page.getByRole('button', { name: 'One step', exact: true }).click();
    await page.locator('output[data-updates="251"]').waitFor();
    const after = await digests();
    await page.getByRole('button', { name: 'One step back' }).click();
    await page.locator('output[data-updates="250"]').waitFor();
    expect(await digests()).toEqual(before);
    expect(await page.getByRole('button', { name: 'One step back' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'One step', exact: true }).click();
    await page.locator('output[data-updates="251"]').waitFor();
    expect(await digests()).toEqual(after);
    expect(after).toEqual((await reference(settings, 251)).nets.map(({ digest }) => digest));
    const word = 'BTSSXXTVVE';
    await page.getByRole('textbox', { name: 'probe text' }).fill(word);
    await expect.poll(async () => (await table(page, 'Surprise')).map(([char]) => char).join('')).toBe(word);
    const slider = page.getByRole('slider', { name: 'Cursor in the probe text' });
    expect(await slider.getAttribute('aria-valuenow')).toBe('9');
  });
});

describe('an LSTM on embedded Reber words', () => {
  const settings: Settings = { ...DEFAULTS, text: 'embedded', cell: 'lstm', hidden: 9, steps: 20, seed: 1, clip: 0.02 };
  const V = 7;
  let page: Page;
  let wanted: Awaited<ReturnType<typeof reference>>;
  beforeAll(async () => {
    wanted = await reference(settings, 60);
    page = await opened({ ...settings, stopAt: 60 });
    await trained(page, 60);
    // onto the E that ends the first inner word
    await page.getByRole('slider', { name: 'Cursor in the probe text' }).focus();
    await page.keyboard.press('Home');
    for (let t = 0; t < 9; t++) await page.keyboard.press('ArrowRight');
  });
  afterAll(() => page.context().close());

  test('the next characters and the belief on the automaton are those of the library', async () => {
    const { outputs } = await inspected(wanted.nets[0].trainer, wanted.probe, 9);
    const p = Array.from(outputs.subarray(9 * V, 10 * V));
    const { chars } = wanted.vocabulary;
    await expect.poll(() => page.locator('.belief').textContent()).toContain('may come: P');
    const rows = await table(page, 'Next characters, LSTM');
    expectClose(
      chars.map((char) => Number(rows.find(([own]) => own === char)![1])),
      p,
    );
    const of = (symbol: string) => p[chars.indexOf(symbol)];
    const [most] = chars.filter((symbol) => symbol !== 'P').sort((a, b) => of(b) - of(a));
    expect(await page.locator('.belief').textContent()).toBe(
      `After “BPBPVPXVVE” may come: P ${(100 * of('P')).toFixed(1)} %. What may not come gets ${(100 * (1 - of('P'))).toFixed(2)} %, most of it ${most} ${(100 * of(most)).toFixed(1)} %.`,
    );
    // inside a word the automaton says which edges lead on
    await page.getByRole('slider', { name: 'Cursor in the probe text' }).press('ArrowLeft');
    await expect.poll(() => page.locator('.belief').textContent()).toContain('may come: E');
    expect(await page.locator('.automaton .edge.out').count()).toBe(1);
  });

  test('the spectra are those of the weights that the library has, and clipping is seen', async () => {
    await page.getByText('Show the spectra').click();
    await page.getByLabel('block of Whh').selectOption('forget gate f');
    const { weight_hh_l0 } = await wanted.nets[0].trainer.parameters();
    const f = weight_hh_l0.subarray(9 * 9, 2 * 9 * 9);
    const { re, im } = eigenvalues(f, 9);
    await expect
      .poll(async () => (await table(page, 'Spectra')).map((row) => row.map(Number)))
      .toEqual(Array.from(singularValues(f, 9, 9), (s, i) => [re[i], im[i], Math.hypot(re[i], im[i]), s]));
    expect(await page.locator('.plane .dot').count()).toBe(9);
    const norm = Number(await page.locator('.gradient-norm').textContent());
    expect(norm).toBeCloseTo(await gradientNorm(), -Math.floor(Math.log10(norm)) + 1);
    expect(await page.getByText('of its elements clipped').textContent()).not.toContain(' 0 %');

    async function gradientNorm(): Promise<number> {
      const { trainer, windows } = wanted.nets[0];
      const batch = { inputs: new Int32Array(20), targets: new Int32Array(20), carry: true };
      expect(windows.next(batch.inputs, batch.targets)).toBe(false);
      (trainer as CpuTrainer).lossAndGradients(batch);
      return Math.hypot(...(trainer as CpuTrainer).model.gradients.flat);
    }
  });

  test('the gradient check of the net on the page passes', async () => {
    await page.getByRole('button', { name: 'Check the gradient' }).click();
    // 20 elements of each of Wih, Whh, bih, Who and all 7 of bho
    await expect.poll(() => page.locator('.gradcheck').textContent()).toMatch(/^Right: \d+ elements compared/);
    const [, checked] = /(\d+) elements/.exec((await page.locator('.gradcheck').textContent())!)!;
    expect(Number(checked)).toBeGreaterThan(80);
  });

  test('the race compares the losses of all engines before it times them', async () => {
    await page.getByRole('button', { name: 'Race' }).click();
    const rows = page.locator('table[data-name="Race"] tbody tr');
    await rows.nth(2).waitFor({ timeout: 60_000 });
    for (const [i, engine] of ['TypeScript', 'WebAssembly', 'WebGPU'].entries()) {
      const cells = await rows.nth(i).locator('td').allTextContents();
      expect(cells[0]).toContain(`${engine}${['ts', 'wasm', 'webgpu'][i]}: `);
      expect(Number(cells[1].replace(/,/g, ''))).toBeGreaterThan(0);
      expect(Number(cells[2])).toBeLessThan(1e-5); // ten updates from the same weights, float32
    }
  }, 90_000);

  test('the way over the error surface is that of the notebook, to the bit', async () => {
    await page.getByRole('button', { name: 'linear RNN' }).click();
    await expect.poll(() => page.locator('.on-surface').textContent()).toMatch(/^After 150 updates: wx = /);
    const way = await table(page, 'Way over the surface');
    const { ls_of_ws } = linearRnn({ seed: settings.seed, iterations: 150 });
    expect(way.map((row) => row.slice(1, 3).map(Number))).toEqual(ls_of_ws);
    await page.getByRole('slider', { name: 'update' }).fill('0');
    expect(await page.locator('.on-surface').textContent()).toContain('wx = -10.000, wRec = 7.000');
  });

  test('a starting point begins a training of its own and puts the cursor there', async () => {
    await page.getByRole('button', { name: 'Reber grammar', exact: true }).click();
    await page.locator('output[data-updates="0"]').waitFor();
    const reber = PRESETS.find(({ name }) => name === 'Reber grammar')!;
    expect(fromLink(page.url().split('#')[1])).toEqual(reber.settings);
    const slider = page.getByRole('slider', { name: 'Cursor in the probe text' });
    expect(await slider.getAttribute('aria-valuenow')).toBe(String(reber.cursor));
    expect(await page.getByRole('button', { name: 'Reber grammar', exact: true }).getAttribute('aria-pressed')).toBe(
      'true',
    );
  });
});

describe('on WebGPU', () => {
  const settings: Settings = { ...DEFAULTS, text: 'reber', hidden: 16, steps: 10, stopAt: 45, engine: 'webgpu' };

  test('it trains as on the CPU, as far as rounding lets it, pauses where it should, and is seen inside', async () => {
    const { nets, probe } = await reference({ ...settings, engine: 'wasm' }, 45);
    const page = await opened(settings);
    await page.getByRole('button', { name: 'Start' }).click({ timeout: 60_000 });
    await page.locator('output[data-updates="45"]').waitFor({ timeout: 60_000 });
    expect(await page.locator('.engine').textContent()).toContain('webgpu: ');
    const { losses } = await inspected(nets[0].trainer, probe, 0);
    const bits = (await table(page, 'Surprise')).slice(1).map(([, shown]) => Number(shown));
    // 45 updates in float32, each engine with its own rounding; measured: by 6e-5 bits at most
    const differences = bits.map((shown, t) => Math.abs(shown - losses[t] / Math.LN2));
    expect(Math.max(...differences)).toBeLessThan(1e-3);
    await page.getByRole('button', { name: 'One step', exact: true }).click();
    await page.locator('output[data-updates="46"]').waitFor();
    await page.getByRole('button', { name: 'One step back' }).click();
    await page.locator('output[data-updates="45"]').waitFor();
    await page.context().close();
  }, 150_000);

  test('a browser that has none says so', async () => {
    const context = await server.browser.newContext();
    // without the file of the engine, as without a GPU, the page says why in words
    await context.route('**/webgpu-*.js', (route) => route.abort());
    const page = await context.newPage();
    await page.goto(`${server.url}#${toLink(settings)}`);
    await expect.poll(() => page.getByRole('alert').textContent(), { timeout: 20_000 }).toContain('webgpu');
    await context.close();
  });
});

test('where the page is cross-origin isolated threads share the sequences, elsewhere one does it all', async () => {
  const settings: Settings = { ...DEFAULTS, text: 'reber', hidden: 8, steps: 10, batch: 4, threads: 2, stopAt: 20 };
  const isolated = await serveFolder(fileURLToPath(new URL('../../page/dist', import.meta.url)), true);
  const bits: string[][] = [];
  for (const [host, engine] of [
    [isolated, 'wasm: SIMD, 2 threads'],
    [server, 'wasm: SIMD, 1 thread instead of 2'],
  ] as const) {
    const page = await host.browser.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${host.url}#${toLink(settings)}`);
    await trained(page, 20);
    expect(await page.locator('.engine').textContent()).toContain(engine);
    await page.getByText(/^Settings:/).click();
    await page.getByRole('spinbutton', { name: 'threads' }).waitFor();
    bits.push((await table(page, 'Surprise')).slice(1).map((row) => row[1]));
    await page.close();
  }
  expectClose(bits[0].map(Number), bits[1].map(Number));
  await isolated.close();
}, 120_000);

test('every starting point can begin, and its cursor lies in its probe', async () => {
  for (const { name, settings, cursor } of PRESETS) {
    const training = await Training.begin(settings, textOf(settings, heron));
    expect(cursor, name).toBeLessThan(training.probe.length);
    if (name.startsWith('embedded')) {
      expect(reberState(Array.from(training.probe).slice(0, cursor + 1), true).legal).toEqual(['P']);
    }
    training.dispose();
  }
});

test('the minimal RNN begins with singular values of at most 1, and its gradient fades by ten every five steps', async () => {
  const { settings, cursor } = PRESETS.find(({ name }) => name === 'minimal RNN')!;
  const training = await Training.begin(settings, textOf(settings, heron));
  const view = { probe: '', cursor, backSteps: 0, temperature: 1, weights: true, block: 0 };
  const [{ weights, norms, H }] = (await training.snapshot(false, view, false, true)).nets;
  expect(H).toBe(50);
  expect(weights!.singular[0]).toBeCloseTo(1, 6);
  for (let t = cursor; t >= 25; t -= 5) expect(norms.h[t - 5]).toBeLessThan(norms.h[t] / 10);
  training.dispose();
});

test('the character RNN of the notebook unlearns what it has learned', async () => {
  const { settings } = PRESETS.find(({ name }) => name === 'character RNN')!;
  const training = await Training.begin(settings, textOf(settings, heron));
  const mean = async (until: number): Promise<number> => {
    while (training.updates < until) await training.step();
    const losses = training.nets[0].takeProgress().losses.slice(-100);
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  const early = await mean(2000);
  expect(await mean(4000)).toBeGreaterThan(early);
  training.dispose();
});

test('of embedded Reber the LSTM knows the last P at 1,000 updates and 7,000, the tanh nets do as is said of them', async () => {
  const training = await preset('embedded Reber, LSTM');
  const [lstm, elman] = await training.beliefs(1000);
  expect(lstm).toBeGreaterThan(0.98);
  expect(Math.abs(elman - 0.5)).toBeLessThan(0.15);
  expect(Math.min(...(await training.beliefs(5000)))).toBeGreaterThan(0.98);
  const [still, lost] = await training.beliefs(7000);
  expect(still).toBeGreaterThan(0.98);
  expect(lost).toBeLessThan(0.05);
  const alone = await preset('embedded Reber, tanh');
  for (const updates of [1000, 20_000]) {
    const [belief] = await alone.beliefs(updates);
    expect(Math.abs(belief - 0.5)).toBeLessThan(0.15);
  }

  /** A starting point, and what its nets give to the right letter after so many updates. */
  async function preset(wanted: string) {
    const { settings, cursor } = PRESETS.find(({ name }) => name === wanted)!;
    const begun = await Training.begin(settings, textOf(settings, heron));
    const view = { probe: '', cursor, backSteps: 0, temperature: 1, weights: false, block: 0 };
    return {
      async beliefs(updates: number): Promise<number[]> {
        while (begun.updates < updates) await begun.step();
        const { nets, chars } = await begun.snapshot(false, view, false, false);
        return nets.map(({ outputs }) => outputs[cursor * chars.length + chars.indexOf('P')]);
      },
    };
  }
});

test('after 1,000 updates of binary addition unit 6 holds the carry', async () => {
  const { settings } = PRESETS.find(({ name }) => name === 'binary addition')!;
  const training = await Training.begin(settings, textOf(settings, heron));
  for (let n = 0; n < 1000; n++) await training.step();
  const view = { probe: '', cursor: 0, backSteps: 0, temperature: 1, weights: false, block: 0 };
  const { nets, probe } = await training.snapshot(false, view, false, false);
  const [{ states, H }] = nets;
  const held = new Map<number, number[]>([
    [0, []],
    [1, []],
  ]);
  let carry = 0;
  for (const [t, char] of probe.entries()) {
    const pair = 'abcd'.indexOf(char);
    if (char === ';') carry = 0;
    else if (pair >= 0) carry = (pair >> 1) + (pair & 1) + carry > 1 ? 1 : 0;
    // once the bit of the sum is written, the carry is all that matters
    else held.get(carry)!.push(states.h[t * H + 6]);
  }
  const [without, withCarry] = [held.get(0)!, held.get(1)!];
  expect(Math.min(without.length, withCarry.length)).toBeGreaterThan(10);
  const [low, high] = without[0] < withCarry[0] ? [without, withCarry] : [withCarry, without];
  expect(Math.max(...low)).toBeLessThan(Math.min(...high));
  training.dispose();
});

test('around an inner word it is known which letter has to come again', () => {
  const outer = Array.from('BPBTXSEPEB', (_, t) => reberState(Array.from('BPBTXSEPEB').slice(0, t + 1), true).outer);
  expect(outer).toEqual([1, 3, 3, 3, 3, 3, 3, 4, 0, 1]);
  expect(reberState(['B', 'T', 'B'], true).outer).toBe(2);
  expect(reberState(['B', 'T'], false).outer).toBeNull();
});

test('the state of the grammar after every prefix is that of the library', () => {
  for (const embedded of [false, true]) {
    const rng = new RandomState(5);
    for (let n = 0; n < 20; n++) {
      const word = embedded ? embeddedReberWord(rng) : reberWord(rng);
      const legal = embedded ? embeddedNextSymbols(word) : nextSymbols(word);
      for (let t = 1; t < word.length; t++) {
        const text = Array.from('BTXSE'.repeat(embedded ? 0 : 1) + word.slice(0, t));
        const sorted = [...reberState(text, embedded).legal].sort().join('');
        expect(sorted).toBe(
          Array.from(legal[t - 1])
            .sort()
            .join(''),
        );
      }
    }
    expect(reberState(Array.from('BB'), embedded)).toEqual({ inner: null, outer: null, legal: [] });
  }
});

test('settings travel in a link, and nonsense in one is left at its default', () => {
  const settings: Settings = { ...DEFAULTS, cell: 'gru', lr: 0.05, own: 'a & b = ü\n'.repeat(20), text: 'own' };
  expect(fromLink(toLink(settings))).toEqual(settings);
  expect(toLink(DEFAULTS)).toBe('');
  expect(fromLink('cell=rnn&hidden=-3&steps=NaN&engine=gpu&seed=1.4')).toEqual({ ...DEFAULTS, hidden: 1, seed: 1 });
});

describe('files', () => {
  const settings: Settings = {
    ...DEFAULTS,
    text: 'reber',
    cell: 'gru',
    hidden: 8,
    steps: 12,
    optimizer: 'adam',
    lr: 0.01,
  };
  const digest = (page: Page) => page.locator('.digest').textContent();
  const file = (name: string, bytes: Uint8Array) => ({ name, mimeType: '', buffer: Buffer.from(bytes) });

  test('a model saved on the page is the trainer that the library loads, and goes on to the bit', async () => {
    const whole = await reference(settings, 56);
    const half = await reference(settings, 50);
    const page = await opened({ ...settings, stopAt: 50 });
    await trained(page, 50);
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the model' }).click();
    const saved = await coming;
    expect(saved.suggestedFilename()).toBe('gru-50.bptt');
    const bytes = readFileSync(await saved.path());
    const { trainer } = await loadTrainer(bytes);
    expect(await trainer.state()).toEqual(await half.nets[0].trainer.state());
    await page.context().close();

    const other = await opened({ cell: 'lstm' });
    await other.getByLabel('Open a model or a text').setInputFiles(file('net.bptt', bytes));
    await other.locator('output[data-updates="50"]').waitFor();
    expect(await digest(other)).toBe(half.nets[0].digest);
    for (let n = 51; n <= 56; n++) {
      await other.getByRole('button', { name: 'One step', exact: true }).click();
      await other.locator(`output[data-updates="${n}"]`).waitFor();
    }
    expect(await digest(other)).toBe(whole.nets[0].digest);
    await other.context().close();
  });

  test('a model of the command line opens', async () => {
    const { vocabulary, nets, probe } = await reference(settings, 5);
    const { trainer } = nets[0];
    const own = settingsFrom({
      preset: 'min-char-rnn',
      cell: 'gru',
      hidden: 8,
      steps: 12,
      optimizer: 'adam',
      lr: 0.01,
    });
    const bytes = await encodeRun(trainer, {
      ...{ run: '01234567', unit: 'character', symbols: vocabulary.chars, settings: own, limits: {} },
      text: { name: 'words', files: [], encoding: 'utf-8', sha256: '' },
      ...{ seconds: 1, learningSeconds: 1, heldOut: null, best: null },
      point: { iteration: 5, position: 60, smoothLoss: 1, nats: 1, weight: 1, penalty: 0 },
    });
    const page = await opened({ text: 'reber' });
    await page.getByLabel('Open a model or a text').setInputFiles(file('model.bptt', bytes));
    await page.locator('output[data-updates="5"]').waitFor();
    const { losses } = await inspected(trainer, probe, 0);
    const surprise = await table(page, 'Surprise');
    expectClose(
      surprise.slice(1).map(([, bits]) => Number(bits)),
      losses.subarray(0, 79).map((nats) => nats / Math.LN2),
    );
    await page.getByRole('button', { name: 'One step', exact: true }).click();
    await page.locator('output[data-updates="6"]').waitFor();
    await page.context().close();
  });

  test('a text opens, and a link that is too short for it knows it again', async () => {
    const text = 'a river, a heron; '.repeat(200);
    const page = await opened({ hidden: 8 });
    const opens = (name: string, content: string) =>
      page.getByLabel('Open a model or a text').setInputFiles(file(name, Buffer.from(content)));
    await opens('river.txt', text);
    await expect.poll(() => page.locator('.panel .look').first().textContent()).toContain('log₂ 11');
    const link = page.url();
    expect(link).toContain(`hash=${hashOf(text)}`);
    await page.goto('about:blank');
    await page.goto(link);
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('open that text');
    await opens('other.txt', `${text}!`);
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('not the text');
    await page
      .getByLabel('Open a model or a text')
      .setInputFiles(file('broken.bptt', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 1)));
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('decodeModel: not a whole model file');
    await page.context().close();
  });
});

describe('for everybody', () => {
  test.each([
    { width: 390, colorScheme: 'light' },
    { width: 1280, colorScheme: 'dark' },
  ] as const)(
    'axe finds nothing at $width px, $colorScheme',
    async ({ width, colorScheme }) => {
      const settings = { text: 'embedded', cell: 'lstm', beside: 'elman', hidden: 12, stopAt: 40 } as const;
      const page = await opened(settings, { viewport: { width, height: 800 }, colorScheme, reducedMotion: 'reduce' });
      await trained(page, 40);
      await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
      await page.locator('.plane').waitFor();
      await page.getByRole('button', { name: 'Draw the surface' }).click();
      await page.locator('.surface').waitFor();
      const { violations } = await new AxeBuilder({ page }).exclude('tr:nth-child(n + 4)').analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      // nothing sticks out at the side
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      await page.context().close();
    },
    60_000,
  );

  test('all of it can be reached and used by keys alone', async () => {
    const page = await opened({ hidden: 8, stopAt: 20 });
    await page.locator('button.main:enabled').waitFor();
    await page.keyboard.press('Tab'); // the link to the library
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('output[data-updates="20"]').waitFor();
    const reached = new Set<string>();
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press('Tab');
      reached.add(
        await page.evaluate<string>(
          'document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText',
        ),
      );
    }
    for (const name of ['One step', 'Cursor in the probe text', 'Check the gradient', 'Race', 'Sample']) {
      expect(reached).toContain(name);
    }
    await page.context().close();
  });
});

test('the page weighs less than 120 kB packed, without its text and without the engine that only those load who ask', () => {
  const dist = new URL('../../page/dist/', import.meta.url);
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const sizeOf = (some: typeof files) =>
    some.reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length, 0);
  const [loaded, asked] = [false, true].map((gpu) => files.filter(({ name }) => name.startsWith('webgpu-') === gpu));
  expect(sizeOf(loaded) - gzipSync(heron).length).toBeLessThan(100_000);
  expect(asked).toHaveLength(1);
  expect(sizeOf(asked)).toBeLessThan(32_000);
});

test('a text that is too short is refused in words', async () => {
  const page = await opened({ text: 'own', own: 'short' });
  await expect.poll(() => page.getByRole('alert').textContent()).toContain('The text has 5 characters');
  await page.context().close();
});

test('who starts a training again that has paused by itself goes on', async () => {
  const page = await opened({ text: 'reber', hidden: 5, stopAt: 10 });
  await trained(page, 10);
  await page.getByRole('button', { name: 'Start' }).click();
  await expect
    .poll(async () => Number(await page.locator('output[data-updates]').getAttribute('data-updates')))
    .toBeGreaterThan(10);
  await page.context().close();
});

test('after the first visit it needs no network', async () => {
  const page = await opened({ hidden: 8, stopAt: 10 });
  await page.evaluate('navigator.serviceWorker.ready.then(() => null)');
  await server.offline();
  await page.reload();
  await trained(page, 10);
  await page.context().close();
});

test('nothing was complained of, by the content security policy least of all', () => {
  expect(complaints).toEqual([]);
});
