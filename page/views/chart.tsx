import { useWidth } from './parts.tsx';

export interface Line {
  readonly name: string;
  /** Which of the page's line styles. */
  readonly style: string;
  readonly points: readonly (readonly [number, number])[];
}

interface ChartProps {
  readonly label: string;
  readonly lines: readonly Line[];
  readonly height: number;
  readonly xTitle: string;
  readonly yTitle: string;
  /** Across: the same for every chart of an axis. Default: from 0 to the largest. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  readonly logarithmic?: boolean;
  /** Without margins at the sides, to lie under an axis of its own. */
  readonly bare?: boolean;
}

const MARGIN = { left: 44, right: 18, top: 8, bottom: 34 };

/** Lines in a rectangle with two axes. */
export function Chart(props: ChartProps) {
  const [ref, width] = useWidth<HTMLDivElement>(600);
  const { lines, height, logarithmic = false, bare = false } = props;
  const margin = bare ? { left: 0, right: 0, top: 8, bottom: 8 } : MARGIN;
  const all = lines.flatMap(({ points }) => points);
  const up = (y: number): number => (logarithmic ? Math.log10(y) : y);
  const drawn = (y: number): boolean => Number.isFinite(y) && (!logarithmic || y > 0);
  const ys = all.map(([, y]) => y).filter(drawn);
  const [x0, x1] = props.xRange ?? [0, Math.max(1, ...all.map(([x]) => x))];
  let [y0, y1] = (props.yRange ?? [ys.length ? Math.min(...ys) : 1, ys.length ? Math.max(...ys) : 1]).map(up);
  if (logarithmic) [y0, y1] = [Math.floor(Math.max(y0, y1 - 24)), Math.ceil(y1)];
  if (y1 - y0 < 1e-9) y1 = y0 + 1;
  const px = (x: number): number => margin.left + ((x - x0) / (x1 - x0 || 1)) * (width - margin.left - margin.right);
  const py = (y: number): number =>
    margin.top + (1 - (Math.min(Math.max(up(y), y0), y1) - y0) / (y1 - y0)) * (height - margin.top - margin.bottom);
  const ticks = ticksOf(y0, y1, logarithmic);
  return (
    <figure class="chart">
      <div ref={ref}>
        <svg role="img" aria-label={props.label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          {ticks.map((tick) => {
            const y = py(logarithmic ? 10 ** tick : tick);
            return (
              <g key={tick}>
                <line class="grid" x1={margin.left} x2={width - margin.right} y1={y} y2={y} />
                {!(bare && y + 12 > height) && (
                  <text
                    class="tick"
                    x={bare ? 2 : margin.left - 6}
                    y={bare ? y + 12 : y + 4}
                    text-anchor={bare ? 'start' : 'end'}
                  >
                    {logarithmic ? `1e${tick}` : Number(tick.toPrecision(6))}
                  </text>
                )}
              </g>
            );
          })}
          {!bare &&
            ticksOf(x0, x1, false).map((tick) => (
              <text key={tick} class="tick" x={px(tick)} y={height - margin.bottom + 16} text-anchor="middle">
                {tick}
              </text>
            ))}
          {lines.map(({ name, style, points }) => (
            <path
              key={name}
              class={`line ${style}`}
              d={
                style.includes('ticks')
                  ? points.map(([x]) => `M${px(x).toFixed(1)} ${height - margin.bottom}v-8`).join('')
                  : pathOf(points.filter(([, y]) => drawn(y)).map(([x, y]) => [px(x), py(y)] as const))
              }
            />
          ))}
          {!bare && (
            <text class="tick" x={width - margin.right} y={height - 4} text-anchor="end">
              {props.xTitle}
            </text>
          )}
        </svg>
      </div>
      <figcaption>
        <span>{props.yTitle}</span>
        {lines.map(({ name, style }) => (
          <span key={name} class="key">
            <svg width="28" height="10" aria-hidden="true">
              <path class={`line ${style}`} d="M1 5H27" />
            </svg>
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function pathOf(points: readonly (readonly [number, number])[]): string {
  // a line of no length after the first is a dot where there is one alone
  return points
    .map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}${i === 0 ? 'h0' : ''}`)
    .join('');
}

/** Round numbers between two ends; of logarithms, whole ones. */
function ticksOf(low: number, high: number, logarithmic: boolean): number[] {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const nice = [1, 2, 5, 10].map((m) => m * unit).find((step) => step >= rough)!;
  const step = logarithmic ? Math.max(1, Math.round(nice)) : nice;
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++)
    ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}
