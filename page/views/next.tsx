import { useId } from 'preact/hooks';
import type { NetView } from '../messages.ts';
import { type Edge, INNER_EDGES, OUTER_EDGES, reberState } from '../reberState.ts';
import { CELL_TITLES, type PageCell } from '../settings.ts';
import { settings, snapshot, temperature } from '../store.ts';
import { Panel, spoken, Table, visible } from './parts.tsx';

const TOP = 8;

/** The radius of a state of an automaton. */
const RIM = 13;

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

type Places = readonly (readonly [x: number, y: number])[];

/** Where the states of the automaton are drawn, and those around it. */
const INNER_PLACES: Places = [
  [30, 100],
  [115, 100],
  [200, 45],
  [200, 155],
  [310, 45],
  [310, 155],
  [395, 100],
  [480, 100],
];
const OUTER_PLACES: Places = [
  [30, 68],
  [130, 68],
  [255, 36],
  [255, 100],
  [380, 68],
  [480, 68],
];

/** The Reber automaton with each net's belief on the edges out of the state at the cursor. */
export function ReberView() {
  const shown = snapshot.value;
  const { text } = settings.value;
  if (!shown || (text !== 'reber' && text !== 'embedded')) return null;
  const { chars, probe, cursor: at, nets } = shown;
  const embedded = text === 'embedded';
  const { inner, outer, legal } = reberState(probe.slice(0, at + 1), embedded);
  return (
    <Panel
      title={embedded ? 'The embedded Reber grammar' : 'The Reber grammar'}
      look={
        embedded
          ? 'A word is B, then T or P, then a whole inner word, then the same T or P again, and E. When the inner word ends, a net that has forgotten the letter before it gives T and P a half each.'
          : 'A net that has learned the grammar gives each way out of a state its half, and nothing to the rest.'
      }
    >
      {nets.map((net) => {
        const p = probabilities(net, at, 1);
        const of = (symbol: string): number => p[chars.indexOf(symbol)] ?? 0;
        const percent = (symbol: string): string => `${symbol} ${(100 * of(symbol)).toFixed(1)} %`;
        const mass = legal.reduce((sum, symbol) => sum + of(symbol), 0);
        const name = CELL_TITLES[net.cell as PageCell] ?? net.cell;
        const worst = chars.filter((symbol) => !legal.includes(symbol)).sort((a, b) => of(b) - of(a))[0];
        const before = `After “${probe.slice(Math.max(0, at - 11), at + 1).join('')}”`;
        return (
          <div key={net.cell}>
            <h3>{name}</h3>
            {embedded && (
              <Automaton
                {...{ places: OUTER_PLACES, edges: OUTER_EDGES, height: 136, of }}
                here={outer}
                open={inner === null}
                label={`Around the inner word, belief of ${name}`}
                title={(state) => (state === 2 || state === 3 ? 'inner word' : '')}
              />
            )}
            <Automaton
              {...{ places: INNER_PLACES, edges: INNER_EDGES, height: 200, of }}
              here={inner}
              open
              label={`Reber automaton, belief of ${name}`}
              title={String}
            />
            <p class="belief">
              {legal.length === 0
                ? 'The probe has left the grammar before the cursor.'
                : `${before} may come: ${legal.map(percent).join(', ')}. What may not come gets ${(100 * (1 - mass)).toFixed(2)} %, most of it ${percent(worst)}.`}
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

/** An automaton; on the edges out of the state where one is, what a net believes of their symbols. */
function Automaton(props: {
  label: string;
  places: Places;
  edges: readonly Edge[];
  height: number;
  here: number | null;
  /** Whether the edges out of that state may be taken now. */
  open: boolean;
  title: (state: number) => string;
  of: (symbol: string) => number;
}) {
  const { places, height, here, of } = props;
  const arrow = useId();
  return (
    <svg class="automaton" viewBox={`0 0 510 ${height}`} role="img" aria-label={props.label}>
      <marker
        id={arrow}
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
      {props.edges.map(({ symbol, from, to }) => {
        const out = props.open && from === here;
        const [[x0, y0], [x1, y1]] = [places[from], places[to]];
        const loop = from === to;
        const down = y0 > height / 2 ? 1 : -1;
        // From rim to rim.
        const [length, rim] = [Math.hypot(x1 - x0, y1 - y0) || 1, RIM + 1];
        const [ux, uy] = [((x1 - x0) / length) * rim, ((y1 - y0) / length) * rim];
        const [mx, my] = loop ? [x0 + 34, y0 + 30 * down] : [(x0 + x1) / 2 + uy, (y0 + y1) / 2 - ux];
        const d = loop
          ? `M${x0 - 8} ${y0 + 12 * down}C${x0 - 26} ${y0 + 46 * down} ${x0 + 26} ${y0 + 46 * down} ${x0 + 9} ${y0 + 17 * down}`
          : `M${x0 + ux} ${y0 + uy}L${x1 - 1.4 * ux} ${y1 - 1.4 * uy}`;
        return (
          <g key={`${from}${symbol}`}>
            <path
              class={`edge ${out ? 'out' : ''}`}
              d={d}
              marker-end={`url(#${arrow})`}
              style={out ? { strokeWidth: `${1 + 9 * of(symbol)}px` } : {}}
            />
            <text x={mx} y={my + 4}>
              {symbol}
              {out ? ` ${(100 * of(symbol)).toFixed(0)}%` : ''}
            </text>
          </g>
        );
      })}
      {places.map(([x, y], state) => {
        const title = props.title(state);
        const beside = title.length > 2;
        return (
          <g key={state}>
            <circle class={`state ${state === here ? 'here' : ''}`} cx={x} cy={y} r={RIM} />
            <text
              class={state === here && !beside ? 'here' : ''}
              x={x}
              y={beside ? y + (y < height / 2 ? -19 : 28) : y + 5}
            >
              {title}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
