import { batch, computed, effect, signal } from '@preact/signals';
import { decodeUtf8 } from 'bptt/data';
import { Curve } from './curve.ts';
import type { ErrorSurface } from './errorSurface.ts';
import type { GradientSize, RaceResult, Reply, Request, Snapshot, View } from './messages.ts';
import { fromLink, hashOf, missingText, OWN_TEXT, type Settings, toLink } from './settings.ts';
import type { UnitOrder } from './units.ts';

/** What is kept of a net's training for its curves. */
export interface History {
  readonly cell: string;
  readonly bits: Curve;
  readonly digest: string;
  readonly heldOut: readonly (readonly [number, number])[];
  readonly gradient: GradientSize | null;
  /** [update, spectral radius] */
  readonly radius: readonly (readonly [number, number])[];
  /** Updates at which clipping was seen to act. */
  readonly clippedAt: readonly number[];
}

export const settings = signal<Settings>(fromLink(location.hash.slice(1)));
export const snapshot = signal<Snapshot | null>(null);
export const histories = signal<readonly History[]>([]);
export const sample = signal('');
export const message = signal('');
export const gradcheck = signal<Extract<Reply, { type: 'gradcheck' }>['report'] | 'running' | null>(null);
export const race = signal<readonly RaceResult[] | 'running' | null>(null);

export const surface = signal<ErrorSurface | 'running' | null>(null);

/** What was typed as the probe; empty for what the training proposes. */
export const probe = signal('');
export const cursor = signal(24);
export const backSteps = signal(0);
export const temperature = signal(1);
export const weightsOpen = signal(false);
export const block = signal(0);
export const unit = signal(0);
export const order = signal<UnitOrder>('index');

const darkness = matchMedia('(prefers-color-scheme: dark)');
export const dark = signal(darkness.matches);
darkness.addEventListener('change', () => {
  dark.value = darkness.matches;
});

export const running = computed(() => snapshot.value?.running ?? false);

const view = computed<View>(() => ({
  ...{ probe: probe.value, cursor: cursor.value, backSteps: backSteps.value, temperature: temperature.value },
  ...{ weights: weightsOpen.value, block: block.value },
}));

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'training' });

export function send(request: Request): void {
  worker.postMessage(request);
}

/** Begins a training anew; the link then says which. */
export function begin(next: Settings): void {
  forget(next);
  send({ type: 'begin', settings: next, view: view.peek() });
}

/** Asks for the error surface of the linear net, which pauses the training. */
export function askForSurface(): void {
  surface.value = 'running';
  send({ type: 'run', running: false });
  send({ type: 'surface', seed: settings.value.seed });
}

function forget(next: Settings): void {
  batch(() => {
    settings.value = next;
    histories.value = [];
    sample.value = '';
    message.value = '';
    gradcheck.value = null;
    race.value = null;
    surface.value = null;
  });
  history.replaceState(null, '', `#${toLink(next)}`);
}

/** Opens a model file, or a text to learn from. */
export async function open(file: Blob): Promise<void> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  // A model file begins with the length of its header and then `{`.
  if (bytes[7] === 0 && bytes[8] === 0x7b) {
    send({ type: 'open', file: bytes, settings: settings.value, view: view.peek() });
    return;
  }
  try {
    const own = decodeUtf8(bytes);
    const wanted = missingText(location.hash.slice(1));
    begin({ ...settings.value, text: OWN_TEXT, own });
    if (wanted !== null && wanted !== hashOf(own)) message.value = 'This is not the text that the link was made with.';
  } catch (error) {
    message.value = (error as Error).message;
  }
}

/** Hands bytes to the visitor as a file. */
function download(file: Uint8Array, name: string): void {
  const address = URL.createObjectURL(new Blob([file as Uint8Array<ArrayBuffer>]));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

worker.onmessage = ({ data }: MessageEvent<Reply>) => {
  batch(() => {
    if (data.type === 'snapshot') show(data);
    else if (data.type === 'gradcheck') gradcheck.value = data.report;
    else if (data.type === 'race') race.value = data.results;
    else if (data.type === 'surface') surface.value = data.surface;
    else if (data.type === 'saved') download(data.file, `${settings.value.cell}-${snapshot.value?.updates ?? 0}.bptt`);
    else if (data.type === 'opened') forget(data.settings);
    else {
      message.value = data.message;
      for (const asked of [gradcheck, race, surface]) if (asked.value === 'running') asked.value = null;
    }
  });
};

function show(next: Snapshot): void {
  snapshot.value = next;
  if (next.sample !== null) sample.value = next.sample;
  histories.value = next.progress.map(({ cell, losses, digest, heldOut, gradient }, i) => {
    const before = histories.value[i];
    const first = next.updates - losses.length;
    const bits = before?.bits ?? new Curve(first);
    // Steps that were taken back and are done again have the same losses: they are on the curve already.
    for (const nats of losses.subarray(Math.max(0, bits.last - first))) bits.add(nats / Math.LN2);
    const measured = before?.heldOut.at(-1)?.[0] ?? -1;
    const weights = next.nets[i].weights;
    const radius = before?.radius ?? [];
    const isNew = weights !== null && radius[radius.length - 1]?.[0] !== weights.update;
    const clippedAt = before?.clippedAt ?? [];
    return {
      ...{ cell, bits, digest, gradient },
      heldOut: thin([...(before?.heldOut ?? []), ...heldOut.filter(([at]) => at > measured)]),
      radius: isNew ? thin([...radius, [weights.update, Math.hypot(weights.re[0], weights.im[0])] as const]) : radius,
      clippedAt: gradient && gradient.clipped > 0 ? thin([...clippedAt, gradient.update]) : clippedAt,
    };
  });
}

/** Every other one of what has become too much to draw, the last one kept. */
function thin<T>(values: T[]): T[] {
  return values.length <= 600 ? values : values.filter((_, i) => (values.length - 1 - i) % 2 === 0);
}

/** Tells the worker of every change of what is looked at, at most once a frame. */
export function watchView(): void {
  let due = false;
  effect(() => {
    void view.value;
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      send({ type: 'view', view: view.peek() });
    });
  });
}
