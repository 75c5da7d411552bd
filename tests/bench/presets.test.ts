import { createSampler, createTrainer, type Trainer } from 'bptt';
import { adam } from 'bptt/optim';
import { expect, it } from 'vitest';
import { PRESET_NETS, type PresetNet } from '../../bench/presetNets.ts';
import { presetSamples, presetTable } from '../../bench/presetReport.ts';
import { heldOutBits, type Outcome, paceOf, runPreset } from '../../bench/presetRun.ts';
import { rateAt, specOf } from '../../cli/settings.ts';

const conditions = { threads: 1, seed: 0, shared: true, paceSeconds: 0.05 };
const small: PresetNet = { ...PRESET_NETS[1], hidden: 16, steps: 7, batch: 4, lr: 0.02 };
const text = 'the old hills hold the heron well. '.repeat(40);

it('a rate rises over the first twentieth of a run and falls to 0 at its end, or stays', () => {
  const rates = [0, 0.025, 0.05, 0.525, 1].map((progress) => rateAt({ lr: 0.8, lrDecay: true }, progress));
  for (const [i, rate] of [0, 0.4, 0.8, 0.4, 0].entries()) expect(rates[i]).toBeCloseTo(rate, 12);
  expect(rateAt({ lr: 0.8, lrDecay: false }, 0)).toBe(0.8);
  expect(rateAt({ lr: 0.8, lrDecay: false }, 1)).toBe(0.8);
});

/** Bits per character of one stream, symbol by symbol. */
async function bitsByHand(trainer: Trainer, ids: Int32Array): Promise<number> {
  const sampler = await createSampler(trainer.spec, await trainer.parameters(), { engine: 'ts' });
  let bits = 0;
  for (let t = 0; t + 1 < ids.length; t++) {
    const logits = Float64Array.from(sampler.read(ids[t]));
    const sum = logits.reduce((total, z) => total + Math.exp(z), 0);
    bits += (Math.log(sum) - logits[ids[t + 1]]) / Math.LN2;
  }
  return bits / (ids.length - 1);
}

it.each(PRESET_NETS)('held-out bits of $name are those of a pass symbol by symbol', async ({ loss }) => {
  const net = { ...small, loss };
  const { steps, batch, init } = net;
  const trainer = await createTrainer(specOf(net, 5), { steps, batch, init, optimizer: adam() });
  const ids = Int32Array.from({ length: 3 * 7 + 4 }, (_, i) => (i * i) % 5);
  // Float32 on both sides, 24 characters: a few units of 2⁻²³ each.
  expect(await heldOutBits(trainer, ids)).toBeCloseTo(await bitsByHand(trainer, ids), 5);
  const thirds = [ids.subarray(0, 9), ids.subarray(8, 17), ids.subarray(16, 25)];
  const byHand = await Promise.all(thirds.map((third) => bitsByHand(trainer, third)));
  expect(await heldOutBits(trainer, ids, 3)).toBeCloseTo(byHand.reduce((a, b) => a + b) / 3, 5);
  trainer.dispose();
});

it('a run learns from as many characters as its pace gives in its time, and keeps its best weights', async () => {
  const outcome = await runPreset(small, { name: 'hills', text }, { seconds: 2, pace: 4200 }, conditions);
  expect(outcome).toMatchObject({ preset: 'default', text: 'hills', length: 1400, updates: 300 });
  expect(outcome.passes).toBeCloseTo((300 * 28) / 1260, 12);
  // Of 15 characters, log₂ 15 = 3.9 bits; the text repeats itself.
  expect(outcome.last).toBeLessThan(0.8);
  expect(outcome.best).toBeLessThanOrEqual(outcome.last);
  expect(outcome.sample).toHaveLength(300);
  const again = await runPreset(small, { name: 'hills', text }, { seconds: 2, pace: 4200 }, conditions);
  expect(again).toEqual(outcome);
});

it('a net whose rate is far too high is reported with the weights of the look at which it was best', async () => {
  // Each product rounded: where the run goes hangs on its last bits, which are then those of every host.
  const net: PresetNet = { ...small, lr: 3, optimizer: 'adagrad', lrDecay: false, fma: false };
  const { last, best, bestAt } = await runPreset(net, { name: 'hills', text }, { seconds: 1, pace: 2800 }, conditions);
  expect(bestAt).toBeLessThan(1);
  expect(best).toBeLessThan(last);
});

it('a pace is a number of characters a second, by either clock', async () => {
  for (const shared of [true, false]) {
    const pace = await paceOf({ ...small, hidden: 4 }, 15, { ...conditions, shared });
    expect(pace).toBeGreaterThan(0);
    expect(pace).toBeLessThan(Infinity);
  }
});

it('the table has a row for each preset on each text, a column for each time', () => {
  const one: Outcome = {
    ...{ preset: 'default', text: 'a.txt', length: 12345, seconds: 30, pace: 40123.4, updates: 9, passes: 1.234 },
    ...{ last: 2.349, best: 2.349, bestAt: 1, sample: 'short' },
  };
  const longer = { ...one, seconds: 120, passes: 12.34, best: 2.2, bestAt: 0.5, sample: 'a\r\n```b\u001bc ' };
  const other = { ...one, preset: 'best', sample: 'other' };
  expect(presetTable([one, longer, other])).toBe(
    `| text | characters | preset | characters/s | bits after 30 s | bits after 120 s |
| --- | ---: | --- | ---: | ---: | ---: |
| a.txt | 12,345 | default | 40,123 | 2.35 (1.2 passes) | 2.35, 2.20 at 50 % (12 passes) |
| a.txt | 12,345 | best | 40,123 | 2.35 (1.2 passes) | – |`,
  );
  expect(presetSamples([one, longer, other])).toBe(
    "default on a.txt, after 120 s:\n\n```text\na\n'''b c\n```\n\nbest on a.txt, after 30 s:\n\n```text\nother\n```",
  );
});
