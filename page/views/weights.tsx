import type { Spectra } from '../messages.ts';
import { CELL_TITLES, type PageCell } from '../settings.ts';
import { block, histories, snapshot, weightsOpen } from '../store.ts';
import { Chart } from './chart.tsx';
import { Choice, Panel, short, Table } from './parts.tsx';

const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  lstm: ['input gate i', 'forget gate f', 'candidate g', 'output gate o'],
  gru: ['reset gate r', 'update gate z', 'candidate n'],
};

/** The spectra of Whh as they move, and where clipping acts. They are worked out only while they are looked at. */
export function WeightsView() {
  const nets = snapshot.value?.nets ?? [];
  const first = nets[0];
  const spectra = first?.weights ?? null;
  const [history] = histories.value;
  const gradient = history?.gradient;
  const blocks = BLOCKS[first?.cell ?? ''] ?? [];
  return (
    <Panel
      title="Recurrent weights"
      look="Eigenvalues outside the unit circle let gradients grow with every step, those inside let them fade; where units are saturated, the slope of tanh makes them fade all the same."
    >
      <details
        onToggle={(event) => {
          weightsOpen.value = event.currentTarget.open;
        }}
      >
        <summary>Show the spectra (slows training down by a fifth at most)</summary>
        {blocks.length > 0 && (
          <Choice
            label="block of Whh"
            value={String(Math.min(block.value, blocks.length - 1))}
            options={blocks.map((name, i) => [String(i), name] as const)}
            onValue={(value) => {
              block.value = Number(value);
            }}
          />
        )}
        {spectra && history && (
          <>
            <h3>Eigenvalues of Whh, {CELL_TITLES[first.cell as PageCell] ?? first.cell}, and the unit circle</h3>
            <Plane spectra={spectra} />
            <p class="fine">
              spectral radius {short(Math.hypot(spectra.re[0], spectra.im[0]))}, largest singular value{' '}
              {short(spectra.singular[0])}, after {spectra.update} updates
            </p>
            <h3>Spectral radius over training</h3>
            <Chart
              label="Spectral radius over updates, with marks where clipping was seen to act"
              lines={[
                { name: 'spectral radius', style: 'a', points: history.radius },
                {
                  name: 'clipping acts',
                  style: 'b ticks',
                  points: history.clippedAt.map((at) => [at, 0] as const),
                },
              ]}
              height={150}
              xRange={[0, Math.max(10, snapshot.value?.updates ?? 0)]}
              yRange={[0, Math.max(1.2, ...history.radius.map(([, radius]) => radius))]}
              xTitle="updates"
              yTitle="radius"
            />
            <h3>Singular values</h3>
            <Chart
              label={`Singular values of Whh, from ${short(spectra.singular[0])} down`}
              lines={[
                {
                  name: 'singular values',
                  style: 'a',
                  points: Array.from(spectra.singular, (value, i) => [i + 1, value] as const),
                },
              ]}
              height={150}
              xRange={[1, spectra.singular.length]}
              yRange={[0, spectra.singular[0]]}
              xTitle="number"
              yTitle="singular value"
            />
            <Table
              name="Spectra"
              head={['real', 'imaginary', 'magnitude', 'singular value']}
              rows={() =>
                Array.from(spectra.re, (re, i) => [
                  re,
                  spectra.im[i],
                  Math.hypot(re, spectra.im[i]),
                  spectra.singular[i],
                ])
              }
            />
          </>
        )}
      </details>
      {gradient && (
        <p class="fine">
          Gradient of the next update: norm <output class="gradient-norm">{short(gradient.norm)}</output>,{' '}
          {short(100 * gradient.clipped)} % of its elements clipped.
        </p>
      )}
    </Panel>
  );
}

function Plane({ spectra: { re, im } }: { spectra: Spectra }) {
  const extent = Math.max(1.15, Math.hypot(re[0], im[0]) * 1.05);
  const at = (value: number): number => (value / extent) * 100;
  return (
    <svg class="plane" viewBox="-102 -102 204 204" role="img" aria-label="Eigenvalues in the complex plane">
      <line class="grid" x1="-102" x2="102" y1="0" y2="0" />
      <line class="grid" y1="-102" y2="102" x1="0" x2="0" />
      <circle class="unit" r={at(1)} />
      {Array.from(re, (x, i) => (
        <circle key={i} class="dot" cx={at(x)} cy={-at(im[i])} r="2.2" />
      ))}
    </svg>
  );
}
