import { PRESETS } from '../presets.ts';
import { toLink } from '../settings.ts';
import { askForSurface, begin, cursor, probe, settings, unit } from '../store.ts';
import { SURFACE } from './surface.tsx';

export function Presets() {
  const now = toLink(settings.value);
  const chosen = PRESETS.find((preset) => toLink(preset.settings) === now);
  return (
    <nav aria-label="Starting points">
      <div class="presets">
        <span>Starting points</span>
        {PRESETS.map((preset) => (
          <button
            key={preset.name}
            type="button"
            aria-pressed={preset === chosen}
            onClick={() => {
              probe.value = '';
              cursor.value = preset.cursor;
              unit.value = preset.unit;
              begin(preset.settings);
            }}
          >
            {preset.name}
          </button>
        ))}
        <button
          type="button"
          onClick={() => {
            askForSurface();
            document.getElementById(SURFACE)?.scrollIntoView();
          }}
        >
          linear RNN
        </button>
      </div>
      {chosen && (
        <p class="look">
          {chosen.look}{' '}
          <button
            type="button"
            onClick={() => {
              cursor.value = chosen.cursor;
            }}
          >
            Cursor to character {chosen.cursor + 1}
          </button>
        </p>
      )}
    </nav>
  );
}
