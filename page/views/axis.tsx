import { useSignal } from '@preact/signals';
import { groundColour } from '../colours.ts';
import type { NetView } from '../messages.ts';
import { CELL_TITLES, type PageCell } from '../settings.ts';
import { backSteps, cursor, dark, order, probe, settings, snapshot, unit } from '../store.ts';
import { highest, orderUnits, type UnitOrder } from '../units.ts';
import { Chart, type Line } from './chart.tsx';
import { HeatMap } from './heatMap.tsx';
import { Choice, NumberField, Panel, short, spoken, Table, visible } from './parts.tsx';

/** Bits that are drawn in the strongest colour. */
const MANY_BITS = 8;

const GATE_TITLES: Readonly<Record<string, string>> = {
  ...{ i: 'input gate i', f: 'forget gate f', o: 'output gate o', g: 'candidate g', tanh_c: 'tanh c' },
  ...{ r: 'reset gate r', z: 'update gate z', n: 'candidate n', h_n: 'h_n' },
};
/** Gates lie in 0 … 1, their colour is that of their distance from ½. */
const OPENNESS = new Set(['i', 'f', 'o', 'r', 'z']);

export function AxisView() {
  const shown = snapshot.value;
  const which = useSignal(0);
  const gate = useSignal('');
  if (!shown) return null;
  const net = shown.nets[Math.min(which.value, shown.nets.length - 1)];
  const { T, H, states, gates } = net;
  const { probe: text } = shown;
  const at = Math.min(cursor.value, T - 1);
  const j = Math.min(unit.value, H - 1);
  const rows = orderUnits(states.h, T, H, order.value);
  const gateNames = Object.keys(gates);
  const open = gateNames.includes(gate.value) ? gate.value : gateNames[0];
  const choose = (chosen: number): void => {
    unit.value = chosen;
  };
  const cells = 9 * T;
  return (
    <Panel
      title="One time axis"
      look="Every column is one character of the probe, and the net reads from left to right; move the cursor and follow one moment through all views."
    >
      <label class="field wide">
        <span>probe text (type, and watch what the net expects at the last character)</span>
        <input
          type="text"
          maxLength={120}
          value={probe.value || text.join('')}
          onInput={(event) => {
            probe.value = event.currentTarget.value;
            cursor.value = Math.max(0, Array.from(event.currentTarget.value).length - 1);
          }}
        />
      </label>
      <div class="row">
        {shown.nets.length > 1 && (
          <Choice
            label="net"
            value={String(which.value)}
            options={shown.nets.map(({ cell }, i) => [String(i), title(cell)] as const)}
            onValue={(value) => {
              which.value = Number(value);
            }}
          />
        )}
        <Choice<UnitOrder>
          label="units by"
          value={order.value}
          options={[
            ['index', 'number'],
            ['variance', 'variance'],
            ['similarity', 'similarity'],
          ]}
          onValue={(value) => {
            order.value = value;
          }}
        />
        <NumberField label="unit" value={j} min={0} max={H - 1} onValue={choose} />
        {gateNames.length > 0 && (
          <Choice
            label="gate"
            value={open}
            options={gateNames.map((name) => [name, GATE_TITLES[name] ?? name] as const)}
            onValue={(value) => {
              gate.value = value;
            }}
          />
        )}
      </div>
      <TimeScroller T={T} text={text} at={at} minimum={cells}>
        <h3>Surprise: the bits of each character</h3>
        <TextRow text={text} colour={(t) => (t === 0 ? 0 : net.bits[t - 1] / MANY_BITS)} at={at} />
        <BackThroughTime nets={shown.nets} T={T} at={at} />
        <h3>The text coloured by unit {j}</h3>
        <TextRow text={text} colour={(t) => states.h[t * H + j]} at={at} />
        {Object.entries(states).map(([name, values]) => (
          <div key={name}>
            <h3>{name === 'h' ? 'Hidden states h' : `Cell states ${name}`}</h3>
            <HeatMap
              label={`${name} of ${H} units over ${T} characters`}
              {...{ values, T, H, rows }}
              scale={name === 'h' ? 1 : Math.max(1, largest(values))}
              marked={j}
              onUnit={choose}
            />
          </div>
        ))}
        {open !== undefined && (
          <div>
            <h3>{GATE_TITLES[open] ?? open}</h3>
            <HeatMap
              label={`${GATE_TITLES[open] ?? open} of ${H} units over ${T} characters`}
              values={OPENNESS.has(open) ? gates[open].map((v) => 2 * v - 1) : gates[open]}
              {...{ T, H, rows, scale: 1, marked: j, onUnit: choose }}
            />
          </div>
        )}
      </TimeScroller>
      <p class="scale" aria-hidden="true">
        <span style={{ background: groundColour(-1, dark.value) }}>−1, gate shut</span>
        <span style={{ background: groundColour(0, dark.value) }}>0, half open</span>
        <span style={{ background: groundColour(1, dark.value) }}>+1, open, {MANY_BITS} bits</span>
      </p>
      <p class="look">
        The chart is the gradient of the loss of one character, the one after the cursor, with respect to the states of
        every earlier step: where its line falls steeply, the net cannot learn from what it read there.
      </p>
      <div class="row">
        <NumberField
          label="cut the gradient every … steps (0: never)"
          value={backSteps.value}
          min={0}
          max={200}
          onValue={(value) => {
            backSteps.value = Math.round(value);
          }}
        />
      </div>
      <h3>What makes unit {j} fire</h3>
      <ol class="contexts">
        {highest(states.h, H, j, text, 5, 14).map(({ t, value, context }) => (
          <li key={t}>
            <button
              type="button"
              onClick={() => {
                cursor.value = t;
              }}
            >
              <code>{Array.from(context, visible).join('')}</code> {value.toFixed(2)}
            </button>
          </li>
        ))}
      </ol>
      <Table
        name="Surprise"
        head={['character', 'bits', `state of unit ${j}`]}
        rows={() => text.map((char, t) => [visible(char), t === 0 ? '' : net.bits[t - 1], states.h[t * H + j]])}
      />
      <Table
        name="Units at the cursor"
        head={['unit', ...Object.keys(states), ...gateNames]}
        rows={() =>
          Array.from({ length: H }, (_, k) => [
            k,
            ...[...Object.values(states), ...Object.values(gates)].map((values) => values[at * H + k]),
          ])
        }
      />
      <Table
        name="Gradient back through time"
        head={[
          'step',
          'character',
          ...shown.nets.flatMap(({ cell, norms }) => Object.keys(norms).map((n) => `${title(cell)} ${n}`)),
        ]}
        rows={() =>
          text.map((char, t) => [
            t,
            visible(char),
            ...shown.nets.flatMap(({ norms }) => Object.values(norms).map((n) => n[t])),
          ])
        }
      />
    </Panel>
  );
}

/** The cursor, and what scrolls under it where the window is narrow. */
function TimeScroller(props: {
  T: number;
  text: readonly string[];
  at: number;
  minimum: number;
  children: preact.ComponentChildren;
}) {
  const { T, text, at } = props;
  const move = (t: number): void => {
    cursor.value = Math.min(Math.max(t, 0), T - 1);
  };
  const point = (event: PointerEvent & { currentTarget: HTMLElement }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    move(Math.floor(((event.clientX - box.left) / box.width) * T));
  };
  const keys: Readonly<Record<string, number>> = {
    ...{ ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1 },
    ...{ PageUp: at + 10, PageDown: at - 10, Home: 0, End: T - 1 },
  };
  return (
    <div class="scroll">
      <div
        class="axis"
        style={{ minWidth: `${props.minimum}px` }}
        role="slider"
        tabIndex={0}
        aria-label="Cursor in the probe text"
        aria-valuemin={0}
        aria-valuemax={T - 1}
        aria-valuenow={at}
        aria-valuetext={`character ${at + 1} of ${T}: ${spoken(text[at])}`}
        onKeyDown={(event) => {
          const to = keys[event.key];
          if (to === undefined) return;
          event.preventDefault();
          move(to);
        }}
        onPointerDown={point}
        onPointerMove={(event) => {
          if (event.buttons > 0 || event.pointerType === 'mouse') point(event);
        }}
      >
        {props.children}
        <div class="cursor" style={{ left: `${(at / T) * 100}%`, width: `${100 / T}%` }} />
      </div>
    </div>
  );
}

/** The characters of the probe, each on a ground of its own colour. */
function TextRow({ text, colour, at }: { text: readonly string[]; colour: (t: number) => number; at: number }) {
  const isDark = dark.value;
  return (
    <div class="text">
      {text.map((char, t) => (
        <span key={t} class={t === at ? 'here' : ''} style={{ background: groundColour(colour(t), isDark) }}>
          {visible(char)}
        </span>
      ))}
    </div>
  );
}

/** The norms of the gradient of the loss after the cursor at every earlier step. */
function BackThroughTime({ nets, T, at }: { nets: readonly NetView[]; T: number; at: number }) {
  const lines: Line[] = nets.flatMap(({ cell, norms }, i) =>
    Object.entries(norms)
      .filter(([name]) => name !== 'x')
      .map(([name, values]) => ({
        name: `${title(cell)}: norm of ∂L/∂${name}`,
        style: `${'ab'[i]}${name === 'h' ? '' : ' dashed'}`,
        points: Array.from(values.subarray(0, at + 1), (norm, t) => [t + 0.5, norm] as const).filter(([, n]) => n > 0),
      })),
  );
  return (
    <div>
      <h3>
        Back through time from character {at + 1}
        {settings.value.backSteps > 0 ? ` (training cuts every ${settings.value.backSteps} steps)` : ''}
      </h3>
      <Chart
        label={`Norm of the gradient of the loss after character ${at + 1} at every earlier step, from ${short(last(nets[0], at))} at the cursor to ${short(nets[0].norms.h[0])} at the first character`}
        {...{ lines, height: 180, bare: true, logarithmic: true, xRange: [0, T] as const }}
        xTitle=""
        yTitle="norm of the gradient, logarithmic"
      />
    </div>
  );
}

function last(net: NetView, at: number): number {
  return net.norms.h[Math.min(at, net.T - 2)];
}

function title(cell: string): string {
  return CELL_TITLES[cell as PageCell] ?? cell;
}

function largest(values: Float32Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}
