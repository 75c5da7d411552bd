import { begin, message, open, running, send, settings, snapshot } from './store.ts';
import { AxisView } from './views/axis.tsx';
import { NextView, ReberView } from './views/next.tsx';
import { Presets } from './views/presets.tsx';
import { ProveView } from './views/prove.tsx';
import { SettingsForm } from './views/settingsForm.tsx';
import { SurfaceView } from './views/surface.tsx';
import { TrainingView } from './views/training.tsx';
import { WeightsView } from './views/weights.tsx';

/** Where the guides are, as seen from the page; nowhere where the page is served alone. */
const GUIDES: string | undefined = import.meta.env.VITE_GUIDES;

export function App() {
  const shown = snapshot.value;
  return (
    <>
      <header>
        <h1>bptt: look inside a recurrent net</h1>
        <p>
          A net learns to write, in your browser. Every number comes from the library{' '}
          <a href="https://github.com/bptt-js/bptt#readme">bptt</a>: states, gates, and the gradient on its way back
          through time.
          {GUIDES && (
            <>
              {' '}
              <a href={GUIDES}>Guides and reference</a>
            </>
          )}
        </p>
      </header>
      <main>
        <div class="bar">
          <button
            type="button"
            class="main"
            disabled={!shown}
            onClick={() => send({ type: 'run', running: !running.value })}
          >
            {running.value ? 'Pause' : 'Start'}
          </button>
          <button type="button" disabled={!shown || running.value} onClick={() => send({ type: 'step' })}>
            One step
          </button>
          <button
            type="button"
            disabled={!shown || running.value || shown.past === 0}
            onClick={() => send({ type: 'back' })}
          >
            One step back
          </button>
          <button type="button" onClick={() => begin(settings.value)}>
            Begin anew
          </button>
          <button type="button" disabled={!shown} onClick={() => send({ type: 'save' })}>
            Save the model
          </button>
          <label class="file">
            Open a model or a text
            <input
              type="file"
              onChange={(event) => {
                const [file] = event.currentTarget.files ?? [];
                event.currentTarget.value = '';
                if (file) void open(file);
              }}
            />
          </label>
          <button type="button" onClick={() => void navigator.clipboard.writeText(location.href)}>
            Copy the link
          </button>
          <span class="updates">
            <output data-updates={shown?.updates}>{shown ? shown.updates.toLocaleString('en') : '…'}</output> updates
          </span>
          <span class="fine engine">{shown?.engine}</span>
        </div>
        <p role="alert" class="alert">
          {message.value}
        </p>
        <Presets />
        <SettingsForm />
        <div class="columns">
          <div class="column">
            <ReberView />
            <TrainingView />
            <NextView />
          </div>
          <AxisView />
        </div>
        <div class="cards">
          <WeightsView />
          <ProveView />
          <SurfaceView />
        </div>
      </main>
    </>
  );
}
