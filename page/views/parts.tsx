import { useSignal } from '@preact/signals';
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

/** A view with its heading and one sentence on what to look for. */
export function Panel({
  id,
  title,
  look,
  children,
}: {
  id?: string;
  title: string;
  look: string;
  children: ComponentChildren;
}) {
  const heading = useId();
  return (
    <section class="panel" id={id} aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      <p class="look">{look}</p>
      {children}
    </section>
  );
}

/** The numbers of a view as a table, made only while it is open. */
export function Table(props: {
  name: string;
  head: readonly string[];
  rows: () => readonly (readonly (string | number)[])[];
}) {
  const open = useSignal(false);
  return (
    <details
      class="table"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{props.name} as a table</summary>
      {open.value && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <section class="scroll" tabIndex={0} aria-label={props.name}>
          <table data-name={props.name}>
            <thead>
              <tr>
                {props.head.map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {props.rows().map((row, i) => (
                <tr key={i}>
                  {row.map((cell, j) => (
                    <td key={j}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}

export function NumberField(props: {
  label: string;
  value: number;
  min?: number;
  max?: number;
  step?: number | 'any';
  onValue: (value: number) => void;
}) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <input
        type="number"
        min={props.min}
        max={props.max}
        step={props.step ?? 1}
        value={props.value}
        onChange={(event) => {
          const { value, valueAsNumber } = event.currentTarget;
          if (value === '' || !Number.isFinite(valueAsNumber)) event.currentTarget.value = String(props.value);
          else props.onValue(Math.min(Math.max(valueAsNumber, props.min ?? -1e9), props.max ?? 1e9));
        }}
      />
    </label>
  );
}

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, title: string])[];
  onValue: (value: T) => void;
}) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onValue(event.currentTarget.value as T)}>
        {props.options.map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The width of an element in CSS pixels, as it changes. */
export function useWidth<E extends HTMLElement>(first: number): [RefObject<E | null>, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(first);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(1, Math.round(entry.contentRect.width))));
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** A character as it is shown: spaces and line ends are seen. */
export function visible(char: string): string {
  if (char === '\n') return '¶';
  return char === ' ' ? '·' : char;
}

/** A character in words, for who cannot see it. */
export function spoken(char: string): string {
  if (char === '\n') return 'line end';
  return char === ' ' ? 'space' : char;
}

/** Some three digits. */
export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 0.01 && size < 10000 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}
