import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { rate } from './format.js';

/** A small plot of attempts per second. */
export function Spark({ values, label }: { values: readonly number[]; label: string }) {
  const [width, height] = [96, 24];
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, index) => [index * step, height - 1 - (value / most) * (height - 3)] as const);
  const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      {points.length > 1 && (
        <>
          <polygon points={`0,${height} ${line} ${width},${height}`} />
          <polyline points={line} />
        </>
      )}
    </svg>
  );
}

const plotHeight = 140;
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

export interface Series<T> {
  readonly label: string;
  /** Name of a custom property of the style sheet, such as `--good`. */
  readonly colour: string;
  readonly of: (sample: T) => number | null;
}

/** A plot over time that grows with new samples. */
export function Plot<T extends { readonly at: number }>({
  samples,
  series,
  label,
  format = rate,
}: {
  samples: readonly T[];
  series: readonly Series<T>[];
  label: string;
  format?: (value: number) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data = [samples.map(({ at }) => at / 1_000), ...series.map(({ of }) => samples.map(of))] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const element = box.current!;
    const make = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element, series, format), latest.current, element);
    };
    make();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: plotHeight }));
    resized.observe(element);
    scheme.addEventListener('change', make);
    return () => {
      scheme.removeEventListener('change', make);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [samples]);
  const last = samples.at(-1);
  const now = series.map(({ label: name, of }) => `${name} ${last ? format(of(last) ?? 0) : 'unknown'}`).join(', ');
  return (
    <section class="plot" aria-label={`${label}: ${now}`}>
      <h3>
        {label}
        <span class="legend">
          {series.map(({ label: name, colour, of }) => (
            <span key={name}>
              <i class={colour.slice(2)} /> {name} <b>{last ? format(of(last) ?? 0) : '–'}</b>
            </span>
          ))}
        </span>
      </h3>
      <div ref={box} aria-hidden="true" />
    </section>
  );
}

/** The time of a mark; its day, if the marks are days apart. */
function timeOf(seconds: number, marks: readonly number[]): string {
  const isDays = marks.length > 1 && marks[1]! - marks[0]! >= 86_400;
  return isDays ? day.format(seconds * 1_000) : clock.format(seconds * 1_000);
}

function optionsOf(
  box: HTMLElement,
  series: readonly { readonly label: string; readonly colour: string }[],
  format: (value: number) => string,
): uPlot.Options {
  const colour = (name: string): string => getComputedStyle(box).getPropertyValue(name).trim();
  const [text, grid] = [colour('--muted'), colour('--line')];
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: '11px system-ui' };
  return {
    width: box.clientWidth || 300,
    height: plotHeight,
    legend: { show: false },
    cursor: { y: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [
      { ...axis, size: 26, space: 80, values: (_, at) => at.map((one) => timeOf(one, at)) },
      { ...axis, size: 52, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...series.map(({ label, colour: name }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        points: { show: false },
      })),
    ],
  };
}
