import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { mapColour } from '../colours.ts';
import type { ErrorSurface } from '../errorSurface.ts';
import { askForSurface, dark, surface } from '../store.ts';
import { Panel, short, Table } from './parts.tsx';

/** The id of the view. */
export const SURFACE = 'surface';

/** Notebook 003: the error of a linear net of two weights, and the way of Rprop over it. */
export function SurfaceView() {
  const drawn = surface.value;
  const shown = drawn === 'running' ? null : drawn;
  return (
    <Panel
      id={SURFACE}
      title="A linear net on its error surface"
      look="h(t) = wx·x(t) + wRec·h(t−1) learns to count ones; over ten steps the error grows like wRec to the power of 18. Rprop reads only the sign of the gradient, and walks down the cliff into the valley that leads to (1, 1)."
    >
      <button type="button" disabled={drawn === 'running'} onClick={askForSurface}>
        Draw the surface
      </button>
      <p role="status">{drawn === 'running' && 'Drawing …'}</p>
      {shown && <Surface {...shown} />}
    </Panel>
  );
}

function Surface({ wx, wRec, loss, path }: ErrorSurface) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = useSignal(path.length - 1);
  const [columns, rows] = [wx.length, wRec.length];
  const isDark = dark.value;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const heights = loss.map((value) => Math.log10(value + 1e-3));
    const [low, high] = [Math.min(...heights), Math.max(...heights)];
    const image = context.createImageData(columns, rows);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const [red, green, blue] = mapColour(-(heights[r * columns + c] - low) / (high - low), isDark);
        image.data.set([red, green, blue, 255], ((rows - 1 - r) * columns + c) * 4);
      }
    }
    context.putImageData(image, 0, 0);
  });
  // Pixels are centred on the points of the grid.
  const x = (w: number): number => ((w - wx[0]) / (wx[columns - 1] - wx[0])) * (columns - 1) + 0.5;
  const y = (w: number): number => rows - 0.5 - ((w - wRec[0]) / (wRec[rows - 1] - wRec[0])) * (rows - 1);
  const [nowX, nowY, nowLoss] = path[at.value];
  return (
    <>
      <div class="surface">
        <canvas
          ref={canvas}
          {...{ width: columns, height: rows }}
          role="img"
          aria-label={`Logarithm of the error for wx from ${wx[0]} to ${wx[columns - 1]} and wRec from ${wRec[0]} to ${wRec[rows - 1]}`}
        />
        <svg viewBox={`0 0 ${columns} ${rows}`} aria-hidden="true">
          <path
            d={path
              .slice(0, at.value + 1)
              .map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${x(a).toFixed(2)} ${y(b).toFixed(2)}`)
              .join('')}
          />
          <circle cx={x(nowX)} cy={y(nowY)} r="1.4" />
        </svg>
      </div>
      <p class="fine">
        wx from {wx[0]} to {wx[columns - 1]}, to the right; wRec from {wRec[0]} to {wRec[rows - 1]}, upwards; the darker
        (at night: the brighter) the larger the logarithm of the error.
      </p>
      <label class="field wide">
        <span>update</span>
        <input
          type="range"
          min={0}
          max={path.length - 1}
          value={at.value}
          onInput={(event) => {
            at.value = event.currentTarget.valueAsNumber;
          }}
        />
      </label>
      <p class="on-surface">
        After {at.value} updates: wx = {nowX.toFixed(3)}, wRec = {nowY.toFixed(3)}, error {short(nowLoss)}
      </p>
      <Table
        name="Way over the surface"
        head={['update', 'wx', 'wRec', 'error']}
        rows={() => path.map((point, i) => [i, ...point])}
      />
    </>
  );
}
