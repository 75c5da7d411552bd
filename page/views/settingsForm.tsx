import {
  CELL_TITLES,
  CELLS,
  DEFAULTS,
  ENGINE_TITLES,
  OPTIMIZER_NAMES,
  OWN_TEXT,
  type PageCell,
  type Settings,
  toNumber,
} from '../settings.ts';
import { begin, settings } from '../store.ts';
import { Choice, NumberField } from './parts.tsx';

/** The longest text of one's own that can be edited on the page. */
const LONGEST_SHOWN = 20_000;

const CELL_OPTIONS = CELLS.map((cell) => [cell, CELL_TITLES[cell]] as const);

/** Every setting; a change begins the training anew. */
export function SettingsForm() {
  const now = settings.value;
  const change = (part: Partial<Settings>): void => begin({ ...now, ...part });
  // Threads need shared memory, which a page has only where its host isolates it from other origins.
  const threads = crossOriginIsolated || now.threads > 1;
  const gpu = 'gpu' in navigator || now.engine === 'webgpu';
  const engines = (['wasm', 'ts', ...(gpu ? (['webgpu'] as const) : [])] as const).map(
    (engine) => [engine, ENGINE_TITLES[engine]] as const,
  );
  const number = (
    key: 'batch' | 'threads' | 'hidden' | 'steps' | 'lr' | 'clip' | 'l2' | 'seed' | 'backSteps' | 'stopAt',
    label: string,
    step: number | 'any' = 1,
  ) => (
    <NumberField
      {...{ label, step, value: now[key], min: 0 }}
      onValue={(value) => change({ [key]: toNumber(key, String(value)) })}
    />
  );
  return (
    <details class="settings">
      <summary>Settings: {summary(now)}</summary>
      <div class="row">
        <Choice
          label="text"
          value={now.text}
          options={[
            ['heron', 'The heron'],
            ['reber', 'Reber words'],
            ['embedded', 'Embedded Reber words'],
            ['addition', 'Binary addition'],
            [OWN_TEXT, 'Your own'],
          ]}
          onValue={(text) =>
            change({ text, own: text === OWN_TEXT ? 'Write or paste a text of your own here. '.repeat(8) : '' })
          }
        />
        <Choice<PageCell> label="cell" value={now.cell} options={CELL_OPTIONS} onValue={(cell) => change({ cell })} />
        <Choice<PageCell | 'none'>
          label="beside it"
          value={now.beside}
          options={[['none', 'no other net'], ...CELL_OPTIONS]}
          onValue={(beside) => change({ beside })}
        />
        {number('hidden', 'units')}
        {number('steps', 'window')}
        {number('batch', 'side by side')}
        {threads && number('threads', 'threads')}
        <Choice
          label="optimizer"
          value={now.optimizer}
          options={OPTIMIZER_NAMES.map((name) => [name, name] as const)}
          onValue={(optimizer) => change({ optimizer })}
        />
        {number('lr', 'learning rate', 'any')}
        {number('clip', 'clip at (0: never)', 'any')}
        {number('l2', 'L2', 'any')}
        <Choice
          label="initial weights"
          value={now.init}
          options={[
            ['minCharRnn', 'normal, 0.01'],
            ['torch', 'uniform, 1/√H'],
            ['orthogonal', 'orthogonal'],
            ['spectral', 'spectral norm 1'],
          ]}
          onValue={(init) => change({ init })}
        />
        <Choice
          label="bias of the units"
          value={now.bias}
          options={[
            ['input', 'yes'],
            ['none', 'no'],
          ]}
          onValue={(bias) => change({ bias })}
        />
        {number('seed', 'seed')}
        {number('backSteps', 'cut every (0: never)')}
        {number('stopAt', 'pause at (0: never)')}
        <Choice label="engine" value={now.engine} options={engines} onValue={(engine) => change({ engine })} />
      </div>
      {now.text === OWN_TEXT && now.own.length <= LONGEST_SHOWN && (
        <label class="field wide">
          <span>your text</span>
          <textarea rows={6} value={now.own} onChange={(event) => change({ own: event.currentTarget.value })} />
        </label>
      )}
      <button type="button" onClick={() => begin(DEFAULTS)}>
        Back to the defaults
      </button>
    </details>
  );
}

function summary({ cell, beside, hidden, steps, optimizer, lr, seed }: Settings): string {
  const both = beside === 'none' ? CELL_TITLES[cell] : `${CELL_TITLES[cell]} beside ${CELL_TITLES[beside]}`;
  return `${both}, ${hidden} units, windows of ${steps}, ${optimizer} at ${lr}, seed ${seed}`;
}
