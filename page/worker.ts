import { errorSurface } from './errorSurface.ts';
import heron from './heron.txt?raw';
import type { Reply, Request, View } from './messages.ts';
import { textOf } from './model.ts';
import { race } from './race.ts';
import { Training } from './training.ts';

/** The most snapshots a second, milliseconds of training at a stretch, and between two samples. */
const SNAPSHOTS = 12;
const STRETCH = 25;
const SAMPLES = 2000;

/** The least milliseconds between two looks at the spectra, and what share of the time they may take. */
const SPECTRA = 250;
const SHARE = 0.05;

let training: Training | null = null;
let view: View | null = null;
let running = false;
let shownAt = 0;
let sampledAt = 0;
let spectraAt = 0;
/** Milliseconds that the last look at the spectra took, with the rest of what is shown. */
let spectraCost = 0;

const send = (reply: Reply): void => postMessage(reply);

// A task of its own lets messages in, and is not held back as timers are.
const { port1, port2 } = new MessageChannel();
let resume: () => void = () => {};
port1.onmessage = () => resume();
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    resume = resolve;
    port2.postMessage(null);
  });

/** What was asked for and is not carried out yet, and what wakes the worker. */
const queue: Request[] = [];
let wake: () => void = () => {};
addEventListener('message', ({ data }: MessageEvent<Request>) => {
  queue.push(data);
  wake();
});

void work();

/** Carries out one request after another, and trains in between. */
async function work(): Promise<never> {
  for (;;) {
    try {
      for (let request = queue.shift(); request; request = queue.shift()) await carryOut(request);
      if (running) await train();
    } catch (error) {
      running = false;
      send({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
    if (running || queue.length > 0) await breathe();
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

async function carryOut(request: Request): Promise<void> {
  if (request.type === 'begin' || request.type === 'open') {
    running = false;
    const { settings } = request;
    const begun =
      request.type === 'open'
        ? await Training.open(request.file, settings, heron)
        : await Training.begin(settings, textOf(settings, heron));
    training?.dispose();
    training = begun;
    view = request.view;
    if (request.type === 'open') send({ type: 'opened', settings: begun.settings });
    await show(true);
    return;
  }
  if (!training) return;
  switch (request.type) {
    case 'run':
      running = request.running;
      if (!running) await show(true);
      return;
    case 'step':
      running = false;
      await training.remember();
      await training.step();
      await show(true);
      return;
    case 'back':
      running = false;
      await training.back();
      await show(true);
      return;
    case 'view':
      view = request.view;
      if (!running) await show(true);
      return;
    case 'save':
      send({ type: 'saved', file: await training.save() });
      return;
    case 'gradcheck':
      send({ type: 'gradcheck', report: await training.gradcheck() });
      return;
    case 'surface':
      send({ type: 'surface', surface: errorSurface(request.seed) });
      return;
    case 'race':
      send({ type: 'race', results: await race(training.settings, training.vocabulary.size) });
      return;
  }
}

/** Trains for a stretch, and shows what has become of the nets where that is due. */
async function train(): Promise<void> {
  if (!training) return;
  const { stopAt } = training.settings;
  const until = performance.now() + STRETCH;
  while (running && performance.now() < until) {
    // Who starts it again after that goes on.
    await training.step(stopAt > training.updates ? stopAt - training.updates : Number.POSITIVE_INFINITY);
    if (training.updates === stopAt) running = false;
  }
  const now = performance.now();
  if (!running || now - shownAt >= 1000 / SNAPSHOTS) await show(!running);
}

/** @param all whether also what takes long is worked out anew whenever it was done last: a sample and the spectra */
async function show(all: boolean): Promise<void> {
  if (!training || !view) return;
  const now = performance.now();
  shownAt = now;
  const sample = all || now - sampledAt >= SAMPLES;
  const spectra = view.weights && (all || now - spectraAt >= Math.max(SPECTRA, spectraCost / SHARE));
  if (sample) sampledAt = now;
  if (spectra) spectraAt = now;
  send(await training.snapshot(running, view, sample, spectra));
  if (spectra) spectraCost = performance.now() - now;
}
