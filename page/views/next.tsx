import { REBER_AUTOMATON } from 'bptt/data';
import type { NetView } from '../messages.ts';
import { reberState } from '../reberState.ts';
import { CELL_TITLES, type PageCell } from '../settings.ts';
import { settings, snapshot, temperature } from '../store.ts';
import { Panel, spoken, Table, visible } from './parts.tsx';

const TOP = 8;

/** The probabilities after the cursor at a temperature: p^(1/temperature), normalised. */
function probabilities({ outputs, V }: NetView, at: number, heat: number): number[] {
  const weights = Array.from(outputs.subarray(at * V, (at + 1) * V), (p) => p ** (1 / heat));
  const sum = weights.reduce((s, w) => s + w, 0);
  return weights.map((w) => w / sum);
}

export function NextView() {
  const shown = snapshot.value;
  if (!shown) return null;
  const { chars, probe, cursor: at, nets } = shown;
  return (
    <Panel
      title="What comes next"
      look={`After “${probe
        .slice(Math.max(0, at - 11), at + 1)
        .map(visible)
        .join(
          '',
        )}” at temperature ${temperature.value}: type into the probe and see the net change its mind at every key.`}
    >
      {nets.map((net, i) => {
        const p = probabilities(net, at, temperature.value);
        const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a] || a - b);
        const name = CELL_TITLES[net.cell as PageCell] ?? net.cell;
        return (
          <div key={net.cell}>
            <h3>{name}</h3>
            <ul class={`bars ${i > 0 ? 'second' : ''}`} aria-label={`Likeliest characters, ${name}`}>
              {order.slice(0, TOP).map((id) => (
                <li key={id}>
                  <code title={spoken(chars[id])}>{visible(chars[id])}</code>
                  <span>
                    <span class="bar-of" style={{ display: 'block', width: `${100 * p[id]}%` }} />
                  </span>
                  <span>{(100 * p[id]).toFixed(1)} %</span>
                </li>
              ))}
            </ul>
            <Table
              name={`Next characters, ${name}`}
              head={['character', 'probability']}
              rows={() => order.map((id) => [visible(chars[id]), p[id]])}
            />
          </div>
        );
      })}
    </Panel>
  );
}

/** Where the states of the automaton are drawn. */
const PLACES: readonly (readonly [x: number, y: number])[] = [
  [30, 100],
  [115, 100],
  [200, 45],
  [200, 155],
  [310, 45],
  [310, 155],
  [395, 100],
  [480, 100],
];

/** The Reber automaton with the first net's belief on the edges out of the state at the cursor. */
export function ReberView() {
  const shown = snapshot.value;
  const { text } = settings.value;
  if (!shown || (text !== 'reber' && text !== 'embedded')) return null;
  const { chars, probe, cursor: at, nets } = shown;
  const embedded = text === 'embedded';
  const { inner, legal } = reberState(probe.slice(0, at + 1), embedded);
  return (
    <Panel
      title={embedded ? 'The embedded Reber grammar' : 'The Reber grammar'}
      look={
        embedded
          ? 'The last T or P of a word repeats its second character, said long before: a net that forgot gives both a half.'
          : 'A net that has learned the grammar gives each way out of a state its half, and nothing to the rest.'
      }
    >
      {nets.map((net) => {
        const p = probabilities(net, at, 1);
        const of = (symbol: string): number => p[chars.indexOf(symbol)] ?? 0;
        const mass = legal.reduce((sum, symbol) => sum + of(symbol), 0);
        const name = CELL_TITLES[net.cell as PageCell] ?? net.cell;
        return (
          <div key={net.cell}>
            <h3>{name}</h3>
            <Automaton inner={inner} of={of} name={name} />
            <p class="belief">
              {legal.length === 0
                ? 'The probe has left the grammar before the cursor.'
                : `May come: ${legal.map((symbol) => `${symbol} ${(100 * of(symbol)).toFixed(1)} %`).join(', ')}. Illegal symbols get ${(100 * (1 - mass)).toFixed(2)} %.`}
            </p>
            <Table
              name={`Belief, ${name}`}
              head={['symbol', 'legal', 'probability']}
              rows={() => chars.map((symbol) => [symbol, legal.includes(symbol) ? 'yes' : 'no', of(symbol)])}
            />
          </div>
        );
      })}
    </Panel>
  );
}

function Automaton({ inner, of, name }: { inner: number | null; of: (symbol: string) => number; name: string }) {
  return (
    <svg class="automaton" viewBox="0 0 510 200" role="img" aria-label={`Reber automaton, belief of ${name}`}>
      <marker
        id="arrow"
        viewBox="0 0 8 8"
        refX="4"
        refY="4"
        markerWidth="8"
        markerHeight="8"
        markerUnits="userSpaceOnUse"
        orient="auto"
      >
        <path class="arrow" d="M0 0L8 4L0 8Z" />
      </marker>
      {REBER_AUTOMATON.flatMap((edges, from) =>
        edges.map(([symbol, to]) => {
          const out = from === inner;
          const [[x0, y0], [x1, y1]] = [PLACES[from], PLACES[to]];
          const loop = from === to;
          const down = y0 > 100 ? 1 : -1;
          const [mx, my] = loop
            ? [x0, y0 + 44 * down * 0.9]
            : [(x0 + x1) / 2 + (y1 - y0) * 0.08, (y0 + y1) / 2 - (x1 - x0) * 0.04];
          // From rim to rim.
          const [length, rim] = [Math.hypot(x1 - x0, y1 - y0) || 1, 14];
          const [ux, uy] = [((x1 - x0) / length) * rim, ((y1 - y0) / length) * rim];
          const d = loop
            ? `M${x0 - 8} ${y0 + 12 * down}C${x0 - 26} ${y0 + 46 * down} ${x0 + 26} ${y0 + 46 * down} ${x0 + 9} ${y0 + 17 * down}`
            : `M${x0 + ux} ${y0 + uy}L${x1 - 1.4 * ux} ${y1 - 1.4 * uy}`;
          return (
            <g key={`${from}${symbol}`}>
              <path
                class={`edge ${out ? 'out' : ''}`}
                d={d}
                marker-end="url(#arrow)"
                style={out ? { strokeWidth: `${1 + 9 * of(symbol)}px` } : {}}
              />
              <text x={mx} y={my + 4}>
                {symbol}
                {out ? ` ${(100 * of(symbol)).toFixed(0)}%` : ''}
              </text>
            </g>
          );
        }),
      )}
      {PLACES.map(([x, y], state) => (
        <g key={state}>
          <circle class={`state ${state === inner ? 'here' : ''}`} cx={x} cy={y} r="13" />
          <text class={state === inner ? 'here' : ''} x={x} y={y + 5}>
            {state}
          </text>
        </g>
      ))}
    </svg>
  );
}
