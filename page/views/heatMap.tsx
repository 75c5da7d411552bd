import { useEffect, useRef } from 'preact/hooks';
import { mapColour } from '../colours.ts';
import { dark } from '../store.ts';

/** Values [T,H] as a picture: time to the right, the units of `rows` downwards. */
export function HeatMap(props: {
  label: string;
  values: ArrayLike<number>;
  T: number;
  H: number;
  rows: readonly number[];
  /** What is drawn in the strongest colour. */
  scale: number;
  marked: number;
  onUnit: (unit: number) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { values, T, H, rows, scale, marked } = props;
  const isDark = dark.value;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(T, rows.length);
    for (const [y, unit] of rows.entries()) {
      for (let t = 0; t < T; t++) {
        const [r, g, b] = mapColour(values[t * H + unit] / scale, isDark);
        image.data.set([r, g, b, 255], (y * T + t) * 4);
      }
    }
    context.putImageData(image, 0, 0);
  });
  const place = rows.indexOf(marked);
  const height = Math.min(220, Math.max(60, rows.length * 3));
  return (
    <div class="map">
      <canvas
        ref={canvas}
        {...{ width: T, height: rows.length }}
        style={{ height: `${height}px` }}
        role="img"
        aria-label={props.label}
        onPointerDown={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const row = Math.floor(((event.clientY - box.top) / box.height) * rows.length);
          props.onUnit(rows[Math.min(Math.max(row, 0), rows.length - 1)]);
        }}
      />
      {place >= 0 && (
        <div
          class="marked"
          style={{ top: `${(place * height) / rows.length}px`, height: `${Math.max(2, height / rows.length)}px` }}
        />
      )}
    </div>
  );
}
