import { CELL_TITLES, type PageCell } from '../settings.ts';
import { histories, sample, settings, snapshot, temperature } from '../store.ts';
import { Chart, type Line } from './chart.tsx';
import { NumberField, Panel, Table } from './parts.tsx';

const STYLES = ['a', 'b'] as const;

export function TrainingView() {
  const nets = histories.value;
  const updates = snapshot.value?.updates ?? 0;
  const V = snapshot.value?.chars.length ?? 2;
  const titled = (cell: string): string => CELL_TITLES[cell as PageCell] ?? cell;
  const lines: Line[] = nets.flatMap(({ cell, bits, heldOut }, i) => [
    { name: `${titled(cell)}, learning`, style: `${STYLES[i]} thin`, points: bits.points },
    { name: `${titled(cell)}, held out`, style: `${STYLES[i]} dashed`, points: heldOut },
  ]);
  return (
    <Panel
      title="Learning"
      look={`Both curves begin at log₂ ${V} = ${Math.log2(V).toFixed(2)} bits, where every character is as likely as any other; where the held-out curve turns up, the net learns by heart.`}
    >
      <Chart
        label={`Bits per character over ${updates} updates`}
        {...{ lines, height: 220 }}
        xRange={[0, Math.max(updates, 10)]}
        yRange={[0, Math.log2(V) * 1.15]}
        xTitle="updates"
        yTitle="bits per character"
      />
      <Table
        name="Held-out bits"
        head={['updates', ...nets.map(({ cell }) => titled(cell))]}
        rows={() =>
          (nets[0]?.heldOut ?? []).map(([at], i) => [at, ...nets.map(({ heldOut }) => heldOut[i]?.[1] ?? '')])
        }
      />
      <p class="fine">
        Losses of all updates, hashed:{' '}
        {nets.map(({ digest }) => (
          <code key={digest} class="digest">
            {digest}
          </code>
        ))}
        .{' '}
        {settings.value.engine === 'webgpu'
          ? 'A GPU rounds in its own way: the hash is that of this machine.'
          : 'The same link gives the same hash on every machine.'}
      </p>
      <div class="row">
        <h3>What it writes now</h3>
        <NumberField
          label="temperature"
          value={temperature.value}
          min={0.1}
          max={3}
          step={0.1}
          onValue={(value) => {
            temperature.value = value;
          }}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="sample" tabIndex={0} aria-label="Sample">
        <pre>{sample.value}</pre>
      </section>
    </Panel>
  );
}
